"""The trail, searched and read; a copy of it, over the pages and over the API."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import UTC, datetime

from bot.core.model import Event, Role
from bot.core.ports import AuditQuery
from bot.web.audit_copy import COLUMNS
from bot.web.spreadsheet import harmless
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import MARKUP
from tests.web.inbox.house import Standing


async def noted(house: Standing, kind: str, at: datetime | None = None, actor: str = "sayso", **data: str) -> None:
    """One line of the trail."""
    event = Event(type=kind, at=at or house.clock.now(), actor=actor, via="test", data=dict(data))
    await house.store.write(lambda tx: tx.append(event))


async def test_lines_are_read_and_searched(run: Standing, visit: Visit) -> None:
    """By who, what (with a star), request and text; newest first; what an agent wrote is only text."""
    request = await run.submit(action="page.publish", arguments={"x": MARKUP[0] + "\u202e"})
    await noted(run, "config.loaded", policy="sha256:1")
    lea = await visit("lea")
    page = await lea.get("/admin/audit")
    assert page.words.index("session.started") < page.words.index("config.loaded") < page.words.index("request.submit")
    assert "by Lea Brandt (person:lea) through inbox" in page.words
    assert "page.publish" in page.words
    assert "⟦U+202E⟧" in page.words
    assert MARKUP[0] not in page.text
    number, hashed = await run.store.audit_head()
    assert hashed in page.words
    assert f"number {number}" in page.words
    for query, here, not_here in (
        ("type=config.*", "config.loaded", "request.submitted</b>"),
        ("actor=agent:billing-assistant", "request.submitted", "config.loaded</b>"),
        (f"request={request.id}", "request.submitted", "session.started</b>"),
        ("text=sha256:1", "config.loaded", "session.started</b>"),
    ):
        found = await lea.get(f"/admin/audit?{query}")
        assert here in found.text, query
        assert not_here not in found.text, query
    assert "No line is like that." in (await lea.get("/admin/audit?type=nothing.*")).words


async def test_days_are_the_readers_own(run: Standing, visit: Visit) -> None:
    """Lea's 3 March in Los Angeles ends at eight in the morning UTC of the 4th; what is no day is told beside it."""
    await noted(run, "one.in", datetime(2026, 3, 4, 7, 59, tzinfo=UTC))
    await noted(run, "one.out", datetime(2026, 3, 4, 8, 0, tzinfo=UTC))
    lea = await visit("lea")
    text = (await lea.get("/admin/audit?from=2026-03-03&until=2026-03-03")).text
    assert "one.in" in text
    assert "one.out" not in text
    for query in ("from=yesterday", "from=2026-03-04&until=2026-03-03", "until=9999-12-31", "from=0001-01-01"):
        assert (await lea.get(f"/admin/audit?{query}")).status == 422, query


async def test_older_lines_are_a_page_further(run: Standing, visit: Visit) -> None:
    """Fifty at a time by number, the search kept; a long line is left for a page of its own."""
    for number in range(60):
        await noted(run, "many.lines", note=f"no {number}")
    await noted(run, "many.lines", text="z" * 7000)
    lea = await visit("lea")
    first = await lea.get("/admin/audit?type=many.*")
    assert first.text.count('class="line"') == 50
    assert len(first.text) < 120_000
    older = first.text.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    second = await lea.get(older)
    assert second.text.count('class="line"') == 11
    assert "no 0" in second.words
    long = first.text.split("/admin/audit?line=")[1].split('"')[0]
    assert "z" * 7000 in (await lea.get(f"/admin/audit?line={long}")).text


async def test_a_copy_verifies_and_is_on_record(run: Standing, visit: Visit) -> None:
    """JSONL, as it was hashed, the line that says who took it among them; by an auditor as by an admin."""
    await run.submit()
    lea = await visit("lea")
    csrf = (await lea.get("/admin/audit")).hidden("csrf")
    copy = await lea.post("/admin/audit/export", csrf=csrf, format="jsonl")
    assert copy.status == 200
    assert copy.headers["content-disposition"] == 'attachment; filename="audit.jsonl"'
    assert copy.headers["cache-control"] == "no-store"
    lines = copy.text.splitlines()
    for line in lines:
        parsed, event = json.loads(line), line[line.index('"event":') + 8 : -1]
        assert hashlib.sha256((parsed["previous"] + event).encode()).hexdigest() == parsed["hash"]
    assert len(lines) == await run.lines()
    (told,) = await run.store.audit_search(AuditQuery(type="audit.exported"))
    event = json.loads(told.body)
    assert (event["actor"], event["via"], event["data"]) == ("person:lea", "inbox", {"format": "jsonl"})


