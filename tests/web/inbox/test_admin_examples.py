"""Examples on the house's pages and over the API: looked at, unticked, taken; and the report's page."""

from __future__ import annotations

import hashlib
import json
import re
from base64 import b64encode

from bot.core.model import ExecutionState, Request, Role, Verb
from bot.core.ports import AuditQuery, Ballot
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import MARKUP
from tests.web.inbox.house import Standing


async def judged(house: Standing, verb: Verb = Verb.REJECT, **content: str) -> Request:
    """A page that ana decided about."""
    request = await house.submit(action="page.publish", arguments={"page": "prices", **content})
    ballot = Ballot(
        request=request.id,
        decision=verb,
        by="ana",
        channel="inbox",
        revision=1,
        digest=request.digest,
        comment=MARKUP[0],
    )
    await house.desk.decide(ballot)
    return request


def marks(text: str) -> dict[str, str]:
    """The boxes of a page that are ticked, by their names."""
    found = re.findall(r'name="(take:[^"]+)" value="([^"]+)"( checked)?', text)
    return {name: value for name, value, ticked in found if ticked}


async def left(house: Standing) -> list[dict[str, object]]:
    """What the trail says that left, newest first."""
    lines = await house.store.audit_search(AuditQuery(type="examples.exported"))
    return [json.loads(line.body)["data"] for line in lines]


async def test_what_is_ticked_leaves_exactly_as_it_was_looked_at(run: Standing, visit: Visit) -> None:
    """All are ticked at first, hostile texts are text; one is taken out, the other leaves, on record with its hash."""
    kept, out = await judged(run, x=MARKUP[1]), await judged(run)
    kim = await visit("kim")
    page = await kim.get("/admin/examples?verdict-rejected=1")
    assert MARKUP[0] not in page.text
    boxes = marks(page.text)
    assert list(boxes) == [f"take:{out.id}", f"take:{kept.id}"]
    assert marks((await kim.get("/admin/examples?none=1")).text) == {}
    csrf = page.hidden("csrf")
    took = await kim.post("/admin/examples/export", csrf=csrf, **{f"take:{kept.id}": boxes[f"take:{kept.id}"]})
    assert took.status == 200
    assert took.headers["content-disposition"] == 'attachment; filename="examples.jsonl"'
    (line,) = took.text.splitlines()
    assert (json.loads(line)["id"], json.loads(line)["comment"]) == (kept.id, MARKUP[0])
    (told,) = await left(run)
    assert (told["count"], told["sha256"]) == (1, hashlib.sha256(took.text.encode()).hexdigest())


async def test_what_changed_meanwhile_does_not_leave(run: Standing, visit: Visit) -> None:
    """Another outcome than the one looked at, nothing ticked, no such path: told on the page, nothing on record."""
    request = await judged(run, Verb.APPROVE)
    kim = await visit("kim")
    page = await kim.get("/admin/examples")
    csrf, boxes = page.hidden("csrf"), marks(page.text)
    await run.desk.report(request.id, agent=request.agent, state=ExecutionState.EXECUTED)
    changed = await kim.post("/admin/examples/export", csrf=csrf, **boxes)
    assert (changed.status, "Something changed since you looked" in changed.words) == (409, True)
    assert (await kim.post("/admin/examples/export", csrf=csrf)).status == 422
    assert (await kim.get("/admin/examples?without=reason")).status == 422
    assert (await kim.get("/admin/examples?from=yesterday")).status == 422
    assert await left(run) == []


async def test_the_api_gives_an_admin_the_same_lines(run: Standing, visit: Visit) -> None:
    """With an admin's key alone; strangers among the parameters are told by name."""
    await judged(run)
    nobody = await visit(None)
    secrets = [(await run.access.new_key("ops", role, by="tests"))[1] for role in (Role.ADMIN, Role.AGENT)]
    admin, agent = [{"Authorization": f"Bearer {secret}"} for secret in secrets]
    path = "/v1/examples?verdict=edited,rejected&without=comment,arguments.page&people=true"
    taken = await nobody.send("GET", path, headers=admin)
    (line,) = map(json.loads, taken.text.splitlines())
    assert (line["comment"], line["by"], taken.headers["sayso-examples"]) == (None, ["ana"], "1")
    assert "prices" not in taken.text
    assert taken.headers["sayso-sha256"] == (await left(run))[0]["sha256"]
    assert (await nobody.send("GET", path, headers=agent)).status == 403
    for wrong in ("verdict=maybe", "without=reason", "people=yes", "format=csv"):
        assert (await nobody.send("GET", f"/v1/examples?{wrong}", headers=admin)).status in (400, 422), wrong


async def test_a_report_is_read_or_saved_by_admins_and_auditors(run: Standing, visit: Visit) -> None:
    """Nothing but its own style sheet is let in; that it was taken is on record, with its days."""
    request = await judged(run)
    lea = await visit("lea")
    csrf = (await lea.get("/admin/report")).hidden("csrf")
    read = await lea.post("/admin/report", csrf=csrf, **{"from": "2020-01-01"})
    policy = read.headers["content-security-policy"]
    style = hashlib.sha256(read.text.split("<style>")[1].split("</style>")[0].encode()).digest()
    assert f"style-src 'sha256-{b64encode(style).decode()}'" in policy
    assert "script-src 'none'" in policy
    assert request.id in read.text
    assert MARKUP[0] not in read.text
    saved = await lea.post("/admin/report", csrf=csrf, summary="1", save="1")
    assert saved.headers["content-disposition"].startswith('attachment; filename="sayso-report-')
    assert request.id not in saved.text
    assert (await lea.post("/admin/report", csrf=csrf, until="never")).status == 422
    lines = [json.loads(one.body) for one in await run.store.audit_search(AuditQuery(type="report.taken"))]
    assert [(line["actor"], line["data"]["whole"]) for line in lines] == [("person:lea", False), ("person:lea", True)]
    assert lines[1]["data"]["from"].startswith("2020-01-01T08:00")
