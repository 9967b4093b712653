"""The grammar of replies: the whole first line, or it is no decision."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.grammar import OPTION, WORDS, Command, Form, NotUnderstood, parse
from bot.core.model import Verb

EDIT = Verb.APPROVE_WITH_EDITS


def answer(text: str) -> Command:
    """An answer in words."""
    return Command(verb=Verb.APPROVE, form=Form.ANSWER, answer=text)


def choose(option: str, comment: str | None = None) -> Command:
    """An option picked."""
    return Command(verb=Verb.APPROVE, form=Form.CHOOSE, answer=option, comment=comment)


UNDERSTOOD = [
    ("approve", Command(verb=Verb.APPROVE)),
    ("  APPROVE  ", Command(verb=Verb.APPROVE)),
    ("\n\r\n \nApprove\nlooks right\r\nto me\n", Command(verb=Verb.APPROVE, comment="looks right\nto me")),
    ("reject", Command(verb=Verb.REJECT)),
    ("Reject:", Command(verb=Verb.REJECT)),
    ("reject: wrong order", Command(verb=Verb.REJECT, comment="wrong order")),
    ("REJECT : wrong\nand late", Command(verb=Verb.REJECT, comment="wrong\nand late")),
    ("reject:\nsee below", Command(verb=Verb.REJECT, comment="see below")),
    ("escalate", Command(verb=Verb.ESCALATE)),
    ("ask: why?", Command(verb=Verb.ASK, comment="why?")),
    ("Ask:\nwhy?", Command(verb=Verb.ASK, comment="why?")),
    ("edit amount=100", Command(verb=EDIT, edits=(("amount", "100"),))),
    ("EDIT  a = 1 ,b=2\nhalf", Command(verb=EDIT, edits=(("a", "1"), ("b", "2")), comment="half")),
    ("edit Amount=x", Command(verb=EDIT, edits=(("Amount", "x"),))),
    ("edit a=", Command(verb=EDIT, edits=(("a", ""),))),
    ("edit a=, b=", Command(verb=EDIT, edits=(("a", ""), ("b", "")))),
    ('edit note="a, b = c", n=1', Command(verb=EDIT, edits=(("note", "a, b = c"), ("n", "1")))),
    ('edit note="say \\"hi\\" \\\\ now"', Command(verb=EDIT, edits=(("note", 'say "hi" \\ now'),))),
    ('edit note=" kept "', Command(verb=EDIT, edits=(("note", " kept "),))),
    ('edit note=say "hi"', Command(verb=EDIT, edits=(("note", 'say "hi"'),))),
    ("edit note=“a, b”", Command(verb=EDIT, edits=(("note", "a, b"),))),
    ("edit note=„a, b“, n=2", Command(verb=EDIT, edits=(("note", "a, b"), ("n", "2")))),
    ("edit note=„a, b”, n=2", Command(verb=EDIT, edits=(("note", "a, b"), ("n", "2")))),
    ("edit note=”a, b”", Command(verb=EDIT, edits=(("note", "a, b"),))),
    ("edit note=«\u00a0a, b\u202f», n=2", Command(verb=EDIT, edits=(("note", "a, b"), ("n", "2")))),
    ("edit note=»a, b«", Command(verb=EDIT, edits=(("note", "a, b"),))),
    ('edit "odd, name=" = 5', Command(verb=EDIT, edits=(("odd, name=", "5"),))),
    ("edit url=https://x.example/?a=1", Command(verb=EDIT, edits=(("url", "https://x.example/?a=1"),))),
    ("answer: two weeks", answer("two weeks")),
    ("ANSWER :yes\r\n\r\nand soon\r\n", answer("yes\nand soon")),
    ("answer: approve", answer("approve")),
    ("answer: choose b", answer("choose b")),
    ("choose b", choose("b")),
    ("Choose  B2_x-1  ", choose("B2_x-1")),
    ("choose 2\nthe cheaper one", choose("2", "the cheaper one")),
    ("choose answer", choose("answer")),
    ("handled", Command(verb=Verb.APPROVE, form=Form.HANDLED)),
    (" Handled\nI called them", Command(verb=Verb.APPROVE, form=Form.HANDLED, comment="I called them")),
    ('edit a=""', Command(verb=EDIT, edits=(("a", ""),))),
]  # fmt: skip

NOT_UNDERSTOOD = [
    ("", "empty"),
    (" \n\t\r\n", "empty"),
    ("yes", "unknown_command"),
    ("I don't approve", "unknown_command"),
    ("> approve", "unknown_command"),
    ("*approve*", "unknown_command"),
    ("approved", "unknown_command"),
    ("edits a=1", "unknown_command"),
    ("answered: yes", "unknown_command"),
    ("my answer: yes", "unknown_command"),
    ("I choose b", "unknown_command"),
    ("not handled", "unknown_command"),
    ("chosen b", "unknown_command"),
    ("answer", "answer_missing"),
    ("answer yes", "answer_missing"),
    ("answer: \n yes", "answer_missing"),
    ("answer：yes", "answer_missing"),
    ("Answer to your question: yes", "answer_missing"),
    ("Answer with one line: choose b", "answer_missing"),
    ("choose", "option_missing"),
    ("choose\nb", "option_missing"),
    ("choose: b", "option_missing"),
    ("choose b.", "option_missing"),
    ("choose b, c", "option_missing"),
    ("choose b or c", "option_missing"),
    ("choose “b”", "option_missing"),
    ("choose \u0430", "option_missing"),
    ("choose \u212a", "option_missing"),
    ("choose " + "b" * 65, "option_missing"),
    ("handled: done", "more_than_the_command"),
    ("handled by Ben", "more_than_the_command"),
    ("Handled.", "more_than_the_command"),
    ("approve.", "more_than_the_command"),
    ("approve, thanks", "more_than_the_command"),
    ("approve: fine", "more_than_the_command"),
    ("approve?", "more_than_the_command"),
    ("approve or reject", "more_than_the_command"),
    ("reject that", "more_than_the_command"),
    ("escalate!", "more_than_the_command"),
    ("edit", "edit_malformed"),
    ("ask", "question_missing"),
    ("ask why", "question_missing"),
    ("ask:", "question_missing"),
    ("ask:   \n \n", "question_missing"),
    ("edit: amount=1", "edit_malformed"),
    ("edit amount", "edit_malformed"),
    ("edit amount 100", "edit_malformed"),
    ("edit =100", "edit_malformed"),
    ("edit amount=1,000", "edit_malformed"),
    ("edit a=1,", "edit_malformed"),
    ("edit a=1, a=2", "named_twice"),
    ('edit a="1', "quote_not_closed"),
    ("edit a=“1", "quote_not_closed"),
    ("edit a=«1» or 2", "text_after_quote"),
    ('edit "a=1', "quote_not_closed"),
    ('edit a="1" x, b=2', "text_after_quote"),
    ('edit a="1\\n"', "quote_not_closed"),
    ('edit "a" 1', "text_after_quote"),
    ('edit "a"', "edit_malformed"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "command"), UNDERSTOOD)
def test_a_command_is_understood(text: str, command: Command) -> None:
    """Any case, spaces around it, the lines after it as the comment, values quoted where they hold a comma."""
    assert parse(text) == command


@pytest.mark.parametrize(("text", "reason"), NOT_UNDERSTOOD)
def test_anything_else_is_no_command(text: str, reason: str) -> None:
    """It is named why, in a sentence that says what to write instead."""
    found = parse(text)
    assert isinstance(found, NotUnderstood)
    assert found.reason == reason
    assert found.detail.endswith(".")


def test_t22_many_edits_take_no_time() -> None:
    """Fifteen thousand names in one line, each compared with all before it, would stop everything for seconds."""
    before = time.process_time()
    for text in (",".join(f"a{number}=b" for number in range(15_000)), "“" * 100_000 + "=1", 'a="' + '\\"' * 50_000):
        parse(f"edit {text}")
    for text in ("choose " + " " * 200_000 + "b c", "answer" + " " * 200_000 + "x", "choose " + "b" * 200_000):
        assert isinstance(parse(text), NotUnderstood)
    assert time.process_time() - before < 0.5


@given(st.text(max_size=200))
def test_no_text_breaks_it(text: str) -> None:
    """Every text is a command or is not; and a decision is only ever the whole line."""
    holds(text)


PIECES = st.sampled_from([*WORDS, *map(str.upper, WORDS), "b", "B", "1", ":", " : ", " ", "\n", "\r\n", ".", ",", "=",
    '"', "> ", "I ", "all", "yes", "\u2028", "\u00a0", "\u017f", "\u0430", "："])  # fmt: skip


@given(st.lists(PIECES, max_size=10).map("".join))
def test_t19_nothing_in_prose_counts(text: str) -> None:
    """Of the grammar's own words, in any order and with whatever between them, whole lines alone are commands."""
    holds(text)


