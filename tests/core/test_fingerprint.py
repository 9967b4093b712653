"""What makes two proposals the same in other clothes, and what does not (threat T12)."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.fingerprint import fingerprint

ACTION, TARGET = "refund.issue", "https://billing.example.com/refunds"
PLAIN: dict[str, Any] = {"order": "10428", "amount": 240.0, "to": "Dana Reyes", "flags": ["now", True]}


def of(**arguments: Any) -> str:
    """The fingerprint of a refund with these arguments in place of the usual ones."""
    return fingerprint(ACTION, TARGET, PLAIN | arguments)


CLOTHES: dict[str, dict[str, Any]] = {
    "a number as text": {"amount": "240.0"},
    "a whole number": {"amount": 240},
    "a whole number as text": {"amount": "240"},
    "an exponent": {"amount": "2.4e2"},
    "a sign": {"amount": "+240"},
    "digits of another script": {"amount": "\u0662\u0664\u0660"},
    "wide digits": {"order": "\uff11\uff10\uff14\uff12\uff18"},
    "text as a number": {"order": 10428},
    "leading noughts": {"order": "0010428"},
    "a row of leading noughts": {"order": "0" * 40 + "10428"},
    "noughts at the end": {"amount": "240." + "0" * 40},
    "groups of digits": {"order": "10 428"},
    "another case": {"to": "dANA REYES"},
    "more space": {"to": "  Dana \t\n Reyes "},
    "a no-break space": {"to": "Dana\u00a0Reyes"},
    "an ideographic space": {"to": "Dana\u3000Reyes"},
    "a line separator": {"to": "Dana\u2028Reyes"},
    "wide letters": {"to": "\uff24\uff41\uff4e\uff41 Reyes"},
    "a ligature's parts": {"to": "Dana Re\u200dyes"},
    "a zero-width space": {"to": "Da\u200bna Reyes"},
    "a soft hyphen": {"to": "Dana Rey\u00ades"},
    "a direction mark": {"to": "\u202eDana Reyes\u202c"},
    "tag characters": {"to": "Dana Reyes\U000e0041\U000e0042"},
    "a variation selector": {"to": "Dana\ufe0f Reyes"},
    "an empty member": {"note": ""},
    "a member that is null": {"note": None},
    "a member of nothing": {"note": {"a": None, "b": {"c": []}}},
    "a member of spaces": {"note": " \u200b "},
    "an invisible letter": {"note": "\u3164"},
    "a yes in words": {"flags": ["NOW", "True"]},
}


@pytest.mark.parametrize("clothes", CLOTHES.values(), ids=CLOTHES)
def test_t12_the_same_in_other_clothes(clothes: dict[str, Any]) -> None:
    """Spacing, case, width, hidden characters, number forms and empty members make no difference."""
    assert of(**clothes) == of()


def test_t12_names_and_their_order_are_clothes_too() -> None:
    """The order of members, and how their names are written."""
    turned = {name.upper() + "\u200b": PLAIN[name] for name in reversed(PLAIN)}
    assert fingerprint(ACTION, TARGET, turned) == of()


OTHERS: dict[str, dict[str, Any]] = {
    "another amount": {"amount": 240.01},
    "the other sign": {"amount": -240.0},
    "another order": {"order": "10429"},
    "another person": {"to": "Dana Reyez"},
    "one more word": {"to": "Dana Reyes now"},
    "words run together": {"to": "DanaReyes"},
    "another accent": {"to": "D\u00e1na Reyes"},
    "another order of a list": {"flags": [True, "now"]},
    "an entry less": {"flags": ["now"]},
    "no for yes": {"flags": ["now", False]},
    "one more member": {"note": "x"},
    "a member of nought": {"note": 0},
    "a member of no": {"note": False},
}


@pytest.mark.parametrize("others", OTHERS.values(), ids=OTHERS)
def test_t12_what_is_not_the_same(others: dict[str, Any]) -> None:
    """Other content is another proposal: a rejection does not take everything along."""
    assert of(**others) != of()


def test_another_action_or_target_is_another() -> None:
    """The same arguments elsewhere."""
    assert fingerprint("refund.reverse", TARGET, PLAIN) != of()
    assert fingerprint(ACTION, "https://other.example.com", PLAIN) != of()


@pytest.mark.parametrize("digits", [13, 15, 16, 18, 24])
@pytest.mark.parametrize("as_text", [True, False])
def test_long_numbers_are_told_apart_to_the_last_digit(digits: int, *, as_text: bool) -> None:
    """Order, account and card numbers differ at their end: one that was rejected says nothing of the next."""
    first = int("4" * digits)
    if not as_text and digits > 15:
        first = 2**53 - 2
    two = (str(first), str(first + 1)) if as_text else (first, first + 1)
    assert of(order=two[0]) != of(order=two[1])


LONG = "9007199254740993"
IBAN = "DE89370400440532013000"


@pytest.mark.parametrize(
    ("plain", "dressed"),
    [
        (LONG, "+" + LONG),
        (LONG, "000" + LONG),
        (LONG, LONG + ".0"),
        (LONG, "9.007199254740993e15"),
        (LONG, "\u0669" + LONG[1:]),
        (LONG, "9007 1992 5474 0993"),
        (IBAN, "de89 3704 0044 0532 0130 00"),
    ],
)
def test_t12_long_numbers_are_the_same_however_they_are_written(plain: str, dressed: str) -> None:
    """Signs, noughts, exponents, other scripts and groups make no new account or order number of an old one."""
    assert of(order=plain) == of(order=dressed)
    assert of(order=plain) != of(order=dressed[:-1] + "4")


def test_t22_a_number_that_is_huge_is_read_at_once() -> None:
    """An exponent is not multiplied out, and a hundred thousand digits are not worked through one by one."""
    begun = process_time()
    assert of(amount="1e999999999999999") != of(amount="1e999999999999998") != of(amount="1e-999999999999999")
    assert of(amount="7" * 100_000) != of(amount="7" * 99_999 + "8")
    assert process_time() - begun < 1


VALUES = st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers(-(2**53) + 1, 2**53 - 1) | st.text()


@given(st.dictionaries(st.text(max_size=6), VALUES | st.lists(VALUES, max_size=3) | st.dictionaries(st.text(), VALUES)))
def test_t12_dressing_anything_changes_nothing(arguments: dict[str, Any]) -> None:
    """Whatever the arguments: turned round, spaced, and with empty members, they are the same."""
    dressed = {
        f"\u200b{name} ": f"\u00ad {value}\u200b " if isinstance(value, str) else value
        for name, value in reversed(arguments.items())
    }
    assert fingerprint("a", "b", dressed | {"\ufdfa": None}) == fingerprint("a", "b", arguments)


def test_t12_a_name_that_hides_another_takes_nothing_away() -> None:
    """Members whose names read alike are all kept, so that an empty one does not cover the one that counts."""
    assert of(**{"amount\u200b": None}) == of()
    assert of(**{"amount\u200b": 7}) == of(AMOUNT=7) != of()
