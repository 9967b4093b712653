"""The contract of requests: what is recorded is read back whole, and only where it still was as it was read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.core.model import ExecutionState, OnExpiry, Opinion, Option, Request, State, Verb
from bot.core.ports import Change, Filter, Overtaken, Tx
from store import SqlStore
from tests.store import samples
from tests.store.samples import NOW


async def test_a_request_is_read_as_it_was_written(store: SqlStore) -> None:
    """Every field survives: times to the microsecond, nested JSON, odd characters, an option's arguments."""
    value = samples.request(
        batch="newsletter-11",
        revises="req_before",
        tracks=(
            samples.track(remind_at=NOW + timedelta(minutes=5), exhausted=True, round=2),
            samples.track(1, step_at=None, held_until=NOW + timedelta(microseconds=1)),
        ),
        escalation_level=2,
        answer="yes",
        route=replace(samples.ROUTE, on_expiry=OnExpiry.REJECT, expires=timedelta(minutes=90), excluded=("dana",)),
    )
    advice = (samples.assessment(value), samples.assessment(value, by="lawyer", note=None, opinion=Opinion.DISAGREE))
    value = replace(value, advice=advice, content=replace(value.content, options=(Option("a", "Half", {"amount": 1}),)))
    await store.write(lambda tx: samples.submit(tx, value))
    assert await store.request(value.id) == value


async def test_an_unknown_request_is_none(store: SqlStore) -> None:
    """Asking for what is not there answers None, inside a write and outside."""
    assert await store.request("req_none") is None
    assert await store.write(lambda tx: tx.request("req_none")) is None


async def test_a_decided_request_brings_its_decisions_and_execution(store: SqlStore) -> None:
    """Decisions of every revision come oldest first, with the newest execution, inside a write and outside."""
    value = samples.request()

    def decide(tx: Tx) -> None:
        samples.submit(tx, value)
        ask = samples.decision(value, "ben", Verb.ASK)
        waiting = replace(value, state=State.NEEDS_INFO, decisions=(ask,))
        tx.record(Change(event=samples.event("asked", value.id), before=value, after=waiting, decision=ask))
        again = replace(waiting, state=State.PENDING, content=samples.revision(value.id, 2, amount=200))
        tx.record(Change(event=samples.event("answered", value.id), before=waiting, after=again))
        samples.approve(tx, value.id)

    await store.write(decide)
    read = await store.request(value.id)
    assert read is not None
    assert [(d.decision, d.by, d.revision) for d in read.decisions] == [
        (Verb.ASK, "ben", 1),
        (Verb.APPROVE, "ana", 2),
    ]
    assert read.revision == 2
    assert read.content.arguments["amount"] == 200
    assert read.execution is not None
    assert read.execution.revision == 2
    assert await store.write(lambda tx: tx.request(value.id)) == read


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"state": State.NEEDS_INFO},
        {"tracks": (samples.track(1),)},
        {"tracks": (samples.track(step=1),)},
        {"tracks": (samples.track(remind_at=NOW),)},
        {"tracks": (samples.track(exhausted=True),)},
        {"tracks": (samples.track(), samples.track(1))},
        {"tracks": ()},
        {"due_at": None},
    ],
    ids=str,
)
async def test_a_change_in_a_guarded_column_overtakes(store: SqlStore, meanwhile: dict[str, object]) -> None:
    """Whoever read the row before another's change is told `Overtaken`, and nothing of the late change is kept."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    changed = replace(value, **meanwhile)
    await store.write(lambda tx: tx.record(Change(event=samples.event("x", value.id), before=value, after=changed)))
    late = Change(
        event=samples.event("late", value.id),
        before=value,
        after=replace(value, state=State.APPROVED, due_at=None),
        decision=samples.decision(value),
        execution=samples.execution(value),
        effects=(samples.effect(value),),
    )
    with pytest.raises(Overtaken):
        await store.write(lambda tx: tx.record(late))
    assert await store.request(value.id) == changed
    assert [line.body.count('"late"') for line in await store.audit(value.id)] == [0, 0]
    assert await store.write(lambda tx: tx.effects()) == ()


async def test_two_approvals_from_one_reading_are_not_both_the_first(store: SqlStore) -> None:
    """Where a stage takes two, neither changes more than the count of decisions; the second has to read again."""
    stages = (replace(samples.ROUTE.stages[0], approvals=2),)
    asked = samples.request(route=replace(samples.ROUTE, stages=stages))
    value = await store.write(lambda tx: samples.submit(tx, asked))

    def vote(by: str, seen: Request) -> Change:
        cast = samples.decision(seen, by)
        after = replace(seen, decisions=(*seen.decisions, cast))
        return Change(event=samples.event("voted", value.id), before=seen, after=after, decision=cast)

    await store.write(lambda tx: tx.record(vote("ana", value)))
    with pytest.raises(Overtaken):
        await store.write(lambda tx: tx.record(vote("ben", value)))
    await store.write(lambda tx: tx.record(vote("ben", samples.found(tx, value.id))))
    read = await store.request(value.id)
    assert read is not None
    assert ([d.by for d in read.decisions], read.full(0)) == (["ana", "ben"], True)


async def test_no_assessment_is_written_over(store: SqlStore) -> None:
    """Of two advisors who read the request at one time the second is overtaken, and reads the first one's note."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))

    def advise(by: str, seen: Request) -> Change:
        after = replace(seen, advice=(*seen.advice, samples.assessment(seen, by=by)))
        return Change(event=samples.event("advised", value.id), before=seen, after=after)

    await store.write(lambda tx: tx.record(advise("critic", value)))
    with pytest.raises(Overtaken):
        await store.write(lambda tx: tx.record(advise("lawyer", value)))
    await store.write(lambda tx: tx.record(advise("lawyer", samples.found(tx, value.id))))
    read = await store.request(value.id)
    assert read is not None
    assert [(a.by, a.opinion, a.note) for a in read.advice] == [
        ("critic", Opinion.DOUBT, "é \u2028"),
        ("lawyer", Opinion.DOUBT, "é \u2028"),
    ]


