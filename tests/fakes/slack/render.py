"""Messages and modals as pages that look like Slack (light theme), for screenshots; no request leaves the page."""

from __future__ import annotations

import html
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.slack.elements import all_options
from tests.fakes.slack.markup import EMOJI, emoji, mrkdwn, text_html

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.fakes.slack.errors import Json
    from tests.fakes.slack.workspace import Message, View

STYLE = (Path(__file__).parent / "style.css").read_text()
_COLOURS = ("#4a154b", "#1264a3", "#007a5a", "#b5580f", "#8d3f7d", "#5b4fc7")


def _plain(part: Json | None, default: str = "") -> str:
    return emoji(html.escape(part["text"], quote=False)) if part else default


def _chosen(element: Json) -> list[Json]:
    one = element.get("initial_option")
    return [one] if one else list(element.get("initial_options") or [])


def _element(element: Json, *, wrong: bool = False) -> str:
    """Return one element as it looks before anybody touches it."""
    kind = element["type"]
    if kind == "button":
        return f'<span class="button {element.get("style", "")}">{_plain(element["text"])}</span>'
    if kind == "image":
        return f'<img src="{html.escape(element["image_url"])}" alt="{html.escape(element["alt_text"])}">'
    if kind in {"radio_buttons", "checkboxes"}:
        chosen = [option["value"] for option in _chosen(element)]
        return "".join(
            f'<div class="choice{" chosen" if option["value"] in chosen else ""}">{_plain(option["text"])}</div>'
            for option in all_options(element)
        )
    if kind.endswith("_input"):
        shown = html.escape(str(element.get("initial_value") or ""), quote=False)
        hollow = f'<span class="note">{_plain(element.get("placeholder"))}</span>'
        classes = "box" + (" tall" if element.get("multiline") else "") + (" wrong" if wrong else "")
        return f'<div class="{classes}">{shown or hollow}</div>'
    if kind == "overflow":
        return '<span class="button">⋯</span>'
    first = _chosen(element)
    initial = next((str(value) for name, value in element.items() if name.startswith("initial_") and not first), "")
    label = _plain(first[0]["text"]) if first else html.escape(initial) or _plain(element.get("placeholder"), "Select")
    return f'<span class="select"><span>{label}</span></span>'


def _input(block: Json, errors: Mapping[str, str]) -> str:
    error = errors.get(block["block_id"], "")
    optional = ' <span class="optional">(optional)</span>' if block.get("optional") else ""
    below = f'<div class="error">{html.escape(error)}</div>' if error else ""
    if block.get("hint"):
        below += f'<div class="hint">{_plain(block["hint"])}</div>'
    return (
        f'<div class="input"><div class="label">{_plain(block["label"])}{optional}</div>'
        f"{_element(block['element'], wrong=bool(error))}{below}</div>"
    )


def _section(block: Json, names: Mapping[str, str]) -> str:
    body = text_html(block["text"], names) if block.get("text") else ""
    if block.get("fields"):
        body += f'<div class="fields">{"".join(text_html(part, names) for part in block["fields"])}</div>'
    accessory = f'<div class="accessory">{_element(block["accessory"])}</div>' if block.get("accessory") else ""
    return f'<div class="block section"><div class="body">{body}</div>{accessory}</div>'


def _rich(part: Json) -> str:
    inner = html.escape(str(part.get("text") or part.get("url") or ""), quote=False)
    inner += "".join(_rich(item) for item in part.get("elements", []))
    tag = {"rich_text_preformatted": "pre", "rich_text_quote": "blockquote", "rich_text_section": "div"}.get(
        part["type"]
    )
    for style, styled in (("code", "code"), ("italic", "i"), ("strike", "s"), ("bold", "b")):
        if part.get("style", {}).get(style):
            inner = f"<{styled}>{inner}</{styled}>"
    return f"<{tag}>{inner}</{tag}>" if tag else inner


def _context(block: Json, names: Mapping[str, str]) -> str:
    parts = [_element(part) if part["type"] == "image" else text_html(part, names) for part in block["elements"]]
    return f'<div class="block context">{"".join(parts)}</div>'


