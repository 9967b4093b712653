"""T23: a request is of one subject for good, so that whoever is erased is erased everywhere."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core.errors import Invalid
from bot.core.model import ExecutionState, Kind, Option, Verb
from bot.desk.erasing import erase
from tests.desk.house import House, open_house
from tests.erasure.test_t23_canaries import ACTIONS, CANARIES

ALICE, BOB = "alice-kanari@example.com", "bob-kanari@example.com"
FREE = "    editable: [note, rows]\n"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A desk whose rules know a subject, and let people edit anything."""
    async with open_house(tmp_path / "sayso.db") as opened:
        opened.rule(lambda rules: rules.replace("\nactions:\n", ACTIONS.replace(FREE, "")))
        yield opened


def said_in(house: House, word: str) -> list[str]:
    """The tables that say a word."""
    names = [name for (name,) in house.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [name for name in names if word in str(house.sql(f"SELECT * FROM {name}"))]  # noqa: S608  # of the schema


def option(name: str, **arguments: Any) -> Option:
    """One to pick."""
    return Option(name, name.upper(), arguments)


async def test_t23_a_choice_is_of_the_subject_that_its_options_name(house: House) -> None:
    """It has no arguments of its own: once it was nobody's, its audit in clear for good, and could not be erased."""
    two = (option("a", customer=ALICE, days=1), option("b", customer=ALICE, days=2))
    picked = await house.submit("account.close", kind=Kind.CHOICE, options=two)
    await house.decide(picked, answer="b")
    await house.submit("account.close", kind=Kind.CHOICE, options=(*two, option("c", days=3)))
    with pytest.raises(Invalid, match="/options: /customer says whose data this is"):
        await house.submit("account.close", kind=Kind.CHOICE, options=(*two, option("c", customer=BOB)))
    await house.desk.report(picked.id, agent="billing", state=ExecutionState.EXECUTED, result={"of": ALICE})
    assert said_in(house, ALICE)
    assert (await erase(house.ledger, ALICE, by="admin:ops", via="cli", cancel=True)).requests == 2
    assert said_in(house, ALICE) == said_in(house, BOB) == []


async def test_t23_no_answer_and_no_edit_makes_a_request_anothers(house: House) -> None:
    """It is found by the subject it was proposed with: what came in later of somebody else could not be erased."""
    asked = await house.submit("account.close", arguments={"customer": ALICE})
    nobodys = await house.submit("account.close", arguments={"note": "who?"})
    for request, given in ((asked, {"customer": BOB}), (nobodys, {"customer": ALICE})):
        with pytest.raises(Invalid, match="/arguments/customer: says whose data this is"):
            await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments=given)
        await house.decide(request, verb=Verb.ASK, comment="Is it them?")
        with pytest.raises(Invalid, match="/arguments/customer: says whose data this is"):
            await house.desk.inform(request.id, agent="billing", text="no", arguments=given)
    assert [field.name for field in house.desk.fields(await house.now(asked))] == []
    told = await house.desk.inform(asked.id, agent="billing", text="yes", arguments={"customer": ALICE, "note": "x"})
    assert [field.name for field in house.desk.fields(told)] == ["note"]
    await house.decide(told, verb=Verb.APPROVE_WITH_EDITS, arguments={"customer": ALICE, "note": "y"})


async def test_t23_what_revises_anothers_request_repeats_nothing_of_it(house: House) -> None:
    """What is other than before stood in the new request, for good: of who was erased, and of what was hidden."""
    first = await house.submit("account.close", arguments={"customer": ALICE, "note": CANARIES[0]})
    hidden = await house.submit("card.charge", arguments={"number": CANARIES[1], "amount": 3})
    for request in (first, hidden):
        await house.decide(request, verb=Verb.REJECT, comment="no")
    own = await house.submit("account.close", arguments={"customer": ALICE, "note": "less"}, revises=first.id)
    assert f'"{CANARIES[0]}" → "less"' in str(house.desk.card_of(own)), "of the same subject all of it is told"
    others = await house.submit("account.close", arguments={"customer": BOB}, revises=first.id)
    assert '"(withheld)" → "bob' in str(house.desk.card_of(others)).replace("\\", "")
    gone = await house.submit("account.close", arguments={}, revises=first.id)
    assert "the same as" not in str(house.desk.card_of(gone))
    plain = await house.submit("deploy.start", arguments={"number": "x"}, revises=hidden.id)
    assert CANARIES[1] not in str(house.desk.card_of(plain))
    await erase(house.ledger, ALICE, by="admin:ops", via="cli", cancel=True)
    assert said_in(house, ALICE) == said_in(house, CANARIES[0]) == []
