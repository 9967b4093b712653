"""T23: what marks stand for goes back to where it was, and is found in other texts however it is spelt."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from bot.core.card import literal
from bot.core.errors import Invalid
from bot.core.redaction import MARK, Veil
from bot.core.restoring import restored
from bot.core.spellings import spellings

TOKENS = [("accounts", "*", "token")]
A = {"name": "A", "token": "of A"}
B = {"name": "B", "token": "of B"}


def _marked(account: dict[str, Any]) -> dict[str, Any]:
    return {**account, "token": MARK}


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ([_marked(B), _marked(A)], "/arguments/accounts/0"),
        ([_marked(B), A], "/arguments/accounts/0"),
        ([_marked(B)], "/arguments/accounts"),
        ([_marked(A), _marked(B), _marked(B)], "/arguments/accounts"),
        ([_marked(A), {**_marked(B), "name": "C"}], "/arguments/accounts/1"),
    ],
)
def test_t23_no_mark_gives_one_account_the_token_of_another(sent: list[Any], field: str) -> None:
    """A list with marks that was put in another order, got longer or shorter, or was changed beside one is refused."""
    with pytest.raises(Invalid) as refused:
        restored({"accounts": sent}, {"accounts": [A, B]}, TOKENS)
    assert [(fault.pointer, fault.rule) for fault in refused.value.faults] == [(field, "moved")]


def test_t23_a_list_with_marks_as_it_was_is_made_whole() -> None:
    """Each mark becomes what stood there, and what is sent in full may stand in any order."""
    sent = {"accounts": [_marked(A), B], "more": 1}
    assert restored(sent, {"accounts": [A, B], "more": 0}, TOKENS) == {"accounts": [A, B], "more": 1}
    assert restored({"accounts": [B]}, {"accounts": [A, B]}, TOKENS) == {"accounts": [B]}


SECRET = 'Pä ss"w/ö+rd\\'


@pytest.mark.parametrize(
    "echoed",
    [
        SECRET,
        SECRET.upper(),
        SECRET.lower(),
        json.dumps(SECRET),
        json.dumps({"got": SECRET}, ensure_ascii=False),
        f"/login?password={quote(SECRET)}&x=1",
        f"/login?password={quote(SECRET, safe='')}",
        f"password={quote_plus(SECRET)}",
        quote(SECRET, safe="").lower(),
    ],
)
def test_t23_an_echo_is_hidden_however_it_is_spelt(echoed: str) -> None:
    """An error that repeats a hidden value escaped, percent-encoded or in another case is shown with the mark."""
    veil = Veil(secrets=tuple(sorted(spellings(SECRET), key=len, reverse=True)))
    shown = veil.text(f"refused: {echoed}; again: {echoed}")
    assert shown.count(MARK) == 2
    assert "rd" not in shown.replace("password", "").lower().replace(MARK, "")
    assert veil.text("refused") == "refused"


def test_t23_a_text_that_has_no_bytes_is_spelt_too() -> None:
    """A lone surrogate, which JSON can carry, breaks nothing."""
    assert "\\ud800-four" in spellings("\ud800-four")


def test_t23_a_mark_stands_without_quotes_and_a_forged_one_within() -> None:
    """What is hidden is no text of its agent's, and an agent's text of the same words is shown as its text."""
    forged = json.loads(json.dumps(MARK))
    assert literal(MARK) == MARK
    assert literal(forged) == f'"{MARK}"'
    assert literal({"pin": MARK}) == f'{{\n  "pin": {MARK}\n}}'
    assert literal({"pin": MARK, "x": [forged]}).count(f'"{MARK}"') == 2
    assert f'\\"{MARK}"' in literal({"x": f'"{MARK}'})
