"""What conditions and rollbacks read that nobody ever sends: arguments that no schema lists, unknown agents.

Such a condition cannot be answered, and what cannot be answered is taken strictly: the rule never approves, or blocks
everything. Only a slip that shows is told. An argument that an open schema does not list may be sent all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from bot.core.policy import ActionSpec, Policy, Rollback, Rule
from bot.routing.conditions import names_in, without_texts
from bot.routing.faults import meant, quoted
from bot.routing.fillings import names_read
from bot.routing.lint.reviews import called

_MEMBER = r"(?<![\w.]){}\s*\.\s*([A-Za-z_]\w*)(?!\w|\s*\()"
_INDEX = r"""(?<![\w.]){}\s*\[\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\]"""
_AMONG = r"""(?:"([^"\\]*)"|'([^'\\]*)')\s+in\s+{}\b"""
_ARGUMENT = "arguments."
_OWN_WORD = (
    "which is the agent's own word: an agent that wants it passed says what it asks for",
    "which are the agent's own word and never make a review laxer: it will not pass because of them",
)


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of what conditions, limits and checks read."""
    for rule in (*policy.rules, policy.default):
        yield from _rule(policy, rule)
    for spec in policy.actions.values():
        for check in spec.checks:
            where = f"the check {quoted(check.name)} of {spec.name}"
            for name in read(check.that.source, "arguments"):
                yield from _unlisted(where, name, [spec])
            for name in ("context", "labels", "on_behalf_of"):
                if name in names_in(check.that.source):
                    yield f"{where} reads {name}, {_OWN_WORD[name == 'labels']}; use arguments, which are what runs"
        if spec.rollback is not None:
            yield from _backwards(policy, spec, spec.rollback)


def _rule(policy: Policy, rule: Rule) -> Iterator[str]:
    where = called(rule)
    sources = [rule.when.source] if rule.when else []
    sources += [stage.condition.source for stage in rule.stages if stage.condition]
    named = [name for source in sources for name in read(source, "arguments")]
    if rule.limit is not None:
        named += read(rule.limit.sum.source, "arguments") if rule.limit.sum else []
        named += [name.removeprefix(_ARGUMENT) for name in rule.limit.by if name.startswith(_ARGUMENT)]
    actions = rule.when.actions if rule.when else None
    for name in dict.fromkeys(named) if actions else ():
        yield from _unlisted(where, name, [policy.actions.get(action) for action in sorted(actions or ())])
    for name in dict.fromkeys(name for source in sources for name in read(source, "advice")):
        if name not in policy.agents:
            fix = meant(name, policy.agents, "") or "name one of `agents`"
            yield f"{where} reads the advice of {quoted(name)}, and there is no such agent; {fix}"


def _backwards(policy: Policy, spec: ActionSpec, back: Rollback) -> Iterator[str]:
    """A rollback that reads what is never sent, or leaves out what its own action has to be given."""
    for name in names_read(dict(back.arguments)):
        yield from _unlisted(f"the rollback of {spec.name}", name, [spec])
    there = policy.actions.get(back.action)
    wanted = there.schema.document.get("required") if there is not None and there.schema is not None else None
    for name in wanted if isinstance(wanted, list) else ():
        if name not in back.arguments:
            yield (
                f"the rollback of {spec.name} gives no {quoted(str(name))}, and the schema of {back.action} requires "
                "it, so it can never be proposed; add it"
            )


def read(source: str, what: str) -> list[str]:
    """The members of a map that a condition reads by name, each once, in no order that means anything."""
    found = re.findall(_MEMBER.format(what), without_texts(source))
    for pattern in (_INDEX, _AMONG):
        found += [one or other for one, other in re.findall(pattern.format(what), source)]
    return list(dict.fromkeys(found))


def _unlisted(where: str, name: str, specs: list[ActionSpec | None]) -> Iterator[str]:
    schemas = [spec.schema.document for spec in specs if spec is not None and spec.schema is not None]
    if not schemas or len(schemas) < len(specs):
        return
    listed = [properties(schema) for schema in schemas]
    every = dict.fromkeys(known for properties in listed if properties for known in properties)
    if None in listed or name in every:
        return
    closed = all(schema.get("additionalProperties") is False for schema in schemas)
    near = bool(get_close_matches(name, every, 1, 0.6))
    if closed or near:
        fix = meant(name, every, "listed are: {}") or "list it, or correct the name"
        whose = ", ".join(spec.name for spec in specs if spec is not None)
        yield f"{where} reads {quoted(_ARGUMENT + name)}, which the schema of {whose} does not list; {fix}"


def properties(schema: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The arguments that a schema lists; None where it is put together in a way that is not looked into."""
    properties = schema.get("properties")
    odd = {"$ref", "allOf", "anyOf", "oneOf", "if", "patternProperties", "dependentSchemas"} & schema.keys()
    return properties if isinstance(properties, Mapping) and not odd else None
