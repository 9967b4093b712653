"""The table of all keys at the end of docs/routing.md, made from the schema: `python -m tests.routing.key_table`."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from bot.core import durations
from bot.routing import moments, schema_document
from bot.routing.schema_document import folk, shapes

_BY_REFERENCE = {
    "#/$defs/stages": "list of [stages](#stages)",
    "#/$defs/stage": "stage",
    "#/$defs/step": "step",
    "#/$defs/keywords": "JSON Schema 2020-12",
}
_BY_PATTERN = {
    shapes.whole(durations.PATTERN): "duration",
    shapes.whole(moments.DATE.pattern): "date",
    shapes.whole(moments.MOMENT.pattern): "date, or date and time",
    folk.url("")["pattern"]: "URL",
}
_TOLD_ONCE = ("chains.NAME.steps[].", "rules[].stages[].parallel[].", "default.email.", "default.advice.")
"""Below these stands what stands elsewhere already: the steps of a chain, a stage, the keys of a rule."""
_DOCUMENT = schema_document.document()


def table() -> str:
    """Every key with its path, what it takes, and what holds where it is left out."""
    lines = ["| key | takes | if left out |", "|---|---|---|"]
    for path, part, needed in _keys(_DOCUMENT, ""):
        if path.startswith(_TOLD_ONCE):
            continue
        lines.append(f"| `{path}` | {takes(part)} | {_otherwise(part, needed=needed)} |")
    return "\n".join(lines) + "\n"


def _keys(part: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """The keys below a shape, each with its path, its own shape and whether it must be there."""
    for key, item in part.get("properties", {}).items():
        here = f"{path}.{key}".lstrip(".")
        yield here, item, key in part.get("required", ())
        if item.get("$ref") == "#/$defs/keywords":
            continue  # the keywords are JSON Schema's own
        yield from _inside(item, here)


def _inside(item: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any], bool]]:
    if item.get("$ref") == "#/$defs/stages":
        # The rules' stages stand for all of them.
        yield from _inside(_DOCUMENT["$defs"]["stages"], path) if path == "rules[].stages" else ()
        return
    if "$ref" in item:
        yield from _inside(_DOCUMENT["$defs"][item["$ref"].rpartition("/")[2]], path)
        return
    yield from _keys(item, path)
    if isinstance(item.get("additionalProperties"), dict):
        yield from _inside(item["additionalProperties"], f"{path}.NAME")
    if "items" in item:
        yield from _inside(item["items"], f"{path}[]")
    branches = [branch for branch in item.get("anyOf", ()) if "required" not in branch or "properties" in branch]
    for branch in branches:
        yield from _inside(branch, path)


def takes(part: dict[str, Any]) -> str:
    """What a shape takes, in a few words."""
    if "$ref" in part:
        return _BY_REFERENCE[part["$ref"]]
    if "const" in part or "enum" in part:
        words = part["enum"] if "enum" in part else [part["const"]]
        return " ".join(f"`{str(word).lower()}`" for word in words)
    if "anyOf" in part and "properties" not in part:
        return _either(part["anyOf"])
    return _plain(part)


def _plain(part: dict[str, Any]) -> str:
    kind = part["type"]
    if kind == "string":
        return _text(part)
    if kind == "integer":
        return f"whole number, {part['minimum']:,} to {part['maximum']:,}"
    if kind == "number":
        return "number, 0 to 1" if part.get("maximum") == 1 else "number more than 0"
    words = {"boolean": "`true` `false`", "array": "list", "object": "mapping"}
    return "[condition](#conditions)" if isinstance(kind, list) else words[kind]


def _text(part: dict[str, Any]) -> str:
    if "CEL" in part.get("description", ""):
        return "CEL that gives a number"
    usual = "name" if set(part) <= {"description", "type", "minLength"} else "text"
    return _BY_PATTERN.get(part.get("pattern", ""), usual)


def _either(branches: list[dict[str, Any]]) -> str:
    first, second = branches[0], branches[1]
    if second.get("type") == "array" and second.get("items") == first:
        return "one or a list: " + takes(first) if "enum" in first else f"{takes(first)}, or a list"
    if first.get("type") == "array":
        return "list, or mapping"
    if second.get("type") == "object":
        return f"{takes(first)} or `{{{', '.join(second['properties'])}: …}}`"
    return "part: `5%` or `0.05`"


def _otherwise(part: dict[str, Any], *, needed: bool) -> str:
    if needed:
        return "must be there"
    if "default" not in part:
        return ""
    usual = part["default"]
    if isinstance(usual, list):
        return f"`[{', '.join(usual)}]`"
    return f"`{str(usual).lower() if isinstance(usual, bool) else usual}`"


def kept(docs: str) -> str:
    """The table as the docs have it."""
    found = re.search(r"^\| key \| takes \| if left out \|\n(?:\|.*\n)+", docs, re.MULTILINE)
    return found[0] if found else ""


if __name__ == "__main__":
    sys.stdout.write(table())
