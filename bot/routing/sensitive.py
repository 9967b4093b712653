"""Which of the given arguments a schema calls sensitive: those under ``x-sensitive: true``, wherever it may hold.

JSON Schema takes ``x-`` keywords as notes and keeps none of them, so the schema is walked beside the arguments. What
cannot be known without judging the whole (which branch of an ``anyOf`` was meant) counts: to call a value sensitive
wrongly is the safe mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from difflib import SequenceMatcher
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from bot.core.model import Arguments
from bot.core.pointers import below, names, value_at
from bot.core.redaction import secret_name
from bot.routing import nodes
from bot.routing.faults import Faults, quoted
from bot.routing.nodes import Node, Scalar

KEYWORD = "x-sensitive"
_ALIKE = 0.85
_HERE = ("allOf", "anyOf", "oneOf")
_SAME = ("if", "then", "else")
_OTHERS = ("additionalProperties", "unevaluatedProperties")
_ROWS = ("items", "contains", "unevaluatedItems")
_UNSEEN = ("not", "propertyNames", "contentSchema")
"""Where a schema says nothing of a value of its own, so that the keyword would do nothing."""

_Place = tuple[Any, Any, str]
"""A schema, the value that it is for, and the value's pointer."""


def called_sensitive(schema: Mapping[str, Any]) -> bool:
    """Whether a schema calls its value sensitive: a person has to look at it."""
    return schema.get(KEYWORD) is True


def called_secret(schema: Mapping[str, Any]) -> bool:
    """Whether a schema says that its value is not to be shown (JSON Schema's own words for it)."""
    return schema.get("writeOnly") is True or schema.get("format") == "password"


class Sensitive:
    """The walk for one schema; empty and quick where it calls nothing so."""

    __slots__ = ("_anchors", "_any", "_by_name", "_called", "_document", "_patterns")

    def __init__(
        self, document: Mapping[str, Any], called: Callable[[Mapping[str, Any]], bool], *, by_name: bool = False
    ) -> None:
        """``called`` says whether a schema means its value; ``by_name``: so does a property of a secret name."""
        self._document = document
        self._called = called
        self._by_name = by_name
        below_it = list(_mappings(document))
        self._any = any(called(schema) or (by_name and _declares(schema)) for schema in below_it)
        self._anchors = {
            str(schema["$anchor"]): schema for schema in below_it if isinstance(schema.get("$anchor"), str)
        }
        self._patterns: dict[str, jsonschema_rs.Draft202012Validator] = {}
        for schema in below_it if self._any else ():
            for pattern in schema.get("patternProperties", ()):
                self._patterns[pattern] = jsonschema_rs.Draft202012Validator(
                    {"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions()
                )

    def pointers(self, arguments: Arguments) -> tuple[str, ...]:
        """Pointers of what is given and sensitive, sorted, each once."""
        if not self._any:
            return ()
        found: set[str] = set()
        seen: set[tuple[int, str]] = set()
        waiting: list[_Place] = [(self._document, arguments, "")]
        while waiting:
            schema, value, pointer = waiting.pop()
            if not isinstance(schema, Mapping) or (id(schema), pointer) in seen:
                continue
            seen.add((id(schema), pointer))
            if self._called(schema):
                found.add(pointer)
            waiting += self._same(schema, value, pointer)
            if isinstance(value, dict):
                if self._by_name:
                    # Only what the schema lists: an agent could else hide what it wants run behind a name (T2).
                    listed = schema.get("properties", {})
                    found.update(below(pointer, name) for name in value if name in listed and secret_name(name))
                waiting += self._members(schema, value, pointer)
            elif isinstance(value, list):
                waiting += _items(schema, value, pointer)
        return tuple(sorted(found))

    def _same(self, schema: Mapping[str, Any], value: Any, pointer: str) -> Iterator[_Place]:
        """The schemas that speak of the same value."""
        for key in _HERE:
            for branch in schema.get(key, ()):
                yield branch, value, pointer
        for key in _SAME:
            yield schema.get(key), value, pointer
        if isinstance(value, dict):
            for name, branch in schema.get("dependentSchemas", {}).items():
                if name in value:
                    yield branch, value, pointer
        if "$ref" in schema:
            yield self._target(str(schema["$ref"])), value, pointer

    def _target(self, reference: str) -> Any:
        name = unquote(reference.removeprefix("#"))
        if name and not name.startswith("/"):
            return self._anchors.get(name)
        return value_at(self._document, names(name))

    def _members(self, schema: Mapping[str, Any], value: dict[str, Any], pointer: str) -> Iterator[_Place]:
        listed = schema.get("properties", {})
        for name, item in value.items():
            at = below(pointer, name)
            matching = [branch for p, branch in schema.get("patternProperties", {}).items() if self._fits(p, name)]
            if name in listed:
                matching.append(listed[name])
            for branch in matching:
                yield branch, item, at
            # What another branch evaluated is not known here, so unevaluatedProperties may mean any of the others.
            for key in () if matching else _OTHERS:
                yield schema.get(key), item, at

    def _fits(self, pattern: str, name: str) -> bool:
        try:
            return bool(self._patterns[pattern].is_valid(name))
        except ValueError:
            return True  # a name that is no Unicode: such arguments are refused anyway


def _items(schema: Mapping[str, Any], value: list[Any], pointer: str) -> Iterator[_Place]:
    first = schema.get("prefixItems", [])
    for index, item in enumerate(value):
        at = below(pointer, str(index))
        if index < len(first):
            yield first[index], item, at
        for key in _ROWS:
            if key != "items" or index >= len(first):
                yield schema.get(key), item, at


def _declares(schema: Mapping[str, Any]) -> bool:
    listed = schema.get("properties")
    return isinstance(listed, Mapping) and any(map(secret_name, listed))


def _mappings(document: Any) -> Iterator[Mapping[str, Any]]:
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part


def keyword(root: Node, schema: nodes.Mapping, key: Scalar, faults: Faults) -> None:
    """Refuse an ``x-`` keyword that only looks as if it called something sensitive."""
    name, item = key.text, schema.entries[key.text]
    if name != KEYWORD:
        if SequenceMatcher(None, name.casefold(), KEYWORD).ratio() >= _ALIKE:
            faults.add(key.place, f"{quoted(name)} is a note and makes nothing sensitive", f'did you mean "{KEYWORD}"?')
        return
    if not isinstance(item, Scalar) or not isinstance(item.value, bool):
        faults.add(item.place, f"{KEYWORD} must be true or false, not {nodes.kind(item)}")
    elif schema is root:
        fix = "write it into the schema of each argument that is sensitive, under properties"
        faults.add(key.place, f"{KEYWORD} stands on the action as a whole", fix)


def unseen(schema: nodes.Mapping, faults: Faults) -> None:
    """Refuse the keyword below keywords where nobody looks for it."""
    for name in _UNSEEN:
        for place in _marked(schema.entries.get(name)):
            what = f"{KEYWORD} does nothing below {quoted(name)}"
            faults.add(place, what, "write it beside the type of the argument that is sensitive")


def _marked(node: Node | None) -> Iterator[nodes.Place]:
    waiting = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, nodes.Mapping):
            if KEYWORD in part.entries and isinstance(part.entries[KEYWORD], Scalar):
                yield part.keys[KEYWORD].place
            waiting += part.entries.values()
        elif isinstance(part, nodes.Sequence):
            waiting += part.items
