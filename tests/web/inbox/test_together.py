"""What was picked in the queue, decided together: each by itself, with exceptions, opposites, and an undo of all."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

import pytest

from bot.core.model import Kind, Request, State, Verb
from bot.core.ports import Ballot
from bot.web.inbox.assets import Assets
from bot.web.inbox.language import Said
from bot.web.inbox.pages import Pages
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import FOREIGN, MARKUP
from tests.web.inbox.house import AGENT, Standing
from tests.web.inbox.reader import Page, Reader

PATH = "/inbox/together"


class Elements(HTMLParser):
    """What a browser would make of a page: its elements, their attributes, and where its links and forms lead."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what begins."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links |= {value or "" for name, value in attrs if name in {"href", "action", "src"}}


async def letters(house: Standing, count: int = 3, action: str = "mail.send") -> list[Request]:
    """Newsletters; what is approved of them runs half a minute later."""
    return [
        await house.submit(action=action, arguments={"to": f"{i}@example.com", "subject": "News", "body": "Dear all"})
        for i in range(count)
    ]


def picked(requests: list[Request]) -> str:
    """The address that the queue's form leads to."""
    return f"{PATH}?" + "&".join(f"pick={request.id}" for request in requests)


def ticks(page: Page) -> dict[str, str]:
    """The boxes of the form that are ticked, as a browser would send them."""
    found = re.findall(r'<input type="checkbox" id="[^"]*" name="([^"]*)" value="([^"]*)" checked>', page.text)
    return {html.unescape(name): html.unescape(value) for name, value in found}


async def send(reader: Reader, page: Page, decision: str, boxes: dict[str, str], **more: str) -> Page:
    """Send the page's form with these boxes ticked."""
    kept = {name: page.hidden(name) for name in ("csrf", "picks")}
    return await reader.post(PATH, decision=decision, **kept, **boxes, **more)


async def states(house: Standing, requests: list[Request]) -> list[State]:
    """Where each stands."""
    return [(await house.now(request.id)).state for request in requests]


async def test_what_was_picked_is_seen_whole_and_all_but_the_exceptions_approved(
    staged: Standing, visit: Visit
) -> None:
    """Every box is bound to what its row shows; what was unticked stays, and its own page is one link away."""
    made = await letters(staged, 4)
    ana = await visit("ana")
    page = await ana.get(picked(made))
    assert page.status == 200
    assert "4 requests to decide together" in page.words
    assert ticks(page) == {f"tick:{r.id}": f"1:{r.digest}" for r in made}
    assert page.words.count('body "Dear all"') == 4
    boxes = {name: value for name, value in ticks(page).items() if not name.endswith((made[1].id, made[2].id))}
    answer = await send(ana, page, "approve", boxes, comment="As planned")
    assert "2 of 2 counted" in answer.words
    assert "Decide the 2 you left out" in answer.words
    assert html.escape(picked(made[1:3])) in answer.text
    assert await states(staged, made) == [State.APPROVED, State.PENDING, State.PENDING, State.APPROVED]
    assert [d.comment for d in (await staged.now(made[0].id)).decisions] == ["As planned"]
    rest = await ana.get(picked(made[1:3]))
    refused = await send(ana, rest, "reject", ticks(rest), comment="Not these readers", category="wrong_target")
    assert "2 of 2 counted" in refused.words
    assert (await staged.now(made[1].id)).decisions[0].comment == "Not these readers"


@pytest.mark.parametrize(("verb", "others", "turned"), [("approve", 1, 0), ("reject", 0, 1)])
async def test_one_is_decided_the_other_way_in_the_same_form(
    staged: Standing, visit: Visit, verb: str, others: int, turned: int
) -> None:
    """The opposite counts before the tick, takes a reason where it rejects, and the reason goes to that one alone."""
    ends = (State.REJECTED, State.APPROVED)
    made = await letters(staged)
    ana = await visit("ana")
    page = await ana.get(picked(made))
    boxes = ticks(page) | {f"other:{made[1].id}": f"1:{made[1].digest}"}
    answer = await send(ana, page, verb, boxes)
    assert (answer.status, 'id="comment-fault"' in answer.text) == (422, True)
    assert ticks(answer) == boxes, "what was marked stays marked"
    answer = await send(ana, answer, verb, boxes, comment="Bounced before", category="other")
    assert "3 of 3 counted" in answer.words
    assert await states(staged, made) == [ends[others], ends[turned], ends[others]]
    for request in made:
        now = await staged.now(request.id)
        said = "Bounced before" if now.state is State.REJECTED else None
        assert [d.comment for d in now.decisions] == [said]