async def test_a_copy_that_is_asked_for_wrongly_is_not_taken(run: Standing, visit: Visit) -> None:
    """No form, or no day: told, and nothing is on record."""
    lea = await visit("lea")
    csrf = (await lea.get("/admin/audit")).hidden("csrf")
    before = await run.lines()
    assert (await lea.post("/admin/audit/export", csrf=csrf)).status == 422
    assert (await lea.post("/admin/audit/export", csrf=csrf, format="csv", **{"from": "x"})).status == 422
    assert await run.lines() == before


async def test_a_table_starts_no_formula(run: Standing, visit: Visit) -> None:
    """CSV of some days, a head above; what a spreadsheet would take for a formula begins with an apostrophe."""
    await noted(run, "=HYPERLINK(1)", datetime(2026, 3, 3, 20, tzinfo=UTC), actor="@sum", note="a,b\n“c”")
    kim = await visit("kim")
    csrf = (await kim.get("/admin/audit")).hidden("csrf")
    days = {"from": "2026-03-04", "until": "2026-03-04"}
    copy = await kim.post("/admin/audit/export", csrf=csrf, format="csv", **days)
    assert copy.headers["content-type"].startswith("text/csv")
    head, row = list(csv.reader(io.StringIO(copy.text)))
    assert tuple(head) == COLUMNS
    told = dict(zip(head, row, strict=True))
    assert (told["type"], told["actor"]) == ("'=HYPERLINK(1)", "'@sum")
    assert json.loads(told["data"]) == {"note": "a,b\n“c”"}


async def test_the_api_gives_the_same_table(run: Standing, visit: Visit) -> None:
    """``format=csv`` with an admin's key; an empty span is a head alone."""
    _, secret = await run.access.new_key("ops", Role.ADMIN, by="tests")
    nobody = await visit(None)
    key = {"Authorization": f"Bearer {secret}"}
    table = await nobody.send("GET", "/v1/audit/export?format=csv", headers=key)
    assert table.headers["content-disposition"] == 'attachment; filename="audit.csv"'
    rows = list(csv.reader(io.StringIO(table.text)))
    assert len(rows) == 1 + await run.lines()
    empty = await nobody.send("GET", "/v1/audit/export?format=csv&to=2000-01-01", headers=key)
    assert list(csv.reader(io.StringIO(empty.text))) == [list(COLUMNS)]


def test_where_semicolons_part_cells_none_begins_a_formula() -> None:
    """Nor where a line's end or a tab does, whatever spaces and quotes come before the sign; words stay as they are."""
    assert harmless("a;=cmd|'/C calc'!A0") == "a;'=cmd|'/C calc'!A0"
    assert harmless('a\n "+1;\t@sum;＝1') == "a\n \"'+1;\t'@sum;'＝1"
    assert harmless("a; b=1, c-2") == "a; b=1, c-2"


def test_what_begins_a_formula() -> None:
    """Every sign that spreadsheets begin to reckon at; anything else stays as it is."""
    for sign in "=+-@\t\n＝＋－＠﹣−":
        assert harmless(f"{sign}1") == f"'{sign}1"
    assert harmless(" ＝1") == "' ＝1"
    assert harmless("\r1") == "'⟦U+000D⟧1"
    assert [harmless(text) for text in ("a=1", " a", "１")] == ["a=1", " a", "１"]
    assert harmless("") == ""
    assert harmless("a\x1b[2J\x9b\u202eb\rc\r\nd\te") == "a⟦U+001B⟧[2J⟦U+009B⟧⟦U+202E⟧b⟦U+000D⟧c\r\nd\te"
