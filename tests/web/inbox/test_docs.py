"""What docs/inbox.md says in figures is what the code does."""

from __future__ import annotations

from pathlib import Path

from bot.web.inbox.gathered import LONG
from bot.web.inbox.record import BROKE_GLASS
from bot.web.inbox.ticks import MOST

DOCS = Path(__file__).parents[3] / "docs" / "inbox.md"


def test_the_docs_name_the_bounds_of_a_batch_and_the_words_of_the_record() -> None:
    """How long is too long, how many stand on a page, and what the record says for ever."""
    text = DOCS.read_text(encoding="utf-8")
    assert f"longer than {LONG:,} characters" in text
    assert f"One page holds {MOST} requests" in text
    assert f"*{BROKE_GLASS}*" in text
