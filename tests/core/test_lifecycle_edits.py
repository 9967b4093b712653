"""What an edit and an answer of the agent's do to the votes, the stages and the clocks of a request."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.core import lifecycle
from bot.core.model import Request, State, Verb
from bot.core.tracks import next_step_at
from tests.core.requests import HOUR, MINUTE, NOW, content, decision, request, stage, step, track


def edited(about: Request, *stages: Any) -> Request:
    """The request with its second revision, on a route through these stages (by default its own)."""
    way = replace(about.route, stages=stages) if stages else about.route
    return replace(about, content=content(2, {"amount": 5.0}, proposed={"amount": 240.0}), route=way)


def edit_by(about: Request, by: str, after: Request) -> Request:
    """The edit as a decision of this person."""
    told = decision(about, by, Verb.APPROVE_WITH_EDITS, revision=2, digest=after.digest)
    return lifecycle.edit(about, after, told, NOW)


def test_an_edit_decides_at_once_where_one_approval_was_needed() -> None:
    """One approval, no other vote: approved with edits, by a vote on the new revision's digest."""
    about = request(stage(step("ana")))
    done = edit_by(about, "ana", edited(about))
    assert done.state is State.APPROVED_WITH_EDITS
    assert [(v.by, v.digest) for v in done.votes] == [("ana", done.digest)]


def test_an_edit_clears_the_other_votes() -> None:
    """Where two were needed the editor's approval counts on the new revision, and the earlier vote no longer does."""
    about = request(stage(step("ana", "ben", "lea"), approvals=2))
    voted = lifecycle.approve(about, decision(about, "ben"), NOW)
    after = edit_by(voted, "ana", edited(voted))
    assert (after.state, [v.by for v in after.votes]) == (State.PENDING, ["ana"])
    done = lifecycle.approve(after, decision(after, "ben"), NOW)
    assert done.state is State.APPROVED_WITH_EDITS


def test_an_edit_in_a_later_stage_starts_over() -> None:
    """The new revision begins at the first stage; an editor who is not asked there has not approved it there."""
    about = request(stage(step("ana")), stage(step("lea"), name="legal"))
    second = lifecycle.approve(about, decision(about, "ana"), NOW)
    after = edit_by(second, "lea", edited(second))
    assert (after.state, track(after).stage, after.votes) == (State.PENDING, 0, ())
    assert after.decisions[-1].decision is Verb.APPROVE_WITH_EDITS
    again = lifecycle.approve(after, decision(after, "ana"), NOW)
    done = lifecycle.approve(again, decision(again, "lea"), NOW)
    assert done.state is State.APPROVED_WITH_EDITS


def test_an_edit_onto_a_stricter_route_asks_what_that_asks() -> None:
    """A stage that the new content needs is asked, the editor's approval of the first one counting."""
    about = request(stage(step("ana")))
    after = edit_by(about, "ana", edited(about, *about.route.stages, stage(step("lea"), name="legal")))
    assert (after.state, track(after).stage, after.assignees) == (State.PENDING, 1, ("lea",))


def test_an_edit_never_counts_for_somebody_the_new_route_bars() -> None:
    """An editor whom the stricter route takes out of the steps has proposed, not approved."""
    about = request(stage(step("dan", "ana")))
    after = edit_by(about, "dan", edited(about, stage(step("ana"))))
    assert (after.state, after.votes, after.assignees) == (State.PENDING, (), ("ana",))


def test_asking_stops_the_clocks_but_not_expiry() -> None:
    """While the agent owes an answer nobody is reminded and nothing escalates."""
    about = request(stage(step("ana", wait=HOUR, remind=MINUTE), step("lea")))
    asked = lifecycle.ask(about, decision(about, verb=Verb.ASK))
    assert (asked.state, asked.due_at) == (State.NEEDS_INFO, about.expires_at)
    assert lifecycle.wake(asked, NOW + 5 * HOUR) is None
    assert next_step_at(asked) is None
    assert lifecycle.move_on(asked, 0, NOW) is None
    woken = lifecycle.wake(asked, about.expires_at)
    assert woken is not None
    assert woken.request.state is State.EXPIRED


def test_an_answer_asks_the_same_people_again_with_clocks_anew() -> None:
    """The next revision goes to whoever was asked, escalated people among them; votes are cleared."""
    about = request(stage(step("ana", wait=HOUR), step("lea", wait=HOUR), step("eva"), approvals=2))
    moved = lifecycle.escalate(about, decision(about, verb=Verb.ESCALATE), NOW)
    asked = lifecycle.ask(moved, decision(moved, "lea", Verb.ASK))
    later = NOW + 3 * HOUR
    after = lifecycle.inform(asked, replace(asked, content=content(2)), later)
    assert (after.state, after.assignees, track(after).step_at) == (State.PENDING, ("ana", "lea"), later)
    assert after.due_at == later + HOUR


@pytest.mark.parametrize("change", ["the route changed", "a later stage asked"])
def test_an_answer_starts_over_where_it_must(change: str) -> None:
    """On another route, or out of a later stage, the new revision begins at the first stage."""
    about = request(stage(step("ana")), stage(step("lea"), name="legal"))
    if change == "a later stage asked":
        about = lifecycle.approve(about, decision(about, "ana"), NOW)
    asked = lifecycle.ask(about, decision(about, "lea", Verb.ASK))
    stages = asked.route.stages if track(about).stage else (*asked.route.stages, stage(step("eva"), name="more"))
    informed = replace(asked, content=content(2), route=replace(asked.route, stages=stages))
    after = lifecycle.inform(asked, informed, NOW)
    assert (track(after).stage, track(after).step, after.assignees) == (0, 0, ("ana",))
