"""The values: what they count, whom they ask, and that a stored one reads back the same."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from bot.core import lifecycle
from bot.core.model import (
    Event,
    ExecutionState,
    OnExpiry,
    Request,
    Risk,
    State,
    Submission,
    Then,
    Verb,
)
from tests.core.requests import HOUR, NOW, content, decision, request, route, stage, step


def test_ranks_run_from_mild_to_strict() -> None:
    """The stricter of two is the one with the higher rank."""
    assert [risk.rank for risk in Risk] == [0, 1, 2]
    assert max(Risk, key=lambda risk: risk.rank) is Risk.IRREVERSIBLE
    assert max(Then, key=lambda then: then.rank) is Then.BLOCK
    assert min(Then, key=lambda then: then.rank) is Then.APPROVE


def test_on_expiry_cannot_approve() -> None:
    """There is no word with which silence could consent."""
    assert {str(end) for end in OnExpiry} == {"expire", "reject"}


def test_states_say_what_they_are() -> None:
    """Open ones wait for a decision, approved ones may run, and none is both."""
    assert {state for state in State if state.open} == {State.PENDING, State.NEEDS_INFO}
    assert {state for state in State if state.approved} == {State.APPROVED, State.APPROVED_WITH_EDITS}
    assert {verb for verb in Verb if verb.is_vote} == {Verb.APPROVE, Verb.APPROVE_WITH_EDITS, Verb.REJECT}
    running = {state for state in ExecutionState if not state.ended}
    assert running == {ExecutionState.WAITING, ExecutionState.EXECUTING, ExecutionState.ROLLING_BACK}


def test_votes_are_those_of_this_revision() -> None:
    """Questions and escalations are no votes, and an older revision's votes are none any more."""
    about = request(stage(step("ana", "ben", wait=HOUR), step("lea"), approvals=3))
    about = lifecycle.approve(about, decision(about, "ana"), NOW)
    about = lifecycle.escalate(about, decision(about, "ben", Verb.ESCALATE), NOW)
    assert [vote.by for vote in about.votes] == ["ana"]
    assert replace(about, content=content(2)).votes == ()


def test_assignees_are_everybody_asked_so_far_each_once() -> None:
    """Earlier steps may still decide; nobody may once it ended, or where the rules asked nobody."""
    about = request(stage(step("ana", "ben", wait=HOUR), step("ben", "lea")))
    moved = lifecycle.move_on(about, 0, NOW)
    assert moved is not None
    assert moved.assignees == ("ana", "ben", "lea")
    assert replace(moved, state=State.NEEDS_INFO).assignees == ("ana", "ben", "lea")
    assert replace(moved, state=State.REJECTED).assignees == ()
    assert request(way=route(then=Then.APPROVE)).assignees == ()
    assert request(way=route(then=Then.APPROVE)).stage_plan is None


def test_a_request_reads_back_as_it_was_written() -> None:
    """Through JSON and back nothing is lost: that is how the store keeps its parts."""
    about = request(stage(step("ana", wait=HOUR, remind=HOUR, via=["slack"])))
    about = lifecycle.approve(about, decision(about, comment="fine"), NOW)
    assert msgspec.json.decode(msgspec.json.encode(about), type=Request) == about


@pytest.mark.parametrize("value", [content(), request(stage(step("ana"))), Submission(action="a")])
def test_values_do_not_change(value: msgspec.Struct) -> None:
    """Every value is frozen."""
    with pytest.raises(AttributeError):
        setattr(value, value.__struct_fields__[0], "changed")


def test_defaults_are_nobodys_to_share() -> None:
    """An empty dictionary of one value is not that of another."""
    one, other = Submission(action="a"), Submission(action="b")
    assert one.arguments is not other.arguments
    assert Event(type="t", at=NOW, actor="a", via="v").data is not Event(type="t", at=NOW, actor="a", via="v").data
