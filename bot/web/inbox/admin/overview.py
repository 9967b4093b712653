"""``/admin``: whether the house is well, what went wrong, which rules are in force, and the switches of replays."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import Fault, Invalid
from bot.core.model import ExecutionState
from bot.core.policy import Policy
from bot.core.ports import AuditQuery, Store, Wanted
from bot.web.inbox.admin.door import page_of
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import words
from bot.web.inbox.pages import see_other
from bot.web.inbox.site import VIA, Site

ADMIN = "/admin"
MOST = 100
"""Of what went wrong, the newest that are shown and counted; there are no more pages of it."""

_RULES = "rules"
_LOOKED_AT = 100
_NAMES, _LONGEST_NAME = 500, 200
NO_NAME = words("The form does not name the agent or the action, so nothing was changed.")
NO_SWITCH = words("The form does not say whether to stop or to start, so nothing was changed.")

PARTS = {
    "store": words("Store"),
    "scheduler": words("Scheduler"),
    _RULES: words("Rules"),
    "slack": words("Slack"),
    "email": words("Mail"),
    "push": words("Push"),
    "replays": words("Replays"),
    "replicas": words("Replicas"),
    "audit": words("Audit trail"),
    "checkpoints": words("Signed checkpoints"),
}


class Loaded(Struct, frozen=True, kw_only=True):
    """The rules in force: their hash, since when, and why the file as it is now is refused (None: it is not).

    ``since`` None: longer than the last hundred readings go back.
    """

    hash: str
    since: datetime | None
    refused: str | None = None
    refused_at: datetime | None = None


async def show(site: Site, _http: Http, visitor: Visitor) -> Response:
    """``GET /admin``."""
    house = site.house
    probes = await house.probes()
    bad_file = any(probe.name == _RULES and not probe.ok for probe in probes)
    stopped = await house.desk.stopped()
    troubled = await house.store.troubled(MOST)
    failed = sum(r.execution is not None and r.execution.state is ExecutionState.FAILED for r in troubled)
    return page_of(
        site,
        visitor,
        "overview",
        probes=probes,
        parts=PARTS,
        paused=stopped.everything,
        stopped=stopped,
        by_name=[*(("agent", name) for name in stopped.agents), *(("action", name) for name in stopped.actions)],
        names=_names(house.policy(), await house.store.open_names()),
        rules=await _loaded(house.store, house.policy().hash, refused=bad_file),
        waiting=await house.store.queued(Wanted()),
        undelivered=len(await house.store.undelivered(MOST)),
        failed=failed,
        unknown=len(troubled) - failed,
        # Going through a thousand rules takes a third of a second, which nobody else shall wait for.
        warnings=len(await asyncio.to_thread(house.warnings)),
        head=await house.store.audit_head(),
        most=MOST,
    )


async def switch(site: Site, _http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /admin/replays``: stop or start all replays, or those of one agent or action (``kind``, ``name``).

    What is already running is not torn down.
    """
    wanted, kind, name = form.get("replays"), form.get("kind"), form.get("name", "").strip()
    if wanted not in ("stop", "start") or kind not in (None, "agent", "action"):
        raise Invalid(NO_SWITCH, faults=(Fault("/replays", "required", NO_SWITCH),))
    if kind is not None and not 0 < len(name) <= _LONGEST_NAME:
        raise Invalid(NO_NAME, faults=(Fault("/name", "required", NO_NAME),))
    agent, action = (name if kind == each else None for each in ("agent", "action"))
    await site.house.desk.pause(on=wanted == "stop", by=visitor.actor, via=VIA, agent=agent, action=action)
    return see_other(ADMIN)


def _names(policy: Policy, waiting: tuple[tuple[str, ...], tuple[str, ...]]) -> tuple[str, ...]:
    """The agents and actions that the file lists or that wait, for whoever types one of them."""
    return tuple(sorted({*policy.agents, *policy.actions, *waiting[0], *waiting[1]}))[:_NAMES]


async def _loaded(store: Store, hashed: str, *, refused: bool) -> Loaded:
    """Since when these rules are in force, out of the trail: every start and every change of the file has a line."""
    lines = await store.audit_search(AuditQuery(type="config.*", limit=_LOOKED_AT))
    since, events = None, [json.loads(line.body) for line in lines]
    for event in events:
        if event["type"] == "config.loaded":
            if event["data"].get("policy") != hashed:
                break
            since = _at(event)
    else:
        since = since if len(lines) < _LOOKED_AT else None
    last = next((e for e in events if refused and e["type"] == "config.refused"), None)
    return Loaded(
        hash=hashed,
        since=since,
        refused=str(last["data"].get("reason", "")) if last else ("" if refused else None),
        refused_at=_at(last) if last else None,
    )


def _at(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["at"])
