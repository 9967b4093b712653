"""Revisions against each other: what went and what came, line by line and word by word, who made it, when and why."""

from __future__ import annotations

import html
import re

import pytest

from bot.core.alignment import Effort
from bot.core.edits import differences
from bot.core.model import Edit, Verb
from bot.web.inbox.changes import compared
from bot.web.inbox.diff import EFFORT, Piece, Row, rows_of
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import MARKUP
from tests.web.inbox.house import AGENT, Standing
from tests.web.inbox.reader import Page
from tests.web.inbox.states import edited_thrice, vote
from tests.web.inbox.test_request_page import Elements


def section(page: Page, heading: str) -> str:
    """What stands in the panel with this heading, as a person reads it."""
    found = re.search(rf'<section class="panel[^>]*aria-labelledby="{heading}">.*?</section>', page.text, re.DOTALL)
    assert found, heading
    return Page(200, {}, found[0]).words


async def test_every_revision_says_who_made_it_why_and_what_it_changed(house: Standing, visit: Visit) -> None:
    """Newest first, each against the one before; what was taken back has the same content as before."""
    request = await edited_thrice(house)
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    told = section(page, "revisions")
    order = [
        "4 Ana Silva took the approval back this one", "The same content as revision 3.",
        "3 edited by Ana Silva", "approved by Ana Silva", "Less of it", "before: 230.0", "after: 200.0",
        "Against what was first proposed", "before: 240.0", "after: 200.0",
        "2 the agent billing-assistant answered a question", "No: it is 10 working days.",
        "1 proposed by the agent billing-assistant",
    ]  # fmt: skip
    at = -1
    for said in order:
        at = told.find(said, at + 1)
        assert at >= 0, said


async def test_what_was_approved_stands_against_what_was_proposed(house: Standing, visit: Visit) -> None:
    """Also where the agent had changed it in between, at the arguments themselves."""
    request = await house.submit()
    await vote(house, request, Verb.ASK, comment="Sure?")
    less = {**request.content.arguments, "amount": 200.0}
    await house.desk.inform(request.id, agent=AGENT, text="Less", arguments=less)
    await vote(house, request, Verb.APPROVE_WITH_EDITS, arguments={**less, "amount": 100.0})
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    told = section(page, "action")
    assert re.search(r"What Ana Silva changed in revision 3 /amount − before: 200\.0 \+ after: 100\.0", told)
    assert re.search(r"What was approved, against what was first proposed /amount − before: 240\.0 \+ after: 100", told)


async def test_any_two_revisions_are_compared(house: Standing, visit: Visit) -> None:
    """By the address, whichever comes first, and by the form; what is no pair is said to be none."""
    request = await edited_thrice(house)
    ana = await visit("ana")
    for query in ("compare=1..3", "compare=3..1", "compare=1&with=3", "compare=3&with=1"):
        page = await ana.get(f"/requests/{request.id}?{query}")
        assert page.status == 200
        assert "Revision 1 against revision 3" in page.words, query
    for query in ("compare=1..9", "compare=2..2", "compare=0..1", "compare=<b>", "compare=1..3..4", "compare=1&with="):
        page = await ana.get(f"/requests/{request.id}?{query}")
        assert (page.status, "cannot be compared" in page.words) == (200, True), query
        assert "&lt;b&gt;" not in page.text
    assert await house.now(request.id) == request


def test_a_comparison_needs_two_that_are_there() -> None:
    """Nothing to compare with is no comparison."""
    assert compared((), "1..2") is None
    assert compared((), "9" * 5_000 + "..1") is None


