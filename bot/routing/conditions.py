"""Conditions: CEL, compiled and type-checked when the file is read (https://cel.dev).

Every name has a type; what an argument holds is known only as it runs. Evaluation is pure, bounded by the engine's
iteration budget, and its regular expressions are RE2's, which are linear. The engine answers what cannot be
evaluated (a missing key, an absent confidence) with an ERROR value rather than an exception; both become
`bot.core.policy.ConditionFailed`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from cel_expr_python import cel

from bot.core.policy import ConditionFailed
from bot.routing.faults import Faults, listed, meant, quoted
from bot.routing.nodes import Scalar
from bot.routing.source import place_in

NAMES = (
    "action",
    "agent",
    "arguments",
    "confidence",
    "risk",
    "labels",
    "context",
    "kind",
    "on_behalf_of",
    "now",
)
MAX_CONDITION = 10_000
"""Characters in one condition at most."""

_ERROR = re.compile(r"^(?:INVALID_ARGUMENT: )?ERROR: <input>:(\d+):(\d+): (.*)$", re.MULTILINE)
_UNDECLARED = re.compile(r"undeclared reference to '(([^'.]*)[^']*)'")
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|//[^\n]*", re.DOTALL)
_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*")


@cache
def _environment() -> Any:
    types = cel.Type
    anything = types.Map(types.STRING, types.DYN)
    return cel.NewEnv(
        variables={
            "action": types.STRING,
            "agent": types.STRING,
            "arguments": anything,
            "confidence": types.DOUBLE,
            "risk": types.STRING,
            "labels": anything,
            "context": anything,
            "kind": types.STRING,
            "on_behalf_of": types.STRING,
            "now": types.TIMESTAMP,
        }
    )


class Expression:
    """One compiled condition; a `bot.core.policy.Condition`."""

    __slots__ = ("_compiled", "source")

    def __init__(self, source: str, compiled: Any) -> None:
        self.source = source
        self._compiled = compiled

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds for these facts (`bot.core.policy.facts_of`); raises `ConditionFailed`."""
        try:
            answer = self._compiled.eval(data=facts)
            value = answer.value()
        except Exception as broken:
            raise ConditionFailed(_reason(str(broken))) from broken
        if value is True or value is False:
            return value is True
        if answer.type() == cel.Type.ERROR:
            raise ConditionFailed(_reason(str(value)))
        raise ConditionFailed(f"it gives {answer.type().name().lower()}, not true or false")


def _reason(message: str) -> str:
    """The engine's message in the file's words."""
    missing = re.search(r'Key not found in map : "(.*)"', message, re.DOTALL)
    if missing:
        return f"{quoted(missing[1])} is not there"
    if 'No value with name "confidence"' in message:
        return "the confidence was not given"
    if "Iteration budget" in message:
        return "it takes too many steps"
    return re.sub(r"^[A-Z_]+: | \[[A-Z_]+\]$", "", message.splitlines()[0] if message else "it cannot be answered")


def compiled(node: Scalar, text: str, where: str, faults: Faults) -> Expression | None:
    """The condition that a node holds; None (and faults with their places) where it cannot be compiled.

    ``text`` is the whole file, which the places inside a quoted or folded condition are found in.
    """
    source = node.text
    if len(source) > MAX_CONDITION:
        faults.add(node.place, f"{where} has more than {MAX_CONDITION} characters")
        return None
    try:
        expression = _environment().compile(source)
    except Exception as broken:  # noqa: BLE001 - the engine raises RuntimeError, and pybind what it likes
        _refused(node, text, where, str(broken), faults)
        return None
    kind = expression.return_type()
    if kind not in (cel.Type.BOOL, cel.Type.DYN):
        fix = 'compare it with something: action == "refund.issue"'
        faults.add(node.place, f"{where} gives {kind.name().lower()}, not true or false", fix)
        return None
    return Expression(source, expression)


def _refused(node: Scalar, text: str, where: str, message: str, faults: Faults) -> None:
    found = _ERROR.findall(message)
    if not found:
        what = re.sub(r" ?\[[A-Z_]+\]$|^[A-Z_]+: ", "", message.splitlines()[0] if message else "it cannot be read")
        faults.add(node.place, f"{where} cannot be compiled: {what}", "make it shorter or less nested")
        return
    for line, column, what in found:
        place = place_in(text, node, int(line), int(column) - _before(what))
        what_it_is = re.sub(r" \[[A-Z_]+\]$| \(in container ''\)", "", what)
        faults.add(place, f"{where}: {_plain(what_it_is)}", _fix(what_it_is))


def _before(what: str) -> int:
    """How far before the told column a name begins: for ``a.b.c`` the engine tells the last dot."""
    undeclared = _UNDECLARED.search(what)
    return len(undeclared[1].rpartition(".")[0]) if undeclared else 0


def _plain(what: str) -> str:
    undeclared = _UNDECLARED.search(what)
    if undeclared:
        return f"there is no name {quoted(undeclared[2])} in conditions"
    if "mismatched input '<EOF>'" in what:
        return "the condition ends too early"
    return re.sub(r" expecting \{.*", "", what)


def _fix(what: str) -> str:
    undeclared = _UNDECLARED.search(what)
    if undeclared:
        near = meant(undeclared[2], NAMES, "")
        return f"{near} " * bool(near) + f"names are: {listed(NAMES)}; text stands in quotes"
    if "(double, int)" in what or "(int, double)" in what:
        return "a confidence is a decimal: write 1.0, not 1"
    if "no matching overload" in what:
        return "both sides must be of one type: text in quotes, numbers without"
    if "Syntax error" in what:
        return 'for example: action == "refund.issue" && arguments.amount <= 5'
    return ""


def names_in(source: str) -> frozenset[str]:
    """The names that a condition reads (text and comments left out)."""
    return frozenset(_WORD.findall(_LITERAL.sub('""', source))) & frozenset(NAMES)


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
