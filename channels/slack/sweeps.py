"""Approve all and Reject all: each request of the message is decided by itself, and the person told what came of it.

The button's token says which message it stood on and what that showed; both were committed before it was sent. Whether
this person may decide is asked anew for each request (threat T8), and so is whether it is still what was shown (T5).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from bot.core.errors import NotFullyShown, SaysoError, Unavailable
from bot.core.model import Person, Verb
from bot.core.ports import Ballot, Correspondence, KeyItem, ReplyKey
from bot.core.replying import reasons
from bot.core.token import BadToken, Tokens, hash_of
from channels.slack.answers import Answer
from channels.slack.bundle import approvable
from channels.slack.presses import NAME, VIA, act_of
from channels.slack.sizes import clip
from channels.slack.surface import BROKEN, LATE, LOG, Act, Surface, TooSlow
from channels.slack.words import ALL

_SAID = {Verb.APPROVE: "Approved", Verb.REJECT: "Rejected"}
_REASONS, _TITLES, _TITLE, _DETAIL = 5, 4, 50, 250


class Came(Struct, frozen=True):
    """What came of one request: its title, and why it was not decided (None: it was)."""

    title: str
    refused: str | None
    unfinished: bool = False


class Sweeps:
    """Answers presses of the buttons for all."""

    def __init__(self, surface: Surface, house: Correspondence, tokens: Tokens) -> None:
        """``tokens`` read what the buttons carry."""
        self._surface = surface
        self._house = house
        self._tokens = tokens

    async def press(self, body: Mapping[str, Any]) -> Answer:
        """What one press comes to; it is acknowledged once every decision in it is committed or refused."""
        act, action = act_of(body), body["actions"][0]
        verb, token = ALL[action["action_id"]], str(action.get("value") or "")
        pressed = f"{act.trigger}\n{action.get('action_ts')}\n{act.actor.user}\n{token}"
        try:
            return await self._surface.in_time(act, lambda: self._swept(act, verb, token, pressed))
        except TooSlow:
            self._surface.later(self._surface.tell(act, LATE))
            return Answer.unfinished()

    async def _swept(self, act: Act, verb: Verb, token: str, pressed: str) -> Answer:
        first: str | None = None
        try:
            key = await self._key(token)
            first = key.items[0].request
            person = await self._surface.person(act)
            if verb is Verb.APPROVE and not approvable(key.items):
                raise NotFullyShown
        except SaysoError as refusal:
            await self._surface.refuse(act, refusal, via=VIA, request=first)
            return Answer.unfinished() if isinstance(refusal, Unavailable) else Answer.done()
        # A press that arrives again is the same decisions, whichever process it comes to.
        came = [await self._decided(person, verb, item, pressed) for item in key.items if item.number]
        self._surface.later(self._surface.tell(act, told(verb, came)))
        self._surface.later(self._surface.refresh_home(person, act.actor.user))
        return Answer.unfinished() if any(each.unfinished for each in came) else Answer.done()

    async def _key(self, token: str) -> ReplyKey:
        """What the button stands for. Raises `BadToken` for what we never signed, or have forgotten."""
        self._tokens.read(token)
        key = await self._house.reply_key(hash_of(token))
        if key is None or key.channel != NAME or not key.items:
            raise BadToken
        return key

    async def _decided(self, person: Person, verb: Verb, item: KeyItem, pressed: str) -> Came:
        said = f"{pressed}\n{verb}\n{item.request}"
        ballot = Ballot(
            id="dec_" + hashlib.sha256(said.encode()).hexdigest()[:26],
            request=item.request,
            decision=verb,
            by=person.id,
            channel=NAME,
            revision=item.revision,
            digest=item.digest,
            fully_shown=item.fully_shown,
        )
        title = item.request
        try:
            card = await self._house.card(item.request)
            title = card.title if card else title
            await self._house.decide(ballot)
        except SaysoError as refusal:  # the house has recorded it
            return Came(title, reasons(refusal), isinstance(refusal, Unavailable))
        except Exception:  # noqa: BLE001  # the others are decided all the same, and the person told of this one
            LOG.exception("slack: a press for all failed on %s", item.request)
            return Came(title, BROKEN, unfinished=True)
        return Came(title, None)


def told(verb: Verb, came: Sequence[Came]) -> str:
    """What came of it: how many went through, and for each reason which did not."""
    through = sum(each.refused is None for each in came)
    lines = [f"{_SAID[verb]}: {through} of {len(came)}."]
    if not came:
        lines = ["Nothing in this message waited for a decision any more."]
    by_reason: dict[str, list[str]] = {}
    for each in came:
        if each.refused is not None:
            by_reason.setdefault(each.refused, []).append(each.title)
    for reason, titles in list(by_reason.items())[:_REASONS]:
        named = ", ".join(f"“{clip(title, _TITLE)[0]}”" for title in titles[:_TITLES])
        more = f" and {len(titles) - _TITLES} more" if len(titles) > _TITLES else ""
        lines.append(f"Not {named}{more}: {clip(reason, _DETAIL)[0]}")
    if len(by_reason) > _REASONS:
        rest = sum(len(titles) for titles in list(by_reason.values())[_REASONS:])
        lines.append(f"And not {rest} more, for other reasons: their cards say how they stand.")
    return "\n".join(lines)
