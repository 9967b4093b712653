"""Buttons on a card: approve and escalate decide at once; edit, reject, ask and answers open a modal first.

Verify (done before anything comes here), authorise, decide, and only then answer Slack: what a person sees
acknowledged is committed (promise P9). Nothing is guarded in memory; the house's conditional update decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.core import lifecycle
from bot.core.card import Card
from bot.core.errors import NotFound, SaysoError, Unavailable
from bot.core.model import Kind, Person, Request, Verb
from bot.core.ports import Ballot, Clock
from bot.core.token import Shown
from channels.slack import forms
from channels.slack.answering import answer_modal
from channels.slack.answers import Answer
from channels.slack.api import CallFailed
from channels.slack.people import Actor
from channels.slack.settings import LOOK_UP_WITHIN
from channels.slack.surface import BROKEN, LATE, LOG, Act, Surface, TooSlow
from channels.slack.words import ACTION_IDS, VERBS

VIA = "slack"
NAME = "slack"


def actor_of(body: Mapping[str, Any]) -> Actor:
    """Who Slack says pressed, submitted or typed."""
    user, team, enterprise = body.get("user") or {}, body.get("team") or {}, body.get("is_enterprise_install")
    named = (team.get("id") or body.get("team_id"), user.get("team_id"))
    return Actor(
        user=str(user.get("id") or body.get("user_id") or ""),
        teams=tuple(str(t) for t in named if t),
        org_wide=enterprise not in (None, False, "false"),
    )


def act_of(body: Mapping[str, Any]) -> Act:
    """One press, submission or command out of its payload."""
    container, channel = body.get("container") or {}, body.get("channel") or {}
    action: Mapping[str, Any] = next(iter(body.get("actions") or ()), {})
    trigger = str(body.get("trigger_id") or "")
    thread = str(container.get("thread_ts") or "")
    what = action.get("action_id") or (body.get("view") or {}).get("callback_id") or body.get("command") or ""
    return Act(
        actor=actor_of(body),
        key=f"{trigger}/{what}" if trigger else "",
        channel=str(channel.get("id") or body.get("channel_id") or ""),
        # Under a card that has replies Slack names its own thread, where somebody in the channel would not see a word.
        thread="" if thread == container.get("message_ts") else thread,
        trigger=trigger,
        response_url=str(body.get("response_url") or ""),
    )


class Presses:
    """Answers presses of a card's buttons."""

    def __init__(self, surface: Surface, clock: Clock) -> None:
        """Everything it needs of Slack and of the house comes through the surface."""
        self._surface = surface
        self._clock = clock

    async def press(self, body: Mapping[str, Any]) -> Answer:
        """What one press comes to; the answer to Slack says only whether it was dealt with."""
        act, action = act_of(body), body["actions"][0]
        verb, token = VERBS[action["action_id"]], str(action.get("value") or "")
        try:
            return await self._surface.in_time(act, lambda: self._pressed(act, verb, token))
        except TooSlow:
            self._surface.later(self._surface.tell(act, LATE))
            return Answer.unfinished()

    async def _pressed(self, act: Act, verb: Verb, token: str) -> Answer:
        request: str | None = None
        try:
            shown = self._surface.cards.read_shown(token)
            request = shown.request
            person = await self._surface.person(act)
        except SaysoError as refusal:
            await self._surface.refuse(act, refusal, via=VIA, request=request)
            return Answer.unfinished() if isinstance(refusal, Unavailable) else Answer.done()
        try:
            if verb is Verb.ESCALATE or (verb is Verb.APPROVE and await self._approves(shown)):
                return await self._decide(act, person, verb, shown)
            return await self._open(act, person, verb, shown)
        except Unavailable as refusal:
            self._surface.later(self._surface.tell(act, refusal.detail, request=request))
            return Answer.unfinished()
        except Exception:  # noqa: BLE001  # the person must not be left believing that it worked
            LOG.exception("slack: a press of %s on %s failed", verb, request)
            self._surface.later(self._surface.tell(act, BROKEN, request=request))
            return Answer.unfinished()

    async def _approves(self, shown: Shown) -> bool:
        """Whether Approve decides by itself, or needs an answer or a reason; what is gone the house refuses."""
        request = await self._surface.reviews.request(shown.request)
        return request is None or (request.kind is Kind.APPROVAL and not request.route.needs_reason)

    async def _decide(self, act: Act, person: Person, verb: Verb, shown: Shown) -> Answer:
        try:
            await self._surface.reviews.decide(ballot_of(person, verb, shown))
        except SaysoError as refusal:  # the house has recorded it
            self._surface.later(self._surface.tell(act, refusal.detail, request=shown.request))
            return Answer.unfinished() if isinstance(refusal, Unavailable) else Answer.done()
        self._surface.later(self._surface.refresh_home(person, act.actor.user))
        return Answer.done()

    async def _open(self, act: Act, person: Person, verb: Verb, shown: Shown) -> Answer:
        try:
            view = await self._view(act, person, verb, shown)
        except SaysoError as refusal:
            await self._surface.refuse(act, refusal, via=VIA, request=shown.request)
            return Answer.done()
        try:
            await self._surface.api.write("views.open", within=LOOK_UP_WITHIN, trigger_id=act.trigger, view=view)
        except CallFailed as failed:
            LOG.warning("slack: a form could not be opened: %s", failed.code)
            why = "Slack did not open the form in time. Nothing was changed: press again."
            self._surface.later(self._surface.tell(act, why, request=shown.request))
        return Answer.done()

    async def _view(self, act: Act, person: Person, verb: Verb, shown: Shown) -> dict[str, Any]:
        request, card = await self._current(shown.request)
        # Said now, so that nobody fills in a form for nothing; the decision itself is judged again when it is made.
        lifecycle.authorise(request, ballot_of(person, verb, shown), self._clock.now())
        metadata = self._surface.forms.sign([self._surface.cards.sign_shown(shown), act.channel])
        if verb is Verb.APPROVE and request.kind is not Kind.APPROVAL:
            return answer_modal(card, request, metadata)
        if verb is not Verb.APPROVE_WITH_EDITS:
            return forms.comment_modal(ACTION_IDS[verb], card, metadata)
        fields = self._surface.reviews.fields(request)
        return forms.edit_modal(card, fields, request.content.arguments, metadata)

    async def _current(self, request_id: str) -> tuple[Request, Card]:
        request = await self._surface.reviews.request(request_id)
        card = await self._surface.reviews.card(request_id)
        if request is None or card is None:
            raise NotFound
        return request, card


def ballot_of(person: Person, verb: Verb, shown: Shown, said: forms.Submitted = forms.NOTHING) -> Ballot:
    """A person's decision on exactly what the card showed them, with what they put into a form."""
    return Ballot(
        request=shown.request,
        decision=verb,
        by=person.id,
        channel=NAME,
        revision=shown.revision,
        digest=shown.digest,
        fully_shown=shown.fully_shown,
        arguments=said.arguments,
        comment=said.comment,
        category=said.category,
        answer=said.answer,
    )