async def test_t05_t06_what_changed_was_decided_or_is_sent_twice_is_told_of_each(
    staged: Standing, visit: Visit
) -> None:
    """Changed, decided by another, untouched; and the same form once more: nothing counts twice and nothing is lost."""
    changed, taken, same = await letters(staged)
    ana = await visit("ana")
    page = await ana.get(picked([changed, taken, same]))
    ask = Ballot(
        request=changed.id, decision=Verb.ASK, by="ana", channel="slack", revision=1, digest=changed.digest, comment="?"
    )
    await staged.desk.decide(ask)
    await staged.desk.inform(changed.id, agent=AGENT, text="More", arguments={**changed.content.arguments, "to": "x"})
    no = Ballot(request=taken.id, decision=Verb.REJECT, by="ana", channel="slack", revision=1, digest=taken.digest)
    await staged.desk.decide(no)
    answer = await send(ana, page, "approve", ticks(page))
    assert "1 of 3 counted" in answer.words
    assert "It changed after this page was opened, so nothing was decided." in answer.words
    assert "It was already rejected by Ana Silva; your decision was not counted." in answer.words
    again = await send(ana, page, "approve", ticks(page))
    assert (again.status, "0 of 3 counted" in again.words) == (409, True)
    assert "It was already approved by Ana Silva" in again.words
    assert await states(staged, [changed, taken, same]) == [State.PENDING, State.REJECTED, State.APPROVED]
    assert len((await staged.now(same.id)).decisions) == 1


async def test_what_cannot_be_decided_here_stands_apart_with_why(staged: Standing, visit: Visit) -> None:
    """Irreversible, a question, decided, not asked of the reader, and no request at all: no box for any of them."""
    (plain,) = await letters(staged, 1)
    gone = await staged.submit(action="mail.send", arguments={"to": "a", "subject": "b", "body": "c"})
    await staged.desk.cancel(gone.id, agent=AGENT, reason="Not needed")
    theirs = await staged.submit(action="host.run", arguments={})
    made = [
        plain,
        await staged.submit(action="host.go", arguments={"x": 1}),
        await staged.submit(action="ask.x", arguments={}, kind=Kind.QUESTION),
        gone,
        theirs,
    ]
    page = await (await visit("ana")).get(f"{picked(made)}&pick=req_none&pick=%3Cb%3E")
    assert set(ticks(page)) == {f"tick:{plain.id}"}
    assert "1 request to decide together, 6 apart" in page.words
    for why in ("irreversible", "question: it needs", "nothing is to be decided any more", "you are not asked"):
        assert why in page.words
    assert page.words.count("there is no such request") == 2
    assert "<b>there" not in page.text.replace("<b>Send", "")
    none = await (await visit("ana")).get(picked([made[1], gone]))
    assert "Nothing here can be decided together. Open each above, and decide it on its own page." in none.words


async def test_t08_a_forged_form_decides_nothing_that_is_not_ones_own(staged: Standing, visit: Visit) -> None:
    """Whoever is not asked, and what is decided by itself, is refused one by one and on record."""
    mine, other = await letters(staged, 2)
    alone = await staged.submit(action="host.go", arguments={"x": 1})
    kim, ana = await visit("kim"), await visit("ana")
    page = await ana.get(picked([mine]))
    csrf = (await kim.get(f"/requests/{mine.id}")).hidden("csrf")
    answer = await kim.post(PATH, csrf=csrf, picks="", decision="approve", **ticks(page))
    assert (answer.status, "0 of 1 counted" in answer.words) == (409, True)
    assert "refusal:not_assigned" in await staged.audit_types(mine.id)
    forged = {f"tick:{r.id}": f"1:{r.digest}" for r in (alone, other)} | {"tick:req_none": "1:x", "tick:<b>": "y"}
    answer = await send(ana, page, "approve", forged)
    assert "1 of 4 counted" in answer.words
    assert "It is decided on its own page, never together with others." in answer.words
    assert (await staged.audit_types(alone.id))[-1] == "refusal:decided_by_itself"
    assert await states(staged, [mine, other, alone]) == [State.PENDING, State.APPROVED, State.PENDING]


