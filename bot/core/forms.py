"""An action's arguments as a form: typed fields out of its JSON Schema, and typed values back out of text.

One piece for every place where a person edits: the Slack modal, the inbox, later the mail. Numbers come back as
numbers, choices as the schema's own values; what cannot be read is a fault that names the field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct

from bot.core.errors import Fault
from bot.core.model import Arguments
from bot.core.pointers import below

ABSENT = object()
"""Marks an argument that is not there, which is another thing than null."""

_MAX_SAFE = 2**53 - 1
_LONG_TEXT = 80
_SHORT = 20


class FieldKind(StrEnum):
    """What a field takes."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    JSON = "json"


class Field(Struct, frozen=True, kw_only=True):
    """One argument as a form field. ``value`` is the present value as text; ``choices`` pairs of (text, JSON value)."""

    name: str
    label: str
    kind: FieldKind
    value: str = ""
    present: bool = True
    required: bool = False
    hint: str = ""
    choices: tuple[tuple[str, Any], ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None


def text_of(value: Any) -> str:
    """A JSON value as a person would type it into its field."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def fields_of(
    schema: Mapping[str, Any] | None, arguments: Arguments, editable: tuple[str, ...] | None
) -> tuple[Field, ...]:
    """The form for these arguments: the schema's properties in order, then arguments that it does not name."""
    document = schema or {}
    properties = document.get("properties")
    properties = properties if isinstance(properties, Mapping) else {}
    required = document.get("required") or ()
    names = [n for n in dict.fromkeys((*properties, *arguments)) if editable is None or n in editable]
    return tuple(
        _field(name, properties.get(name), arguments.get(name, ABSENT), required=name in required) for name in names
    )


def _field(name: str, schema: Any, value: Any, *, required: bool) -> Field:
    described: Mapping[str, Any] = schema if isinstance(schema, Mapping) else {}
    kind, choices = _kind(described, value)
    return Field(
        name=name,
        label=str(described.get("title") or name),
        kind=kind,
        value="" if value is ABSENT else text_of(value),
        present=value is not ABSENT,
        required=required,
        hint=str(described.get("description") or ""),
        choices=choices,
        minimum=_bound(described, "minimum"),
        maximum=_bound(described, "maximum"),
        max_length=described.get("maxLength") if isinstance(described.get("maxLength"), int) else None,
    )


def _bound(schema: Mapping[str, Any], key: str) -> float | None:
    value = schema.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _kind(schema: Mapping[str, Any], value: Any) -> tuple[FieldKind, tuple[tuple[str, Any], ...]]:
    listed = schema.get("enum")
    if isinstance(listed, list | tuple) and listed and all(_scalar(v) for v in listed):
        if value is ABSENT or value in listed:
            return FieldKind.CHOICE, tuple((text_of(v), v) for v in listed)
        return FieldKind.JSON, ()
    declared = schema.get("type")
    if not isinstance(declared, str):
        declared = _type_of(value)
    simple = {"number": FieldKind.NUMBER, "integer": FieldKind.INTEGER, "boolean": FieldKind.BOOLEAN}
    fits = value is ABSENT or _type_of(value) == declared or (declared == "number" and _type_of(value) == "integer")
    if not fits:
        return FieldKind.JSON, ()
    if declared == "string":
        long = isinstance(value, str) and ("\n" in value or len(value) > _LONG_TEXT)
        return (FieldKind.LONG_TEXT if long else FieldKind.TEXT), ()
    return simple.get(declared, FieldKind.JSON), ()


def _scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    names: tuple[tuple[type, str], ...] = (
        (str, "string"),
        (int, "integer"),
        (float, "number"),
        (dict, "object"),
        (list, "array"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "null")


def parse_form(
    fields: tuple[Field, ...], texts: Mapping[str, str | None], arguments: Arguments
) -> tuple[Arguments, tuple[Fault, ...]]:
    """The edited arguments whole, and what could not be read.

    A field that is missing from ``texts`` keeps its value; an emptied optional field is taken away; an untouched
    field keeps its value to the bit.
    """
    edited = dict(arguments)
    faults: list[Fault] = []
    for field in fields:
        raw = texts.get(field.name, field.value)
        text = "" if raw is None else raw
        if _same(text, field):
            continue
        if text.strip() == "" and field.kind not in (FieldKind.TEXT, FieldKind.LONG_TEXT):
            if field.required:
                faults.append(Fault(below("", field.name), "required", f"{field.label} must be filled in"))
            else:
                edited.pop(field.name, None)
            continue
        try:
            edited[field.name] = parse_text(field, text)
        except ValueError as problem:
            faults.append(Fault(below("", field.name), str(field.kind), str(problem)))
    return edited, tuple(faults)


def _same(text: str, field: Field) -> bool:
    """Browsers and Slack send line ends as CRLF or strip them; that is no edit."""
    if not field.present and text == "":
        return True
    return field.present and _line_ends(text) == _line_ends(field.value)


def _line_ends(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def parse_text(field: Field, text: str) -> Any:
    """One field's typed value; raises ``ValueError`` with a sentence for the person."""
    if field.kind in (FieldKind.TEXT, FieldKind.LONG_TEXT):
        return text.replace("\r\n", "\n")
    text = text.strip()
    if field.kind is FieldKind.CHOICE:
        for label, value in field.choices:
            if label == text:
                return value
        raise ValueError(f"{field.label} must be one of: " + ", ".join(label for label, _ in field.choices))
    if field.kind is FieldKind.BOOLEAN:
        if text.casefold() in ("true", "false"):
            return text.casefold() == "true"
        raise ValueError(f"{field.label} must be true or false")
    if field.kind is FieldKind.JSON:
        return _parse_json(field, text)
    return _parse_number(field, text)


class _Uncarried(ValueError):
    """A number that Python reads and JSON does not carry."""


def _parse_json(field: Field, text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_members, parse_constant=_carried, parse_float=_carried, parse_int=_carried
        )
    except _Uncarried as number:
        raise ValueError(f"{field.label} holds a number that JSON cannot carry: {number}") from None
    except (ValueError, RecursionError):
        raise ValueError(f"{field.label} must be JSON, for example {field.value or '[1, 2]'}") from None


def _carried(text: str) -> int | float:
    """A number as JSON carries it: Python reads ``NaN``, ``1e400`` and any number of digits, too."""
    value = float(text)
    whole = text.removeprefix("-").isdecimal()
    if not math.isfinite(value) or (whole and abs(int(value)) > _MAX_SAFE):
        raise _Uncarried(text if len(text) <= _SHORT else f"{text[:_SHORT]}…")
    return int(text) if whole else value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """One object; a name given twice would let the eye read one value and the action run the other (T5)."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice")
    return members


def _number(text: str) -> int | float:
    # Python alone reads 1_000 and digits of other scripts as numbers.
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return int(text) if text.lstrip("+-").isdecimal() else float(text)


def _parse_number(field: Field, text: str) -> int | float:
    wanted = "a whole number" if field.kind is FieldKind.INTEGER else "a number"
    try:
        value = _number(text)
    except ValueError:
        raise ValueError(f"{field.label} must be {wanted}, such as 100") from None
    if not math.isfinite(value) or (isinstance(value, int) and abs(value) > _MAX_SAFE):
        raise ValueError(f"{field.label} must be {wanted} that JSON can carry")
    if field.kind is FieldKind.INTEGER and not isinstance(value, int):
        raise ValueError(f"{field.label} must be a whole number, such as 100")
    if field.minimum is not None and value < field.minimum:
        raise ValueError(f"{field.label} must be at least {field.minimum}")
    if field.maximum is not None and value > field.maximum:
        raise ValueError(f"{field.label} must be at most {field.maximum}")
    return value
