"""`api.test`, `auth.test`, `team.info`, `users.*`, `conversations.*`, `apps.connections.open`.

Source: https://docs.slack.dev/reference/methods
"""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING

from tests.fakes.slack.errors import Json, refuse

if TYPE_CHECKING:
    from tests.fakes.slack.args import Args
    from tests.fakes.slack.state import State
    from tests.fakes.slack.workspace import User

PAGE = 100
MOST_IN_PAGE = 1000


def _page(items: list[Json] | list[str], key: str, args: Args) -> Json:
    """Return one page by `limit` and `cursor`, with `response_metadata.next_cursor`."""
    limit, cursor = args.number("limit", PAGE), args.text("cursor", optional=True)
    if not 0 < limit <= MOST_IN_PAGE:
        refuse("invalid_limit")
    try:
        start = int(base64.b64decode(cursor, validate=True)[len("offset:") :]) if cursor else 0
    except ValueError:
        refuse("invalid_cursor")
    end = start + limit
    following = base64.b64encode(f"offset:{end}".encode()).decode() if end < len(items) else ""
    return {"ok": True, key: items[start:end], "response_metadata": {"next_cursor": following}}


def api_test(_state: State, args: Args) -> Json:
    """`api.test`: echoes the arguments; `error` is answered as that error."""
    error = args.text("error", optional=True)
    if error:
        refuse(error)
    return {"ok": True, "args": args.values}


def auth_test(state: State, _args: Args) -> Json:
    """`auth.test` with a bot token."""
    workspace = state.workspace
    return {
        "ok": True,
        "url": f"https://{workspace.domain}.slack.com/",
        "team": workspace.team_name,
        "user": workspace.bot.name,
        "team_id": workspace.team_id,
        "user_id": workspace.bot.id,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def team_info(state: State, _args: Args) -> Json:
    """`team.info` of our own team."""
    workspace = state.workspace
    return {
        "ok": True,
        "team": {
            "id": workspace.team_id,
            "name": workspace.team_name,
            "domain": workspace.domain,
            "email_domain": "",
            "icon": {"image_default": True},
        },
    }


def _user(state: State, user: User) -> Json:
    return user.as_dict(with_email="users:read.email" in state.settings.scopes)


def users_info(state: State, args: Args) -> Json:
    """`users.info`."""
    return {"ok": True, "user": _user(state, state.workspace.find_user(args.text("user")))}


def users_list(state: State, args: Args) -> Json:
    """`users.list`: the deactivated too, strangers not."""
    people = [_user(state, user) for user in state.workspace.users.values() if not user.is_stranger]
    return {**_page(people, "members", args), "cache_ts": 1700000000}


def users_lookup_by_email(state: State, args: Args) -> Json:
    """`users.lookupByEmail`: deactivated users are not found: `users_not_found`."""
    email = args.text("email").lower()
    for user in state.workspace.users.values():
        if user.email.lower() == email and not user.deleted and not user.is_stranger:
            return {"ok": True, "user": _user(state, user)}
    return refuse("users_not_found")


def conversations_open(state: State, args: Args) -> Json:
    """`conversations.open` with one user (or a known `channel`)."""
    channel_id = args.text("channel", optional=True)
    if channel_id:
        found, existed = state.workspace.find_channel(channel_id), True
    else:
        users = [name for name in args.text("users").split(",") if name]
        if len(users) != 1:
            refuse("too_many_users" if users else "users_list_not_supplied")
        user = state.workspace.find_user(users[0])
        if user.deleted:
            refuse("user_disabled")
        if user.is_bot:
            refuse("cannot_dm_bot")
        found, existed = state.workspace.direct_message(user.id)
    again: Json = {"no_op": True, "already_open": True} if existed else {}
    channel = found.as_dict() if args.flag("return_im") else {"id": found.id}
    return {"ok": True, **again, "channel": channel}


_TYPES = {"channel": "public_channel", "group": "private_channel", "im": "im"}


def conversations_list(state: State, args: Args) -> Json:
    """`conversations.list`: public channels unless `types` says more; private ones only where the bot is."""
    wanted = set((args.text("types", optional=True) or "public_channel").split(","))
    if not wanted <= {*_TYPES.values(), "mpim"}:
        refuse("invalid_types")
    bot = state.workspace.bot.id
    found: list[Json] = []
    for channel in state.workspace.conversations.values():
        hidden = channel.kind != "channel" and bot not in channel.members
        archived = channel.is_archived and args.flag("exclude_archived")
        if _TYPES[channel.kind] in wanted and not hidden and not archived:
            found.append({**channel.as_dict(), "is_member": bot in channel.members})
    return _page(found, "channels", args)


def conversations_info(state: State, args: Args) -> Json:
    """`conversations.info` by id."""
    channel = state.workspace.find_channel(args.text("channel"))
    return {"ok": True, "channel": {**channel.as_dict(), "is_member": state.workspace.bot.id in channel.members}}


def conversations_members(state: State, args: Args) -> Json:
    """`conversations.members`: user ids."""
    return _page(sorted(state.workspace.find_channel(args.text("channel")).members), "members", args)


def conversations_replies(state: State, args: Args) -> Json:
    """`conversations.replies`: the parent first, then its replies, oldest first."""
    channel = state.workspace.find_channel(args.text("channel"))
    if state.workspace.bot.id not in channel.members:
        refuse("not_in_channel")
    ts = args.text("ts")
    thread = [
        message for message in state.workspace.visible_messages(channel.id) if ts in {message.ts, message.thread_ts}
    ]
    if not thread:
        refuse("thread_not_found")
    found = [message.as_dict() for message in thread]
    if len(found) > 1:
        found[0] |= {"reply_count": len(found) - 1, "latest_reply": found[-1]["ts"]}
    return {**_page(found, "messages", args), "has_more": len(found) > args.number("limit", PAGE)}


def conversations_history(state: State, args: Args) -> Json:
    """`conversations.history`: what stands in the channel itself, newest first; metadata only where asked for."""
    channel = state.workspace.find_channel(args.text("channel"))
    if state.workspace.bot.id not in channel.members:
        refuse("not_in_channel")
    oldest = float(args.text("oldest", optional=True) or 0)
    found: list[Json] = []
    for message in reversed(list(state.workspace.visible_messages(channel.id))):
        if float(message.ts) <= oldest or message.thread_ts not in {"", message.ts}:
            continue
        shown = message.as_dict()
        if not args.flag("include_all_metadata"):
            shown.pop("metadata", None)
        found.append(shown)
    return {**_page(found, "messages", args), "has_more": len(found) > args.number("limit", PAGE)}


def apps_connections_open(state: State, _args: Args) -> Json:
    """`apps.connections.open`: a WebSocket address whose ticket works once."""
    ticket = secrets.token_hex(16)
    state.tickets.add(ticket)
    return {"ok": True, "url": f"ws{state.origin[4:]}/link/?ticket={ticket}&app_id={state.workspace.app_id}"}
