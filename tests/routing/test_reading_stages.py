"""What is read of stages: groups that are asked together, quorums, and what people can never give."""

from __future__ import annotations

import time

import pytest

from bot.routing import load
from tests.routing.cases import DATA, DEFAULT, faults, policy

PARALLEL = DATA / "good" / "stage-parallel.yaml"
QUORUM = DATA / "good" / "stage-quorum.yaml"

PEOPLE = """\
version: 1
people: {a: {}, b: {}, c: {}, d: {}, e: {}}
groups: {one: [a], two: [a, b], three: [b, c], none: []}
"""


def _faults(chains: str, stages: str) -> list[str]:
    text = f"{PEOPLE}chains: {chains}\nrules: [{{name: r, stages: {stages}}}]\ndefault: {{then: block}}\n"
    return [fault.what for fault in faults(text)]


def test_groups_of_stages_are_numbered() -> None:
    """Each parallel group has a number of its own, from 1 on; a stage alone has 0."""
    found = load(PARALLEL)
    stages = found.rules[0].stages
    assert [(stage.name, stage.parallel) for stage in stages] == [
        ("finance", 1),
        ("legal", 1),
        ("security", 2),
        ("sign", 2),
    ]
    assert stages[2].condition is not None
    assert [stage.parallel for stage in found.default.stages] == [0]


def test_a_stage_between_groups_stands_alone() -> None:
    """The numbers tell groups apart that stand next to each other, and the stages between them."""
    chains = "{a: [{notify: a}], b: [{notify: b}], c: [{notify: c}], d: [{notify: d}], e: [{notify: e}]}"
    rule = "{name: r, stages: [{parallel: [{chain: a}, {chain: b}]}, {chain: c}, {parallel: [{chain: d}, {chain: e}]}]}"
    text = f"{PEOPLE}chains: {chains}\nrules: [{rule}]\ndefault: {{then: block}}\n"
    stages = policy(ground=text, default="").rules[0].stages
    assert [stage.parallel for stage in stages] == [1, 1, 0, 2, 2]


def test_quorums_are_read() -> None:
    """Approvals, rejections and where they come from; one rejection ends a stage that says nothing."""
    board, letters = (rule.stages[0] for rule in load(QUORUM).rules)
    assert (board.approvals, board.rejections, board.distinct_groups) == (2, 1, True)
    assert (letters.approvals, letters.rejections, letters.distinct_groups) == (3, 2, False)


@pytest.mark.parametrize(
    ("names", "approvals", "most"),
    [
        ("[one, two, three]", 3, 3),
        ("[a, two, three]", 3, 3),
        ("[a, one]", 2, 1),
        ("[a, one, d]", 3, 2),
        ("[a, one, two, b]", 3, 2),
        ("[none, a]", 2, 1),
    ],
)
def test_distinct_groups_need_a_person_each(names: str, approvals: int, most: int) -> None:
    """Nobody speaks for two groups, so what counts is how many names can each give a person of their own."""
    text = _faults(f"{{x: [{{notify: {names}}}]}}", f"[{{chain: x, approvals: {approvals}, distinct_groups: true}}]")
    if most >= approvals:
        assert not text
    else:
        assert len(text) == 1
        assert "can never be reached" in text[0]


def test_a_fallback_and_whom_the_end_tells_can_be_asked() -> None:
    """Both may decide, each under a name of their own; whom an end tells that ends the request may not."""
    fallback = "{x: [{notify: a, if_empty: {fallback: three}}]}"
    told = "{x: {steps: [{notify: a, wait: 1h}], exhausted: {notify: three}}}"
    ended = told.replace("notify: three", "notify: three, then: expire")
    for chains in (fallback, told):
        assert not _faults(chains, "[{chain: x, approvals: 3}]")
        assert not _faults(chains, "[{chain: x, approvals: 3, distinct_groups: true}]")
    assert _faults(ended, "[{chain: x, approvals: 2}]") == [
        '2 approvals can never be reached: the chain "x" asks 1 person'
    ]


@pytest.mark.parametrize(
    ("stages", "needed"),
    [
        ("[{chain: x}, {chain: y, approvals: 2}]", None),
        ("[{chain: x, approvals: 2}, {name: again, chain: x}]", 3),
        ("[{chain: x, approvals: 2}, {name: again, chain: x, if: arguments.big}]", None),
        ("[{chain: z}, {chain: y, approvals: 2}, {name: again, chain: x, approvals: 1}]", 4),
        ("[{parallel: [{chain: x}, {name: again, chain: x, approvals: 2}]}]", 3),
        ("[{chain: d}, {chain: y, approvals: 3}]", None),
    ],
)
def test_nobody_fills_two_stages(stages: str, needed: int | None) -> None:
    """Stages that are always asked need people enough between them; one with an `if` may not be asked at all."""
    chains = "{x: [{notify: two}], y: [{notify: [two, c]}], z: [{notify: [a, c]}], d: [{notify: d}]}"
    found = _faults(chains, stages)
    assert bool(found) is (needed is not None)
    assert all(f"need {needed} different people" in what for what in found)


def test_many_stages_are_looked_at_cheaply() -> None:
    """Beyond eight stages only all of them at once are looked at, so that a long rule loads as fast as a short one."""
    stages = ", ".join(f"{{name: s{n}, chain: x}}" for n in range(200))
    started = time.process_time()
    assert "need 200 different people" in _faults("{x: [{notify: two}]}", f"[{stages}]")[0]
    assert time.process_time() - started < 2


def test_the_default_and_the_exceptions_take_groups_too() -> None:
    """Whatever holds stages takes all that stages may say."""
    stages = "{stages: [{parallel: [{chain: finance}, {name: two, chain: finance, rejections: 2}]}]}"
    found = policy(more=f"exceptions: {stages}\n", default=f"default: {stages}\n")
    for specs in (found.default.stages, found.exceptions):
        assert [(stage.name, stage.parallel, stage.rejections) for stage in specs] == [("finance", 1, 1), ("two", 1, 2)]
    assert policy(default=DEFAULT).exceptions == ()
