"""What an agent sends is shown, and held against other texts, in bounded time (T22), and truly."""

from __future__ import annotations

import json
import time
from difflib import SequenceMatcher, unified_diff
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.alignment import Aligned, Effort
from bot.core.card import edit_text, literal
from bot.core.fingerprint import fingerprint
from bot.core.model import Edit
from bot.core.scrutiny import visible
from bot.core.trust.alike import Naming, names_in
from bot.web.inbox.diff import EFFORT, rows_of

FEW = st.lists(st.sampled_from("abcde"), max_size=40)
SLOW = {
    "that repeat": [f"{number * number % 97}" for number in range(8_000)],
    "every other of which repeats": [f"{number}" if number % 2 else "x" for number in range(8_000)],
    "that are each another": [f"{number}" for number in range(8_000)],
}
"""Lines of some 40 KB, of which an agent may send six times as much."""


@given(FEW, FEW, st.integers(0, 2_000))
def test_what_is_told_alike_is_alike_and_nothing_is_lost(old: list[str], new: list[str], steps: int) -> None:
    """However much effort there is: the pieces make both texts again, and what is called equal is."""
    found = Aligned(old, new, Effort(steps)).get_opcodes()
    assert [old[a:b] for kind, a, b, _, _ in found if kind == "equal"] == [
        new[c:d] for kind, _, _, c, d in found if kind == "equal"
    ]
    for at, whole in ((1, len(old)), (3, len(new))):
        edges = [(one[at], one[at + 1]) for one in found]
        assert [0, *(int(end) for _, end in edges)] == [*(int(start) for start, _ in edges), whole]


@given(FEW, FEW)
def test_of_little_text_it_finds_what_difflib_finds(old: list[str], new: list[str]) -> None:
    """Once the ends that are alike are set aside, which both would find first or last."""
    one, other = ["<", *old, ">"], ["<", *new, ">"]
    ours = sum(block.size for block in Aligned(one, other, Effort()).get_matching_blocks())
    theirs = SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()
    assert ours >= min(sum(block.size for block in theirs), 2)


def test_an_edit_is_told_as_a_unified_diff_tells_it() -> None:
    """Line by line, with the numbers that programs know."""
    old = [f"line {number}" for number in range(400)]
    new = [*old[:90], "one more", *old[90:200], "another", *old[202:]]
    told = list(unified_diff(old, new, lineterm="", n=1))[2:]
    assert edit_text(Edit("/x", "\n".join(old), "\n".join(new))).split("\n") == told


@pytest.mark.parametrize("lines", SLOW.values(), ids=SLOW)
def test_t22_no_two_texts_are_slow_to_hold_against_each_other(lines: list[str]) -> None:
    """Two requests whose texts repeat a few lines stopped the house for 8 s, at each card and each page of them."""
    other = [line if number % 3 else f"y{line}" for number, line in enumerate(reversed(lines))]
    words, others = [".".join(each[:400]) for each in (lines, other)]
    before = time.process_time()
    for change in (Edit("/x", "\n".join(lines), "\n".join(other)), Edit("/x", f"{words}\n" * 30, f"{others}\n" * 30)):
        edit_text(change)
        rows_of(change, Effort(EFFORT // 5))
    assert time.process_time() - before < 1


HEAVY: dict[str, Any] = {
    "brackets": json.loads(f"[{','.join(['[' * 24 + ']' * 24] * 4_000)}]"),
    "a ligature of 18 letters": "\ufdfa" * 60_000,
    "what nobody sees": "\u200d" * 80_000,
    "alike": ["ab"] * 60_000,
}
"""Of 200 KB each, which an agent may send."""


@pytest.mark.parametrize("value", HEAVY.values(), ids=HEAVY)
def test_t22_no_arguments_are_slow_to_read_or_to_show(value: Any) -> None:
    """Character by character, and indented to 7 MB, they took 2 s of each card, and 3 s of what a grant looks for."""
    before = time.process_time()
    shown = literal({"x": value})
    fingerprint("a", "agent", {"x": value})
    names_in([{"x": value}], Naming())
    assert time.process_time() - before < 2
    assert len(shown) < 2_000_000


@given(st.recursive(st.none() | st.floats(allow_nan=False) | st.text(), lambda inner: st.lists(inner, min_size=1)))
def test_a_list_is_shown_as_python_writes_json(value: Any) -> None:
    """Value by value on lines of their own, however it was made."""
    written = json.dumps([value], ensure_ascii=False, indent=2)
    assert literal([value]) == visible(written).replace("⏎\n", "\n")


def test_what_is_no_json_is_shown_all_the_same() -> None:
    """A function may give back what JSON has no word for."""
    assert literal([float("nan"), "\ud800"]) == '[\n  NaN,\n  "⟦U+D800⟧"\n]'
