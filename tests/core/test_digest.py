"""The digest binds everything that runs, and ids order themselves by time."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.digest import RANDOM_BYTES, canonical, digest_of, made_at, new_id, recompute
from tests.core.requests import NOW, content

BOUND: dict[str, Any] = {
    "request": "req_1",
    "revision": 1,
    "agent": "billing",
    "action": "refund.issue",
    "arguments": {"b": [1.0, "ä"], "a": 240.0},
    "target": "https://billing.example.com/refunds",
}
OTHER: dict[str, Any] = {
    "request": "req_2",
    "revision": 2,
    "agent": "billing2",
    "action": "refund.issued",
    "arguments": {"b": [1.0, "ä"], "a": 240.01},
    "target": "agent",
}
REFUSED = [float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {"deep": [float("-inf")]}]
"""What JSON, as RFC 8785 keeps it, cannot carry exactly."""


def test_the_digest_is_the_contracts() -> None:
    """SHA-256, hex, over the canonical form, its members sorted, numbers as ECMAScript writes them."""
    text = (
        '{"action":"refund.issue","agent":"billing","arguments":{"a":240,"b":[1,"ä"]},"request":"req_1",'
        '"revision":1,"target":"https://billing.example.com/refunds"}'
    )
    assert digest_of(**BOUND) == "sha256:" + hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("name", BOUND)
def test_p04_everything_that_runs_is_bound(name: str) -> None:
    """Each member on its own changes the digest."""
    assert digest_of(**(BOUND | {name: OTHER[name]})) != digest_of(**BOUND)


@pytest.mark.parametrize("value", REFUSED, ids=repr)
def test_t05_what_json_cannot_keep_is_refused(value: Any) -> None:
    """NaN, infinities, integers beyond 2^53-1 and lone surrogates have no digest."""
    with pytest.raises(ValueError, match=r".*"):
        canonical({"a": value})


@given(st.dictionaries(st.text(max_size=3), st.integers(-9, 9) | st.text(max_size=3), max_size=5))
def test_the_order_of_members_is_nothing(arguments: dict[str, Any]) -> None:
    """Objects that say the same have the same bytes."""
    turned = dict(reversed(arguments.items()))
    assert canonical(arguments) == canonical(turned)
    assert json.loads(canonical(arguments)) == arguments


def test_t05_a_changed_byte_shows() -> None:
    """A stored revision that was changed no longer gives its own digest."""
    kept = content(1, {"amount": 240.0})
    assert recompute(kept, "billing") == kept.digest
    for changed in (
        replace(kept, arguments={"amount": 241.0}),
        replace(kept, target="https://evil.example/refunds"),
        replace(kept, action="refund.all"),
        replace(kept, number=2),
        replace(kept, request="req_2"),
    ):
        assert recompute(changed, "billing") != kept.digest
    assert recompute(kept, "other") != kept.digest


def test_ids_order_by_time() -> None:
    """A later millisecond sorts after an earlier one whatever the randomness; equal ones differ by it."""
    low, high = bytes(RANDOM_BYTES), b"\xff" * RANDOM_BYTES
    early, late = new_id("req", NOW, high), new_id("req", NOW + timedelta(milliseconds=1), low)
    assert early < late
    assert new_id("req", NOW, low) != new_id("req", NOW, high)
    assert len(early) == len("req_") + 26
    assert early.startswith("req_")
    assert not set(early[4:]) & set("ilou")
    assert made_at(early) == NOW
    assert made_at(late) == NOW + timedelta(milliseconds=1)
    with pytest.raises(ValueError, match="no id"):
        made_at("req_1")