async def test_a_new_revision_overtakes(store: SqlStore) -> None:
    """A change that was made for an older revision is refused."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    newer = replace(value, content=samples.revision(value.id, 2))
    await store.write(lambda tx: tx.record(Change(event=samples.event("x", value.id), before=value, after=newer)))
    with pytest.raises(Overtaken):
        await store.write(
            lambda tx: tx.record(
                Change(event=samples.event("y", value.id), before=value, after=replace(value, state=State.REJECTED))
            )
        )


async def test_other_columns_do_not_overtake(store: SqlStore) -> None:
    """A column that guards nothing may have changed: the title here."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    before = replace(value, title="another title")
    after = replace(before, title="a third")
    await store.write(lambda tx: tx.record(Change(event=samples.event("x", value.id), before=before, after=after)))
    read = await store.request(value.id)
    assert read is not None
    assert read.title == "a third"


async def test_a_revision_never_changes(store: SqlStore) -> None:
    """Content under a number that is written is refused, whatever else the change says."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    other = replace(value, content=samples.revision(value.id, 1, amount=9))
    with pytest.raises(ValueError, match="revision 1"):
        await store.write(lambda tx: tx.record(Change(event=samples.event("x", value.id), before=value, after=other)))
    assert await store.request(value.id) == value


async def test_what_is_written_once_cannot_change(store: SqlStore) -> None:
    """A changed agent is a mistake of the caller, said aloud instead of lost."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    other = replace(value, agent="somebody-else")
    with pytest.raises(ValueError, match="agent"):
        await store.write(lambda tx: tx.record(Change(event=samples.event("x", value.id), before=value, after=other)))


async def test_one_vote_a_person_a_revision(store: SqlStore) -> None:
    """A second vote of a person is overtaken by the first, in another stage too; others, and questions, are free."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))

    def vote(verb: Verb, stage: int = 0, by: str = "ana", revision: int = 1) -> Change:
        cast = samples.decision(value, by, verb, stage=stage, revision=revision)
        return Change(event=samples.event("vote", value.id), decision=cast)

    await store.write(lambda tx: tx.record(vote(Verb.APPROVE)))
    with pytest.raises(Overtaken):
        await store.write(lambda tx: tx.record(vote(Verb.REJECT)))
    with pytest.raises(Overtaken):
        await store.write(lambda tx: tx.record(vote(Verb.APPROVE, 1)))
    await store.write(lambda tx: tx.record(vote(Verb.ASK)))
    await store.write(lambda tx: tx.record(vote(Verb.APPROVE, 1, by="lea")))
    await store.write(lambda tx: tx.record(vote(Verb.REJECT, revision=2)))
    read = await store.request(value.id)
    assert read is not None
    assert [(d.decision, d.by) for d in read.decisions] == [
        (Verb.APPROVE, "ana"),
        (Verb.ASK, "ana"),
        (Verb.APPROVE, "lea"),
        (Verb.REJECT, "ana"),
    ]


async def test_one_execution_a_revision(store: SqlStore) -> None:
    """A revision runs under one execution only; a second one is overtaken."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    await store.write(lambda tx: samples.approve(tx, value.id))
    with pytest.raises(Overtaken):
        await store.write(
            lambda tx: tx.record(Change(event=samples.event("x", value.id), execution=samples.execution(value)))
        )


