"""A batch in the inbox: seen at a glance and whole, decided together with exceptions, each by its own digest."""

from __future__ import annotations

import html
import re
from urllib.parse import quote

import pytest

from bot.core.links import batch_path
from bot.core.model import Kind, Opinion, Request, State, Verb
from bot.core.ports import Ballot
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import FOREIGN, MARKUP
from tests.web.inbox.house import AGENT, Standing
from tests.web.inbox.reader import Page, Reader

MARCH = "refunds of march/ä?"


PATH = "/inbox/batches/" + quote(MARCH, safe="")


async def refunds(house: Standing, count: int = 3, batch: str = MARCH) -> list[Request]:
    """Refunds that an agent put together: of 10.1, 20.1 and so on."""
    return [
        await house.submit(arguments={"order": str(900 + i), "amount": 10.0 * i + 10.1, "currency": "EUR"}, batch=batch)
        for i in range(count)
    ]


def ticks(page: Page) -> dict[str, str]:
    """The boxes of the form that are ticked, as a browser would send them."""
    found = re.findall(r'<input type="checkbox" id="[^"]*" name="([^"]*)" value="([^"]*)" checked>', page.text)
    return {html.unescape(name): html.unescape(value) for name, value in found}


async def send(reader: Reader, page: Page, decision: str, *, leave: tuple[str, ...] = (), **more: str) -> Page:
    """Send the form of a batch's page with these left out."""
    boxes = {name: value for name, value in ticks(page).items() if name.removeprefix("tick:") not in leave}
    return await reader.post(PATH, csrf=page.hidden("csrf"), decision=decision, **boxes, **more)


async def test_a_batch_at_a_glance_and_whole(staged: Standing, visit: Visit) -> None:
    """How many, each number's sum and bounds, how many different texts; then every request with every argument."""
    made = await refunds(staged)
    page = await (await visit("ana")).get(PATH)
    assert page.status == 200
    assert f"{MARCH} 3 requests to decide together" in page.words
    assert "amount sum 60.3 smallest 10.1 largest 30.1" in page.words
    assert "order 3 different: 900 ×1 , 901 ×1 , 902 ×1" in page.words
    assert "currency the same in all: EUR" in page.words
    assert ticks(page) == {f"tick:{r.id}": f"1:{r.digest}" for r in made}
    for number, amount in ((900, "10.1"), (901, "20.1"), (902, "30.1")):
        assert f'order "{number}" amount {amount} currency "EUR"' in page.words


async def test_all_but_the_exceptions_are_approved(staged: Standing, visit: Visit) -> None:
    """What was unticked stays as it is; the answer says of each what became of it."""
    made = await refunds(staged)
    ana = await visit("ana")
    answer = await send(ana, await ana.get(PATH), "approve", leave=(made[1].id,), comment="As agreed")
    assert answer.status == 200
    assert "2 of 2 counted" in answer.words
    assert "1 of this batch is left" in answer.words
    states = [(await staged.now(request.id)).state for request in made]
    assert states == [State.APPROVED, State.PENDING, State.APPROVED]
    decided = await staged.now(made[0].id)
    assert (decided.decisions[0].digest, decided.decisions[0].comment) == (made[0].digest, "As agreed")
    assert (decided.decisions[0].by, decided.decisions[0].channel) == ("ana", "inbox")


async def test_a_rejection_of_many_takes_a_reason(staged: Standing, visit: Visit) -> None:
    """Both faults stand beside their fields, what was typed and ticked stays, and then all are rejected."""
    made = await refunds(staged)
    ana = await visit("ana")
    page = await ana.get(PATH)
    answer = await send(ana, page, "reject", leave=(made[2].id,), category="policy")
    assert answer.status == 422
    assert 'id="comment-fault">Say why' in answer.text
    assert '<option value="policy" selected>' in answer.text
    assert set(ticks(answer)) == {f"tick:{made[0].id}", f"tick:{made[1].id}"}
    answer = await send(ana, answer, "reject", comment="No <b>receipts</b>")
    assert 'id="category-fault">Pick what is wrong' in answer.text
    assert "No &lt;b&gt;receipts&lt;/b&gt;</textarea>" in answer.text
    answer = await send(ana, answer, "reject", comment="No receipts", category="policy")
    assert (answer.status, "2 of 2 counted" in answer.words) == (200, True)
    assert [(await staged.now(r.id)).state for r in made] == [State.REJECTED, State.REJECTED, State.PENDING]
    assert (await staged.now(made[0].id)).decisions[0].category == "policy"


async def test_nothing_ticked_and_nothing_known_are_refused(staged: Standing, visit: Visit) -> None:
    """A form without a tick, and one that says no decision there is, change nothing."""
    made = await refunds(staged)
    ana = await visit("ana")
    page = await ana.get(PATH)
    none = await send(ana, page, "approve", leave=tuple(r.id for r in made))
    assert (none.status, "Tick at least one request." in none.words) == (422, True)
    for verb in ("ask", "escalate", "approve_with_edits", "break_glass", ""):
        assert (await send(ana, page, verb, comment="x", category="other")).status == 422
    assert {(await staged.now(r.id)).state for r in made} == {State.PENDING}


