"""Nodes: what a routing file's text was read into, each knowing where it stands."""

from __future__ import annotations

import re
from typing import Any

from msgspec import Struct

from bot.routing.faults import Faults, meant, quoted

_DIGITS = 20

Place = tuple[int, int]

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LITERALS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}


class Scalar(Struct, frozen=True, eq=False):
    """A single value.

    ``style`` is YAML's: empty for plain, else one of ``" ' | >``; its source stands from ``index`` to ``end``.
    """

    place: Place
    text: str
    style: str
    index: int
    end: int

    @property
    def value(self) -> Any:
        """The JSON value: a plain scalar by YAML 1.2's core schema, everything else as text."""
        if self.style or self.text not in _LITERALS:
            return self.text if self.style else _number(self.text)
        return _LITERALS[self.text]


class Sequence(Struct, frozen=True, eq=False):
    """A list."""

    place: Place
    items: list[Node]


class Mapping(Struct, frozen=True, eq=False):
    """Keys and values in the order written."""

    place: Place
    entries: dict[str, Node]
    keys: dict[str, Scalar]


Node = Scalar | Sequence | Mapping


def _number(text: str) -> Any:
    if _INT.fullmatch(text):
        # A length beyond any safe integer is not converted at all: int() is quadratic in it.
        return int(text) if len(text) <= _DIGITS else float(text)
    return float(text) if _FLOAT.fullmatch(text) and any(c.isdigit() for c in text) else text


def plain(node: Node) -> Any:
    """The JSON value of a node and everything below it."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(item) for key, item in node.entries.items()}


def kind(node: Node) -> str:
    """What a node is, in words for an error."""
    if isinstance(node, Sequence):
        return "a list"
    if isinstance(node, Mapping):
        return "a mapping"
    value = node.value
    words = {str: "text", bool: "true or false", int: "a number", float: "a number", type(None): "nothing"}
    return words[type(value)]


def unknown(faults: Faults, key: Scalar, where: str, known: tuple[str, ...]) -> None:
    """Record a key that means nothing here."""
    faults.add(key.place, f"unknown key {quoted(key.text)} in {where}", meant(key.text, known))
