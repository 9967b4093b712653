"""The section ``tests``: what the rules must answer for given requests, kept beside them and run by ``sayso test``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from bot.core.model import Kind, Risk, Submission, Then
from bot.core.policy import Expectation, Policy, Rule, route
from bot.routing import nodes
from bot.routing.faults import listed, meant, quoted
from bot.routing.nodes import Node, plain
from bot.routing.values import Reader

AGENT = "agent"
"""Who asks where ``given`` names no agent."""
_GIVEN_KEYS = (
    "action",
    "arguments",
    "agent",
    "reason",
    "confidence",
    "kind",
    "risk",
    "labels",
    "context",
    "on_behalf_of",
    "expires_in",
)
_EXPECT_KEYS = ("rule", "then", "stages")


class Result(Struct, frozen=True, kw_only=True):
    """How one test went: ``wrong`` names what came otherwise, each in a sentence; empty where it passed."""

    name: str
    wrong: tuple[str, ...]
    rule: str
    then: Then
    stages: tuple[str, ...]
    why: str

    @property
    def passed(self) -> bool:
        """Whether everything came as expected."""
        return not self.wrong


def expectations(reader: Reader, node: Node, rules: tuple[Rule, ...]) -> tuple[Expectation, ...]:
    """``tests:`` in order."""
    found: list[Expectation] = []
    for item in reader.items(node, "tests", empty=True):
        fields = reader.mapping(item, "a test", ("name", "given", "expect"))
        if not isinstance(item, nodes.Mapping):
            continue
        for key, fix in (("given", "given: {action: refund.issue}"), ("expect", "expect: {rule: refunds}")):
            if key not in fields:
                reader.missing(item, "a test", key, f"write {fix}")
        name = reader.name(fields["name"], "the name of a test") if "name" in fields else None
        submission, agent = _given(reader, fields["given"]) if "given" in fields else (Submission(action=""), AGENT)
        rule, then, stages = _expect(reader, fields["expect"], rules) if "expect" in fields else (None, None, None)
        found.append(
            Expectation(
                name=name or f"{submission.action} (line {item.place[0]})",
                given=submission,
                agent=agent,
                rule=rule,
                then=then,
                stages=stages,
            )
        )
    return tuple(found)


def _given(reader: Reader, node: Node) -> tuple[Submission, str]:
    fields = reader.mapping(node, "given", _GIVEN_KEYS)
    if "action" not in fields and isinstance(node, nodes.Mapping):
        reader.missing(node, "given", "action", "write action: refund.issue")

    def text(key: str) -> str | None:
        return reader.text(fields[key], f"given.{key}") if key in fields else None

    def entries(key: str) -> dict[str, Any]:
        if key not in fields or not isinstance(fields[key], nodes.Mapping):
            if key in fields:
                reader.wrong(fields[key], f"given.{key}", "a mapping (key: value)")
            return {}
        return dict(plain(fields[key]))

    submission = Submission(
        action=text("action") or "",
        arguments=entries("arguments"),
        reason=text("reason"),
        confidence=reader.share(fields["confidence"], "given.confidence") if "confidence" in fields else None,
        kind=(reader.choice(fields["kind"], "given.kind", Kind) if "kind" in fields else None) or Kind.APPROVAL,
        risk=reader.choice(fields["risk"], "given.risk", Risk) if "risk" in fields else None,
        labels=entries("labels"),
        on_behalf_of=text("on_behalf_of"),
        context=entries("context"),
        expires_in=reader.duration(fields["expires_in"], "given.expires_in") if "expires_in" in fields else None,
    )
    return submission, text("agent") or AGENT


def _expect(
    reader: Reader, node: Node, rules: tuple[Rule, ...]
) -> tuple[str | None, Then | None, tuple[str, ...] | None]:
    fields = reader.mapping(node, "expect", _EXPECT_KEYS)
    if not fields and isinstance(node, nodes.Mapping) and not node.entries:
        reader.faults.add(node.place, "expect is empty, so nothing is tested", f"expect any of {listed(_EXPECT_KEYS)}")
    names = [rule.name for rule in rules]
    rule = reader.reference(fields["rule"], "rule", names) if "rule" in fields else None
    known = {stage.name for each in rules if rule in (None, each.name) for stage in each.stages}

    def stage(item: Node) -> str | None:
        name = reader.text(item, "the name of a stage")
        if name is not None and name not in known:
            whose = f"the rule {quoted(rule)} has" if rule else "there is"
            fix = meant(name, sorted(known), "there are: {}")
            reader.faults.add(item.place, f"{whose} no stage {quoted(name)}", fix)
        return name

    stages: tuple[str, ...] | None = None
    if "stages" in fields:
        bare = isinstance(fields["stages"], nodes.Sequence) and not fields["stages"].items
        stages = () if bare else reader.references(fields["stages"], "expect.stages", stage)
    return rule, reader.choice(fields["then"], "expect.then", Then) if "then" in fields else None, stages


def run_tests(policy: Policy, now: datetime) -> tuple[Result, ...]:
    """Route every ``given`` as at ``now`` (aware) and compare; pure."""
    return tuple(_run(policy, test, now) for test in policy.tests)


def _run(policy: Policy, test: Expectation, now: datetime) -> Result:
    answer = route(policy, test.given, agent=test.agent, now=now).route
    stages = tuple(stage.name for stage in answer.stages)
    wrong = _wrong(
        {"rule": (test.rule, answer.rule), "then": (test.then, answer.then), "stages": (test.stages, stages)}
    )
    spec = policy.action(test.given.action)
    faults = spec.schema.faults(test.given.arguments) if spec.schema else ()
    refused = tuple(f"the schema refuses arguments{fault.pointer}: {fault.detail}" for fault in faults)
    return Result(
        name=test.name,
        wrong=wrong + refused,
        rule=answer.rule,
        then=answer.then,
        stages=stages,
        why=answer.why,
    )


def _wrong(sides: Mapping[str, tuple[Any, Any]]) -> tuple[str, ...]:
    return tuple(
        f"{what}: expected {_shown(expected)}, got {_shown(got)}"
        for what, (expected, got) in sides.items()
        if expected is not None and expected != got
    )


def _shown(value: Any) -> str:
    return "[" + ", ".join(value) + "]" if isinstance(value, tuple) else str(value)