async def test_t05_one_that_changed_is_refused_by_name_and_the_others_go_through(
    staged: Standing, visit: Visit
) -> None:
    """Each is decided by its own revision and digest: changed, decided by another, and untouched, in one form."""
    changed, taken, same = await refunds(staged)
    ana = await visit("ana")
    page = await ana.get(PATH)
    ballot = Ballot(
        request=changed.id, decision=Verb.ASK, by="ana", channel="slack", revision=1, digest=changed.digest, comment="?"
    )
    await staged.desk.decide(ballot)
    await staged.desk.inform(changed.id, agent=AGENT, text="More", arguments={**changed.content.arguments, "amount": 1})
    await staged.desk.decide(
        Ballot(request=taken.id, decision=Verb.REJECT, by="ana", channel="slack", revision=1, digest=taken.digest)
    )
    answer = await send(ana, page, "approve")
    assert answer.status == 200
    assert "1 of 3 counted" in answer.words
    assert "2 were not counted." in answer.words
    assert "It changed after this page was opened, so nothing was decided." in answer.words
    assert "It was already rejected by Ana Silva; your decision was not counted." in answer.words
    assert f'href="/requests/{changed.id}"' in answer.text
    states = [(await staged.now(r.id)).state for r in (changed, taken, same)]
    assert states == [State.PENDING, State.REJECTED, State.APPROVED]
    assert (await staged.now(changed.id)).votes == ()


async def test_what_changed_is_not_ticked_again_by_itself(staged: Standing, visit: Visit) -> None:
    """A form that comes back with a fault unticks what is other than it was, and says so beside it."""
    changed, *_ = await refunds(staged)
    ana = await visit("ana")
    page = await ana.get(PATH)
    await (await visit("ana")).decide(changed.id, "ask", comment="Sure?")
    await staged.desk.inform(changed.id, agent=AGENT, text="Yes")
    answer = await send(ana, page, "reject")
    assert answer.status == 422
    assert f"tick:{changed.id}" not in ticks(answer)
    assert "It changed since you opened this page. Tick it again if it is still right." in answer.words


async def test_what_is_decided_by_itself_stands_apart(staged: Standing, visit: Visit) -> None:
    """Irreversible, a question, warned of, and long: a link each and no box; a forged box decides nothing (T8)."""
    plain, *_ = await refunds(staged, 1)
    apart = [
        await staged.submit(action="host.go", arguments={"x": 1}, batch=MARCH),
        await staged.submit(action="ask.x", arguments={}, kind=Kind.QUESTION, batch=MARCH),
        await staged.submit(arguments={"order": "1\u202e", "amount": 1, "currency": "EUR"}, batch=MARCH),
        await staged.submit(arguments={"order": "x" * 8001, "amount": 1, "currency": "EUR"}, batch=MARCH),
    ]
    ana = await visit("ana")
    page = await ana.get(PATH)
    assert set(ticks(page)) == {f"tick:{plain.id}"}
    for request in apart:
        assert f'href="/requests/{request.id}"' in page.text
    for why in ("irreversible", "question: it needs an answer of its own", "it needs a close look", "long"):
        assert why in page.words
    forged = {f"tick:{r.id}": f"1:{r.digest}" for r in apart}
    answer = await ana.post(PATH, csrf=page.hidden("csrf"), decision="approve", **forged)
    assert (answer.status, "0 of 4 counted" in answer.words) == (409, True)
    assert "It is decided on its own page, never together with others." in answer.words
    for request in apart:
        assert (await staged.now(request.id)).state is State.PENDING
        assert (await staged.audit_types(request.id))[-1] == "refusal:decided_by_itself"


async def test_t12_what_the_house_knows_against_it_is_not_ticked_unread(staged: Standing, visit: Visit) -> None:
    """Rejected before, doubted by an advisor, a check that failed: the form says nothing of it, so each is apart."""
    plain, doubted, refused = await refunds(staged)
    doubt = Opinion.DOUBT
    seen = doubted.digest
    await staged.desk.assess(doubted.id, by="checker", opinion=doubt, note="odd", revision=1, digest=seen)
    ballot = Ballot(
        request=refused.id, decision=Verb.REJECT, by="ana", channel="api", revision=1, digest=refused.digest
    )
    await staged.desk.decide(ballot)
    again = await staged.submit(arguments=refused.content.arguments, batch=MARCH)
    unchecked = await staged.submit(arguments={"order": "1", "amount": 9.0, "currency": "USD"}, batch=MARCH)
    assert again.route.refused == refused.id
    assert [check.passed for check in unchecked.route.checks] == [False, True]
    page = await (await visit("ana")).get(PATH)
    assert set(ticks(page)) == {f"tick:{plain.id}"}
    assert page.words.count("it needs a close look") == 3


