"""Answers to a letter that numbers its requests: whole lines, known numbers, each once, or nothing at all."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.grammar import WORDS, Command, Form, NotUnderstood
from bot.core.model import Verb
from bot.core.numbered import parse_numbered

EDIT = Verb.APPROVE_WITH_EDITS
NUMBERS = range(1, 13)


def yes(comment: str | None = None) -> Command:
    """An approval."""
    return Command(verb=Verb.APPROVE, comment=comment)


def no(comment: str | None = None) -> Command:
    """A rejection."""
    return Command(verb=Verb.REJECT, comment=comment)


def answer(text: str) -> Command:
    """An answer in words."""
    return Command(verb=Verb.APPROVE, form=Form.ANSWER, answer=text)


def choose(option: str, comment: str | None = None) -> Command:
    """An option picked."""
    return Command(verb=Verb.APPROVE, form=Form.CHOOSE, answer=option, comment=comment)


HANDLED = Command(verb=Verb.APPROVE, form=Form.HANDLED)

UNDERSTOOD: list[tuple[str, list[tuple[int, Command]]]] = [
    ("approve 1", [(1, yes())]),
    ("approve 1,3", [(1, yes()), (3, yes())]),
    ("  APPROVE 1 ,3 , 12  ", [(1, yes()), (3, yes()), (12, yes())]),
    ("approve 3 1", [(3, yes()), (1, yes())]),
    ("Approve 1\r\nReject 2: late\r\n", [(1, yes()), (2, no("late"))]),
    ("reject 4, 5", [(4, no()), (5, no())]),
    ("reject 4, 5: both late", [(4, no("both late")), (5, no("both late"))]),
    ("reject 4 : late", [(4, no("late"))]),
    ("reject 4:", [(4, no())]),
    ("reject 1: 2 of them are wrong", [(1, no("2 of them are wrong"))]),
    ("ask 6: why?", [(6, Command(verb=Verb.ASK, comment="why?"))]),
    ("escalate 7", [(7, Command(verb=Verb.ESCALATE))]),
    ("edit 8 amount=100", [(8, Command(verb=EDIT, edits=(("amount", "100"),)))]),
    ('EDIT 8 a = 1 ,note="b, c"', [(8, Command(verb=EDIT, edits=(("a", "1"), ("note", "b, c"))))]),
    ("edit 1 2fa=on", [(1, Command(verb=EDIT, edits=(("2fa", "on"),)))]),
    ("\n \napprove 1\n\nreject 2\n", [(1, yes()), (2, no())]),
    ("approve 1\nlooks right\nto me", [(1, yes("looks right\nto me"))]),
    ("approve 01", [(1, yes())]),
    ("choose 3 b", [(3, choose("b"))]),
    ("Choose 3  4", [(3, choose("4"))]),
    (
        "choose 3 b\nchoose 4 a\nthe cheaper ones",
        [(3, choose("b", "the cheaper ones")), (4, choose("a", "the cheaper ones"))],
    ),
    ("answer 3: two weeks", [(3, answer("two weeks"))]),
    ("answer 3 : two\nweeks", [(3, answer("two\nweeks"))]),
    ("answer 3, 4: yes", [(3, answer("yes")), (4, answer("yes"))]),
    ("answer 3: 4", [(3, answer("4"))]),
    ("handled 3, 4", [(3, HANDLED), (4, HANDLED)]),
    ("approve all", [(number, yes()) for number in NUMBERS]),
    ("  APPROVE  All \n\nThank you", [(number, yes("Thank you")) for number in NUMBERS]),
    ("reject all", [(number, no()) for number in NUMBERS]),
    ("Reject all: a wrong list", [(number, no("a wrong list")) for number in NUMBERS]),
]

NOT_UNDERSTOOD = [
    ("", "empty"),
    (" \r\n\t\n", "empty"),
    ("yes to 1", "unknown_command"),
    ("thanks\napprove 1", "unknown_command"),
    ("> approve 1", "unknown_command"),
    ("1: approve", "unknown_command"),
    ("approve", "number_missing"),
    ("approve all of them", "more_than_the_command"),
    ("approve all.", "more_than_the_command"),
    ("approve all: fine", "more_than_the_command"),
    ("approve all but 3", "more_than_the_command"),
    ("approve all, 3", "more_than_the_command"),
    ("approve allowed ones", "number_missing"),
    ("reject all that are late", "more_than_the_command"),
    ("escalate all", "number_missing"),
    ("ask all: why?", "number_missing"),
    ("edit all a=1", "number_missing"),
    ("answer all: yes", "number_missing"),
    ("handled all", "number_missing"),
    ("choose all b", "option_missing"),
    ("approve all\nreject 3", "number_twice"),
    ("reject all\napprove all", "number_twice"),
    ("choose 3", "option_missing"),
    ("choose b", "option_missing"),
    ("choose 3: b", "option_missing"),
    ("choose 3, 4 b", "option_missing"),
    ("choose 3 b c", "option_missing"),
    ("choose 3 b.", "option_missing"),
    ("choose 13 b", "number_unknown"),
    ("answer 3", "answer_missing"),
    ("answer 3 yes", "answer_missing"),
    ("answer 3:\nyes", "answer_missing"),
    ("answer: yes", "number_missing"),
    ("handled", "number_missing"),
    ("handled 3 by Ben", "more_than_the_command"),
    ("approve #1", "number_missing"),
    ("reject: too late", "number_missing"),
    ("approve one", "number_missing"),
    ("approve 12345", "number_missing"),
    ("edit 2fa=on", "number_missing"),
    ("approve 1st", "number_missing"),
    ("approve 1, 2 thanks", "more_than_the_command"),
    ("approve 1.", "more_than_the_command"),
    ("approve 1-3", "more_than_the_command"),
    ("approve 1 and 3", "more_than_the_command"),
    ("approve 1,", "more_than_the_command"),
    ("approve 1: fine", "more_than_the_command"),
    ("reject 2 late", "more_than_the_command"),
    ("reject 1 2nd order is wrong", "more_than_the_command"),
    ("approve 1\nreject", "number_missing"),
    ("approve 1\nreject that other one", "number_missing"),
    ("ask 1", "question_missing"),
    ("ask 1 why", "question_missing"),
    ("edit 1", "edit_malformed"),
    ("edit 1 amount", "edit_malformed"),
    ("edit 1, 2 a=1", "edit_one_by_one"),
    ("edit 1 a=1, a=2", "named_twice"),
    ("edit 1 amount=1,000", "edit_malformed"),
    ("approve 13", "number_unknown"),
    ("approve 0", "number_unknown"),
    ("approve 1\nreject 99: late", "number_unknown"),
    ("approve 1, 1", "number_twice"),
    ("approve 1\nreject 1: late", "number_twice"),
    ("approve 1, 01", "number_twice"),
]


@pytest.mark.parametrize(("text", "given"), UNDERSTOOD, ids=[text for text, _ in UNDERSTOOD])
def test_lines_that_are_commands_count_in_their_order(text: str, given: list[tuple[int, Command]]) -> None:
    """Each number gets the command of its line."""
    assert parse_numbered(text, NUMBERS) == tuple(given)


@pytest.mark.parametrize(("text", "reason"), NOT_UNDERSTOOD, ids=str)
def test_anything_odd_makes_all_of_it_count_for_nothing(text: str, reason: str) -> None:
    """Also where another line would have been a command: whoever wrote it meant something else."""
    found = parse_numbered(text, NUMBERS)
    assert isinstance(found, NotUnderstood)
    assert found.reason == reason
    assert found.detail.endswith(".")


def test_the_first_line_that_is_no_command_begins_the_comment() -> None:
    """It is for every command above it, and what looks like a command below it is a part of it and decides nothing."""
    text = "approve 1\nreject 2\nbecause I said so:\nreject 3"
    comment = "because I said so:\nreject 3"
    assert parse_numbered(text, NUMBERS) == ((1, yes(comment)), (2, no(comment)))


def test_a_reason_that_a_mail_program_wrapped_loses_nothing() -> None:
    """The second line goes on where the reason stopped."""
    assert parse_numbered("reject 2: the order was\nnever placed", NUMBERS) == ((2, no("the order was\nnever placed")),)
    asked = parse_numbered("ask 2: who ordered\nthis?", NUMBERS)
    assert asked == ((2, Command(verb=Verb.ASK, comment="who ordered\nthis?")),)


def test_only_the_letters_own_numbers_count() -> None:
    """They need not be in a row."""
    assert parse_numbered("approve 7", {3, 7}) == ((7, yes()),)
    found = parse_numbered("approve 5", {3, 7})
    assert isinstance(found, NotUnderstood)
    assert "number 5" in found.detail


LONG = "the carrier lost the parcel, so there is no reason why we should"


@pytest.mark.parametrize("line", [f"reject 1: {LONG}", f"answer 1: {LONG}", f"ask 1: {LONG}", f"reject all: {LONG}"])
def test_t19_what_may_be_the_rest_of_a_long_line_decides_nothing(line: str) -> None:
    """A mail program breaks lines, and half a sentence may read like a command; an empty line tells them apart."""
    for rest in ("approve 2", "handled 3", "choose 4 b"):
        found = parse_numbered(f"{line}\n{rest}", NUMBERS)
        assert isinstance(found, NotUnderstood)
        assert found.reason == "maybe_wrapped"
    assert not isinstance(parse_numbered(f"answer 1: {LONG}\n\napprove 2", NUMBERS), NotUnderstood)
    assert not isinstance(parse_numbered("answer 1: yes\napprove 2", NUMBERS), NotUnderstood)


LINES = st.lists(
    st.sampled_from(
        (
            "approve 1",
            "approve 2, 3",
            "reject 4: x",
            "approve",
            "reject 99",
            "edit 5 a=1",
            "",
            "so",
            "approve all",
            "reject all: x",
            "choose 6 b",
            "choose 7 7",
            "answer 8: y",
            "handled 9",
            *WORDS,
        )
    )
    | st.text(alphabet="aprovehsdlnw rjct129,:=\n \u0661\u212a\u017f", max_size=14),
    max_size=5,
)


@given(LINES)
def test_no_text_decides_about_a_number_that_is_not_written_in_it(lines: list[str]) -> None:
    """Whatever is written, a decision stands only on a number of the letter, once, in digits of the text itself."""
    text = "\n".join(lines)
    found = parse_numbered(text, NUMBERS)
    if isinstance(found, NotUnderstood):
        assert found.reason
        return
    numbers = [number for number, _ in found]
    assert len(set(numbers)) == len(numbers) > 0
    assert set(numbers) <= set(NUMBERS)
    every = any(line.split()[:2] in (["approve", "all"], ["reject", "all:"]) for line in lines)
    assert every or all(str(number) in text for number in numbers)
    assert all(command.form is Form.PLAIN or command.verb is Verb.APPROVE for _, command in found)


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_an_enormous_text_is_answered_at_once(size: int) -> None:
    """No text makes the matching slow: a hundred numbers a line at most, and no way back through them."""
    for text in (
        "approve " + "1 " * size,
        "approve " + "1," * size,
        "reject 1" + " " * size + "x",
        "edit 1 " * size,
        "choose 1 " + "b" * size,
        "choose 1" + " " * size + ".",
        "approve all" + " " * size + "x",
    ):
        assert isinstance(parse_numbered(text, NUMBERS), NotUnderstood)


def test_t22_many_numbers_take_no_time() -> None:
    """Every number there is, once: comparing each with all the others would stop everything for a second."""
    lines = "\n".join("reject " + " ".join(map(str, range(at, at + 100))) for at in range(0, 10_000, 100))
    before = time.process_time()
    assert parse_numbered(lines, NUMBERS) == NotUnderstood(
        "number_unknown", "There is no number 0 in that mail, so nothing was decided."
    )
    assert time.process_time() - before < 0.5
