"""The card: nothing of an agent's making but text, nothing hidden, and within every limit whatever it holds."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.json import decode
from msgspec.structs import replace

from bot.core.card import Asked, Card, Line, Offer, Verdict
from bot.core.model import Edit, Kind, State, Verb
from bot.core.token import Tokens
from channels.slack import draw
from channels.slack.sizes import fitted, size
from channels.slack.words import VERBS
from tests.channels.house import House
from tests.channels.slack.conftest import Office
from tests.channels.slack.hostile import HOSTILE
from tests.fakes.slack import Message, buttons, links, mentions, visible_text
from tests.fakes.slack.limits import BLOCK_TEXT, block_text_length, check_blocks, check_view

TOKENS = Tokens(("secret",), "slack.card")
PAGE = "https://sayso.example/requests/req_1"


def drawn(card: Card, house: House | None = None) -> Message:
    """The card as Slack would store it; raises what Slack would refuse it with."""
    message = draw.message(card, "dlv_1", TOKENS, (house or House()).person)
    blocks = check_blocks(decode(message["blocks"]))
    return Message("C1", "1.1", "U0SAYSOBOT", message["text"], blocks, "T0SAYSO")


def card(**changes: Any) -> Card:
    """A card of the house, with these fields changed."""
    house = House()
    return replace(house.card_of(house.submit(reason="because", confidence=0.5)), **changes)


def test_t03_500_hostile_strings_make_no_link_mention_or_block() -> None:
    """As argument, name, reason, evidence, title and action: the card that Slack shows holds only our own marks."""
    plain = drawn(card())
    assert len(HOSTILE) == 500
    for text in HOSTILE:
        house = House()
        request = house.submit(
            {"value": text, text: 1, "nested": {text: [text]}},
            title=f"Refund {text}",
            action=text,
            reason=text,
            confidence=0.9,
            context={"evidence": [{"title": text, "text": text, "url": text}], "user_request": text, "risks": [text]},
            differs=(Edit(f"/{text}", text, text),),
            revises=text,
            warnings=(f"/value holds {text}",),
        )
        message = drawn(house.card_of(request), house)
        assert set(links(message)) == {f"https://sayso.example/requests/{request.id}"}, text
        assert _kinds(message) == _kinds(plain), text
        assert not {b["type"] for b in message.blocks} - {b["type"] for b in plain.blocks} - {"section"}, text
        assert not re.search(r"<[^>]*evil|https?://evil", message.text), text


def _kinds(message: Message) -> list[str]:
    """Mentions, with dates as dates: every one on a card is ours."""
    return sorted(mark.partition("^")[0] for mark in mentions(message))


def test_t03_marks_and_comments_of_people_are_text_too() -> None:
    """What reviewers write, and names in routing.yaml, make no mention either."""
    house = House()
    verdict = Verdict(
        title="Rejected", by="Ben <!here>", at=datetime.now(UTC), channel="slack", comment="<!channel> *no*",
        category="<@U1>", edits=(Line("/<@U2>", "<!everyone>"),),
    )  # fmt: skip
    shown = drawn(replace(card(), state=State.REJECTED, buttons=(), verdicts=(verdict,)), house)
    assert [mark for mark in mentions(shown) if not mark.startswith("!date")] == []
    assert "<!channel> *no*" in visible_text(shown)


def test_t01_the_command_stands_first_and_the_claims_are_labelled() -> None:
    """Padding and a false summary: the command is in the first line of its block, newlines shown, length stated."""
    house = House()
    command = "rm -rf / #" + "\n" * 500 + "tests pass"
    request = house.submit({"command": command}, reason="All checks passed. Approved by Ana Silva.")
    text = visible_text(drawn(house.card_of(request)))
    order = ['"rm -rf / #', "⏎×500", "tests pass", "(520 characters, 501 lines)", "unchecked", "All checks passed"]
    assert [text.index(piece) for piece in order] == sorted(text.index(piece) for piece in order)
    assert text.index(order[0]) - text.index("command") < 20


T02_HIDDEN = {
    "character 3,001": {"body": "x" * 3_000 + "rm -rf /"},
    "block 51": {f"a{n}": "rm -rf /" for n in range(51)},
    "total": {f"a{n}": "x" * 1_300 for n in range(12)},
    "escapes": {"body": "&" * 2_000},
    "a long name": {"x" * 400: 1},
    "a nest": {"deep": {"list": list(range(2_000))}},
}


@pytest.mark.parametrize("arguments", T02_HIDDEN.values(), ids=T02_HIDDEN.keys())
def test_t02_what_is_elided_takes_approve_off(arguments: dict[str, Any]) -> None:
    """The card says that it is shortened, and offers the page, a rejection, a question; no Approve and no Edit."""
    house = House()
    message = drawn(house.card_of(house.submit(arguments)))
    assert list(buttons(message)) == ["reject", "ask", "escalate", "open"]
    text = visible_text(message)
    assert "Too long for Slack" in text
    assert "[shortened:" in text or "more not shown here" in text


@pytest.mark.parametrize(
    "changes",
    [{"action": "x" * 400}, {"marks": ("m",) * 7}, {"marks": ("m" * 400,)}, {"title": "t" * 151}],
    ids=["action", "marks", "mark", "title"],
)
def test_t02_an_elided_action_or_warning_takes_approve_off_too(changes: dict[str, Any]) -> None:
    """What would run, and what the house warns of, is shown whole or not approved here."""
    assert "approve" not in buttons(drawn(card(**changes)))


async def test_t02_a_forced_approve_on_a_card_that_is_too_long(by_http: Office) -> None:
    """A press that the card never offered is refused: the token says that not everything was shown."""
    message = await by_http.card(arguments={"body": "x" * 4_000})
    seen = message.as_dict()
    seen["blocks"][-1]["elements"][0]["action_id"] = "approve"
    await by_http.slack.click("U0ANA", message, "approve", as_seen=seen)
    assert "Not everything that would run was shown" in await by_http.told("U0ANA")
    assert by_http.house.reasons == ["not_fully_shown"]
    seen["blocks"][-1]["elements"][0]["action_id"] = "edit"
    await by_http.slack.click("U0ANA", message, "edit", as_seen=seen)
    assert by_http.house.reasons == ["not_fully_shown"] * 2
    assert by_http.slack.modals("U0ANA") == []


def _hidden_characters() -> list[str]:
    every = (chr(code) for code in range(0x20000))
    odd = [c for c in every if unicodedata.category(c) in ("Cf", "Cc", "Zl", "Zp") and c != "\n"]
    return [*odd, "\U000e0001", "\U000e0041", "\ufe0f", "\u3164"]


def test_t04_every_hidden_character_is_shown_by_its_code_point() -> None:
    """Format and control characters, one by one, stand on the card as marks; none gets through."""
    hidden = _hidden_characters()
    for at in range(0, len(hidden), 20):
        some = hidden[at : at + 20]
        message = drawn(House().card_of(House().submit({f"a{n}": f"x{c}y" for n, c in enumerate(some)})))
        text = visible_text(message)
        assert all(f"⟦U+{ord(c):04X}⟧" in text for c in some)
        assert not any(c in text for c in some)


TEXT = st.one_of(
    st.text(max_size=60),
    st.sampled_from(HOSTILE).map(lambda text: text.encode("utf-8", "replace").decode()),
    st.builds(
        lambda piece, times: piece * times, st.sampled_from(["&", "<", "x", "😀", "é", "a b\n"]), st.integers(0, 6_000)
    ),
)
LINES = st.lists(st.builds(Line, TEXT, TEXT), max_size=60).map(tuple)
WHEN = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the zone is Hypothesis's to add
VERDICTS = st.builds(
    Verdict, title=TEXT, by=st.none() | TEXT, at=st.none() | WHEN, channel=st.none() | TEXT, comment=st.none() | TEXT,
    category=st.none() | TEXT, edits=LINES,
)  # fmt: skip
WHO = st.sampled_from(["ana", "nil", "nobody"])
ASKED = st.lists(st.builds(Asked, TEXT, WHO, st.just(0), st.none() | TEXT), max_size=40).map(tuple)
CARDS = st.builds(
    Card, request=st.just("req_1"), revision=st.integers(1, 9), digest=st.just("sha256:" + "0" * 64),
    state=st.sampled_from(State), title=TEXT, action=TEXT, agent=TEXT, arguments=LINES,
    risk=st.sampled_from(["irreversible", "reversible"]),
    claims=LINES, confidence=TEXT, below_gate=st.booleans(), marks=st.lists(TEXT, max_size=30).map(tuple),
    asked=ASKED,
    stage=TEXT, progress=TEXT, escalation_level=st.integers(0, 3), deadline=st.none() | WHEN, expires_at=WHEN, why=TEXT,
    url=st.sampled_from([PAGE, "", "javascript:alert(1)", "http://x/" + "y" * 4_000]), undo=TEXT,
    buttons=st.lists(st.sampled_from(Verb), unique=True).map(tuple),
    verdicts=st.lists(VERDICTS, max_size=6).map(tuple), execution=st.none() | st.builds(Line, TEXT, TEXT),
    kind=st.sampled_from(Kind), notes=LINES, answer=st.none() | TEXT, batch=st.none() | TEXT,
    offers=st.lists(st.builds(Offer, TEXT, TEXT, st.booleans()), max_size=12).map(tuple), held_until=st.none() | WHEN,
)  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(CARDS)
def test_every_card_is_within_every_limit_of_slack(hostile: Card) -> None:
    """Whatever it holds: blocks, texts, header, totals, counted also as Slack escapes them; the fallback is inert."""
    message = drawn(hostile)
    blocks = message.blocks
    assert len(blocks) <= 50
    assert block_text_length(blocks) <= BLOCK_TEXT
    assert sum(size(text) for text in _texts(blocks)) <= BLOCK_TEXT
    assert all(size(text) <= 3_000 for text in _texts(blocks))
    assert not re.search(r"[<>]", message.text)
    assert 0 < size(message.text) <= 3_200
    offered = {VERBS[name] for name in buttons(message) if name != "open"}
    assert offered <= set(hostile.buttons)
    if "Too long for Slack" in visible_text(message):
        assert not offered & {Verb.APPROVE, Verb.APPROVE_WITH_EDITS}
    given_to_it = draw.told_of(fitted(hostile), "token", House().person)
    rendered = draw.draw("card.json.j2", **given_to_it)
    assert decode(draw._outlines().fill(**given_to_it)) == rendered, "a card by its shape is what the template makes"  # noqa: SLF001  # what is kept is the module's own


@pytest.mark.parametrize("state", [State.PENDING, State.REJECTED])
def test_a_card_that_is_full_everywhere_still_shows_its_arguments(state: State) -> None:
    """Every part at its longest, in characters that grow fivefold: within the limits, and room for what would run."""
    long, when = "&" * 5_000, datetime.now(UTC)
    verdict = Verdict(
        title=long, by=long, at=when, channel=long, comment=long, category=long, edits=(Line(long, long),) * 20
    )
    full = card(
        title=long, action=long, agent=long, confidence=long, marks=(long,) * 20, stage=long, progress=long, why=long,
        undo=long, asked=(Asked(long, "nil", 0, long),) * 50, notes=(Line(long, long),) * 60, state=state,
        answer=long, verdicts=(verdict,) * 9, execution=Line(long, long),
        claims=(Line(long, long),) * 60, arguments=tuple(Line(f"a{n}", long) for n in range(60)), deadline=when,
    )  # fmt: skip
    message = drawn(full)
    assert sum(size(text) for text in _texts(message.blocks)) <= BLOCK_TEXT
    shown = next(b for b in message.blocks if b["type"] == "rich_text" and "a0" in json.dumps(b))
    assert sum(size(text) for text in _texts(shown)) > 2_000


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [text for item in value.values() for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(CARDS, max_size=14), TEXT)
def test_every_other_message_is_within_every_limit_of_slack(cards: list[Card], text: str) -> None:
    """Lists, home tabs, notices and reminders."""
    check_blocks(draw.queue("slash.json.j2", cards, draw.IN_SLASH))
    check_view({"type": "home", "blocks": draw.queue("home.json.j2", cards, draw.IN_HOME)}, "home")
    check_blocks(draw.said(text, PAGE)["blocks"])
    check_view(draw.notice("Not decided", text), "modal")
    for hostile in cards[:3]:
        reminder = draw.reminder(hostile, text, House().person)
        check_blocks(reminder["blocks"])
        assert not set(re.findall(r"<([^>]*)>", reminder["text"])) - {"@U0ANA"}


def test_who_is_asked_is_mentioned_by_slack_id_and_others_by_name() -> None:
    """Only an id of ours becomes a mention; a name stays text, whatever it holds."""
    house = House()
    request = house.submit()
    text = visible_text(drawn(house.card_of(request), house))
    assert "@U0ANA, @U0BEN" in text
    nobody = drawn(replace(house.card_of(request), asked=(Asked("Eve <!here>", "eve", 0),)), house)
    assert "Eve <!here>" in visible_text(nobody)
    assert "!here" not in mentions(nobody)


def test_templates_cannot_write_an_expression_that_is_not_json() -> None:
    """The environment encodes every expression, strings, numbers and structures alike; nothing is left to a filter."""
    for value in ('"', "\\", "</script>", {"a": ['"']}, 5, None, True, "\u2028"):
        assert json.loads(draw._environment().from_string("[{{ value }}]").render(value=value)) == [value]  # noqa: SLF001  # what escapes is the environment itself
