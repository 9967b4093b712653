"""``sayso drill``, ``send`` and ``show`` against a running bot, as somebody at a terminal has them."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Any

import pytest

from bot.commands.drill import news
from bot.commands.requests import question
from tests.web.conftest import Office

ROOT = Path(__file__).parents[2]


async def started(folder: Path, *words: str, **variables: str) -> Process:
    """The command under way, with no variable of ours but these in its environment."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"} | variables
    command = [sys.executable, "-m", "bot", *words]
    return await asyncio.create_subprocess_exec(*command, cwd=folder, env=environment, stdout=PIPE, stderr=PIPE)


async def said(process: Process) -> tuple[int, str, str]:
    """Its status, what it printed, and what it complained of."""
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def drilled(office: Office, folder: Path, *more: str, by: str = "ops") -> tuple[int, str, str]:
    """What `sayso drill` says."""
    return await said(await started(folder, "drill", *more, "--url", office.base, "--key", office.keys[by]))


async def test_a_drill_says_whom_it_asks(office: Office, tmp_path: Path) -> None:
    """Who is asked, through what, and when the next step comes; nothing of it waits."""
    status, told, _ = await drilled(office, tmp_path, "finance")
    (drill,) = (await office.call("GET", "/v1/requests", "ops")).body["requests"]
    at, then = (drill[name][11:19] for name in ("created_at", "deadline"))
    assert status == 0
    assert told.splitlines()[0] == f"{drill['id']}  Drill of the chain finance"
    assert f"{at}  asked: ana, ben\n" in told
    assert "the inbox alone" in told
    assert f"{then}  the next step is asked too, unless somebody decides before\n" in told
    assert told.endswith(f"{drill['url']}\n")


@pytest.mark.parametrize(("decision", "more"), [("approve", {}), ("reject", {}), ("ask", {"comment": "is this real?"})])
async def test_a_drill_that_waits_ends_with_whoever_answers(
    office: Office, tmp_path: Path, decision: str, more: dict[str, Any]
) -> None:
    """Whatever a person says to it, it has reached them: status 0, and the last line says how it ended."""
    words = ("drill", "finance", "--wait", "--url", office.base)
    process = await started(tmp_path, *words, SAYSO_KEY=office.keys["ops"])
    drill: Any = None
    while drill is None:
        found = (await office.call("GET", "/v1/requests", "ops")).body["requests"]
        drill = next(iter(found), None)
    assert (await office.decided(drill, decision, **more)).status == 200
    status, told, _ = await said(process)
    assert status == 0
    assert f"{decision} by ana through api" in told
    assert told.splitlines()[-1].startswith(f"{drill['id']}  ")


async def test_a_drill_prints_what_the_api_gives(office: Office, tmp_path: Path) -> None:
    """As JSON, and nothing else beside it."""
    status, told, _ = await drilled(office, tmp_path, "finance", "--json")
    assert (status, json.loads(told)["action"]) == (0, "sayso.drill")


async def test_a_drill_that_may_not_be_is_told_so(office: Office, tmp_path: Path) -> None:
    """A chain that is not there, another's key, no key and no bot are status 2, each with what would be right."""
    status, _, complaint = await drilled(office, tmp_path, "nobody")
    assert (status, "there is no chain 'nobody'; there are: finance" in complaint) == (2, True)
    status, _, complaint = await drilled(office, tmp_path, "finance", by="billing")
    assert (status, "(403)" in complaint) == (2, True)
    status, _, complaint = await said(await started(tmp_path, "drill", "finance"))
    assert (status, "sayso key create NAME --admin" in complaint) == (2, True)
    gone = await started(tmp_path, "drill", "finance", "--url", "http://127.0.0.1:9", SAYSO_KEY="x")
    status, _, complaint = await said(gone)
    assert (status, "Is the bot up there?" in complaint) == (2, True)


def card(channel: str, to: str, state: str, at: str, **more: Any) -> dict[str, Any]:
    """A card, as the API gives it."""
    return {"channel": channel, "to": to, "state": state, "at": at, "person": None, "error": None} | more


def test_a_drill_tells_only_what_is_new() -> None:
    """Cards as they go out or fail, people as they are asked, and the time for which that was due."""
    first: dict[str, Any] = {
        "state": "pending",
        "assignees": ["ana"],
        "deliveries": [card("slack", "#approvals", "queued", "2026-03-02T09:00:00Z")],
        "decisions": [],
        "created_at": "2026-03-02T09:00:00Z",
        "deadline": "2026-03-02T09:15:00Z",
        "held_until": None,
    }
    assert news(None, first) == [
        "2026-03-02 09:00:00  asked: ana",
        "2026-03-02 09:00:00  slack to #approvals: queued",
        "2026-03-02 09:15:00  the next step is asked too, unless somebody decides before",
    ]
    assert news(first, first) == []
    sent = card("slack", "#approvals", "sent", "2026-03-02T09:00:01Z")
    missed = card("email", "lea@example.com", "failed", "2026-03-02T09:15:02Z", person="lea", error="550 no\nsuch user")
    second = first | {"assignees": ["ana", "lea"], "deliveries": [sent, missed], "deadline": None}
    assert news(first, second) == [
        "2026-03-02 09:15:00  asked: lea",
        "2026-03-02 09:00:01  slack to #approvals: sent",
        "2026-03-02 09:15:02  email to lea@example.com, lea: failed: 550 no such user",
    ]
    decided = second | {
        "state": "approved",
        "assignees": [],
        "decisions": [{"decision": "approve", "by": "lea", "channel": "email", "at": "2026-03-02T09:16:00Z"}],
    }
    assert news(second, decided) == ["2026-03-02 09:16:00  approve by lea through email"]


