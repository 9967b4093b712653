"""What routing.yaml means, as values: people, actions, chains, rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from msgspec import Struct

from bot.core.errors import Fault
from bot.core.model import Absence, Arguments, OnExpiry, OnIrreversible, Person, Replies, Risk, Submission, Then
from bot.core.policy.people import Schedule, WorkTime

DEFAULT_EXPIRES = timedelta(hours=24)


class ConditionFailed(Exception):
    """A condition could not be answered for this submission, as when it reads a field that is not there."""


class Condition(Protocol):
    """A compiled, type-checked condition."""

    @property
    def source(self) -> str:
        """As written."""

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds; raises `ConditionFailed`."""


class ArgumentSchema(Protocol):
    """A compiled JSON Schema of an action's arguments."""

    @property
    def document(self) -> Mapping[str, Any]:
        """The schema as written."""

    def faults(self, arguments: Arguments) -> tuple[Fault, ...]:
        """Every fault, pointers relative to the arguments (`/amount`)."""


class Title(Protocol):
    """A compiled title template; the template is the admin's, the agent only fills its blanks."""

    def render(self, arguments: Arguments) -> str:
        """One line of plain text; the action's name where the template cannot be filled."""


class Execute(Struct, frozen=True, kw_only=True):
    """How an approved action runs: exactly one of ``webhook`` (URL), ``python`` (``module:name``) or ``agent``.

    ``timeout`` bounds one attempt (for ``agent``: how long its report may take before the outcome is unknown).
    ``attempts`` bounds tries that never started, and, where ``idempotent``, all tries.
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
        return self.webhook or self.python or "agent"


BY_AGENT = Execute(agent=True, timeout=timedelta(hours=24))


class Rollback(Struct, frozen=True, kw_only=True):
    """The declared way back: another action and its arguments (templates over the original's)."""

    action: str
    arguments: Mapping[str, Any]


class ActionSpec(Struct, frozen=True, kw_only=True):
    """One entry of ``actions:``. ``editable`` None: every argument may be edited; empty: none."""

    name: str
    title: Title | None = None
    risk: Risk = Risk.IRREVERSIBLE
    schema: ArgumentSchema | None = None
    editable: tuple[str, ...] | None = None
    undo_window: timedelta = timedelta(0)
    execute: Execute = BY_AGENT
    rollback: Rollback | None = None


class AgentSpec(Struct, frozen=True, kw_only=True):
    """One entry of ``agents:``. ``per_minute`` and ``pending`` cap its submissions and its open requests."""

    name: str
    owner: str | None = None
    per_minute: int | None = None
    pending: int | None = None
    webhook: str | None = None


class ChainStep(Struct, frozen=True, kw_only=True):
    """One step as written: whom (people or groups), through which channels (empty: all), and for how long."""

    notify: tuple[str, ...]
    via: tuple[str, ...] = ()
    wait: timedelta | None = None
    remind: timedelta | None = None
    digest: timedelta | None = None


class StageSpec(Struct, frozen=True, kw_only=True):
    """One stage of a rule; with ``condition`` it is asked only where that holds, or cannot be answered."""

    name: str
    chain: str
    approvals: int = 1
    condition: Condition | None = None


class Rule(Struct, frozen=True, kw_only=True):
    """One rule; ``when`` None holds always. ``gate`` is the confidence below which a rule does not approve.

    ``replies`` and ``irreversible``: what a letter written back may decide (None: as `Policy` says for all).
    """

    name: str
    then: Then
    when: Condition | None = None
    stages: tuple[StageSpec, ...] = ()
    gate: float | None = None
    expires: timedelta = DEFAULT_EXPIRES
    on_expiry: OnExpiry = OnExpiry.EXPIRE
    allow_self: bool = False
    replies: Replies | None = None
    irreversible: OnIrreversible | None = None


class Expectation(Struct, frozen=True, kw_only=True):
    """One entry of ``tests:``: a submission and what must come of it (None: not checked)."""

    name: str
    given: Submission
    agent: str
    rule: str | None = None
    then: Then | None = None
    stages: tuple[str, ...] | None = None


class Policy(Struct, frozen=True, kw_only=True):
    """A whole routing.yaml, checked. ``hash`` is ``sha256:`` + hex of the file, which the audit trail names.

    ``channels`` holds each channel's own section as read (the channel knows what it means); ``allow_private`` lists
    the networks (CIDR) that replays may reach though they are not global. ``replies`` and ``irreversible`` hold where
    a rule says nothing else. ``hours`` and ``away`` are by person, for those who have any.
    """

    hash: str
    people: Mapping[str, Person]
    groups: Mapping[str, tuple[str, ...]]
    agents: Mapping[str, AgentSpec]
    channels: Mapping[str, Mapping[str, Any]]
    actions: Mapping[str, ActionSpec]
    chains: Mapping[str, tuple[ChainStep, ...]]
    rules: tuple[Rule, ...]
    default: Rule
    allow_private: tuple[str, ...] = ()
    tests: tuple[Expectation, ...] = ()
    replies: Replies = Replies.APPROVE
    irreversible: OnIrreversible = OnIrreversible.PAGE
    schedules: Mapping[str, Schedule] = {}
    calendars: Mapping[str, WorkTime] = {}
    hours: Mapping[str, WorkTime] = {}
    away: Mapping[str, tuple[Absence, ...]] = {}

    def action(self, name: str) -> ActionSpec:
        """The action's entry; one that is not listed is irreversible and run by its agent."""
        return self.actions.get(name) or ActionSpec(name=name)

    def members(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """People and groups as written, resolved to people, in order, each once."""
        return tuple(dict.fromkeys([p for name in names for p in self.groups.get(name, (name,))]))

    def title(self, action: str, arguments: Arguments) -> str:
        """The request's title, of the admin's making alone."""
        template = self.action(action).title
        return template.render(arguments) if template else action
