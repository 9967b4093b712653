"""Questions, choices and exceptions by mail: each letter says in which words it is answered, and no others count."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.model import Delivery, ExecutionState, Kind, OnIrreversible, Option, Request, Risk, State
from tests.channels.email.post import Post, asked, now

OPTIONS = (
    Option(id="a", title="All of it", arguments={"order": "10428", "amount": 240.0}),
    Option(id="b", title="Half of it", arguments={"order": "10428", "amount": 120.0}),
)
BARE = tuple(Option(id=option.id, title=option.title) for option in OPTIONS)


async def put(post: Post, kind: Kind, options: tuple[Option, ...] = (), **changes: Any) -> tuple[Request, Delivery]:
    """A request of this kind, and Ana's letter about it."""
    return await asked(post, kind=kind, options=options, **changes)


@pytest.mark.parametrize(
    ("kind", "options", "says"),
    [
        (Kind.QUESTION, (), "Reply with one line: answer: your words, or reject: why"),
        (Kind.QUESTION, BARE, "Reply with one line: choose a, or choose b, or reject: why"),
        (Kind.CHOICE, OPTIONS, "Reply with one line: choose a, or choose b, or reject: why"),
        (Kind.EXCEPTION, (), "Reply with one line: handled, or answer: your words, or reject: why"),
    ],
)
async def test_a_letter_says_in_which_words_it_is_answered(
    post: Post, kind: Kind, options: tuple[Option, ...], says: str
) -> None:
    """And lists what may be picked, with what each would run."""
    _, delivery = await put(post, kind, options)
    (mail,) = post.letters_to(delivery)
    text = post.text(mail)
    assert says in text
    assert "edit name=value" not in text
    assert ("Nothing runs" in text) is not kind.runs
    called = [f"called “{option.title}”, with" if kind.runs else option.title for option in options]
    assert all(f"| Option {option.id}: {words}" in text for option, words in zip(options, called, strict=True))
    assert ('|   "amount": 120.0' in text) is (options is OPTIONS)


async def test_a_question_is_answered_in_words(post: Post) -> None:
    """The line and those below it; the person hears what was understood."""
    request, delivery = await put(post, Kind.QUESTION)
    await post.answer(delivery, "approve")
    assert now(post, request).state is State.PENDING
    assert "write answer: and your words" in post.house.answers[0].lines[0]
    await post.answer(delivery, "answer: the second account\nand tell Ben")
    after = now(post, request)
    assert (after.state, after.answer) == (State.APPROVED, "the second account\nand tell Ben")
    assert post.house.answers[1].lines[:2] == (
        "Understood, Ana Silva: answered.",
        "Your answer: the second account⏎\nand tell Ben",
    )
    assert post.house.answers[1].lines[-1] == "The agent is told."


async def test_a_choice_runs_what_its_option_says(post: Post) -> None:
    """An unknown option is answered with those that there are; one that is known decides, in any case."""
    request, delivery = await put(post, Kind.CHOICE, OPTIONS)
    await post.answer(delivery, "choose d")
    assert now(post, request).state is State.PENDING
    assert "There is no option d; there are: a, b." in post.house.answers[0].lines[0]
    await post.answer(delivery, "Choose B\nit is enough")
    after = now(post, request)
    assert (after.state, after.content.chosen, after.content.arguments) == (State.APPROVED, "b", OPTIONS[1].arguments)
    assert after.decisions[-1].comment == "it is enough"
    assert post.house.answers[1].lines[0] == "Understood, Ana Silva: the option b is chosen."
    assert post.house.reasons == ["no_such_option"]


async def test_an_exception_is_handled_with_or_without_words(post: Post) -> None:
    """Both are the same decision; the words are kept."""
    first, to_first = await put(post, Kind.EXCEPTION)
    await post.answer(to_first, "handled")
    second, to_second = await put(post, Kind.EXCEPTION)
    await post.answer(to_second, "answer: called them")
    assert [now(post, request).answer for request in (first, second)] == [None, "called them"]
    assert {now(post, request).state for request in (first, second)} == {State.APPROVED}
    assert post.house.answers[0].lines[0] == "Understood, Ana Silva: handled."


@pytest.mark.parametrize("way", OnIrreversible)
async def test_an_irreversible_choice_is_made_where_an_approval_would_be(post: Post, way: OnIrreversible) -> None:
    """On its page, unless the rules say that a reply may; a question runs nothing, and is answered all the same."""
    outcomes = []
    for kind, options, text in ((Kind.CHOICE, OPTIONS, "choose b"), (Kind.QUESTION, (), "answer: b")):
        request = post.house.submit(kind=kind, options=options, risk=Risk.IRREVERSIBLE)
        post.house.requests[request.id] = replace(request, route=replace(request.route, irreversible=way))
        delivery = await post.house.send(post.house.requests[request.id])
        await post.answer(delivery, text)
        outcomes.append(now(post, request).state)
    by_reply = State.APPROVED if way is OnIrreversible.REPLY else State.PENDING
    assert outcomes == [by_reply, State.APPROVED]
    assert post.house.reasons == ([] if way is OnIrreversible.REPLY else ["needs_page"])


async def test_an_answer_to_an_approval_approves_nothing(post: Post) -> None:
    """Nothing was asked: whoever answers has taken it for something else."""
    request, delivery = await asked(post)
    for text in ("answer: yes", "choose a", "handled"):
        await post.answer(delivery, text)
    assert now(post, request).state is State.PENDING
    assert post.house.reasons == ["answer_otherwise"] * 3


async def test_the_outcome_says_what_was_answered(post: Post) -> None:
    """To whoever else was asked, in the kind's own words."""
    request, delivery = await put(post, Kind.QUESTION, BARE)
    await post.answer(delivery, "choose a")
    ben = await post.house.send(replace(now(post, request), state=State.PENDING), "ben")
    after = replace(now(post, request), state=State.APPROVED)
    await post.channel.update(post.house.card_of(after), ben)
    text = post.text(post.letters_to(ben)[-1]).replace("\r\n", "\n")
    assert "Answered: Refund" in text
    assert "What was answered\n| Option a: All of it" in text
    assert "Reply with one line" not in text


async def test_a_notice_of_what_has_ended_asks_nothing(post: Post) -> None:
    """Broken glass, or a chain that ended: the letter says how it ended, and no answer to it would arrive."""
    request, delivery = await asked(post)
    await post.answer(delivery, "approve")
    told = await post.house.send(now(post, request), "lea")
    (mail,) = post.letters_to(told)
    text = post.text(mail)
    assert "Approved by Ana Silva" in text
    assert "There is nothing left to decide." in text
    assert "Reply with one line" not in text
    assert mail.parsed["Reply-To"] is None
    assert all(key.person != "lea" for key in post.house.keys.values())
    post.house.execute(request.id, ExecutionState.EXECUTED)
    await post.channel.update(post.house.card_of(now(post, request)), told)
    assert len(post.letters_to(told)) == 2
