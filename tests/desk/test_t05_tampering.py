"""Hands laid on the file itself: what no rule and nobody asked stands behind does not run, whatever its state says."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from msgspec.json import encode
from msgspec.structs import replace

from bot.core import errors
from bot.core.model import Execution, ExecutionState, State, Verb
from tests.desk.house import House, ballot, edits, open_house

PLANT = (
    "insert into executions (id, request, body, revision, state, attempts, due_at)"
    " select ?, ?, ?, revision, state, attempts, due_at from executions where id = ?"
)
WITHOUT_CONSENT = [
    ("the vote is gone", "delete from decisions"),
    ("the vote is somebody else's", """update decisions set body = replace(body, '"by":"ana"', '"by":"mallory"')"""),
    ("the vote was a rejection", """update decisions set body = replace(body, '"approve"', '"reject"')"""),
    ("the vote was a question", """update decisions set body = replace(body, '"approve"', '"ask"')"""),
    ("the vote was on another one", """update decisions set body = replace(body, '"revision":1', '"revision":2')"""),
    ("the route asks others", """update requests set route = replace(route, '"ana"', '"zoe"')"""),
    ("the route takes more", """update requests set route = replace(route, '"steps":', '"approvals":2,"steps":')"""),
    ("the route blocks", """update requests set route = replace(route, '"then":"stages"', '"then":"block"')"""),
    ("the route approves", """update requests set route = replace(route, '"then":"stages"', '"then":"approve"')"""),
    ("the voter is barred", """update requests set route = replace(route, '"dan"', '"ana"')"""),
    ("the request is rejected", "update requests set state = 'rejected'"),
    ("the request is open", "update requests set state = 'pending', open = 1"),
    ("the request has no execution", "update requests set execution = null"),
]


@pytest.mark.parametrize(("what", "statement"), WITHOUT_CONSENT, ids=[t[0] for t in WITHOUT_CONSENT])
async def test_t05_without_consent_nothing_runs(tmp_path: Path, what: str, statement: str) -> None:
    """Changed in the file after the approval: no order, and the execution has failed for good."""
    del what
    async with open_house(tmp_path / "sayso.db") as house:
        request = await house.decide(await house.submit())
        assert request.execution is not None
        house.sql(statement)
        assert (await house.desk.claim(request.execution.id)).order is None
        assert _state(house, request.execution) is ExecutionState.FAILED


@pytest.mark.parametrize("named", [False, True])
async def test_t05_an_execution_that_was_planted(tmp_path: Path, named: bool) -> None:  # noqa: FBT001  # a case
    """One of a request that nobody decided never runs, whether or not the request's row names it."""
    async with open_house(tmp_path / "sayso.db") as house:
        done = await house.decide(await house.submit())
        undecided = await house.submit()
        assert done.execution is not None
        like = done.execution
        planted = replace(like, id="exe_planted", request=undecided.id, digest=undecided.digest)
        house.sql(PLANT, planted.id, undecided.id, encode(planted).decode(), like.id)
        if named:
            house.sql("update requests set execution = ?, state = 'approved' where id = ?", planted.id, undecided.id)
        assert (await house.desk.claim(planted.id)).order is None
        assert _state(house, planted) is ExecutionState.FAILED
        assert (await house.desk.claim(like.id)).order is not None


def _state(house: House, execution: Execution) -> ExecutionState:
    (body,) = house.sql("select body from executions where id = ?", execution.id)[0]
    return ExecutionState(json.loads(body)["state"])


@pytest.mark.parametrize("verb", [Verb.APPROVE, Verb.APPROVE_WITH_EDITS])
async def test_t05_what_was_changed_cannot_be_approved(tmp_path: Path, verb: Verb) -> None:
    """An action that its agent runs has no claim to see it, so that the decision itself is refused, and on record."""
    async with open_house(tmp_path / "sayso.db") as house:
        await _approve_what_was_changed(house, verb)


async def _approve_what_was_changed(house: House, verb: Verb) -> None:
    request = await house.submit("deploy.start", arguments={"version": "1.0"})
    house.sql("update revisions set content = replace(content, '1.0', '6.6')")
    arguments = {"version": "1.1"} if verb is Verb.APPROVE_WITH_EDITS else None
    with pytest.raises(errors.DigestMismatch):
        await house.decide(request, verb=verb, arguments=arguments)
    after = await house.now(request)
    assert (after.state, after.execution) == (State.PENDING, None)
    assert (await house.events(request))[-1] == "refusal:digest_mismatch"
    assert (await house.decide(request, verb=Verb.REJECT)).state is State.REJECTED


async def test_t05_a_target_that_became_the_agents_hands(house: House) -> None:
    """Approved for a webhook, then the file leaves it to the agent: it is not handed over, it fails and says why."""
    request = await house.submit("refund.safe")
    hook = "execute: {webhook: RECEIVER/refunds, timeout: 2s, idempotent: true, attempts: 3}"
    house.rule(lambda text: text.replace(hook, "execute: {agent: true}"))
    decided = await house.decide(request)
    assert decided.execution is not None
    assert decided.execution.state is ExecutionState.WAITING
    await house.desk.claim(decided.execution.id)
    kept = (await house.now(request)).execution
    assert kept is not None
    assert (kept.state, "routing.yaml" in (kept.error or "")) == (ExecutionState.FAILED, True)


async def test_t05_an_edit_does_not_move_what_was_shown_to_another_target(house: House) -> None:
    """The file sends it elsewhere meanwhile: the digest that the editor was shown stood for the old address."""
    request = await house.submit("refund.safe")
    hook = "execute: {webhook: RECEIVER/refunds, timeout: 2s, idempotent: true, attempts: 3}"
    house.rule(lambda text: text.replace(hook, hook.replace("/refunds", "/elsewhere")))
    decided = await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments=edits(request, amount=1.0))
    assert (decided.content.target, decided.revision) == (request.content.target, 2)
    assert decided.execution is not None
    assert (await house.desk.claim(decided.execution.id)).order is None
    kept = (await house.now(request)).execution
    assert kept is not None
    assert (kept.state, "routing.yaml" in (kept.error or "")) == (ExecutionState.FAILED, True)


async def test_t08_a_person_taken_out_of_the_rules(house: House) -> None:
    """A route keeps its names, and a key or a session may outlive its owner; neither decides any more."""
    request = await house.submit()
    edited = edits(request, amount=1.0)
    entry = "  ana: {name: Ana Silva, email: ana@example.com, slack: U0ANA}\n"
    house.rule(lambda text: text.replace(entry, "").replace("ana, ", "").replace("[ana]", "[ben]"))
    votes = [
        ballot(request, verb=verb, comment="?", arguments=edited if verb is Verb.APPROVE_WITH_EDITS else None)
        for verb in Verb
    ]
    told = await asyncio.gather(*(house.desk.decide(vote) for vote in votes), return_exceptions=True)
    assert [type(t) for t in told] == [errors.NotAssigned] * len(votes)
    assert (await house.decide(request, "ben")).state is State.APPROVED
