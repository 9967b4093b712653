"""What a person reads on a message, modal or home tab: its text, buttons, links and mentions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.fakes.slack.limits import elements_of
from tests.fakes.slack.workspace import Message, View

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.slack.errors import Json

_ANGLE = re.compile(r"<([^<>]+)>")


def _unescape(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _text(part: Json) -> str:
    """Return a text object as shown: in `mrkdwn` a link shows its label and escapes are undone."""
    if part["type"] == "plain_text":
        return str(part["text"])
    shown = _ANGLE.sub(lambda match: match.group(1).rpartition("|")[2], part["text"])
    return _unescape(shown)


def _parts(block: Json) -> Iterator[Json]:
    """Yield the text objects of a block in reading order, those of its elements too."""
    for name in ("title", "text", "label"):
        if isinstance(block.get(name), dict):
            yield block[name]
    yield from block.get("fields", [])
    if block["type"] == "context":
        yield from (part for part in block["elements"] if part["type"] != "image")
    for element in elements_of(block):
        if isinstance(element.get("text"), dict):
            yield element["text"]
        for option in element.get("options", []):
            yield option["text"]
        if element.get("initial_value"):
            yield {"type": "plain_text", "text": element["initial_value"]}
    if isinstance(block.get("hint"), dict):
        yield block["hint"]


def _rich_text(part: Json) -> str:
    inner = "".join(_rich_text(item) for item in part.get("elements", []))
    return str(part.get("text") or part.get("url") or "") + inner


def _blocks(target: Message | View | Json) -> list[Json]:
    found = target.blocks if isinstance(target, Message | View) else target.get("blocks", [])
    return list(found)


def visible_text(target: Message | View | Json) -> str:
    """Return all text visible in a message, view or their dicts, a line for each text; a view's title first.

    The fallback `text` counts only where there are no blocks, as in Slack.
    """
    lines: list[str] = []
    spec = target.spec if isinstance(target, View) else {}
    if isinstance(spec.get("title"), dict):
        lines.append(_text(spec["title"]))
    for block in _blocks(target):
        if block["type"] == "rich_text":
            lines += [_rich_text(part) for part in block["elements"]]
        elif block["type"] == "markdown":
            lines.append(block["text"])
        else:
            lines += [_text(part) for part in _parts(block)]
    lines += [_text(spec[name]) for name in ("submit", "close") if isinstance(spec.get(name), dict)]
    if not _blocks(target):
        text = (
            target.text if isinstance(target, Message) else target.get("text", "") if isinstance(target, dict) else ""
        )
        lines.append(_text({"type": "mrkdwn", "text": text}))
    return "\n".join(lines)


def buttons(target: Message | View | Json) -> dict[str, Json]:
    """Return the buttons by `action_id`, in reading order."""
    return {
        element["action_id"]: element
        for block in _blocks(target)
        for element in elements_of(block)
        if element["type"] == "button"
    }


def links(target: Message | View | Json) -> list[str]:
    """Return every target that can be followed: button addresses and links in `mrkdwn`; mailto and mentions are not."""
    found = [button["url"] for button in buttons(target).values() if button.get("url")]
    return found + [mark.split("|")[0] for mark in _marks(target) if re.match(r"https?://", mark)]


def mentions(target: Message | View | Json) -> list[str]:
    """Return what would notify or point at someone: `!channel`, `!here`, `@U…`, `#C…`, `!subteam^S…`."""
    return [mark.split("|")[0] for mark in _marks(target) if mark[0] in "!@#"]


def _marks(target: Message | View | Json) -> list[str]:
    """Return what stands in angle brackets in texts that Slack parses: `mrkdwn`, and the fallback `text`."""
    blocks = _blocks(target)
    texts = [
        part["text"]
        for block in blocks
        if block["type"] not in {"rich_text", "markdown"}
        for part in _parts(block)
        if part["type"] == "mrkdwn"
    ]
    if not isinstance(target, View):
        texts.append(target.text if isinstance(target, Message) else target.get("text", ""))
    return [match for text in texts for match in _ANGLE.findall(text)]
