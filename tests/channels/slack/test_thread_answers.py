"""Questions, choices and exceptions answered in a card's thread, by the words that mail has too."""

from __future__ import annotations

import pytest

from bot.core.model import Kind, Option, State
from tests.channels.slack.conftest import Office
from tests.channels.slack.test_replies import answer

OPTIONS = (
    Option(id="a", title="All of it", arguments={"order": "10428", "amount": 240.0}),
    Option(id="b", title="Half of it", arguments={"order": "10428", "amount": 120.0}),
)


@pytest.mark.parametrize(
    ("kind", "text", "kept", "says"),
    [
        (Kind.QUESTION, "answer: the <second> one\nask Ben", "the <second> one\nask Ben", "answered"),
        (Kind.CHOICE, "Choose B", "b", "the option b is chosen"),
        (Kind.EXCEPTION, "handled", None, "handled"),
    ],
)
async def test_what_is_asked_is_answered_in_the_thread(
    by_http: Office, kind: Kind, text: str, kept: str | None, says: str
) -> None:
    """In its own words; the thread says what was understood."""
    message = await by_http.card(kind=kind, options=OPTIONS if kind is Kind.CHOICE else ())
    await by_http.slack.reply_in_thread("U0ANA", message, text)
    assert f"Understood, Ana Silva: {says}." in await answer(by_http, message)
    request = by_http.house.requests["req_1"]
    assert (request.state, request.decisions[-1].answer) == (State.APPROVED, kept)


@pytest.mark.parametrize(
    ("kind", "options", "text", "says"),
    [
        (Kind.QUESTION, (), "approve", "write answer: and your words."),
        (Kind.CHOICE, OPTIONS, "choose d", "There is no option d; there are: a, b."),
        (Kind.CHOICE, OPTIONS, "approve", "write choose and one of its options, a, b."),
        (Kind.APPROVAL, (), "answer: yes", "write approve, or reject: and your reason."),
    ],
)
async def test_other_words_decide_nothing_in_the_thread(
    by_http: Office, kind: Kind, options: tuple[Option, ...], text: str, says: str
) -> None:
    """And the thread says what to write instead."""
    message = await by_http.card(kind=kind, options=options)
    await by_http.slack.reply_in_thread("U0ANA", message, text)
    said = await answer(by_http, message)
    assert "Nothing was decided." in said
    assert says in said
    assert by_http.house.requests["req_1"].state is State.PENDING
