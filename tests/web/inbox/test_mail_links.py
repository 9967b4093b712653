"""The page behind a mail's link: whom it greets, whom it opens for, and what a stranger learns from it (nothing)."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest

from bot.core.model import State
from bot.core.token import PAGE, Marks
from bot.web.inbox.mailed import masked
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import FOREIGN
from tests.web.inbox.house import MARKS, Standing
from tests.web.inbox.reader import Page

OURS = ("request", "to")


def fields(page: Page) -> dict[str, str]:
    """What the page's form to the mailbox holds."""
    return {name: page.hidden(name) for name in OURS}


async def refusals(house: Standing) -> list[tuple[str, str | None]]:
    """Every refusal in the trail: who, and of which request."""
    bodies = [json.loads(line.body) for line in await house.store.audit_lines(0, 1000)]
    return [(b["actor"], b["request"]) for b in bodies if b["data"].get("reason") == "not_your_link"]


async def test_the_whole_way_from_the_mail_to_the_decision(house: Standing, visit: Visit) -> None:
    """Link, button, mailbox, sign-in link, the request's page, the decision; then the same link shows the result."""
    request = await house.submit(reason="Duplicate charge")
    reader, link = await visit(None), house.mailed(request.id, "ana")
    greeting = await reader.get(link)
    assert greeting.status == 200
    assert "This link was sent to a••@example.com" in greeting.words
    assert "Send a sign-in link to that address" in greeting.words
    sent = await reader.post("/sign-in", **fields(greeting))
    assert (sent.status, sent.headers["location"]) == (303, f"{link}&asked")
    assert house.letters == ["ana"]
    asked = await reader.get(sent.headers["location"])
    assert "Look into the mailbox of a••@example.com" in asked.words
    (token,) = await house.emailed()
    entered = await reader.post(f"/sign-in/{token}")
    assert entered.headers["location"] == f"/requests/{request.id}"
    page = await reader.get(link)
    assert (page.status, "Duplicate charge" in page.words) == (200, True)
    assert (await reader.decide_on(page, request.id, "approve")).status == 303
    assert (await house.now(request.id)).state is State.APPROVED


async def test_t17_second_use_shows_the_recorded_result(house: Standing, visit: Visit) -> None:
    """After the decision the same link tells it, and neither it nor a form that was kept decides anything more."""
    request = await house.submit()
    reader, link = await visit("ana"), house.mailed(request.id, "ana")
    page = await reader.get(link)
    await reader.decide_on(page, request.id, "reject", comment="Never paid", category="wrong_target")
    decided = await house.now(request.id)
    again = await reader.get(link)
    assert (again.status, "Rejected by Ana Silva" in again.words, "Never paid" in again.words) == (200, True, True)
    assert 'action="/requests/' not in again.text
    late = await reader.decide_on(page, request.id, "approve")
    assert (late.status, "Already decided" in late.words) == (409, True)
    assert await house.now(request.id) == decided


async def test_t17_a_stranger_with_the_link_sees_nothing_of_the_request(house: Standing, visit: Visit) -> None:
    """No title, action, agent, argument, state, reviewer: the page says the same of every request, and of none."""
    request = await house.submit(reason="Duplicate charge", arguments={"order": "10428", "amount": 313.375})
    blocked = await house.submit(action="deploy.service", arguments={"service": "docs", "version": "9"})
    pages: list[str] = []
    for id_ in (request.id, blocked.id, "req_that_never_was"):
        page = await (await visit(None)).get(house.mailed(id_, "ana"))
        assert page.status == 200
        pages.append(page.text.replace(id_, "ID").replace(MARKS.make(id_, "ana"), "MARK"))
        assert not re.search(
            r"ana@|Ana|Silva|refund|10428|313\.375|billing|irreversible|pending|waiting|approved|finance|ben|duplicate",
            html.unescape(page.text).replace(id_, "").replace(MARKS.make(id_, "ana"), ""),
            re.IGNORECASE,
        )
    assert pages[0] == pages[1] == pages[2]


