"""Conditions and amounts: CEL, compiled and type-checked when the file is read (https://cel.dev).

Every name has a type; what an argument holds is known only as it runs, see `bot.routing.evaluating`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cel_expr_python import cel

from bot.routing import literals, zones
from bot.routing.evaluating import NAMES, Expression, Quantity, environment
from bot.routing.faults import Faults, listed, meant, quoted
from bot.routing.nodes import Mapping as MappingNode
from bot.routing.nodes import Node, Place, Scalar, Sequence, kind
from bot.routing.source import place_in
from bot.routing.values import Reader

AMOUNT_NAMES = ("action", "agent", "arguments", "kind", "now")
"""The names of an amount: none of what an agent says of itself, or by its own word it could shrink what is summed."""
MAX_CONDITION = 10_000
"""Characters in one condition at most."""

_ERROR = re.compile(r"^(?:INVALID_ARGUMENT: )?ERROR: <input>:(\d+):(\d+): (.*)$", re.MULTILINE)
_UNDECLARED = re.compile(r"undeclared reference to '(([^'.]*)[^']*)'")
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|//[^\n]*", re.DOTALL)
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")


def condition(reader: Reader, node: Node, where: str, text: str) -> Expression | None:
    """The condition that a node holds; None (and faults with their places) where it cannot be compiled.

    ``true`` and ``false`` unquoted are conditions too. ``text`` is the whole file, which the places inside a quoted or
    folded condition are found in.
    """
    if isinstance(node, Scalar) and not node.style and isinstance(node.value, bool):
        expression = _compiled(node, text, where, NAMES, reader.faults)
    else:
        expression = _written(reader, node, where, text, NAMES)
    if expression is None:
        return None
    gives = expression.return_type()
    if gives not in (cel.Type.BOOL, cel.Type.DYN):
        fix = 'compare it with something: action == "refund.issue"'
        reader.faults.add(node.place, f"{where} gives {gives.name().lower()}, not true or false", fix)
        return None
    return Expression(node.text if isinstance(node, Scalar) else "", expression)


def amount(reader: Reader, node: Node, where: str, text: str) -> Quantity | None:
    """The amount that a node holds, over `AMOUNT_NAMES`; None (and faults) as for a condition."""
    expression = _written(reader, node, where, text, AMOUNT_NAMES)
    if expression is None:
        return None
    gives = expression.return_type()
    if gives not in (cel.Type.INT, cel.Type.DOUBLE, cel.Type.DYN):
        fix = "name what is added up: arguments.amount"
        reader.faults.add(node.place, f"{where} gives {gives.name().lower()}, not a number", fix)
        return None
    return Quantity(node.text if isinstance(node, Scalar) else "", expression)


def _written(reader: Reader, node: Node, where: str, text: str, names: tuple[str, ...]) -> Any:
    if isinstance(node, MappingNode | Sequence):
        what = f"{where} must be text, not {kind(node)}"
        reader.faults.add(node.place, what, "put a condition that begins with [ or { into quotes")
        return None
    if reader.text(node, where, limit=MAX_CONDITION) is None:
        return None
    return _compiled(node, text, where, names, reader.faults)


def _compiled(node: Scalar, text: str, where: str, names: tuple[str, ...], faults: Faults) -> Any:
    try:
        compiled = environment(names).compile(node.text)
    except Exception as broken:  # noqa: BLE001 - the engine raises RuntimeError, and pybind what it likes
        for place, what, fix in _refusals(node, text, names, str(broken)):
            faults.add(place, f"{where}{what}", fix)
        return None
    known = True
    for line, column, zone in zones.unknown(node.text):
        known = False
        faults.add(place_in(text, node, line, column), f"there is no timezone {quoted(zone)}", zones.meant(zone))
    for line, column, written, wrong, fix in literals.unread(node.text):
        known = False
        faults.add(place_in(text, node, line, column), f"{where}: {quoted(written)} is {wrong}", fix)
    return compiled if known else None


def _refusals(node: Scalar, text: str, names: tuple[str, ...], message: str) -> Iterator[tuple[Place, str, str]]:
    """What the engine says against an expression: where, what (as it follows what is wrong), what would do."""
    found = _ERROR.findall(message)
    if not found:
        what = re.sub(r" ?\[[A-Z_]+\]$|^[A-Z_]+: ", "", message.splitlines()[0] if message else "it cannot be read")
        yield node.place, f" cannot be compiled: {what}", "make it shorter or less nested"
    for line, column, told in found:
        what = re.sub(r" \[[A-Z_]+\]$| \(in container ''\)", "", told)
        back = _before(told, node.text.split("\n")[int(line) - 1], int(column) - 1)
        yield place_in(text, node, int(line), int(column) - back), f": {_plain(what)}", _fix(what, names)


def _before(what: str, line: str, told: int) -> int:
    """How far before the told place a name begins: of ``a.b.c`` the last dot is told, of ``f(x)`` the bracket."""
    undeclared = _UNDECLARED.search(what)
    if undeclared is None:
        return 0
    if line[told : told + 1] == "(":
        return told - max(line.rfind(undeclared[1], 0, told), 0)
    return len(undeclared[1].rpartition(".")[0])


def _unknown(what: str) -> str | None:
    """The name that the engine does not know."""
    undeclared = _UNDECLARED.search(what)
    return undeclared[1].removeprefix(".").partition(".")[0] if undeclared else None


def _plain(what: str) -> str:
    name = _unknown(what)
    if name is not None:
        known = name in NAMES
        return f"{quoted(name)} is not taken here" if known else f"there is no name {quoted(name)} in conditions"
    if "mismatched input '<EOF>'" in what:
        return "the condition ends too early"
    return re.sub(r" expecting \{.*", "", what)


_FIXES = (
    (("has() argument",), 'ask for a part of a map: has(arguments.amount), or "amount" in arguments'),
    (("unsupported syntax '.?'",), "ask first: has(arguments.amount) && arguments.amount <= 5"),
    (("invalid int literal",), "whole numbers go up to 9223372036854775807; write more as a decimal: 1e20"),
    (("at: '=~",), 'write action.matches("^refund")'),
    (("at: '=",), 'to compare, write ==: action == "refund.issue"'),
    (("input 'and'", "at: '&"), "write && for and"),
    (("input 'or'", "at: '|"), "write || for or"),
    (("(double, int)", "(int, double)"), "a confidence is a decimal: write 1.0, not 1"),
    (("no matching overload",), "both sides must be of one type: text in quotes, numbers without"),
    (tuple("“”„‘’"), "write straight quotation marks"),
    (("Syntax error",), 'for example: action == "refund.issue" && arguments.amount <= 5'),
    (
        ("protobuf.Timestamp",),
        'ask for a part, in a zone: now.getHours("Europe/Lisbon"); now.getDayOfWeek("Europe/Lisbon"), 0 on Sunday',
    ),
)
"""What would do where the engine's message holds one of these; the first counts."""


