"""What may be done and by whom it is asked: actions, how each runs, agents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct

from bot.core.model import Arguments, Risk
from bot.core.policy.expressions import ArgumentSchema, Condition, Filling, Title


class Execute(Struct, frozen=True, kw_only=True):
    """How an approved action runs: exactly one of ``webhook`` (URL), ``python`` (``module:name``) or ``agent``.

    ``timeout`` bounds one attempt (for ``agent``: how long its report may take before the outcome is unknown).
    ``attempts`` bounds tries that never started, and, where ``idempotent``, all tries. With none of the ways nothing
    runs at all, as for the house's own actions (`HOUSE`).
    """

    webhook: str | None = None
    python: str | None = None
    agent: bool = False
    timeout: timedelta = timedelta(seconds=10)
    idempotent: bool = False
    attempts: int = 5

    @property
    def target(self) -> str:
        """What the digest binds."""
        return self.webhook or self.python or ("agent" if self.agent else "nothing")

    @property
    def nothing(self) -> bool:
        """Whether an approval runs nothing."""
        return self.webhook is None and self.python is None and not self.agent


BY_AGENT = Execute(agent=True, timeout=timedelta(hours=24))
HOUSE = "sayso."
"""What the names of the house's own actions begin with; no agent may ask for one, and approving one runs nothing."""
DRILL = "sayso.drill"
GLASS_REVIEW = "sayso.break_glass_review"
REVIEW_AFTER = "sayso.review_after"
TRUST = "sayso.trust"
TRUST_ENDED = "sayso.trust_ended"
TRUST_LASTS = timedelta(days=7)
"""How long a proposal of what was earned waits for an admin, and word of its end to be seen."""
REVIEW_LASTS = timedelta(days=7)
"""How long a review afterwards waits for somebody."""
COOLDOWN = timedelta(days=7)
"""For how long a rejection keeps the same content from running by rule, unless the action says otherwise."""


class Otherwise(StrEnum):
    """What a failed check of the house leads to."""

    PERSON = "person"
    BLOCK = "block"


class PolicyCheck(Struct, frozen=True, kw_only=True):
    """One entry of an action's ``checks:``. Where ``that`` does not hold, or cannot be answered, it has failed."""

    name: str
    that: Condition
    otherwise: Otherwise = Otherwise.PERSON


class Rollback(Struct, frozen=True, kw_only=True):
    """The declared way back: another action and its arguments (templates over the original's, and over its result)."""

    action: str
    arguments: Mapping[str, Any]
    filling: Filling | None = None


class ActionSpec(Struct, frozen=True, kw_only=True):
    """One entry of ``actions:``. ``editable`` None: every argument may be edited; empty: none.

    ``critical``: no rule approves it. ``cooldown``: for how long a rejection keeps the same content from a rule.
    ``redact`` are pointers of arguments that no card shows, ``subject`` that of the one which says whose data it is.
    """

    name: str
    title: Title | None = None
    risk: Risk = Risk.IRREVERSIBLE
    schema: ArgumentSchema | None = None
    editable: tuple[str, ...] | None = None
    undo_window: timedelta = timedelta(0)
    execute: Execute = BY_AGENT
    rollback: Rollback | None = None
    critical: bool = False
    cooldown: timedelta = COOLDOWN
    checks: tuple[PolicyCheck, ...] = ()
    redact: tuple[str, ...] = ()
    subject: str | None = None

    def secret(self, arguments: Arguments) -> tuple[str, ...]:
        """Pointers of what no card shows of these arguments: the admin's own, and those of the schema."""
        return self.redact + (self.schema.secret(arguments) if self.schema else ())


class AgentSpec(Struct, frozen=True, kw_only=True):
    """One entry of ``agents:``. ``per_minute`` and ``pending`` cap its submissions and its open requests."""

    name: str
    owner: str | None = None
    per_minute: int | None = None
    pending: int | None = None
    webhook: str | None = None
