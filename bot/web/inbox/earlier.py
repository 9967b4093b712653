"""Earlier requests of the same agent for the same action: how they ended, by whom, how long that took."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from bot.core.alignment import Effort
from bot.core.card import edit_text
from bot.core.edits import differences
from bot.core.model import Request, State, Verb
from bot.core.ports import Filter, Store
from bot.core.redaction import shown
from bot.web.inbox.record import state_text

_LOOKED_AT = 20
_LISTED = 5
_FEW = 5
"""Below so many, a count says nothing about the next one."""

_SAID = 3
_LONG = 80
_CLOSED = tuple(state for state in State if not state.open)


class Ended(Struct, frozen=True, kw_only=True):
    """One of them. ``by`` names who decided (empty: a rule, the agent or silence), ``took`` from proposal to end.

    ``differs`` are (argument, what it is here and there) pairs, already `visible`; ``more`` counts those left out.
    """

    request: Request
    state: str
    by: tuple[str, ...]
    took: timedelta
    differs: tuple[tuple[str, str], ...]
    more: int


class Earlier(Struct, frozen=True, kw_only=True):
    """The newest of them one by one, and how all that were looked at ended; ``few``: too few to go by."""

    listed: tuple[Ended, ...]
    looked_at: int
    unchanged: int
    by_rule: int
    edited: int
    rejected: int
    expired: int
    withdrawn: int
    blocked: int
    few: bool


async def earlier_of(store: Store, request: Request, names: Mapping[str, str]) -> Earlier:
    """The newest closed requests of the same agent and action, this one left out."""
    query = Filter(states=_CLOSED, agent=request.agent, action=request.action, limit=_LOOKED_AT + 1, spoilt=True)
    found = [shown(one) for one in await store.requests(query) if one.id != request.id][:_LOOKED_AT]
    states = [one.state for one in found]
    effort = Effort()
    by_rule = sum(one.state is State.APPROVED and not one.votes for one in found)
    return Earlier(
        listed=tuple(_ended(one, request, names, effort) for one in found[:_LISTED]),
        looked_at=len(found),
        unchanged=states.count(State.APPROVED) - by_rule,
        by_rule=by_rule,
        edited=states.count(State.APPROVED_WITH_EDITS),
        rejected=states.count(State.REJECTED),
        expired=states.count(State.EXPIRED),
        withdrawn=states.count(State.CANCELLED),
        blocked=states.count(State.BLOCKED),
        few=len(found) < _FEW,
    )


def _ended(one: Request, here: Request, names: Mapping[str, str], effort: Effort) -> Ended:
    edits = differences(here.content.arguments, one.content.arguments)
    wanted = (Verb.REJECT,) if one.state is State.REJECTED else (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)
    votes = one.votes if one.state is State.REJECTED or one.state.approved else ()
    voters = dict.fromkeys(vote.by for vote in votes if vote.decision in wanted)
    return Ended(
        request=one,
        state=state_text(one),
        by=tuple(names.get(person, person) for person in voters),
        took=(one.decided_at or one.created_at) - one.created_at,
        differs=tuple((edit.pointer, _short(edit_text(edit, effort))) for edit in edits[:_SAID]),
        more=max(len(edits) - _SAID, 0),
    )


def _short(text: str) -> str:
    line = text.replace("\n", " ")
    return line if len(line) <= _LONG else f"{line[: _LONG - 1]}…"
