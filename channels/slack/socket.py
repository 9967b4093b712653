"""Socket Mode: one connection to Slack, mended by the SDK, and replaced here where the SDK cannot mend it.

Disconnects are normal and the SDK reconnects by itself; but it holds on to an address whose ticket has run out when
the network fails between getting the one and using it. A connection that stays down is therefore made anew.
"""

from __future__ import annotations

import asyncio
import time

import aiohttp
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError

from channels.slack.api import QUIET, CallFailed, SlackApi

PING_EVERY = 3.0
MEND_WITHIN = 15.0
_CONNECT_WITHIN = 10.0


class Socket:
    """One Socket Mode connection."""

    def __init__(self, app: AsyncApp, api: SlackApi, app_token: str) -> None:
        """Nothing is connected yet."""
        self._app = app
        self._api = api
        self._app_token = app_token
        self._handler: AsyncSocketModeHandler | None = None
        self._down_since: float | None = None

    async def ensure(self) -> None:
        """Connect, or see that the connection stands. Raises `CallFailed` while it does not."""
        if self._handler is not None:
            if await self._handler.client.is_connected():
                self._down_since = None
                return
            self._down_since = self._down_since or time.monotonic()
            if time.monotonic() - self._down_since < MEND_WITHIN:
                raise CallFailed("reconnecting", temporary=True)
            await self.close()
        await self._connect()

    async def _connect(self) -> None:
        handler = AsyncSocketModeHandler(
            self._app, self._app_token, logger=QUIET, web_client=self._api.patient, ping_interval=PING_EVERY
        )
        client = handler.client
        client.proxy = self._api.proxy
        try:
            async with asyncio.timeout(_CONNECT_WITHIN):
                client.wss_uri = await client.issue_new_wss_url()
                await client.connect()  # type: ignore[no-untyped-call]  # the SDK's own
        except SlackApiError as refused:
            await client.close()  # type: ignore[no-untyped-call]  # the SDK's own
            raise CallFailed(str(refused.response.get("error") or "unreachable"), temporary=True) from None
        except (aiohttp.ClientError, OSError):
            await client.close()  # type: ignore[no-untyped-call]  # the SDK's own
            raise CallFailed("unreachable", temporary=True) from None
        self._handler, self._down_since = handler, None

    async def close(self) -> None:
        """Disconnect."""
        if self._handler is not None:
            await self._handler.client.close()  # type: ignore[no-untyped-call]  # the SDK's own
            self._handler = None
        self._down_since = None
