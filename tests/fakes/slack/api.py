"""The Web API's front: arguments, tokens, scopes, pace and faults around the methods; and the response URLs.

Every answer is HTTP 200 with `ok`, but for 429 (`Retry-After`) and the faults.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from tests.fakes.slack import methods_chat as chat
from tests.fakes.slack import methods_directory as directory
from tests.fakes.slack import methods_views as views
from tests.fakes.slack.args import Args, read_args
from tests.fakes.slack.errors import Json, RateLimitedError, SlackError, refuse
from tests.fakes.slack.state import Call, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.slack.faults import Fault

MINUTE = 60.0
DROPPED = 0
OK, TOO_MANY, NOT_FOUND, BAD_REQUEST = 200, 429, 404, 400


@dataclass(frozen=True)
class Method:
    """A method with the token it takes, the scope it needs (any of, by space) and its calls a minute."""

    run: Callable[[State, Args], Json]
    token: str = "bot"
    scope: str = ""
    per_minute: int = 100


_READ_CHANNELS, _HISTORY = "channels:read groups:read im:read", "channels:history groups:history im:history"
METHODS: dict[str, Method] = {
    "api.test": Method(directory.api_test, "none"),
    "auth.test": Method(directory.auth_test, per_minute=600),
    "team.info": Method(directory.team_info, scope="team:read", per_minute=50),
    "users.info": Method(directory.users_info, scope="users:read"),
    "users.list": Method(directory.users_list, scope="users:read", per_minute=20),
    "users.lookupByEmail": Method(directory.users_lookup_by_email, scope="users:read.email", per_minute=50),
    "conversations.open": Method(directory.conversations_open, scope="im:write", per_minute=50),
    "conversations.list": Method(directory.conversations_list, scope=_READ_CHANNELS, per_minute=20),
    "conversations.info": Method(directory.conversations_info, scope=_READ_CHANNELS, per_minute=50),
    "conversations.members": Method(directory.conversations_members, scope=_READ_CHANNELS),
    "conversations.history": Method(directory.conversations_history, scope=_HISTORY, per_minute=50),
    "conversations.replies": Method(directory.conversations_replies, scope=_HISTORY, per_minute=50),
    "chat.postMessage": Method(chat.post_message, scope="chat:write", per_minute=600),
    "chat.postEphemeral": Method(chat.post_ephemeral, scope="chat:write"),
    "chat.update": Method(chat.update, scope="chat:write", per_minute=50),
    "chat.delete": Method(chat.delete, scope="chat:write", per_minute=50),
    "chat.getPermalink": Method(chat.get_permalink, per_minute=600),
    "reactions.add": Method(chat.add_reaction, scope="reactions:write", per_minute=50),
    "views.open": Method(views.views_open),
    "views.push": Method(views.views_push),
    "views.update": Method(views.views_update),
    "views.publish": Method(views.views_publish),
    "apps.connections.open": Method(directory.apps_connections_open, "app", per_minute=20),
}
"""Tiers: https://docs.slack.dev/apis/web-api/rate-limits"""


def _authorise(state: State, request: web.Request, args: Args, method: Method) -> None:
    """Check the token's kind and scope: `not_authed`, `invalid_auth`, `not_allowed_token_type`, `missing_scope`."""
    header = request.headers.get("Authorization", "")
    token = header[len("Bearer ") :] if header.startswith("Bearer ") else str(args.values.pop("token", ""))
    if method.token == "none":
        return
    if not token:
        refuse("not_authed")
    known = {state.settings.bot_token: "bot", state.settings.app_token: "app"}
    if token not in known or state.faults.bad_token:
        refuse("invalid_auth")
    if known[token] != method.token:
        refuse("not_allowed_token_type")
    if method.scope and not set(method.scope.split()) & state.settings.scopes:
        refuse("missing_scope", needed=method.scope.replace(" ", ","), provided=",".join(sorted(state.settings.scopes)))


def _pace(state: State, name: str, method: Method) -> None:
    """Hold the caller to the method's calls a minute, if asked to."""
    if not state.settings.enforce_rate:
        return
    now = time.monotonic()
    recent = [at for at in state.rate.get(name, []) if now - at < MINUTE]
    if len(recent) >= method.per_minute:
        raise RateLimitedError(int(MINUTE - (now - recent[0])) + 1)
    state.rate[name] = [*recent, now]


def _drop(request: web.Request) -> web.Response:
    """Cut the connection; the response returned is never seen."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _fault(request: web.Request, fault: Fault | None) -> web.Response | None:
    """Act out a fault that replaces the call; `slow` only waits, `lost_response` acts afterwards."""
    if fault is None or fault.kind == "lost_response":
        return None
    if fault.kind in {"hang", "slow"}:
        await asyncio.sleep(fault.seconds)
        return _drop(request) if fault.kind == "hang" else None
    if fault.kind == "rate_limited":
        return _limited(int(fault.seconds))
    if fault.kind == "server_error":
        return web.Response(
            status=fault.status, text="<html><body>Server Error</body></html>", content_type="text/html"
        )
    return web.json_response({"ok": False, "error": fault.error})


def _limited(retry_after: int) -> web.Response:
    return web.json_response(
        {"ok": False, "error": "ratelimited"}, status=TOO_MANY, headers={"Retry-After": str(retry_after)}
    )


async def call(state: State, request: web.Request) -> web.StreamResponse:
    """Answer one call of `/api/<method>`."""
    name, at = request.match_info["method"], time.time()
    args, fault = Args({}), state.faults.take(name)
    body: Json = {"ok": False, "error": fault.kind if fault else ""}
    try:
        args = await read_args(request)
        response = await _fault(request, fault)
        if response is None:
            method = METHODS.get(name) or refuse("unknown_method")
            _authorise(state, request, args, method)
            _pace(state, name, method)
            body = method.run(state, args)
            state.after_call(name, body)
            response = web.json_response(body)
    except SlackError as error:
        body = error.body()
        response = web.json_response(body)
    except RateLimitedError as error:
        body, response = {"ok": False, "error": "ratelimited"}, _limited(error.retry_after)
    if fault is not None and fault.kind == "lost_response":
        response = _drop(request)
    dropped = fault is not None and fault.kind in {"hang", "lost_response"}
    status = DROPPED if dropped else response.status
    state.calls.append(Call(name, args.values, at, status, body, request.method))
    return response


async def respond(state: State, request: web.Request) -> web.StreamResponse:
    """Answer one post to a response URL: `ok`, or 404 with `used_url` / `expired_url`, 400 with another code."""
    at, fault = time.time(), state.faults.take("response_url")
    args, body = Args({}), {"ok": True}
    status = OK
    try:
        args = await read_args(request)
        response = await _fault(request, fault)
        if response is None:
            known = state.response_urls.get(request.path) or refuse("expired_url")
            body = chat.respond(state, known, args)
            response = web.json_response(body)
        status = response.status
    except SlackError as error:
        body = error.body()
        status = NOT_FOUND if error.code in {"used_url", "expired_url"} else BAD_REQUEST
        response = web.json_response(body, status=status)
    if fault is not None and fault.kind == "lost_response":
        response, status = _drop(request), DROPPED
    state.calls.append(Call("response_url", args.values, at, status, body))
    return response
