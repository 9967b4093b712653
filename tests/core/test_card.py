"""Cards: the facts first and whole, the agent's words apart, the odd made visible, and nothing cut in silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.card import (
    Asked,
    Card,
    Line,
    card_of,
    confidence_text,
    execution_line,
    literal,
    name_of,
    next_step_at,
    why_text,
)
from bot.core.model import (
    Edit,
    Execution,
    ExecutionState,
    OnIrreversible,
    Person,
    Replies,
    Request,
    Risk,
    Route,
    State,
    Then,
    Verb,
)
from tests.core.requests import HOUR, MINUTE, NOW, at_step, content, decision, request, route, stage, step

PEOPLE = {"ana": Person(id="ana", name="Ana Silva")}


CHAIN = stage(step("ana", "ben", wait=15 * MINUTE), step("lea", "ana", wait=HOUR), step("duty"))


def card(about: Request | None = None, **more: Any) -> Card:
    """The card of a request."""
    return card_of(about or request(CHAIN), people=PEOPLE, url="https://s.example/r/req_1", **more)


def with_context(**context: Any) -> Card:
    """The card of a request with this context and nothing else said."""
    return card(replace(request(CHAIN), content=content(context=context)))


def test_a_card_says_what_would_run_and_what_may_be_pressed() -> None:
    """The facts of a new request."""
    found = card(undo="refund.reverse")
    assert (found.request, found.revision, found.state) == ("req_1", 1, State.PENDING)
    assert (found.title, found.action, found.agent, found.risk) == ("Refund", "refund.issue", "billing", "irreversible")
    assert found.arguments == (Line("amount", "240.0"),)
    assert found.digest == request(CHAIN).digest
    assert found.buttons == (Verb.APPROVE, Verb.APPROVE_WITH_EDITS, Verb.REJECT, Verb.ASK, Verb.ESCALATE)
    assert found.asked == (Asked("Ana Silva", "ana", 0), Asked("ben", "ben", 0))
    assert (found.deadline, found.expires_at) == (NOW + 15 * MINUTE, NOW + 24 * HOUR)
    assert (found.stage, found.progress, found.undo, found.fully_shown) == ("finance", "", "refund.reverse", True)
    assert found.verdicts == ()
    assert found.execution is None


def test_what_may_not_be_pressed_is_not_offered() -> None:
    """No Edit without arguments or leave, nothing after the end; Escalate always, for its refusal tells more."""
    assert Verb.APPROVE_WITH_EDITS not in card(editable=False).buttons
    bare = replace(request(CHAIN), content=content(arguments={}))
    assert Verb.APPROVE_WITH_EDITS not in card(bare).buttons
    assert Verb.ESCALATE in card(at_step(request(CHAIN), 2)).buttons
    for state in State:
        assert bool(card(replace(request(CHAIN), state=state)).buttons) is (state is State.PENDING)


def test_everybody_asked_so_far_stands_on_it_once() -> None:
    """In the order they were asked, with the step; after an escalation the earlier ones still."""
    found = card(replace(at_step(request(CHAIN), 1), escalation_level=1))
    assert [(a.person, a.step) for a in found.asked] == [("ana", 0), ("ben", 0), ("lea", 1)]
    assert found.escalation_level == 1


def test_a_request_that_asked_nobody() -> None:
    """Approved by rule: no people, no stage, and the rule has the last word."""
    found = card(request(way=route(then=Then.APPROVE, rule="tiny refunds")))
    assert (found.asked, found.stage, found.progress, found.buttons) == ((), "", "", ())
    assert [v.title for v in found.verdicts] == ["Approved by rule 'tiny refunds'"]


def test_when_the_next_step_is_due() -> None:
    """Counted from when this one was; none where nobody follows, nothing waits, or it is not pending."""
    first = request(CHAIN)
    assert next_step_at(first) == NOW + 15 * MINUTE
    assert next_step_at(at_step(first, 2)) is None
    assert next_step_at(at_step(first, 0, exhausted=True)) is None
    assert next_step_at(at_step(first, 0, step_at=None)) is None
    assert next_step_at(replace(first, state=State.NEEDS_INFO)) is None
    assert next_step_at(request(stage(step("ana"), step("ben")))) is None
    assert next_step_at(request(way=route(then=Then.BLOCK))) is None


def test_progress_is_told_where_there_is_more_than_one_approval_to_give() -> None:
    """How many of how many, in which stage; a rejection is no approval."""
    two = request(stage(step("ana", "ben"), approvals=2))
    voted = replace(two, decisions=(decision(two), decision(two, "ben", Verb.REJECT)))
    assert card(voted).progress == "finance: 1 of 2 approvals (stage 1 of 1)"
    assert card(request(CHAIN, stage(step("lea"), name="legal"))).progress.endswith("(stage 1 of 2)")


@pytest.mark.parametrize(
    ("confidence", "gate", "text", "below"),
    [
        (0.72, 0.85, "72% (below 85% gate)", True),
        (0.85, 0.85, "85% (above 85% gate)", False),
        (0.999, None, "99.9%", False),
        (None, 0.85, "not given (gate 85%)", True),
        (None, None, "not given", False),
    ],
)
def test_confidence_against_the_gate(confidence: float | None, gate: float | None, text: str, below: bool) -> None:  # noqa: FBT001  # a table
    """A confidence that was not given is below every gate."""
    assert confidence_text(confidence, gate) == (text, below)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("10428", '"10428"'),
        ("", '""'),
        ("5", '"5"'),
        (5, "5"),
        (240.0, "240.0"),
        (None, "null"),
        (True, "true"),
        ([], "[]"),
        ({}, "{}"),
        ({"a": [1]}, '{\n  "a": [\n    1\n  ]\n}'),
        ("é", '"é"'),
        ("a\nb", '"a⏎\nb"\n(3 characters, 2 lines)'),
        ("x" * 301, '"' + "x" * 301 + '"\n(301 characters, 1 line)'),
        ("\u202ex", '"⟦U+202E⟧x"'),
        (["\u200b"], '[\n  "⟦U+200B⟧"\n]'),
    ],
)
def test_a_value_is_shown_as_it_is(value: Any, text: str) -> None:
    """A text is told from a number, what is hidden is shown, and length is stated where it is long."""
    assert literal(value) == text


def test_t01_padding_hides_nothing() -> None:
    """The command stands first, newlines are shown, the length is stated."""
    shown = literal("rm -rf / #" + "\n" * 500 + "tests pass")
    assert shown.startswith('"rm -rf / #⏎×500\ntests pass"')
    assert shown.endswith("(520 characters, 501 lines)")


def test_the_agents_words_stand_apart_and_labelled() -> None:
    """Everything it may say has its label, in a fixed order."""
    found = card(
        replace(
            request(CHAIN),
            content=content(
                reason="Duplicate\u200b charge",
                on_behalf_of="dana@example.com",
                context={
                    "user_request": "می\u200cروم",
                    "expected_outcome": "Money back",
                    "rollback": "Charge again",
                    "evidence": [{"title": "Charges\nlist", "text": "two", "url": "https://x.example"}, {}],
                    "risks": ["none", 5],
                    "checks": [{"name": "order", "passed": True}, {"name": "x", "passed": False, "detail": "late"}, {}],
                    "tool_calls": [{"name": f"t{n}"} for n in range(6)],
                    "alternatives": [{"action": "refund.half"}],
                },
            ),
        )
    )
    assert [(line.label, line.text) for line in found.claims] == [
        ("Reason", "Duplicate⟦U+200B⟧ charge"),
        ("On behalf of", "dana@example.com"),
        ("Original request", "می\u200cروم"),
        ("Expected outcome", "Money back"),
        ("How to undo it", "Charge again"),
        ("Evidence: Charges⏎ list", "two⏎\nhttps://x.example"),
        ("Evidence: untitled", ""),
        ("Risks", "none⏎\n5"),
        ("Check: order", "passed"),
        ("Check: x", "failed late"),
        ("Check: None", "no verdict"),
        ("Tool calls", "6: t0, t1, t2, t3, t4, …"),
        ("Alternatives", "1: refund.half"),
    ]


def test_an_agent_that_says_nothing() -> None:
    """No claims at all, and empty lists are none."""
    assert card().claims == ()
    assert with_context(evidence=[], tool_calls=[], risks=[]).claims == ()


def test_t04_titles_actions_and_names_of_arguments_hide_nothing() -> None:
    """Whatever the agent names is made visible too, and a title is one line."""
    odd = replace(request(CHAIN), title="a\nb\u200b", content=content(arguments={"a\u202e": 1}))
    assert card(odd).title == "a⏎ b⟦U+200B⟧"
    assert card(odd).arguments == (Line("a⟦U+202E⟧", "1"),)


def test_decisions_say_who_when_how_and_what_was_changed() -> None:
    """Edits as before and after; a person that the file no longer knows by id."""
    about = request(CHAIN)
    edits = (Edit("/amount", 240.0, 100), Edit("/a", None, "x", "added"), Edit("/b", [1], None, "removed"))
    edited = decision(about, verb=Verb.APPROVE_WITH_EDITS, edits=edits, comment="half\u200b")
    rejected = decision(about, "zoe", Verb.REJECT, category="policy")
    first, second = card(replace(about, decisions=(edited, rejected))).verdicts
    assert (first.title, first.by, first.at, first.channel) == ("Approved with edits", "Ana Silva", NOW, "slack")
    assert first.comment == "half⟦U+200B⟧"
    assert [line.text for line in first.edits] == ["240.0 → 100", '(absent) → "x"', "[\n  1\n] → (taken away)"]
    assert (second.title, second.by, second.comment, second.category) == ("Rejected", "zoe", None, "policy")
    assert (first.person, second.person) == ("ana", "zoe")
    assert name_of("ana", PEOPLE) == "Ana Silva"


@pytest.mark.parametrize(
    ("state", "title"),
    [
        (State.BLOCKED, "Blocked by rule 'r'"),
        (State.EXPIRED, "Expired without a decision"),
        (State.CANCELLED, "Withdrawn by the agent"),
        (State.REJECTED, "Rejected because nobody decided in time"),
        (State.APPROVED_WITH_EDITS, None),
    ],
)
def test_the_last_word_where_it_was_not_a_persons(state: State, title: str | None) -> None:
    """Rule, expiry, withdrawal; where a person's vote ended it, that vote is the last word."""
    ended = replace(request(CHAIN), state=state, decided_at=NOW + HOUR)
    assert [v.title for v in card(ended).verdicts] == ([title] if title else [])
    assert all(v.person is None for v in card(ended).verdicts)
    voted = replace(ended, decisions=(decision(ended, verb=Verb.REJECT, at=NOW + HOUR),))
    assert [v.title for v in card(voted).verdicts] == ["Rejected"]


