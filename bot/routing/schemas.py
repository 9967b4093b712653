"""Argument schemas: JSON Schema 2020-12, compiled when the file is read.

Nothing is ever fetched, patterns run on a linear engine (no look-around, no back-references), formats are checked,
and a keyword that means nothing is refused: a misspelt ``minimum`` would let everything through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import reduce
from typing import Any

import jsonschema_rs

from bot.core.errors import Fault
from bot.core.model import Arguments
from bot.core.pointers import below, names
from bot.routing import nodes, sensitive
from bot.routing.faults import Faults, meant, quoted
from bot.routing.misfits import MOST, coarse, little, refers_to_itself
from bot.routing.nodes import Node, Scalar, Sequence
from bot.routing.sensitive import Sensitive, called_secret, called_sensitive

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PATTERN_BYTES = 1 << 20
_MAX_DETAIL, _VALUE = 180, 60

MAPS = ("$defs", "dependentSchemas", "patternProperties", "properties")
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
SINGLE = (
    "additionalProperties",
    "contains",
    "contentSchema",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
)
PLAIN = (
    "$anchor",
    "$comment",
    "$ref",
    "$schema",
    "const",
    "contentEncoding",
    "contentMediaType",
    "default",
    "dependentRequired",
    "deprecated",
    "description",
    "enum",
    "examples",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "readOnly",
    "required",
    "title",
    "type",
    "uniqueItems",
    "writeOnly",
)
KEYWORDS = (*MAPS, *LISTS, *SINGLE, *PLAIN)
_REFUSED = {
    "$id": "a schema here has no address of its own; remove it",
    "$dynamicRef": "use $ref to a place in this schema",
    "$dynamicAnchor": "use $defs and $ref",
    "$vocabulary": "remove it",
    "definitions": "in this dialect it is $defs",
    "dependencies": "in this dialect it is dependentRequired or dependentSchemas",
    "additionalItems": "in this dialect it is items, beside prefixItems",
}


class Schema:
    """One compiled schema; a `bot.core.policy.ArgumentSchema`."""

    __slots__ = ("_again", "_secret", "_sensitive", "_validator", "document")

    def __init__(self, document: Mapping[str, Any], validator: jsonschema_rs.Draft202012Validator) -> None:
        self.document = document
        self._validator = validator
        self._again = refers_to_itself(document)
        self._sensitive = Sensitive(document, called_sensitive)
        self._secret = Sensitive(document, called_secret, by_name=True)

    def sensitive(self, arguments: Arguments) -> tuple[str, ...]:
        """Pointers of what is given there that the schema calls sensitive (``x-sensitive: true``), sorted."""
        return self._sensitive.pointers(arguments)

    def secret(self, arguments: Arguments) -> tuple[str, ...]:
        """Pointers of what is given there and ``writeOnly``, a password, or declared under a secret name, sorted."""
        return self._secret.pointers(arguments)

    def faults(self, arguments: Arguments) -> tuple[Fault, ...]:
        """What is wrong, pointers relative to the arguments (``/amount``), sorted by pointer; of much, where about."""
        try:
            if self._validator.is_valid(arguments):
                return ()
            if self._again or not little(arguments):
                return tuple(sorted(coarse(self.document, arguments), key=lambda fault: fault.pointer))[:MOST]
            found = [fault for error in self._validator.iter_errors(arguments) for fault in _faults_of(error)]
        except ValueError as unreadable:
            # Text that is no Unicode (a lone surrogate) and recursion end here: such arguments are never valid.
            return (Fault("", "unreadable", str(unreadable)[:_MAX_DETAIL]),)
        return tuple(sorted(found, key=lambda fault: fault.pointer))[:MOST]


def _any_text(_value: str) -> bool:
    """What the format ``password`` asks of a text: nothing; it says only that it is not to be shown."""
    return True


def _faults_of(error: jsonschema_rs.ValidationError) -> Iterator[Fault]:
    base = reduce(below, map(str, error.instance_path), "")
    # A message begins with the value, which may be long, and ends with the rule, which is what helps.
    said = error.message
    detail = said if len(said) <= _MAX_DETAIL else f"{said[:_VALUE]}…{said[_VALUE + 1 - _MAX_DETAIL :]}"
    facts = error.kind.as_dict()
    if error.kind.name == "required":
        yield Fault(below(base, str(facts["property"])), "required", "must be given")
    elif error.kind.name in ("additionalProperties", "unevaluatedProperties"):
        for name in facts["unexpected"]:
            yield Fault(below(base, str(name)), error.kind.name, "is not an argument of this action")
    else:
        yield Fault(base, error.kind.name, detail)


def compiled(node: nodes.Mapping, faults: Faults) -> Schema | None:
    """The schema that a node holds; None (and faults at its lines) where it is broken."""
    before = len(faults.errors)
    _keywords(node, faults)
    if len(faults.errors) > before:
        return None
    document = nodes.plain(node)
    if document.get("type", "object") != "object":
        faults.add(node.entries["type"].place, "arguments are always an object", "write type: object")
        return None
    try:
        validator = jsonschema_rs.Draft202012Validator(
            document,
            offline=True,
            validate_formats=True,
            ignore_unknown_formats=False,
            formats={"password": _any_text},
            pattern_options=jsonschema_rs.RegexOptions(size_limit=_PATTERN_BYTES),
        )
    except jsonschema_rs.ValidationError as broken:
        _refused(node, broken, faults)
        return None
    except ValueError as broken:
        faults.add(node.place, f"the schema cannot be compiled: {str(broken).splitlines()[0]}")
        return None
    return Schema(document, validator)


def _refused(node: nodes.Mapping, broken: jsonschema_rs.ValidationError, faults: Faults) -> None:
    place, keyword = _place(node, [*broken.instance_path])
    message = broken.message.splitlines()[0]
    if broken.kind.name == "pattern" or keyword == "pattern":
        fix = "patterns are RE2's: no look-around, no back-references, and not too large"
        faults.add(place, "the pattern cannot be compiled", fix)
    elif message.startswith("Unknown format"):
        fix = "known are date-time, date, time, duration, email, hostname, ipv4, ipv6, uri, uuid, regex and their kin"
        faults.add(place, message.split(".")[0].replace("'", '"').replace("Unknown", "unknown"), fix)
    else:
        faults.add(place, f"the schema is broken: {message}", "see https://json-schema.org/understanding-json-schema")


def _place(node: Node, path: list[str | int]) -> tuple[nodes.Place, str]:
    """Where a path of keys and indices leads, and the last key on it."""
    last = ""
    for part in path:
        if isinstance(node, nodes.Mapping) and str(part) in node.entries:
            node, last = node.entries[str(part)], str(part)
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            node = node.items[part]
    return node.place, last


def _keywords(root: Node, faults: Faults) -> None:
    """Refuse unknown keywords and references to anything outside, wherever a schema may stand."""
    for schema in _schemas(root):
        sensitive.unseen(schema, faults)
        for name, item in schema.entries.items():
            key = schema.keys[name]
            if name in _REFUSED:
                faults.add(key.place, f"{quoted(name)} is not taken in a schema", _REFUSED[name])
            elif name.startswith("x-"):
                sensitive.keyword(root, schema, key, faults)
            elif name not in KEYWORDS:
                fix = meant(name, KEYWORDS, "a misspelt keyword would check nothing; a note of yours begins with x-")
                faults.add(key.place, f"unknown keyword {quoted(name)} in a schema", fix)
            elif name == "$ref":
                _reference(root, item, faults)
            elif name == "$schema" and not (isinstance(item, Scalar) and item.text.rstrip("#") == DIALECT):
                faults.add(item.place, "schemas here are JSON Schema 2020-12", f"write {DIALECT}, or remove the key")


def _reference(root: Node, item: Node, faults: Faults) -> None:
    target = item.text if isinstance(item, Scalar) else ""
    if not target.startswith("#"):
        fix = "refer to a place in this schema (#/$defs/name); nothing is fetched"
        faults.add(item.place, f"$ref to {quoted(target)} leads outside", fix)
    elif target.startswith("#/"):
        found: Node | None = root
        for name in names(target[1:]):
            found = found.entries.get(name) if isinstance(found, nodes.Mapping) else found
        if found is None:
            faults.add(item.place, f"$ref to {quoted(target)} leads nowhere", "look for the name under $defs")


def _schemas(root: Node) -> Iterator[nodes.Mapping]:
    waiting: list[Node] = [root]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, nodes.Mapping):
            continue
        yield node
        for name, item in node.entries.items():
            if name in SINGLE:
                waiting.append(item)
            elif name in LISTS and isinstance(item, Sequence):
                waiting += item.items
            elif name in MAPS and isinstance(item, nodes.Mapping):
                waiting += item.entries.values()