_OTHERWISE = {
    "not": 'write ! for not: !(action == "refund.issue")',
    "len": "write size(arguments.rows)",
    "startswith": 'write action.startsWith("refund.")',
    "endswith": 'write arguments.to.endsWith("@example.com")',
}
"""How CEL writes what other languages write so."""


def _fix(what: str, names: tuple[str, ...]) -> str:
    name = _unknown(what)
    if name in _OTHERWISE:
        return _OTHERWISE[name]
    if name in NAMES:
        return f"by its own word an agent could shrink what is summed; names are: {listed(names)}"
    if name is not None:
        near = meant(name, names, "")
        return f"{near} " * bool(near) + f"names are: {listed(names)}; text stands in quotes"
    return next((fix for marks, fix in _FIXES if any(mark in what for mark in marks)), "")


def names_in(source: str) -> frozenset[str]:
    """The names that a condition reads (text and comments left out)."""
    return frozenset(_WORD.findall(without_texts(source))) & frozenset(NAMES)


def without_texts(source: str) -> str:
    """A condition with its texts emptied and its comments taken out."""
    return _LITERAL.sub('""', source)


def blanked(source: str) -> str:
    """A condition with what stands in its texts and comments blanked out, each place as it was."""
    return _LITERAL.sub(lambda found: found[0][0] + "_" * (len(found[0]) - 2) + found[0][-1], source)


_ACTION = re.compile(r"""(?<![\w.])action\s*(?:==|!=)\s*(?:"([^"\\]*)"|'([^'\\]*)')""")
_ACTION_BACK = re.compile(r"""(?:"([^"\\]*)"|'([^'\\]*)')\s*(?:==|!=)\s*action\b""")
_ACTION_IN = re.compile(r"""(?<![\w.])action\s+in\s*\[([^\]]*)\]""")
_TEXT = re.compile(r"""(?:"([^"\\]*)"|'([^'\\]*)')""")


def actions_in(source: str) -> tuple[str, ...]:
    """The actions that a condition compares with by name."""
    pairs = [*_ACTION.findall(source), *_ACTION_BACK.findall(source)]
    for row in _ACTION_IN.findall(source):
        pairs += _TEXT.findall(row)
    return tuple(dict.fromkeys(a or b for a, b in pairs))
