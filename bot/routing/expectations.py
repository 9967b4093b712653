"""The section ``tests``: what the rules must answer for given requests, kept beside them and run by ``sayso test``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any

from msgspec import Struct

from bot.core.model import Kind, Risk, Route, Submission, Then
from bot.core.policy import HOUSE, Asking, Expectation, Policy, Rule, route
from bot.routing import moments, nodes
from bot.routing.faults import listed, meant, quoted
from bot.routing.nodes import Node, plain
from bot.routing.spans import span_text
from bot.routing.timeline import begun, timelines
from bot.routing.values import Reader

AGENT = "agent"
"""Who asks where ``given`` names no agent."""
TEST_KEYS = ("name", "at", "given", "expect")
GIVEN_KEYS = (
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
EXPECT_KEYS = ("rule", "then", "stages", "timeline")
LINE_KEYS = ("after", "ask", "stage")


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


class _Expected(Struct, frozen=True):
    """What stands under ``expect``; None is not compared."""

    rule: str | None = None
    then: Then | None = None
    stages: tuple[str, ...] | None = None
    timeline: tuple[Asking, ...] | None = None


def expectations(
    reader: Reader, node: Node, rules: tuple[Rule, ...], people: Collection[str]
) -> tuple[Expectation, ...]:
    """``tests:`` in order; ``rules`` are all that may answer (the default and those that stand for one among them)."""
    found: list[Expectation] = []
    for item in reader.items(node, "tests", empty=True):
        fields = reader.mapping(item, "a test", TEST_KEYS)
        if not isinstance(item, nodes.Mapping):
            continue
        for key, fix in (("given", "given: {action: refund.issue}"), ("expect", "expect: {rule: refunds}")):
            if key not in fields:
                reader.missing(item, "a test", key, f"write {fix}")
        name = reader.name(fields["name"], "the name of a test") if "name" in fields else None
        submission, agent = _given(reader, fields["given"]) if "given" in fields else (Submission(action=""), AGENT)
        # What an agent says of itself may bring in the stages of a second rule beside those of the first.
        more = bool(submission.labels) or submission.risk is not None
        expected = _expect(reader, fields["expect"], rules, people, more=more) if "expect" in fields else _Expected()
        found.append(
            Expectation(
                name=name or f"{submission.action} (line {item.place[0]})",
                given=submission,
                agent=agent,
                rule=expected.rule,
                then=expected.then,
                stages=expected.stages,
                at=moments.at(reader, fields["at"], "at", "UTC") if "at" in fields else None,
                timeline=expected.timeline,
            )
        )
    return tuple(found)


def _given(reader: Reader, node: Node) -> tuple[Submission, str]:
    fields = reader.mapping(node, "given", GIVEN_KEYS)
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

    action = text("action") or ""
    if action.startswith(HOUSE):
        what = f"no agent asks for {quoted(action)}: what begins with {HOUSE} is the house's own"
        reader.faults.add(fields["action"].place, what, "name one of your actions")
    submission = Submission(
        action=action,
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


def _expect(reader: Reader, node: Node, rules: tuple[Rule, ...], people: Collection[str], *, more: bool) -> _Expected:
    fields = reader.mapping(node, "expect", EXPECT_KEYS)
    if not fields and isinstance(node, nodes.Mapping) and not node.entries:
        reader.faults.add(node.place, "expect is empty, so nothing is tested", f"expect any of {listed(EXPECT_KEYS)}")
    rule = reader.reference(fields["rule"], "rule", [r.name for r in rules]) if "rule" in fields else None
    known = {name for each in rules if more or rule in (None, each.name) for name in _stages_of(each)}

    def stage(item: Node) -> str | None:
        name = reader.text(item, "the name of a stage")
        if name is not None and name not in known:
            whose = f"the rule {quoted(rule)} has" if rule and not more else "there is"
            fix = meant(name, sorted(known), "there are: {}")
            reader.faults.add(item.place, f"{whose} no stage {quoted(name)}", fix)
        return name

    stages: tuple[str, ...] | None = None
    if "stages" in fields:
        bare = isinstance(fields["stages"], nodes.Sequence) and not fields["stages"].items
        stages = () if bare else reader.references(fields["stages"], "expect.stages", stage)
    return _Expected(
        rule=rule,
        then=reader.choice(fields["then"], "expect.then", Then) if "then" in fields else None,
        stages=stages,
        timeline=_timeline(reader, fields["timeline"], people, stage) if "timeline" in fields else None,
    )


def _stages_of(rule: Rule) -> tuple[str, ...]:
    looked_at = (rule.second_look,) if rule.second_look else ()
    return (*(stage.name for stage in rule.stages), *looked_at)


def _timeline(
    reader: Reader, node: Node, people: Collection[str], stage: Callable[[Node], str | None]
) -> tuple[Asking, ...]:
    found: list[Asking] = []
    for item in reader.items(node, "expect.timeline", empty=True):
        fields = reader.mapping(item, "a line of a timeline", LINE_KEYS)
        if not isinstance(item, nodes.Mapping):
            continue
        for key, fix in (("after", "write after: 15m, or after: 0s for at once"), ("ask", "write ask: [ana]")):
            if key not in fields:
                reader.missing(item, "a line of a timeline", key, fix)
        after = reader.duration(fields["after"], "after", zero=True) if "after" in fields else None

        def person(asked: Node) -> str | None:
            return reader.reference(asked, "person", people)

        found.append(
            Asking(
                after=after or timedelta(0),
                people=reader.references(fields["ask"], "ask", person) if "ask" in fields else (),
                stage=stage(fields["stage"]) if "stage" in fields else None,
            )
        )
    return tuple(found)


def run_tests(policy: Policy, now: datetime) -> tuple[Result, ...]:
    """Route every ``given`` as at its own ``at``, else at ``now`` (aware), and compare; pure."""
    return tuple(_run(policy, test, test.at or now) for test in policy.tests)


def _run(policy: Policy, test: Expectation, now: datetime) -> Result:
    answer = route(policy, test.given, agent=test.agent, now=now).route
    stages = tuple(stage.name for stage in answer.stages)
    wrong = _wrong(
        {"rule": (test.rule, answer.rule), "then": (test.then, answer.then), "stages": (test.stages, stages)}
    )
    spec = policy.action(test.given.action)
    faults = spec.schema.faults(test.given.arguments) if spec.schema else ()
    refused = tuple(f"the schema refuses arguments{fault.pointer}: {fault.detail}" for fault in faults)
    late = _otherwise(test.timeline, _askings(policy, test, answer, now)) if test.timeline is not None else ()
    return Result(
        name=test.name,
        wrong=wrong + late + refused,
        rule=answer.rule,
        then=answer.then,
        stages=stages,
        why=answer.why,
    )


def _askings(policy: Policy, test: Expectation, answer: Route, now: datetime) -> tuple[Asking, ...]:
    """Who is asked when, in order: in the first stage and those beside it, and in any that the test names.

    In a later stage times count from where that begins.
    """
    named = {line.stage for line in test.timeline or ()}
    found: list[Asking] = []
    told = timelines(policy, begun(policy, test.given, test.agent, answer, now))
    for index, (stage, known) in enumerate(zip(answer.stages, told, strict=False)):
        asks = [
            Asking(after=m.after, people=m.people, stage=stage.name)
            for m in known
            if m.people and m.what in ("ask", "repeat")
        ]
        if index in answer.beside(0):
            found = sorted([*found, *asks], key=lambda line: line.after)
        elif stage.name in named:
            found += asks
    return tuple(found)


def _otherwise(expected: tuple[Asking, ...], got: tuple[Asking, ...]) -> tuple[str, ...]:
    """What of a timeline came otherwise, line by line."""
    pairs = enumerate(zip_longest(expected, got), start=1)
    return tuple(f"timeline, line {n}: expected {_line(e)}, got {_line(g)}" for n, (e, g) in pairs if not _same(e, g))


def _same(expected: Asking | None, got: Asking | None) -> bool:
    if expected is None or got is None:
        return False
    at_once = expected.after == got.after and expected.stage in (None, got.stage)
    return at_once and set(expected.people) == set(got.people)


def _line(asking: Asking | None) -> str:
    if asking is None:
        return "nothing"
    stage = f" in {asking.stage}" if asking.stage else ""
    return f"{span_text(asking.after)} ask [{', '.join(asking.people)}]{stage}"


def _wrong(sides: Mapping[str, tuple[Any, Any]]) -> tuple[str, ...]:
    return tuple(
        f"{what}: expected {_shown(expected)}, got {_shown(got)}"
        for what, (expected, got) in sides.items()
        if expected is not None and expected != got
    )


def _shown(value: Any) -> str:
    return "[" + ", ".join(value) + "]" if isinstance(value, tuple) else str(value)