def test_whoever_waits_is_told_what_the_agent_is_asked() -> None:
    """Once, with where it is answered: nobody but the agent can go on, and a terminal that waits says nothing else."""
    known: dict[str, Any] = {"id": "req_1", "state": "pending", "decisions": []}
    made = {"decision": "ask", "by": "ana", "category": None, "comment": "Which order?"}
    asked = known | {"state": "needs_info", "decisions": [made]}
    assert question(known, asked).splitlines() == [
        "ask by ana: Which order?",
        "its agent answers at POST /v1/requests/req_1/information",
    ]
    assert question(asked, asked) == question(asked, asked | {"state": "pending"}) == question(known, known) == ""


def test_a_drill_that_reaches_nobody_says_so() -> None:
    """Where nobody can be asked, or not yet, that is the news."""
    bare: dict[str, Any] = {
        "state": "pending",
        "assignees": [],
        "deliveries": [],
        "decisions": [],
        "created_at": "2026-03-02T09:00:00Z",
        "deadline": None,
        "held_until": None,
    }
    assert news(None, bare) == ["          nobody can be asked now"]
    held = bare | {"held_until": "2026-03-03T09:00:00Z"}
    assert news(None, held) == ["2026-03-03 09:00:00  the first are asked, as nobody is there before"]


async def test_an_answer_comes_to_the_terminal(office: Office, tmp_path: Path) -> None:
    """A question that is sent and waited for ends with what the person answered."""
    question = {"action": "ask.customer", "kind": "question", "arguments": {"text": "Which of the two?"}}
    (tmp_path / "question.json").write_text(json.dumps(question), encoding="utf-8")
    words = ("send", "question.json", "--wait", "--url", office.base)
    process = await started(tmp_path, *words, SAYSO_KEY=office.keys["billing"])
    asked: Any = None
    while asked is None:
        asked = next(iter((await office.call("GET", "/v1/requests", "ops")).body["requests"]), None)
    await office.decided(asked, answer="the second")
    status, told, _ = await said(process)
    assert (status, told.splitlines()[1]) == (0, "answer  the second")


async def test_a_request_is_shown_with_all_that_became_of_it(office: Office, tmp_path: Path) -> None:
    """Its kind, options, checks, opinions and refusals, and a decision past its review, each in a line."""
    options = [{"id": "a", "title": "Dana", "arguments": {"to": "d@example.net"}}]
    options += [{"id": "b", "title": "Eve", "arguments": {"to": "e@example.com"}}]
    mine = await office.submitted(action="mail.send", arguments={}, kind="choice", options=options)
    seen = {"revision": mine["revision"], "digest": mine["digest"]}
    path = f"/v1/requests/{mine['id']}/assessments"
    assert (await office.call("POST", path, "checker", json=seen | {"opinion": "doubt", "note": "new"})).status == 201
    await office.decided(mine, answer="b", comment="she asked")
    asked = await office.submitted()
    await office.decided(asked, "ask", comment="Who is that?")
    path = f"/v1/requests/{asked['id']}/information"
    assert (await office.call("POST", path, "billing", json={"text": "A customer since 2019"})).status == 200
    emergency = await office.submitted(action="mail.send", arguments={"to": "d@example.net"})
    await office.decided(emergency, by="ben", break_glass=True, comment="the shop is down")
    database = {"SAYSO_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/sayso.db"}
    _, told, _ = await said(await started(tmp_path, "show", mine["id"], **database))
    for line in (
        "kind        choice",
        "option      a: Dana",
        "option      b: Eve, picked",
        "check       inside: passed",
        "opinion     checker on revision 1: doubt: new",
    ):
        assert line in told, told
    assert ", answer b: she asked" in told
    _, told, _ = await said(await started(tmp_path, "show", asked["id"], **database))
    assert "it answers  A customer since 2019" in told, told
    _, told, _ = await said(await started(tmp_path, "show", emergency["id"], **database))
    assert "through api, past the review, in an emergency: the shop is down" in told
    assert "execution   executing, by the agent itself" in told
    assert "\nwhy         " in told
    assert "check       inside: failed" in told
