"""What a start loads: the libraries of what is on, and of nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from store import open_store

ROOT = Path(__file__).parents[1]
OFF = (
    *("aiohttp", "alembic", "aiosmtplib", "apprise", "asyncpg", "authlib", "cryptography", "dkim"),
    *("greenlet", "holidays", "httpx", "imap_tools", "joserfc", "obstore", "opentelemetry", "slack_bolt", "slack_sdk"),
    *("ruamel.yaml", "sqlalchemy"),
)
ON_FOR_SLACK = {"aiohttp", "slack_sdk"}
SLACK = {"SLACK_API_URL": "http://127.0.0.1:9/", "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "signing-secret"}
"""Signed HTTP; nobody answers there."""
RULES = """\
version: 1
people: {ana: {name: Ana Silva}}
actions:
  refund.issue: {title: "Refund {{ order }}", execute: {webhook: "https://refunds.example/"}}
groups: {finance: [ana]}
chains: {finance: [{notify: [finance], wait: 1h}]}
rules:
  - {name: refunds, when: 'action == "refund.issue" && arguments.amount > 5', stages: [{chain: finance}]}
default: {stages: [{chain: finance}], expires: 24h}
"""
START = """\
import asyncio, os, sys
from datetime import UTC, datetime
from bot.commands.up import build
from bot.core.model import State
from bot.core.ports import AuditQuery, Filter, Wanted
from bot.core.ports.insight import FactQuery
from bot.settings import read_env, settings_of

async def start():
    bot = await build(settings_of(read_env(os.environ)))
    await bot.start()
    since = datetime(2026, 1, 1, tzinfo=UTC)
    for states in (None, (State.PENDING,), (State.APPROVED, State.REJECTED)):
        await bot.store.requests(Filter(states=states, agent="a", reviewer="ana", since=since))
    for wanted in (Wanted(), Wanted(waits_for="ana"), Wanted(asked=("ana",), action="a", escalated=True, text="x")):
        print(await bot.store.queue(wanted), await bot.store.queued(wanted), await bot.store.alike(wanted))
    await bot.store.audit_search(AuditQuery(actor="system", type="request.*", text="x", since=since))
    await bot.store.facts_of(FactQuery(agent="a", since=since))
    print(sorted(bot.channels), [name for name in sys.argv[1:] if name in sys.modules])
    await bot.stop()

asyncio.run(start())
"""


@pytest.mark.parametrize(("on", "needs"), [({}, set()), (SLACK, ON_FOR_SLACK)], ids=["no channel", "slack"])
async def test_a_start_loads_no_library_of_what_is_off(tmp_path: Path, on: dict[str, str], needs: set[str]) -> None:
    """On SQLite, with browsers that may take push and none that does, nothing that sends, seals or migrates is loaded.

    Nor does a listing, a page of the queue or a search load what compiles statements: their texts are kept in pieces.

    Each of these is 40 to 150 ms of a start, and 2 to 15 MB for good. With Slack on, bolt waits for Slack's first word.
    """
    url = f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}"
    await (await open_store(url, exclusive=True)).close()
    (tmp_path / "routing.yaml").write_text(RULES, encoding="utf-8")
    given = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SAYSO_SECRET": "x7PpVwqk3mJt9ZsR2uYc8LhN4dGf6BaE1iQoWvXz5Kj",
        "SAYSO_WEBHOOK_SECRET": "whsec_c29tZSB0aGlydHktdHdvIGJ5dGVzIG9mIHNlY3JldCE=",
        "SAYSO_DATABASE_URL": url,
        **on,
    }
    words = [sys.executable, "-c", START, *(name for name in OFF if name not in needs)]
    shown = subprocess.run(words, cwd=tmp_path, env=given, capture_output=True, text=True, check=False)  # noqa: ASYNC221, S603  # our own interpreter, and nothing else is under way
    channels = ["push", "slack"] if on else ["push"]
    listed = ["() 0 ()"] * 3
    assert (shown.stdout.splitlines(), shown.returncode) == ([*listed, f"{channels} []"], 0), shown.stderr