def test_words_within_a_line_are_told_apart() -> None:
    """What stayed is not marked; a number is one word."""
    rows = rows_of(Edit("/note", "one\nreturn 5 days later\nend", "one\nreturn 10.5 days later\nend"))
    assert [row.kind for row in rows] == ["same", "changed", "same"]
    assert [piece.text for piece in rows[1].old if piece.changed] == ["5"]
    assert [piece.text for piece in rows[1].new if piece.changed] == ["10.5"]
    assert "".join(piece.text for piece in rows[1].new) == "return 10.5 days later⏎"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("1", 1, ('"1"', "1")),
        (1, 1.0, ("1", "1.0")),
        (True, "true", ("true", '"true"')),
        (None, "null", ("null", '"null"')),
        ("a\u202eb", "ab", ('"a⟦U+202E⟧b"', '"ab"')),
    ],
)
def test_values_that_read_alike_are_told_apart(before: object, after: object, said: tuple[str, str]) -> None:
    """By their JSON, with nothing hidden."""
    (row,) = rows_of(Edit("/x", before, after))
    assert ("".join(p.text for p in row.old), "".join(p.text for p in row.new)) == said


def test_a_mark_of_a_hidden_character_is_one_word() -> None:
    """It is never cut in two."""
    (row,) = rows_of(Edit("/x", "pay me\u200b now", "pay me\u200c now"))
    assert Piece("⟦U+200B⟧", changed=True) in row.old
    assert Piece("⟦U+200C⟧", changed=True) in row.new


def test_texts_that_differ_in_their_line_ends_alone_are_not_called_the_same() -> None:
    """CR LF is shown as LF, so the page has to say it."""
    (edit,) = differences({"x": "a\r\nb"}, {"x": "a\nb"})
    assert rows_of(edit) == (Row("gap"),)


def test_a_long_text_shows_the_lines_around_what_differs_and_where_they_stand() -> None:
    """Not the whole of it."""
    lines = [f"line {number}" for number in range(200)]
    after = [*lines[:150], "another", *lines[151:]]
    rows = rows_of(Edit("/x", "\n".join(lines), "\n".join(after)))
    assert rows[0].kind == "gap"
    assert rows[0].at == (149, 149)
    assert len(rows) == 6


def test_a_huge_difference_is_told_in_time() -> None:
    """Texts of the largest size that an agent may send, every line another, are shown line by line."""
    before = "\n".join(f"a{number} " * 5 for number in range(8_000))
    after = "\n".join(f"b{number} " * 5 for number in range(8_000))
    rows = rows_of(Edit("/x", before, after))
    assert len(rows) == 8_000
    assert sum(len(row.old) > 1 for row in rows) <= 400


def test_t22_a_page_shows_no_lines_without_end() -> None:
    """Of 60,000 that an agent changed it shows 10,000, and with which it would go on; all changes of a page count."""
    before, after = [f"a{number}\n" * 3 for number in range(2)]
    change, effort = Edit("/x", "a\n" * 6_000, "b\n" * 6_000 + "c"), Effort(EFFORT)
    first, second, third = rows_of(change, effort), rows_of(change, effort), rows_of(Edit("/y", before, after), effort)
    assert (len(first), len(second)) == (6_001, 4_000)
    assert second[-1] == Row("gap", at=(4_000, 4_000))
    assert third == (Row("gap", at=(1, 1)),)


async def told(house: Standing, text: str) -> str:
    """A comparison's page of a request whose question, answer and change all hold a text."""
    request = await house.submit(action="host.run", arguments={text: text, "c": "a\n" + text})
    await vote(house, request, Verb.ASK, comment=text)
    arguments = {text: "other", "c": "b\n" + text}
    await house.desk.inform(request.id, agent=AGENT, text=text, arguments=arguments, context={text: text})
    return f"/requests/{request.id}?compare=1..2"


async def test_t03_no_revision_becomes_markup(house: Standing, visit: Visit) -> None:
    """What changed, and why it did, come out as the characters they are."""
    ana = await visit("ana")
    ordinary = Elements((await ana.get(await told(house, "ordinary"))).text)
    for text in MARKUP:
        page = await ana.get(await told(house, text))
        assert page.status == 200
        assert text in html.unescape(page.text)
        read = Elements(page.text)
        assert read.elements == ordinary.elements, text
        assert not [name for name in read.attributes if name.startswith("on")], text
