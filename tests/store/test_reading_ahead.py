"""What PostgreSQL reads ahead for a batch: never other than what would have been asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.model import DeliveryState, ExecutionState, Request, State
from bot.core.ports import About, Change, Tx, Unreachable
from store import SqlStore, postgres_memory, queries
from store.chain import verify_store
from tests.store import samples
from tests.store.conftest import ME, together
from tests.store.samples import NOW

ODD = "a\0b \U0010fffd é"


def claimed(value: Request) -> Change:
    """The change that begins a request's run."""
    assert value.execution is not None
    begun = replace(value.execution, state=ExecutionState.EXECUTING, attempts=1)
    return Change(event=samples.event("started", value.id), execution_before=value.execution, execution=begun)


async def _life(shared: SqlStore) -> tuple[Request, About, Callable[[Tx], Sequence[Any]]]:
    """A request with all that may belong to one; all that can be known of it ahead, and everything that asks for it."""
    value, other = samples.request(), samples.request()
    card, gone = samples.delivery(value), samples.delivery(value, state=DeliveryState.FAILED)
    todo = samples.effect(value, ref=card.id)

    def live(tx: Tx) -> Request:
        samples.submit(tx, value, todo)
        samples.submit(tx, other)
        tx.record(Change(event=samples.event("asked", value.id), deliveries=(card, gone)))
        tx.remember(ODD, ODD, "hash", value.id, NOW)
        tx.keep_rejection("print", other.id, NOW)
        return samples.approve(tx, value.id)

    approved = await shared.write(live)
    assert approved.execution is not None
    run = approved.execution.id
    about = About(
        requests=(value.id, other.id, "req_none"),
        executions=(run, "exe_none"),
        effects=(todo.id, "eff_none"),
        keys=((ODD, ODD), (ODD, "none")),
        fingerprints=("print", "none"),
    )

    def ask(tx: Tx) -> Sequence[Any]:
        return [
            *(tx.request(one) for one in about.requests),
            *(tx.deliveries(one) for one in about.requests),
            *(tx.delivery(one) for one in (card.id, gone.id, "dlv_none")),
            *(tx.execution(one) for one in about.executions),
            *(tx.has_execution(one) for one in about.executions),
            *(tx.has_effects((one,)) for one in about.effects),
            *(tx.remembered(*one) for one in about.keys),
            *(tx.rejected(one, NOW - timedelta(days=1)) for one in about.fingerprints),
            tx.mine((samples.effect(value, ref=card.id), samples.effect(value, ref="dlv_none"))),
            tx.paused(),
        ]

    return approved, about, ask


async def test_what_is_read_ahead_is_what_would_have_been_asked(shared: SqlStore, asked: list[str]) -> None:
    """Each answer from memory is that of its own statement, for what is there and what is not; and costs no trip."""
    _, about, ask = await _life(shared)
    plain = await shared.write(ask)
    asked.clear()
    ahead = await shared.write(ask, about=about)
    assert ahead[:-2] == plain[:-2]
    assert [e.ref for e in ahead[-2]] == [e.ref for e in plain[-2]]
    # To begin and read ahead, the one rejection that there is, the card that nobody knew of, and to end.
    assert len(asked) == 4, asked


async def test_a_run_brings_its_request_along(shared: SqlStore, asked: list[str]) -> None:
    """A claim knows the execution alone: its request, cards and decisions are read ahead all the same."""
    approved, _, _ = await _life(shared)
    run = approved.execution
    assert run is not None
    asked.clear()
    found = await shared.write(
        lambda tx: (tx.execution(run.id), tx.request(approved.id), tx.deliveries(approved.id)),
        about=About(executions=(run.id,)),
    )
    assert found[:2] == (run, approved)
    assert len(found[2]) == 2
    assert len(asked) == 2, asked


async def test_units_about_one_request_see_each_other(shared: SqlStore) -> None:
    """Of two in one batch the second reads what the first has written, not what was read ahead for both."""
    approved, about, _ = await _life(shared)
    run = approved.execution
    assert run is not None
    card = samples.delivery(approved)

    def begin(tx: Tx) -> None:
        tx.record(claimed(samples.found(tx, approved.id)))
        tx.record(Change(event=samples.event("asked", approved.id), deliveries=(card,)))
        tx.remember(ODD, "none", "hash", approved.id, NOW)
        tx.keep_rejection("none", approved.id, NOW)
        tx.pause(on=True, event=samples.event("paused"))

    def ask(tx: Tx) -> Sequence[Any]:
        return (
            samples.found(tx, approved.id).execution,
            tx.execution(run.id),
            card in tx.deliveries(approved.id),
            tx.delivery(card.id),
            tx.remembered(ODD, "none"),
            tx.rejected("none", NOW - timedelta(days=1)),
            tx.paused(),
        )

    _, seen = await together(shared, (begin, about), (ask, about))
    begun = replace(run, state=ExecutionState.EXECUTING, attempts=1)
    assert seen == (begun, begun, True, card, (approved.id, "hash"), approved.id, True)


async def test_what_is_added_was_not_there_when_it_was_read_ahead(shared: SqlStore) -> None:
    """A request and a run that the first unit makes are there for the second, for which they were looked for before."""
    value = samples.request()
    run = samples.new("exe")

    def make(tx: Tx) -> Request:
        samples.submit(tx, value)
        return samples.approve(tx, value.id, run=run)

    about = About(requests=(value.id,), executions=(run,))
    approved, seen = await together(
        shared, (make, about), (lambda tx: (tx.request(value.id), tx.execution(run), tx.has_execution(run)), about)
    )
    assert seen == (approved, approved.execution, True)


