"""T23: what marks stand for goes back to where it was, and is found in other texts however it is spelt."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.errors import Invalid
from bot.core.redaction import MARK
from bot.core.restoring import restored

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
