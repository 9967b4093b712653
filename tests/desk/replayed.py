"""The tables as the audit trail alone tells them (promise P13), written here without any of the store's own code."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import msgspec

from bot.core.ports import Filter
from store import SqlStore


async def prove(store: SqlStore) -> int:
    """Check the chain, replay every event, and compare with every table; how many requests there were."""
    told: dict[str, dict[str, Any]] = {}
    revisions: dict[tuple[str, int], Any] = {}
    previous = "0" * 64
    for line in await store.audit_lines(0, 1_000_000):
        assert line.previous == previous
        assert line.hash == hashlib.sha256(previous.encode() + line.body.encode()).hexdigest()
        previous = line.hash
        _apply(told, revisions, json.loads(line.body))
    known = await _all(store)
    assert {request["id"] for request in known} == told.keys()
    for request in known:
        kept = told[request["id"]]
        assert request.pop("content") == revisions[request["id"], kept["columns"].pop("revision")]
        assert request.pop("decisions") == kept["decisions"]
        assert request.pop("execution") == kept["execution"]
        assert request == kept["columns"]
        sent = [json.loads(msgspec.json.encode(d)) for d in await store.deliveries(request["id"])]
        assert sent == list(kept["deliveries"].values())
    return len(known)


def _apply(told: dict[str, dict[str, Any]], revisions: dict[tuple[str, int], Any], event: dict[str, Any]) -> None:
    data, request = event["data"], event["request"]
    if request is None:
        return
    kept = told.setdefault(request, {"columns": {}, "decisions": [], "execution": None, "deliveries": {}})
    kept["columns"] |= data.get("request", {})
    if "revision" in data:
        revisions[request, data["revision"]["number"]] = data["revision"]
    if "decision" in data:
        kept["decisions"].append(data["decision"])
    if "execution" in data:
        kept["execution"] = data["execution"]
    for delivery in data.get("deliveries", ()):
        kept["deliveries"][delivery["id"]] = delivery


async def _all(store: SqlStore) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while page := await store.requests(Filter(cursor=cursor, limit=500)):
        found += [json.loads(msgspec.json.encode(request)) for request in page]
        cursor = page[-1].id
    return found
