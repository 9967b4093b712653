"""A request's audit lines as a reader needs them, and the content of its earlier revisions out of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from bot.core.model import Arguments
from bot.core.ports import AuditLine


class Entry(Struct, frozen=True):
    """One line of the trail; ``hash`` is the link of the chain that `sayso audit verify` recomputes."""

    seq: int
    at: datetime
    actor: str
    via: str
    type: str
    hash: str


def entries(lines: tuple[AuditLine, ...]) -> tuple[Entry, ...]:
    """The lines, oldest first."""
    return tuple(_entry(line) for line in lines)


def _entry(line: AuditLine) -> Entry:
    event = json.loads(line.body)
    at = datetime.fromisoformat(event["at"])
    return Entry(line.seq, at, str(event["actor"]), str(event["via"]), str(event["type"]), line.hash)


def revisions(lines: tuple[AuditLine, ...]) -> Mapping[int, Arguments]:
    """The arguments of every revision that the trail holds, by its number."""
    found: dict[int, Arguments] = {}
    for line in lines:
        revision: Any = json.loads(line.body).get("data", {}).get("revision")
        if isinstance(revision, dict) and isinstance(revision.get("arguments"), dict):
            found[int(revision["number"])] = revision["arguments"]
    return found
