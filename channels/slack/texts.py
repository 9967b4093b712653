"""What a person typed, out of what Slack makes of a message: its own marks undone, emoji given back as they were typed.

Sources: https://docs.slack.dev/messaging/formatting-message-text (links, mentions, escapes) and
https://docs.slack.dev/reference/block-kit/blocks/rich-text-block (emoji). In a message's text Slack names each emoji
(``:tada:``), also one that was pasted as a character; which character that was, only the message's blocks say.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_MARK = re.compile(r"<([^<>|]*)(?:\|([^<>]*))?>")
_MENTION = re.compile(r"<[@#!][^<>]*>")
_POINTS = re.compile(r"[0-9a-fA-F]{2,6}(?:-[0-9a-fA-F]{2,6})*")
_LAST_POINT = 0x10FFFF
_DEEP = 4
"""How many lists of elements lie in one another at most: a block's, a list's, an item's."""


def typed(event: Mapping[str, Any]) -> str:
    """The text of a message event, as it was typed."""

    def unwrap(match: re.Match[str]) -> str:
        target, label = match[1], match[2]
        if target[:1] in ("@", "#", "!"):
            return match[0]
        return label if label is not None else target.removeprefix("mailto:")

    text = _with_emoji(str(event.get("text") or ""), event.get("blocks"))
    return _MARK.sub(unwrap, text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def mentions(event: Mapping[str, Any]) -> bool:
    """Whether somebody, a group or a channel is named in it: what was typed of that, Slack does not say."""
    return _MENTION.search(str(event.get("text") or "")) is not None


def _with_emoji(text: str, blocks: Any) -> str:
    """The text with emoji in the place of their names; what has no character (a workspace's own) keeps its name."""
    done, at = [], 0
    for element in _emoji(blocks, _DEEP):
        found = re.compile(rf":{re.escape(str(element.get('name')))}:(?::skin-tone-\d:)?").search(text, at)
        if found is not None:
            done += [text[at : found.start()], _characters(element) or found[0]]
            at = found.end()
    return "".join([*done, text[at:]])


def _emoji(elements: Any, deep: int) -> Iterator[Mapping[str, Any]]:
    """The emoji in these blocks or elements, in their order."""
    for element in elements if isinstance(elements, list) and deep else ():
        if isinstance(element, dict):
            if element.get("type") == "emoji":
                yield element
            yield from _emoji(element.get("elements"), deep - 1)


def _characters(element: Mapping[str, Any]) -> str | None:
    points = element.get("unicode")
    if not isinstance(points, str) or not _POINTS.fullmatch(points):
        return None
    numbers = [int(point, 16) for point in points.split("-")]
    return "".join(map(chr, numbers)) if max(numbers) <= _LAST_POINT else None