async def test_t17_an_unknown_mark_is_like_no_mark(house: Standing, visit: Visit) -> None:
    """Made up, of another request, another secret, another purpose, another shape, twice given: as any visit."""
    request, other = await house.submit(), await house.submit()
    good = MARKS.make(request.id, "ana")
    nobody = MARKS.make(request.id, "gone")
    wrong = (
        "", "a" * 26, MARKS.make(other.id, "ana"), good.upper(), good[:-1], good + "a", f"{good}%0A", nobody,
        Marks(["another secret, as long as it should be"], PAGE).make(request.id, "ana"),
        Marks(["a secret of the tests, long enough to sign with"], "email.reply").make(request.id, "ana"),
        f"{good}&to={'b' * 26}",
    )  # fmt: skip
    reader = await visit(None)
    plain = await reader.get(f"/requests/{request.id}")
    assert (plain.status, plain.headers["location"]) == (303, f"/sign-in?next=/requests/{request.id}")
    for mark in wrong:
        for path in (f"/requests/{request.id}?to={mark}", f"/requests/{request.id}?to={mark}&asked"):
            page = await reader.get(path)
            assert (page.status, page.headers["location"], page.text) == (303, plain.headers["location"], ""), mark
    ben = await visit("ben")
    for mark in wrong:
        page = await ben.get(f"/requests/{request.id}?to={mark}")
        assert (page.status, "Refund 240.0 USD" in page.words) == (200, True), mark
    assert await refusals(house) == []


async def test_t17_anothers_session_is_refused(house: Standing, visit: Visit) -> None:
    """403, nothing of the request, recorded; the way on as oneself and the way back as the right person are there."""
    request = await house.submit(reason="Duplicate charge")
    ben, link = await visit("ben"), house.mailed(request.id, "ana")
    page = await ben.get(link)
    assert (page.status, "This link was sent to somebody else" in page.words) == (403, True)
    for said in ("ana", "Silva", "example.com", "Refund", "Duplicate", "10428", "billing"):
        assert said not in page.words
    assert await refusals(house) == [("person:ben", request.id)]
    assert f'href="/requests/{request.id}"' in page.text
    assert (await ben.get(f"/requests/{request.id}")).status == 200
    left = await ben.post("/sign-out", csrf=page.hidden("csrf"), **fields(page))
    assert (left.status, left.headers["location"]) == (303, link)
    assert "This link was sent to a••@example.com" in (await ben.get(link)).words
    assert (await house.now(request.id)).state is State.PENDING


async def test_t17_a_refusal_cannot_flood_the_trail(house: Standing, visit: Visit) -> None:
    """One line a minute for a session and a link; another link and another session have their own."""
    request, other = await house.submit(), await house.submit()
    ben, lea = await visit("ben"), await visit("lea")
    link = house.mailed(request.id, "ana")
    for _ in range(10):
        assert (await ben.get(link)).status == (await ben.send("HEAD", link)).status == 403
    await ben.get(house.mailed(other.id, "ana"))
    await lea.get(link)
    expected = [("person:ben", request.id), ("person:ben", other.id), ("person:lea", request.id)]
    assert await refusals(house) == expected
    house.clock.shift = timedelta(seconds=61)
    await ben.get(link)
    assert await refusals(house) == [*expected, ("person:ben", request.id)]


async def test_t17_only_the_registered_address_is_written_to(house: Standing, visit: Visit) -> None:
    """Whatever else the form says; a made-up mark sends nothing; every answer is alike, and one a minute is sent."""
    request = await house.submit()
    reader = await visit(None)
    known = {"request": request.id, "to": MARKS.make(request.id, "ana")}
    unknown = {"request": request.id, "to": "a" * 26}
    given = (known, unknown, known, {**known, "person": "ben"}, {**unknown, "person": "ben"})
    for form in given:
        answer = await reader.post("/sign-in", **form)
        assert (answer.status, answer.text) == (303, "")
        assert answer.headers["location"] == f"/requests/{request.id}?to={form['to']}&asked"
        jar = {cookie.key: cookie.value for cookie in reader.client.cookie_jar}
        assert jar["sayso-next"].strip('"') == f"/requests/{request.id}"
    assert house.letters == ["ana"]
    await reader.post("/sign-in", person="ana")
    assert house.letters == ["ana"], "one pause for both ways of asking"
    house.clock.shift = timedelta(seconds=61)
    await reader.post("/sign-in", **known)
    assert house.letters == ["ana", "ana"]