async def test_what_is_taken_from_somebody_is_not_theirs_by_memory(shared: SqlStore) -> None:
    """A replica that leaves in a batch holds neither its runs nor its effects in the rest of that batch."""
    approved, about, _ = await _life(shared)
    run = approved.execution
    assert run is not None
    todo = about.effects[0]
    _, held = await together(
        shared,
        (lambda tx: tx.leave(ME), about),
        (lambda tx: (tx.has_execution(run.id), tx.has_effects((todo,))), about),
    )
    assert held == (False, False)


async def test_two_decisions_of_one_batch_are_one(shared: SqlStore) -> None:
    """Both were read ahead as open; the second finds it decided, and the trail holds one decision."""
    value = await shared.write(lambda tx: samples.submit(tx, samples.request()))
    about = About(requests=(value.id,))

    def decide(tx: Tx) -> Request | State:
        before = samples.found(tx, value.id)
        return before.state if before.state is not State.PENDING else samples.approve(tx, value.id)

    first, second = await together(shared, (decide, about), (decide, about))
    assert (first.state, second) == (State.APPROVED, State.APPROVED)
    assert await shared.request(value.id) == first
    assert (await verify_store(shared)).ok


async def test_a_hint_that_cannot_be_asked_hurts_nobody_else(shared: SqlStore) -> None:
    """What no text of the database can be (half of a character) fails the unit that asks for it, and no other."""
    approved, about, _ = await _life(shared)
    broken = About(requests=("\ud800",))
    outcomes = await together(
        shared, (lambda tx: tx.request(approved.id), about), (lambda tx: tx.request("\ud800"), broken)
    )
    assert outcomes[0] == approved
    assert isinstance(outcomes[1], Exception)


async def test_where_others_hold_much_each_lane_is_asked_for(shared: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A lane is the other replica's whether or not all that is held was read ahead."""
    value = await shared.write(lambda tx: samples.submit(tx, samples.request()))
    cards = [samples.delivery(value) for _ in range(3)]
    effects = [samples.effect(value, ref=card.id) for card in cards]
    await shared.write(lambda tx: tx.join("rep_other", "other", "rules", timedelta(minutes=5)))
    await shared.attend("rep_other", lambda _: None)
    await shared.write(lambda tx: tx.record(Change(event=samples.event("x", value.id), effects=tuple(effects[:2]))))
    await shared.attend(ME, lambda _: None)
    more = tuple(samples.effect(value, ref=card.id) for card in cards)
    for most in (256, 1):
        monkeypatch.setattr(postgres_memory, "_FEW", most)
        assert await shared.write(lambda tx: tx.mine(more), about=About(requests=(value.id,))) == more[2:]


async def test_what_is_found_by_key_is_one_trip(shared: SqlStore, asked: list[str]) -> None:
    """A read of one statement is a snapshot by itself, also that of a decided request; one of two opens one."""
    approved, _, _ = await _life(shared)
    asked.clear()
    assert await shared.request(approved.id) == approved
    assert len(asked) == 1, asked
    head = await shared.audit_head()
    asked.clear()
    reader = shared._reader  # noqa: SLF001  # what nothing asks for this way yet
    assert await reader.glance(lambda cursor: (queries.paused(cursor), queries.head(cursor)[0])) == (
        False,
        head[0],
    )
    # The one that turned out not to be all; the two of the snapshot, which begins with the first, and its end.
    assert len(asked) == 4, asked


async def test_an_address_that_is_reached_again_is_forgotten_once(shared: SqlStore, asked: list[str]) -> None:
    """Who is reached is known ahead and costs nothing; whom nobody reached is forgotten, for the units after it too."""
    about = About(requests=("req_none",))
    lost = Unreachable(channel="email", to=ODD, error="gone", at=NOW)
    await shared.write(lambda tx: tx.mark_unreachable(lost))

    def reach(tx: Tx) -> tuple[bool, bool, object]:
        return tx.forget_unreachable("slack", ODD), tx.forget_unreachable("email", ODD), tx.unreachable_at("email", ODD)

    assert await together(shared, (reach, about), (reach, about)) == [(False, True, None), (False, False, None)]
    asked.clear()
    assert await shared.write(lambda tx: tx.forget_unreachable("slack", ODD), about=about) is False
    assert len(asked) == 2, asked


async def test_an_effect_that_is_put_off_is_held_as_before(shared: SqlStore) -> None:
    """Its new time is read in the same batch, and the other effects' holders are known as before."""
    _, about, _ = await _life(shared)

    def put_off(tx: Tx) -> tuple[bool, list[tuple[str, int]]]:
        (todo,) = tx.effects()
        tx.postpone(replace(todo, attempts=todo.attempts + 1, due_at=NOW + timedelta(hours=1)))
        return tx.has_effects(about.effects[:1]), [(one.id, one.attempts) for one in tx.effects()]

    outcomes = await together(shared, (put_off, about), (put_off, about))
    assert outcomes == [(True, [(about.effects[0], 1)]), (True, [(about.effects[0], 2)])]