@pytest.mark.parametrize(
    ("state", "more", "label", "text"),
    [
        (ExecutionState.WAITING, {}, "Waiting to run", ""),
        (ExecutionState.EXECUTING, {}, "Running", ""),
        (ExecutionState.EXECUTING, {"by_agent": True}, "Handed to the agent, which has not reported yet", ""),
        (ExecutionState.EXECUTED, {"result": {"id": 1}}, "Executed", '{\n  "id": 1\n}'),
        (ExecutionState.FAILED, {"error": "no\u200bpe"}, "Failed", "no⟦U+200B⟧pe"),
        (ExecutionState.NONE, {}, "none", ""),
    ],
)
def test_the_run_in_words(state: ExecutionState, more: dict[str, Any], label: str, text: str) -> None:
    """How it stands, and what came of it."""
    run = Execution(id="exe_1", request="req_1", revision=1, digest="", state=state, due_at=None, **more)
    assert execution_line(run) == Line(label, text)
    assert execution_line(None) is None
    assert card(replace(request(CHAIN), execution=run)).run is state
    assert card().run is None


@pytest.mark.parametrize("mode", Replies)
def test_a_card_says_what_a_reply_may_decide(mode: Replies) -> None:
    """As the route says; what cannot be undone is not approved by reply unless the rules say so."""
    on_page = request(way=route(CHAIN, replies=mode))
    by_reply = request(way=route(CHAIN, replies=mode, irreversible=OnIrreversible.REPLY))
    assert card(by_reply).replies is mode
    assert card(replace(on_page, risk=Risk.REVERSIBLE)).replies is mode
    assert card(on_page).replies is (Replies.REJECT_ONLY if mode is Replies.APPROVE else mode)


def test_moments_are_the_requests_own() -> None:
    """A card adds no time of its own: the same request gives the same card."""
    about = request(CHAIN, at=NOW + timedelta(days=1))
    assert card(about) == card(about)


@pytest.mark.parametrize(
    ("rule", "why", "sentence"),
    [
        ("refunds", 'held: action == "x"', "the rule 'refunds' holds: action == \"x\""),
        (
            "refunds",
            "condition_failed: no such key: amount",
            "the rule 'refunds' could not be answered (no such key: amount), so its strict answer counts",
        ),
        ("default", "default: no rule held", "no rule holds, so the default counts"),
        ("refunds", "no_laxer: the agent's own labels", "the agent's own labels"),
        ("refunds", "unnamed", "unnamed"),
    ],
)
def test_why_is_a_sentence(rule: str, why: str, sentence: str) -> None:
    """A route's named reason reads as a sentence on the card."""
    assert why_text(Route(then=Then.STAGES, rule=rule, why=why)) == sentence
