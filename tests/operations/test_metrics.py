"""What Prometheus reads: its parser takes it, every figure that a dashboard or an alert names is there, and cheap."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bot import asked
from bot.clock import SystemClock
from bot.core.errors import Unavailable
from bot.core.histogram import Histogram
from bot.core.model import Role
from bot.core.ports import Stopped
from bot.core.ports.standing import Census, Load, Standing
from bot.counts import Counts
from store import SqlStore, open_store
from tests.fakes.receiver import End, Receiver, saying
from tests.stories.program import Program

DEPLOY = Path(__file__).parents[2] / "deploy"
NAMES = re.compile(r"\b(?:sayso|process)_[a-z_]+\b")


def named_in_alerts() -> set[str]:
    """Every figure in the expressions of the alerts."""
    groups = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return {name for group in groups for rule in group["rules"] for name in NAMES.findall(rule["expr"])}


def named_on_the_dashboard() -> set[str]:
    """Every figure in the expressions of the dashboard: panels, variables, annotations."""
    board = json.loads((DEPLOY / "grafana/sayso.json").read_text(encoding="utf-8"))
    said = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    said += [note["expr"] for note in board["annotations"]["list"]]
    said += [str(variable["query"]) for variable in board["templating"]["list"]]
    return {name for text in said for name in NAMES.findall(text)}


async def scraped(program: Program) -> dict[str, float]:
    """Every sample by its name and labels, as Prometheus's own parser reads them."""
    async with aiohttp.ClientSession() as http, http.get(f"{program.base}/metrics") as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = list(text_string_to_metric_families(await answer.text()))
    assert len({family.name for family in families}) == len(families)
    samples = [sample for family in families for sample in family.samples]
    found = {f"{s.name}{json.dumps(s.labels, sort_keys=True) if s.labels else ''}": float(s.value) for s in samples}
    assert len(found) == len(samples)
    return found


def names_of(found: dict[str, float]) -> set[str]:
    """The names of samples without their labels."""
    return {name.partition("{")[0] for name in found}


async def test_dashboard_and_alerts_name_figures_that_there_are(program: Program) -> None:
    """A running bot gives each of them, and their values are those of what happened."""
    key = "auditsk_" + base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    places = str(program.folder / "checkpoints.jsonl")
    program.environment |= {"SAYSO_AUDIT_KEY": key, "SAYSO_AUDIT_CHECKPOINTS": places}
    async with Receiver(saying(End.RESET)) as receiver:
        program.rules(receiver=receiver.url)
        async with program, program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
            lost = await agent.submit(arguments={"order": "1", "amount": 1}, confidence=0.9)
            rejected = await agent.submit()
            await ana.decide(rejected, "reject", comment="no", category="other")
            await agent.submit()
            await agent.until(lost["id"], lambda r: r["execution"]["state"] == "unknown")
            named = {name for name in named_in_alerts() | named_on_the_dashboard() if name != "up"}
            async with asyncio.timeout(20):
                while not named <= names_of(found := await scraped(program)):
                    await asyncio.sleep(0.2)
            async with asyncio.timeout(20):
                while found['sayso_executions{"state": "unknown"}'] != 1 or found["sayso_tick_age_seconds"] < 0:
                    await asyncio.sleep(0.2)
                    found = await scraped(program)
    assert found['sayso_requests_open{"state": "pending"}'] == 1
    assert found['sayso_requests_ended_total{"state": "rejected"}'] == 1
    assert found['sayso_requests_ended_total{"state": "approved"}'] == 1
    assert found["sayso_store_writable"] == 1
    assert found['sayso_channel_up{"channel": "push"}'] == 1
    assert found["sayso_audit_ok"] == 1
    assert 0 <= found["sayso_tick_age_seconds"] < 10
    assert 0 < found["sayso_oldest_open_seconds"] < 60
    assert found["sayso_deadline_overdue_seconds"] == 0
    assert found['sayso_http_seconds_count{"route": "/v1/requests"}'] == 3
    assert found["sayso_commit_seconds_count"] > 3
    assert found["process_open_fds"] > 5
    assert found["process_resident_memory_bytes"] > 10_000_000
    assert found["process_start_time_seconds"] > datetime(2026, 1, 1).astimezone().timestamp()
    assert [name for name in found if name.startswith("sayso_build_info") and '"store": "sqlite"' in name]


