"""What happens to the tortured program: each story takes requests one way that they can go, through whatever kills."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.torture.told import OK, PATIENCE
from tests.torture.world import World, together

TAKEN = frozenset({200, 409})
"""A decision counted now, or was overtaken: by another, or by this one's own first try, whose answer was lost."""


async def tiny(w: World) -> None:
    """Approved by a rule, run at once; an idempotent one is tried again."""
    action = w.chance.choice(["refund.issue", "credit.issue"])
    request = await w.submit(action, amount=3)
    await w.agent.outcome(request["id"])


async def retried(w: World) -> None:
    """Idempotent, and the target fails at first."""
    request = await w.submit("credit.issue", amount=3, answer="later ok")
    await w.agent.outcome(request["id"])


async def reviewed(w: World) -> None:
    """A person approves, it runs."""
    request = await w.submit()
    await decided(w, "ana", request, "approve")
    await w.agent.outcome(request["id"])


async def contested(w: World) -> None:
    """Two people at once, both ways: at most one of them is told that it counted."""
    request = await w.submit()
    verbs = ["approve", "reject"]
    w.chance.shuffle(verbs)
    counted = await asyncio.gather(
        decided(w, "ana", request, verbs[0], comment="so"), decided(w, "ben", request, verbs[1], comment="so")
    )
    assert sum(counted) <= 1, "two people were told that theirs was the one decision"
    await w.agent.outcome(request["id"])


async def edited(w: World) -> None:
    """A person changes an argument, and that runs."""
    request = await w.submit()
    arguments = {**request["arguments"], "amount": 100}
    await decided(w, "ben", request, "approve_with_edits", arguments=arguments)
    await w.agent.outcome(request["id"])


async def asked(w: World) -> None:
    """A question, its answer, and a decision on what it became."""
    request = await w.submit()
    await decided(w, "ana", request, "ask", comment="Which of the two?")
    await w.agent.until(request["id"], "needs_info", "pending")
    status, informed = await w.agent.act(request["id"], "information", {"text": "The second one."})
    if status == 200:
        w.told.informed[request["id"]] = informed["revision"]
    again = await w.agent.until(request["id"], "pending")
    assert again["revision"] == 2, again
    await decided(w, "ana", again, "approve")
    await w.agent.outcome(request["id"])


async def cancelled(w: World) -> None:
    """The agent withdraws it."""
    request = await w.submit()
    status, answer = await w.agent.act(request["id"], "cancel", {"reason": "not needed"})
    assert status in TAKEN, answer
    if status == 200:
        w.told.cancelled.append(request["id"])
    await w.agent.until(request["id"], "cancelled")


async def undone(w: World) -> None:
    """An approval is taken back in its window, where the window is long enough for that; then it is rejected."""
    request = await w.submit("slow.issue", answer="ok")
    await decided(w, "ana", request, "approve")
    status, again = await w.clients["ana"].act(request["id"], "undo", {"revision": 1})
    assert status in TAKEN, again
    if status == 200:
        w.told.undone[request["id"]] = 1
    again = await w.agent.get(request["id"])
    if again["state"] == "pending":
        await decided(w, "ben", again, "reject", comment="no")
    await w.agent.outcome(request["id"])


async def stopped(w: World) -> None:
    """Approved by a rule, and stopped by its agent before the window is over, where that comes in time."""
    request = await w.submit("slow.issue", amount=2, answer="ok")
    status, answer = await w.agent.act(request["id"], "cancel", {"reason": "a mistake"})
    assert status in TAKEN, answer
    if status == 200:
        w.told.cancelled.append(request["id"])
    await w.agent.outcome(request["id"])


async def own(w: World) -> None:
    """The agent runs it and says how it went."""
    request = await w.submit("deploy.start")
    await decided(w, "ana", request, "approve")
    state = w.chance.choice(["executed", "failed"])
    async with asyncio.timeout(PATIENCE):
        # While replays are stopped it may not run, so there is nothing to report yet.
        while not (await w.agent.get(request["id"]))["execution"]["ended_at"]:
            status, answer = await w.agent.act(request["id"], "outcome", {"state": state})
            assert status in TAKEN, answer
            if status == 200:
                w.told.reported[request["id"]] = state
                break
            await asyncio.sleep(0.05)
    done = await w.agent.outcome(request["id"])
    assert done["execution"]["state"] == state


async def hasty(w: World) -> None:
    """Reminded, escalated by the clock, decided by whoever is asked next."""
    request = await w.submit(way="hasty")
    await _level(w, request["id"])
    await decided(w, "lea", request, "approve")
    await w.agent.outcome(request["id"])


async def by_hand(w: World) -> None:
    """Escalated by a person."""
    request = await w.submit()
    await decided(w, "ana", request, "escalate", comment="above me")
    await _level(w, request["id"])
    await decided(w, "lea", request, "reject", comment="no")


async def expired(w: World) -> None:
    """Nobody decides in time."""
    request = await w.submit(more={"expires_in": "2s"})
    await w.agent.until(request["id"], "expired")


async def exhausted(w: World) -> None:
    """The chain comes to its end, which rejects."""
    request = await w.submit(way="ends")
    await w.agent.until(request["id"], "rejected")


