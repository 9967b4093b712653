"""A refusal names who decided, and blames nobody who did not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.core import lifecycle
from bot.core.model import OnExpiry, State, Verb
from bot.core.transitions import refusal
from tests.core.requests import MINUTE, NOW, decision, request, route, stage, step
from tests.core.test_lifecycle import in_state


def test_a_refusal_names_who_decided() -> None:
    """Late clicks learn the person and the time."""
    about = request(stage(step("ana", "ben")))
    gone = lifecycle.reject(about, decision(about, verb=Verb.REJECT), NOW)
    told = refusal(gone)
    assert told.extra["decided_by"] == "ana"
    assert "rejected by ana at 2026-03-02 09:00:00 UTC" in told.detail


@pytest.mark.parametrize("ending", ["cancelled", "rejected by silence"])
def test_a_refusal_blames_nobody_who_did_not_end_it(ending: str) -> None:
    """After one of two approvals the agent withdraws it, or nobody else answers: that was not the first approver."""
    way = route(stage(step("ana", "ben"), approvals=2), on_expiry=OnExpiry.REJECT)
    about = request(way=way)
    voted = lifecycle.approve(about, decision(about), NOW)
    if ending == "cancelled":
        ended = lifecycle.cancel(voted, NOW + MINUTE)
    else:
        woken = lifecycle.wake(voted, voted.expires_at)
        assert woken is not None
        ended = woken.request
    told = refusal(ended)
    assert "ana" not in told.detail
    assert "decided_by" not in told.extra


def test_a_time_that_nobody_knows_is_said_so() -> None:
    """A decided request without a time of decision is refused all the same."""
    assert "an unknown time" in refusal(replace(in_state(State.APPROVED), decided_at=None)).detail
