"""``/admin/trust``: what was granted and what is missing, and that an admin ends it with a reason."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot.core.model import Then
from bot.core.policy import Rule
from bot.core.policy.trust import Trust
from bot.core.trust.grants import Ending, GrantState
from bot.insight import Follower
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import MARKUP
from tests.web.inbox.house import Standing
from tests.web.inbox.trouble import approved
from tests.web.inbox.trusted import granted


def earning(house: Standing) -> None:
    """Every rule that asks people lets something be earned."""
    trust = Trust(ask="finance", bands={"/amount": (50.0, 500.0)})
    asks = Rule(name="pages", then=Then.STAGES, stages=house.policy.default.stages, trust=trust)
    house.policy = replace(house.policy, rules=(*house.policy.rules, asks))


async def test_it_says_what_is_in_force_what_was_shown_and_what_is_missing(run: Standing, visit: Visit) -> None:
    """Grants with their bounds, those that ended with the reason, each band with its count; an auditor cannot end."""
    earning(run)
    request = await approved(run)
    await Follower(run.store, run.clock, lambda: run.policy).level()
    await granted(run)
    over = {"state": GrantState.ENDED, "ending": Ending.DRIFT, "ended_at": run.clock.now()}
    await granted(run, id="grt_2", agent="other", why=MARKUP[1], **over)
    page = await (await visit("lea")).get("/admin/trust")
    assert "One grant in force" in page.words
    assert "/amount ≤ 50" in page.words
    assert "10% sampled, at most 18 in 24 hours" in page.words
    assert "0 of 0 approved unchanged" in page.words
    assert "missing: 0 of 100 decisions" in page.words
    assert f"{request.action} under the rule {request.route.rule}" in page.words
    assert "One that ended" in page.words
    assert "drift" in page.words
    assert MARKUP[1] not in page.text
    assert 'action="/admin/trust' not in page.text


async def test_an_admin_ends_a_grant_and_says_why(run: Standing, visit: Visit) -> None:
    """Without a reason nothing happens; with one it is over, and a second time there is nothing to end."""
    await granted(run)
    kim = await visit("kim")
    csrf = (await kim.get("/admin/trust")).hidden("csrf")
    refused = await kim.post("/admin/trust/grt_1/end", csrf=csrf, why=" ")
    assert refused.status == 422
    assert "Say why; it stays on record." in refused.words
    assert (await kim.post("/admin/trust/grt_1/end", csrf=csrf, why="too quick")).status == 303
    (grant,) = await run.store.grants()
    assert (grant.ending, grant.why) == (Ending.ADMIN, "too quick")
    again = await kim.post("/admin/trust/grt_1/end", csrf=csrf, why="too quick")
    assert again.status == 409
    assert "There is nothing of it to end any more." in again.words


async def test_a_history_is_gone_through_once_an_hour_at_the_most(run: Standing) -> None:
    """The page shows the last look, with its time; an hour later it looks again."""
    earning(run)
    first, _ = await run.desk.earnings_lately()
    run.clock.shift += timedelta(minutes=30)
    assert (await run.desk.earnings_lately())[0] == first
    run.clock.shift += timedelta(minutes=31)
    assert (await run.desk.earnings_lately())[0] > first
