"""Cards as messages in Slack: posted once as far as can be known, updated, replied to."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from bot.core.errors import SendFailed
from bot.core.model import Delivery
from bot.core.ports import Clock
from channels.slack.api import CallFailed, SlackApi
from channels.slack.settings import LOOK_UP_WITHIN

EVENT = "sayso_card"
_MEMBER = re.compile(r"[UW][A-Z0-9]{2,}")
_CHANNEL = re.compile(r"[CDG][A-Z0-9]{2,}")
_STALE_AFTER = timedelta(seconds=5)
"""A delivery that has waited longer than this may have been posted by a process that died before it could say so."""
_LOOKS_FOR = timedelta(minutes=1)
"""For so long a card waits, where Slack cannot say just now whether it stands already; then a second one is better."""
_MOST_UNCERTAIN, _PAGES = 10_000, 20


class Posts:
    """Messages of the bot."""

    def __init__(self, api: SlackApi, clock: Clock) -> None:
        """Places are looked up once each."""
        self._api = api
        self._clock = clock
        self._began = clock.now()
        self._ids: dict[str, str] = {}
        self._uncertain: set[str] = set()
        self._held: dict[str, tuple[datetime, float]] = {}
        """By method and place: until when Slack asked for no calls, and for how many seconds that was."""

    async def post(self, delivery: Delivery, message: dict[str, Any]) -> dict[str, Any]:
        """Post a card, or find it where it may stand already; the handle. Raises `SendFailed`."""
        known = await self.standing(delivery)
        try:
            place = await self._place(delivery.to)
        except CallFailed as failed:
            raise _failure("post to", delivery.to, failed) from None
        if known is not None:
            await self._change(known, message, delivery)
            self._uncertain.discard(delivery.id)
            return known
        answer = await self._write(
            "chat.postMessage",
            delivery,
            channel=place,
            unfurl_links=False,
            unfurl_media=False,
            metadata=_metadata(delivery),
            **message,
        )
        self._uncertain.discard(delivery.id)
        self._ids[delivery.to] = answer["channel"]
        return {"channel": answer["channel"], "ts": answer["ts"]}

    async def standing(self, delivery: Delivery) -> dict[str, Any] | None:
        """The handle of a delivery's card where it may stand already and does. Raises `SendFailed`."""
        if not self._may_stand(delivery):
            return None
        try:
            await self._place(delivery.to)
            return await self._find(delivery)
        except CallFailed as failed:
            raise _failure("post to", delivery.to, failed) from None

    async def tell(self, user: str, text: str, link: str) -> None:
        """Say something to one person in their direct messages, with a link of ours. Raises `SendFailed`."""
        parts = [{"type": "text", "text": f"{text} "}, {"type": "link", "url": link}]
        blocks = [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": parts}]}]
        try:
            place = await self._place(user)
            await self._api.write(
                "chat.postMessage", channel=place, text=text, blocks=blocks, unfurl_links=False, unfurl_media=False
            )
        except CallFailed as failed:
            raise _failure("post to", user, failed) from None

    async def update(self, delivery: Delivery, message: dict[str, Any]) -> None:
        """Change a posted card. Raises `SendFailed`."""
        await self._change(_handle(delivery), message, delivery)

    async def _change(self, handle: dict[str, Any], message: dict[str, Any], delivery: Delivery) -> None:
        where = {"channel": handle["channel"], "ts": handle["ts"]}
        await self._write("chat.update", delivery, metadata=_metadata(delivery), **where, **message)

    async def reply(self, delivery: Delivery, message: dict[str, Any]) -> None:
        """Reply in a card's thread. Raises `SendFailed`."""
        handle = _handle(delivery)
        where = {"channel": handle["channel"], "thread_ts": handle["ts"]}
        await self._write("chat.postMessage", delivery, unfurl_links=False, unfurl_media=False, **where, **message)

    async def _write(self, method: str, delivery: Delivery, **args: Any) -> Any:
        """One call; while Slack has asked for a pause there, none is made."""
        pace = f"{method} {args['channel']}"
        until, asked = self._held.get(pace, (self._began, 0.0))
        left = (until - self._clock.now()).total_seconds()
        if 0 < left <= asked:  # longer than was asked for: the clock was set back meanwhile
            raise SendFailed(f"Slack asked for a pause in {delivery.to}", temporary=True, retry_after=left)
        self._held.pop(pace, None)
        try:
            return await self._api.write(method, **args)
        except CallFailed as failed:
            if failed.retry_after is not None:
                until = self._clock.now() + timedelta(seconds=failed.retry_after)
                self._held[pace] = until, failed.retry_after
            if failed.lost and len(self._uncertain) < _MOST_UNCERTAIN:
                self._uncertain.add(delivery.id)
            stood = method == "chat.update" or "thread_ts" in args
            raise _failure(method, delivery.to, failed, gone=stood and failed.code in _GONE) from None

    def _may_stand(self, delivery: Delivery) -> bool:
        # What was planned before this process began may have been posted by the one before, however short a while ago.
        planned = delivery.at
        return delivery.id in self._uncertain or planned < self._began or self._clock.now() - planned > _STALE_AFTER

    async def _place(self, to: str) -> str:
        """What chat.postMessage takes: a person's direct messages are opened first; it knows channels by name."""
        if not _MEMBER.fullmatch(to):
            return to
        if to not in self._ids:
            answer = await self._api.write("conversations.open", users=to)
            self._ids[to] = answer["channel"]["id"]
        return self._ids[to]

    async def _find(self, delivery: Delivery) -> dict[str, Any] | None:
        """The card of a delivery where it already stands. None too where Slack does not let us look.

        Raises `CallFailed` where it may let us soon: a look that merely took too long proves nothing.
        """
        try:
            channel = await self._channel_id(delivery.to)
            if channel is None:
                return None
            answer = await self._api.read(
                "conversations.history",
                again=False,
                channel=channel,
                oldest=f"{(delivery.at - timedelta(minutes=1)).timestamp():.6f}",
                include_all_metadata=1,
                limit=200,
            )
        except CallFailed as failed:
            if failed.temporary and self._clock.now() - max(delivery.at, self._began) < _LOOKS_FOR:
                raise
            return None
        ours = (m for m in reversed(answer.get("messages") or ()) if _is_of(delivery, m))
        first = next(ours, None)
        return {"channel": channel, "ts": first["ts"]} if first else None

    async def _channel_id(self, to: str) -> str | None:
        if to in self._ids or _CHANNEL.fullmatch(to):
            return self._ids.get(to, to)
        cursor = ""
        for _ in range(_PAGES):
            answer = await self._api.read(
                "conversations.list",
                within=LOOK_UP_WITHIN,
                again=False,
                types="public_channel,private_channel",
                exclude_archived=1,
                limit=1000,
                cursor=cursor,
            )
            self._ids |= {f"#{c['name']}": c["id"] for c in answer["channels"] if f"#{c['name']}" == to}
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if to in self._ids or not cursor:
                break
        return self._ids.get(to)


def _metadata(delivery: Delivery) -> dict[str, Any]:
    return {"event_type": EVENT, "event_payload": {"delivery": delivery.id}}


def _is_of(delivery: Delivery, message: dict[str, Any]) -> bool:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return metadata.get("event_type") == EVENT and payload.get("delivery") == delivery.id


def _handle(delivery: Delivery) -> dict[str, Any]:
    if not delivery.handle:
        raise SendFailed("the card was never sent, so there is nothing to change", temporary=False)
    return delivery.handle


def _failure(what: str, to: str, failed: CallFailed, *, gone: bool = False) -> SendFailed:
    hint = _HINTS.get(failed.code, "")
    detail = f"Slack: {what} {to}: {failed.code}{hint}"
    return SendFailed(detail, temporary=failed.temporary, retry_after=failed.retry_after, gone=gone)


_GONE = frozenset({"message_not_found", "thread_not_found", "channel_not_found", "not_in_channel", "is_archived"})
"""Why a card that stood cannot be changed or replied to any more: somebody deleted it, or closed its channel."""


_HINTS = {
    "channel_not_found": " (there is no such channel, or the app is not in it: /invite it)",
    "not_in_channel": " (the app is not in that channel: /invite it)",
    "is_archived": " (the channel is archived: name another in post_to)",
    "message_not_found": " (the card was deleted)",
    "user_not_found": " (there is no such member: check slack: in routing.yaml)",
    "invalid_auth": " (the token is refused: check SLACK_BOT_TOKEN)",
    "missing_scope": " (the app lacks a scope: use examples/slack-manifest.yaml and install it again)",
}
