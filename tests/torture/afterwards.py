"""What comes after a run or a decision, held to the store and the trail: ways back, harm, trust, what is erased."""

from __future__ import annotations

from collections import Counter

from bot.checkpoints.file import lines_of
from bot.core.checkpoint import genuine
from bot.core.model import ExecutionState, Request
from bot.core.ports import AuditQuery
from bot.core.trust.grants import GrantState
from store import SqlStore
from tests.torture.tables import held
from tests.torture.world import World

_MOST = 1000


async def in_hindsight(w: World, store: SqlStore, requests: dict[str, Request]) -> list[str]:
    """What does not hold of it, a line each."""
    found = [fault for value in requests.values() for fault in taken_back(value, requests)]
    for request_id in set(w.told.harmed):
        run, told = requests[request_id].execution, w.told.harmed.count(request_id)
        if run is None or len(run.incidents) < told:
            found.append(f"{request_id}: {told} incidents were acknowledged, and its run is {run}")
    kept = repr(await held(w.lives.url))
    found += [f"{subject} was erased, and is still there" for subject in w.told.forgotten if subject in kept]
    return [*found, *await trusted(store), *await signed(w, store)]


def taken_back(value: Request, requests: dict[str, Request]) -> list[str]:
    """A run and what took it back say the same of each other, and of no run were two ways back begun at once."""
    run = value.execution
    back = requests.get(run.rollback) if run is not None and run.rollback is not None else None
    if run is None or back is None:
        return []
    then = back.execution.state if back.execution is not None else None
    # What was taken back and that taken back in its turn is in force again.
    ways = {
        ExecutionState.ROLLED_BACK: (ExecutionState.EXECUTED, ExecutionState.ROLLING_BACK),
        ExecutionState.ROLLING_BACK: (ExecutionState.UNKNOWN,),
    }
    usual = (
        None,
        *(state for state in ExecutionState if state not in (ExecutionState.EXECUTED, ExecutionState.UNKNOWN)),
    )
    if then in ways.get(run.state, usual):
        return []
    return [f"{value.id} is {run.state}, and {back.id}, which takes it back, is {then}"]


async def trusted(store: SqlStore) -> list[str]:
    """Each grant was proposed once, is in force by one decision at the most, and ended once, as its row says."""
    said: dict[str, Counter[str]] = {}
    for kind in ("proposed", "granted", "ended"):
        lines = await store.audit_search(AuditQuery(type=f"trust.{kind}", limit=_MOST))
        said[kind] = Counter(grant.id for grant in await store.grants() for line in lines if grant.id in line.body)
    found = []
    for grant in await store.grants():
        counts = {kind: said[kind][grant.id] for kind in said}
        granted = grant.granted_at is not None
        if counts != {"proposed": 1, "granted": int(granted), "ended": int(grant.state is GrantState.ENDED)}:
            found.append(f"{grant.id} is {grant.state}, and the trail tells of it: {counts}")
    return found


async def signed(w: World, store: SqlStore) -> list[str]:
    """Whatever was put at a place outside is ours, and what it signs is the trail's."""
    if not w.lives.kept.exists():
        return ["no checkpoint was ever kept"]
    found = []
    for each in lines_of(w.lives.kept.read_bytes(), "kept"):
        (line,) = await store.audit_lines(each.signed.checkpoint.seq - 1, 1)
        if not genuine(each.signed) or line.hash != each.signed.checkpoint.hash:
            found.append(f"{each.where} is not what the trail says")
    return found