async def test_more_than_two_hundred_and_none_are_told_plainly(staged: Standing, visit: Visit) -> None:
    """Two hundred of them are a page; one more is a message, in the address and in a form alike."""
    ana = await visit("ana")
    ids = [f"req_{n}" for n in range(201)]
    address = f"{PATH}?" + "&".join(f"pick={id_}" for id_ in ids)
    many = await ana.get(address)
    assert (many.status, "At most 200 requests are decided together, and these are 201." in many.words) == (422, True)
    assert (await ana.get(address.replace("&pick=req_200", ""))).status == 200
    none = await ana.get(PATH)
    assert (none.status, "No request was picked." in none.words) == (422, True)
    csrf = (await ana.get("/inbox/together?pick=x")).text
    assert "Nothing here can be decided together." in csrf
    assert "Open each above" not in csrf
    (made,) = await letters(staged, 1)
    page = await ana.get(picked([made]))
    boxes = {f"tick:{id_}": "1:x" for id_ in ids} | ticks(page)
    assert (await send(ana, page, "approve", boxes)).status == 422
    assert await states(staged, [made]) == [State.PENDING]


@pytest.mark.parametrize("headers", FOREIGN)
async def test_t20_a_form_from_elsewhere_decides_and_takes_back_nothing(
    staged: Standing, visit: Visit, headers: dict[str, str]
) -> None:
    """No origin of ours, no token of the session: nothing happens."""
    (made,) = await letters(staged, 1)
    ana = await visit("ana")
    page = await ana.get(picked([made]))
    form = {"csrf": page.hidden("csrf"), "picks": made.id, "decision": "approve", **ticks(page)}
    for path, sent in ((PATH, form), (f"{PATH}/undo", {"csrf": form["csrf"], f"undo:{made.id}": "1"})):
        assert (await ana.send("POST", path, sent, headers)).status == 403
        assert (await ana.post(path, **{**sent, "csrf": "0" * 64})).status == 403
    assert await states(staged, [made]) == [State.PENDING]


async def test_t16_looking_changes_nothing(staged: Standing, visit: Visit) -> None:
    """GET and HEAD of every address here leave the trail as long as it was."""
    made = await letters(staged, 2)
    ana = await visit("ana")
    await ana.get("/inbox")
    before = await staged.lines()
    group = f"/inbox/alike?agent={AGENT}&action=mail.send"
    for path in (picked(made) + "&decision=approve", "/inbox/alike", group, f"{PATH}/undo?undo:{made[0].id}=1"):
        for method in ("GET", "HEAD"):
            assert (await ana.send(method, path)).status in (200, 303)
    assert await staged.lines() == before
    assert await states(staged, made) == [State.PENDING] * 2


async def test_t03_no_text_of_an_agent_becomes_markup(staged: Standing, visit: Visit) -> None:
    """In titles, values and names of arguments, before and after the decision, and in the group's page."""
    ana = await visit("ana")
    made = [
        await staged.submit(arguments={text: text, "order": text, "amount": float(n), "currency": "EUR"})
        for n, text in enumerate(MARKUP)
    ]
    page = await ana.get(picked(made))
    group = await ana.get(f"/inbox/alike?agent={AGENT}&action=refund.issue")
    done = await send(ana, page, "approve", ticks(page))
    assert done.status == 200
    for shown in (page, group, done):
        assert shown.status == 200
        made_of = Elements(shown.text)
        assert not made_of.tags & {"svg", "iframe"}
        assert not [name for name in made_of.attributes if name.startswith("on")]
        assert not [link for link in made_of.links if not link.startswith(("/", "#"))]


def test_t03_a_text_that_is_translated_is_escaped_all_the_same() -> None:
    """A text with a value goes through ``_`` and stays a text; a percent sign in it is a percent sign."""
    page = Pages(Assets())._templates.from_string("{{ _(x) }}|{% trans y=x %}a {{ y }} 5%{% endtrans %}")  # noqa: SLF001  # as every template is made
    assert page.render(x=Said("{a} 5 %", a="<b>")) == "&lt;b&gt; 5 %|a &lt;b&gt; 5 % 5%"
