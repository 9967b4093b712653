"""Slack's `mrkdwn` as HTML: https://docs.slack.dev/messaging/formatting-message-text."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.fakes.slack.errors import Json

EMOJI = {
    "white_check_mark": "✅",
    "heavy_check_mark": "✔️",
    "x": "❌",
    "warning": "⚠️",
    "hourglass": "⌛",
    "hourglass_flowing_sand": "⏳",
    "rotating_light": "🚨",
    "lock": "🔒",
    "memo": "📝",
    "pencil2": "✏️",
    "pencil": "📝",
    "question": "❓",
    "no_entry": "⛔",
    "no_entry_sign": "🚫",
    "robot_face": "🤖",
    "eyes": "👀",
    "tada": "🎉",
    "arrow_up": "⬆️",
    "arrow_right": "➡️",
    "leftwards_arrow_with_hook": "↩️",
    "clock3": "🕒",
    "alarm_clock": "⏰",
    "bell": "🔔",
    "shield": "🛡️",
    "mag": "🔍",
    "link": "🔗",
    "speech_balloon": "💬",
    "large_yellow_circle": "🟡",
    "large_green_circle": "🟢",
    "red_circle": "🔴",
    "large_orange_circle": "🟠",
    "thumbsup": "👍",
    "+1": "👍",
    "thumbsdown": "👎",
    "-1": "👎",
    "bust_in_silhouette": "👤",
    "zap": "⚡",
}
_SPECIAL = re.compile(r"```(?P<pre>.+?)```|`(?P<code>[^`\n]+)`|<(?P<mark>[^<>\n]+)>", re.DOTALL)
_STYLES = [("b", "*"), ("i", "_"), ("s", "~")]


def emoji(text: str) -> str:
    """Replace known `:names:`."""
    return re.sub(r":([a-z0-9_+-]+):", lambda match: EMOJI.get(match.group(1), match.group()), text)


def _styled(text: str) -> str:
    """Escape a run of text and set bold, italic and strike; `&amp; &lt; &gt;` come escaped already."""
    found = html.escape(html.unescape(text), quote=False)
    for tag, sign in _STYLES:
        mark = re.escape(sign)
        found = re.sub(rf"(?<![\w{mark}]){mark}(\S(?:[^\n]*?\S)?){mark}(?![\w{mark}])", rf"<{tag}>\1</{tag}>", found)
    return emoji(found)


def _mark(mark: str, names: Mapping[str, str]) -> str:
    """Return what stands in angle brackets: a link, a mention or a date."""
    target, _, label = mark.partition("|")
    if target.startswith("!date"):
        return html.escape(label)
    if target[0] in "@#!":
        sign = "@" if target[0] == "!" else target[0]
        name = label or names.get(target[1:], target[1:])
        return f'<span class="mention">{sign}{html.escape(name)}</span>'
    shown = html.escape(html.unescape(label or target.removeprefix("mailto:")), quote=False)
    return f'<a href="{html.escape(html.unescape(target))}">{shown}</a>'


def _quoted(text: str) -> str:
    """Turn lines that begin with `>` into quotes and the other line ends into breaks."""
    rows: list[str] = []
    for line in text.split("\n"):
        quoted = line.startswith("&gt;")
        if quoted and rows and rows[-1].endswith("</blockquote>"):
            rows[-1] = rows[-1].removesuffix("</blockquote>") + "<br>" + line[4:].lstrip() + "</blockquote>"
        else:
            rows.append(f"<blockquote>{line[4:].lstrip()}</blockquote>" if quoted else line)
    return re.sub(r"<br>(<blockquote>)|(</blockquote>)<br>", r"\1\2", "<br>".join(rows))


def mrkdwn(text: str, names: Mapping[str, str]) -> str:
    """Return HTML for `mrkdwn`; nothing in the text can add markup of its own."""
    kept: list[str] = []

    def keep(piece: str) -> str:
        kept.append(piece)
        return f"\x00{len(kept) - 1}\x00"

    def special(match: re.Match[str]) -> str:
        if match.group("pre"):
            return keep(f"<pre>{html.escape(html.unescape(match.group('pre').strip(chr(10))), quote=False)}</pre>")
        if match.group("code"):
            return keep(f"<code>{html.escape(html.unescape(match.group('code')), quote=False)}</code>")
        return keep(_mark(match.group("mark"), names))

    found = _quoted(_styled(_SPECIAL.sub(special, text.replace("\x00", ""))))
    found = re.sub("\x00(\\d+)\x00", lambda match: kept[int(match.group(1))], found)
    return found.replace("<br><pre>", "<pre>").replace("</pre><br>", "</pre>")


def text_html(part: Json, names: Mapping[str, str]) -> str:
    """Return a text object as HTML."""
    if part["type"] == "mrkdwn":
        return f"<div>{mrkdwn(part['text'], names)}</div>"
    return f'<div class="plain">{emoji(html.escape(part["text"], quote=False))}</div>'
