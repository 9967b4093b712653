"""The report's numbers are those that anybody counts from the tables and the lines; nothing in it is from elsewhere."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.checkpoint import SigningKey, document, private_key, sign
from bot.core.errors import SaysoError
from bot.core.model import Event, ExecutionState, Request, Role, Verb
from bot.core.ports.reports import ReportAsked
from bot.desk.erasing import erase
from bot.reports import Reports
from bot.reports.lists import MOST
from bot.reports.reading import Reading
from tests.desk.house import START, House, ballot, edits, open_house
from tests.web.inbox.data import MARKUP

KEY = SigningKey(private_key(b"k" * 32))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A desk whose rules let somebody break the glass, and a card's text be hostile."""
    glass = "\nbreak_glass: {people: [lea], review: finance}\n"
    async with open_house(tmp_path / "sayso.db") as opened:
        opened.rule(lambda rules: rules + glass)
        await note(opened, "config.loaded", policy=opened.policy.hash)
        yield opened


async def note(house: House, kind: str, **data: Any) -> None:
    """One line of the trail."""
    event = Event(type=kind, at=house.clock.now(), actor="sayso", via="file", data=dict(data))
    await house.store.write(lambda tx: tx.append(event))


async def refused(house: House, request: Request, by: str, **more: Any) -> None:
    """Somebody tries what they may not."""
    with pytest.raises(SaysoError):
        await house.decide(request, by, **more)


async def in_the_inbox(house: House, request: Request, by: str, **more: Any) -> None:
    """Somebody approves on the request's page."""
    await house.desk.decide(replace(ballot(request, by, **more), channel="inbox"))


async def live(house: House) -> dict[str, Request]:
    """A life of every sort: by rule, blocked, approved, edited, rejected, undone, in an emergency, refused."""
    made = {
        "rule": await house.submit(arguments={"order": "1", "amount": 3}, confidence=0.9),
        "blocked": await house.submit(arguments={"order": "1", "amount": 200_000}),
        "approved": await house.submit(arguments={"order": "2", "amount": 40}),
        "edited": await house.submit(arguments={"order": "3", "amount": 50}),
        "rejected": await house.submit("page.me"),
        "undone": await house.submit("mail.send"),
        "glass": await house.submit(arguments={"order": "4", "amount": 60}),
        "own": await house.submit(arguments={"order": "5", "amount": 12}),
        "open": await house.submit(arguments={"order": MARKUP[0] + "\u202e", "amount": 70}),
    }
    await house.work()
    await house.rest()
    await refused(house, made["approved"], "dan")
    await refused(house, made["approved"], "ana", fully_shown=False)
    await house.decide(made["approved"], "ana")
    await house.decide(made["edited"], "ben", Verb.APPROVE_WITH_EDITS, arguments=edits(made["edited"], amount=45))
    await house.decide(made["rejected"], "ana", Verb.REJECT, category="wrong")
    await house.decide(made["undone"], "ana")
    await house.desk.undo(made["undone"].id, by="ana", via="inbox", revision=1)
    await in_the_inbox(house, made["glass"], "lea", break_glass=True, comment="the shop is down")
    await house.decide(made["own"], "dan")
    await house.rest()
    await house.desk.pause(on=True, by="person:kim", via="inbox")
    await house.access.new_key("ops", Role.ADMIN, by="tests")
    return made


async def read(house: House, **asked: Any) -> tuple[Reading, str]:
    """The report of all that there is, and its document."""
    reports = Reports(house.store, lambda: house.policy, house.clock, trusted=[KEY.public], house="https://house.test")
    given = ReportAsked(**({"until": house.clock.now() + timedelta(seconds=1)} | asked))
    reading = await reports.read(given)
    try:
        return reading, b"".join(reports.drawn(reading)).decode()
    finally:
        reading.close()


async def checkpoint(house: House) -> None:
    """The house signs how far its trail reaches."""
    seq, digest = await house.store.audit_head()
    signed = sign(keys=(KEY,), house="https://house.test", seq=seq, digest=digest, at=house.clock.now(), every=3600)
    await note(house, "audit.checkpoint", **document(signed))


