"""What a form over many requests says: one decision for what is ticked, the opposite for what is marked so.

What is neither stays as it is. Each becomes a ballot of its own, on the revision and digest that its row showed.
"""

from __future__ import annotations

from urllib.parse import urlencode

from bot.core.errors import Fault, Invalid
from bot.core.model import Verb
from bot.core.ports import Ballot
from bot.web.inbox import wording
from bot.web.inbox.ballots import MAX_COMMENT, long_text, number
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import Said, words
from bot.web.inbox.site import VIA

MOST = 200
"""Requests in one form: more than anybody reads at a time, and no larger a page than a browser likes."""

TICK = "tick:"
"""A ticked box is ``tick:<request>`` = ``<revision>:<digest>``: its very name and value bind it to what was shown."""

OPPOSITE = "other:"
"""The same for a box that decides the opposite; it counts before a tick."""

_TOO_MANY = words("At most {limit} requests are decided together, and these are {count}. Pick fewer.")
_NOT_ALL_GOOD = words("Some are to be rejected. Say why, so that the agent and the next reviewer can learn from it.")
_OPPOSITES = {Verb.APPROVE: Verb.REJECT, Verb.REJECT: Verb.APPROVE}


def limited(ids: list[str]) -> tuple[str, ...]:
    """Each id once, in the order given; raises `Invalid` where they are more than one form takes."""
    found = tuple(dict.fromkeys(ids))
    if len(found) > MOST:
        raise Invalid(Said(_TOO_MANY, limit=MOST, count=len(found)))
    return found


def ballots_of(visitor: Visitor, form: Form) -> list[Ballot]:
    """What the form says; raises `Invalid` with a fault beside each field that has to be filled in otherwise."""
    said, comment = form.get("decision", ""), long_text(form, "comment")
    if said not in (Verb.APPROVE, Verb.REJECT):
        raise Invalid(wording.UNKNOWN_DECISION if said else wording.NO_BUTTON)
    verb = Verb(said)
    chosen = {id_: (verb, bound) for id_, bound in _under(TICK, form).items()}
    chosen |= {id_: (_OPPOSITES[verb], bound) for id_, bound in _under(OPPOSITE, form).items()}
    limited(list(chosen))
    rejects = verb is Verb.REJECT or any(each is Verb.REJECT for each, _ in chosen.values())
    faults: list[Fault] = []
    if not chosen:
        faults.append(Fault("/ticks", "required", wording.NONE_TICKED))
    if rejects and form.get("category") not in wording.CATEGORIES:
        faults.append(Fault("/category", "required", wording.NO_CATEGORY))
    if rejects and not comment:
        faults.append(Fault("/comment", "required", wording.NO_REASON if verb is Verb.REJECT else _NOT_ALL_GOOD))
    if len(comment) > MAX_COMMENT:
        faults.append(Fault("/comment", "too_long", Said(wording.TOO_LONG, limit=MAX_COMMENT)))
    if faults:
        raise Invalid(faults[0].detail, faults=tuple(faults))
    # Where some are rejected, what is said is why; it is no remark on what is approved beside them.
    remark = "" if rejects else comment
    return [
        _ballot(visitor, id_, bound, each, *((comment, form["category"]) if each is Verb.REJECT else (remark, None)))
        for id_, (each, bound) in chosen.items()
    ]


def _under(prefix: str, form: Form) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in form.items() if key.startswith(prefix)}


def _ballot(visitor: Visitor, request: str, bound: str, verb: Verb, *said: str | None) -> Ballot:
    comment, category = said
    revision, _, digest = bound.partition(":")
    return Ballot(
        request=request,
        decision=verb,
        by=visitor.person.id,
        channel=VIA,
        revision=number(revision),
        digest=digest,
        comment=comment or None,
        category=category,
    )


def address_of(ids: tuple[str, ...]) -> str:
    """The page on which these requests are decided together."""
    return f"/inbox/together?{urlencode([('pick', id_) for id_ in ids])}"
