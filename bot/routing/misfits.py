"""Where arguments do not fit a schema, said within a bounded time (threat T22).

Whether they fit is known in milliseconds, whatever they are. What is wrong is another matter: jsonschema-rs makes every
fault before it hands out the first, each with a copy of the value that it is about, and below an ``anyOf`` those of
every branch. Of 25,000 names too long that is the square; of a schema that refers to itself it doubles with each level.
So everything is asked of little alone, and of the rest only which argument it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs

from bot.core.errors import Fault
from bot.core.model import Arguments
from bot.core.pointers import below, names, value_at

MOST = 50
"""Faults that one answer names."""

_LITTLE = 2_000_000
"""Values times characters, up to which all faults are asked for: 100 values in 20,000 characters, 40 ms at worst."""

_COARSE = "does not fit its schema; where in it is said of less only, and of no schema that refers to itself"


def little(arguments: Arguments) -> bool:
    """Whether these arguments are so few and short that every fault in them may be looked for."""
    values = characters = 0
    waiting: list[Any] = [arguments]
    while waiting:
        value = waiting.pop()
        values += 1
        if isinstance(value, dict):
            characters += sum(map(len, value))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        else:
            characters += len(value) if isinstance(value, str) else 1
        if (values + len(waiting)) * (values + characters) > _LITTLE:
            return False
    return True


def refers_to_itself(document: Mapping[str, Any]) -> bool:
    """Whether a schema leads back to where it began; of an ``$anchor`` that is taken for granted."""
    done: set[str] = set()

    def leads_back(value: Any, above: frozenset[str]) -> bool:
        if isinstance(value, list):
            return any(leads_back(item, above) for item in value)
        if not isinstance(value, dict):
            return False
        target = value.get("$ref")
        if isinstance(target, str) and _leads_back(target, above):
            return True
        return any(leads_back(item, above) for name, item in value.items() if name != "$defs")

    def _leads_back(target: str, above: frozenset[str]) -> bool:
        if target in above or not target.startswith("#/"):
            return True
        if target in done:
            return False
        done.add(target)
        return leads_back(value_at(document, names(target[1:])), above | {target})

    return leads_back(document, frozenset({"#"}))


def coarse(document: Mapping[str, Any], arguments: Arguments) -> Iterator[Fault]:
    """What is missing, and which arguments do not fit; of what concerns all of them, that they do not."""
    required = document.get("required") or ()
    found = [Fault(below("", name), "required", "must be given") for name in required if name not in arguments]
    for name, schema in (document.get("properties") or {}).items():
        if name in arguments and not _fits({**_shared(document), "properties": {name: schema}}, arguments):
            found.append(Fault(below("", name), "schema", _COARSE))
    yield from found or [Fault("", "schema", "do not fit the action's schema together")]


def _shared(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"$defs": document["$defs"]} if "$defs" in document else {}


def _fits(document: dict[str, Any], arguments: Arguments) -> bool:
    try:
        return jsonschema_rs.Draft202012Validator(document, offline=True).is_valid(arguments)
    except (ValueError, jsonschema_rs.ValidationError):
        # It refers to a part that is left out here: then this argument is not what can be named.
        return True
