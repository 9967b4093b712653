"""How two files differ, and ``sayso diff``: which requests the other file would route differently."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.clock import SystemClock
from bot.commands.surroundings import CommandError
from bot.core.model import Risk, Submission, Verb
from bot.core.policy import route
from bot.routing.comparing import Verdict, changes, compare, in_words, submitted, verdict
from tests.desk.house import RULES, House
from tests.routing.cases import DEFAULT, GROUND, NOW, policy
from tests.routing.history import lived, recorded, run

TWO = "default: {stages: [{chain: finance, approvals: 2}]}\n"
ALSO = "  legal: [{notify: lea}]\n"


def _verdict(old: Any, new: Any) -> Verdict:
    routes = [route(rules, Submission(action="a"), agent="x", now=NOW).route for rules in (old, new)]
    return verdict(*routes)


@pytest.mark.parametrize(
    ("default", "more", "expected"),
    [
        (TWO, "", Verdict.STRICTER),
        ("default: {then: block}\n", "", Verdict.STRICTER),
        ("default: {stages: [{chain: finance}, {chain: legal}]}\n", ALSO, Verdict.STRICTER),
        ("default: {stages: [{name: finance, chain: legal}]}\n", ALSO, Verdict.OTHER_PEOPLE),
        ("default: {stages: [{chain: finance}], expires: 2h}\n", "", Verdict.OTHERWISE),
        ("default: {stages: [{chain: finance}], confidence_gate: 0.5}\n", "", Verdict.SAME),
        (DEFAULT, "agents: {x: {owner: ana}}\n", Verdict.STRICTER),
    ],
)
def test_a_route_is_compared_by_what_it_asks(default: str, more: str, expected: Verdict) -> None:
    """Answer, approvals and stages first; then the people; then how they are asked. The reverse is laxer."""
    old, new = policy(), policy(default=default, more=more)
    assert _verdict(old, new) is expected
    back = {Verdict.STRICTER: Verdict.LAXER}.get(expected, expected)
    assert _verdict(new, old) is back


def test_who_is_barred_makes_no_difference_where_nobody_is_asked() -> None:
    """An approval by rule stays one, whoever owns the agent; a rejection more that it takes is laxer."""
    rules = '  - {name: r, when: action == "a", then: approve}'
    assert _verdict(policy(rules=rules), policy(rules=rules, more="agents: {x: {owner: ana}}\n")) is Verdict.SAME
    lasting = "default: {stages: [{chain: finance, rejections: 2}]}\n"
    assert _verdict(policy(), policy(default=lasting)) is Verdict.LAXER


def test_a_route_in_words() -> None:
    """One line: who answers, and whom it asks for how long."""
    rules = policy(
        rules='  - {name: "yes", when: action == "yes", then: approve}\n'
        '  - {name: "no", when: action == "no", then: block}',
        more=ALSO,
        default="default: {stages: [{parallel: [{chain: finance}, {chain: legal}]}], on_expiry: reject}\n",
    )

    def words(action: str) -> str:
        return in_words(route(rules, Submission(action=action), agent="x", now=NOW).route)

    assert words("yes") == 'runs by the rule "yes"'
    assert words("no") == 'blocked by the rule "no"'
    asked = "finance: 1 of (ana, ben for 15m; lea) beside legal: 1 of (lea)"
    assert words("a") == f'"default" asks {asked}; rejected after 1d'
    advised = policy(
        more="agents: {checker: {}}\n", default="default: {stages: [{chain: finance}], advice: {from: [checker]}}\n"
    )
    heard = in_words(route(advised, Submission(action="a"), agent="x", now=NOW).route)
    assert heard.startswith('"default" hears checker, then asks finance')


def test_what_changed_in_the_file_is_said() -> None:
    """Rules new, gone, changed (with both sides) and moved; chains, people and the rest."""
    first = "  - {name: a, when: arguments.n <= 5, then: approve, confidence_gate: 0.8}\n  - {name: b, then: block}\n"
    old = policy(rules=first + "  - {name: c, then: block}", more=ALSO)
    moved = (
        "  - {name: d, then: block}\n  - {name: b, then: block}\n"
        "  - {name: a, when: arguments.n <= 7, then: approve, confidence_gate: 0.9}"
    )
    ground = GROUND.replace("ben@", "ben.osei@").replace("wait: 15m", "wait: 20m")
    new = policy(rules=moved, ground=ground, default=TWO, more="flood: {cards: 9}\n")
    assert changes(old, new) == (
        'the rule "d" is new',
        'the rule "a" is changed: when (arguments.n <= 5 → arguments.n <= 7) and confidence_gate (0.8 → 0.9)',
        'the rule "c" is gone',
        'the rules stand in another order: "b" and "a"',
        "the default is changed: stages",
        'the chain "finance" is changed: steps',
        'the chain "legal" is gone',
        'the person "ben" is changed: email (ben@example.com → ben.osei@example.com)',
        "flood: changed",
    )
    assert changes(old, policy(rules=first + "  - {name: c, then: block}", more=ALSO + "# a word\n")) == ()


def test_the_agents_claim_is_told_from_the_files() -> None:
    """A risk above what the file declares was the agent's; the file's own is the new file's to say."""
    rules = policy(more="actions: {refund.issue: {risk: reversible}}\n")
    plain = recorded(rules)
    assert submitted(plain, plain.content, rules).risk is None
    raised = recorded(rules, risk=Risk.IRREVERSIBLE)
    assert submitted(raised, raised.content, rules).risk is Risk.IRREVERSIBLE
    hidden = recorded(rules, arguments={"to": "a\u202eb"})
    assert hidden.risk is Risk.IRREVERSIBLE
    assert submitted(hidden, hidden.content, rules).risk is None


