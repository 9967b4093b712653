"""Sends one signed webhook, once, and says truthfully how that ended (promises P5 and P6).

The law: nothing is ever sent twice by itself. Before the first byte a failure is ``not_started``; from then on only
a complete answer settles the outcome, and everything else is ``unknown``.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, AbstractStreamWriter
from yarl import URL

from bot.core.outgoing import HEADERS, message
from bot.core.ports import Outcome, OutcomeKind
from bot.replay.answer import outcome_of
from bot.replay.guard import Guard, GuardedResolver, TargetRefused
from bot.replay.result import failed
from bot.replay.signing import Signer

CONNECTIONS = 1024
CONNECTIONS_PER_HOST = 128
KEEPALIVE = 2.0
"""Seconds. Below the 5 s after which uvicorn and Node close idle connections: a close that crosses our request in
flight makes an execution ``unknown``, so we let go first."""

_STALE_TRIES = 8


class StaleConnection(aiohttp.ClientError):
    """A pooled connection turned out to be closed, or to hold bytes nobody asked for, before anything was sent."""


class Body(aiohttp.BytesPayload):
    """The bytes of one attempt, and whether any of them, or of the headers before them, may have left."""

    started = False
    stale = False

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        """Write the bytes, unless the connection closed first and the headers have not left either."""
        transport = writer.transport
        if writer.output_size == 0 and (transport is None or transport.is_closing()):
            self.started = False
            self.stale = True
            raise StaleConnection
        await super().write_with_length(writer, content_length)


class Call(aiohttp.ClientRequest):
    """A request that notes the moment before its first byte."""

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        """Send, but not on a connection that already holds an answer: it would be taken for the answer to this."""
        body = self.body
        if not isinstance(body, Body):
            raise TypeError("a webhook is sent with a Body")
        if conn.protocol is None or conn.protocol.should_close:
            body.stale = True
            raise StaleConnection
        body.started = True
        return await super().send(conn)


@lru_cache(maxsize=1024)
def _target(url: str) -> URL | None:
    try:
        target = URL(url)
        usable = target.scheme in ("http", "https") and bool(target.raw_host) and target.port is not None
    except ValueError:
        return None
    return target if usable else None


@lru_cache(maxsize=64)
def _timeout(total: timedelta) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=total.total_seconds())


class WebhookClient:
    """One pooled client for all webhooks; lives in one event loop."""

    def __init__(
        self,
        *,
        signer: Signer,
        listed: Callable[[], tuple[str, ...]],
        resolver: AbstractResolver | None = None,
        tls: ssl.SSLContext | None = None,
        carried: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        """``listed`` gives the networks in ``allow_private``; ``resolver`` and ``tls`` default to the system's.

        ``carried`` are headers that go along, such as the trace it is part of; nothing that the signature covers.
        """
        self._signer = signer
        self._listed = listed
        self._resolver = resolver
        self._tls = tls
        self._carried = carried
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def post(
        self,
        url: str,
        *,
        message_id: str,
        kind: str,
        at: datetime,
        data: dict[str, Any],
        within: timedelta,
        quoting: bool = True,
    ) -> Outcome:
        """Send ``{"type": kind, "timestamp": at, "data"}`` to ``url``; ``within`` bounds it all, the answer included.

        ``at`` is of what the message tells, and stays when it is sent again (Standard Webhooks 1.0, "Webhook
        metadata"): who keeps a hash of the body beside a key takes another body for a misuse of it. The header has the
        attempt's own time. ``quoting``: a refusal is told with the words of its answer.
        """
        target = _target(url)
        if target is None:
            return failed("target_refused", f"{url!r} is not an http or https address")
        if not self._signer.ready:
            return failed("unsigned", "there is no secret to sign with: set SAYSO_WEBHOOK_SECRET")
        body = message(kind, at, data)
        headers = self._signer.headers(message_id, datetime.now(UTC), body)
        headers["Idempotency-Key"] = message_id
        headers |= self._carried()
        for _ in range(_STALE_TRIES):
            sent = Body(body)
            try:
                async with self._session(target.scheme).post(
                    target, data=sent, headers=headers, timeout=_timeout(within), allow_redirects=False
                ) as response:
                    return await outcome_of(response, quoting=quoting)
            except Exception as fault:  # noqa: BLE001  # one that escaped would leave the execution without an outcome
                if not sent.stale:
                    return _ending(fault, within, started=sent.started, quoting=quoting)
        return Outcome(kind=OutcomeKind.NOT_STARTED, error="not_connected: every pooled connection was already closed")

    def _session(self, scheme: str) -> aiohttp.ClientSession:
        session = self._sessions.get(scheme)
        if session is None:
            guard = Guard(self._listed, plain=scheme == "http")
            session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=CONNECTIONS,
                    limit_per_host=CONNECTIONS_PER_HOST,
                    keepalive_timeout=KEEPALIVE,
                    resolver=GuardedResolver(self._resolver or aiohttp.ThreadedResolver(), guard),
                    socket_factory=guard.open_socket,
                    ssl=self._tls if self._tls is not None else True,
                ),
                request_class=Call,
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=HEADERS,
                auto_decompress=False,
                trust_env=False,
            )
            self._sessions[scheme] = session
        return session

    async def close(self) -> None:
        """Close every connection; what is still in flight becomes ``unknown``."""
        for session in self._sessions.values():
            await session.close()
        self._sessions.clear()


def _ending(fault: Exception, within: timedelta, *, started: bool, quoting: bool) -> Outcome:
    if started:
        if isinstance(fault, TimeoutError):
            sentence = f"timed_out: no complete answer within {within.total_seconds():g} s of the start"
        elif isinstance(fault, aiohttp.ClientResponseError):
            said = f" ({fault.message.partition(chr(10))[0][:200]})" if quoting else ""
            sentence = f"garbled_answer: the target's answer is not HTTP{said}"
        else:
            sentence = f"connection_lost: the connection ended before a complete answer ({_described(fault)})"
        return Outcome(kind=OutcomeKind.UNKNOWN, error=f"{sentence}; it may have happened")
    cause = fault.__cause__ or fault  # aiohttp names what the system said as the cause
    if isinstance(cause, TargetRefused):
        return failed("target_refused", str(cause))
    if isinstance(fault, aiohttp.InvalidURL):
        return failed("target_refused", f"the address cannot be used ({_described(fault)})")
    if isinstance(fault, TimeoutError):
        return Outcome(
            kind=OutcomeKind.NOT_STARTED, error=f"not_connected: no connection within {within.total_seconds():g} s"
        )
    return Outcome(kind=OutcomeKind.NOT_STARTED, error=f"not_connected: {_described(cause)}")


def _described(fault: BaseException) -> str:
    text = str(fault)
    return f"{type(fault).__name__}: {text}"[:300] if text else type(fault).__name__
