"""The Insights pages: figures as charts and as tables, whose figures a reader sees, and copies of all of it."""

from __future__ import annotations

import csv
import io
import json

import pytest

from bot.core.model import PersonRole
from bot.insight import Follower
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