async def test_t17_a_patient_stranger_fills_no_mailbox(house: Standing, visit: Visit) -> None:
    """Five links an hour to one person, however long somebody goes on asking; after that hour there are more."""
    reader = await visit(None)
    for minute in range(60):
        house.clock.shift = timedelta(minutes=1.01 * minute)
        await reader.post("/sign-in", person="ana")
    assert house.letters == ["ana"] * 5
    house.clock.shift = timedelta(minutes=61)
    await reader.post("/sign-in", person="ana")
    assert house.letters == ["ana"] * 6


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
async def test_t20_another_site_sends_no_mail(house: Standing, visit: Visit, headers: dict[str, str]) -> None:
    """The form to the mailbox counts from our own page alone."""
    request = await house.submit()
    reader = await visit(None)
    form = fields(await reader.get(house.mailed(request.id, "ana")))
    reader.origin = headers
    assert (await reader.post("/sign-in", **form)).status == 403
    assert house.letters == []


@pytest.mark.parametrize("request_id", ["//evil.example", "x/../../evil", "x?to=y", "x\r\nSet-Cookie: a=b", ""])
async def test_t20_the_form_leads_nowhere_else(house: Standing, visit: Visit, request_id: str) -> None:
    """A request id that is none, with a mark that has its shape: the ordinary answer, and no way out."""
    form = {"request": request_id, "to": MARKS.make(request_id, "ana")}
    answer = await (await visit(None)).post("/sign-in", **form)
    assert (answer.status, answer.headers["location"], house.letters) == (303, "/sign-in?asked", [])
    ben = await visit("ben")
    csrf = (await ben.get("/inbox")).hidden("csrf")
    assert (await ben.post("/sign-out", csrf=csrf, **form)).headers["location"] == "/sign-in"


async def test_t17_the_mark_goes_nowhere(house: Standing, visit: Visit) -> None:
    """No page that it opens is kept, framed or named to another site, and no link on one carries it."""
    request = await house.submit(context={"evidence": [{"title": "t", "url": "https://pay.example.com/ch_1"}]})
    link, mark = house.mailed(request.id, "ana"), MARKS.make(request.id, "ana")
    for person, status in ((None, 200), ("ana", 200), ("ben", 403)):
        page = await (await visit(person)).get(link)
        assert page.status == status
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert not [a for a in re.findall(r'(?:href|src|action)="([^"]*)"', page.text) if mark in a]
        assert page.text.count(mark) == (0 if person == "ana" else 1)
    assert 'rel="noopener noreferrer nofollow"' in (await (await visit("ana")).get(link)).text


async def test_t16_get_and_head_of_the_link_change_nothing(house: Standing, visit: Visit) -> None:
    """Signed in or not, the link and every link on its page, opened any number of times: the house is as it was."""
    request = await house.submit()
    link = house.mailed(request.id, "ana")
    for person in (None, "ana"):
        reader = await visit(person)
        lines = await house.lines()
        page = await reader.get(link)
        linked = {html.unescape(a) for a in re.findall(r'(?:href|src|action)="(/[^"]*)"', page.text)}
        only_forms = {"/sign-out", f"/requests/{request.id}/read"}
        assert "/sign-in" in linked or f"/requests/{request.id}/decisions" in linked
        for path in (link, f"{link}&asked", *sorted(linked), link):
            for method in ("GET", "HEAD"):
                answer = await reader.send(method, path)
                assert answer.status in ((405,) if path in only_forms else (200, 303)), (method, path)
                assert (answer.text == "") or method == "GET"
        assert "set-cookie" not in page.headers
        assert (await house.now(request.id), await house.lines()) == (request, lines)
    assert house.letters == []


async def test_a_person_without_an_address_any_more_has_no_page(house: Standing, visit: Visit) -> None:
    """A mark of somebody whom routing.yaml gives no mail address is like no mark."""
    request = await house.submit()
    link = house.mailed(request.id, "kim")
    assert (await (await visit(None)).get(link)).headers["location"] == f"/sign-in?next=/requests/{request.id}"
    assert (await (await visit("ben")).get(link)).status == 200


def test_a_masked_address_tells_its_domain_and_one_letter() -> None:
    """However long the name is, and whatever stands before the last at sign."""
    assert masked("ana@example.com") == "a••@example.com"
    assert masked("a@example.com") == "a••@example.com"
    assert masked('"x@y"@example.com') == '"••@example.com'