async def test_an_execution_is_claimed_once(store: SqlStore) -> None:
    """Of two claims made from the same reading one wins; the attempts count as much as the state."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    waiting = (await store.write(lambda tx: samples.approve(tx, value.id))).execution
    assert waiting is not None
    claimed = replace(waiting, state=ExecutionState.EXECUTING, attempts=1, started_at=NOW)
    change = Change(event=samples.event("claim", value.id), execution_before=waiting, execution=claimed)
    await store.write(lambda tx: tx.record(change))
    with pytest.raises(Overtaken):
        await store.write(lambda tx: tx.record(change))
    again = replace(claimed, state=ExecutionState.WAITING)
    await store.write(lambda tx: tx.record(replace(change, execution_before=claimed, execution=again)))
    with pytest.raises(Overtaken):
        await store.write(lambda tx: tx.record(change))
    assert await store.write(lambda tx: tx.execution(waiting.id)) == again


async def test_unfinished_executions_come_oldest_first(store: SqlStore) -> None:
    """Waiting and executing ones are listed in the order they were made; ended ones are not."""
    values = [samples.request() for _ in range(4)]
    runs = [samples.execution(value) for value in values]
    states = (ExecutionState.EXECUTING, ExecutionState.EXECUTED, ExecutionState.WAITING, ExecutionState.UNKNOWN)

    def fill(tx: Tx) -> None:
        for value, run, state in zip(values, runs, states, strict=True):
            samples.submit(tx, value)
            tx.record(Change(event=samples.event("x", value.id), execution=run))
            ended = replace(run, state=state, attempts=1)
            tx.record(Change(event=samples.event("y", value.id), execution_before=run, execution=ended))

    await store.write(fill)
    unfinished = await store.write(lambda tx: tx.unfinished())
    assert [run.id for run in unfinished] == [runs[0].id, runs[2].id]


async def test_due_requests_come_earliest_first(store: SqlStore) -> None:
    """Only open requests whose time has come, up to the limit; `next_due` is the earliest of all open ones."""
    late, early, later, ended = (
        samples.request(due_at=NOW + timedelta(seconds=seconds)) for seconds in (20, 10, 30, 5)
    )

    def fill(tx: Tx) -> None:
        for value in (late, early, later, ended):
            samples.submit(tx, value)
        closed = replace(ended, state=State.CANCELLED)
        tx.record(Change(event=samples.event("x", ended.id), before=ended, after=closed))

    assert await store.next_due() is None
    await store.write(fill)
    assert await store.next_due() == early.due_at
    now = NOW + timedelta(seconds=20)
    assert await store.write(lambda tx: tx.due(now, 10)) == (early.id, late.id)
    assert await store.write(lambda tx: tx.due(now, 1)) == (early.id,)
    assert await store.write(lambda tx: tx.due(NOW, 10)) == ()


async def test_an_agents_requests_are_counted(store: SqlStore) -> None:
    """Open ones, and those submitted since a time; another agent's do not count."""

    def fill(tx: Tx) -> None:
        samples.submit(tx, samples.request(created_at=NOW - timedelta(seconds=1)))
        samples.submit(tx, samples.request())
        samples.submit(tx, samples.request(state=State.BLOCKED))
        samples.submit(tx, samples.request(agent="other"))

    await store.write(fill)
    assert await store.write(lambda tx: (tx.count_open("billing"), tx.count_since("billing", NOW))) == (2, 2)
    assert await store.write(lambda tx: (tx.count_open("nobody"), tx.count_since("nobody", NOW))) == (0, 0)


@pytest.mark.parametrize(
    "text", ["a\0b", "\0", "\U0010fffd", "\U0010fffd0\0\U0010fffd1", "\U0010fffd\U0010fffd", "é\u2028 \x01\x7f"]
)
async def test_every_text_is_kept_exactly(store: SqlStore, text: str) -> None:
    """PostgreSQL has no NUL in its texts, and an agent's title or somebody's answer may: nothing shows of that."""
    value = samples.request(title=text, answer=text, batch=text)
    await store.write(lambda tx: samples.submit(tx, value))
    assert await store.request(value.id) == value
    assert await store.requests(Filter(batch=text)) == (value,)
