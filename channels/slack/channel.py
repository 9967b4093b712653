"""The Slack channel: cards out through the Web API, people's acts in by Socket Mode or signed HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

from bot.core.card import Card
from bot.core.errors import SendFailed
from bot.core.model import Delivery, Person
from bot.core.ports import Clock, Correspondence, Letter, Place
from bot.core.token import Tokens
from channels.slack import draw, events
from channels.slack.api import CallFailed, SlackApi
from channels.slack.bundles import Bundles, bundle_of
from channels.slack.lists import Lists
from channels.slack.people import People
from channels.slack.posts import Posts
from channels.slack.presses import NAME, Presses
from channels.slack.replies import Replies
from channels.slack.settings import SlackSettings
from channels.slack.submissions import Submissions
from channels.slack.surface import LOG, Surface
from channels.slack.sweeps import Sweeps

if TYPE_CHECKING:
    from slack_bolt.app.async_app import AsyncApp
    from slack_bolt.response import BoltResponse

    from channels.slack.socket import Socket

DIRECT = "dm"
_START_WITHIN = 2.0
_WATCH_EVERY = 2.0
_ASK_AGAIN_EVERY = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_FINISH_WITHIN = 5.0


class SlackChannel:
    """The `Channel` port for one Slack workspace.

    ``post_to``: a channel (``#approvals`` or its id) that gets one card for everybody, or ``dm`` (also None) for a
    direct message to each person. ``secrets`` sign the tokens on buttons, newest first.
    """

    name = NAME
    redraws = True

    def __init__(
        self,
        settings: SlackSettings,
        reviews: Correspondence,
        *,
        clock: Clock,
        post_to: str | None,
        secrets: Sequence[str],
    ) -> None:
        """Nothing is connected before `start`."""
        self._settings = settings
        self._reviews = reviews
        self._clock = clock
        self._post_to = None if post_to == DIRECT else post_to
        self._cards = Tokens(secrets, "slack.card")
        self._api = SlackApi(settings)
        self._posts = Posts(self._api, clock)
        pressed = Tokens(secrets, "slack.bundle")
        self._bundles = Bundles(self._posts, reviews, clock, pressed)
        self._people = People(self._api, reviews, clock)
        self._surface = Surface(self._api, reviews, self._people, self._cards, Tokens(secrets, "slack.form"))
        self._sweeps = Sweeps(self._surface, reviews, pressed)
        self._app: AsyncApp | None = None
        self._socket: Socket | None = None
        self._asked = -_ASK_AGAIN_EVERY
        self._problem: str | None = "Slack: not connected yet"
        self._tried = asyncio.Event()
        self._watch: asyncio.Task[None] | None = None

    def place(self, person: Person) -> Place | None:
        """The shared channel where there is one, else the person's own direct messages."""
        if self._post_to is not None:
            return Place(self._post_to, None)
        return Place(person.slack, person.id) if person.slack else None

    async def send(self, card: Card, delivery: Delivery) -> dict[str, Any]:
        """Post the card; its handle is ``{"channel", "ts"}``. Raises `SendFailed`.

        A post whose answer was lost is looked for before it is made again, so that retries come to one card. Where
        history may not be read a second card can stand; both work, for a button carries its request.
        """
        return await self._posts.post(delivery, self._message(card, delivery))

    async def stands(self, delivery: Delivery) -> dict[str, Any] | None:
        """The handle of the card where it stands already. Raises `SendFailed`."""
        return await self._posts.standing(delivery)

    async def update(self, card: Card, delivery: Delivery) -> None:
        """Draw the card anew where it stands, or the message that holds it with others. Raises `SendFailed`."""
        bundle = bundle_of(delivery)
        if bundle is not None:
            await self._bundles.redraw(bundle, delivery)
        else:
            await self._posts.update(delivery, self._message(card, delivery))

    def gathers(self, person: Person, step: timedelta | None, *, ended: bool) -> timedelta | None:
        """Nobody waits for a message in Slack. Batches and floods are for the house to put together."""
        del person, step, ended
        return None

    async def digest(
        self, asks: Sequence[tuple[Card, Delivery]], tells: Sequence[tuple[Card, Delivery]]
    ) -> Sequence[dict[str, Any]]:
        """Post one message for all of ``asks``, which go to one place; ``tells`` are drawn anew where they stand.

        Each one's handle is ``{"channel", "ts", "bundle"}``. Raises `SendFailed`.
        """
        handles: list[dict[str, Any]] = []
        if len(asks) == 1:
            handles = [await self.send(*asks[0])]
        elif asks:
            handles = [await self._bundles.send(asks)] * len(asks)
        for card, delivery in tells:
            await self.update(card, delivery)
        return (*handles, *(delivery.handle or {} for _, delivery in tells))

    async def write(self, letter: Letter, name: str) -> None:
        """Say a letter's words in the person's direct messages; ``name`` is not kept. Raises `SendFailed`."""
        del name
        person = self._reviews.person(letter.person)
        if person is None:
            raise SendFailed(f"{letter.person} is not in routing.yaml any more", temporary=False)
        await self.tell(person, "\n".join(letter.lines), letter.link)

    async def remind(self, card: Card, delivery: Delivery, note: str) -> None:
        """Say ``note`` in the card's thread, to everybody who is asked. Raises `SendFailed`."""
        bundle = bundle_of(delivery)
        if bundle is not None:
            await self._bundles.remind(bundle, card, delivery, note)
            return
        await self._posts.reply(delivery, draw.reminder(card, note, self._reviews.person))

    async def tell(self, person: Person, text: str, link: str) -> None:
        """Send one person alone a link of ours, as for signing in. Raises `SendFailed`, also without a Slack id."""
        if person.slack is None:
            raise SendFailed(f"{person.id} has no Slack id in routing.yaml", temporary=False)
        await self._posts.tell(person.slack, text, link)

    def _message(self, card: Card, delivery: Delivery) -> dict[str, Any]:
        return draw.message(card, delivery.id, self._cards, self._reviews.person)

    async def handle(self, headers: Mapping[str, str], body: bytes, now: datetime) -> tuple[int, dict[str, str], bytes]:
        """Answer one post to ``/slack/events``: status, headers, body. 404 where no signing secret is set."""
        secret = self._settings.signing_secret
        if not secret:
            return 404, {"content-type": "text/plain; charset=utf-8"}, b"Slack does not come in by HTTP here."
        return await events.answer(self._dispatch, secret, headers, body, now)

    async def _dispatch(self, text: str, headers: dict[str, str]) -> BoltResponse:
        app = await self._listening()
        from slack_bolt.request.async_request import AsyncBoltRequest  # noqa: PLC0415  # `_listening` has loaded bolt

        return await app.async_dispatch(AsyncBoltRequest(body=text, headers=dict(headers)))

    async def _listening(self) -> AsyncApp:
        """What hears Slack, made where Slack first has something to say.

        Bolt is 70 ms of a start and 4 MB. It is loaded in a thread: what else is under way is not to wait for that.
        """
        if self._app is None:
            listeners = await asyncio.to_thread(import_module, "channels.slack.listeners")
            self._app = self._app or listeners.bolt_app(
                api_url=self._settings.api_url,
                bot_token=self._settings.bot_token,
                people=self._people,
                presses=Presses(self._surface, self._clock),
                sweeps=self._sweeps,
                submissions=Submissions(self._surface),
                replies=Replies(self._surface),
                lists=Lists(self._surface),
            )
        return self._app

    async def _connected(self) -> None:
        """Know whom the token stands for, and by Socket Mode hear Slack. Raises `CallFailed`."""
        # A socket stays open whatever becomes of the bot's own token, with which cards are posted.
        if self._socket is None or time.monotonic() - self._asked >= _ASK_AGAIN_EVERY:
            self._people.identity = await self._api.identity()
            self._asked = time.monotonic()
        if self._socket is None and self._settings.app_token:
            app = await self._listening()
            socket = await asyncio.to_thread(import_module, "channels.slack.socket")
            self._socket = socket.Socket(app, self._api, self._settings.app_token)
        if self._socket is not None:
            await self._socket.ensure()

    async def start(self) -> None:
        """Connect. Returns within 2 s; what is not connected by then goes on in the background."""
        await self._api.open()
        self._watch = asyncio.create_task(self._stay_connected())
        try:
            async with asyncio.timeout(_START_WITHIN):
                await self._tried.wait()
        except TimeoutError:
            self._problem = "Slack: no answer yet; still trying"

    async def stop(self) -> None:
        """Disconnect; what people were still to be told gets 5 s."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        if self._socket is not None:
            await self._socket.close()
        await self._surface.finish(_FINISH_WITHIN)
        await self._api.close()

    async def fault(self) -> str | None:
        """What is wrong right now, in one line, or None."""
        return self._problem

    async def _stay_connected(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                await self._connected()
            except CallFailed as failed:
                self._problem = f"Slack: {_WHAT_TO_DO.get(failed.code, failed.code)}"
                LOG.warning("%s; trying again in %.0f s", self._problem, pause)
                self._tried.set()
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                self._problem, pause = None, _FIRST_PAUSE
                self._tried.set()
                await asyncio.sleep(_WATCH_EVERY if self._socket else _ASK_AGAIN_EVERY)


_WHAT_TO_DO = {
    "invalid_auth": "the token is refused (invalid_auth): check SLACK_BOT_TOKEN and SLACK_APP_TOKEN",
    "not_authed": "the token is missing (not_authed): set SLACK_BOT_TOKEN",
    "token_revoked": "the token is revoked: install the app again and set SLACK_BOT_TOKEN",
    "account_inactive": "the app was removed from the workspace: install it again and set SLACK_BOT_TOKEN",
    "not_allowed_token_type": "SLACK_APP_TOKEN must be an app-level token (xapp-…), SLACK_BOT_TOKEN a bot's (xoxb-…)",
    "missing_scope": "the app lacks a scope (missing_scope): use examples/slack-manifest.yaml and install it again",
    "unreachable": "the API cannot be reached: check the network and SLACK_API_URL",
}
