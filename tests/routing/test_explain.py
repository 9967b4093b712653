"""The explanation of one request, and the file's own tests."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from bot.core.model import Replies, Risk, Submission, Then
from bot.routing import explain, run_tests
from tests.routing.cases import DEFAULT, GROUND, NOW, faults, policy

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
        ("chain_end", timedelta(minutes=15), ()),
        ("remind", timedelta(minutes=15), ("ana",)),
        ("expire", timedelta(hours=2), ()),
    ]
    assert first.moments[4].detail == "and 20 more, every 5m"
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
        "push (in browsers alone for ana)",
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
    odd = explain(_with_legal(), Submission(action="refund.issue", arguments={"to": "a\u200bb"}), "x", NOW)
    assert (odd.risk, odd.risk_why) == (Risk.IRREVERSIBLE, "raised from reversible because of the arguments")


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


SAFE = """\
agents: {billing: {owner: ben}, checker: {}}
actions:
  pay: {risk: reversible, critical: true, checks: [{name: small, that: arguments.amount <= 9}]}
  note: {risk: reversible}
"""


def test_what_bounds_an_approval_is_explained() -> None:
    """The limit, the sample and whom they lead to, where a rule approves; not where it does not."""
    rules = """\
  - name: notes
    when: action == "note"
    then: approve
    limit: {sum: arguments.amount, max: 500, count: 20, per: 1d, by: [agent, arguments.to]}
    sample: 5%
    second_look: finance
"""
    told = explain(policy(rules=rules, more=SAFE), Submission(action="note", arguments={"amount": 1}), "x", NOW)
    assert (told.then, told.sample, told.second_look) == (Then.APPROVE, 0.05, "finance")
    limit = "at most a sum of 500 (arguments.amount) and 20 requests in 1d, for each agent, arguments.to"
    assert told.limit == limit
    text = told.text()
    assert f"limit: {limit}; what there is room for is counted at submission" in text
    assert "beyond it the chain 'finance' is asked" in text
    assert "sample: 5% of these go to a person by chance: the chain 'finance' is asked" in text
    assert "limit:" not in explain(policy(rules=rules, more=SAFE), Submission(action="pay"), "x", NOW).text()
    for share, said in (("10%", "10%, by chance,"), ("100%", "all")):
        later = rules.replace("sample: 5%", f"review_after: {share}")
        told = explain(policy(rules=later, more=SAFE), Submission(action="note", arguments={"amount": 1}), "x", NOW)
        assert f"review afterwards: of what ran, {said} goes to the chain 'finance'" in told.text()
    gated = rules.replace("sample: 5%", "confidence_gate: 0.8")
    looked = explain(policy(rules=gated, more=SAFE), Submission(action="note", arguments={"amount": 1}), "x", NOW)
    assert [stage.name for stage in looked.stages] == ["finance"]
    assert "second look: the rule held and does not approve this, so the chain 'finance' is asked" in looked.text()


def test_safeguards_are_explained() -> None:
    """A critical action, how its checks came out, why a rule that held does not approve, and the advisors."""
    rules = """\
  - {name: small, when: action == "pay", then: approve}
  - {name: big, when: action == "pay", stages: [{chain: finance, rejections: 2}], advice: {from: [checker], within: 2m}}
"""
    safe = policy(rules=rules, more=SAFE)
    told = explain(safe, Submission(action="pay", arguments={"amount": 10}), "billing", NOW)
    text = told.text()
    for words in (
        "critical: no rule approves it, a person always decides",
        "check 'small' did not pass (arguments.amount <= 9)",
        "small: held, but a check of the action did not pass",
        "advisors: checker, heard for 2m at most before people are asked",
        "2 rejections end it",
        "hear checker, for 2m at most first",
    ):
        assert words in text, words
    document = told.as_json()
    assert (document["critical"], document["checks"][0]["passed"]) == (True, False)
    assert (document["advisors"], document["advice_within"]) == (["checker"], 120)
    passing = explain(safe, Submission(action="pay", arguments={"amount": 9}), "billing", NOW).text()
    assert "check 'small' passed" in passing
    assert "small: held, but a person has to decide this (needs_person: the action is critical)" in passing


def test_delegates_who_are_left_out_are_explained() -> None:
    """Whoever stands in for somebody who may not review may not review either, and that is why."""
    away = GROUND.replace("ben: {", "ben: {away: [{from: 2026-03-02, until: 2026-03-09, delegate: ana}], ")
    told = explain(policy(ground=away, more=MORE), Submission(action="a"), "billing", NOW)
    assert {gone.person: gone.why for gone in told.excluded} == {
        "ana": "stands in for ben meanwhile",
        "ben": "owns the agent billing",
    }


def test_a_rule_that_allows_self_is_explained() -> None:
    """Whoever would be left out is said, and that the rule lets them review all the same."""
    rules = policy(rules="  - {name: self, stages: [{chain: finance}], allow_self: true}")
    told = explain(rules, Submission(action="b"), "ana", NOW)
    assert told.excluded[0].why == "is who asks, but the rule says allow_self"


TIMED = """\
tests:
  - name: NAME
    at: 2026-03-02T09:00:00Z
    given: {action: a}
    expect: {timeline: LINES}
