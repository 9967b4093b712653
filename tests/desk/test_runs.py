"""Claims, outcomes and the switch: what runs is what was approved, at most once, and never silently unknown."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.core import errors
from bot.core.model import Execution, ExecutionState, Request, Verb
from bot.core.ports import Order, Outcome, OutcomeKind
from bot.desk import pause
from tests.desk.house import House, open_house

S = ExecutionState


K = OutcomeKind


async def approved(house: House, action: str = "refund.issue", **more: Any) -> tuple[Request, Execution]:
    """An approved request and its execution."""
    request = await house.decide(await house.submit(action, **more))
    assert request.execution is not None
    return request, request.execution


async def claimed(house: House, execution: Execution) -> Order:
    """The order of a claim that must succeed."""
    claim = await house.desk.claim(execution.id)
    assert claim.order is not None
    return claim.order


async def stands(house: House, request: Request) -> Execution:
    """The execution as it is stored."""
    found = (await house.now(request)).execution
    assert found is not None
    return found


async def test_p05_a_claim_is_won_once(house: House) -> None:
    """Twenty claims at once give one order, exactly as approved; its second claim gives none."""
    request, execution = await approved(house)
    claims = await asyncio.gather(*(house.desk.claim(execution.id) for _ in range(20)))
    orders = [claim.order for claim in claims if claim.order is not None]
    assert len(orders) == 1
    order = orders[0]
    assert (order.arguments, order.digest, order.attempt, order.approved_by) == (
        request.content.arguments,
        request.digest,
        1,
        ("ana",),
    )
    assert (await house.desk.claim(execution.id)).order is None
    assert (await house.desk.claim("exe_unknown")).order is None


@pytest.mark.parametrize(
    ("kind", "state"),
    [(K.EXECUTED, S.EXECUTED), (K.FAILED, S.FAILED), (K.UNKNOWN, S.UNKNOWN)],
)
async def test_how_an_attempt_ended_is_kept(house: House, kind: OutcomeKind, state: ExecutionState) -> None:
    """The first answer counts; a second one for the same attempt changes nothing; the agent is owed a word."""
    request, execution = await approved(house)
    order = await claimed(house, execution)
    await house.desk.conclude(order, Outcome(kind=kind, result={"n": 1}, error="e"))
    await house.desk.conclude(order, Outcome(kind=K.EXECUTED, result="late"))
    kept = await stands(house, request)
    assert (kept.state, kept.result, kept.error, kept.due_at) == (state, {"n": 1}, "e", None)
    told = {ref for (ref,) in house.sql("select ref from effects where kind = 'webhook'")}
    assert told == {"request.decided"} | ({f"request.{state}"} if state is not S.UNKNOWN else set())


TAMPERED = [
    ("an argument", "update revisions set content = replace(content, '240.0', '940.0')"),
    ("a string in it", "update revisions set content = replace(content, '10428', '10429')"),
    ("the action", "update revisions set content = replace(content, 'refund.issue', 'refund.safe')"),
    ("the target", "update revisions set content = replace(content, '/refunds', '/refundz')"),
    ("a number JSON cannot keep", "update revisions set content = replace(content, '240.0', '9007199254740993')"),
    ("the agent", "update requests set agent = 'eva'"),
    ("the vote's digest", "update decisions set body = replace(body, 'sha256:', 'sha256:0')"),
    ("the execution's digest", "update executions set body = replace(body, 'sha256:', 'sha256:0')"),
    ("the revision's digest", "update revisions set content = replace(content, 'sha256:', 'sha256:0')"),
]


@pytest.mark.parametrize(("what", "statement"), TAMPERED, ids=[t[0] for t in TAMPERED])
async def test_t05_one_flipped_byte_and_nothing_runs(tmp_path: Any, what: str, statement: str) -> None:
    """Changed in the file after the approval, whatever it is: digest_mismatch, no order, failed for good."""
    del what
    async with open_house(tmp_path / "sayso.db") as house:
        request, execution = await approved(house)
        house.sql(statement)
        assert (await house.desk.claim(execution.id)).order is None
        kept = await stands(house, request)
        assert kept.state is S.FAILED
        assert (kept.error or "").startswith("digest_mismatch")
        assert (await house.events(request))[-1] == "execution.refused"


async def test_t05_a_target_that_was_changed_since(house: House) -> None:
    """The configured address is part of what was approved: another one needs another approval."""
    request, execution = await approved(house)
    house.rule(lambda text: text.replace("RECEIVER/refunds", "RECEIVER/refunds2"))
    assert (await house.desk.claim(execution.id)).order is None
    assert "routing.yaml" in ((await stands(house, request)).error or "")


async def test_an_edit_runs_as_edited(house: House) -> None:
    """The order carries the edited arguments, the new revision, and everybody whose vote it was."""
    request = await house.submit()
    arguments = {"order": "10428", "amount": 99.0}
    done = await house.decide(request, "ben", Verb.APPROVE_WITH_EDITS, arguments=arguments)
    assert done.execution is not None
    order = await claimed(house, done.execution)
    assert (order.arguments, order.revision, order.approved_by) == (arguments, 2, ("ben",))


async def test_an_undo_window_is_waited_out(house: House) -> None:
    """Claimed before its end it is told when, as after a clock was set back; at its end it runs."""
    _, execution = await approved(house, "mail.send")
    claim = await house.desk.claim(execution.id)
    assert (claim.order, claim.not_before) == (None, execution.due_at)
    house.clock.move(seconds=30)
    assert (await claimed(house, execution)).attempt == 1


async def test_a_refused_connection_is_tried_again(house: House) -> None:
    """Nothing started: it waits, longer each time, and fails when the declared tries are used up."""
    request, execution = await approved(house)
    pauses = []
    while (kept := await stands(house, request)).state is not S.FAILED:
        assert kept.due_at is not None
        house.clock.at = max(kept.due_at, house.clock.at)
        order = await claimed(house, execution)
        await house.desk.conclude(order, Outcome(kind=K.NOT_STARTED, error="refused"))
        kept = await stands(house, request)
        pauses.append((kept.due_at - house.clock.at).total_seconds() if kept.due_at else None)
    assert pauses == [1, 2, 4, 8, None]
    assert (kept.attempts, kept.error) == (5, "refused")


async def test_a_hundred_tries_do_not_overflow(house: House) -> None:
    """As many tries as a file may declare: the pause stays at its longest, and the last one is counted."""
    request, execution = await approved(house, "refund.patient")
    for _ in range(100):
        kept = await stands(house, request)
        assert kept.due_at is not None
        assert (kept.due_at - house.clock.at).total_seconds() <= 300
        house.clock.at = max(kept.due_at, house.clock.at)
        await house.desk.conclude(await claimed(house, execution), Outcome(kind=K.NOT_STARTED, error="refused"))
    kept = await stands(house, request)
    assert (kept.state, kept.attempts) == (S.FAILED, 100)


AFTER_UNKNOWN: list[tuple[str, list[OutcomeKind], ExecutionState]] = [
    ("lost thrice", [K.UNKNOWN] * 3, S.UNKNOWN),
    ("lost, then done", [K.UNKNOWN, K.EXECUTED], S.EXECUTED),
    ("lost, then refused for good", [K.UNKNOWN, K.FAILED], S.UNKNOWN),
    ("lost, then never reached again", [K.UNKNOWN, K.NOT_STARTED, K.NOT_STARTED], S.UNKNOWN),
    ("never reached, then refused", [K.NOT_STARTED, K.FAILED], S.FAILED),
    ("never reached, lost, never reached", [K.NOT_STARTED, K.UNKNOWN, K.NOT_STARTED], S.UNKNOWN),
]


@pytest.mark.parametrize(("case", "kinds", "state"), AFTER_UNKNOWN, ids=[a[0] for a in AFTER_UNKNOWN])
async def test_p06_what_may_have_happened_is_never_called_failed(
    house: House, case: str, kinds: list[OutcomeKind], state: ExecutionState
) -> None:
    """An idempotent action whose first answer was lost: only success settles it, a later refusal does not."""
    del case
    request, execution = await approved(house, "refund.safe")
    for kind in kinds:
        due = (await stands(house, request)).due_at
        assert due is not None
        house.clock.at = max(due, house.clock.at)
        await house.desk.conclude(await claimed(house, execution), Outcome(kind=kind, error=str(kind)))
    kept = await stands(house, request)
    assert kept.state is state
    if state is S.UNKNOWN and kinds[-1] is not K.UNKNOWN:
        assert (kept.error or "").startswith("earlier_attempt: one before may have happened")


async def test_p06_without_idempotency_unknown_is_the_end(house: House) -> None:
    """A lost answer is not tried again, and waits for a person."""
    request, execution = await approved(house)
    await house.desk.conclude(await claimed(house, execution), Outcome(kind=K.UNKNOWN, error="lost"))
    kept = await stands(house, request)
    assert (kept.state, kept.attempts) == (S.UNKNOWN, 1)
    house.clock.move(hours=1)
    assert (await house.desk.claim(execution.id)).order is None


@pytest.mark.parametrize("state", [S.EXECUTED, S.FAILED])
async def test_unknown_is_settled_by_a_person_once(house: House, state: ExecutionState) -> None:
    """With a note, by name, once; nothing but unknown can be settled."""
    request, execution = await approved(house)
    settle = {"by": "admin:root", "state": state, "note": "seen in the ledger"}
    with pytest.raises(errors.Conflict, match="waiting"):
        await house.desk.settle(request.id, **settle)  # type: ignore[arg-type]
    await house.desk.conclude(await claimed(house, execution), Outcome(kind=K.UNKNOWN, error="lost"))
    told = await asyncio.gather(
        *(house.desk.settle(request.id, **settle) for _ in range(5)),  # type: ignore[arg-type]
        return_exceptions=True,
    )
    assert sum(isinstance(t, Request) for t in told) == 1
    kept = await stands(house, request)
    assert kept.state is state
    note = {S.EXECUTED: ({"settled": "seen in the ledger"}, None), S.FAILED: (None, "seen in the ledger")}
    assert (kept.result, kept.error) == note[state]
    assert (await house.events(request)).count("execution.settled") == 1
    undecided = await house.submit()
    with pytest.raises(errors.Conflict, match="none"):
        await house.desk.settle(undecided.id, **settle)  # type: ignore[arg-type]


async def test_what_is_put_back_waits_as_if_it_had_not_begun(house: House) -> None:
    """An order that nobody began is claimed anew as the same attempt; put back late, or twice, it changes nothing."""
    request, execution = await approved(house)
    first = await claimed(house, execution)
    await house.desk.put_back(first)
    await house.desk.put_back(first)
    kept = await stands(house, request)
    assert (kept.state, kept.attempts, kept.started_at) == (S.WAITING, 0, None)
    house.clock.move(seconds=1)
    again = await claimed(house, kept)
    assert (again.attempt, (await stands(house, request)).started_at) == (1, house.clock.now())
    await house.desk.conclude(again, Outcome(kind=K.EXECUTED))
    await house.desk.put_back(first)
    assert (await stands(house, request)).state is S.EXECUTED
    assert (await house.events(request)).count("execution.retried") == 1


async def test_pause_stops_every_claim(house: House) -> None:
    """While replays are stopped nothing is claimed; switching twice is one change; what runs is not torn down."""
    running, first = await approved(house)
    order = await claimed(house, first)
    assert await pause(house.ledger, on=True, by="cli:root", via="cli")
    assert not await pause(house.ledger, on=True, by="cli:root", via="cli")
    assert await house.desk.paused()
    _, held = await approved(house)
    assert (await house.desk.claim(held.id)).paused
    await house.desk.conclude(order, Outcome(kind=K.EXECUTED))
    assert (await stands(house, running)).state is S.EXECUTED
    assert await pause(house.ledger, on=False, by="cli:root", via="cli")
    assert (await claimed(house, held)).attempt == 1


@pytest.mark.parametrize(
    ("action", "state"), [("refund.issue", S.UNKNOWN), ("refund.safe", S.WAITING), ("deploy.start", S.EXECUTING)]
)
async def test_p05_what_ran_when_the_bot_died(house: House, action: str, state: ExecutionState) -> None:
    """After a start it is unknown, or tried again under the same key where that is declared safe; agents go on."""
    request, execution = await approved(house, action)
    if action != "deploy.start":
        await claimed(house, execution)
    left = await house.desk.recover()
    assert (await stands(house, request)).state is state
    assert [e.id for e in left] == ([] if state is S.UNKNOWN else [execution.id])
    await house.desk.lost("exe_unknown")


async def test_p06_dying_again_and_again_ends_as_unknown(house: House) -> None:
    """A safe action that never came back in all its tries is unknown, not failed and not forgotten."""
    request, execution = await approved(house, "refund.safe")
    for _ in range(3):
        house.clock.move(minutes=10)
        await claimed(house, execution)
        await house.desk.recover()
    kept = await stands(house, request)
    assert (kept.state, kept.attempts) == (S.UNKNOWN, 3)
