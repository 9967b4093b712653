"""The JSON Schema of routing.yaml: its keys are the reader's, and it refuses nothing that the reader takes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from bot.__main__ import main
from bot.routing import RoutingErrors, composing, load, nodes, parse, schema_document
from bot.routing.faults import Faults
from bot.routing.nodes import Node
from bot.routing.schema_document import shapes
from bot.routing.values import Reader
from tests.routing.cases import DATA

ROOT = Path(__file__).parents[2]
GOOD = [*sorted((DATA / "good").glob("*.yaml")), *sorted((ROOT / "examples").glob("routing*.yaml"))]
BROKEN = sorted((DATA / "broken").glob("*.yaml"))
DOCUMENT = schema_document.document()
SCHEMA = jsonschema_rs.Draft202012Validator(DOCUMENT, offline=True)

CAUGHT = 565
"""Broken samples that the schema refuses, of those that are YAML at all. The others are wrong in what they mean."""


def tree(path: Path) -> Any:
    """What a file holds; None where it is no YAML that is taken."""
    faults = Faults(path.name)
    found = composing.read(path.read_text(encoding="utf-8"), faults)
    return None if found is None or faults.errors else nodes.plain(found.root)


def places(document: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value."""
    yield above
    if isinstance(document, dict | list):
        for key, item in document.items() if isinstance(document, dict) else enumerate(document):
            yield from places(item, (*above, key))


def mappings() -> Iterator[dict[str, Any]]:
    """Every mapping of known keys that the schema describes."""
    for path in places(DOCUMENT):
        part: Any = DOCUMENT
        for key in path:
            part = part[key]
        if isinstance(part, dict) and part.get("additionalProperties") is False:
            yield part


def test_its_keys_are_those_that_the_reader_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever tables the reader goes by as it reads the samples are the schema's, and the schema has no others."""
    asked: set[frozenset[str]] = set()
    original = Reader.mapping

    def mapping(self: Reader, node: Node, where: str, known: tuple[str, ...]) -> dict[str, Node]:
        asked.add(frozenset(known))
        return original(self, node, where, known)

    monkeypatch.setattr(Reader, "mapping", mapping)
    for path in GOOD:
        load(path)
    described = {frozenset(part["properties"]) for part in mappings() if "x-sensitive" not in part["properties"]}
    # The default is read by a rule's table first, so that what it has not is told in words of its own.
    described_only = described - asked
    assert asked <= described
    assert described_only == {frozenset(DOCUMENT["properties"]["default"]["properties"])}


def test_a_key_that_only_one_of_them_knows_is_told() -> None:
    """The schema cannot be made where a table of the reader's has a key that is not described, or the other way."""
    with pytest.raises(ValueError, match="know different keys: b, c"):
        shapes.closed(("a", "b"), {"a": {}, "c": {}})


def test_every_key_says_what_it_means() -> None:
    """An editor shows something for each key, wherever it stands."""
    for part in mappings():
        for key, item in part["properties"].items():
            if "x-sensitive" not in part["properties"] and key not in ("slack", "email", "push"):
                assert item.get("description") or item.get("$ref"), key


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_files_fit(path: Path) -> None:
    """Every good file and every example fits the schema."""
    assert [error.message for error in SCHEMA.iter_errors(tree(path))] == []


def test_broken_shapes_do_not_fit() -> None:
    """Unknown keys, wrong types, words that are not in the list and bad durations are refused by the schema, too."""
    readable = {path: found for path in BROKEN if (found := tree(path)) is not None}
    caught = [path.stem for path, found in readable.items() if not SCHEMA.is_valid(found)]
    assert len(caught) >= CAUGHT


POOL: tuple[Any, ...] = (
    "off", "skip", "hold", "1d", "0s", "x", "ana", "approve", "block", " ", "a b", "5%", "PT",
    "2026-03-01", "2026-03-01T09:00Z", "Mon-Fri 09:00-18:00", True, False, 0, 1, 0.5, 5, 100, None, [], {}, ["ana"],
)  # fmt: skip


def changed(document: Any, dice: random.Random) -> Any:
    """A copy with one value replaced, or taken out."""
    copy = deepcopy(document)
    path = dice.choice([path for path in places(copy) if path])
    part = copy
    for key in path[:-1]:
        part = part[key]
    if dice.random() < 1 / 4:
        del part[path[-1]]
    else:
        part[path[-1]] = deepcopy(dice.choice(POOL))
    return copy


@pytest.mark.parametrize("seed", range(4))
def test_what_the_reader_takes_fits(seed: int) -> None:
    """However a good file is changed: where the reader still takes it, the schema does."""
    dice = random.Random(seed)  # noqa: S311  # the samples have to be the same each time
    files = [tree(path) for path in GOOD]
    taken = 0
    for _ in range(400):
        document = changed(dice.choice(files), dice)
        try:
            parse(json.dumps(document), "routing.yaml")  # JSON is YAML
        except RoutingErrors:
            continue
        taken += 1
        assert [f"{error.instance_path}: {error.message}" for error in SCHEMA.iter_errors(document)] == []
    assert taken > 20


def test_it_is_a_schema_that_editors_take() -> None:
    """It is JSON Schema 2020-12, named by a URN, and refers to nothing outside itself."""
    assert jsonschema_rs.meta.is_valid(DOCUMENT)
    assert DOCUMENT["$id"] == "urn:sayso:routing:1"
    written = schema_document.written()
    references = [part.split('"')[0] for part in written.split('"$ref": "')[1:]]
    assert references
    assert all(reference.startswith("#/$defs/") for reference in references)


def test_the_file_in_the_docs_is_the_one_that_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    """docs/routing.schema.json and `sayso schema` say the same: what the code makes."""
    assert main(["schema"]) == 0
    printed = capsys.readouterr().out
    assert printed == schema_document.written()
    kept = (ROOT / "docs" / "routing.schema.json").read_text(encoding="utf-8")
    assert kept == printed, "the format has changed: sayso schema > docs/routing.schema.json"
