"""The way through the stages as the page tells it: what is done, who is asked and for whom, what is held and why."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from msgspec.structs import replace

from bot.core.model import OnExpiry, Opinion, Request, State, Verb
from bot.core.model.routes import Ending
from bot.core.ports import Ballot
from bot.web.inbox.plan import Phase, StagePart, plan_of
from bot.web.inbox.view import version_of
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing, standing
from tests.web.inbox.reader import Page, Reader


async def vote(house: Standing, request: Request, by: str, verb: Verb = Verb.APPROVE) -> Request:
    """Somebody's decision through another channel."""
    ballot = Ballot(
        request=request.id, decision=verb, by=by, channel="slack", revision=request.revision, digest=request.digest
    )
    return await house.desk.decide(ballot)


async def contract(house: Standing) -> Request:
    """A contract with four stages, of which the first is done."""
    request = await house.submit(action="contract.sign", arguments={"partner": "Brightwater", "value": 9})
    return await vote(house, request, "ana")


def stage(page: Page, name: str) -> str:
    """What the page says of one stage."""
    found = re.search(rf'<section class="stage \w+" aria-label="Stage \d, {name}">.*?</section>', page.text, re.DOTALL)
    assert found, name
    return Page(200, {}, found[0]).words


async def test_every_stage_is_on_the_page(staged: Standing, visit: Visit) -> None:
    """Done, asked together with their counts, and later; how a chain repeats and ends; whom each step asks."""
    request = await contract(staged)
    page = await (await visit("lea")).get(f"/requests/{request.id}")
    assert "4 stages" in page.words
    assert "office done ✓ Approved by Ana Silva" in stage(page, "office")
    assert "Asked together; all of them are needed" in page.words
    finance = stage(page, "finance")
    assert "0 of 1 approval" in finance
    assert "The chain is gone through up to 2 times." in finance
    assert "When the chain has ended, the request is rejected, and Dan Reyes is told." in finance
    legal = stage(page, "legal")
    assert "0 of 2 approvals" in legal
    assert "0 of 2 rejections; 2 end it." in legal
    assert re.search(r"Asked now You Next Kim Roe .*\(in (29|30) min\)", legal)
    security = stage(page, "security")
    assert "security later 0 of 2 approvals" in security
    assert "First Kim Roe, Dan Reyes, Eve Brandt" in security


async def test_who_voted_in_another_stage_is_not_said_to_be_asked(staged: Standing, visit: Visit) -> None:
    """Ana decided in the office; the step that would ask her in Ben's place is told as passed."""
    page = await (await visit("lea")).get(f"/requests/{(await contract(staged)).id}")
    assert "Passed Nobody of it could be asked. Asked now You" in stage(page, "finance")


async def test_a_rejection_that_does_not_end_it_is_counted(staged: Standing, visit: Visit) -> None:
    """Where two rejections end a stage, the first stands there, and the request is open."""
    request = await staged.submit(action="news.post", arguments={"text": "Hello"})
    await vote(staged, request, "ana", Verb.REJECT)
    page = await (await visit("lea")).get(f"/requests/{request.id}")
    assert "1 of 2 rejections; 2 end it. ✗ Rejected by Ana Silva" in page.words
    assert "Waiting for a decision" in page.words


async def test_for_whom_somebody_stands_in(staged: Standing, visit: Visit) -> None:
    """Ben is away, so Ana is asked for him: to others, to herself, to him, and on the record afterwards."""
    request = await staged.submit(action="payout.send", arguments={"amount": 5})
    path = f"/requests/{request.id}"
    assert "Asked now Ana Silva, for Ben Okafor who is away" in (await (await visit("lea")).get(path)).words
    assert "Asked now Ana Silva, for you while you are away" in (await (await visit("ben")).get(path)).words
    ana = await visit("ana")
    assert "Asked now You, for Ben Okafor who is away" in (await ana.get(path)).words
    assert (await ana.decide(request.id, "approve")).status == 303
    assert "Approved by Ana Silva, for Ben Okafor who was away" in (await ana.get(path)).words


