"""The texts that SQLite's statements were compiled to, which a start says instead of compiling them."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import json

from bot.core.errors import Unavailable
from bot.core.ports import Filter, Wanted
from store import keeping, kept, open_store
from store.shapes import shape_of
from store.statements import Statements, statements_for


def test_the_kept_texts_are_what_the_statements_compile_to() -> None:
    """Every one, and made of the sources as they are, or a start would compile them all: `python -m store.keeping`."""
    assert kept.FILE.read_bytes() == keeping.texts(), "run python -m store.keeping, and commit store/sqlite.json"


def test_what_is_kept_and_what_is_not_are_both_said() -> None:
    """A part, several statements of one name, one by its count, and what is compiled by the shape of its question."""
    say, whole = kept.sqlite_statements(), statements_for("sqlite")
    asked = {"id_": "req_1", "at": 5, "request_": "req_1", "request": "req_1", "subject_": "s"}
    for ours, theirs in (
        (say.decisions, whole.decisions),
        (say.subjects.destroy, whole.subjects.destroy),
        (say.subjects.forgotten[1], whole.subjects.forgotten[1]),
    ):
        assert (ours.sql, ours.pick(asked)) == (theirs.sql, theirs.pick(asked))
    assert say.decisions_of.keys() == whole.decisions_of.keys()
    shape = shape_of(Wanted(agent="a", text="b"))[0]
    assert say.queue.count(shape) is whole.queue.count(shape)


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
