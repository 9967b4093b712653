"""The routing.yaml in force, drawn: rules in order, stages and chains, who is on duty, what may be done."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from bot.core.model import Absence, Opening
from bot.core.policy import WorkTime
from bot.web.inbox.admin import rule_link
from bot.web.inbox.admin.roster import Roster
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing


@pytest.mark.usefixtures("run")
async def test_a_rule_is_drawn_whole(visit: Visit) -> None:
    """Condition, answer, bounds, stages together and in order, steps in order, and how the chain ends."""
    page = await (await visit("lea")).get("/admin/routing")
    words = page.words
    for piece in (
        'When action == "refund.issue" && arguments.amount <= 5.0 Then Approves',
        "Only from a confidence of 85% on",
        "arguments.amount adds up to at most 50 in 1 d, for each agent",
        "At most 10 in 1 d, counted for each agent",
        "10 % of them go to a person all the same",
        "Where it holds and yet does not approve, this chain is asked",
        "checker may give an opinion first, for 2 min at most",
        "A confidence below 70% is marked",
        "Counts as rejected after 1 d",
        "A reply by mail may only reject",
        "2 stages asked together",
        "Only if arguments.amount > 100.0",
        "2 approvals each from another group 2 rejections end it",
        "Ana Silva; Ana Silva, for Ben Okafor who is away",
        "by Slack, mail",
        "waits 15 min reminds every 5 min",
        "told at any hour",
        "mail gathers for 10 min",
        "counted in the hours of office",
        "counted while somebody asked is at work",
        "while nobody is there: Kim Tran",
        "The chain is gone through up to 3 times.",
        "Then it is rejected; told of it: Noa Levi",
        'When action == "host.run" Then Blocks',
        "Otherwise Where no rule holds, the default answers.",
        "May approve alone in an emergency: Kim Tran",
        "Reviewed within 2 d",
    ):
        assert piece in words, piece
    order = [words.index(name) for name in ("tiny <refunds> & more", "money chain", "risk chain", "last word chain")]
    assert order == sorted(order)
    assert "tiny &lt;refunds&gt; &amp; more" in page.text


@pytest.mark.usefixtures("run")
async def test_a_warning_stands_beside_its_rule_and_in_the_list(visit: Visit) -> None:
    """What `sayso check` would say of the file is here, too, with a link to the rule that it speaks of."""
    page = await (await visit("kim")).get("/admin/routing")
    rule = page.text[page.text.index('id="rule-2"') : page.text.index('id="rule-3"')]
    assert "can never be approved where all its stages are asked" in rule
    assert "8 warnings" in page.words
    assert 'href="/admin/routing?rule=refunds"' in page.text


@pytest.mark.usefixtures("run")
async def test_a_rule_is_found_by_its_name(visit: Visit) -> None:
    """Its link leads to the page and the place where it is drawn; a name that is gone is told."""
    kim = await visit("kim")
    asked = await kim.get(rule_link("tiny <refunds> & more"))
    assert (asked.status, asked.headers["location"]) == (303, "/admin/routing?page=1#rule-1")
    assert (await kim.get(rule_link("default"))).headers["location"] == "/admin/routing?page=1#rule-0"
    gone = await kim.get(rule_link("<i>gone"))
    assert "No rule of the file in force is called “<i>gone”" in gone.words
    assert "<i>gone" not in gone.text


async def test_a_thousand_rules_are_shown_fifty_at_a_time(run: Standing, visit: Visit) -> None:
    """A page stays below 300 kB, keeps the rules' numbers, and any rule is still one link away."""
    drawn = run.policy.rules[1]
    rules = tuple(replace(drawn, name=f"rule {number}") for number in range(1, 1001))
    run.policy = replace(run.policy, rules=rules, hash="sha256:large")
    kim = await visit("kim")
    assert (await kim.get(rule_link("rule 777"))).headers["location"] == "/admin/routing?page=16#rule-777"
    page = await kim.get("/admin/routing?page=16")
    assert "Page 16 of 20" in page.words
    assert len(re.findall(r'id="rule-\d+"', page.text)) == 50
    assert 'id="rule-777"' in page.text
    assert "Otherwise" not in page.words
    assert len(page.text) < 300_000
    assert "Page 20 of 20" in (await kim.get("/admin/routing?page=999999999")).words


@pytest.mark.usefixtures("run")
async def test_actions_say_how_they_run_and_are_taken_back(visit: Visit) -> None:
    """Where, how often, what is checked, how long it can be undone."""
    words = (await (await visit("lea")).get("/admin/routing/actions")).words
    for piece in (
        "Webhook: https://billing.example.com/refunds",
        "idempotent, tried up to 3 times",
        "An approval can be taken back for 30 s. Rolled back with refund.reverse.",
        'in our currency: arguments.currency == "USD" otherwise a person is asked',
        "Critical: no rule approves it",
        "never tried again once it may have run",
    ):
        assert piece in words, piece


async def test_who_is_on_duty_now_and_next(run: Standing, visit: Visit) -> None:
    """Until when, who follows, who is away and who stands in, on the reader's own clock."""
    run.clock.shift = datetime(2026, 3, 4, 11, 59, 30, tzinfo=UTC) - datetime.now(UTC)
    words = (await (await visit("lea")).get("/admin/routing/duty")).words
    # Noa's turns began on 2026-01-05, a week each: the 9th week is hers. Lea's clock is Los Angeles'.
    assert "oncall Noa Levi until Mon 9 Mar, 02:00 PDT (in 4 d 21 h)" in words
    assert "Next Ana Silva, from Mon 9 Mar, 02:00 PDT" in words
    assert "Ben Okafor away until" in words
    assert "Ana Silva stands in" in words
    assert "office open closes Wed 4 Mar, 10:00 PST (in 6 h)" in words
    assert "finance Ana Silva Ana Silva, for Ben Okafor who is away" in words


async def test_a_gap_on_duty_says_who_is_asked_instead(run: Standing, visit: Visit) -> None:
    """Before the rota begins nobody has it: the fallback is asked, and the first turn is told."""
    run.clock.shift = datetime(2026, 1, 2, 12, tzinfo=UTC) - datetime.now(UTC)
    words = (await (await visit("lea")).get("/admin/routing/duty")).words
    assert "oncall Nobody Asked instead: Kim Tran Next Noa Levi, from Mon 5 Jan, 01:00 PST" in words


def test_whoever_has_the_turn_and_is_away_is_filled_in_for(run: Standing) -> None:
    """With a fallback that one is named where the schedule is asked, as their own way of asking has it."""
    away = {"noa": (Absence(datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)),)}
    for day, there, asked in ((3, True, "Noa Levi"), (4, False, "Kim Tran")):
        roster = Roster(replace(run.policy, away=away), datetime(2026, 3, day, 12, tzinfo=UTC))
        assert roster.duty(run.policy.schedules["oncall"]).there is there
        assert roster.whom("oncall").people == (asked,)


def test_hours_that_never_come_and_never_end(run: Standing) -> None:
    """A calendar without hours is open for ever; one whose only opening is long away is closed until then."""
    roster = Roster(run.policy, datetime(2026, 3, 3, 12, tzinfo=UTC))
    always = roster.hours(WorkTime(name="always"))
    assert (always.open, always.changes) == (True, None)
    monday = roster.hours(WorkTime(name="mondays", week=(Opening(0, 540, 600),)))
    assert (monday.open, monday.changes) == (False, datetime(2026, 3, 9, 9, tzinfo=UTC))
    never = roster.hours(WorkTime(name="never", week=(Opening(0, 540, 540),)))
    assert (never.open, never.changes) == (False, None)