async def test_the_numbers_are_those_that_anybody_counts(house: House) -> None:
    """Every figure equals what plain SQL and the lines, counted here by other means, come to."""
    made = await live(house)
    await checkpoint(house)
    reading, text = await read(house)
    told = reading.figures()
    lines = [json.loads(line.body) for line in await house.store.audit_lines(0, 10_000)]
    decided = [json.loads(body) for (body,) in house.sql("SELECT body FROM decisions")]
    assert told["decisions"]["rows"] == told["decisions"]["trail"] == len(decided) == 6
    assert told["decisions"]["people"] == {
        "ana": {"approve": 2, "reject": 1},
        "ben": {"approve_with_edits": 1},
        "dan": {"approve": 1},
        "lea": {"broke the glass": 1},
    }
    assert told["events"] == Counter(line["type"] for line in lines)
    states = Counter(state for (state,) in house.sql("SELECT state FROM requests"))
    assert told["requests"]["states"] == states
    assert told["requests"]["submitted"] == states.total() == len(made) + 1
    assert told["requests"]["answers"] == {"approve": 1, "block": 1, "stages": 7, "the house's own": 1}
    assert told["refusals"] == {"self_review": 1, "not_fully_shown": 1}
    assert told["separation"] == {"checked": 4, "violations": 0, "to_look_at": 0, "allow_self": 1}
    assert told["exceptions"] == {"glass": 1, "undone": 1, "stops": 1, "keys": 1} | (
        {"undelivered": count} if (count := told["exceptions"].get("undelivered")) else {}
    )
    assert told["decisions"]["without_card"] == told["decisions"]["shown_other_digest"] == 0
    assert told["decisions"]["approvals_with_card"] == {"slack": 4}
    assert told["policies"] == [house.policy.hash]
    assert (told["trail"]["ok"], told["trail"]["checkpoints"]) == (True, 1)
    assert told["trail"]["lines"] == len(lines)
    assert reading.good
    for each in decided:
        assert each["digest"] in text
    assert text.count('class="mono digest"') == len(decided)


async def test_a_period_takes_what_was_decided_in_it_whenever_it_was_submitted(house: House) -> None:
    """A request of before is in it by its decision alone; one that was decided after it is not."""
    before = await house.submit(arguments={"order": "1", "amount": 40})
    house.clock.move(hours=1)
    within = await house.submit(arguments={"order": "2", "amount": 40})
    await house.decide(before, "ana")
    since, until = START + timedelta(minutes=30), START + timedelta(hours=2)
    house.clock.move(hours=2)
    await house.decide(within, "ana")
    reading, text = await read(house, since=since, until=until)
    told = reading.figures()
    assert told["requests"]["submitted"] == 1
    assert (told["decisions"]["rows"], told["decisions"]["trail"]) == (1, 1)
    assert told["policies"] == [house.policy.hash], "what was in force already is said"
    assert before.id in text
    assert text.count('class="mono digest"') == 1
    short, brief = await read(house, since=since, until=until, whole=False)
    assert short.figures() == told
    assert 'class="mono digest"' not in brief


async def test_what_is_wrong_is_found(house: House) -> None:
    """Rows and lines laid hands on: a vote of whom the route bars, one that is not on the trail, a line rewritten."""
    made = await live(house)
    await checkpoint(house)
    reading, _ = await read(house)
    assert reading.good
    votes = {request: (id_, body) for id_, request, body in house.sql("SELECT id, request, body FROM decisions")}
    id_, body = votes[made["approved"].id]
    house.sql("UPDATE decisions SET body = ? WHERE id = ?", body.replace('"by":"ana"', '"by":"dan"'), id_)
    forged, text = await read(house)
    told = forged.figures()
    assert not told["good"]
    assert not told["decisions"]["agree"], "the trail says that it was somebody else"
    assert told["separation"]["violations"] >= 1
    assert "barred them from" in text
    assert "do not agree" in text
    house.sql("UPDATE decisions SET body = ? WHERE id = ?", body, id_)
    no, rejected = votes[made["rejected"].id]
    for vote, told_of, was, now in (
        (id_, body, '"channel":"slack"', '"channel":"inbox"'),
        (no, rejected, '"decision":"reject"', '"decision":"approve"'),
        (no, rejected, '"at":"2026-03-02T', '"at":"2026-03-01T'),
    ):
        assert was in told_of
        house.sql("UPDATE decisions SET body = ? WHERE id = ?", told_of.replace(was, now), vote)
        assert not (await read(house))[0].agrees, now
        house.sql("UPDATE decisions SET body = ? WHERE id = ?", told_of, vote)
    assert (await read(house))[0].good
    house.sql("UPDATE events SET body = replace(body, 'the shop is down', 'all is well') WHERE seq > 1")
    broken, text = await read(house)
    assert not broken.proof.ok
    assert "does not hold" in text