def holds(text: str) -> None:
    """Say of any text what has to be so: a command is the first line that is not empty, the whole of it."""
    found = parse(text)
    if isinstance(found, NotUnderstood):
        return
    first = next(line.strip() for line in text.replace("\r\n", "\n").split("\n") if line.strip())
    word = first.casefold()
    if found.form is Form.HANDLED:
        assert (word, found.verb, found.answer) == ("handled", Verb.APPROVE, None)
    elif found.form is Form.CHOOSE:
        told = first.split()
        assert [told[0].casefold(), told[1:]] == ["choose", [found.answer]]
        assert OPTION.fullmatch(found.answer or "")
    elif found.form is Form.ANSWER:
        before, colon, said = first.partition(":")
        assert (before.strip().casefold(), colon) == ("answer", ":")
        assert said.strip()
        assert (found.answer or "").startswith(said.strip())
        assert found.comment is None
    elif found.verb is Verb.APPROVE:
        assert word == "approve"
    assert found.form is Form.PLAIN or found.verb is Verb.APPROVE
    assert (found.answer is None) == (found.form in (Form.PLAIN, Form.HANDLED))


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=40), min_size=1, max_size=5))
def test_every_name_and_value_can_be_quoted(edits: dict[str, str]) -> None:
    """Quoting carries any text of one line, whatever it holds."""
    edits = {name.replace("\n", " "): value.replace("\n", " ") for name, value in edits.items()}

    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    line = "edit " + ", ".join(f"{quoted(name)}={quoted(value)}" for name, value in edits.items())
    found = parse(line)
    assert isinstance(found, Command)
    assert dict(found.edits) == edits
