"""A message of several requests as it is drawn: nothing of an agent's making but text, and within every limit."""

from __future__ import annotations

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.card import Asked, Card, Line
from bot.core.model import Kind, Risk, Verb
from channels.slack import bundle
from channels.slack.sizes import size
from channels.slack.sweeps import Came, told
from tests.channels.house import House
from tests.channels.slack.hostile import HOSTILE
from tests.channels.slack.test_card import CARDS, TEXT
from tests.fakes.slack import Message, buttons, links, mentions, visible_text
from tests.fakes.slack.limits import BLOCK_TEXT, block_text_length, check_blocks

PAGE = "https://sayso.example/inbox"


def drawn(cards: list[Card]) -> Message:
    """A message of these cards as Slack would store it; raises what Slack would refuse it with."""
    found = bundle.chosen([(card, f"dlv_{n}") for n, card in enumerate(cards)])
    message = bundle.message(found, "token", PAGE, House().person)
    blocks = check_blocks(json.loads(json.dumps(message["blocks"])))
    return Message("C1", "1.1", "U0SAYSOBOT", message["text"], blocks, "T0SAYSO")


def test_t03_500_hostile_strings_make_no_link_mention_or_block() -> None:
    """In every text of a line, in the batch's name and in the sums: only our own marks and the pages' links."""
    asked = {f"@{House().people[person].slack}" for person in ("ana", "ben", "gus", "sue", "old")}
    for text in HOSTILE:
        house = House()
        some = [
            house.submit({text: 5, "value": text}, title=text, action=text, reason=text, warnings=(text,), batch=text)
            for _ in range(2)
        ]
        shown = drawn([house.card_of(request) for request in some])
        kinds = [b["type"] for b in shown.blocks]
        assert kinds.count("rich_text") == 2, text
        assert set(kinds) <= {"header", "context", "section", "divider", "rich_text", "actions"}, text
        assert set(links(shown)) == {PAGE}, text
        assert {m.partition("^")[0] for m in mentions(shown)} == {"!date", *asked}, text
        targets = {e.get("url") for b in shown.blocks if b["type"] == "rich_text" for e in b["elements"][0]["elements"]}
        assert targets == {None, *(house.card_of(request).url for request in some)}, text


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(CARDS, min_size=2, max_size=30))
def test_every_message_is_within_every_limit_of_slack(cards: list[Card]) -> None:
    """Whatever its requests hold; and where anything is left out, nothing can be approved by it."""
    shown = drawn(cards)
    texts = [part["text"] for part in _texts(shown.blocks)]
    assert block_text_length(shown.blocks) <= BLOCK_TEXT
    assert sum(map(size, texts)) <= BLOCK_TEXT
    assert max(map(size, texts)) <= 3_000
    if "approve_all" in buttons(shown):
        _all_of_it_is_there(cards, visible_text(shown))


def _all_of_it_is_there(cards: list[Card], text: str) -> None:
    waiting = [card for card in cards if card.state.open and {Verb.APPROVE, Verb.REJECT} <= set(card.buttons)]
    assert waiting
    for card in waiting:
        assert (card.risk != Risk.IRREVERSIBLE, card.kind, card.fully_shown) == (True, Kind.APPROVAL, True)
        lines = [text for line in (*card.arguments, *card.notes, *card.claims) for text in (line.label, line.text)]
        for piece in (card.title or card.action, card.action, card.agent, *card.marks, *lines):
            assert " ".join(piece.split("\n")) in text


def _texts(value: object) -> list[dict[str, str]]:
    if isinstance(value, dict):
        own = [value] if isinstance(value.get("text"), str) else []
        return own + [text for item in value.values() for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


@given(st.lists(st.builds(Came, TEXT, st.none() | TEXT), max_size=100))
def test_what_is_told_names_every_count(came: list[Came]) -> None:
    """However long the titles and reasons, it is short enough to be said."""
    text = told(Verb.APPROVE, came)
    assert text.startswith(f"Approved: {sum(c.refused is None for c in came)} of {len(came)}." if came else "Nothing")
    assert size(text) <= 2_900


def test_a_number_is_summed_only_where_each_request_has_it() -> None:
    """Texts that look like numbers, booleans and numbers that some lack make no sum; huge ones are rounded openly."""
    house = House()
    first = house.submit({"amount": 1e300, "order": "7", "sure": True, "rare": 1, "n": -3}, action="a.b")
    second = house.submit({"amount": 5, "order": "8", "sure": False, "n": 12_000.5}, action="a.b")
    third = house.submit({}, action="c.d")
    text = visible_text(drawn([house.card_of(r) for r in (first, second, third)]))
    added = "amount 5 to 1.000000E+300, 1.000000E+300 in all; n -3 to 12,000.5, 11,997.5 in all"
    assert f"a.b: 2 requests; {added}\n" in text
    assert "c.d: 1 request\n" in text


def test_a_line_says_how_far_its_stages_are_and_what_the_house_adds() -> None:
    """Stages, warnings, a low confidence and notes stand in the request's own line, before what the agent says."""
    house = House()
    card = house.card_of(house.submit(confidence=0.4, warnings=("above the usual",), reason="because"))
    full = replace(card, progress="finance: 1 of 2 approvals", notes=(Line("Checked: budget", "passed"),))
    text = visible_text(drawn([full, card]))
    order = [
        "⚠ above the usual",
        "⚠ confidence 40%",
        "finance: 1 of 2",
        "Checked: budget: passed",
        "unchecked): Reason",
    ]
    assert [text.index(piece) for piece in order] == sorted(text.index(piece) for piece in order)


def test_a_message_that_is_full_everywhere_is_within_the_limits() -> None:
    """Every part at its longest, in characters that grow fivefold, and twenty rows of it."""
    long, house = "&" * 5_000, House()
    asked = tuple(Asked(long, f"nil{n}", 0, long) for n in range(20))
    full = house.card_of(house.submit({f"n{n}": 1e40 for n in range(9)}, reason=long, warnings=(long,) * 9, batch=long))
    cards = [
        replace(full, request=f"req_{n}", title=long, action=f"{n}{long}", agent=long, asked=asked) for n in range(25)
    ]
    assert sum(size(part["text"]) for part in _texts(drawn(cards).blocks)) <= BLOCK_TEXT
    for n in range(60, 400, 10):
        some = [
            replace(card, agent="&" * (n // 6), action="a", title="t" * n, claims=(), marks=()) for card in cards[:20]
        ]
        assert sum(size(part["text"]) for part in _texts(drawn(some).blocks)) <= BLOCK_TEXT
