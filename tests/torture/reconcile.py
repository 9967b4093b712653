"""After the last life: what clients were told, the store, the audit, the targets and the cards, held to each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from bot.core.model import Delivery, DeliveryState, Execution, ExecutionState, Request, Verb
from bot.core.ports import Filter
from store import SqlStore, open_store
from store.audit import replay
from store.chain import verify_store
from tests.fakes.slack import buttons
from tests.torture.afterwards import in_hindsight
from tests.torture.tables import UNTOLD, held
from tests.torture.world import World

_LETS_THROUGH = (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)
_MAY_HAVE_RUN = (
    *(ExecutionState.EXECUTED, ExecutionState.UNKNOWN),
    *(ExecutionState.ROLLING_BACK, ExecutionState.ROLLED_BACK),
)


async def reconcile(w: World) -> None:
    """Raises an `ExceptionGroup` of `AssertionError`, one a thing that does not hold."""
    faults: list[str] = []
    store = await open_store(w.lives.url, exclusive=False)
    try:
        report = await verify_store(store)
        if not report.ok:
            faults.append(report.text())
        told = replay(await store.audit_lines(0, 10_000_000), await store.seals())
        faults += told_apart(told, await held(w.lives.url))
        requests = {value.id: value for value in await store.requests(Filter(limit=100_000))}
        faults += submitted(w, requests)
        faults += decided(w, requests)
        faults += said(w, requests)
        for value in requests.values():
            faults += ran(w, value)
            faults += carded(w, value, await store.deliveries(value.id))
        faults += await owed(store)
        faults += await in_hindsight(w, store, requests)
        faults += w.lives.late
    finally:
        await store.close()
    if faults:
        raise ExceptionGroup("it does not add up", [AssertionError(fault) for fault in faults])


def told_apart(told: object, kept: object) -> list[str]:
    """Whether replaying the audit rebuilds the tables, row by row."""
    found = []
    for table in ("requests", "revisions", "decisions", "executions", "deliveries"):
        said_rows, held_rows = _told_of(getattr(told, table)), getattr(kept, table)
        found += [
            f"{table} {key}: audit {said_rows.get(key)} tables {held_rows.get(key)}"
            for key in said_rows.keys() | held_rows.keys()
            if said_rows.get(key) != held_rows.get(key)
        ]
    return found


def _told_of(rows: Mapping[Any, Mapping[str, Any]]) -> dict[Any, dict[str, Any]]:
    return {key: {name: row[name] for name in row if name not in UNTOLD} for key, row in rows.items()}


def submitted(w: World, requests: dict[str, Request]) -> list[str]:
    """Every 201 is there, once, with its own content."""
    found = []
    for key, (request_id, body, agent) in w.told.submitted.items():
        value = requests.get(request_id)
        if value is None:
            found.append(f"{key} was acknowledged as {request_id} and is gone")
        elif (value.agent, value.action) != (agent, body["action"]):
            found.append(f"{request_id} is not what {key} submitted")
    own = [v for v in requests.values() if v.agent == "billing" and v.route.practice is None]
    orders = Counter(str(v.content.arguments["order"]) for v in own if "order" in v.content.arguments)
    found += [f"{order} is there {count} times" for order, count in orders.items() if count > 1]
    return found


def decided(w: World, requests: dict[str, Request]) -> list[str]:
    """Every acknowledged vote stands as it was; nobody voted twice; only one decision ends a request."""
    found = []
    for vote in w.told.votes:
        edit = vote.decision == Verb.APPROVE_WITH_EDITS
        standing = [
            kept
            for kept in requests[vote.request].decisions
            if (kept.by, str(kept.decision)) == (vote.by, vote.decision)
            and kept.revision in (vote.revision, vote.revision + edit)
        ]
        if len(standing) != 1:
            found.append(f"{vote} was acknowledged and stands {len(standing)} times")
    for value in requests.values():
        voices = Counter((d.by, d.revision) for d in value.decisions if d.decision not in (Verb.ASK, Verb.ESCALATE))
        found += [f"{value.id}: {voice} counted {times} times" for voice, times in voices.items() if times > 1]
        votes = [d.decision for d in value.decisions if d.revision == value.revision]
        both = Verb.REJECT in votes and not set(votes).isdisjoint(_LETS_THROUGH)
        if both and value.route.rule not in ("two", "slowly"):
            found.append(f"{value.id} was approved and rejected")
    return found


def said(w: World, requests: dict[str, Request]) -> list[str]:
    """What agents, advisors and admins were told of their own words."""
    found = []
    for request_id in w.told.cancelled:
        value = requests[request_id]
        run = value.execution
        if value.state != "cancelled" and (run is None or run.state is not ExecutionState.CANCELLED):
            found.append(f"{request_id} was withdrawn and is {value.state}")
    for request_id, state in (w.told.reported | w.told.settled).items():
        run = requests[request_id].execution
        if run is None or run.state != state:
            found.append(f"{request_id} was reported as {state} and is {run.state if run else None}")
    for request_id, revision in (w.told.informed | w.told.undone).items():
        if requests[request_id].revision < revision:
            found.append(f"{request_id} had revision {revision} and has {requests[request_id].revision}")
    found += [f"{i}: its opinion is gone" for i in w.told.assessed if len(requests[i].advice) != 1]
    return found


def ran(w: World, value: Request) -> list[str]:
    """What the target counted against what is recorded of a request's newest execution."""
    run = value.execution
    if run is None:
        left = value.state.approved and value.kind.runs and value.action != "sayso.drill"
        return [f"{value.id} is {value.state} and has no execution"] if left and value.agent == "billing" else []
    effects, done = w.target.effects[run.id], w.target.done[run.id]
    found = []
    if run.by_agent:
        return [f"{run.id} is the agent's to run, and was sent"] if effects else []
    if not run.state.ended and run.state is not ExecutionState.ROLLING_BACK:
        found.append(f"{run.id} is {run.state} still")
    if not run.idempotent and effects > 1:
        found.append(f"{run.id} happened {effects} times")
    if effects > run.attempts:
        found.append(f"{run.id} happened {effects} times in {run.attempts} attempts")
    if run.state is ExecutionState.EXECUTED and not done:
        found.append(f"{run.id} is executed, and its target never said so")
    if done and run.state not in _MAY_HAVE_RUN and value.id not in w.told.settled:
        found.append(f"{run.id} was done, and is {run.state}")
    if done and run.state is ExecutionState.UNKNOWN and not w.lives.killed:
        found.append(f"{run.id} was done and is unknown, though nothing was killed")
    # What was erased says nothing any more, nor why it is unknown.
    return found if value.content.action == "letter.send" else found + silent(run, effects)