"""


def _timed(lines: str, chains: str = "", default: str = DEFAULT) -> Any:
    text = TIMED.replace("NAME", "x").replace("LINES", lines)
    return run_tests(policy(more=chains, default=default + text), NOW + timedelta(days=2))[0]


def test_a_files_tests_hold_time_too() -> None:
    """Exactly these people at exactly these times; what came otherwise is said line by line."""
    assert _timed("[{after: 0s, ask: [ben, ana]}, {after: 15m, ask: [lea], stage: finance}]").passed
    wrong = _timed("[{after: 0s, ask: [ana]}, {after: 20m, ask: [lea]}, {after: 1h, ask: [ben]}]").wrong
    assert wrong == (
        "timeline, line 1: expected 0s ask [ana], got 0s ask [ana, ben] in finance",
        "timeline, line 2: expected 20m ask [lea], got 15m ask [lea] in finance",
        "timeline, line 3: expected 1h ask [ben], got nothing",
    )
    assert _timed("[{after: 0s, ask: [ana, ben]}]").wrong == (
        "timeline, line 2: expected nothing, got 15m ask [lea] in finance",
    )


def test_a_test_stands_at_its_own_time() -> None:
    """Not at the time of whoever runs it: on Saturday another has the shift than on Monday."""
    week = "schedules: {duty: {start: 2026-03-02, rotate: daily, people: [ana, ben]}}\n"
    chains = "  c: [{notify: [duty]}]\n" + week
    assert _timed("[{after: 0s, ask: [ana]}]", chains, "default: {stages: [{chain: c}]}\n").passed


def test_a_later_stage_is_compared_where_a_line_names_it() -> None:
    """Its times count from where it begins; parallel stages are one timeline."""
    chains = "  c: [{notify: lea, wait: 5m}, {notify: ana}]\n"
    later = "default: {stages: [{chain: finance}, {name: then, chain: c}]}\n"
    first = "{after: 0s, ask: [ana, ben]}, {after: 15m, ask: [lea]}"
    assert _timed(f"[{first}]", chains, later).passed
    assert _timed(f"[{first}, {{after: 0s, ask: [lea], stage: then}}, {{after: 5m, ask: [ana]}}]", chains, later).passed
    beside = "default: {stages: [{parallel: [{chain: finance}, {name: then, chain: c}]}]}\n"
    lines = "{after: 0s, ask: [ana, ben]}, {after: 0s, ask: [lea]}, {after: 5m, ask: [ana]}, {after: 15m, ask: [lea]}"
    result = _timed(f"[{lines}]", chains, beside)
    assert result.passed, result.wrong


def test_faults_of_a_timeline_are_told() -> None:
    """Unknown people and stages, a line without its keys, and an action that is the house's own."""
    text = """\
tests:
  - given: {action: sayso.drill}
    at: noon
    expect: {timeline: [{after: soon, ask: [kim]}, {ask: [ana], stage: legal}, {after: 1m}]}
"""
    told = [fault.what for fault in faults(GROUND + DEFAULT + text)]
    assert told == [
        'no agent asks for "sayso.drill": what begins with sayso. is the house\'s own',
        'at must be a date or a date and a time, not "noon"',
        'after must be a duration, not "soon"',
        'there is no person "kim"',
        "a line of a timeline has no after",
        'there is no stage "legal"',
        "a line of a timeline has no ask",
    ]
