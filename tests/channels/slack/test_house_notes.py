"""What the house adds to a card stands between the arguments and the claims, whole or with Approve off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec.json import decode
from msgspec.structs import replace

from bot.core.card import Asked, Line
from bot.core.model import Check, Edit, State
from bot.core.token import Tokens
from channels.slack import draw
from channels.slack.bundle import chosen
from tests.channels.house import House
from tests.fakes.slack import buttons, visible_text
from tests.fakes.slack.limits import check_blocks


def drawn(house: House, **changes: Any) -> str:
    """The text of a card of the house, with these fields changed."""
    card = replace(house.card_of(house.submit(reason="because")), **changes)
    message = draw.message(card, "dlv_1", Tokens(("secret",), "slack.card"), house.person)
    return visible_text({"blocks": check_blocks(decode(message["blocks"]))})


def test_t01_what_the_house_adds_stands_between_arguments_and_claims() -> None:
    """Its checks and differences are labelled as its own, above what the agent says."""
    house = House()
    request = house.submit(reason="Trust me", revises="req_0", differs=(Edit("/amount", 500, 240.0),))
    checks = (Check("within budget", passed=False, detail="over <by> 40"),)
    card = house.card_of(replace(request, route=replace(request.route, checks=checks)))
    text = drawn(house, notes=card.notes, claims=card.claims)
    order = ["240.0", "Sayso adds", "within budget", "over <by> 40", "500 → 240.0", "The agent says", "Trust me"]
    assert [text.index(piece) for piece in order] == sorted(text.index(piece) for piece in order)


def test_t02_notes_that_do_not_fit_take_approve_off() -> None:
    """They are cut with a mark, like arguments, and the claims after them are said to be missing."""
    house = House()
    long = Line("Revises req_0: /body", "x" * 20_000)
    message = draw.message(
        replace(house.card_of(house.submit(reason="because")), notes=(long,) * 60),
        "dlv_1",
        Tokens(("secret",), "slack.card"),
        house.person,
    )
    shown = {"blocks": check_blocks(decode(message["blocks"]))}
    assert not {"approve", "edit"} & set(buttons(shown))
    text = visible_text(shown)
    assert "[shortened:" in text
    assert "unchecked): nothing" not in text
    assert text.count("more not shown here") == 2


def test_what_the_house_adds_stays_once_it_has_ended() -> None:
    """That it was a practice, and what harm it did, is known only then; what the house asks is not an agent's word."""
    house = House()
    practice = Line("This was a practice", "It was noticed.")
    text = drawn(house, state=State.REJECTED, notes=(practice,), buttons=())
    assert "This was a practice" in text
    assert "*The agent says* (its own words, unchecked)" in text
    assert "The agent says" not in drawn(house, action="sayso.review_after")  # no agent may ask for that
    asked = [(house.card_of(house.submit(reason="because")), f"dlv_{n}") for n in range(2)]
    ours, theirs = chosen([(replace(asked[0][0], action="sayso.review_after"), "dlv_0"), asked[1]]).rows
    assert (ours.speaker, theirs.speaker) == ("Sayso says: ", "The agent says (unchecked): ")


def test_who_stands_in_what_is_held_and_several_stages_are_said() -> None:
    """For whom somebody is asked, the newest in any crowd; until when nobody is; how far each stage that runs is."""
    house = House()
    progress = "finance: 1 of 2 approvals; legal: 0 of 1 approvals (stages 1 and 2 of 3)"
    text = drawn(house, asked=(Asked("Ana Silva", "ana", 0, "Ben <!here>"),), progress=progress)
    assert "@U0ANA (for Ben <!here>)" in text
    assert progress in text
    many = (*(Asked(f"{n:02}" + "x" * 58, f"p{n}", 0) for n in range(40)), Asked("Ana Silva", "ana", 1))
    crowd = drawn(house, asked=many)
    assert "@U0ANA" in crowd
    assert " more" in crowd
    word = draw.reminder(replace(house.card_of(house.submit()), asked=many), "Now also asked: Ana.", house.person)
    assert word["text"].startswith("<@U0ANA>")
    assert len(word["text"]) < 3_000
    assert drawn(house, asked=(Asked("Ana Silva", "ana", 0),) * 60).count("@U0ANA") == 60
    held = drawn(house, asked=(), held_until=house.clock.now() + timedelta(hours=9))
    assert "Nobody is asked before" in held
