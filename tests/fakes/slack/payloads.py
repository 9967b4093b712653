"""The payloads that Slack sends: clicks, submissions, commands, events; pure functions of what happened.

Sources: https://docs.slack.dev/reference/interaction-payloads, https://docs.slack.dev/apis/events-api#callback-field
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import time
from typing import TYPE_CHECKING

from tests.fakes.slack.workspace import new_id

if TYPE_CHECKING:
    from tests.fakes.slack.errors import Json
    from tests.fakes.slack.state import Settings
    from tests.fakes.slack.workspace import Conversation, Message, User, View, Workspace

_LINK = re.compile(r"(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)|(?P<url>https?://[^\s<>|]+)")


def as_typed(text: str) -> str:
    """Return what Slack makes of text typed by a person: `&<>` escaped, addresses and links wrapped in `<…>`."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    def wrap(match: re.Match[str]) -> str:
        found = match.group()
        return f"<mailto:{found}|{found}>" if match.group("mail") else f"<{found}>"

    return _LINK.sub(wrap, escaped)


def action_ts() -> str:
    """Return the time of an action."""
    return f"{time.time():.6f}"


def acted(workspace: Workspace, settings: Settings, user: User) -> Json:
    """Return the fields that every interaction carries; `team` is the actor's own, also a stranger's."""
    domain = workspace.domain if user.team_id == workspace.team_id else "elsewhere"
    return {
        "user": {"id": user.id, "username": user.name, "name": user.name, "team_id": user.team_id},
        "api_app_id": workspace.app_id,
        "token": settings.verification_token,
        "team": {"id": user.team_id, "domain": domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }


def on_message(message: Message, channel: Conversation, state: Json, response_url: str) -> Json:
    """Return the fields of a click in a message; an ephemeral one does not show its content."""
    container: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": channel.id,
        "is_ephemeral": bool(message.ephemeral_to),
    }
    if message.thread_ts:
        container["thread_ts"] = message.thread_ts
    found: Json = {
        "container": container,
        "channel": {"id": channel.id, "name": channel.payload_name},
        "state": {"values": state},
        "response_url": response_url,
    }
    if not message.ephemeral_to:
        found["message"] = message.as_dict()
    return found


def on_view(view: View, state: Json) -> Json:
    """Return the fields of a click in a modal or home tab."""
    return {"container": {"type": "view", "view_id": view.id}, "view": view.as_dict(state)}


def button_action(block: Json, element: Json, state: Json) -> Json:
    """Return one entry of `actions`: a button's text and value, a menu's choice."""
    found: Json = {
        "action_id": element["action_id"],
        "block_id": block["block_id"],
        "type": element["type"],
        "action_ts": action_ts(),
    }
    if element["type"] == "button":
        found |= {name: element[name] for name in ("text", "value", "style", "url") if name in element}
    return found | {name: item for name, item in state.items() if name != "type"}


def view_submission(view: View, state: Json) -> Json:
    """Return the fields of a submission."""
    return {"type": "view_submission", "view": view.as_dict(state), "response_urls": []}


def slash_command(workspace: Workspace, settings: Settings, user: User, channel: Conversation) -> Json:
    """Return a command's form fields but `command`, `text`, `trigger_id` and `response_url`; all are strings."""
    return {
        "token": settings.verification_token,
        "team_id": user.team_id,
        "team_domain": workspace.domain,
        "channel_id": channel.id,
        "channel_name": channel.payload_name,
        "user_id": user.id,
        "user_name": user.name,
        "api_app_id": workspace.app_id,
        "is_enterprise_install": "false",
    }


def event(workspace: Workspace, settings: Settings, body: Json, *, is_ext_shared: bool = False) -> Json:
    """Return the envelope of an event."""
    context = json.dumps(
        {"et": body["type"], "tid": workspace.team_id, "aid": workspace.app_id, "cid": body.get("channel", "")}
    )
    return {
        "token": settings.verification_token,
        "team_id": workspace.team_id,
        "context_team_id": workspace.team_id,
        "context_enterprise_id": None,
        "api_app_id": workspace.app_id,
        "event": body,
        "type": "event_callback",
        "event_id": new_id("Ev"),
        "event_time": int(time.time()),
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": workspace.team_id,
                "user_id": workspace.bot.id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": is_ext_shared,
        "event_context": "4-" + base64.b64encode(context.encode()).decode(),
    }


def message_event(message: Message, channel: Conversation, parent_user: str = "") -> Json:
    """Return a `message` event."""
    found = {**message.as_dict(), "channel": channel.id, "event_ts": message.ts, "channel_type": channel.kind}
    if not message.bot_id:
        found["client_msg_id"] = secrets.token_hex(16)
    if message.thread_ts and message.thread_ts != message.ts:
        found["parent_user_id"] = parent_user
    return found


def changed_event(message: Message, channel: Conversation, previous: Json) -> Json:
    """Return the `message` event of an edit: the subtype `message_changed` with both contents."""
    at = message.edited["ts"] if message.edited else message.ts
    return {
        "type": "message",
        "subtype": "message_changed",
        "hidden": True,
        "channel": channel.id,
        "ts": at,
        "event_ts": at,
        "channel_type": channel.kind,
        "message": message.as_dict(),
        "previous_message": previous,
    }
