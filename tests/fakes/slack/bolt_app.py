"""A slack-bolt app for the fake's own tests, served over HTTP or connected over Socket Mode."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack.samples import BLOCKS, MODAL, client_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.fakes.slack import FakeSlack


def new_app(slack: FakeSlack, seen: list[dict[str, Any]]) -> AsyncApp:
    """Return a bolt app that notes what comes and opens the edit modal on `approve`."""
    app = AsyncApp(client=client_of(slack), signing_secret=slack.settings.signing_secret)

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        seen.append(body)
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.action("reject")
    async def reject(ack: Any, body: dict[str, Any]) -> None:
        await ack()
        seen.append(body)

    @app.view("edit")
    async def edit(ack: Any, body: dict[str, Any]) -> None:
        seen.append(body)
        values = body["view"]["state"]["values"]
        if values["comment"]["value"]["value"] == "no":
            await ack(response_action="errors", errors={"comment": "say more"})
        else:
            await ack()

    @app.command("/sayso")
    async def sayso(ack: Any, command: dict[str, Any]) -> None:
        seen.append(command)
        await ack("nothing waits for you")

    @app.event("message")
    async def message(body: dict[str, Any]) -> None:
        seen.append(body)

    @app.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": BLOCKS})

    return app


@asynccontextmanager
async def over_http(slack: FakeSlack, app: AsyncApp) -> AsyncIterator[None]:
    """Serve a bolt app and tell Slack its request URL."""

    async def handle(request: web.Request) -> web.Response:
        headers: dict[str, Any] = dict(request.headers)
        answer = await app.async_dispatch(AsyncBoltRequest(body=await request.text(), headers=headers))
        return web.Response(status=answer.status, text=answer.body, headers=answer.first_headers())

    async with serving(slack, handle):
        yield


@asynccontextmanager
async def serving(slack: FakeSlack, handle: Callable[[web.Request], Awaitable[web.Response]]) -> AsyncIterator[None]:
    """Serve a handler at Slack's request URL."""
    site = web.Application()
    site.router.add_post("/slack/events", handle)
    runner = web.AppRunner(site, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def over_socket(slack: FakeSlack, app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    """Connect a bolt app over Socket Mode."""
    handler = AsyncSocketModeHandler(app, slack.settings.app_token, ping_interval=0.5)
    await handler.connect_async()  # type: ignore[no-untyped-call]  # slack-bolt leaves it untyped
    await slack.wait_for(lambda: slack.socket.connections)
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # slack-bolt leaves it untyped
