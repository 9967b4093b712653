"""T12: what a proposal names is found again in other clothes, and what every proposal carries is no name."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.trust.alike import Naming, choices_in, names_in

SCHEMA = {
    "properties": {
        "reason": {"enum": ["goodwill", "damaged"]},
        "account": {"enum": ["acc-1001"]},
        "way": {"anyOf": [{"const": "transfer"}]},
    }
}
NAMING = Naming({"/amount", "/line/sum"}, choices_in(SCHEMA))
FIRST: dict[str, Any] = {
    "order": "10428",
    "to": "Ana Example",
    "mail": "ana7@example.com",
    "amount": 100,
    "currency": "EUR",
    "reason": "goodwill",
}


def names(arguments: dict[str, Any]) -> frozenset[str]:
    """What one names."""
    found = names_in([arguments], NAMING)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "dressed",
    [
        {"order": "#10428"},
        {"order": 10428},
        {"order": "0010428"},
        {"order": "1 0 4 2 8"},
        {"order": "１０４２８"},
        {"order": "١٠٤٢٨"},
        {"note": "order 10428, part 2"},
        {"lines": [{"10428": 1}]},
        {"to": "ANA  example"},
        {"who": {"name": "A.n.a-Example"}},
        {"order": "order 10,428"},
        {"order": "no.1.0.4.2.8"},
        {"order": "10428 77"},
        {"order": "10,428 7"},
        {"note": "7 pieces of 1-0-4-2-8, 77"},
        {"order": "7/10.428/7"},
        {"note": "for 2026: 10 4\u200b28 7"},
        {"mail": "Ana <ANA7@example.com>"},
        {"mail": "refund to ana7＠example.com, please"},
    ],
)
def test_t12_the_same_thing_is_named_however_it_is_written(dressed: dict[str, Any]) -> None:
    """In other forms, scripts and places: one name that both have is enough."""
    assert names(FIRST) & names({"amount": 50, "currency": "EUR", **dressed})


def test_what_every_proposal_carries_is_no_name() -> None:
    """Amounts with bands, short words, truths, and words that the schema lists; what it lists with digits is one."""
    assert not names(
        {"amount": 100, "line": {"sum": 100.0}, "currency": "EUR", "reason": "goodwill", "way": "transfer"}
    )
    assert not names({"fast": True, "none": None, "share": 0.5, "few": 12})
    assert names({"account": "acc-1001"}) == {"acc1001", "1001"}
    assert not names(FIRST) & names({**FIRST, "order": "10429", "to": "Ben Example", "mail": "ben@example.com"})


def test_t12_a_crowd_of_names_hides_none() -> None:
    """Whoever names more than can be kept is taken for naming anything."""
    assert names_in([{"order": "10428", "notes": [f"padding {n:04}" for n in range(80)]}], NAMING) is None
