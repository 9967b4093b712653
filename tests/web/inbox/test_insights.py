"""The Insights pages: figures as charts and as tables, whose figures a reader sees, and copies of all of it."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl

import pytest

from bot.core.errors import Invalid
from bot.core.model import Person, PersonRole
from bot.insight import Follower
from bot.web.inbox.insights.asked import asked_of
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import MARKUP
from tests.web.inbox.house import AGENT, Standing

PAGES = ("/insights", f"/insights/agents/{AGENT}", "/insights/agents", "/insights/people")


@pytest.fixture
async def lived(house: Standing, visit: Visit) -> Standing:
    """Three refunds that Ana approves and one that Ben rejects, as figures."""
    ana, ben = await visit("ana"), await visit("ben")
    for number in range(3):
        request = await house.submit(arguments={"order": str(number), "amount": 40.0})
        assert (await ana.decide(request.id, "approve")).status == 303
    request = await house.submit(arguments={"order": "4", "amount": 41.0}, labels={"team": MARKUP[0]})
    assert (await ben.decide(request.id, "reject", comment="not this one", category="not_needed")).status == 303
    await Follower(house.store, house.clock, lambda: house.policy).level()
    return house


@pytest.mark.parametrize("path", PAGES)
async def test_every_chart_has_its_numbers_and_too_few_say_so(lived: Standing, visit: Visit, path: str) -> None:
    """Beside each chart stands the table of it; of four decisions nothing is said as if it were known."""
    lived.change("ana", role=PersonRole.ADMIN)
    page = await (await visit("ana")).get(path)
    assert page.status == 200
    assert page.text.count("<figure") >= page.text.count("As a table") >= 2
    assert "too few to say" in page.words
    assert "<script>" not in page.text


async def test_a_reviewer_reads_no_figures_of_others_by_name(lived: Standing, visit: Visit) -> None:
    """The team's and their own; a colleague's are refused on the page and in the copies, and an admin reads them."""
    ana = await visit("ana")
    page = await ana.get("/insights/people")
    assert "Those of others by name are for admins and auditors" in page.words
    for path in ("/insights/people", "/insights.csv", "/insights.json"):
        assert (await ana.get(f"{path}?reviewer=ben")).status == 403
    lived.change("lea", role=PersonRole.ADMIN)
    assert (await (await visit("lea")).get("/insights/people?reviewer=ben")).status == 200


@pytest.mark.usefixtures("lived")
async def test_all_of_it_is_copied_as_csv_and_json(visit: Visit) -> None:
    """The copies say what the page says: how many were asked for, and how people decided."""
    ana = await visit("ana")
    told = json.loads((await ana.get("/insights.json?by=agent")).text)
    assert [group["name"] for group in told["groups"]] == [AGENT]
    assert told["whole"]["now"]["counts"]["requests"] == 4
    rows = list(csv.DictReader(io.StringIO((await ana.get("/insights.csv?by=agent")).text)))
    assert any(AGENT in row.values() for row in rows)


@pytest.mark.usefixtures("lived")
async def test_what_cannot_be_asked_is_said_on_the_page(visit: Visit) -> None:
    """Days the wrong way round and days that are none: the page stays, says which field, and shows nothing."""
    ana = await visit("ana")
    for query in ("from=2026-05-02&until=2026-05-01", "from=yesterday"):
        page = await ana.get(f"/insights?{query}")
        assert page.status == 422
        assert 'role="alert"' in page.text


async def test_t23_people_by_name_are_in_no_file_and_on_no_page_of_a_reviewer(lived: Standing, visit: Visit) -> None:
    """Grouped by people, a reviewer's copies hold themselves alone; an auditor's hold everybody."""
    lived.change("lea", role=PersonRole.AUDITOR)
    for who, people in (("ana", {"ana"}), ("lea", {"ana", "ben"})):
        reader = await visit(who)
        told = json.loads((await reader.get("/insights.json?by=reviewer")).text)
        assert {group["name"] for group in told["groups"]} == people
        page = await reader.get("/insights/people")
        assert ("Ben Okafor" in page.words) == (who == "lea")
        assert "How the team decided" in page.words or who == "lea"


@pytest.mark.usefixtures("lived")
async def test_requests_are_told_apart_by_a_label(visit: Visit) -> None:
    """Its values are the rows, as text; the large figures stay those of everything, labelled or not."""
    reader = await visit("ana")
    page = await reader.get("/insights?by_label=team")
    assert (page.status, MARKUP[0] in page.text) == (200, False)
    tiles = page.text.split('class="tiles"')[1]
    assert "<b>4</b> <span>requests" in tiles
    (rows,) = re.findall(r'<ul class="strips" aria-labelledby="how-many">.*?</ul>', page.text, re.DOTALL)
    assert rows.count("<li>") == 1
    narrowed = await reader.get("/insights?label=team%3Dx")
    assert "by action" in narrowed.words
    assert "by rule" not in narrowed.words.split("by agent")[1].split("How many of each")[0]


NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "begins", "ends"),
    [
        ("", "2026-10-28T00:00", "2026-11-26T12:00"),
        ("days=7", "2026-11-20T00:00", "2026-11-26T12:00"),
        ("days=8", "2026-10-28T00:00", "2026-11-26T12:00"),
        ("from=2026-11-01&until=2026-11-02", "2026-10-31T11:00", "2026-11-02T11:00"),
        ("from=2026-11-20", "2026-11-19T11:00", "2026-11-26T12:00"),
        ("until=2026-11-02&days=7", "2026-10-27T00:00", "2026-11-02T11:00"),
    ],
)
def test_a_period_is_of_whole_days_until_now(query: str, begins: str, ends: str) -> None:
    """The last days hold today; days of the form are the reader's own, here those of Auckland; none is to come."""
    reader = Person(id="kim", name="Kim", timezone="Pacific/Auckland")
    since, until = asked_of(dict(parse_qsl(query))).period(reader, NOON)
    assert (f"{since:%Y-%m-%dT%H:%M}", f"{until:%Y-%m-%dT%H:%M}") == (begins, ends)


@pytest.mark.parametrize("query", ["from=2026-11-28", "from=2024-01-01", "from=2026-11-05&until=2026-11-04"])
def test_a_period_that_cannot_be_is_refused(query: str) -> None:
    """Days to come, more than two years, and backwards."""
    with pytest.raises(Invalid) as refused:
        asked_of(dict(parse_qsl(query))).period(Person(id="kim", name="Kim"), NOON)
    assert [fault.pointer for fault in refused.value.faults] == ["/from"]