async def test_t08_a_box_for_what_is_not_theirs_decides_nothing(staged: Standing, visit: Visit) -> None:
    """A request of another batch is not found here; one that others are asked about is refused, both recorded."""
    mine, *_ = await refunds(staged, 1)
    other, *_ = await refunds(staged, 1, batch="april")
    ana, kim = await visit("ana"), await visit("kim")
    page = await ana.get(PATH)
    sent = {f"tick:{r.id}": f"1:{r.digest}" for r in (other, mine)}
    stranger = await kim.post(PATH, csrf=(await kim.get("/inbox")).hidden("csrf"), decision="approve", **sent)
    assert (stranger.status, "0 of 2 counted" in stranger.words) == (409, True)
    assert "refusal:not_assigned" in await staged.audit_types(mine.id)
    assert (await staged.now(mine.id)).state is State.PENDING
    answer = await ana.post(PATH, csrf=page.hidden("csrf"), decision="approve", **sent)
    assert "There is no such request in this batch." in answer.words
    assert "on order" not in answer.words.split("Not counted")[0], "not even its title is told"
    assert [(await staged.now(r.id)).state for r in (other, mine)] == [State.PENDING, State.APPROVED]


async def test_a_batch_is_for_those_who_are_asked(staged: Standing, visit: Visit) -> None:
    """Who may decide none of it, and whoever asks for a batch that is not there, finds nothing."""
    await refunds(staged)
    for person, path in (("kim", PATH), ("ana", "/inbox/batches/none")):
        page = await (await visit(person)).get(path)
        assert (page.status, "No request of this batch waits for you." in page.words) == (404, True)


async def test_the_queue_holds_a_batch_in_one_row(staged: Standing, visit: Visit) -> None:
    """Its requests are counted and stand behind one link; a batch of one is a request like any other."""
    made = await refunds(staged)
    (single,) = await refunds(staged, 1, batch="april")
    ana = await visit("ana")
    page = await ana.get("/inbox")
    assert "4 requests wait for you" in page.words
    assert page.text.count(f'href="{PATH}"') == 1
    assert "Batch of 3" in page.words
    assert MARCH in page.words
    assert f'href="/requests/{single.id}"' in page.text
    assert not [r for r in made if f'href="/requests/{r.id}"' in page.text]
    assert f'<a href="{PATH}">' in (await ana.get(f"/requests/{made[0].id}")).text


async def test_signing_in_leads_back_to_the_batch(staged: Standing, visit: Visit) -> None:
    """Whoever opens a batch's link signed out is brought there afterwards, slashes in its name and all."""
    await refunds(staged)
    reader = await visit(None)
    away = await reader.get(PATH)
    assert away.status == 303
    await reader.get(away.headers["location"])
    entered = await reader.sign_in("ana")
    assert entered.headers["location"] == PATH
    assert MARCH in (await reader.get(PATH)).words


@pytest.mark.parametrize("headers", FOREIGN)
async def test_t20_a_form_from_elsewhere_decides_no_batch(
    staged: Standing, visit: Visit, headers: dict[str, str]
) -> None:
    """No origin of ours, no token of the session: nothing happens."""
    made = await refunds(staged, 1)
    ana = await visit("ana")
    page = await ana.get(PATH)
    form = {"csrf": page.hidden("csrf"), "decision": "approve", **ticks(page)}
    assert (await ana.send("POST", PATH, form, headers)).status == 403
    assert (await ana.post(PATH, **{**form, "csrf": "0" * 64})).status == 403
    assert (await staged.now(made[0].id)).state is State.PENDING


async def test_t03_no_text_of_an_agent_becomes_markup_in_a_batch(staged: Standing, visit: Visit) -> None:
    """A batch's name, an argument's name and its value come out as the characters they are, on all three pages."""
    ana = await visit("ana")
    for text in MARKUP:
        made = [
            await staged.submit(
                action="refund.issue", arguments={text: text, "order": f"{i}", "currency": "EUR"}, batch=text
            )
            for i in range(2)
        ]
        path = batch_path(text) or ""
        page = await ana.get(path)
        form = {"csrf": page.hidden("csrf"), "decision": "approve", **ticks(page)}
        for shown in (await ana.get("/inbox"), page, await ana.post(path, **form)):
            assert shown.status == 200
            assert text in html.unescape(shown.text)
            assert "<svg onload" not in shown.text
            assert "<script>alert" not in shown.text
            assert "{{" not in text or "49" not in shown.words.split("sum")[0]
        assert {(await staged.now(r.id)).state for r in made} == {State.APPROVED}


async def test_a_batch_without_an_address_stands_request_by_request(staged: Standing, visit: Visit) -> None:
    """Nothing that waits is hidden behind a link that leads elsewhere."""
    made = await refunds(staged, 2, batch="..")
    ana = await visit("ana")
    page = await ana.get("/inbox")
    assert all(f'href="/requests/{r.id}"' in page.text for r in made)
    assert "/inbox/batches/" not in (await ana.get(f"/requests/{made[0].id}")).text
