"""What conditions compare with values that never come: they hold for nothing, or for everything, and nobody is told.

Text is never equal to a number, so ``arguments.account != 12345`` holds for every account that is text; a risk is
never ``"high"``, so what blocks it blocks nothing. Only plain comparisons are read, ``NAME == VALUE`` and the like;
whatever is put together otherwise says nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from bot.core.model import Kind, Opinion, Risk
from bot.core.policy import ActionSpec, Policy, Rule
from bot.routing.conditions import blanked
from bot.routing.faults import meant, quoted
from bot.routing.lint.reading import properties
from bot.routing.lint.reviews import called

_TEXT = r"""(?:"[^"\n]*"|'[^'\n]*')"""
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_VALUE = rf"(?:{_TEXT}|{_NUMBER}|true\b|false\b)"
_NAME = (
    r"(?:risk|kind|agent|confidence|now\.get[A-Z]\w+\([^()]*\)"
    rf"|(?:arguments|advice)(?:\.[A-Za-z_]\w*|\[{_TEXT}\]))"
)
_SIGN = r"(?:==|!=|<=|>=|<|>)"
_OPEN, _SHUT = r"(?<![\w.\])])(?<![-+*/%])(?<![-+*/%] )", r"(?!\s*[-+*/%.\[(?\w])"
_FORMS = (
    re.compile(rf"{_OPEN}(?P<name>{_NAME})\s*(?P<sign>{_SIGN})\s*(?P<value>{_VALUE}){_SHUT}"),
    re.compile(rf"{_OPEN}(?P<value>{_VALUE})\s*(?P<sign>{_SIGN})\s*(?P<name>{_NAME}){_SHUT}"),
    re.compile(rf"{_OPEN}(?P<name>{_NAME})\s+(?P<sign>in)\s*\[(?P<value>[^\[\]]*)\]"),
)
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_EACH = re.compile(_VALUE)
_WORDS: Mapping[str, tuple[str, ...]] = {
    "risk": tuple(Risk),
    "kind": tuple(Kind),
    "advice": tuple(Opinion),
}
_PARTS = {
    "getMonth": (0, 11, "January is 0"),
    "getDayOfWeek": (0, 6, "Sunday is 0"),
    "getDayOfMonth": (0, 30, "the first is 0; getDate begins with 1"),
    "getDate": (1, 31, "the first is 1"),
    "getDayOfYear": (0, 365, "the first is 0"),
    "getHours": (0, 23, "midnight is 0"),
    "getMinutes": (0, 59, "the first is 0"),
    "getSeconds": (0, 59, "the first is 0"),
}
"""From, to, and how CEL counts (https://github.com/google/cel-spec, standard definitions)."""
_JSON = {str: "text", bool: "true or false", int: "a number", float: "a number"}


