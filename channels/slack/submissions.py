"""Submitted modals: a decision with what the person typed, and the reasons beside the fields where it cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from bot.core.errors import Invalid, NotFound, SaysoError, Stale, Unavailable
from bot.core.model import Person, Verb
from bot.core.ports import Ballot
from bot.core.token import BadToken, Shown
from channels.slack import draw
from channels.slack.answering import read_answer
from channels.slack.answers import Answer
from channels.slack.forms import beside_fields, last_input, read_submission
from channels.slack.presses import VIA, act_of, ballot_of
from channels.slack.surface import BROKEN, LATE, LOG, Act, Surface, TooSlow
from channels.slack.words import ANSWER, VERBS

_TITLE = "Not decided"


class Submissions:
    """Answers submitted modals."""

    def __init__(self, surface: Surface) -> None:
        """Everything it needs of Slack and of the house comes through the surface."""
        self._surface = surface

    async def submit(self, body: Mapping[str, Any]) -> Answer:
        """What one submission comes to: closed, errors beside fields, or a refusal in the modal's place."""
        act, view = act_of(body), body["view"]
        try:
            return await self._surface.in_time(act, lambda: self._submitted(act, view))
        except TooSlow as slow:
            self._surface.later(self._tell_at_last(act, view, slow.work))
            return Answer.beside({last_input(view["blocks"]): LATE})

    async def _tell_at_last(self, act: Act, view: Mapping[str, Any], work: asyncio.Task[Answer]) -> None:
        answer = await work
        if answer.said is None:
            return
        shown, channel = self._opened(str(view.get("private_metadata") or ""))
        await self._surface.tell(replace(act, channel=channel), answer.said, request=shown.request)

    async def _submitted(self, act: Act, view: Mapping[str, Any]) -> Answer:
        request: str | None = None
        verb = VERBS[view["callback_id"]]
        try:
            shown, channel = self._opened(str(view.get("private_metadata") or ""))
            request, act = shown.request, replace(act, channel=channel)
            person = await self._surface.person(act)
            ballot = await self._ballot(person, verb, shown, view)
        except Invalid as wrong:
            return Answer.beside(beside_fields(wrong.faults, view["blocks"]))
        except SaysoError as refusal:
            await self._surface.refuse(act, refusal, via=VIA, request=request, say=False)
            return await self._instead(refusal.detail, request)
        try:
            await self._surface.reviews.decide(ballot)
        except SaysoError as refusal:  # the house has recorded it
            return await self._refused(refusal, view, request)
        except Exception:  # noqa: BLE001  # the person must not be left believing that it worked
            LOG.exception("slack: a submission of %s on %s failed", verb, request)
            return await self._instead(BROKEN, request)
        self._surface.later(self._surface.refresh_home(person, act.actor.user))
        return Answer.done()

    async def _refused(self, refusal: SaysoError, view: Mapping[str, Any], request: str | None) -> Answer:
        """Beside the fields where that is what is wrong, or where the same form can be sent again."""
        if refusal.faults:
            return Answer.beside(beside_fields(refusal.faults, view["blocks"]))
        if isinstance(refusal, Unavailable):
            return Answer.beside({last_input(view["blocks"]): refusal.detail})
        return await self._instead(refusal.detail, request)

    def _opened(self, metadata: str) -> tuple[Shown, str]:
        """What the card showed from which the modal was opened, and in which channel that stands."""
        value = self._surface.forms.read(metadata)
        if not isinstance(value, list) or len(value) != 2 or not all(isinstance(v, str) for v in value):  # noqa: PLR2004  # a pair
            raise BadToken
        return self._surface.cards.read_shown(value[0]), value[1]

    async def _ballot(self, person: Person, verb: Verb, shown: Shown, view: Mapping[str, Any]) -> Ballot:
        request = await self._surface.reviews.request(shown.request)
        if request is None:
            raise NotFound
        fields = self._surface.reviews.fields(request)
        if verb is Verb.APPROVE_WITH_EDITS and request.revision != shown.revision and request.state.open:
            # What was typed belongs to other arguments than the present ones: it must not be laid over them.
            raise Stale
        if view["callback_id"] == ANSWER:
            return ballot_of(person, verb, shown, read_answer(view, request))
        return ballot_of(person, verb, shown, read_submission(view, request, fields))

    async def _instead(self, text: str, request: str | None) -> Answer:
        card = await self._surface.reviews.card(request) if request else None
        return Answer.instead(draw.notice(_TITLE, text, card.url if card else None), text)
