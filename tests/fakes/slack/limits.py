"""What Slack accepts as a message or a view: every block, each surface's limits, and the ids Slack fills in.

Sources: https://docs.slack.dev/reference/block-kit/blocks and …/views. Blocks of other types
(video, file, call, table, card …) are refused: Sayso sends none of them.
"""

from __future__ import annotations

import json
import secrets
from copy import deepcopy
from typing import TYPE_CHECKING

from tests.fakes.slack.checks import (
    Check,
    Problems,
    Shape,
    array,
    boolean,
    one_of,
    string,
    text_object,
    typed,
    url,
)
from tests.fakes.slack.elements import BOTH, ELEMENTS, ID, IN_ACTIONS, IN_INPUT, IN_SECTION
from tests.fakes.slack.errors import Json, SlackError, refuse

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE_BLOCKS, VIEW_BLOCKS = 50, 100
MESSAGE_TEXT = 40_000
"""Characters of the fallback `text`; above it `msg_too_long`."""
BLOCK_TEXT = 13_200
"""Characters of all text objects of a message together (measured, not documented); above it `msg_blocks_too_long`."""
MARKDOWN_TEXT = 12_000
VIEW_BYTES = 250_000


def _section_rule(problems: Problems, pointer: str, value: object) -> None:
    if isinstance(value, dict) and not value.get("text") and not value.get("fields"):
        problems.add(pointer, "missing required field: text or fields")


_CONTEXT: dict[str, Check] = {
    "image": ELEMENTS["image"],
    "plain_text": text_object(3000),
    "mrkdwn": text_object(3000, "mrkdwn"),
}
_RICH = one_of("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote")


def _rich_part(problems: Problems, pointer: str, value: object) -> None:
    _RICH(problems, f"{pointer}/type", value.get("type") if isinstance(value, dict) else None)
    if isinstance(value, dict) and not isinstance(value.get("elements"), list):
        problems.add(pointer, "missing required field: elements")


_ACCESSORY, _ACTION, _INPUT = (typed(ELEMENTS, names) for names in (IN_SECTION, IN_ACTIONS, IN_INPUT))
_BLOCK_ID: dict[str, Check] = {"block_id": ID}
BLOCKS: dict[str, Check] = {
    "section": Shape(
        {},
        {
            **_BLOCK_ID,
            "text": text_object(3000, *BOTH),
            "fields": array(text_object(2000, *BOTH), 10),
            "accessory": _ACCESSORY,
            "expand": boolean,
        },
        _section_rule,
    ),
    "divider": Shape({}, _BLOCK_ID),
    "header": Shape({"text": text_object(150)}, _BLOCK_ID),
    "image": Shape({"image_url": url(), "alt_text": string(2000)}, {**_BLOCK_ID, "title": text_object(2000)}),
    "actions": Shape({"elements": array(_ACTION, 25)}, _BLOCK_ID),
    "context": Shape({"elements": array(typed(_CONTEXT, _CONTEXT), 10)}, _BLOCK_ID),
    "input": Shape(
        {"label": text_object(2000), "element": _INPUT},
        {**_BLOCK_ID, "hint": text_object(2000), "optional": boolean, "dispatch_action": boolean},
    ),
    "rich_text": Shape({"elements": array(_rich_part, 1000)}, _BLOCK_ID),
    "markdown": Shape({"text": string(MARKDOWN_TEXT)}, _BLOCK_ID),
}
"""Each block type with its shape."""

_BLOCK = {"message": typed(BLOCKS, BLOCKS), "view": typed(BLOCKS, BLOCKS.keys() - {"markdown"})}
_VIEW_COMMON: dict[str, Check] = {
    "private_metadata": string(3000, 0),
    "callback_id": string(255, 0),
    "external_id": string(255, 0),
    "blocks": array(_BLOCK["view"], VIEW_BLOCKS),
}
_HOME = Shape({"blocks": _VIEW_COMMON["blocks"]}, _VIEW_COMMON)
_MODAL = Shape(
    {"blocks": _VIEW_COMMON["blocks"], "title": text_object(24)},
    {
        **_VIEW_COMMON,
        "submit": text_object(24),
        "close": text_object(24),
        "clear_on_close": boolean,
        "notify_on_close": boolean,
    },
)


