"""A template drawn once for each shape that its values have: all cards of one shape differ in their texts alone.

The template is rendered with marks in the places of the texts, and the JSON that comes of it is kept in pieces. So a
card costs its texts, encoded and put between the pieces: a third of what rendering it costs. No text, whoever wrote
it, reaches a template, and none is in what is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from json.encoder import encode_basestring_ascii
from typing import Any

from msgspec import Raw, Struct
from msgspec.json import encode
from msgspec.structs import astuple

_MOST = 512
"""Shapes kept. Agents make them, by how many arguments there are and which are long, so there may be any number."""
_MARK = re.compile(r"\\u0000(\d+)\\u0000")


class _Outline(Struct, frozen=True):
    """``pieces`` of JSON, every second one empty: there goes the text whose number stands in ``order``."""

    pieces: list[str]
    order: list[int]


class Outlines:
    """What one template makes, by shape.

    Of a text the template may ask whether it is empty, put it in, and join it to others with ``~``. Whatever decides
    about the drawing by its value is passed as something else: a flag, a number, a `Kind`, or a tuple of what is the
    same on every card.
    """

    def __init__(self, draw: Callable[..., Any]) -> None:
        """``draw`` renders the template with the values that it is given by name, and reads the JSON that it makes."""
        self._draw = draw
        self._known: dict[tuple[Any, ...], _Outline] = {}

    def fill(self, **values: Any) -> Raw:
        """The JSON that the template makes: of texts, lists and Structs of them, and whatever else can be hashed."""
        shape: list[Any] = []
        texts: list[str] = []
        _take(values.values(), shape, texts)
        key = tuple(shape)
        outline = self._known.get(key)
        if outline is None:
            outline = self._outline(values)
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = outline
        written = [encode_basestring_ascii(text)[1:-1] for text in texts]
        parts = outline.pieces.copy()
        parts[1::2] = [written[number] for number in outline.order]
        return Raw("".join(parts).encode())

    def _outline(self, values: dict[str, Any]) -> _Outline:
        marks: list[str] = []
        drawn = self._draw(**{name: _marked(value, marks) for name, value in values.items()})
        pieces = _MARK.split(encode(drawn).decode())
        order = [int(number) for number in pieces[1::2]]
        return _Outline(pieces, order)


def _take(values: Iterable[Any], shape: list[Any], texts: list[str]) -> None:
    """Take values apart: their texts, in order, and everything else, which is their shape."""
    for value in values:
        kind = type(value)
        if kind is str:
            shape.append(kind if value else "")
            if value:
                texts.append(value)
        elif kind is list:
            shape.append(len(value))
            _take(value, shape, texts)
        elif isinstance(value, Struct):
            _take(astuple(value), shape, texts)
        else:
            shape.append(value)


def _marked(value: Any, marks: list[str]) -> Any:
    """The same value with marks in the places of its texts, numbered as `_take` takes them."""
    kind = type(value)
    if kind is str:
        if value:
            marks.append(f"\0{len(marks)}\0")
        return marks[-1] if value else ""
    if kind is list:
        return [_marked(item, marks) for item in value]
    if isinstance(value, Struct):
        return kind(*(_marked(item, marks) for item in astuple(value)))
    return value
