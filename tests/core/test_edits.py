"""What counts as an edit, and that no edit makes a route laxer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.digest import canonical
from bot.core.edits import differences, submission_of, tightened, touched
from bot.core.model import Edit, Kind, OnIrreversible, Replies, Risk, Route, Stage, Then
from tests.core.requests import content, route, stage, step

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9, allow_nan=False) | st.text("ab/~", max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~", max_size=2), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("ab/~", max_size=2), JSON, max_size=4)

CASES: list[tuple[Any, Any, list[Edit]]] = [
    ({"a": 1}, {"a": 1}, []),
    ({"a": 1}, {"a": 2}, [Edit("/a", 1, 2)]),
    ({"a": 1}, {}, [Edit("/a", 1, None, "removed")]),
    ({}, {"a": None}, [Edit("/a", None, None, "added")]),
    ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, [Edit("/a/c", 2, 3)]),
    ({"a/b": {"~": 1}}, {"a/b": {"~": 2}}, [Edit("/a~1b/~0", 1, 2)]),
    ({"a": [1, 2]}, {"a": [2, 1]}, [Edit("/a", [1, 2], [2, 1])]),
    ({"a": [1]}, {"a": [1, 1]}, [Edit("/a", [1], [1, 1])]),
    ({"a": {}}, {"a": []}, [Edit("/a", {}, [])]),
]
WRAPPED: dict[str, Callable[[Any], Any]] = {
    "bare": lambda value: value,
    "in a list": lambda value: [0, value],
    "in an object in a list": lambda value: [{"x": value}],
}
LOOKALIKES = [(1, True), (0, False), (1, 1.0), ("1", 1), (None, False), ("", None)]


@pytest.mark.parametrize(("before", "after", "found"), CASES)
def test_differences_are_named_by_their_pointer(before: Any, after: Any, found: list[Edit]) -> None:
    """Objects are compared member by member, anything else whole; pointers are escaped as RFC 6901 says."""
    assert differences(before, after) == tuple(found)


@pytest.mark.parametrize(("one", "other"), LOOKALIKES)
@pytest.mark.parametrize("wrapped", WRAPPED)
def test_values_that_python_takes_for_equal_are_edits(one: Any, other: Any, wrapped: str) -> None:
    """A person who makes 1 into true has edited it, however deep it stands: the old value may not run instead."""
    wrap: Callable[[Any], Any] = WRAPPED[wrapped]
    assert differences({"a": wrap(one)}, {"a": wrap(other)})
    assert differences({"a": wrap(one)}, {"a": wrap(one)}) == ()


@given(OBJECTS, OBJECTS)
def test_no_difference_means_the_same_bytes(before: dict[str, Any], after: dict[str, Any]) -> None:
    """What is no edit has the same canonical form, so its digest has not changed; the touched are the edited."""
    found = differences(before, after)
    if not found:
        assert canonical(before) == canonical(after)
    assert bool(found) == bool(touched(before, after))
    assert differences(before, before) == ()


def test_two_values_that_are_no_objects() -> None:
    """Where the whole is no object, the whole is the edit."""
    assert differences([1], [2]) == (Edit("/", [1], [2]),)
    assert differences(1, 1) == ()


def test_touched_names_the_arguments() -> None:
    """Changed, added and removed ones, each by its own name, in order."""
    assert touched({"a": 1, "b": {"c": 1}, "d": 0}, {"a": 1, "b": {"c": 2}, "e": 0}) == ("b", "d", "e")


def test_the_rules_are_asked_about_the_content_as_it_stands() -> None:
    """A later revision is routed with its own arguments, its kind, and the risk it already had."""
    revised = content(2, {"amount": 5.0}, confidence=0.5, labels={"tier": "gold"}, on_behalf_of="dana@example.com")
    asked = submission_of(revised, route=route(stage(step("ana")), risk=Risk.REVERSIBLE), kind=Kind.QUESTION)
    assert (asked.arguments, asked.confidence, asked.labels) == ({"amount": 5.0}, 0.5, {"tier": "gold"})
    assert (asked.risk, asked.kind, asked.on_behalf_of) == (Risk.REVERSIBLE, Kind.QUESTION, "dana@example.com")


FINANCE = stage(step("ana", "dan"), step("lea"))
LEGAL = stage(step("lea"), name="legal")


def shape(way: Route) -> list[tuple[str, int]]:
    """The chains of a route and how many approvals each takes."""
    return [(s.chain, s.approvals) for s in way.stages]


TIGHTENED: list[tuple[str, list[Stage], list[Stage], list[tuple[str, int]]]] = [
    ("the same", [FINANCE], [FINANCE], [("finance", 1)]),
    ("a rule that approves", [FINANCE], [], [("finance", 1)]),
    ("one stage more", [FINANCE], [FINANCE, LEGAL], [("finance", 1), ("legal", 1)]),
    ("another stage", [FINANCE], [LEGAL], [("finance", 1), ("legal", 1)]),
    ("one stage fewer", [FINANCE, LEGAL], [LEGAL], [("finance", 1), ("legal", 1)]),
    ("more approvals", [FINANCE], [replace(FINANCE, approvals=2)], [("finance", 2)]),
    ("fewer approvals", [replace(FINANCE, approvals=3)], [FINANCE], [("finance", 3)]),
    ("the same chain twice", [FINANCE], [FINANCE, replace(FINANCE, approvals=2)], [("finance", 1), ("finance", 2)]),
    ("two rounds onto one", [FINANCE, FINANCE], [replace(FINANCE, approvals=2)], [("finance", 2), ("finance", 1)]),
]


@pytest.mark.parametrize(("case", "old", "new", "found"), TIGHTENED, ids=[t[0] for t in TIGHTENED])
def test_an_edit_never_sheds_a_reviewer(case: str, old: Any, new: Any, found: Any) -> None:
    """Every stage of either route is asked, with the higher number of approvals."""
    del case
    then = Then.STAGES if new else Then.APPROVE
    way = tightened(route(*old), route(*new, then=then, rule="new"))
    assert shape(way) == found
    assert way.then is Then.STAGES
    assert way.rule == ("r" if way.stages == tuple(old) else "new")


def test_an_edit_never_lets_the_barred_in() -> None:
    """From a rule that lets the owner try things out onto one that does not: the owner is out of the steps."""
    way = tightened(route(FINANCE), route(replace(FINANCE, steps=(step("ana"), step("lea"))), excluded=("dan",)))
    assert way.excluded == ("dan",)
    assert [s.people for s in way.stages[0].steps] == [("ana",), ("lea",)]
    back = tightened(way, route(FINANCE))
    assert back.excluded == ("dan",)
    assert back.stages == way.stages


def test_warnings_gather_and_the_higher_gate_holds() -> None:
    """What was odd about either content is shown, and the stricter gate."""
    way = tightened(route(FINANCE, warnings=("a", "b"), gate=0.5), route(FINANCE, warnings=("b", "c"), gate=0.9))
    assert (way.warnings, way.gate) == (("a", "b", "c"), 0.9)
    assert tightened(route(FINANCE, gate=0.5), route(FINANCE)).gate == 0.5
    assert tightened(route(FINANCE), route(FINANCE)).gate is None


def test_a_route_that_blocks_blocks() -> None:
    """Nothing of the old route softens a block."""
    assert tightened(route(FINANCE), route(then=Then.BLOCK)).then is Then.BLOCK


@pytest.mark.parametrize("old", Replies)
@pytest.mark.parametrize("new", Replies)
def test_an_edit_never_lets_a_reply_decide_more(old: Replies, new: Replies) -> None:
    """The stricter of both answers holds, whichever route it stands in."""
    way = tightened(route(FINANCE, replies=old), route(FINANCE, replies=new))
    assert way.replies.rank == max(old.rank, new.rank)


@pytest.mark.parametrize("old", OnIrreversible)
@pytest.mark.parametrize("new", OnIrreversible)
def test_an_edit_never_takes_an_approval_off_its_page(old: OnIrreversible, new: OnIrreversible) -> None:
    """Where either route has what cannot be undone approved on its page, it stays there."""
    way = tightened(route(FINANCE, irreversible=old), route(FINANCE, irreversible=new))
    assert way.irreversible.rank == max(old.rank, new.rank)
    assert way.rule == "r"


def test_t22_a_long_name_is_not_repeated_for_every_member_below_it() -> None:
    """Twelve thousand members under a name of a hundred thousand letters: what differs stays as small as the bodies."""
    before, after = ({"k" * 100_000: {str(n): value for n in range(12_000)}} for value in (1, 2))
    found = differences(before, after)
    assert sum(len(edit.pointer) for edit in found) < 300_000
    assert [(edit.before, edit.after) for edit in found] == [tuple(each["k" * 100_000] for each in (before, after))]
    short = differences({"k": {"a": {"b": 1}}}, {"k": {"a": {"b": 2}}})
    assert [(edit.pointer, edit.before, edit.after) for edit in short] == [("/k/a/b", 1, 2)]
