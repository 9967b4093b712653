"""Who comes into the house's pages, and who may do what there: a table of every page and form by every role."""

from __future__ import annotations

import json

from bot.core.model import PersonRole, Role
from bot.core.ports import AuditQuery
from bot.web.inbox.admin import FORMS, PAGES
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import FOREIGN
from tests.web.inbox.house import Standing
from tests.web.inbox.trouble import lost
from tests.web.inbox.trusted import granted

FILLED: dict[str, dict[str, str]] = {
    "/admin/people/sessions": {"person": "ana", "session": "all"},
    "/admin/executions/{id}": {"state": "failed", "note": "looked there"},
    "/admin/replays": {"replays": "stop"},
    "/admin/keys": {"name": "newcomer", "role": "agent"},
    "/admin/keys/{key}/revoke": {},
    "/admin/trust/{grant}/end": {"why": "too quick"},
    "/admin/audit/export": {"format": "jsonl"},
    "/admin/report": {"summary": "1"},
    "/admin/examples/export": {"take:req_1": "of something else"},
}
"""What each form holds that would do something."""

DONE = {"/admin/keys": 200, "/admin/audit/export": 200, "/admin/report": 200, "/admin/examples/export": 409}

READ_BY = {"/sign-out", "/admin/audit", "/admin/audit/export", "/admin/report", "/admin/examples"}
"""Where an auditor's forms go: to search, and to take a copy or a report."""


async def filled(house: Standing, path: str) -> str:
    """The address of a form, for a run of unknown outcome and for a key in force."""
    if "{id}" in path:
        return path.format(id=(await lost(house)).id)
    if "{grant}" in path:
        return path.format(grant=(await granted(house)).id)
    key, _ = await house.access.new_key("standing", Role.AGENT, by="tests")
    return path.format(key=key.id)


async def refusals(house: Standing) -> list[tuple[str, str]]:
    """Every refusal on record: by whom, why."""
    lines = await house.store.audit_search(AuditQuery(type="refusal"))
    events = [json.loads(line.body) for line in lines]
    return [(event["actor"], event["data"]["reason"]) for event in events]


def test_every_form_stands_in_the_table() -> None:
    """A form that is added is tried, too."""
    assert set(FILLED) == {path for path, _ in FORMS}


async def test_t23_pages_are_for_admins_and_auditors(run: Standing, visit: Visit) -> None:
    """Both see every page; a reviewer is told whose it is, a stranger signs in first; nothing of it is written.

    An auditor is offered nothing that they may not do: the only forms are to sign out, to search and to take a copy.
    """
    await lost(run)
    await run.access.new_key("standing", Role.AGENT, by="tests")
    kim, lea, ana, nobody = [await visit(name) for name in ("kim", "lea", "ana", None)]
    before = await run.lines()
    for path, _ in PAGES:
        assert (await kim.get(path)).status == 200, path
        seen = await lea.get(path)
        assert (seen.status, seen.headers["cache-control"]) == (200, "no-store"), path
        sent_to = {part.split('"')[0] for part in seen.text.split('action="')[1:]}
        assert sent_to - READ_BY == set(), path
        closed = await ana.get(path)
        assert closed.status == 403, path
        assert "This is for those who run Sayso" in closed.words
        assert "ask Kim Tran" in closed.words
        stranger = await nobody.get(path)
        assert (stranger.status, stranger.headers["location"]) == (303, f"/sign-in?next={path}")
    assert await run.lines() == before


async def test_forms_are_for_admins(run: Standing, visit: Visit) -> None:
    """An admin's form counts; an auditor's and a reviewer's are refused and recorded, a stranger's goes nowhere."""
    readers = {who: await visit(who) for who in ("ana", "lea", "kim")}
    nobody = await visit(None)
    for path, fields in FILLED.items():
        address = await filled(run, path)
        before = await run.lines()
        assert (await nobody.post(address, **fields)).status == 401, path
        assert await run.lines() == before
        for who, reason in (("ana", "not_admin"), ("lea", "only_reads")):
            csrf = (await readers[who].get("/inbox")).hidden("csrf")
            before = await run.lines()
            answer = await readers[who].post(address, csrf=csrf, **fields)
            if who == "lea" and path in READ_BY:
                assert answer.status == 200
                continue
            assert answer.status == 403, (who, path)
            assert (await refusals(run))[0] == (f"person:{who}", reason)
            assert await run.lines() == before + 1
        csrf = (await readers["kim"].get("/admin")).hidden("csrf")
        assert (await readers["kim"].post(address, csrf=csrf, **fields)).status == DONE.get(path, 303), path
        if path == "/admin/people/sessions":
            assert (await readers["ana"].get("/inbox")).status == 303
            await readers["ana"].sign_in("ana")


async def test_t16_forms_from_elsewhere_change_nothing(run: Standing, visit: Visit) -> None:
    """Without our origin, or without the session's token, an admin's form is refused; to look changes nothing."""
    kim = await visit("kim")
    csrf = (await kim.get("/admin")).hidden("csrf")
    for path, fields in FILLED.items():
        address = await filled(run, path)
        keys, sessions = await run.access.keys(), await run.access.sessions()
        for headers in FOREIGN:
            answer = await kim.send("POST", address, {"csrf": csrf, **fields}, headers)
            assert answer.status == 403, (path, headers)
        assert (await kim.post(address, csrf="0" * 64, **fields)).status == 403, path
        before = await run.lines()
        assert (await kim.get(address)).status in (200, 303), path
        assert (await kim.send("HEAD", address)).status in (200, 303), path
        assert await run.lines() == before
        assert not await run.desk.paused()
        assert await run.access.keys() == keys
        assert {s.id for s in await run.access.sessions()} == {s.id for s in sessions}


async def test_a_role_that_is_taken_away_counts_at_once(run: Standing, visit: Visit) -> None:
    """The file says who is an admin at each look; a session remembers nothing of it."""
    kim = await visit("kim")
    assert (await kim.get("/admin")).status == 200
    run.change("kim", role=PersonRole.REVIEWER)
    assert (await kim.get("/admin")).status == 403
