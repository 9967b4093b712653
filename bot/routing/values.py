"""Typed reading of nodes: each value checked where it stands, a fault recorded and None given where it does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from bot.core.durations import duration_of
from bot.routing import spans
from bot.routing.faults import Faults, listed, meant, quoted
from bot.routing.nodes import Mapping, Node, Scalar, Sequence, kind, unknown

E = TypeVar("E", bound=StrEnum)

MAX_NAME = 100
"""Characters in a name at most."""
_PERCENT = 100
SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)%")

NAME = re.compile(r"\S(?:[^\n\t]*\S)?")
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
"""As for API keys, which carry the names of agents and reviewers."""
ACTION = re.compile(r"[A-Za-z0-9._:-]{1,128}")
"""As the intake takes them."""

_ACTION_FIX = "use up to 128 letters, digits and the signs . _ : -"


class Reader:
    """Reads values and records faults; every method answers None (or nothing) where the value is refused."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def mapping(self, node: Node, where: str, known: tuple[str, ...]) -> dict[str, Node]:
        """The entries under known keys; every other key is a fault."""
        entries = self.entries(node, where)
        for key, item in entries.items():
            if key in known:
                continue
            place = node.keys[key] if isinstance(node, Mapping) else item
            if isinstance(place, Scalar):
                unknown(self.faults, place, where, known)
        return {key: item for key, item in entries.items() if key in known}

    def entries(self, node: Node, where: str) -> dict[str, Node]:
        """The entries of a mapping, whatever their keys."""
        if isinstance(node, Mapping):
            return node.entries
        self.wrong(node, where, "a mapping (key: value)")
        return {}

    def items(self, node: Node, where: str, *, empty: bool = False) -> list[Node]:
        """The items of a list."""
        if not isinstance(node, Sequence):
            self.wrong(node, where, "a list ([a, b], or lines that begin with -)")
            return []
        if not node.items and not empty:
            self.faults.add(node.place, f"{where} is empty", "list at least one, or remove the key")
        return node.items

    def wrong(self, node: Node, where: str, wanted: str) -> None:
        """Record that a node is of another kind than it must be."""
        self.faults.add(node.place, f"{where} must be {wanted}, not {kind(node)}")

    def text(self, node: Node, where: str, *, limit: int = 10_000) -> str | None:
        """Text that is not empty."""
        if not isinstance(node, Scalar):
            self.wrong(node, where, "text")
            return None
        value = node.value
        if not isinstance(value, str):
            fix = f'write "{node.text}" in quotes' if node.text else "write something, or remove the key"
            self.faults.add(node.place, f"{where} must be text, not {kind(node)}", fix)
            return None
        if not value.strip() or len(value) > limit:
            self.faults.add(node.place, f"{where} must have 1 to {limit} characters")
            return None
        return value

    def name(self, node: Node, where: str) -> str | None:
        """A name for people to read: one line, no space around it."""
        value = self.text(node, where, limit=MAX_NAME)
        if value is not None and not NAME.fullmatch(value):
            self.faults.add(node.place, f"{where} must be one line without space around it")
            return None
        return value

    def id(self, key: Scalar, where: str) -> str | None:
        """A key that others refer to."""
        if (ACTION if where == "an action" else ID).fullmatch(key.text):
            return key.text
        fix = "use up to 64 letters, digits, dots, dashes, @ or _" if where != "an action" else _ACTION_FIX
        self.faults.add(key.place, f"{quoted(key.text)} cannot be the name of {where}", fix)
        return None

    def matching(self, node: Node, where: str, pattern: re.Pattern[str], example: str) -> str | None:
        """Text of one shape."""
        value = self.text(node, where, limit=500)
        if value is not None and not pattern.fullmatch(value):
            self.faults.add(node.place, f"{quoted(value)} cannot be {where}", f"it looks like {example}")
            return None
        return value

    def boolean(self, node: Node, where: str) -> bool | None:
        """``true`` or ``false``."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        shown = f" {quoted(node.text)}" if isinstance(node, Scalar) and node.text else ""
        self.faults.add(node.place, f"{where} must be true or false, not {kind(node)}{shown}")
        return None

    def whole(self, node: Node, where: str, lowest: int, highest: int) -> int | None:
        """A whole number within bounds, both included."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return value
        self.faults.add(node.place, f"{where} must be a whole number from {lowest} to {highest}")
        return None

    def share(self, node: Node, where: str) -> float | None:
        """A number from 0 to 1."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1:
            return float(value)
        fix = ""
        if isinstance(value, str) and value.rstrip().endswith("%"):
            fix = "a percentage is written as a share: 0.85 for 85%"
        elif isinstance(value, int | float) and not isinstance(value, bool) and 1 < value <= _PERCENT:
            fix = f"did you mean {value / 100:g}?"
        self.faults.add(node.place, f"{where} must be a number from 0 to 1", fix)
        return None

    def percentage(self, node: Node, where: str) -> float | None:
        """A part of a whole, as ``5%`` or as the share ``0.05``, more than nothing; the share."""
        value = node.value if isinstance(node, Scalar) else None
        percent = SHARE.fullmatch(value) if isinstance(value, str) else None
        share = float(percent[1]) / _PERCENT if percent else value
        if not isinstance(share, int | float) or isinstance(share, bool):
            self.faults.add(node.place, f"{where} must be a part of the whole: 5%, or 0.05")
        elif share <= 0:
            self.faults.add(node.place, f"{where} must be more than nothing", "remove the key if you mean none")
        elif share > 1:
            fix = f"did you mean {value}%?" if percent is None and share <= _PERCENT else ""
            self.faults.add(node.place, f"{where} must be at most the whole, which is 100%", fix)
        else:
            return float(share)
        return None

    def more(self, node: Node, where: str) -> float | None:
        """A number that is more than nothing."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
        text = node.text.strip() if isinstance(node, Scalar) and isinstance(node.value, str) else ""
        number = re.match(r"[0-9]+(?:\.[0-9]+)?(?![0-9.,])", text)
        fix = "" if number is None else f"write {number[0]}" + " without quotes" * (number[0] == text)
        self.faults.add(node.place, f"{where} must be a number more than 0, not {kind(node)}", fix)
        return None

    def duration(self, node: Node, where: str, *, zero: bool = False) -> timedelta | None:
        """A duration as ``500ms 30s 15m 8h 2d``, positive (or zero where that means none), at most ten years."""
        text = node.text if isinstance(node, Scalar) else ""
        try:
            span = duration_of(text)
        except OverflowError:
            self.faults.add(node.place, f"{where} must be at most ten years (3650d)")
            return None
        if span is None:
            near = spans.meant(text)
            fix = f"did you mean {near}?" if near else "write a whole number and a unit: 500ms, 30s, 15m, 8h, 2d"
            shown = quoted(text) if text else kind(node)
            self.faults.add(node.place, f"{where} must be a duration, not {shown}", fix)
            return None
        if not span and not zero:
            self.faults.add(node.place, f"{where} must be longer than nothing", "remove the key if you mean none")
            return None
        return span

    def choice(self, node: Node, where: str, kinds: type[E]) -> E | None:
        """One of an enumeration's words."""
        value = self.word(node, where, tuple(kinds))
        return kinds(value) if value is not None else None

    def word(self, node: Node, where: str, words: Iterable[str]) -> str | None:
        """One of these words."""
        every = tuple(str(word) for word in words)
        value = node.text if isinstance(node, Scalar) else None
        if value in every:
            return value
        shown = quoted(value) if value else kind(node)
        near = meant(value or "", every, "")
        self.faults.add(node.place, f"{where} must be {_either(every)}, not {shown}", near)
        return None

    def reference(self, node: Node, what: str, known: Iterable[str]) -> str | None:
        """A name that must exist; ``what`` says of whom (``person or group``)."""
        value = self.text(node, f"the name of a {what}")
        names = tuple(known)
        if value is None or value in names:
            return value
        fix = meant(value, names, "there are: {}") or f"there is no {what} in this file yet"
        self.faults.add(node.place, f"there is no {what} {quoted(value)}", fix)
        return None

    def references(self, node: Node, where: str, check: Callable[[Node], str | None]) -> tuple[str, ...]:
        """One name or a list of names, each once."""
        items = self.items(node, where) if isinstance(node, Sequence | Mapping) else [node]
        names: list[str] = []
        for item in items:
            name = check(item)
            if name is not None and name in names:
                self.faults.add(item.place, f"{quoted(name)} stands twice in {where}", "once is enough")
            elif name is not None:
                names.append(name)
        return tuple(names)

    def missing(self, node: Node, where: str, key: str, fix: str = "") -> None:
        """Record that a key is not there."""
        self.faults.add(node.place, f"{where} has no {key}", fix)


def _either(words: tuple[str, ...]) -> str:
    return listed(words).replace(" and ", " or ")
