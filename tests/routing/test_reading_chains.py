"""What is read of chains: their steps' time and gaps, and what becomes of a request at the end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.model import IfEmpty, OnExpiry, OnUndeliverable
from bot.core.policy import Chain, ChainStep, Exhausted, Policy
from bot.routing import load
from tests.routing.cases import DATA, DEFAULT, GROUND, faults, policy

END = DATA / "good" / "chain-end.yaml"
STEPS = DATA / "good" / "chain-steps.yaml"


def _with(chain: str) -> Policy:
    """The common ground with one more chain, ``extra``."""
    return policy(ground=f"{GROUND}  extra: {chain}\n")


def test_the_end_of_a_chain_is_read() -> None:
    """How often it begins again, who is told, how it ends; what is not said stays as for a plain list."""
    chains = load(END).chains
    assert chains["refunds"].repeat == 1
    assert chains["refunds"].exhausted == Exhausted(notify=("lea",), then=OnExpiry.REJECT)
    assert [step.wait for step in chains["refunds"].steps] == [timedelta(minutes=15), timedelta(hours=1)]
    assert chains["payouts"].exhausted == Exhausted(notify=("management",), then=None)
    assert chains["quick"].exhausted == Exhausted(then=OnExpiry.EXPIRE)
    assert chains["plain"] == Chain(steps=(ChainStep(notify=("lea",)),))


def test_how_a_step_is_timed_is_read() -> None:
    """A calendar's time, the time of whoever is asked, wall time; told at any hour where the step says so."""
    steps = load(STEPS).chains["finance"].steps
    assert [step.clock for step in steps] == ["office", "people", None]
    assert [step.anytime for step in steps] == [False, False, True]


def test_what_a_step_does_without_anybody_is_read() -> None:
    """Passed over unless it says otherwise; a fallback is whom it asks instead, and a hold waits."""
    steps = load(STEPS).chains["careful"].steps
    assert [step.if_empty for step in steps] == [IfEmpty.SKIP, IfEmpty.SKIP, IfEmpty.HOLD, IfEmpty.SKIP]
    assert [step.fallback for step in steps] == [(), ("lea",), (), ()]
    assert [step.on_undeliverable for step in steps] == [
        OnUndeliverable.NEXT,
        OnUndeliverable.NEXT,
        OnUndeliverable.WAIT,
        OnUndeliverable.NEXT,
    ]


@pytest.mark.parametrize(
    "chain",
    [
        "{steps: [{notify: ana}], repeat: 0}",
        "[{notify: ana, remind: 5m}]",
        "[{notify: ana, remind: 5m, clock: people}]",
        "[{notify: finance, if_empty: {fallback: [ana, lea]}}]",
        "[{notify: ana, if_empty: {fallback: finance}}]",
        "{steps: [{notify: ana, wait: 1h}], exhausted: {notify: ana}}",
    ],
)
def test_what_may_work_is_taken(chain: str) -> None:
    """Nothing is refused that can ever make a difference."""
    assert _with(chain).chains["extra"].steps


def test_a_schedule_may_ask_nobody_while_its_people_are_there() -> None:
    """Whoever is in a rotation may still be its fallback, and a rotation the fallback of its people."""
    ground = GROUND.replace(
        "chains:\n",
        "schedules:\n  duty: {rotate: weekly, start: 2026-01-05, people: [ana, ben]}\nchains:\n"
        "  one: [{notify: duty, if_empty: {fallback: ana}}]\n  two: [{notify: finance, if_empty: {fallback: duty}}]\n",
    )
    chains = policy(ground=ground).chains
    assert (chains["one"].steps[0].fallback, chains["two"].steps[0].fallback) == (("ana",), ("duty",))


def test_both_faults_of_an_endless_chain_are_told() -> None:
    """A chain that never ends can neither begin again nor come to its end; each key is told at its place."""
    text = f"{GROUND}  extra: {{steps: [{{notify: ana}}], repeat: 2, exhausted: {{then: reject}}}}\n{DEFAULT}"
    found = [fault.what for fault in faults(text)]
    assert [what.rpartition(": ")[2] for what in found] == ["repeat changes nothing", "exhausted changes nothing"]
    assert {what.partition(",")[0] for what in found} == {'the chain "extra" never comes to its end'}