class Slow:
    """A store whose counting takes a while, and counts how often it was asked."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked = 0

    async def standing(self, _now: datetime) -> Standing:
        """Nothing is there."""
        return Standing(due=None, deadline=None, oldest=None, effect_due=None, effects={}, sessions=0)

    async def census(self) -> Census:
        """Nothing is there, and that takes its time to find out."""
        self.asked += 1
        await asyncio.sleep(self.seconds)
        return Census(requests={"pending": self.asked}, executions={})

    async def writable(self) -> bool:
        """As slowly."""
        self.asked += 1
        await asyncio.sleep(self.seconds)
        return True

    async def stopped(self) -> Stopped:
        """Nothing is, and it cannot be read."""
        raise Unavailable

    def load(self) -> Load:
        """Nothing was written."""
        return Load(0, Histogram())


async def test_counting_is_paid_once_however_often_it_is_scraped() -> None:
    """What was counted is kept, the longer the more it cost."""
    store: Any = Slow(0.2)
    counts = Counts(store, SystemClock())
    for _ in range(50):
        figures = await counts.figures()
        assert [f.value for f in figures if f.labels.get("state") == "pending"] == [1.0]
    assert store.asked == 1
    assert counts._census._until - asyncio.get_running_loop().time() > 15  # noqa: SLF001  # 100 × 0.2 s, from a moment ago


async def test_a_store_in_trouble_keeps_nobody_waiting_who_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not answered in time, or refused, is the worse answer; the question is asked once, however many ask."""
    monkeypatch.setattr(asked, "WITHIN", 0.05)
    store: Any = Slow(0.5)
    counts = Counts(store, SystemClock())
    assert await asyncio.gather(*(counts.writable.get() for _ in range(20))) == [False] * 20
    assert await counts.stopped.get() is None
    async with asyncio.timeout(30):
        while not await counts.writable.get():
            await asyncio.sleep(0)
    assert store.asked == 1


@pytest.fixture
async def store(tmp_path: Path) -> Any:
    """An empty store."""
    opened = await open_store(f"sqlite+aiosqlite:///{tmp_path}/sayso.db", exclusive=True)
    yield opened
    await opened.close()


async def test_the_figures_read_indexes_and_no_rows(store: SqlStore) -> None:
    """No look at the house walks a table of what is kept; requests are counted by an index that covers the count."""

    def plans(cursor: Any) -> list[str]:
        say = cursor.say.standing
        found = []
        for statement in (*say.ends, say.requests, *say.executions):
            cursor.driver.execute(f"EXPLAIN QUERY PLAN {statement.sql}")
            found.append(" / ".join(row[3] for row in cursor.driver.fetchall()))
        return found

    found = await store._reader.read(plans)  # noqa: SLF001  # plans are no business of a port
    *ends, requests, unfinished, troubled = found
    indexes = ("requests_due", "requests_deadline", "requests_open")
    assert all(f"SEARCH requests USING INDEX {name}" in plan for name, plan in zip(indexes, ends, strict=True)), ends
    assert "COVERING INDEX requests_state" in requests
    assert "executions_unfinished" in unfinished
    assert "executions_troubled" in troubled


def test_a_histogram_counts_what_is_at_most_each_bound() -> None:
    """Prometheus's buckets are cumulative, and the last holds all."""
    taken = Histogram((0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 5.0):
        taken.note(value)
    assert list(taken.below()) == [("0.1", 2), ("1", 3), ("+Inf", 4)]
    assert taken.count == 4
    assert taken.total == pytest.approx(5.65)