def elements_of(block: Json) -> list[Json]:
    """Return the interactive and image elements of one block."""
    if block.get("type") == "actions":
        return list(block["elements"])
    return [block[name] for name in ("accessory", "element") if block.get(name)]


def _walk(value: object) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from _walk(item)
    elif isinstance(value, list):
        for item in value:
            yield from _walk(item)


def block_text_length(blocks: list[Json]) -> int:
    """Return the characters of all text in the blocks: text objects, Markdown and rich text."""
    kinds = {"plain_text", "mrkdwn", "markdown", "text"}
    return sum(
        len(part["text"]) for part in _walk(blocks) if part.get("type") in kinds and isinstance(part.get("text"), str)
    )


def _unique_ids(problems: Problems, pointer: str, blocks: list[Json]) -> None:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        block_id = block.get("block_id")
        if block_id and block_id in seen:
            problems.add(f"{pointer}/{index}/block_id", f"block_id already exists: {block_id}")
        seen.add(block_id or "")
        actions = [element["action_id"] for element in elements_of(block) if element.get("action_id")]
        for action_id in sorted({name for name in actions if actions.count(name) > 1}):
            problems.add(f"{pointer}/{index}", f"action_id already exists: {action_id}")
    if sum(part.get("focus_on_load") is True for part in _walk(blocks)) > 1:
        problems.add(pointer, "only one element can have focus_on_load set to true")


def _filled(blocks: list[Json]) -> list[Json]:
    """Return a copy with what Slack adds: block and action ids, `emoji` and `verbatim`."""
    found = deepcopy(blocks)
    for block in found:
        block.setdefault("block_id", secrets.token_urlsafe(4)[:5])
        for element in elements_of(block):
            if element["type"] != "image":
                element.setdefault("action_id", secrets.token_urlsafe(4)[:5])
    for part in _walk(found):
        if part.get("type") == "plain_text":
            part.setdefault("emoji", True)
        elif part.get("type") == "mrkdwn":
            part.setdefault("verbatim", False)
    return found


def read_json(value: object, code: str) -> object:
    """Return an argument that comes as JSON text or as JSON; bad JSON is refused with `code`."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        refuse(code)


def check_blocks(value: object) -> list[Json]:
    """Return a message's blocks as Slack would store them.

    Refuses with `invalid_blocks_format` (no list of objects), `invalid_blocks` (with the reasons, each with its JSON
    pointer) or `msg_blocks_too_long`.
    """
    blocks = read_json(value, "invalid_blocks_format")
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        refuse("invalid_blocks_format")
    problems = Problems()
    array(_BLOCK["message"], MESSAGE_BLOCKS, least=0)(problems, "/blocks", blocks)
    if not problems.lines:
        _unique_ids(problems, "/blocks", blocks)
    if problems.lines:
        raise SlackError("invalid_blocks", messages=problems.lines)
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if block_text_length(blocks) > BLOCK_TEXT or markdown > MARKDOWN_TEXT:
        refuse("msg_blocks_too_long")
    return _filled(blocks)


def check_view(value: object, *types: str) -> Json:
    """Return a view as Slack would store it.

    Refuses with `invalid_arguments` and the reasons (a view's faults come under this code, not `invalid_blocks`) or
    `view_too_large`.
    """
    view = read_json(value, "invalid_arguments")
    problems = Problems()
    kind = view.get("type") if isinstance(view, dict) else None
    if not isinstance(view, dict):
        problems.add("/view", "must be an object")
    elif kind not in types:
        problems.add("/view/type", f"must be a valid enum value: {', '.join(types)}")
    else:
        (_MODAL if kind == "modal" else _HOME)(problems, "/view", view)
    if not problems.lines and isinstance(view, dict):
        _unique_ids(problems, "/view/blocks", view["blocks"])
        inputs = any(block["type"] == "input" for block in view["blocks"])
        if kind == "modal" and inputs and not view.get("submit"):
            problems.add("/view", "missing required field: submit (the view holds an input block)")
    if problems.lines or not isinstance(view, dict):
        raise SlackError("invalid_arguments", messages=problems.lines)
    if len(json.dumps(view)) > VIEW_BYTES:
        refuse("view_too_large")
    found = {**view, "blocks": _filled(view["blocks"])}
    for name in ("title", "submit", "close"):
        if found.get(name):
            found[name] = {"emoji": True, **found[name]}
    return found
