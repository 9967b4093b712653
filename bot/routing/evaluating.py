"""Conditions and amounts as they are asked: pure, bounded by the iteration budget, their patterns linear (RE2).

The engine answers what cannot be evaluated (a missing key, an absent confidence) with an ERROR value rather than an
exception; both become `bot.core.policy.ConditionFailed`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from cel_expr_python import cel

from bot.core.policy import ConditionFailed, Facts
from bot.routing.faults import quoted
from bot.routing.narrowing import actions_that, builds_nothing

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
    "advice",
)


@cache
def environment(names: tuple[str, ...]) -> Any:
    """The engine, for expressions over these names, each of its type."""
    types = cel.Type
    anything = types.Map(types.STRING, types.DYN)
    kinds = {
        "arguments": anything,
        "confidence": types.DOUBLE,
        "labels": anything,
        "context": anything,
        "now": types.TIMESTAMP,
        "advice": types.Map(types.STRING, types.STRING),
    }
    return cel.NewEnv(variables={name: kinds.get(name, types.STRING) for name in names})


class Expression:
    """One compiled condition; a `bot.core.policy.Condition`."""

    __slots__ = ("_compiled", "_shares", "actions", "reads_labels", "source")

    def __init__(self, source: str, compiled: Any) -> None:
        self.source = source
        self.actions = actions_that(source)
        # A text that holds the word counts as well: CEL has no other way to a name than to write it.
        self.reads_labels = "labels" in source
        self._compiled = compiled
        self._shares = builds_nothing(source)

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds for these facts (`bot.core.policy.facts_of`); raises `ConditionFailed`."""
        value, kind_of_it = _answer(self._compiled, facts, shares=self._shares)
        if value is True or value is False:
            return value is True
        raise ConditionFailed(f"it gives {kind_of_it()}, not true or false")


class Quantity:
    """One compiled amount; a `bot.core.policy.Amount`."""

    __slots__ = ("_compiled", "_shares", "source")

    def __init__(self, source: str, compiled: Any) -> None:
        self.source = source
        self._compiled = compiled
        self._shares = builds_nothing(source)

    def amount(self, facts: Mapping[str, Any]) -> float:
        """The number for these facts, finite; raises `ConditionFailed`."""
        value, kind_of_it = _answer(self._compiled, facts, shares=self._shares)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ConditionFailed(f"it gives {kind_of_it()}, not a number")
        if not math.isfinite(value):
            raise ConditionFailed("it gives no finite number")
        return float(value)


def _answer(program: Any, facts: Mapping[str, Any], *, shares: bool) -> tuple[Any, Callable[[], str]]:
    """What a compiled expression gives, and of which type that is, if asked; raises `ConditionFailed`."""
    try:
        known = _prepared(facts) if shares and isinstance(facts, Facts) else None
        answer = program.eval(data=facts) if known is None else program.eval(activation=known)
        value = answer.value()
    except Exception as broken:
        raise ConditionFailed(_reason(str(broken))) from broken
    # An error is never a bool; asking for the type costs as much as the evaluation of a small condition.
    if value is not True and value is not False and answer.type() == cel.Type.ERROR:
        raise ConditionFailed(_reason(str(value)))
    return value, lambda: str(answer.type().name().lower())


def _prepared(facts: Facts) -> Any:
    """The facts as the engine keeps them; None for the first condition, for which alone they are not worth it."""
    if facts.prepared is None and facts.asked:
        # Of a copy: the engine's objects are none that the collector looks into, and a circle would be there for good.
        facts.prepared = environment(NAMES).Activation(data=dict(facts))
    facts.asked = True
    return facts.prepared


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