class _Comparison(Struct, frozen=True):
    name: str
    sign: str
    values: tuple[Any, ...]


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of what conditions and checks compare."""
    for rule in (*policy.rules, policy.default):
        actions = rule.when.actions if rule.when else None
        specs = [policy.actions.get(action) for action in sorted(actions or ())]
        for source in _sources(rule):
            yield from _told(called(rule), source, specs)
            yield from _agent(called(rule), source, policy)
    for spec in policy.actions.values():
        for check in spec.checks:
            yield from _told(f"the check {quoted(check.name)} of {spec.name}", check.that.source, [spec])


def _sources(rule: Rule) -> list[str]:
    found = [rule.when.source] if rule.when else []
    return found + [stage.condition.source for stage in rule.stages if stage.condition]


def _agent(where: str, source: str, policy: Policy) -> Iterator[str]:
    """An agent need not be listed, so only a name that is nearly one of those listed is told."""
    for value in (one for made in _comparisons(source) if made.name == "agent" for one in made.values):
        if isinstance(value, str) and value not in policy.agents and (fix := meant(value, policy.agents, "")):
            yield f"{where} names the agent {quoted(value)}, which is not listed; {fix}"


def _told(where: str, source: str, specs: Sequence[ActionSpec | None]) -> Iterator[str]:
    for made in _comparisons(source):
        base = re.split(r"[.\[]", made.name)[0]
        if base in _WORDS:
            yield from _word(where, made, _WORDS[base])
        elif base == "arguments":
            yield from _argument(where, made, specs)
        elif base != "agent":
            yield from _number(where, made)


def _comparisons(source: str) -> Iterator[_Comparison]:
    """The plain comparisons that a condition makes; what stands in its texts and comments is none."""
    plain = blanked(source)
    for form in _FORMS:
        for found in form.finditer(plain):
            name, value = source[slice(*found.span("name"))], source[slice(*found.span("value"))]
            values = [value[at.start() : at.end()] for at in _EACH.finditer(found["value"])]
            turned = found.start("value") < found.start("name")
            sign = _TURNED.get(found["sign"], found["sign"]) if turned else found["sign"]
            yield _Comparison(name, sign, tuple(_value(one) for one in values))


def _value(text: str) -> Any:
    if text[0] in "\"'":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    return int(text) if text.lstrip("-").isdecimal() else float(text)


def _word(where: str, made: _Comparison, words: tuple[str, ...]) -> Iterator[str]:
    if made.sign in ("<", "<=", ">", ">="):
        yield (
            f"{where} compares {made.name} by {made.sign}, which goes by the alphabet; "
            f'name what is meant: {made.name} in ["{words[-2]}", "{words[-1]}"]'
        )
        return
    for value in made.values:
        if value not in words:
            fix = meant(str(value), words, "it is one of {}")
            yield f"{where} compares {made.name} with {_shown(value)}, which it never is; {fix}"


def _number(where: str, made: _Comparison) -> Iterator[str]:
    part = next((known for known in _PARTS if f".{known}(" in made.name), None)
    if made.name != "confidence" and part is None:
        return
    least, most, how = _PARTS[part] if part else (0, 1, "85% is 0.85")
    for value in made.values:
        if isinstance(value, int | float) and not least <= value <= most and not _bounds(made.sign, value, most):
            yield f"{where} compares {made.name} with {value:g}, and that goes from {least} to {most}: {how}"


def _bounds(sign: str, value: float, most: int) -> bool:
    """Whether a number just outside is a bound that may be meant: ``getHours() < 24``."""
    return sign in ("<", ">=") and most > 1 and value == most + 1


def _argument(where: str, made: _Comparison, specs: Sequence[ActionSpec | None]) -> Iterator[str]:
    name = made.name.removeprefix("arguments").strip(".[]\"'")
    schemas = [_schema(spec, name) for spec in specs]
    known = [schema for schema in schemas if schema is not None]
    if not known or len(known) < len(schemas):
        return
    for value in made.values:
        if any(_fits(schema, value, ordered=made.sign not in ("==", "!=", "in")) for schema in known):
            continue
        among = [item for schema in known for item in _among(schema) or () if type(item) is type(value)]
        fix = meant(str(value), map(str, among), "it is one of {}") or "text stands in quotes, a number without"
        whose = ", ".join(spec.name for spec in specs if spec is not None)
        yield f"{where} compares {made.name} with {_shown(value)}, which the schema of {whose} never lets it be; {fix}"


def _schema(spec: ActionSpec | None, name: str) -> Mapping[str, Any] | None:
    """What is said of one argument, where a type or a list of values says all that it may be."""
    every = properties(spec.schema.document) if spec is not None and spec.schema is not None else None
    found = every.get(name) if every else None
    if not isinstance(found, Mapping) or not {"type", "enum", "const"} & found.keys() or "$ref" in found:
        return None
    return found


def _among(schema: Mapping[str, Any]) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _fits(schema: Mapping[str, Any], value: object, *, ordered: bool) -> bool:
    """Whether a value may come, or, where it only bounds, one of its type."""
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else list(types)
    among = _among(schema)
    if among is not None and not ordered:
        return any(item == value and isinstance(item, bool) is isinstance(value, bool) for item in among)
    if not types and among is not None:
        return any(_JSON.get(type(item)) == _JSON[type(value)] for item in among)
    names = {str: {"string"}, bool: {"boolean"}}.get(type(value), {"number", "integer"})
    return bool(names & set(types))


def _shown(value: object) -> str:
    return quoted(value) if isinstance(value, str) else json.dumps(value)
