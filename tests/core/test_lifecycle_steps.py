"""How a chain is walked down: by the clock or at once, past whom it reached before; and silence is never consent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.lifecycle import Turn
from bot.core.model import OnExpiry, Request, State, Verb
from tests.core.requests import HOUR, MINUTE, NOW, ballot, decision, request, route, stage, step, track


def test_escalating_asks_the_next_step_now() -> None:
    """The level rises, earlier people may still decide, the new step's clock starts; at the end it is refused."""
    about = request(stage(step("ana", wait=HOUR), step("lea", wait=HOUR)))
    after = lifecycle.escalate(about, decision(about, verb=Verb.ESCALATE), NOW + MINUTE)
    assert (track(after).step, after.escalation_level, after.assignees) == (1, 1, ("ana", "lea"))
    assert after.due_at == NOW + MINUTE + HOUR
    with pytest.raises(errors.ChainEnded):
        lifecycle.escalate(after, decision(after, verb=Verb.ESCALATE), NOW)
    assert lifecycle.move_on(after, 0, NOW) is None


def test_a_step_that_reaches_nobody_new_is_passed_over() -> None:
    """Empty steps and steps that repeat people through the same channels wait for nothing."""
    first = step("ana", wait=HOUR, via=["slack"])
    about = request(stage(first, step(wait=HOUR), step("ana", wait=HOUR, via=["slack"]), step("lea", via=["slack"])))
    moved = lifecycle.move_on(about, 0, NOW)
    assert moved is not None
    assert (track(moved).step, moved.escalation_level) == (3, 1)


@pytest.mark.parametrize(
    ("first", "second", "follows"),
    [
        ((), (), False),
        ((), ("email",), False),
        (("slack",), ("email",), True),
        (("slack",), ("slack", "email"), True),
        (("slack",), (), True),
        (("slack", "email"), ("email",), False),
    ],
)
def test_the_same_person_through_another_channel_is_a_step(first: Any, second: Any, *, follows: bool) -> None:
    """A step asks its people through its channels: paging whoever missed the message is no repetition."""
    about = request(stage(step("ana", via=first, wait=HOUR), step("ana", via=second)))
    assert (lifecycle.move_on(about, 0, NOW) is not None) == follows


def test_a_chain_begins_where_somebody_is() -> None:
    """Steps emptied by exclusion are skipped without counting as escalations."""
    about = request(stage(step(wait=HOUR), step("lea", wait=HOUR)))
    assert (track(about).step, about.assignees, about.escalation_level) == (1, ("lea",), 0)


def test_t08_an_empty_chain_means_nobody() -> None:
    """Where everybody is excluded nobody may decide, nobody is reminded, and it expires."""
    about = request(stage(step(wait=HOUR), step(wait=HOUR, remind=MINUTE)))
    assert (about.assignees, track(about).remind_at) == ((), None)
    with pytest.raises(errors.NotAssigned):
        lifecycle.authorise(about, ballot(about), NOW)
    assert turns(about, about.expires_at) == [Turn.EXHAUSTED, Turn.EXPIRED]


def turns(about: Request, at: datetime) -> list[Turn]:
    """Everything that comes due by then."""
    found: list[Turn] = []
    while (woken := lifecycle.wake(about, at)) is not None:
        found.append(woken.turn)
        about = woken.request
    return found


def test_a_chain_walks_down_on_time() -> None:
    """Reminders while a step is the newest, then the next step, then the end of the chain, then expiry; no vote."""
    about = request(stage(step("ana", wait=HOUR, remind=25 * MINUTE), step("lea", wait=HOUR)))
    seen = []
    at = NOW
    while about.due_at is not None:
        assert lifecycle.wake(about, about.due_at - timedelta(microseconds=1)) is None
        at = about.due_at
        woken = lifecycle.wake(about, at)
        assert woken is not None
        about = woken.request
        seen.append((woken.turn, (at - NOW) // MINUTE))
    assert seen == [
        (Turn.REMIND, 25),
        (Turn.REMIND, 50),
        (Turn.NEXT_STEP, 60),
        (Turn.EXHAUSTED, 120),
        (Turn.EXPIRED, 24 * 60),
    ]
    assert about.votes == ()


def test_p07_after_downtime_each_step_once_in_order() -> None:
    """Six hours late: every step in order, each counted from when it was due, and one reminder for all missed ones."""
    steps = [step(name, wait=HOUR, remind=10 * MINUTE) for name in ("ana", "lea", "eva")]
    about = request(stage(*steps, step("dan", remind=10 * MINUTE)))
    late = NOW + 6 * HOUR + MINUTE
    assert turns(about, late) == [Turn.NEXT_STEP, Turn.NEXT_STEP, Turn.NEXT_STEP, Turn.REMIND]
    while (woken := lifecycle.wake(about, late)) is not None:
        about = woken.request
    assert (track(about).step_at, track(about).remind_at) == (NOW + 3 * HOUR, NOW + 6 * HOUR + 10 * MINUTE)
    assert about.due_at is not None
    assert about.due_at > late


def test_steps_due_before_expiry_are_still_told_in_order() -> None:
    """Downtime past expiry: what was due before it happened first; a step due at expiry itself does not."""
    about = request(stage(step("ana", wait=HOUR), step("lea", wait=HOUR), step("eva")), expires=2 * HOUR)
    assert turns(about, NOW + 9 * HOUR) == [Turn.NEXT_STEP, Turn.EXPIRED]


@pytest.mark.parametrize(("on_expiry", "state"), [(OnExpiry.EXPIRE, State.EXPIRED), (OnExpiry.REJECT, State.REJECTED)])
def test_silence_is_never_consent(on_expiry: OnExpiry, state: State) -> None:
    """What nobody decided expires or is rejected, as the rule says."""
    about = request(way=route(stage(step("ana")), on_expiry=on_expiry))
    woken = lifecycle.wake(about, about.expires_at + HOUR)
    assert woken is not None
    assert (woken.turn, woken.request.state, woken.request.due_at) == (Turn.EXPIRED, state, None)


def test_a_wake_that_finds_nothing_due_does_nothing() -> None:
    """Where the due time is older than anything that is due (it never should be), nothing happens."""
    about = replace(request(stage(step("ana"))), due_at=NOW)
    assert lifecycle.wake(about, NOW) is None