def silent(run: Execution, effects: int) -> list[str]:
    """Nothing is unknown, failed or cancelled without a word, or though it did happen."""
    if run.state in (ExecutionState.UNKNOWN, ExecutionState.FAILED) and not run.error:
        return [f"{run.id} is {run.state} without a word"]
    if run.state is ExecutionState.CANCELLED and effects:
        return [f"{run.id} was cancelled and happened"]
    return []


def carded(w: World, value: Request, deliveries: tuple[Delivery, ...]) -> list[str]:
    """Cards stand where they should, say what is so, and none that was forgotten still offers its buttons."""
    found = []
    if value.state.open and value.kind.runs and not any(d.state is DeliveryState.SENT for d in deliveries):
        found.append(f"{value.id} is open and nobody has its card: {deliveries}")
    for delivery in deliveries:
        if delivery.state is DeliveryState.QUEUED:
            found.append(f"{delivery.id} of {value.id} is neither sent nor given up")
        if delivery.state is DeliveryState.SENT and not _stands(w, delivery):
            found.append(f"{delivery.id} is sent, and no message is there")
        if delivery.state is DeliveryState.SENT and value.state.open and delivery.revision != value.revision:
            found.append(f"{delivery.id} shows revision {delivery.revision} of {value.revision}")
    for delivery in deliveries:
        found += _copies(w, value, delivery)
    return found


def _copies(w: World, value: Request, delivery: Delivery) -> list[str]:
    """A card may be sent twice where a process died in between, and none may go on offering what is over."""
    found = []
    for message in w.slack.messages():
        named = ((message.metadata or {}).get("event_payload") or {}).get("delivery")
        offers = not {"approve", "approve_all"}.isdisjoint(buttons(message))
        if named == delivery.id and offers and not value.state.open and "bundle" not in (delivery.handle or {}):
            other = "" if message.ts == (delivery.handle or {}).get("ts") else ", a second one that nobody updates"
            found.append(f"{value.id} is {value.state}, and its card {message.ts} still offers to approve it{other}")
    return found


def _stands(w: World, delivery: Delivery) -> bool:
    handle = delivery.handle or {}
    return any((m.channel, m.ts) == (handle.get("channel"), handle.get("ts")) for m in w.slack.messages())


async def owed(store: SqlStore) -> list[str]:
    """No effect is left behind."""
    return [f"left behind: {effect}" for effect in await store.write(lambda tx: tx.effects())]
