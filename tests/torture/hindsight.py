"""What comes after a decision, or is of no one request: taking back, harm, hindsight, trust, practice, forgetting."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.core.policy import REVIEW_AFTER, TRUST
from bot.core.ports import AuditLine, AuditQuery
from tests.torture.stories import decided
from tests.torture.told import OK, PATIENCE
from tests.torture.world import World, together

_EARNS = 20
"""Approvals that the rule `earned` asks for."""
_READS = 0.6
"""Seconds for one of its cards, which has up to so many thousand characters."""


async def taken_back(w: World) -> None:
    """What ran is taken back, a person joins whoever asked for it, and that is taken back in its turn."""
    first = await w.submit("charge.issue", answer="ok", back="ok")
    await w.agent.outcome(first["id"])
    if not (rollback := await _way_back(w, first["id"])):
        return
    status, answer = await w.clients["ana"].act(first["id"], "rollback", {"reason": "so do I"})
    assert status in {200, 201, 409}, answer
    await decided(w, "ben", rollback, "approve")
    if (await w.agent.outcome(rollback["id"]))["execution"]["state"] != "executed":
        return
    if back := await _way_back(w, rollback["id"]):
        await w.agent.outcome(back["id"])


async def not_taken_back(w: World) -> None:
    """The way back is refused by its target: what ran stands as it was."""
    first = await w.submit("charge.issue", answer="ok", back="no")
    await w.agent.outcome(first["id"])
    if rollback := await _way_back(w, first["id"]):
        await decided(w, "ben", rollback, "approve")
        await w.agent.outcome(rollback["id"])


async def _way_back(w: World, request_id: str) -> Any:
    """None where there is none: the store was away for longer than a lease, so that the run was never begun."""
    status, answer = await w.agent.act(request_id, "rollback", {})
    if status == 409:
        run = (await w.agent.get(request_id))["execution"]
        assert run["state"] == "failed", answer
        assert "nothing was begun" in run["error"], run
        return None
    assert status in OK, answer
    return answer


async def harmed(w: World) -> None:
    """The agent says that what ran did harm; told twice, it is kept twice."""
    request = await w.submit("charge.issue", answer="ok", back="ok")
    await w.agent.outcome(request["id"])
    status, answer = await w.agent.act(request["id"], "incidents", {"severity": "low", "note": "It was the wrong one."})
    assert status == 200, answer
    w.told.harmed.append(request["id"])


async def looked_back(w: World) -> None:
    """What ran by rule is put before people, who confirm it, or say that it did harm."""
    for verb in ("approve", "reject"):
        request = await w.submit("charge.issue", answer="ok", back="ok")
        await w.agent.outcome(request["id"])
        review = await _of_the_house(w, REVIEW_AFTER, request=request["id"])
        if await decided(w, "ana", review, verb, comment="looked") and verb == "reject":
            w.told.harmed.append(request["id"])


async def practised(w: World) -> None:
    """A practice is put before people, who see through it; sent twice where its first answer was lost."""
    status, request = await w.clients["root"].call("POST", "/v1/drills", {"practice": "stranger"})
    assert status == 201, request
    await decided(w, "ana", request, "reject", comment="Who is that?")


async def earned(w: World) -> None:
    """An agent is right so often that it is granted something, which one rejection ends."""
    requests = [await w.submit("earned.issue", answer="ok") for _ in range(_EARNS)]
    for one, other in zip(requests[::2], requests[1::2], strict=True):
        # Nobody reads a card faster, and what nobody can have read is no evidence.
        await asyncio.sleep(_READS)
        await together(decided(w, "ivo", one, "approve"), decided(w, "uma", other, "approve"))
    proposed = await _proposed(w)
    await decided(w, "lea", proposed, "approve")
    ended = len(await _on_record(w, "trust.ended"))
    async with asyncio.timeout(PATIENCE):
        # The process that takes the next one may not know yet what was granted.
        while len(await _on_record(w, "trust.ended")) == ended:
            sampled = await w.submit("earned.issue", answer="ok")
            await decided(w, "ivo", sampled, "reject", comment="not this one")


async def _on_record(w: World, kind: str) -> tuple[AuditLine, ...]:
    return await w.beside.audit_search(AuditQuery(type=kind, limit=1000))


async def _proposed(w: World) -> Any:
    async with asyncio.timeout(PATIENCE):
        while True:
            status, answer = await w.clients["root"].call("POST", "/v1/trust/proposals", {})
            assert status == 200, answer
            if answer["proposed"] or await _listed(w, TRUST):
                return await _of_the_house(w, TRUST)
            await asyncio.sleep(0.3)


async def forgotten(w: World) -> None:
    """What a letter says of its reader is erased, once it was sent, or is never sent."""
    customer = f"canary-{w.number}-of-{w.chance.randrange(2**32)}"
    request = await w.submit("letter.send", answer="ok", customer=customer)
    await w.agent.outcome(request["id"])
    status, answer = await w.clients["root"].call("POST", "/v1/subjects/erasure", {"subject": customer, "cancel": True})
    # Not found: forgotten already, and the answer that said so was lost.
    assert status in {200, 404}, answer
    w.told.forgotten.append(customer)


async def _of_the_house(w: World, action: str, **about: str) -> Any:
    """The open request of the house's own with these arguments, once it is there."""
    async with asyncio.timeout(PATIENCE):
        while True:
            for request in await _listed(w, action):
                if about.items() <= request["arguments"].items():
                    return request
            await asyncio.sleep(0.1)


async def _listed(w: World, action: str) -> list[Any]:
    path = f"/v1/requests?action={action}&state=pending&limit=200"
    status, answer = await w.clients["root"].call("GET", path)
    assert status == 200, answer
    return list(answer["requests"])


HINDSIGHT = (taken_back, not_taken_back, harmed, looked_back, practised, earned, forgotten)
