"""Replies in a card's thread, by the grammar that mail has too (`bot.core.grammar`). Machines never decide here."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.core.errors import NotFound, SaysoError, Stale
from bot.core.grammar import STARTS_LIKE_ONE, Command, NotUnderstood, parse
from bot.core.model import Delivery, Person, Request
from bot.core.ports import Ballot
from bot.core.replying import answer_to, edited_by, reasons, understood
from channels.slack import draw, sizes
from channels.slack.answers import Answer
from channels.slack.api import CallFailed
from channels.slack.bundles import bundle_of
from channels.slack.people import Actor
from channels.slack.presses import NAME, VIA
from channels.slack.surface import BROKEN, LOG, Act, Surface, TooSlow
from channels.slack.texts import mentions, typed

_MACHINES = ("bot_id", "app_id", "bot_profile", "hidden")
_PERSONS_OWN = (None, "thread_broadcast", "file_share")
_WHICH = "Several requests stand above, so nothing was decided. Decide on the page or with the buttons."
_TO_NOTHING = (
    "Nothing was decided, for a message of its own belongs to no request. Reply in the thread of a card, or press its "
    "buttons; /sayso lists what waits for you."
)


_A_MOMENT = 1.0
_MENTIONED = "Slack made a mention of a part of it, which is no value. Edit that with the button."
_TO_UNKNOWN = (
    "Nothing was decided, for Sayso knows of no request at the head of this thread. If the card is new, try again in a "
    "minute, or press its buttons; /sayso lists what waits for you."
)


class Replies:
    """Answers messages in the threads of cards; every other message is none of its business."""

    def __init__(self, surface: Surface) -> None:
        """Everything it needs of Slack and of the house comes through the surface."""
        self._surface = surface

    async def message(self, body: Mapping[str, Any]) -> Answer:
        """What one message comes to. An unfinished one is delivered again by Slack, and dealt with once."""
        event = body["event"]
        thread, ts, user = event.get("thread_ts"), event.get("ts"), event.get("user")
        bot = self._surface.people.identity
        # A program with a person's own token posts under that person's name; Slack names the app beside it.
        by_machine = any(event.get(mark) for mark in _MACHINES) or not user or (bot and user == bot.bot_user)
        if by_machine or event.get("subtype") not in _PERSONS_OWN or thread == ts:
            return Answer.done()
        picture = event.get("subtype") == "file_share" and not event.get("text")
        if picture or (not thread and event.get("channel_type") != "im"):
            return Answer.done()
        channel = str(event.get("channel") or "")
        named = (body.get("team_id"), event.get("user_team"), event.get("team"))
        actor = Actor(
            user=str(user),
            teams=tuple(str(team) for team in named if team),
            org_wide=body.get("is_enterprise_install") not in (None, False, "false"),
        )
        act = Act(actor=actor, key=f"{channel}/{ts}", channel=channel, thread=str(thread or ""))
        ours = bot is not None and event.get("parent_user_id") == bot.bot_user
        try:
            return await self._surface.in_time(act, lambda: self._said(act, event, ours=ours))
        except TooSlow:
            return Answer.unfinished()

    async def _said(self, act: Act, event: Mapping[str, Any], *, ours: bool) -> Answer:
        """``ours``: the thread's first message is the bot's, a card whose post was not answered yet among them."""
        text = typed(event)
        if not act.thread:
            return await self._lost(act, text, _TO_NOTHING)
        handle = {"channel": act.channel, "ts": act.thread}
        delivery = await self._surface.reviews.delivery_at(NAME, handle)
        if delivery is None and ours and STARTS_LIKE_ONE.match(text.strip()):
            # Slack shows a card before its post is answered here, and that is on record a moment later.
            await asyncio.sleep(_A_MOMENT)
            delivery = await self._surface.reviews.delivery_at(NAME, handle)
        if delivery is not None:
            return await self._reply(act, text, delivery, mentioned=mentions(event))
        return await self._lost(act, text, _TO_UNKNOWN) if ours else Answer.done()

    async def _lost(self, act: Act, text: str, answer: str) -> Answer:
        """A command that stands under no card: whoever wrote it must not think that it counted."""
        if STARTS_LIKE_ONE.match(text.strip()):
            try:
                await self._surface.person(act)
            except SaysoError as refusal:
                await self._surface.refuse(act, refusal, via=VIA, request=None)
            else:
                self._say(act, answer)
        return Answer.done()

    async def _reply(self, act: Act, text: str, delivery: Delivery, *, mentioned: bool) -> Answer:
        request = await self._surface.reviews.request(delivery.request)
        command = parse(text, reasons=request is not None and request.route.needs_reason)
        try:
            person = await self._surface.person(act)
        except SaysoError as refusal:
            # People talk in threads; only a command of somebody who may not give it is a refusal.
            if isinstance(command, Command):
                await self._surface.refuse(act, refusal, via=VIA, request=delivery.request)
            return Answer.done()
        if bundle_of(delivery) is not None:
            self._say(act, _WHICH)
            return Answer.done()
        if mentioned and isinstance(command, Command) and any(mentions({"text": value}) for _, value in command.edits):
            command = NotUnderstood("mention", _MENTIONED)
        if isinstance(command, NotUnderstood):
            self._say(act, f"Not understood, so nothing was decided. {command.detail}")
            return Answer.done()
        return await self._command(act, person, command, delivery)

    async def _command(self, act: Act, person: Person, command: Command, delivery: Delivery) -> Answer:
        try:
            ballot = await self._ballot(person, command, delivery, act.key.rpartition("/")[2])
        except SaysoError as refusal:
            await self._surface.refuse(act, refusal, via=VIA, request=delivery.request, say=False)
            self._say(act, f"Nothing was decided. {reasons(refusal)}")
            return Answer.done()
        try:
            after = await self._surface.reviews.decide(ballot)
        except SaysoError as refusal:  # the house has recorded it
            self._say(act, f"Nothing was decided. {reasons(refusal)}")
            return Answer.done()
        except Exception:  # noqa: BLE001  # the person must not be left believing that it worked
            LOG.exception("slack: a reply to %s failed", delivery.request)
            self._say(act, BROKEN)
            return Answer.done()
        what = understood(after.kind, ballot.decision, ballot.answer or after.content.chosen)
        self._say(act, f"Understood, {person.name}: {what}.")
        self._surface.later(self._surface.refresh_home(person, act.actor.user))
        return Answer.done()

    async def _ballot(self, person: Person, command: Command, delivery: Delivery, ts: str) -> Ballot:
        request = await self._surface.reviews.request(delivery.request)
        card = await self._surface.reviews.card(delivery.request)
        if request is None or card is None:
            raise NotFound
        if request.state.open and (delivery.revision != request.revision or _written_before(ts, request)):
            raise Stale
        fields = self._surface.reviews.fields(request) if command.edits else ()
        arguments = edited_by(fields, command, request.content.arguments) if command.edits else None
        return Ballot(
            request=request.id,
            decision=command.verb,
            by=person.id,
            channel=NAME,
            revision=request.revision,
            digest=request.digest,
            fully_shown=sizes.fitted(card).card.fully_shown,
            arguments=arguments,
            comment=command.comment,
            answer=answer_to(request, command),
        )

    def _say(self, act: Act, text: str) -> None:
        self._surface.later(self._answer(act, text))

    async def _answer(self, act: Act, text: str) -> None:
        """In the thread, where everybody who reads the command sees what it came to."""
        place: dict[str, Any] = {"channel": act.channel} | ({"thread_ts": act.thread} if act.thread else {})
        try:
            await self._surface.api.write(
                "chat.postMessage", unfurl_links=False, unfurl_media=False, **place, **draw.said(text)
            )
        except CallFailed as failed:
            LOG.warning("slack: a reply in a thread was not answered: %s", failed.code)


def _written_before(ts: str, request: Request) -> bool:
    """Whether a reply was written for an earlier revision than stands on the card now: Slack delivers late, and again.

    ``ts`` is the message's, in seconds by Slack's clock; what cannot be read is taken for old.
    """
    if request.revision == 1:
        return False
    try:
        return float(ts) <= request.content.created_at.timestamp()
    except ValueError:
        return True