async def test_a_row_that_was_edited_is_named_with_what_differs(house: House) -> None:
    """Title, state, agent, who was barred, times, and a row that is gone: each is found and named."""
    made = await live(house)
    await checkpoint(house)
    reading, text = await read(house)
    told = reading.figures()["compared"]
    assert (told, reading.good) == ({"rows": len(made) + 1, "edited": 0, "whole": True}, True)
    assert "Every row says what the trail says" in text
    edits_of = {
        "title": ("blocked", "title = 'Refund nobody'"),
        "state": ("blocked", "state = 'expired'"),
        "agent": ("rule", "agent = 'another'"),
        "risk": ("rule", "risk = 'read_only'"),
        "decided_at": ("approved", "decided_at = decided_at + 1000000"),
        "route.excluded": ("approved", """route = replace(route, '"excluded":["dan"]', '"excluded":[]')"""),
        "route.rule": ("approved", """route = replace(route, '"rule":"', '"rule":"x')"""),
    }
    for differs, (which, edit) in edits_of.items():
        (before,) = house.sql("SELECT * FROM requests WHERE id = ?", made[which].id)
        house.sql(f"UPDATE requests SET {edit} WHERE id = ?", made[which].id)  # noqa: S608  # this test's own texts
        edited, text = await read(house)
        (entry,) = edited.rows.edited.entries
        assert (entry.request, differs in entry.note, edited.good) == (made[which].id, True, False), differs
        assert f"differ in: {differs}" in text
        house.sql("DELETE FROM requests WHERE id = ?", made[which].id)
        if differs == "title":
            missing, text = await read(house)
            assert (missing.whole, missing.rows.edited.count, "some row is missing" in text) == (False, 0, True)
        marks = ", ".join("?" * len(before))
        house.sql(f"INSERT INTO requests VALUES ({marks})", *before)  # noqa: S608  # nothing but marks
    assert (await read(house))[0].good


async def test_whose_own_it_was_by_the_rules_of_today(house: House) -> None:
    """Where the owner changed hands, an approval by today's owner is named to be looked at, and is no violation."""
    request = await house.submit(arguments={"order": "1", "amount": 40})
    await house.decide(request, "ana")
    agents = {**house.policy.agents, "billing": replace(house.policy.agents["billing"], owner="ana")}
    house.policy = replace(house.policy, agents=agents, hash="sha256:later")
    told = (await read(house))[0].figures()["separation"]
    assert told == {"checked": 1, "violations": 0, "to_look_at": 1, "allow_self": 0}


async def test_an_approval_by_a_card_that_never_stood_is_told(house: House) -> None:
    """No courier, so no card; in the inbox, the page is the request itself, and nothing is missing."""
    asked = await house.submit(arguments={"order": "1", "amount": 40})
    await house.decide(asked, "ana")
    await in_the_inbox(house, await house.submit(arguments={"order": "2", "amount": 40}), "ana")
    reading, text = await read(house)
    assert reading.figures()["decisions"]["without_card"] == 1
    assert asked.id in text.split("<caption>Approvals without such a card")[1].split("</table>")[0]


async def test_t03_nothing_that_was_written_is_markup_and_nothing_is_from_elsewhere(house: House) -> None:
    """Hostile titles, reasons and names are text; no script, no address, no picture, no font is asked for."""
    for number, hostile in enumerate(MARKUP):
        request = await house.submit(arguments={"order": hostile + "\u202e", "amount": 30 + number})
        await house.decide(request, "ana", Verb.REJECT, comment=hostile)
        await note(house, "key.created", name=hostile, role="agent")
    _, text = await read(house)
    assert not [hostile for hostile in MARKUP if "<" in hostile and hostile in text]
    assert "\u202e" not in text
    assert "⟦U+202E⟧" in text
    assert not re.findall(r"<(?:script|link|img|iframe|object|form|svg|base)\b", text)
    assert not re.findall(r"""(?:src|href|action)\s*=\s*["'](?!#)""", text)
    assert "url(" not in text
    assert "@import" not in text
    assert not re.search(r"\son[a-z]+\s*=", re.sub(r"<(?:td|b)[^>]*>[^<]*", "", text))


async def test_t23_what_is_hidden_or_erased_is_not_in_it(house: House) -> None:
    """A hidden argument in a title, a reason that repeats it, a subject: marks, or nothing."""
    more = """
actions:
  card.charge: {title: "Charge {{ number }}", redact: [number], execute: {agent: true}}
  account.close: {title: "Close {{ customer }}", subject: customer, execute: {agent: true}}
"""
    house.rule(lambda rules: rules.replace("\nactions:\n", more))
    hidden = await house.submit("card.charge", arguments={"number": "4111-canary-1"})
    await house.decide(hidden, "ana", comment="4111-canary-1 it is")
    gone = await house.submit("account.close", arguments={"customer": "canary-two@example.com"})
    await house.decide(gone, "ana")
    await house.desk.report(gone.id, agent="billing", state=ExecutionState.EXECUTED)
    await checkpoint(house)
    await erase(house.ledger, "canary-two@example.com", by="cli:tests", via="cli", cancel=True)
    reading, text = await read(house)
    assert "canary" not in text
    assert gone.id in text
    assert reading.figures()["exceptions"]["erasures"] == 2
    assert reading.good, "what is erased still agrees and verifies, its rows with their lines, too"
    assert reading.rows.compared == 2


async def test_lists_stay_short_and_say_so(house: House) -> None:
    """More of one sort than are listed: all counted, the first shown, the rest named."""
    for _ in range(MOST + 5):
        await note(house, "key.created", name="one", role="agent")
    reading, text = await read(house)
    listed = reading.trail.exceptions["keys"]
    assert (listed.count, len(listed.entries), listed.left_out) == (MOST + 5, MOST, 5)
    assert f"{MOST + 5}, of which the first {MOST} are shown" in text
