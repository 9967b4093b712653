"""``sayso trust``: what is there, one grant and its rule, and its end, beside a bot or without one."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from bot.__main__ import main
from bot.core.ports import Tx
from bot.core.trust.grants import Grant, GrantState, terms_of
from bot.routing import parse
from store import open_store
from tests.databases import lay

FILE = """version: 1
people: {ana: {email: ana@example.com}, lea: {email: lea@example.com, role: admin}}
chains: {finance: [{notify: [ana]}], admins: [{notify: [lea]}]}
rules:
  - name: refunds
    when: action == "refund.issue"
    stages: [{chain: finance}]
    trust: {ask: admins, bands: {arguments.amount: [50]}}
default: {stages: [{chain: finance}]}
"""


POLICY = parse(FILE, "routing.yaml")


def put(tx: Tx, grant: Grant) -> None:
    """Write it."""
    tx.put_grant(grant)


async def _granted(path: Path) -> None:
    now = datetime.now(UTC)
    grant = Grant(
        id="grt_1",
        rule="refunds",
        terms=terms_of(POLICY, POLICY.rules[0], "refund.issue"),
        agent="billing",
        action="refund.issue",
        ceilings={"/amount": 50.0},
        level=0,
        confidence=None,
        irreversible=False,
        sample=0.1,
        per_day=18,
        lasts=timedelta(days=30),
        ask="admins",
        request="req_1",
        proposed_at=now,
        state=GrantState.IN_FORCE,
        by="lea",
        granted_at=now,
        until=now + timedelta(days=30),
    )
    store = await open_store(f"sqlite+aiosqlite:///{path}", exclusive=True)
    await store.write(partial(put, grant=grant))
    await store.close()


def test_a_grant_is_listed_shown_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its rule can be written into the file as printed; once ended, there is nothing more to end (status 1)."""
    (tmp_path / "routing.yaml").write_text(FILE, encoding="utf-8")
    lay(tmp_path / "sayso.db")
    asyncio.run(_granted(tmp_path / "sayso.db"))
    monkeypatch.chdir(tmp_path)

    def said(words: str) -> tuple[int, str]:
        return main(words.split()), capsys.readouterr().out

    status, listed = said("trust list")
    assert status == 0
    assert "billing  refund.issue  (refunds)" in listed
    assert "/amount up to 50: 0 of 0 unchanged, at least 0.0%; missing: 0 of 100 decisions" in listed
    assert "grt_1: in force for /amount up to 50 until" in listed
    for amount, lies in ((7, "covers this: it would run"), (51, "does not cover this: people are asked")):
        asked = json.dumps({"action": "refund.issue", "arguments": {"amount": amount}})
        (tmp_path / "request.json").write_text(asked, encoding="utf-8")
        explained = said("explain request.json --agent billing")[1]
        assert "grt_1 lets /amount up to 50 run until" in explained
        assert lies in explained
    assert json.loads(said("explain request.json --json")[1])["grants"] == []
    monkeypatch.setenv("SAYSO_DATABASE_URL", "sqlite+aiosqlite:///elsewhere.db")
    assert "was not looked at (There is no database at" in said("explain request.json --agent billing")[1]
    monkeypatch.delenv("SAYSO_DATABASE_URL")
    told = json.loads(said("trust show grt_1 --json")[1])
    added = [line.removeprefix("+") for line in told["change"].splitlines() if line.startswith("+")]
    made = parse(FILE.replace("rules:\n", "\n".join(["rules:", *added, ""])), "routing.yaml").rules[0]
    assert (made.sample, made.limit and made.limit.count) == (0.1, 18)
    assert said("trust show grt_2")[0] == 1
    ended = json.loads(said("trust end grt_1 --why quick --json")[1])
    assert (ended["grant"]["ending"], ended["grant"]["why"]) == ("admin", "quick")
    assert said("trust end grt_1 --why quick") == (1, "There is nothing of grt_1 to end.\n")
    # Its admins are told in the inbox.
    assert "sayso.trust_ended" in said("list --json")[1]
