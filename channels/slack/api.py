"""Calls of Slack's Web API, and what came of them in the house's own terms.

Two clients share one session. The patient one repeats what is harmless to repeat (connection faults, 429, 5xx); the
other calls once, for what must not happen twice or is repeated by the courier, who knows better when.
"""

from __future__ import annotations

import asyncio
import logging
import re
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from msgspec import Struct
from msgspec.json import encode
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from channels.slack.settings import CALL_WITHIN, SlackSettings


class _Curt(logging.Filter):
    """Keeps of a library's record what happened, without the error's own words, which may quote a payload (T23)."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Every record passes, cut off where it begins to quote."""
        error = record.exc_info[0] if record.exc_info else None
        told = _QUOTES.split(record.getMessage(), maxsplit=1)[0].rstrip()
        record.msg, record.args = told if error is None else f"{told}: {error.__name__}", None
        return True


_QUOTES = re.compile(r"[:(]")
QUIET = logging.getLogger("channels.slack.sdk")
"""The libraries' logger. Below ERROR they print whole payloads, and those hold what agents and people wrote."""
QUIET.setLevel(logging.ERROR)
QUIET.addFilter(_Curt())

_PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
_TOO_MANY, _SERVER_ERROR = 429, 500
_CODE = re.compile(r"[a-z0-9_.]{1,60}")
"""A code of Slack's. Anything else is words, which may quote the card and are kept nowhere (threat T23)."""


class CallFailed(Exception):
    """A call of Slack did not succeed.

    ``code`` is Slack's own (``channel_not_found``) or ours (``unreachable``, ``http_503``); ``temporary``: it may
    succeed later; ``lost``: it may have been performed all the same.
    """

    def __init__(self, code: str, *, temporary: bool, retry_after: float | None = None, lost: bool = False) -> None:
        """``retry_after`` in seconds, where Slack named them."""
        super().__init__(code)
        self.code = code
        self.temporary = temporary
        self.retry_after = retry_after
        self.lost = lost


class Identity(Struct, frozen=True):
    """Whom our token stands for."""

    team: str
    bot_user: str
    bot: str


def proxy_for(url: str) -> str | None:
    """The proxy that the environment names for an address; the SDK itself overlooks ``NO_PROXY``."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get(parts.scheme)


class SlackApi:
    """The Web API of one workspace. `open` before the first call."""

    def __init__(self, settings: SlackSettings) -> None:
        """Nothing is opened yet."""
        self._settings = settings
        self.proxy = proxy_for(settings.api_url)
        self._session: aiohttp.ClientSession | None = None
        self._once: AsyncWebClient | None = None
        self._patient: AsyncWebClient | None = None

    async def open(self) -> None:
        """Make the session; it belongs to the running loop."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=CALL_WITHIN), json_serialize=_json)
        self._once, self._patient = self._client(), self._client()
        self._once.retry_handlers = []
        self._patient.retry_handlers = [
            AsyncConnectionErrorRetryHandler(max_retry_count=2),
            AsyncRateLimitErrorRetryHandler(max_retry_count=1),
            AsyncServerErrorRetryHandler(max_retry_count=2),
        ]

    async def close(self) -> None:
        """Close the session."""
        if self._session is not None:
            await self._session.close()

    def _client(self) -> AsyncWebClient:
        made = AsyncWebClient(
            token=self._settings.bot_token, base_url=self._settings.api_url, session=self._session, logger=QUIET
        )
        made.proxy = self.proxy
        return made

    @property
    def patient(self) -> AsyncWebClient:
        """The client that repeats harmless calls."""
        if self._patient is None:
            raise CallFailed("not_started", temporary=True)
        return self._patient

    async def read(self, method: str, *, within: float = CALL_WITHIN, again: bool = True, **args: Any) -> Any:
        """Call a method that only looks. Raises `CallFailed`."""
        return await self._call(method, within, again=again, http_verb="GET", params=args)

    async def write(self, method: str, *, within: float = CALL_WITHIN, again: bool = False, **args: Any) -> Any:
        """Call a method that changes something; ``again`` where doing it twice is harmless. Raises `CallFailed`."""
        return await self._call(method, within, again=again, json=args)

    async def _call(self, method: str, within: float, *, again: bool, **how: Any) -> Any:
        client = self.patient if again else self._once
        if client is None:
            raise CallFailed("not_started", temporary=True)
        try:
            async with asyncio.timeout(within):
                answer = await client.api_call(method, **how)
        except SlackApiError as refused:
            raise _failure(refused) from None
        except aiohttp.ClientConnectorError:
            raise CallFailed("unreachable", temporary=True) from None
        except (aiohttp.ClientError, OSError) as fault:
            code = "timeout" if isinstance(fault, TimeoutError) else "connection_lost"
            raise CallFailed(code, temporary=True, lost=True) from None
        return answer.data

    async def respond(self, url: str, message: dict[str, Any]) -> None:
        """Say something to whoever acted, through the address that came with the act. Raises `CallFailed`."""
        if self._session is None:
            raise CallFailed("not_started", temporary=True)
        body = {**message, "response_type": "ephemeral", "replace_original": False}
        try:
            async with self._session.post(url, json=body, proxy=self.proxy, allow_redirects=False) as answer:
                if answer.status >= 300:  # noqa: PLR2004 - HTTP's own number
                    raise CallFailed(f"http_{answer.status}", temporary=False)
        except (aiohttp.ClientError, OSError):
            raise CallFailed("connection_lost", temporary=True) from None

    async def identity(self) -> Identity:
        """Whom the token stands for. Raises `CallFailed`."""
        answer = await self.write("auth.test", again=True)
        return Identity(answer["team_id"], answer["user_id"], answer.get("bot_id") or "")


def _json(value: Any) -> str:
    """A call's body; the blocks of a card are JSON already (`Raw`), which only this encoder takes."""
    return encode(value).decode()


def _failure(refused: SlackApiError) -> CallFailed:
    answer = refused.response
    status: int = getattr(answer, "status_code", 0) or getattr(answer, "status", 0)
    data = getattr(answer, "data", None)
    said = data.get("error") if isinstance(data, dict) else None
    code = said if isinstance(said, str) and _CODE.fullmatch(said) else "unnamed_error" if said else None
    if status == _TOO_MANY or code in ("ratelimited", "rate_limited"):
        return CallFailed(code or "ratelimited", temporary=True, retry_after=_seconds(answer.headers))
    if status >= _SERVER_ERROR or not code:
        return CallFailed(code or f"http_{status}", temporary=True, lost=True)
    return CallFailed(code, temporary=code in _PASSING)


def _seconds(headers: Any) -> float:
    named = next((value for name, value in headers.items() if name.lower() == "retry-after"), "1")
    try:
        return max(float(named), 0.0)
    except ValueError:
        return 1.0