async def lost(w: World) -> None:
    """The only person of a step cannot be reached, so the next step is asked."""
    request = await w.submit(way="lost")
    await _level(w, request["id"])
    await decided(w, "lea", request, "approve")
    await w.agent.outcome(request["id"])


async def two(w: World) -> None:
    """It takes two."""
    request = await w.submit(way="two")
    await together(decided(w, "ana", request, "approve"), decided(w, "ben", request, "approve"))
    done = await w.agent.outcome(request["id"])
    assert done["state"] == "approved", "both approved, and it still waits"


async def slowly(w: World) -> None:
    """Edited, which starts the count of approvals over; then it takes two to reject it."""
    request = await w.submit(way="slowly")
    arguments = {**request["arguments"], "amount": 99}
    await decided(w, "ana", request, "approve_with_edits", arguments=arguments)
    again = await w.agent.get(request["id"])
    assert again["revision"] == 2, again
    await decided(w, "ben", again, "reject", comment="no")
    await w.agent.get(request["id"])


async def unadvised(w: World) -> None:
    """Its advisor says nothing in time, so people are asked."""
    request = await w.submit(way="unadvised")
    async with asyncio.timeout(PATIENCE):
        while not (await w.agent.get(request["id"]))["assignees"]:
            await asyncio.sleep(0.05)
    await decided(w, "ana", request, "approve")
    await w.agent.outcome(request["id"])


async def early(w: World) -> None:
    """A batch that is decided before anybody's card of it has gone out."""
    await batch(w, carded=False)


async def batch(w: World, *, carded: bool = True) -> None:
    """Three at once, gathered into one message; decided together but for the one that was withdrawn."""
    name = f"batch-{w.number}"
    requests = [await w.submit(more={"batch": name}) for _ in range(3)]
    status, _ = await w.agent.act(requests[2]["id"], "cancel", {"reason": "no"})
    if status == 200:
        w.told.cancelled.append(requests[2]["id"])
    if carded:
        await _carded(w, requests[0]["id"])
    shown = [{"id": r["id"], "revision": r["revision"], "digest": r["digest"]} for r in requests[:2]]
    path = f"/v1/batches/{name}/decisions"
    status, answer = await w.clients["ana"].call("POST", path, {"decision": "approve", "requests": shown})
    assert status == 200, answer
    for result in answer["results"]:
        assert result["ok"] or result["error"]["code"] == "already_decided", result
    await together(*(w.agent.outcome(r["id"]) for r in requests[:2]))


async def advised(w: World) -> None:
    """A second opinion first, then people."""
    request = await w.submit(way="advised")
    said = {"opinion": "agree", "revision": 1, "digest": request["digest"]}
    status, answer = await w.clients["critic"].act(request["id"], "assessments", said)
    assert status in (201, 409), answer
    if status in OK:
        w.told.assessed.append(request["id"])
    await decided(w, "ana", request, "reject", comment="no")


async def glass(w: World) -> None:
    """Approved past its review."""
    request = await w.submit()
    await decided(w, "lea", request, "approve", break_glass=True, comment="the house burns")
    await w.agent.outcome(request["id"])


async def drilled(w: World) -> None:
    """A drill goes down a chain; it may be sent twice, since its caller cannot name it."""
    status, answer = await w.clients["root"].call("POST", "/v1/drills", {"chain": "finance"})
    assert status == 201, answer


async def blocked(w: World) -> None:
    """A rule refuses it, and somebody decides in vain."""
    request = await w.submit("records.delete")
    assert request["state"] == "blocked"
    status, _ = await w.clients["ana"].decide(request, "approve")
    assert status in (403, 409)


async def unclear(w: World) -> None:
    """Nobody knows whether it ran, until an admin does."""
    request = await w.submit(amount=3, answer="broken")
    done = await w.agent.outcome(request["id"])
    if done["execution"]["state"] == "failed" and "nothing was begun" in done["execution"]["error"]:
        return  # the store was away for longer than a lease
    assert done["execution"]["state"] == "unknown", done
    status, answer = await w.clients["root"].act(request["id"], "resolution", {"state": "failed", "note": "looked"})
    assert status in TAKEN, answer
    if status == 200:
        w.told.settled[request["id"]] = "failed"


async def waiting(w: World) -> None:
    """Left open: its card has to stand in the end."""
    await w.submit()


async def decided(w: World, who: str, request: Any, decision: str, **more: Any) -> bool:
    """Decide, through lost answers; whether this person was told that it counted."""
    status, answer = await w.clients[who].decide(request, decision, **more)
    assert status in TAKEN, (who, decision, status, answer)
    return status == 200


async def _level(w: World, request_id: str) -> None:
    async with asyncio.timeout(PATIENCE):
        while not (await w.agent.get(request_id))["escalation_level"]:
            await asyncio.sleep(0.05)


async def _carded(w: World, request_id: str) -> None:
    """Wait until a card of it stands, or a person has something to press."""
    async with asyncio.timeout(PATIENCE):
        while not any(d["state"] == "sent" for d in (await w.agent.get(request_id))["deliveries"]):
            await asyncio.sleep(0.05)


STORIES = (
    tiny, retried, reviewed, contested, edited, asked, cancelled, undone, stopped, own, hasty, by_hand, expired,
    exhausted, lost, two, slowly, unadvised, early, batch, advised, glass, drilled, blocked, unclear, waiting,
)  # fmt: skip
