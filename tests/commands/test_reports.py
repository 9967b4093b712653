"""``sayso examples export`` and ``sayso report``: files, status and words, and what the trail says of it."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from bot.core.model import Verb
from tests.commands.test_audit import sayso
from tests.desk.house import RULES, open_house

ENV = "SAYSO_DATABASE_URL=sqlite+aiosqlite:///sayso.db\nSAYSO_CONFIG=routing.yaml\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a store in which two requests were decided, its rules, and a .env."""

    async def live() -> None:
        async with open_house(tmp_path / "sayso.db") as house:
            for verb, amount in ((Verb.APPROVE, 40), (Verb.REJECT, 50)):
                request = await house.submit(arguments={"order": "canary-1", "amount": amount})
                await house.decide(request, "ana", verb)

    asyncio.run(live())
    (tmp_path / ".env").write_text(ENV, encoding="utf-8")
    (tmp_path / "routing.yaml").write_text(RULES.replace("RECEIVER", "http://127.0.0.1:9"), encoding="utf-8")
    return tmp_path


def told(folder: Path, kind: str) -> list[dict[str, object]]:
    """What the trail says of a type, oldest first."""
    with sqlite3.connect(folder / "sayso.db") as database:
        bodies = [json.loads(body) for (body,) in database.execute("SELECT body FROM events ORDER BY seq")]
    database.close()
    return [body for body in bodies if body["type"] == kind]


def test_examples_are_written_and_on_record(folder: Path) -> None:
    """A file, or standard output; what was left out is not in it; the hash that is on record is the file's."""
    wrote = sayso(folder, "examples export --verdict rejected --without arguments.order examples.jsonl")
    assert wrote.returncode == 0
    raw = (folder / "examples.jsonl").read_bytes()
    (line,) = map(json.loads, raw.splitlines())
    assert (line["verdict"], line["proposed"]["amount"]) == ("rejected", 50)
    assert b"canary" not in raw
    (event,) = told(folder, "examples.exported")
    data = event["data"]
    assert isinstance(data, dict)
    assert (data["count"], data["sha256"]) == (1, hashlib.sha256(raw).hexdigest())
    assert str(event["actor"]).startswith("cli:")
    assert data["sha256"] in wrote.stderr
    for wrong in ("--verdict maybe x", "--without reason x", "--from 2026-02-02 --to 2026-01-01 x", "no/such/folder/x"):
        assert sayso(folder, f"examples export {wrong}").returncode == 2, wrong
    assert len(told(folder, "examples.exported")) == 1


def test_a_report_is_written_and_says_what_it_found(folder: Path) -> None:
    """0 where all is well; 1 where somebody laid hands on the rows; the document is on record as taken."""
    good = sayso(folder, "report --html report.html --json")
    assert good.returncode == 0, good.stderr
    figures = json.loads(good.stdout)
    assert (figures["decisions"]["rows"], figures["decisions"]["agree"]) == (2, True)
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert text.count('class="mono digest"') == 2
    assert [event["data"]["whole"] for event in told(folder, "report.taken")] == [True]  # type: ignore[index]  # an object
    brief = sayso(folder, "report --summary --html brief.html --from 2026-03-01 --to 2026-04-01")
    assert "2 and 2 decisions" in brief.stdout
    assert 'class="mono digest"' not in (folder / "brief.html").read_text(encoding="utf-8")
    with sqlite3.connect(folder / "sayso.db") as database:
        database.execute("""UPDATE decisions SET body = replace(body, '"by":"ana"', '"by":"dan"')""")
    database.close()
    bad = sayso(folder, "report")
    assert bad.returncode == 1
    assert "do NOT agree" in bad.stdout
    assert sayso(folder, "report --from 2026-04-01 --to 2026-03-01").returncode == 2
    assert sayso(folder, "report --html no/such/folder/x.html").returncode == 2