def test_a_request_is_compared_as_it_was_submitted() -> None:
    """At its own time, and before anybody edited it."""
    shift = "schedules: {duty: {start: 2026-03-02, rotate: daily, people: [ana, ben]}}\n"
    duty = policy(more="  c: [{notify: [duty]}]\n" + shift, default="default: {stages: [{name: finance, chain: c}]}\n")
    for days, person in ((0, "ana"), (1, "ben")):
        request = recorded(policy(), at=NOW + timedelta(days=days))
        assert f"1 of ({person})" in compare(policy(), duty, request, request.content).after


async def _life(house: House) -> None:
    house.clock.at = SystemClock().now() - timedelta(days=3)
    await house.submit()
    edited = await house.submit(arguments={"order": "1", "amount": 900.0})
    await house.decide(edited, verb=Verb.APPROVE_WITH_EDITS, arguments={"order": "1", "amount": 2000.0})
    small = await house.submit(arguments={"order": "2", "amount": 15.0})
    await house.decide(small, verb=Verb.REJECT, comment="no")
    await house.desk.drill("finance", by="cli:test")
    house.clock.move(days=-27)
    old = await house.submit(arguments={"order": "3", "amount": 901.0})
    await house.decide(old)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database: one open, one edited that waits, one rejected, a drill, and one of last month."""
    asyncio.run(lived(tmp_path, _life))
    (tmp_path / "old.yaml").write_text(RULES.replace("RECEIVER", "http://127.0.0.1:9"), encoding="utf-8")
    monkeypatch.setenv("SAYSO_CONFIG", "old.yaml")
    return tmp_path


def _changed(folder: Path, before: str, after: str) -> None:
    rules = (folder / "old.yaml").read_text(encoding="utf-8")
    assert before in rules
    (folder / "new.yaml").write_text(rules.replace(before, after), encoding="utf-8")


def test_diff_names_what_would_be_routed_differently(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What changed, then each group with both routes; the edited one as its agent sent it; status 1."""
    _changed(folder, "arguments.amount > 1000\n", "arguments.amount > 500\n")
    status, out = run(monkeypatch, capsys, folder, "diff", "new.yaml")
    assert status == 1
    assert 'the rule "large" is changed: when (action == "refund.issue" && arguments.amount > 1000 → ' in out
    assert "1 of 3 requests (the 2 open requests and those of the last 7 days) would be routed differently." in out
    assert "stricter: 1 request, 1 of them open\n" in out
    assert '  before  "default" asks finance' in out
    assert '  after   "large" asks finance' in out
    assert "Requests that are open keep the route that they have." in out
    assert "2 of 4 requests" in run(monkeypatch, capsys, folder, "diff", "new.yaml", "--days", "60")[1]


def test_diff_counts_the_open_ones_and_prints_json(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An open one is among them however old; the laxer ones come first; the house's own drill is none."""
    _changed(folder, "default: {stages: [{name: finance", "default: {stages: [{name: finance, approvals: 2")
    status, out = run(monkeypatch, capsys, folder, "diff", "new.yaml", "--json", "--days", "1")
    told = json.loads(out)
    assert (status, told["looked_at"], told["open"]) == (1, 2, 2)
    assert told["changes"] == ["the default is changed: stages"]
    (group,) = told["groups"]
    assert (group["verdict"], len(group["requests"])) == ("stricter", 2)
    assert group["requests"] == group["open"]
    out = run(monkeypatch, capsys, folder, "diff", "new.yaml", "--days", "60")[1]
    assert "stricter: 3 requests, 2 of them open" in out


def test_diff_says_where_nothing_differs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 0; a broken file, and a number of days that cannot be meant, are used wrongly."""
    _changed(folder, "version: 1", "# The same.\nversion: 1")
    status, out = run(monkeypatch, capsys, folder, "diff", "new.yaml")
    assert status == 0
    assert "nothing is changed that routes" in out
    assert "would be routed the same" in out
    (folder / "bad.yaml").write_text("version: 2\n", encoding="utf-8")
    with pytest.raises(CommandError, match=r"bad\.yaml:1:"):
        run(monkeypatch, capsys, folder, "diff", "bad.yaml")
    for days in ("0", "-1", "x", "99999"):
        with pytest.raises(SystemExit):
            run(monkeypatch, capsys, folder, "diff", "new.yaml", "--days", days)


def test_the_same_rollback_is_no_change() -> None:
    """A file read twice differs in nothing; another template in a rollback's arguments is told."""
    written = 'actions: {a: {rollback: {action: b, arguments: {order: "{{ order }}"}}}, b: {}}\n'
    assert changes(policy(more=written), policy(more=written)) == ()
    (told,) = changes(policy(more=written), policy(more=written.replace("{{ order }}", "{{ id }}")))
    assert told.startswith('the action "a" is changed: rollback')
