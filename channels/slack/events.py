"""Slack's signed posts: the signature over the raw body first, then parsing, then bolt (threat T9)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from channels.slack.surface import LOG

if TYPE_CHECKING:
    from slack_bolt.response import BoltResponse

Response = tuple[int, dict[str, str], bytes]
TOLERANCE = 300
"""Seconds that a signature's time may lie before or after ours."""


def verified(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether Slack signed exactly these bytes within `TOLERANCE` of now. ``headers`` by lower-case name.

    Source: https://docs.slack.dev/authentication/verifying-requests-from-slack. Not the SDK's verifier: that one
    raises on a time that is no number, and on bytes that are no UTF-8, before it has verified anything.
    """
    at, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
    if not (at.isascii() and at.isdigit() and len(at) <= 12):  # noqa: PLR2004 - longer than any Unix time to come
        return False
    if abs(now.timestamp() - int(at)) > TOLERANCE:
        return False
    expected = "v0=" + hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))


def parsed(content_type: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """A post as text and as what it carries. Raises ``ValueError`` for anything that bolt would stumble over."""
    text = body.decode()
    if content_type.partition(";")[0].strip() == "application/json" or text.startswith("{"):
        payload = json.loads(text)
    else:
        fields = dict(parse_qsl(text, keep_blank_values=True))
        payload = json.loads(fields["payload"]) if "payload" in fields else fields
    if not isinstance(payload, dict) or not _shaped(payload):
        raise ValueError("no payload of Slack's")
    return text, payload


def _shaped(payload: dict[str, Any]) -> bool:
    """Whether the parts that listeners are chosen by have their shapes; bolt answers 500 where they have not."""
    objects = [payload[name] for name in _OBJECTS if payload.get(name) is not None]
    actions = payload.get("actions", [])
    if not payload or not all(isinstance(part, dict) for part in objects) or not isinstance(actions, list):
        return False
    if not actions and payload.get("type") == "block_actions":
        return False
    named = [(action, "action_id") for action in actions]
    named += [(payload[part], name) for part, name in _NAMED.items() if part in payload]
    return all(isinstance(part, dict) and isinstance(part.get(name), str) for part, name in named)


def _told_seldom(now: datetime) -> None:
    """Anybody can post without a signature, as often as they like: the log says so once a minute, and how often."""
    _unsigned["since"] += 1
    minute = int(now.timestamp() // 60)
    if minute != _unsigned["minute"]:
        LOG.warning(
            "slack: a post without a valid signature was refused (%d since this was last said)", _unsigned["since"]
        )
        _unsigned.update(minute=minute, since=0)


_unsigned = {"minute": 0, "since": 0}
_OBJECTS = ("event", "view", "user", "team", "container", "channel", "message")
_NAMED = {"event": "type", "view": "callback_id"}


async def answer(
    dispatch: Callable[[str, dict[str, str]], Awaitable[BoltResponse]],
    secret: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> Response:
    """One post: 401 unless Slack signed it, 400 where it cannot be read, else what the listener answers.

    ``dispatch`` hands a text and its headers to bolt.
    """
    named = {name.lower(): value for name, value in headers.items()}
    if not verified(secret, named, body, now):
        _told_seldom(now)
        return _plain(401, "The signature is missing, wrong or too old.")
    try:
        text, _ = parsed(named.get("content-type", ""), body)
        response = await dispatch(text, named)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
        return _plain(400, "The body is not what Slack sends.")
    return response.status, {k: v[0] for k, v in response.headers.items() if v}, response.body.encode()


def _plain(status: int, text: str) -> Response:
    return status, {"content-type": "text/plain; charset=utf-8"}, text.encode()
