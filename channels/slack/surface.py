"""What every act in Slack has in common: who did it, where to answer, once only, in time, and refused aloud."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from msgspec import Struct

from bot.core.errors import SaysoError
from bot.core.model import Person
from bot.core.ports import Reviews
from bot.core.token import Tokens
from channels.slack import draw
from channels.slack.api import CallFailed, SlackApi
from channels.slack.people import Actor, People
from channels.slack.settings import ANSWER_WITHIN

T = TypeVar("T")

LOG = logging.getLogger("channels.slack")
_REMEMBERED = 1_024

LATE = "This takes longer than usual and is not decided yet. The card will show what came of it."
BROKEN = "Something went wrong, and this may not be decided. Look at the card or the full request before trying again."


class Act(Struct, frozen=True, kw_only=True):
    """One thing somebody did. ``key`` is the same when Slack delivers the same act again; empty: it has none."""

    actor: Actor
    key: str = ""
    channel: str = ""
    thread: str = ""
    trigger: str = ""
    response_url: str = ""


class TooSlow(Exception):
    """The work goes on, but Slack must be answered now. ``work`` is the task that does it."""

    def __init__(self, work: asyncio.Task[Any]) -> None:
        """The person has still to be told what comes of it."""
        super().__init__("the work goes on")
        self.work = work


class Surface:
    """The Slack side of the house's conversations with people."""

    def __init__(self, api: SlackApi, reviews: Reviews, people: People, cards: Tokens, forms: Tokens) -> None:
        """``cards`` and ``forms`` sign what buttons and modals carry."""
        self.api = api
        self.reviews = reviews
        self.people = people
        self.cards = cards
        self.forms = forms
        self._running: set[asyncio.Task[Any]] = set()
        self._acts: OrderedDict[str, asyncio.Task[Any]] = OrderedDict()

    async def person(self, act: Act) -> Person:
        """Who acted; raises a `SaysoError` for whoever may not."""
        return await self.people.person(act.actor)

    async def in_time(self, act: Act, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do the work of an act, once however often it is delivered. Raises `TooSlow`; the work then goes on."""
        task = self._acts.get(act.key) if act.key else None
        if task is None:
            task = self.later(work())
            if act.key:
                self._acts[act.key] = task
                while len(self._acts) > _REMEMBERED:
                    self._acts.popitem(last=False)
        done, _ = await asyncio.wait({task}, timeout=ANSWER_WITHIN)
        if not done:
            raise TooSlow(task)
        return task.result()  # type: ignore[no-any-return]  # one key, one kind of work

    def later(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something beside the answer to Slack; `finish` waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(_report)
        return task

    async def finish(self, within: float) -> None:
        """Wait for what still runs, ``within`` seconds at most, then stop it."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=within)
        for task in list(self._running):
            task.cancel()

    async def refuse(self, act: Act, error: SaysoError, *, via: str, request: str | None, say: bool = True) -> None:
        """Record a refusal, and say it to whoever was refused."""
        await self.reviews.refused(request_id=request, actor=f"slack:{act.actor.user}", via=via, reason=error.code)
        if say:
            self.later(self.tell(act, error.detail, request=request))

    async def tell(self, act: Act, text: str, *, request: str | None = None) -> None:
        """Say something that only the person who acted sees; a fault of Slack is logged, for there is no other way."""
        message = draw.said(text, await self._page(request))
        place: dict[str, Any] = {"channel": act.channel, "user": act.actor.user}
        if act.thread:
            place["thread_ts"] = act.thread
        failed = "no channel"
        if act.channel:
            try:
                await self.api.write("chat.postEphemeral", again=True, **place, **message)
            except CallFailed as failure:
                failed = failure.code
            else:
                return
        if act.response_url:
            try:
                await self.api.respond(act.response_url, message)
            except CallFailed as failure:
                failed = failure.code
            else:
                return
        LOG.warning("slack: could not tell %s what came of their act: %s", act.actor.user, failed)

    async def _page(self, request: str | None) -> str | None:
        card = await self.reviews.card(request) if request else None
        return card.url if card else None

    async def refresh_home(self, person: Person, user: str) -> None:
        """Publish a person's queue on their home tab."""
        told = self.reviews.announced()
        blocks = draw.queue("home.json.j2", await self.reviews.queue(person.id), draw.IN_HOME, announced=told)
        await self.publish_home(user, blocks)

    async def publish_home(self, user: str, blocks: list[dict[str, Any]]) -> None:
        """Publish a home tab; a fault of Slack is logged, and the next opening repairs it."""
        try:
            await self.api.write("views.publish", again=True, user_id=user, view={"type": "home", "blocks": blocks})
        except CallFailed as failed:
            LOG.warning("slack: the home tab of %s could not be published: %s", user, failed.code)


def _report(task: asyncio.Task[Any]) -> None:
    """Whoever waits for the task gets its error; where nobody does any more, it must not vanish."""
    if not task.cancelled() and (error := task.exception()) is not None:
        LOG.error("slack: something broke off: %s", type(error).__name__, exc_info=error)
