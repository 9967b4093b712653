"""The edit form: fields as a browser shows them, and typed arguments back out of what it sends.

A browser does not give a text back as it got it: it changes line ends, NUL and lone surrogates. A field counts as
touched only where what came back differs from what the browser was bound to make of the value; an untouched field
keeps its value to the bit.
"""

from __future__ import annotations

import hashlib
import re

from msgspec import Struct

from bot.core.errors import Fault, Malformed
from bot.core.forms import Field, FieldKind, parse_form
from bot.core.model import Arguments
from bot.core.pointers import below, names
from bot.core.scrutiny import hidden, visible
from bot.web.inbox.guard import Form
from bot.web.strict_json import parse

_SIMPLE = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_SURROGATES = re.compile("[\ud800-\udfff]")


class Box(Struct, frozen=True, kw_only=True):
    """One field on the page: ``key`` names it in the form, ``value`` is what stands in it, ``fault`` what is wrong."""

    field: Field
    key: str
    label: str
    value: str
    fault: str
    area: bool
    hides: bool
    rows: int

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """(sent, shown) pairs of a field that is picked from a list."""
        if self.field.kind is FieldKind.BOOLEAN:
            return (("true", "true"), ("false", "false"))
        return tuple((text, visible(text)) for text, _ in self.field.choices)


def key_of(field: Field) -> str:
    """``arg:<name>``; a name that would not survive a form is replaced by its hash."""
    if _SIMPLE.fullmatch(field.name):
        return f"arg:{field.name}"
    return "arg:sha256-" + hashlib.sha256(field.name.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def boxes(fields: tuple[Field, ...], form: Form | None = None, faults: tuple[Fault, ...] = ()) -> tuple[Box, ...]:
    """The form as it is shown: with the present values, or with what was sent and what is wrong with it."""
    wrong = {_first(fault.pointer): fault.detail for fault in reversed(faults)}
    shown: list[Box] = []
    for field in fields:
        value = field.value if form is None else form.get(key_of(field), field.value)
        long = field.kind in (FieldKind.LONG_TEXT, FieldKind.JSON) or "\n" in value or "\r" in value
        shown.append(
            Box(
                field=field,
                key=key_of(field),
                label=visible(field.label),
                value=value,
                fault=wrong.get(field.name, ""),
                area=long,
                hides=any(hidden(c) for c in field.value),
                rows=min(max(value.count("\n") + 1, len(value) // 60 + 1, 3), 30),
            )
        )
    return tuple(shown)


def unplaced(fields: tuple[Field, ...], faults: tuple[Fault, ...]) -> tuple[str, ...]:
    """Faults that stand beside no field of the form."""
    shown = {field.name for field in fields}
    return tuple(f"{f.pointer} {f.detail}".strip() for f in faults if _first(f.pointer) not in shown)


def _first(pointer: str) -> str:
    """The argument that a pointer leads into; a submission's own pointers begin with /arguments."""
    parts = names(pointer)
    if len(parts) > 1 and parts[0] == "arguments":
        parts = parts[1:]
    return parts[0] if parts else ""


def edited(fields: tuple[Field, ...], form: Form, arguments: Arguments) -> tuple[Arguments, tuple[Fault, ...]]:
    """The edited arguments whole, and what could not be read."""
    texts: dict[str, str | None] = {}
    for field in fields:
        sent = form.get(key_of(field))
        if sent is not None and _as_sent(sent) != _as_sent(field.value):
            texts[field.name] = sent
    result, faults = parse_form(fields, texts, arguments)
    strict = tuple(f for field in fields if field.name in texts for f in _json_faults(field, texts[field.name] or ""))
    return result, faults + strict


def _as_sent(text: str) -> str:
    """What a browser makes of a text on its way through a form."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATES.sub("\ufffd", lines.replace("\0", "\ufffd"))


def _json_faults(field: Field, text: str) -> tuple[Fault, ...]:
    """What Python's reader lets pass and the intake would not: doubled keys, NaN, large integers, great depth."""
    if field.kind is not FieldKind.JSON or not text.strip():
        return ()
    try:
        parse(text.encode())
    except Malformed as problem:
        detail = problem.faults[0].detail if problem.faults else problem.detail
        return (Fault(below("", field.name), "json", f"{field.label}: {detail}"),)
    return ()
