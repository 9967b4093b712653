"""The page of one request: everything a reviewer needs, whole, and nothing of the agent's making but its words."""

from __future__ import annotations

import html
import re
from collections import Counter
from html.parser import HTMLParser

from bot.core.card import literal
from bot.core.model import Verb
from bot.core.ports import Ballot
from bot.core.scrutiny import visible
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import HIDDEN, MARKUP, NOT_LINKS
from tests.web.inbox.house import Standing

CONTEXT = {
    "user_request": "Twice 👩\u200d💻",
    "evidence": [{"title": "Two captures", "text": "14 s apart", "url": "https://pay.example.com/ch_1"}],
    "tool_calls": [{"name": "payments.search", "arguments": {"order": "10428"}, "result": {"captures": 2}}],
    "alternatives": [{"action": "store.credit", "arguments": {"amount": 240}, "why_not": "asked for money"}],
    "checks": [{"name": "identity", "passed": False, "detail": "mail only"}],
    "expected_outcome": "One capture is returned",
    "risks": ["It may be the wrong one"],
    "rollback": "Reverse within a day",
    "shape_of_its_own": {"kept": ["as", "it", "is"]},
}


class Elements(HTMLParser):
    """A page as a browser reads it: how many elements of each kind, which attributes, which addresses."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.addresses: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Count one element; the marks that the house itself sets into texts are left out."""
        if tag == "mark":
            return
        self.elements[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.addresses |= {value or "" for name, value in attrs if name in ("href", "src", "action", "formaction")}


async def everywhere(house: Standing, text: str) -> str:
    """The page of a request that holds a text wherever an agent can put one."""
    request = await house.submit(
        action="host.run",
        arguments={text: text, "nested": {text: [text]}},
        reason=text,
        on_behalf_of=text,
        labels={text: text},
        context={
            **dict.fromkeys(("user_request", "expected_outcome", "rollback", text), text),
            "evidence": [{"title": text, "text": text, "url": text}],
            "tool_calls": [{"name": text, "arguments": {text: text}, "result": text}],
            "checks": [{"name": text, "passed": True, "detail": text}],
            "alternatives": [{"action": text, "arguments": text, "why_not": text}],
            "risks": [text],
        },
    )
    return f"/requests/{request.id}"


def plain(text: str) -> str:
    """The text that a page shows, its marks taken away."""
    return html.unescape(re.sub(r"</?mark[^>]*>", "", text))


async def test_everything_that_a_reviewer_needs_is_on_the_page(house: Standing, visit: Visit) -> None:
    """Action, arguments, what runs where, why, who is asked, until when, the agent's words, the trail: all is there."""
    request = await house.submit(reason="Duplicate charge", confidence=0.72, context=CONTEXT, labels={"tier": "gold"})
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    assert page.status == 200
    for said in (
        "Refund 240.0 USD on order 10428", "refund.issue", "72% (below 85% gate)", "Rule refunds",
        "https://billing.example.com/refunds", request.digest, "You, Ben Okafor", "Lea Marsh", "Irreversible",
        "refund.reverse", "30 s after approval", "Silence never approves it.",
        "The agent’s own words, not checked", "Duplicate charge", "Twice 👩\u200d💻", "Two captures", "14 s apart",
        "payments.search", '"10428"', "captures", "store.credit", "asked for money", "Failed · identity", "mail only",
        "One capture is returned", "It may be the wrong one", "Reverse within a day", "shape_of_its_own", "gold",
        "request.submitted", "agent:billing-assistant", "Cards sent",
    ):  # fmt: skip
        assert said in page.words, said
    assert 'href="https://pay.example.com/ch_1" rel="noopener noreferrer nofollow"' in page.text


async def test_t01_long_arguments_stand_whole_and_above_the_agents_words(house: Standing, visit: Visit) -> None:
    """Padding cannot push the command away, nothing is elided, lengths are stated, and claims come after it."""
    command = "rm -rf / #" + "\n" * 500 + "checks passed\n" + "x" * 20_000 + "THE END"
    request = await house.submit(action="host.run", arguments={"command": command}, reason="APPROVED BY SECURITY")
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    shown = plain(page.text)
    assert literal(command) in shown
    assert f"{len(command):,} characters, 502 lines" in page.words
    assert page.text.index("rm -rf /") < page.text.index("own words, not checked") < page.text.index("APPROVED BY SEC")
    assert "read them to the end" in page.words


async def test_t03_no_text_of_an_agent_becomes_markup(house: Standing, visit: Visit) -> None:
    """Tags, attributes, templates and comments in any field come out as the characters they are."""
    reader = await visit("ana")
    ordinary = Elements((await reader.get(await everywhere(house, "ordinary"))).text)
    for text in MARKUP:
        page = await reader.get(await everywhere(house, text))
        assert page.status == 200
        assert text in html.unescape(page.text)
        read = Elements(page.text)
        assert read.elements == ordinary.elements, text
        assert not [name for name in read.attributes if name.startswith("on")], text
        assert not [address for address in read.addresses if not address.startswith(("/", "#"))], text


async def test_t03_only_plain_web_addresses_become_links(house: Standing, visit: Visit) -> None:
    """Evidence with any other address is shown as text."""
    reader = await visit("ana")
    for url in NOT_LINKS:
        request = await house.submit(context={"evidence": [{"title": "t", "url": url}]})
        page = await reader.get(f"/requests/{request.id}")
        assert 'target="_blank"' not in page.text, url
        assert visible(url) in plain(page.text), url


async def test_t04_hidden_characters_are_seen(house: Standing, visit: Visit) -> None:
    """Every format character in arguments, names and claims stands as its code point."""
    reader = await visit("ana")
    for character in HIDDEN:
        text = f"pay{character}pal"
        request = await house.submit(action="host.run", arguments={text: text}, reason=text)
        page = await reader.get(f"/requests/{request.id}")
        assert page.text.count(f"⟦U+{ord(character):04X}⟧") >= 3, hex(ord(character))
        body = page.text if character != "\t" else "".join(re.findall(r"<pre>.*?</pre>", page.text))
        fields = re.sub(r'<textarea.*?</textarea>|value="[^"]*"', "", body, flags=re.DOTALL)
        assert character not in fields, hex(ord(character))


async def test_an_argument_keeps_its_type_on_the_page(house: Standing, visit: Visit) -> None:
    """A text, a number and a truth value that read alike are told apart."""
    request = await house.submit(action="host.run", arguments={"a": "1", "b": 1, "c": True, "d": "true", "e": None})
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    for said in ('"1"', "<pre>1</pre>", "<pre>true</pre>", '"true"', "<pre>null</pre>"):
        assert said in html.unescape(page.text), said


async def test_an_edit_is_shown_as_a_difference(house: Standing, visit: Visit) -> None:
    """The page of an edited request says who changed what from what."""
    request = await house.submit()
    await house.desk.decide(
        Ballot(
            request=request.id, decision=Verb.APPROVE_WITH_EDITS, by="ben", channel="slack", revision=1,
            digest=request.digest, arguments={**request.content.arguments, "amount": 60.0, "note": "Sorry"},
            comment="Half of it",
        )
    )  # fmt: skip
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    for said in ("Approved with edits by Ben Okafor", "through Slack", "Half of it", "What Ben Okafor changed"):
        assert said in page.words, said
    assert re.search(r"/amount.*before: 240\.0.*after: 60\.0.*/note.*not there before.*\"Sorry\"", page.words)


async def test_a_person_who_is_not_asked_may_look_and_not_decide(house: Standing, visit: Visit) -> None:
    """No form is offered, and the page says why; the agent's owner is told the other reason."""
    request = await house.submit()
    for person, why in (("lea", "You are not asked to review this request yet"), ("dan", "own the agent")):
        page = await (await visit(person)).get(f"/requests/{request.id}")
        assert page.status == 200
        assert "/decisions" not in page.text
        assert why in page.words


async def test_an_unknown_request_is_not_found(visit: Visit) -> None:
    """A page says so, with status 404."""
    page = await (await visit("ana")).get("/requests/req_nothing")
    assert (page.status, "no request with this id" in page.words) == (404, True)
