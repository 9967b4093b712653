"""YAML text into nodes.

Only plain YAML 1.2 is taken: one document of mappings, lists and scalars. Anchors, aliases, tags, merge keys,
directives and duplicate keys are refused, as are characters that a reader cannot see, so that a file means what it
shows. The tree is built from the parser's events, so depth and size are bounded before anything is built (T22).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from msgspec import Struct
from yaml import YAMLError as QuickError

try:
    from yaml.cyaml import CParser
except ImportError:  # PyYAML was built where there was no libyaml
    CParser = None

from bot.core.scrutiny import hidden
from bot.routing.faults import Faults, quoted
from bot.routing.nodes import Mapping, Node, Place, Scalar, Sequence, kind

MAX_BYTES = 1 << 20
"""A routing file's size at most: 1 MiB."""
MAX_DEPTH = 32
"""Mappings and lists inside each other at most, as for the JSON of a request."""
MAX_NODES = 50_000
"""Values in a file at most, keys among them: two seconds of reading where the slower parser has to."""
MAX_SAFE = 2**53 - 1
_BRACKETS = re.compile(r"(?:[\[{] *){" + str(MAX_DEPTH + 1) + "}")
"""Refused before parsing: the parser's look-ahead is quadratic in brackets that stand side by side."""
_ODD_NUMBER = re.compile(
    r"[-+]?(?:0[0-9]+[0-9.eE+-]*|0[xob][0-9a-fA-F]+|[0-9][0-9_]*_[0-9_]*)|[-+]?\.(?:inf|nan)", re.IGNORECASE
)


_NODES = ("AliasEvent", "ScalarEvent", "SequenceStartEvent", "MappingStartEvent")
_ENDS = ("SequenceEndEvent", "MappingEndEvent")
_TOO_DEEP = f"this is nested more than {MAX_DEPTH} deep"
_TOO_DEEP_FIX = "nothing in a routing file is"


class _NoYaml(Exception):
    """What the parser says of a text that is no YAML, and where."""

    def __init__(self, what: str, place: Place) -> None:
        super().__init__(what)
        self.what = what
        self.place = place

    @property
    def told(self) -> str:
        """The parser's words, or ours for the one that nobody understands."""
        return "this does not line up with what stands above it" if "<block end>" in self.what else self.what


class Document(Struct, frozen=True):
    """A whole file: its text (every line end a single U+000A) and its top node."""

    text: str
    root: Node


def read(text: str, faults: Faults) -> Document | None:
    """The document; None (and faults) where the text is not YAML that is taken here."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if not _characters(text, faults):
        return None
    deep = _BRACKETS.search(text)
    if deep:
        line = text.count("\n", 0, deep.start())
        faults.add((line + 1, deep.start() - text.rfind("\n", 0, deep.start())), _TOO_DEEP, _TOO_DEEP_FIX)
        return None
    builder = _Builder(faults)
    try:
        root = builder.build(_events(text))
    except _NoYaml as broken:
        faults.add(broken.place, f"this is not YAML: {broken.told}", _syntax_fix(broken.what, text, broken.place))
        return None
    except (ValueError, RecursionError) as broken:
        faults.add((1, 1), f"this is not YAML: {str(broken).splitlines()[0] if str(broken) else 'it cannot be read'}")
        return None
    return Document(text, root) if root is not None else None


def _characters(text: str, faults: Faults) -> bool:
    """Refuse what a reader cannot see; one fault a line at most."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        faults.add((1, 1), "the file is larger than 1 MiB", "a routing file lists people and rules, not data")
        return False
    before = len(faults.errors)
    for number, line in enumerate(text.split("\n"), start=1):
        if line.isascii() and line.isprintable():
            continue
        odd = next((i for i, c in enumerate(line) if hidden(c) and c != "\t"), None)
        if odd is not None:
            what = f"the invisible character U+{ord(line[odd]):04X} stands here"
            faults.add((number, odd + 1), what, "delete it; a space is U+0020, and a line ends with U+000A")
    return len(faults.errors) == before


def _syntax_fix(what: str, text: str, place: Place) -> str:
    lines = text.split("\n")
    line = lines[place[0] - 1] if place[0] <= len(lines) else ""
    if "'\\t'" in what:
        return "indent with spaces, not with tabs"
    if "mapping values are not allowed" in what:
        return "put a value that holds a colon and a space into quotes, and keep keys of one level in one column"
    if "<block end>" in what:
        return "keep keys and dashes of one level in one column, and look above for a missing quote"
    if "cannot start any token" in what or "{{" in line:
        return "put the value into quotes"
    return "look for a missing quote or bracket, and for uneven indentation"


class _Event(Struct, frozen=True):
    """A parser's event, whichever it was; ``kind`` is its class's name."""

    kind: str
    place: Place
    index: int
    end: int
    told: Any

    @property
    def anchor(self) -> str | None:
        """What it is called, where it is."""
        return getattr(self.told, "anchor", None)


def _events(text: str) -> Iterator[_Event]:
    """The parser's events.

    libyaml's are the same and come thirty times as fast. What it refuses is parsed once more by the parser that says
    best what is wrong, and whose word counts.
    """
    try:
        quick = None if CParser is None else list(islice(_quick(text), MAX_NODES * 3))
    except (QuickError, ValueError):
        quick = None
    yield from _slow(text) if quick is None else quick


