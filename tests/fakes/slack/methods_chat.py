"""`chat.*` and `reactions.add`, and the same acts done by way of a response URL.

Sources: https://docs.slack.dev/reference/methods/chat.postMessage and its neighbours;
https://docs.slack.dev/interactivity/handling-user-interaction#message_responses
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from tests.fakes.slack.args import Args
from tests.fakes.slack.errors import Json, RateLimitedError, SlackError, refuse
from tests.fakes.slack.limits import MESSAGE_TEXT, check_blocks, read_json
from tests.fakes.slack.state import MAX_RESPONSE_URL_USES
from tests.fakes.slack.workspace import Conversation, Message

if TYPE_CHECKING:
    from tests.fakes.slack.state import ResponseUrl, State


def _content(args: Args) -> tuple[str, list[Json]]:
    """Return text and blocks, checked; `no_text` when there is neither."""
    text = args.text("text", optional=True)
    blocks = check_blocks(args.values["blocks"]) if args.values.get("blocks") else []
    if not text.strip() and not blocks:
        refuse("no_text")
    if len(text) > MESSAGE_TEXT:
        refuse("msg_too_long")
    return text, blocks


def _writable(state: State, channel: Conversation) -> None:
    if channel.is_archived:
        refuse("is_archived")
    if state.workspace.bot.id not in channel.members:
        refuse("not_in_channel")
    if channel.kind == "im" and state.workspace.find_user(channel.user).deleted:
        refuse("user_disabled")


def _paced(state: State, channel: Conversation) -> None:
    """Hold the caller to one message a second and channel: https://docs.slack.dev/apis/web-api/rate-limits."""
    now = time.monotonic()
    sent = state.rate.setdefault(f"channel:{channel.id}", [])
    if state.settings.enforce_rate and sent and now - sent[-1] < 1.0:
        raise RateLimitedError(1)
    sent.append(now)


def new_message(
    state: State, channel: Conversation, text: str, blocks: list[Json], *, thread_ts: str = "", ephemeral_to: str = ""
) -> Message:
    """Store a message from the bot."""
    workspace = state.workspace
    message = Message(
        channel.id,
        workspace.new_ts(),
        workspace.bot.id,
        text,
        blocks,
        workspace.team_id,
        bot_id=workspace.bot_id,
        app_id=workspace.app_id,
        thread_ts=thread_ts,
        ephemeral_to=ephemeral_to,
    )
    workspace.messages.append(message)
    return message


def post_message(state: State, args: Args) -> Json:
    """`chat.postMessage`: `channel` may be an id, a `#name` or a user's id."""
    channel = state.workspace.find_channel(args.text("channel"), by_name=True)
    _writable(state, channel)
    text, blocks = _content(args)
    thread_ts = args.text("thread_ts", optional=True)
    if thread_ts:
        parent = state.workspace.find_message(channel.id, thread_ts)
        parent.thread_ts = parent.thread_ts or parent.ts
        thread_ts = parent.thread_ts
    _paced(state, channel)
    message = new_message(state, channel, text, blocks, thread_ts=thread_ts)
    metadata = read_json(args.values.get("metadata"), "invalid_metadata_format")
    message.metadata = metadata if isinstance(metadata, dict) else None
    message.unfurl = {name: args.flag(name, default=True) for name in ("unfurl_links", "unfurl_media")}
    return {"ok": True, "channel": channel.id, "ts": message.ts, "message": message.as_dict()}


def post_ephemeral(state: State, args: Args) -> Json:
    """`chat.postEphemeral`: the user must be in the channel."""
    channel = state.workspace.find_channel(args.text("channel"), by_name=True)
    _writable(state, channel)
    user = state.workspace.find_user(args.text("user"))
    if user.id not in channel.members:
        refuse("user_not_in_channel")
    text, blocks = _content(args)
    message = new_message(
        state, channel, text, blocks, thread_ts=args.text("thread_ts", optional=True), ephemeral_to=user.id
    )
    return {"ok": True, "message_ts": message.ts}


def update(state: State, args: Args) -> Json:
    """`chat.update`: only the bot's own messages; blocks left out stay as they were."""
    channel = state.workspace.find_channel(args.text("channel"))
    message = state.workspace.find_message(channel.id, args.text("ts"))
    if message.bot_id != state.workspace.bot_id:
        refuse("cant_update_message")
    text, blocks = message.text, message.blocks
    if args.values.get("blocks") or args.values.get("text"):
        text, found = _content(args)
        blocks = found if args.values.get("blocks") is not None else blocks
    elif args.values.get("blocks") is None:
        refuse("no_text")
    message.change(text=text, blocks=blocks, edited={"user": message.user, "ts": state.workspace.new_ts()})
    return {"ok": True, "channel": channel.id, "ts": message.ts, "text": text, "message": message.as_dict()}


def delete(state: State, args: Args) -> Json:
    """`chat.delete`: only the bot's own messages."""
    channel = state.workspace.find_channel(args.text("channel"))
    message = state.workspace.find_message(channel.id, args.text("ts"))
    if message.bot_id != state.workspace.bot_id:
        refuse("cant_delete_message")
    message.deleted = True
    return {"ok": True, "channel": channel.id, "ts": message.ts}


def get_permalink(state: State, args: Args) -> Json:
    """`chat.getPermalink`."""
    channel = state.workspace.find_channel(args.text("channel"))
    message = state.workspace.find_message(channel.id, args.text("message_ts"))
    link = f"https://{state.workspace.domain}.slack.com/archives/{channel.id}/p{message.ts.replace('.', '')}"
    return {"ok": True, "channel": channel.id, "permalink": link}


def add_reaction(state: State, args: Args) -> Json:
    """`reactions.add`: `name` without colons, once a user."""
    channel = state.workspace.find_channel(args.text("channel"))
    message = state.workspace.find_message(channel.id, args.text("timestamp"))
    name = args.text("name")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
        refuse("invalid_name")
    users = message.reactions.setdefault(name, [])
    if state.workspace.bot.id in users:
        refuse("already_reacted")
    users.append(state.workspace.bot.id)
    return {"ok": True}


def respond(state: State, response_url: ResponseUrl, args: Args) -> Json:
    """Do what a post to a response URL says: `used_url` after five, `expired_url` after 30 minutes.

    `delete_original`, `replace_original`, or a new message: ephemeral, in the channel with `response_type: in_channel`.
    """
    if time.monotonic() > response_url.expires:
        refuse("expired_url")
    if response_url.uses >= MAX_RESPONSE_URL_USES:
        refuse("used_url")
    original = response_url.message
    if args.flag("delete_original"):
        if original is None or original.deleted:
            refuse("message_not_found")
        original.deleted = True
    else:
        text, blocks = _content(args)
        if args.flag("replace_original") and original is not None:
            original.change(text=text, blocks=blocks, edited={"user": original.user, "ts": state.workspace.new_ts()})
        else:
            everyone = args.values.get("response_type") == "in_channel"
            thread_ts = args.text("thread_ts", optional=True)
            new_message(
                state,
                state.workspace.find_channel(response_url.channel),
                text,
                blocks,
                thread_ts=thread_ts,
                ephemeral_to="" if everyone else response_url.user,
            )
    response_url.uses += 1
    return {"ok": True}


def answer_to_command(state: State, response_url: ResponseUrl, answer: Json) -> SlackError | None:
    """Show what the app answered to a slash command; returns why Slack would not show it."""
    try:
        respond(state, response_url, Args(answer))
    except SlackError as error:
        return error
    response_url.uses -= 1
    return None
