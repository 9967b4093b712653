"""The texts that SQLite's statements were compiled to, which a start says instead of compiling them."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from random import Random

import pytest
from msgspec import json

from bot.core.errors import Unavailable
from bot.core.ports import Filter, Wanted
from store import keeping, kept, open_store
from store.question import COUNTS, KeptQuestion
from store.shapes import queue_of
from store.statements import Statements, statements_for


def test_the_kept_texts_are_what_the_statements_compile_to() -> None:
    """Every one, and made of the sources as they are, or a start would compile them all: `python -m store.keeping`."""
    assert kept.FILE.read_bytes() == keeping.texts(), "run python -m store.keeping, and commit store/sqlite.json"


def test_what_is_kept_and_what_is_not_are_both_said() -> None:
    """A part, several statements of one name, one by its count, and a question of more values than pieces are kept."""
    say, whole = kept.sqlite_statements(), statements_for("sqlite")
    asked = {"id_": "req_1", "at": 5, "request_": "req_1", "request": "req_1", "subject_": "s"}
    for ours, theirs in (
        (say.decisions, whole.decisions),
        (say.subjects.destroy, whole.subjects.destroy),
        (say.subjects.forgotten[1], whole.subjects.forgotten[1]),
    ):
        assert (ours.sql, ours.pick(asked)) == (theirs.sql, theirs.pick(asked))
    assert say.decisions_of.keys() == whole.decisions_of.keys()
    many = queue_of(Wanted(asked=tuple(f"p{index}" for index in range(max(COUNTS) + 1))))[0]
    assert say.queue.page.of(many) is whole.queue.page.of(many)


QUESTIONS = {
    "listing": "agent action batch reviewer escalated|level states:1|states:4|states:7 open since until real after",
    "queue.page": "open agent action kind risk escalated|level waits_for unread_by asked:1|asked:12 text after",
    "queue.count": "open agent action kind risk escalated|level waits_for unread_by asked:2",
    "queue.count_found": "open agent waits_for text",
    "queue.alike": "open agent action kind risk escalated|level waits_for unread_by asked:2",
    "queue.alike_found": "open agent waits_for text",
    "trail.search": "between request type|type* since until actor text",
    "insight.page": "practice agent action rule since until decided after",
}
"""Each question, and what narrows it, in the order in which that is asked."""

VALUES = {
    name: f"<{name}>"
    for name in (
        *("agent", "action", "batch", "reviewer", "since", "until", "cursor_at", "cursor_id", "kind", "risk", "limit"),
        *("waits_for", "unread_by", "text", "quoted", "after_at", "after_id", "first", "before", "request", "type"),
        *("actor", "practice", "rule", "after", *(f"state_{n}" for n in range(7)), *(f"asked_{n}" for n in range(12))),
    )
}
"""Every parameter, each with a value of its own."""


@pytest.mark.parametrize(("name", "narrowing"), QUESTIONS.items())
def test_what_is_set_together_is_what_would_be_compiled(name: str, narrowing: str) -> None:
    """Whatever narrows a listing, a queue or a search: text and parameters are those of the whole construct."""
    question = attrgetter(name)
    ours, theirs = question(kept.sqlite_statements()), question(statements_for("sqlite"))
    assert isinstance(ours, KeptQuestion)
    chance = Random(6)  # noqa: S311  # which of them are compared
    pieces = [words.split("|") for words in narrowing.split()]
    every = tuple(words[0] for words in pieces)
    some = (tuple(chance.choice(words) for words in pieces if chance.random() < 0.6) for _ in range(12))
    for names in {(), every, *some, *((chance.choice(words),) for words in pieces)}:
        mine, other = ours.of(names), theirs.of(names)
        assert (mine.sql, mine.pick(VALUES)) == (other.sql, other.pick(VALUES))


def test_texts_of_other_sources_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statements that were changed are compiled, whatever the file still says; so they are where there is no file."""
    other = tmp_path / "sqlite.json"
    monkeypatch.setattr(kept, "FILE", other)
    assert isinstance(kept.sqlite_statements.__wrapped__(), Statements)
    other.write_bytes(json.encode({"sources": "others", "statements": {"request": {"sql": "DROP"}}}))
    assert isinstance(kept.sqlite_statements.__wrapped__(), Statements)


async def test_whoever_reads_after_the_close_is_told_so(tmp_path: Path) -> None:
    """A page that is asked for while the house closes is refused, as by a store that is gone."""
    store = await open_store(f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}", exclusive=True)
    assert await store.requests(Filter()) == ()
    await store.close()
    with pytest.raises(Unavailable):
        await store.requests(Filter())