def _simple(block: Json) -> str:
    """Return the inside of a block that is one text, one image or a row of parts."""
    if block["type"] == "header":
        return _plain(block["text"])
    if block["type"] == "actions":
        return "".join(_element(part) for part in block["elements"])
    if block["type"] == "rich_text":
        return "".join(_rich(part) for part in block["elements"])
    if block["type"] == "image":
        return _element(block)
    return html.escape(str(block["text"]), quote=False)


def render_block(block: Json, names: Mapping[str, str], errors: Mapping[str, str]) -> str:
    """Return one block as HTML."""
    with_names = {"section": _section, "context": _context}
    if block["type"] in with_names:
        return with_names[block["type"]](block, names)
    if block["type"] == "input":
        return _input(block, errors)
    if block["type"] == "divider":
        return "<hr>"
    classes = {"header": "header", "actions": "actions"}.get(block["type"], "plain")
    return f'<div class="block {classes}">{_simple(block)}</div>'


def _page(body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Slack</title>'
        f"<style>{STYLE}</style></head><body>{body}</body></html>"
    )


def _message(message: Message, names: Mapping[str, str]) -> str:
    name = names.get(message.user) or ("Sayso" if message.bot_id else message.user)
    colour = "#007a5a" if message.bot_id else _COLOURS[zlib.crc32(message.user.encode()) % len(_COLOURS)]
    when = datetime.fromtimestamp(float(message.ts), UTC).strftime("%-I:%M %p")
    body = "".join(render_block(block, names, {}) for block in message.blocks)
    body = body or f'<div class="block">{mrkdwn(message.text, names)}</div>'
    edited = '<span class="note">(edited)</span>' if message.edited and not message.bot_id else ""
    only = '<div class="only">👁 Only visible to you</div>' if message.ephemeral_to else ""
    reactions = "".join(
        f'<span class="reaction">{EMOJI.get(key, f":{html.escape(key)}:")} {len(users)}</span>'
        for key, users in message.reactions.items()
    )
    reactions = f'<div class="reactions">{reactions}</div>' if reactions else ""
    app = '<span class="app">APP</span>' if message.bot_id else ""
    return (
        f'<div class="message"><div class="avatar" style="background:{colour}">{html.escape(name[:1].upper())}</div>'
        f'<div class="main">{only}<span class="who">{html.escape(name)}</span>{app}<span class="when">{when}</span>'
        f"{body}{edited}{reactions}</div></div>"
    )


def render_message(
    message: Message,
    *,
    channel: str = "approvals",
    replies: Sequence[Message] = (),
    names: Mapping[str, str] | None = None,
) -> str:
    """Return a page with the message as Slack shows it, its replies below; `names` maps user ids to shown names."""
    known = names or {}
    thread = "".join(_message(reply, known) for reply in replies)
    thread = f'<div class="replies">{thread}</div>' if thread else ""
    return _page(
        f'<div class="window"><div class="bar"><span class="hash">#</span>{html.escape(channel)}</div>'
        f"{_message(message, known)}{thread}</div>"
    )


def render_view(view: View, *, names: Mapping[str, str] | None = None) -> str:
    """Return a page with the modal (its errors shown) or the home tab."""
    spec = view.spec
    body = "".join(render_block(block, names or {}, view.errors) for block in view.blocks)
    if spec["type"] == "home":
        return _page(
            f'<div class="window"><div class="bar">Sayso</div><div class="message"><div class="main">{body}'
            "</div></div></div>"
        )
    submit = f'<span class="button primary">{_plain(spec["submit"])}</span>' if spec.get("submit") else ""
    return _page(
        f'<div class="backdrop"><div class="modal"><div class="title"><span>{_plain(spec["title"])}</span>'
        f'<span class="x">✕</span></div><div class="content">{body}</div><div class="foot">'
        f'<span class="button">{_plain(spec.get("close"), "Cancel")}</span>{submit}</div></div></div>'
    )