async def test_what_waits_for_advisors_is_held(staged: Standing, visit: Visit) -> None:
    """Until an advisor has spoken nobody is asked, and the page says until when, and for whom it waits."""
    request = await staged.submit(action="deploy.service", arguments={"service": "x"})
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert re.search(r"Nobody is asked before .*, so that checker can give an opinion first\.", page.words)
    assert "Not given yet by checker." in page.words
    assert "You are not asked" in page.words
    await staged.desk.assess(
        request.id, by="checker", opinion=Opinion.AGREE, note=None, revision=1, digest=request.digest
    )
    page = await ana.get(f"/requests/{request.id}")
    assert "Nobody is asked before" not in page.words
    assert "Asked now You" in page.words


async def test_what_waits_for_people_is_held(tmp_path: Path) -> None:
    """Where all of a step are away and it is to wait for them, the page says when the first is back."""
    back = f"{datetime.now(UTC) + timedelta(hours=5):%Y-%m-%dT%H:%M}+00:00"
    text = (Path(__file__).parent / "stages.yaml").read_text(encoding="utf-8")
    rules = tmp_path / "held.yaml"
    away = "Noa Levi, away: [{from: 2020-01-01, until: 2099-12-31}"
    assert away in text
    text = text.replace(away, away.replace("2099-12-31", back)).replace("owner: noa", "owner: ben")
    rules.write_text(text, encoding="utf-8")
    async with standing(tmp_path, rules=str(rules)) as house:
        request = await house.submit(action="host.run", arguments={"command": "uptime"})
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as client:
            reader = Reader(house, client)
            await reader.sign_in("kim")
            page = await reader.get(f"/requests/{request.id}")
    assert re.search(r"Nobody is asked before .*\((in 4 h|in 5 h).*, because nobody whom it asks is there", page.words)
    assert "Held Noa Levi" in page.words or "Held nobody" in page.words


def only(request: Request) -> StagePart:
    """The one stage of a request."""
    ((part,),) = plan_of(request, {})
    return part


async def test_a_chain_that_repeats_and_ends(staged: Standing, visit: Visit) -> None:
    """After the last step the page says when the chain begins again; in its last round, when it ends, and how."""
    request = await staged.submit(action="payout.send", arguments={"amount": 5})
    lea = await visit("lea")
    for minutes, said in (
        (15, r"up to 2 times\. It begins again .*\(in 59 min\)|up to 2 times\. It begins again .*\(in 1 h\)"),
        (61, r"this is time 2\."),
        (16, r"At .* the chain has ended\. Then the request is rejected, and Dan Reyes is told\."),
    ):
        staged.clock.shift += timedelta(minutes=minutes, seconds=1)
        await staged.desk.wake()
        page = await lea.get(f"/requests/{request.id}")
        assert re.search(said, page.words), page.words
    staged.clock.shift += timedelta(minutes=61)
    await staged.desk.wake()
    assert (await staged.now(request.id)).state is State.REJECTED
    assert "Rejected because nobody decided in time" in (await lea.get(f"/requests/{request.id}")).words


async def test_a_chain_that_has_ended_says_so(staged: Standing) -> None:
    """Where nobody further is asked and the request waits on, the stage says exactly that."""
    request = await staged.submit(arguments={"order": "1", "amount": 5.0, "currency": "EUR"})
    ended = replace(request, tracks=(replace(request.tracks[0], step=1, exhausted=True),))
    assert (only(ended).exhausted, only(request).exhausted) == (True, False)
    assert [step.phase for step in only(ended).steps] == [Phase.ASKED, Phase.ASKED]
    plan = replace(request.route.stages[0], ending=Ending(OnExpiry.EXPIRE, ("dan",)))
    told = replace(request, route=replace(request.route, stages=(plan,)))
    assert (only(told).then, only(told).told) == ("expires", ("dan",))


async def test_the_page_is_another_one_after_each_vote_and_opinion(staged: Standing) -> None:
    """The mark by which open pages learn of a change changes with votes, opinions and steps."""
    request = await staged.submit(action="contract.sign", arguments={"partner": "B"})
    seen = [version_of(request)]
    request = await staged.desk.assess(
        request.id, by="checker", opinion=Opinion.DOUBT, note=None, revision=1, digest=request.digest
    )
    seen.append(version_of(request))
    for by in ("ana", "lea"):
        request = await vote(staged, request, by)
        seen.append(version_of(request))
    assert len(set(seen)) == len(seen)
