"""Statements as PostgreSQL's wire protocol has them (version 3.0, "Extended Query"), to be sent beside asyncpg's own.

asyncpg sends one statement a round trip. What is made here goes out together with the next one
(`store.postgres.PgCursor`), which the protocol allows for as long as no Sync is between: if one fails, the server
passes over the rest.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_SIZE = struct.Struct(">i")
_NUMBER = struct.Struct(">iq")
_ARRAY = struct.Struct(">iiIii")
"""How many dimensions, whether an element may be NULL, the elements' type, how many, the number of the first."""

_NULL = _SIZE.pack(-1)
_BIGINT, _BIGINT_SIZE = 20, 8
_VARCHAR = 1043
"""Numbers of types, as ``pg_type.dat`` gives them for good."""

_BINARY = b"\0\1\0\1"
"""One code for all values: binary."""

_EXECUTE = b"E" + _SIZE.pack(9) + b"\0" + _SIZE.pack(0)
"""Run what was bound last, to its end."""


def run(name: str, given: Sequence[bytes]) -> bytes:
    """Bind values to a prepared statement, and execute it. ``given``: each as its type's binary form has it."""
    values = b"".join([part for value in given for part in (_SIZE.pack(len(value)), value)])
    body = b"\0%b\0%b%b%b%b" % (name.encode(), _BINARY, struct.pack(">H", len(given)), values, _BINARY)
    return b"B%b%b%b" % (_SIZE.pack(len(body) + 4), body, _EXECUTE)


def text(value: str) -> bytes:
    """A text, without a NUL in it."""
    return value.encode()


def _texts(values: Sequence[str | None]) -> bytes:
    head, first = _ARRAY.pack(1, None in values, _VARCHAR, len(values), 1), values[0]
    if first is not None and values.count(first) == len(values):
        # Most columns hold the same in every row: a state, a kind, an action.
        encoded = first.encode()
        return head + (_SIZE.pack(len(encoded)) + encoded) * len(values)
    parts = [head]
    for value in values:
        if value is None:
            parts.append(_NULL)
        else:
            encoded = value.encode()
            parts += (_SIZE.pack(len(encoded)), encoded)
    return b"".join(parts)


def _numbers(values: Sequence[int | None]) -> bytes:
    head = _ARRAY.pack(1, None in values, _BIGINT, len(values), 1)
    return head + b"".join([_NULL if value is None else _NUMBER.pack(_BIGINT_SIZE, value) for value in values])


COLUMNS: Mapping[str, Callable[[Sequence[Any]], bytes]] = {"VARCHAR": _texts, "BIGINT": _numbers}
"""One column of one or more rows as an array, by the type of its elements.

They raise what shows that a value is of another type, or no text: ``AttributeError``, ``struct.error``,
``UnicodeEncodeError``.
"""
