"""Socket Mode: the WebSocket, its envelopes and their acknowledgements.

Source: https://docs.slack.dev/apis/events-api/using-socket-mode. Up to ten connections; each envelope goes to any one.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from aiohttp import WSMsgType, web

from tests.fakes.slack.state import Ack, Delivery

if TYPE_CHECKING:
    from tests.fakes.slack.errors import Json
    from tests.fakes.slack.state import State

MOST_CONNECTIONS = 10
WITH_PAYLOAD = {"view_submission", "slash_commands", "block_suggestion"}
Reason = Literal["warning", "refresh_requested", "link_disabled"]


@dataclass(eq=False)
class Connection:
    """One open WebSocket of the app."""

    socket: web.WebSocketResponse
    request: web.Request
    received: list[Json] = field(default_factory=list)


class SocketMode:
    """The app's open connections and the envelopes that wait for an acknowledgement."""

    def __init__(self, state: State) -> None:
        """Start without a connection."""
        self.state = state
        self.connections: list[Connection] = []
        self.late_acks: list[Json] = []
        """Acknowledgements of envelopes that were not waited for: late, second ones, or of unknown envelopes."""
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._turn = itertools.count()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection at `/link/`: ticket, `hello`, then acknowledgements until it closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self.state.tickets:
            return web.Response(status=404, text="ticket not found")
        self.state.tickets.discard(ticket)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if len(self.connections) >= MOST_CONNECTIONS:
            await socket.send_json({"type": "disconnect", "reason": "too_many_websockets", "debug_info": {}})
            await socket.close()
            return socket
        connection = Connection(socket, request)
        self.connections.append(connection)
        await socket.send_json(
            {
                "type": "hello",
                "num_connections": len(self.connections),
                "debug_info": {"host": "applink-fake", "build_number": 1, "approximate_connection_time": 18060},
                "connection_info": {"app_id": self.state.workspace.app_id},
            }
        )
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(connection, json.loads(message.data))
        finally:
            if connection in self.connections:
                self.connections.remove(connection)
        return socket

    def _receive(self, connection: Connection, ack: Json) -> None:
        connection.received.append(ack)
        waiting = self._waiting.get(str(ack.get("envelope_id")))
        if waiting is None or waiting.done():
            self.late_acks.append(ack)
        else:
            waiting.set_result(ack)

    def _next(self) -> Connection:
        return self.connections[next(self._turn) % len(self.connections)]

    async def deliver(self, delivery: Delivery, attempt: int = 0, reason: str = "") -> Ack:
        """Send one envelope and wait for its acknowledgement, `ack_timeout` seconds at most."""
        payload_kind = str(delivery.payload.get("type") or delivery.kind)
        envelope: Json = {
            "envelope_id": str(uuid.uuid4()),
            "type": delivery.kind,
            "payload": delivery.payload,
            "accepts_response_payload": payload_kind in WITH_PAYLOAD,
        }
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": attempt, "retry_reason": reason}
        if not self.connections:
            return Ack(None, error="dispatch_failed")
        future: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = future
        started = time.monotonic()
        try:
            for _ in range(2 if self.state.faults.duplicate_envelopes else 1):
                await self._next().socket.send_json(envelope)
            ack = await asyncio.wait_for(future, self.state.settings.ack_timeout)
        except TimeoutError:
            return Ack(None, delay=time.monotonic() - started, error="operation_timeout")
        except (ConnectionError, IndexError, ZeroDivisionError):  # the app hung up between the two lines
            return Ack(None, delay=time.monotonic() - started, error="dispatch_failed")
        finally:
            self._waiting.pop(envelope["envelope_id"], None)
        payload = ack.get("payload") or {}
        if payload and not envelope["accepts_response_payload"]:
            payload = {}  # Slack ignores what it did not ask for
        return Ack(200, payload, json.dumps(payload) if payload else "", time.monotonic() - started)

    async def disconnect(self, reason: Reason = "refresh_requested", *, abrupt: bool = False) -> None:
        """End every connection that is open now.

        Each is told why, gets nothing more, and is closed `disconnect_grace` seconds later; a `warning` only tells.
        `abrupt` cuts the connections without a word.
        """
        for connection in list(self.connections):
            if abrupt:
                self.connections.remove(connection)
                if connection.request.transport is not None:
                    connection.request.transport.abort()
                continue
            await connection.socket.send_json(
                {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-fake"}}
            )
            if reason != "warning":
                self.connections.remove(connection)
                self.state.spawn(self._close(connection))

    async def _close(self, connection: Connection) -> None:
        """Close a connection that was told to go; a client that reconnected has closed it by then."""
        await asyncio.sleep(self.state.settings.disconnect_grace)
        await connection.socket.close()

    async def close(self) -> None:
        """Close every connection, at the end."""
        for connection in list(self.connections):
            await connection.socket.close()
