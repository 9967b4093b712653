"""The explanation of one request, and the file's own tests."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from bot.core.model import Replies, Risk, Submission, Then
from bot.routing import explain, run_tests
from tests.routing.cases import GROUND, NOW, policy

RULES = """\
  - {name: tiny, when: action == "refund.issue" && arguments.amount <= 5, then: approve, confidence_gate: 0.8}
  - {name: bulk, when: arguments.count > 100, then: block}
  - name: refunds
    when: action == "refund.issue"
    confidence_gate: 0.85
    stages: [{chain: finance}, {name: legal, chain: legal, approvals: 2}]
    expires: 2h
"""
MORE = """\
agents: {billing: {owner: ben}}
actions: {refund.issue: {risk: reversible, schema: {required: [order]}}}
"""


def _policy(**more: Any) -> Any:
    ground = more.pop("ground", None)
    text = {} if ground is None else {"ground": ground}
    return policy(rules=RULES, more=MORE, **text, **more)


def _with_legal() -> Any:
    return _policy(ground=GROUND + "  legal: [{notify: [lea, ana], via: [push], remind: 30m}]\n")


def test_the_whole_path_is_explained() -> None:
    """Trials in order, the chosen rule, the risk, who is left out and why, and who would be asked when."""
    given = Submission(action="refund.issue", arguments={"amount": 3, "count": 1}, confidence=0.5, on_behalf_of="LEA")
    told = explain(_with_legal(), given, "billing", NOW)
    assert [trial.rule for trial in told.trials] == ["tiny", "bulk", "refunds"]
    assert {gone.person: gone.why for gone in told.excluded} == {
        "ben": "owns the agent billing",
        "lea": "is whom the agent acts for",
    }
    first, second = told.stages
    assert [(m.what, m.after, m.people) for m in first.moments] == [
        ("ask", timedelta(0), ("ana",)),
        ("remind", timedelta(minutes=5), ("ana",)),
        ("remind", timedelta(minutes=10), ("ana",)),
        ("remind", timedelta(minutes=15), ("ana",)),
        ("chain_end", timedelta(minutes=15), ()),
        ("expire", timedelta(hours=2), ()),
    ]
    assert first.moments[3].detail == "and 20 more, every 5m"
    assert first.moments[-1].at == NOW + timedelta(hours=2)
    assert second.moments[0].at is None
    assert (second.approvals, second.reachable) == (2, 1)
    assert told.faults == ("/arguments/order: must be given",)
    text = told.text()
    for words in (
        "refund.issue by billing, risk reversible (as `actions` says)",
        "the intake would refuse /arguments/order: must be given",
        "tiny: held, but the confidence is below its gate",
        "→ refunds: held",
        "Answer: people decide 'refunds'",
        "not asked: ben, who owns the agent billing",
        "confidence gate 85%, 50%",
        "Stage 1 of 2: finance (1 approval, 1 person to ask)",
        "+15m",
        "it can never be approved: too few people are left to ask",
        "push (no address for ana)",
        "+2h",
        "expire: nothing runs",
    ):
        assert words in text, words
    assert json.loads(json.dumps(told.as_json()))["stages"][0]["moments"][1]["after"] == 300


def test_approvals_blocks_and_suspicions_are_explained() -> None:
    """What a rule answers without people is said as that; hidden characters take an approval away."""
    rules = _with_legal()
    approved = explain(rules, Submission(action="refund.issue", arguments={"amount": 1}, confidence=0.9), "x", NOW)
    assert (approved.then, approved.stages, approved.expires_at) == (Then.APPROVE, (), None)
    blocked = explain(rules, Submission(action="a", arguments={"count": 101}), "x", NOW)
    assert "blocked by rule 'bulk'" in blocked.text()
    assert "the action is not listed" in blocked.risk_why
    hidden = Submission(action="refund.issue", arguments={"amount": 1, "count": 1, "to": "a\u202eb"}, confidence=0.9)
    assert "suspicious: /to holds the invisible character U+202E" in explain(rules, hidden, "x", NOW).text()


def test_risk_is_explained() -> None:
    """An agent may raise the risk and cannot lower it."""
    raised = Submission(action="refund.issue", risk=Risk.IRREVERSIBLE)
    assert explain(_with_legal(), raised, "x", NOW).risk_why == "the agent raised it from reversible"
    lowered = Submission(action="refund.issue", risk=Risk.READ_ONLY)
    assert explain(_with_legal(), lowered, "x", NOW).risk_why.endswith("the agent's read_only cannot lower it")


MAIL = "a reply by mail"


def test_what_a_reply_may_decide_is_explained() -> None:
    """Where somebody is asked by mail, or the file says otherwise than usual; not for what nobody reviews."""
    act = Submission(action="a")
    by_mail = policy(
        more="actions: {a: {risk: reversible}, b: {}}\n", rules='  - {name: no, when: action == "b", then: block}'
    )
    told = explain(by_mail, act, "x", NOW)
    assert (told.replies, told.as_json()["replies"]) == (Replies.APPROVE, "approve")
    assert f"{MAIL} may approve, edit, reject, ask and escalate" in told.text()
    assert MAIL not in explain(by_mail, Submission(action="b"), "x", NOW).text()
    page = explain(policy(), act, "x", NOW)
    assert page.replies is Replies.REJECT_ONLY
    assert f"{MAIL} may reject, ask and escalate; it is approved elsewhere, as on its page" in page.text()
    reply = policy(more="channels: {email: {irreversible: reply}}\n")
    assert explain(reply, act, "x", NOW).replies is Replies.APPROVE
    slack = "  c: [{notify: ana, via: [slack]}]\n"
    default = "default: {stages: [{chain: c}]}\n"
    assert MAIL not in explain(policy(more=slack, default=default), act, "x", NOW).text()
    ruled = policy(more=slack, default=default, rules="  - {name: r, stages: [{chain: c}], email: {replies: off}}")
    assert f"{MAIL} decides nothing" in explain(ruled, act, "x", NOW).text()


def test_steps_that_ask_nobody_new_are_passed_over() -> None:
    """The timeline runs as the lifecycle does; a step whose people are all excluded is skipped, allow_self is said."""
    rules = policy(
        rules='  - {name: a, when: action == "a", stages: [{chain: c}], on_expiry: reject}\n'
        "  - {name: self, stages: [{chain: c}], allow_self: true}",
        more="  c: [{notify: ana, wait: 1s}, {notify: [ana, lea], wait: 1h}, {notify: ben, wait: 90m}]\n",
    )
    told = explain(rules, Submission(action="a"), "ana", NOW)
    assert [(m.what, m.step) for m in told.stages[0].moments] == [
        ("ask", 2), ("ask", 3), ("chain_end", 3), ("expire", 0),
    ]  # fmt: skip
    assert told.excluded[0].why == "is who asks"
    assert "reject: nobody decided in time" in told.text()
    lifted = explain(rules, Submission(action="b"), "ana", NOW)
    assert lifted.excluded[0].why.endswith("but the rule says allow_self")
    nobody = policy(more="  c: [{notify: ana}]\n", default="default: {stages: [{chain: c}]}\n")
    assert "nobody (everybody of it is excluded)" in explain(nobody, Submission(action="a"), "ana", NOW).text()


def test_a_files_own_tests_say_what_came_otherwise() -> None:
    """A test that fails names expectation and answer; arguments that the schema refuses fail it, too."""
    tests = """\
tests:
  - name: good
    given: {action: refund.issue, arguments: {order: "1", amount: 50, count: 1}}
    expect: {rule: refunds, then: stages, stages: [finance, legal]}
  - given: {action: refund.issue, agent: billing, arguments: {amount: 50, count: 1}}
    expect: {rule: tiny, then: approve, stages: []}
"""
    good, bad = run_tests(
        _policy(ground=GROUND + "  legal: [{notify: [lea, ana]}]\n", default="default: {then: block}\n" + tests), NOW
    )
    assert good.passed
    assert not bad.passed
    assert bad.name == "refund.issue (line 28)"
    assert bad.wrong == (
        "rule: expected tiny, got refunds",
        "then: expected approve, got stages",
        "stages: expected [], got [finance, legal]",
        "the schema refuses arguments/order: must be given",
    )
