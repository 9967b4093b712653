"""What an agent may post: every fault is named, by pointer and rule, all of them at once."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.errors import Invalid
from bot.core.model import Kind, Risk, Submission
from bot.web.strict_json import MAX_FAULTS
from bot.web.submission import parse_submission
from tests.web.bodies import cases
from tests.web.conftest import Office

WHOLE: dict[str, Any] = {
    "action": "refund.issue",
    "arguments": {"order": "10428", "amount": 240.0, "currency": "USD"},
    "reason": "Customer reported duplicate charge",
    "confidence": 0.72,
    "kind": "approval",
    "risk": "irreversible",
    "labels": {"tier": "gold", "vip": True, "age": 3},
    "on_behalf_of": "dana@example.com",
    "context": {
        "user_request": "…",
        "evidence": [{"title": "…", "text": "…", "url": "https://example.com/…", "page": 3}],
        "tool_calls": [{"name": "…", "arguments": {}, "result": "…"}],
        "alternatives": [{"action": "…", "arguments": {}, "why_not": "…"}],
        "checks": [{"name": "…", "passed": True, "detail": "…"}, {"name": "…", "passed": None}],
        "expected_outcome": "…",
        "risks": ["…"],
        "rollback": "…",
        "ticket": {"id": 7},
    },
    "batch": "newsletter-11",
    "revises": "req_01",
    "expires_in": "24h",
}
"""The contract's example, with what else is allowed."""


def test_the_contracts_example_is_taken_whole() -> None:
    """Every member arrives as it was sent, unknown ones inside the context too."""
    taken = parse_submission(WHOLE)
    rest = {name: getattr(taken, name) for name in ("arguments", "reason", "confidence", "labels", "batch", "revises")}
    assert rest == {name: WHOLE[name] for name in rest}
    assert (taken.kind, taken.risk, taken.expires_in) == (Kind.APPROVAL, Risk.IRREVERSIBLE, timedelta(hours=24))
    assert taken.context["ticket"] == {"id": 7}
    assert taken.context["evidence"][0]["page"] == 3
    assert taken.on_behalf_of == "dana@example.com"


def test_only_the_action_is_required_and_null_is_absent() -> None:
    """Everything else may be left out, or sent as null."""
    bare = parse_submission({"action": "greet"})
    assert bare == Submission(action="greet")
    assert parse_submission({"action": "greet"} | dict.fromkeys(WHOLE.keys() - {"action"})) == bare


OPTIONS: list[dict[str, Any]] = [
    {"id": "a", "title": "Refund all", "arguments": {"amount": 240}},
    {"id": "b-2_x", "title": "Refund half", "arguments": {}},
]
KINDS: tuple[dict[str, Any], ...] = (
    {"kind": "question"},
    {"kind": "question", "options": []},
    {"kind": "question", "options": [{"id": "yes", "title": "Yes"}, {"id": "no", "title": "No", "arguments": None}]},
    {"kind": "choice", "options": OPTIONS},
    {"kind": "choice", "options": [{"id": f"o{n}", "title": str(n), "arguments": {}} for n in range(20)]},
    {"kind": "exception"},
    {"kind": "exception", "options": None},
    {"kind": "approval", "options": []},
)
"""What each kind takes."""


@pytest.mark.parametrize("more", KINDS, ids=str)
def test_each_kind_takes_the_options_it_has_a_use_for(more: dict[str, Any]) -> None:
    """They arrive in order, as they were sent."""
    taken = parse_submission({"action": "greet"} | more)
    assert taken.kind == more["kind"]
    sent = [(o["id"], o["title"], o.get("arguments") or {}) for o in more.get("options") or ()]
    assert [(o.id, o.title, o.arguments) for o in taken.options] == sent


def test_the_guides_examples_are_taken() -> None:
    """What docs/api.md shows being submitted can be."""
    guide = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    shown = re.findall(r'^```json\n({"action".*?)^```', guide, re.MULTILINE | re.DOTALL)
    assert [parse_submission(json.loads(text)).kind for text in shown] == [Kind.APPROVAL, Kind.CHOICE]


@pytest.mark.parametrize("action", ["saysoon.drill", "sayso", "my.sayso.drill", "sayso:drill"])
def test_only_what_begins_like_the_houses_own_is_its_own(action: str) -> None:
    """A name that merely looks near it is an agent's like any other."""
    assert parse_submission({"action": action}).action == action


@pytest.mark.parametrize(
    ("text", "span"), [("1s", 1), ("1500ms", 1.5), ("15m", 900), ("8h", 28_800), ("90d", 7_776_000)]
)
def test_durations_are_read(text: str, span: float) -> None:
    """Durations are as the contract writes them."""
    assert parse_submission({"action": "greet", "expires_in": text}).expires_in == timedelta(seconds=span)


async def test_every_fault_is_named_by_pointer_and_rule(office: Office) -> None:
    """A refused submission answers 422 with exactly its faults, and nothing is kept."""
    for case in cases("submissions_refused.json"):
        reply = await office.call("POST", "/v1/requests", "billing", json=case["body"])
        assert (reply.status, reply.body["code"]) == (422, "invalid"), case["name"]
        assert [[error["pointer"], error["rule"]] for error in reply.body["errors"]] == case["faults"], case["name"]
        assert case.get("says", "") in reply.body["errors"][0]["detail"]
        assert reply.body["type"] == "urn:sayso:problem:invalid"
    assert (await office.call("GET", "/v1/requests", "ops")).body["requests"] == []


@pytest.mark.parametrize(
    ("member", "most", "over"),
    [
        ("reason", "x" * 20_000, "x" * 20_001),
        ("batch", "x" * 128, "x" * 129),
        ("on_behalf_of", "x" * 320, "x" * 321),
        ("labels", {str(n): n for n in range(50)}, {str(n): n for n in range(51)}),
        ("labels", {"x" * 64: "x" * 500}, {"x" * 64: "x" * 501}),
        ("context", {"evidence": [{}] * 50}, {"evidence": [{}] * 51}),
        ("context", {"risks": ["x"] * 50}, {"risks": ["x"] * 51}),
    ],
)
def test_limits_stand_where_they_are_said_to(member: str, most: Any, over: Any) -> None:
    """The most that is allowed is taken; one more is refused."""
    parse_submission({"action": "greet", member: most})
    with pytest.raises(Invalid):
        parse_submission({"action": "greet", member: over})


def test_one_answer_names_so_many_faults() -> None:
    """A body full of faults is answered briefly."""
    with pytest.raises(Invalid) as refused:
        parse_submission({"action": "greet"} | {f"x{n}": 1 for n in range(1000)})
    assert len(refused.value.faults) == MAX_FAULTS


def test_a_kind_behind_many_faults_is_no_fault_of_ours() -> None:
    """A kind that is none is not even looked at any more, and breaks nothing."""
    with pytest.raises(Invalid):
        parse_submission({"action": "greet"} | {f"x{n}": 1 for n in range(MAX_FAULTS)} | {"kind": "none"})
