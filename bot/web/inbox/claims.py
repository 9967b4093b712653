"""What the agent says for itself, whole, as values for the page's one panel that is labelled as its own words.

The context's shape is the agent's: whatever does not have the contract's shape is shown as it is instead of dropped.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from bot.core.model import Request
from bot.core.scrutiny import hidden


class Evidence(Struct, frozen=True):
    """One piece of evidence. ``href`` is set where the address is safe to follow, ``host`` is where it leads."""

    title: str
    text: str
    url: str
    href: str | None
    host: str


class ToolCall(Struct, frozen=True):
    """One call that the agent says it made."""

    name: str
    arguments: Any
    result: Any


class Check(Struct, frozen=True):
    """One check that the agent says it ran; ``passed`` None: it gave no verdict."""

    name: str
    passed: bool | None
    detail: str


class Alternative(Struct, frozen=True):
    """What the agent says it could have proposed instead, and why not."""

    action: str
    arguments: Any
    why_not: str


class Answer(Struct, frozen=True):
    """What the agent answered when it was asked, and when (RFC 3339)."""

    text: str
    at: str


class Claims(Struct, frozen=True, kw_only=True):
    """Everything the agent says about one revision; texts raw, empty where it said nothing."""

    reason: str
    user_request: str
    on_behalf_of: str
    expected_outcome: str
    rollback: str
    risks: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    tool_calls: tuple[ToolCall, ...]
    checks: tuple[Check, ...]
    alternatives: tuple[Alternative, ...]
    answers: tuple[Answer, ...]
    labels: dict[str, Any]
    other: dict[str, Any]

    @property
    def silent(self) -> bool:
        """Whether the agent said nothing at all."""
        return not any(getattr(self, field) for field in self.__struct_fields__)


def claims_of(request: Request) -> Claims:
    """The claims of the current revision."""
    content, rest = request.content, dict(request.content.context)
    return Claims(
        reason=content.reason or "",
        on_behalf_of=content.on_behalf_of or "",
        user_request=_text(rest, "user_request"),
        expected_outcome=_text(rest, "expected_outcome"),
        rollback=_text(rest, "rollback"),
        risks=_texts(rest, "risks"),
        evidence=tuple(_evidence(item) for item in _items(rest, "evidence", {"title", "text", "url"})),
        tool_calls=tuple(
            ToolCall(_said(i, "name") or "unnamed", i.get("arguments"), i.get("result"))
            for i in _items(rest, "tool_calls", {"name", "arguments", "result"})
        ),
        checks=tuple(
            Check(_said(i, "name") or "unnamed", _verdict(i.get("passed")), _said(i, "detail"))
            for i in _items(rest, "checks", {"name", "passed", "detail"})
        ),
        alternatives=tuple(
            Alternative(_said(i, "action") or "unnamed", i.get("arguments"), _said(i, "why_not"))
            for i in _items(rest, "alternatives", {"action", "arguments", "why_not"})
        ),
        answers=tuple(Answer(_said(i, "text"), _said(i, "at")) for i in _items(rest, "answers", {"text", "at"})),
        labels=content.labels,
        other=rest,
    )


def _text(rest: dict[str, Any], name: str) -> str:
    return rest.pop(name) if isinstance(rest.get(name), str) else ""


def _texts(rest: dict[str, Any], name: str) -> tuple[str, ...]:
    value = rest.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return ()
    del rest[name]
    return tuple(value)


def _items(rest: dict[str, Any], name: str, members: set[str]) -> list[dict[str, Any]]:
    value = rest.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) and item.keys() <= members for item in value):
        return []
    del rest[name]
    return value


def _said(item: dict[str, Any], name: str) -> str:
    value = item.get(name)
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)


def _verdict(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _evidence(item: dict[str, Any]) -> Evidence:
    url = _said(item, "url")
    href, host = _link(url)
    return Evidence(_said(item, "title") or "Untitled", _said(item, "text"), url, href, host)


def _link(url: str) -> tuple[str | None, str]:
    """The address to follow and its host, where a reader can see for themselves where it leads: plain ASCII http(s)."""
    if not url.isascii() or any(hidden(c) or c in ' \n\\"<>' for c in url):
        return None, ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None, ""
    return (url, host) if parts.scheme in ("http", "https") and host else (None, "")
