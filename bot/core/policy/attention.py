"""``attention:`` and ``practice:``: what guards against judging without looking, and drills that keep people awake."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import Struct

from bot.core.model import Arguments, Risk


class CoolDown(Struct, frozen=True, kw_only=True):
    """Who decided ``after`` requests within ``per``, with no pause of ``rest``, approves nothing more for so long.

    They may reject, ask and escalate meanwhile: nobody is kept from stopping something.
    """

    after: int
    per: timedelta
    rest: timedelta


class Attention(Struct, frozen=True, kw_only=True):
    """``attention:``. Without any of its guards, only what is too fast to have been read is counted.

    ``reading`` is how many characters a second nobody reads faster than. An approval of a risk among ``reason_for``
    needs a comment. After ``second_after`` approvals in a row of one action by one person, without an edit, a rejection
    or a question of theirs between, their next one of it takes a second person's.
    """

    reading: float = 50.0
    reason_for: tuple[Risk, ...] = ()
    second_after: int | None = None
    cool_down: CoolDown | None = None


class PracticeRequest(Struct, frozen=True, kw_only=True):
    """One known bad request, as an agent might propose it, and what is wrong with it, told once it is decided."""

    name: str
    agent: str
    action: str
    lesson: str
    arguments: Arguments = {}
    reason: str | None = None
    confidence: float | None = None
    context: dict[str, Any] = {}


class Practice(Struct, frozen=True, kw_only=True):
    """``practice:``: declared drills of attention. ``announced`` is how the team was told, shown on the inbox's pages.

    About once in ``every`` one of ``requests`` is put before the people of ``chain``, at a moment nobody knows. It can
    never run.
    """

    announced: str
    chain: str
    every: timedelta = timedelta(days=7)
    requests: tuple[PracticeRequest, ...] = ()
