"""JSON at the door: size and depth are bounded before parsing, and nothing ambiguous comes in (threats T5, T22).

What two parsers could read differently is refused: duplicate keys, NaN and Infinity, integers beyond ±(2^53 − 1),
floats that overflow, lone surrogates, a byte order mark, any encoding but UTF-8 (RFC 8259 section 8, RFC 7493).
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

import msgspec

from bot.core.errors import Fault, Malformed
from bot.core.pointers import below

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_SAFE = 2**53 - 1
MAX_FAULTS = 50
"""How many faults one answer names; the rest are found once these are gone."""

_STRINGS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
"""A string, or what was begun as one and never ends: possessive, and it cannot fail, so the scan is linear."""

_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_STEP = {byte: 1 if byte in b"[{" else -1 for byte in b"[]{}"}
_ALIKE = bytes.maketrans(b"123456789E", b"000000000e")
_LONG, _RAISED = b"0" * 16, b"0e"
"""One of them is in every number beyond the limits, its digits made alike; else the parser is not asked about each."""

_decode, _encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode

_HOPELESS = 1_000
"""Faults after which parsing stops: nobody reads that far, and each costs time."""

_LONGEST_NUMBER = 400
"""Characters: more than any number that means something needs, few enough to read at once."""


class _Odd(NamedTuple):
    """Stands in the parsed value where something was refused, so that the walk can tell its pointer."""

    rule: str
    detail: str
    key: str | None = None
    inside: dict[str, Any] | None = None


def parse(raw: bytes) -> Any:
    """The JSON value in ``raw``; raises `Malformed` naming the rule and, where it can, the JSON Pointer."""
    if raw.startswith(b"\xef\xbb\xbf"):
        _refuse("encoding", "The body begins with a byte order mark; send plain UTF-8 without one.")
    check_depth(raw)
    alike = raw.translate(_ALIKE)
    large = _LONG in alike or _RAISED in alike
    if not large and b"\\u" not in raw:
        try:
            value = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return _read(raw, large=large)
        # A member that another of its name stands for has taken its quotes with it.
        if _encode(value).count(b'"') == raw.count(b'"'):
            return value
    return _read(raw, large=large)


def _read(raw: bytes, *, large: bool) -> Any:
    """As `parse`, ten times as slow: every fault is looked for and named."""
    try:
        text = raw.decode()
    except UnicodeDecodeError as fault:
        _refuse("encoding", f"Byte {fault.start} is not UTF-8.")
    return _Reading().read(text, large=large)


def check_depth(raw: bytes) -> None:
    """Refuse brackets nested deeper than `MAX_DEPTH`, before anything recursive sees them."""
    if raw.count(b"[") + raw.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for byte in _STRINGS.sub(b"", raw).translate(None, _NOT_BRACKETS):
        depth += _STEP[byte]
        if depth > MAX_DEPTH:
            _refuse("depth", f"Arrays and objects are nested deeper than {MAX_DEPTH}.")


def _refuse(rule: str, detail: str, pointer: str = "") -> NoReturn:
    raise Malformed(detail, faults=(Fault(pointer, rule, detail),))


class _Reading:
    """One parse. ``odd`` counts what was refused: good input is never walked, and a flood of faults is not kept."""

    def __init__(self) -> None:
        self.odd = 0

    def read(self, text: str, *, large: bool) -> Any:
        numbers: dict[str, Any] = {}
        if large:
            numbers = {"parse_int": self._integer, "parse_float": self._float}
        decoder = json.JSONDecoder(object_pairs_hook=self._members, parse_constant=self._constant, **numbers)
        try:
            value = decoder.decode(text)
        except json.JSONDecodeError as fault:
            _refuse("syntax", f"Not JSON at line {fault.lineno}, column {fault.colno}: {fault.msg}.")
        if self.odd or "\\u" in text:
            faults = tuple(fault for fault, _ in zip(_walk(value, ""), range(MAX_FAULTS), strict=False))
            if faults:
                raise Malformed(faults[0].detail, faults=faults)
        return value

    def _mark(self, rule: str, detail: str) -> _Odd | None:
        self._count(rule, detail)
        return _Odd(rule, detail) if self.odd <= MAX_FAULTS else None

    def _count(self, rule: str, detail: str) -> None:
        self.odd += 1
        if self.odd > _HOPELESS:
            _refuse(rule, f"{detail} This body has more than {_HOPELESS:,} such faults.")

    def _members(self, pairs: list[tuple[str, Any]]) -> Any:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        detail = "The same key stands twice in this object."
        self._count("duplicate_key", detail)
        if self.odd > MAX_FAULTS:
            return members
        keys = [key for key, _ in pairs]
        twice = next(key for key, times in Counter(keys).items() if times > 1)
        return _Odd("duplicate_key", detail, twice, members)

    def _integer(self, digits: str) -> Any:
        # Length first: int() of very many digits is slow, and Python refuses it with an error of its own.
        if len(digits) <= len(str(MAX_SAFE)) + 1 and abs(number := int(digits)) <= MAX_SAFE:
            return number
        return self._mark("number_range", "An integer must lie within ±(2^53 − 1); send larger ones as strings.")

    def _float(self, digits: str) -> Any:
        if len(digits) <= _LONGEST_NUMBER and math.isfinite(number := float(digits)):
            return number
        return self._mark("number_range", "This number does not fit a double; send it as a string.")

    def _constant(self, name: str) -> Any:
        return self._mark("not_a_number", f"{name} is not JSON; leave the member out or send null.")


def _walk(value: Any, pointer: str) -> Iterator[Fault]:
    if isinstance(value, _Odd):
        at = pointer if value.key is None else below(pointer, _printable(value.key))
        yield Fault(at, value.rule, value.detail)
        value = value.inside
    if isinstance(value, str):
        if _lone_surrogate(value):
            yield _surrogate(pointer)
    elif isinstance(value, dict):
        for key, item in value.items():
            if _lone_surrogate(key):
                yield _surrogate(pointer)
            yield from _walk(item, below(pointer, _printable(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, f"{pointer}/{index}")


def _surrogate(pointer: str) -> Fault:
    return Fault(pointer, "surrogate", "A lone surrogate (\\ud800 to \\udfff) is no character.")


def _lone_surrogate(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _printable(key: str) -> str:
    return key.encode("utf-8", "replace").decode()
