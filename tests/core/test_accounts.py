"""What a request adds to the account of a limited rule, and when the account is full (threat T11)."""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from bot.core.accounts import MICRO, Charge, charge_of, over
from bot.core.model import Submission
from bot.core.policy import ConditionFailed, Limit

DAY = timedelta(days=1)


class Fixed(Struct, frozen=True):
    """An amount that is what a test says."""

    number: float
    source: str = "arguments.amount"

    def amount(self, facts: Any) -> float:
        """The number."""
        del facts
        return self.number


def charge(amount: float = 1.0, *, agent: str = "billing", target: str = "t", **more: Any) -> Charge:
    """What a request with this amount adds; ``more``: of the limit, and the arguments of the submission."""
    submission = Submission(action="refund.issue", arguments=more.pop("arguments", {}))
    limit = Limit(per=DAY, sum=Fixed(amount), max=2000.0, **more)
    return charge_of(limit, submission, agent=agent, target=target, facts={})


@pytest.mark.parametrize(
    "amount", [-0.01, -1.0, -1e308, math.nan, math.inf, -math.inf, 2**62 / MICRO, 1e300], ids=lambda n: f"{n:g}"
)
def test_t11_what_cannot_be_counted_is_not_approved(amount: float) -> None:
    """An amount below nothing, or that is no number or too large a one, is no charge: it would shrink the account."""
    with pytest.raises(ConditionFailed, match="cannot be counted"):
        charge(amount)


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        (0.0, 0),
        (-0.0, 0),
        (0.1, 100_000),
        (240.0, 240_000_000),
        (1e-6, 1),
        (1e-9, 1),
        (4.35, 4_350_000),
        (1e11, 10**17),
    ],
)
def test_t11_amounts_are_kept_in_millionths(amount: float, kept: int) -> None:
    """Exactly where they can be, and never less than they are."""
    assert charge(amount).amount == kept


@given(st.floats(0, 1e9, allow_nan=False))
def test_t11_no_amount_is_rounded_to_less(amount: float) -> None:
    """By more than the thousandth of a millionth that the arithmetic of floats leaves."""
    assert Decimal(charge(amount).amount) >= Decimal(amount) * MICRO - Decimal(amount) * Decimal("1e-9") - Decimal(
        "1e-3"
    )


@given(st.lists(st.floats(0, 2000, allow_nan=False), max_size=30))
def test_t11_no_order_of_charges_passes_the_measure(amounts: list[float]) -> None:
    """Whatever is let through one after another adds up to the limit at most."""
    limit = Limit(per=DAY, sum=Fixed(0), max=2000.0, count=7)
    spent = (0, 0)
    for amount in amounts:
        one = charge(amount)
        if over(limit, one, spent) is None:
            spent = (spent[0] + 1, spent[1] + one.amount)
    assert spent[0] <= 7
    assert spent[1] <= 2000 * MICRO


def test_an_account_may_be_filled_to_the_brim() -> None:
    """What is the limit exactly still fits, a millionth more does not; and so with the number of them."""
    limit = Limit(per=DAY, sum=Fixed(0), max=500.0, count=3)
    assert over(limit, Charge("k", 500 * MICRO), (0, 0)) is None
    assert over(limit, Charge("k", 1), (1, 500 * MICRO)) == "500 of 500 in the window is used up, and this adds 1e-06"
    assert over(limit, Charge("k", 1), (2, 0)) is None
    full = "3 of these were let through in the window already, or wait for people"
    assert over(limit, Charge("k", 1), (3, 0)) == full


def test_accounts_are_kept_apart_by_what_the_rule_says() -> None:
    """By agent, action and target unless it says otherwise; the key is the same for the same."""
    assert charge() == charge()
    assert charge(agent="other").key != charge().key
    assert charge(target="other").key != charge().key
    assert charge(by=("action",), agent="other", target="other") == charge(by=("action",))


def test_accounts_by_an_argument() -> None:
    """Each value has its own, and what is not given has one too."""
    keys = [
        charge(by=("arguments.customer",), arguments=a).key for a in ({}, {"customer": "acme"}, {"customer": "blue"})
    ]
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    "customer", ["ACME", " acme ", "ac\u200bme", "\uff41\uff43\uff4d\uff45", "Acme\u00a0"], ids=repr
)
def test_t11_an_argument_in_other_clothes_is_the_same_account(customer: str) -> None:
    """An agent that writes a name another way does not begin a new account with it."""
    by = ("arguments.customer",)
    assert charge(by=by, arguments={"customer": customer}) == charge(by=by, arguments={"customer": "acme"})


def test_t11_a_number_in_other_clothes_is_the_same_account() -> None:
    """Nor one that writes a number as text, or with a point."""
    by = ("arguments.order",)
    assert len({charge(by=by, arguments={"order": order}).key for order in (7, 7.0, "7", "7.0", " 07")}) == 1
    assert len({charge(by=by, arguments=a).key for a in ({}, {"order": None}, {"order": ""}, {"order": "\u200b"})}) == 1


def test_t22_an_account_has_a_short_name_whatever_tells_it_apart() -> None:
    """An argument may be as long as a body; the index of accounts holds it once for each request."""
    one, same, other = (charge(by=("arguments.to",), arguments={"to": "x" * 100_000 + end}) for end in ("a", "A", "b"))
    assert len(one.key) < 100
    assert one.key == same.key != other.key


def test_a_limit_of_numbers_alone_sums_nothing() -> None:
    """The amount is 0, and no amount is asked for."""
    limit = Limit(per=DAY, count=1)
    assert charge_of(limit, Submission(action="a"), agent="b", target="t", facts={}).amount == 0
