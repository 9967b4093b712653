"""What the fake knows beside the workspace: settings, tokens, triggers, response URLs, and what was called when."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from tests.fakes.slack.errors import Json, refuse
from tests.fakes.slack.faults import Faults
from tests.fakes.slack.workspace import Message, View, Workspace

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

ALL_SCOPES = frozenset(
    {
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "reactions:write",
        "team:read",
        "users:read",
        "users:read.email",
    }
)
MAX_RESPONSE_URL_USES = 5
Result = TypeVar("Result")


@dataclass
class Settings:
    """How this Slack behaves; times are in seconds and default to Slack's, but for the pauses before a retry."""

    bot_token: str = "xoxb-sayso-bot-token"
    app_token: str = "xapp-1-A0SAYSO-app-token"
    signing_secret: str = "8f742231b10e8888abcd99yyyzzz85a5"
    verification_token: str = "Jhj5dZrVaK7ZwHHjRyZWjbDl"
    scopes: frozenset[str] = ALL_SCOPES
    ack_timeout: float = 3.0
    trigger_lifetime: float = 3.0
    response_url_lifetime: float = 1800.0
    retry_delays: tuple[float, ...] = (0.0, 0.06, 0.3)
    """Pauses before the three retries of an event; Slack's are 0, 60 and 300 s."""
    disconnect_grace: float = 1.0
    """Between a Socket Mode `disconnect` message and the close; Slack leaves a client some seconds."""
    enforce_rate: bool = False
    """Hold the caller to one message a second and channel, and to each method's calls a minute."""
    echo_own_messages: bool = False
    """Send the bot's own posts to it as `message` events, as Slack does to an app with `message.channels`."""


@dataclass(frozen=True)
class Call:
    """One call of the Web API or of a response URL; `at` is Unix time, `status` 0 when the connection was dropped."""

    method: str
    args: Json
    at: float
    status: int
    response: Json
    http_method: str = "POST"


@dataclass
class Trigger:
    """A `trigger_id`: one use within its life."""

    id: str
    user: str
    expires: float
    view_id: str = ""
    used: bool = False


@dataclass
class ResponseUrl:
    """A `response_url` with what it answers to."""

    url: str
    user: str
    channel: str
    expires: float
    message: Message | None = None
    uses: int = 0


@dataclass
class Ack:
    """The app's answer to one delivery, and what the person sees of it.

    `status` is the HTTP status, 200 for an acknowledged envelope, None without an answer. `body` is the JSON object
    answered (for Socket Mode the acknowledgement's `payload`), `text` the raw body. `delay` is in seconds. `error` is
    what Slack's client shows: `operation_timeout`, `dispatch_failed`, `http_client_error`, `http_service_error`.
    """

    status: int | None
    body: Json = field(default_factory=dict)
    text: str = ""
    delay: float = 0.0
    error: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    attempts: int = 1
    message: Message | None = None

    @property
    def ok(self) -> bool:
        """Whether the person saw no error."""
        return not self.error

    @property
    def response_action(self) -> str:
        """What a submission was answered with: `close`, `errors`, `update`, `push` or `clear`."""
        return str(self.body.get("response_action") or "close")

    @property
    def errors(self) -> dict[str, str]:
        """The errors shown beside a modal's inputs, by `block_id`."""
        return dict(self.body.get("errors") or {})


@dataclass
class Delivery:
    """One thing sent to the app: `kind` is `interactive`, `slash_commands` or `events_api`.

    `body` and `headers` are those of the last signed HTTP request; both are empty in Socket Mode.
    """

    kind: str
    payload: Json
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    acks: list[Ack] = field(default_factory=list)