def _slow(text: str) -> Iterator[_Event]:
    from ruamel.yaml import YAML  # noqa: PLC0415  # 1.6 MB and 10 ms of every start, for files that are refused
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415  # as above

    try:
        yield from map(_event, YAML(typ="safe", pure=True).parse(text))
    except MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        if broken.context_mark is not None and "stream" in f"{broken.problem}":
            mark = broken.context_mark  # what was begun there never ends
        place = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise _NoYaml(" ".join(str(part) for part in (broken.context, broken.problem) if part), place) from None
    except YAMLError as broken:
        raise ValueError(str(broken)) from None


def _quick(text: str) -> Iterator[_Event]:
    parser = CParser(text)
    while parser.check_event():
        yield _event(parser.get_event())


def _event(told: Any) -> _Event:
    start = told.start_mark
    place = (start.line + 1, start.column + 1)
    return _Event(type(told).__name__, place, start.index, told.end_mark.index, told)


class _Open:
    """A collection that is still being read; ``key`` is the mapping key whose value comes next."""

    def __init__(self, place: Place, *, mapping: bool) -> None:
        self.place = place
        self.mapping = mapping
        self.items: list[Node] = []
        self.entries: dict[str, Node] = {}
        self.keys: dict[str, Scalar] = {}
        self.key: Scalar | None = None
        self.ignored = False

    def closed(self) -> Node:
        return Mapping(self.place, self.entries, self.keys) if self.mapping else Sequence(self.place, self.items)


class _Builder:
    """Events into one tree, without recursion."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.stack: list[_Open] = []
        self.root: Node | None = None
        self.documents = 0
        self.nodes = 0

    def build(self, events: Iterator[_Event]) -> Node | None:
        for event in events:
            if event.kind == "DocumentStartEvent":
                if not self._document(event):
                    return None
            elif event.kind in _NODES:
                if not self._node(event):
                    return None
            elif event.kind in _ENDS:
                self._take(self.stack.pop().closed())
        return self.root

    def _document(self, event: _Event) -> bool:
        self.documents += 1
        if self.documents > 1:
            self.faults.add(event.place, "a second document begins here", "one file holds one document; remove the ---")
        elif event.told.version or event.told.tags:
            self.faults.add((1, 1), "YAML directives (%) are not taken", "remove the line")
        else:
            return True
        return False

    def _node(self, event: _Event) -> bool:
        self.nodes += 1
        refused = self._refused(event)
        if refused is not None:
            self.faults.add(event.place, *refused)
            return False
        if event.kind == "ScalarEvent":
            self._take(self._scalar(event))
        else:
            self.stack.append(_Open(event.place, mapping=event.kind == "MappingStartEvent"))
        return True

    def _refused(self, event: _Event) -> tuple[str, str] | None:
        """What no routing file holds, and what would do."""
        if self.nodes > MAX_NODES:
            return f"the file holds more than {MAX_NODES} values", "a routing file lists people and rules, not data"
        if event.kind == "AliasEvent":
            fix = "write the value out where it is used; text that begins with * is quoted"
            return f"aliases ({quoted('*' + str(event.anchor))}) are not taken", fix
        if event.anchor is not None:
            fix = "write the value out where it is used; text that begins with & is quoted"
            return f"anchors ({quoted('&' + str(event.anchor))}) are not taken", fix
        if getattr(event.told, "tag", None) is not None:
            return "tags (!) are not taken", "remove it; text that begins with ! is quoted"
        if event.kind != "ScalarEvent" and len(self.stack) >= MAX_DEPTH:
            return _TOO_DEEP, _TOO_DEEP_FIX
        return None

    def _scalar(self, event: _Event) -> Scalar:
        place = event.place
        scalar = Scalar(place, event.told.value, event.told.style or "", event.index, event.end)
        if scalar.style:
            return scalar
        value = scalar.value
        if isinstance(value, str) and _ODD_NUMBER.fullmatch(value):
            self.faults.add(place, f"{quoted(value)} could be read as a number or as text", "quote it if it is text")
        elif isinstance(value, float) and not math.isfinite(value):
            self.faults.add(place, f"the number {quoted(scalar.text, 30)} is too large")
        elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > MAX_SAFE:
            self.faults.add(place, f"the number {quoted(scalar.text, 30)} is beyond 2^53-1", "quote it if it is text")
        return scalar

    def _take(self, node: Node) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        if not parent.mapping:
            parent.items.append(node)
        elif parent.key is None:
            parent.key = self._key(parent, node)
        else:
            if isinstance(node, Scalar) and not node.style and not node.text:
                # A value that is not there has no place of its own.
                node = Scalar(parent.key.place, "", "", node.index, node.end)
            if not parent.ignored:
                parent.entries[parent.key.text] = node
                parent.keys[parent.key.text] = parent.key
            parent.key = None

    def _key(self, parent: _Open, node: Node) -> Scalar:
        parent.ignored = True
        if not isinstance(node, Scalar):
            self.faults.add(node.place, f"{kind(node)} stands where a key must", 'quote a template: "{{ name }}"')
            return Scalar(node.place, "", "", 0, 0)
        if not isinstance(node.value, str):
            self.faults.add(node.place, f"the key {quoted(node.text)} is not text", f'write "{node.text}" in quotes')
        elif node.text == "<<":
            self.faults.add(node.place, "merge keys (<<) are not taken", "write the values out where they are used")
        elif node.text in parent.entries:
            first = parent.keys[node.text].place[0]
            self.faults.add(node.place, f"the key {quoted(node.text)} stands twice", f"the first is on line {first}")
        else:
            parent.ignored = False
        return node