class State:
    """The fake's memory; the server and the drivers build on it."""

    def __init__(self, settings: Settings | None = None, workspace: Workspace | None = None) -> None:
        """Start empty; `request_url` set means HTTP mode, otherwise deliveries go over Socket Mode."""
        self.settings = settings or Settings()
        self.workspace = workspace or Workspace()
        self.faults = Faults()
        self.request_url = ""
        self.origin = ""
        self.calls: list[Call] = []
        self.deliveries: list[Delivery] = []
        self.triggers: dict[str, Trigger] = {}
        self.response_urls: dict[str, ResponseUrl] = {}
        self.tickets: set[str] = set()
        self.rate: dict[str, list[float]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def new_trigger(self, user: str, view_id: str = "") -> Trigger:
        """Return a trigger that lives `trigger_lifetime` seconds."""
        trigger_id = f"{secrets.randbelow(10**13)}.{secrets.randbelow(10**10)}.{secrets.token_hex(16)}"
        found = Trigger(trigger_id, user, time.monotonic() + self.settings.trigger_lifetime, view_id)
        self.triggers[trigger_id] = found
        return found

    def use_trigger(self, trigger_id: str) -> Trigger:
        """Exchange a trigger, or refuse: `invalid_trigger_id`, `expired_trigger_id`, `exchanged_trigger_id`."""
        found = self.triggers.get(trigger_id) or refuse("invalid_trigger_id")
        if found.used:
            refuse("exchanged_trigger_id")
        if time.monotonic() > found.expires:
            refuse("expired_trigger_id")
        found.used = True
        return found

    def new_response_url(self, user: str, channel: str, message: Message | None = None) -> str:
        """Return an address that takes five posts in 30 minutes."""
        path = f"/actions/{self.workspace.team_id}/{secrets.randbelow(10**13)}/{secrets.token_urlsafe(18)}"
        expires = time.monotonic() + self.settings.response_url_lifetime
        self.response_urls[path] = ResponseUrl(self.origin + path, user, channel, expires, message)
        return self.origin + path

    def after_call(self, name: str, body: Json) -> None:
        """Hear of a performed Web API call; the drivers may act on it."""

    def spawn(self, work: Coroutine[object, object, Result]) -> asyncio.Task[Result]:
        """Run something of its own accord; it ends with the server."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end_tasks(self) -> None:
        """Stop what still runs beside the calls."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_for(self, holds: Callable[[], object], within: float = 5.0) -> None:
        """Wait until something holds; raises TimeoutError after `within` seconds."""
        async with asyncio.timeout(within):
            while not holds():
                await asyncio.sleep(0.005)

    def calls_of(self, method: str) -> list[Call]:
        """Return the calls of one method, oldest first."""
        return [call for call in self.calls if call.method == method]

    def messages(self, channel: str = "", *, thread_ts: str = "") -> list[Message]:
        """Return messages that still stand, ephemeral ones left out; `channel` is an id, a `#name` or a user's id."""
        found_channel = self.workspace.find_channel(channel, by_name=True).id if channel else ""
        return [
            message
            for message in self.workspace.messages
            if not message.deleted
            and not message.ephemeral_to
            and found_channel in {"", message.channel}
            and thread_ts in {"", message.thread_ts}
        ]

    def ephemerals(self, user: str) -> list[Message]:
        """Return what only this user sees, oldest first."""
        return [message for message in self.workspace.messages if message.ephemeral_to == user and not message.deleted]

    def modals(self, user: str) -> list[View]:
        """Return the user's open modals, the one on top last."""
        return [view for view in self.workspace.views.values() if view.user == user and view.is_open]

    def home(self, user: str) -> View | None:
        """Return the home tab published for this user."""
        return self.workspace.homes.get(user)

    async def wait_for_message(
        self, channel: str, holds: Callable[[Message], object] = bool, within: float = 5.0
    ) -> Message:
        """Return the newest message of the channel for which `holds` is true, waiting for it."""
        await self.wait_for(lambda: any(holds(message) for message in self.messages(channel)), within)
        return next(message for message in reversed(self.messages(channel)) if holds(message))

    async def wait_for_modal(self, user: str, callback_id: str = "", within: float = 5.0) -> View:
        """Return the user's top modal once it is open and has this `callback_id`."""

        def top() -> View | None:
            found = self.modals(user)
            return found[-1] if found and callback_id in {"", found[-1].spec.get("callback_id")} else None

        await self.wait_for(top, within)
        return self.modals(user)[-1]
