"""Recorded history under another file, and ``sayso simulate``."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.clock import SystemClock
from bot.commands.history import first_revision, oldest_first
from bot.commands.surroundings import CommandError
from bot.core.model import Request, State, Verb
from bot.core.policy import Policy
from bot.core.ports import Change, Tx
from bot.desk.erasing import erase
from bot.routing import parse
from bot.routing.simulated import Report
from bot.routing.simulation import Simulation, chance_of
from store import open_store
from tests.databases import lay
from tests.desk.house import RULES, House, open_house
from tests.desk.remedied import executed, furnish
from tests.routing.cases import GROUND, NOW, policy
from tests.routing.history import lived, recorded, run
from tests.store.samples import event

ACTIONS = """\
actions:
  refund.issue: {risk: reversible, schema: {properties: {amount: {type: number}, order: {type: integer}}}}
"""
WAS = policy(more=ACTIONS)
TALL = GROUND + "  d: [{notify: lea, wait: 2h}, {notify: ana}]\n"
FREE = """\
  - name: free
    when: action == "refund.issue"
    then: approve
    LIMIT
"""


def new(limit: str = "", **more: Any) -> Policy:
    """A file that approves every refund, within this limit."""
    return policy(rules=FREE.replace("LIMIT", limit), more=ACTIONS + more.pop("more", ""), **more)


def simulated(rules: Policy, *requests: Request, was: Policy = WAS) -> Report:
    """The report on these requests, in this order."""
    simulation = Simulation(rules, was, NOW + timedelta(days=30))
    for request in requests:
        simulation.take(request, request.content)
    return simulation.report()


def refund(minutes: float = 0, amount: float = 100.0, **more: Any) -> Request:
    """A recorded refund, so long after the start."""
    arguments = {"amount": amount, "order": round(minutes)} | more.pop("arguments", {})
    return recorded(WAS, at=NOW + timedelta(minutes=minutes), arguments=arguments, **more)


def test_what_runs_by_rule_is_counted_and_summed() -> None:
    """Approvals against what was, laxer ones, and the sums of what the schema calls numbers."""
    report = simulated(new(), *(refund(number, 10.5) for number in range(4)))
    assert (report.requests, report.approved, report.approved_before) == (4, 4, 0)
    assert report.verdicts == {"laxer": 4, "stricter": 0, "other people": 0, "asked otherwise": 0, "same": 0}
    assert report.sums == {"free": {"arguments.amount": 42.0}}
    blocking = simulated(policy(default="default: {then: block}\n"), refund(), was=WAS)
    assert (blocking.blocked, blocking.blocked_before, blocking.verdicts["stricter"]) == (1, 0, 1)


def test_what_people_refused_and_it_lets_through_is_named() -> None:
    """Who rejected or edited it and what they said; what it still asks about is not named, nor what was approved."""
    edited = refund(1, verb=Verb.APPROVE_WITH_EDITS, by="ben")
    rejected = refund(0, verb=Verb.REJECT)
    report = simulated(new("confidence_gate: 0.5"), rejected, edited, refund(2, verb=Verb.APPROVE))
    assert report.passed == ()
    report = simulated(new(), rejected, edited, refund(2, verb=Verb.APPROVE))
    assert [(one.request, one.what, one.by, one.said, one.rule) for one in report.passed] == [
        (rejected.id, "rejected", "ana", "not this one", "free"),
        (edited.id, "edited", "ben", "", "free"),
    ]
    text = report.text()
    assert "2 that a person rejected or edited would have been let through" in text
    assert "rejected by ana: not this one; let through by the rule 'free'" in text


def test_limits_count_in_their_window() -> None:
    """Up to the sum by rule, then people; once the window has passed there is room again."""
    rules = new("limit: {sum: arguments.amount, max: 250, per: 1h, by: [agent]}")
    report = simulated(rules, refund(0), refund(1), refund(2), refund(63), refund(64, agent="other"))
    assert (report.approved, report.limited) == (4, 1)
    assert report.sums == {"free": {"arguments.amount": 400.0}}
    assert "held for a person: 1 over a limit" in report.text()
    counted = simulated(new("limit: {count: 2, per: 1h}"), *(refund(number) for number in range(5)))
    assert (counted.approved, counted.limited) == (2, 3)


def test_what_people_rejected_weighs_on_no_limit() -> None:
    """What went to a person over the limit counts while it waits, and no longer once they have rejected it."""
    rules = new("limit: {sum: arguments.amount, max: 250, per: 1d}\n    second_look: finance")
    over: dict[str, Any] = {"amount": 200.0, "verb": Verb.REJECT, "arguments": {"order": 7}}
    waiting = refund(1, after=timedelta(hours=3), **over)
    assert simulated(rules, refund(0), waiting, refund(2), refund(3)).approved == 1
    gone = refund(1, after=timedelta(seconds=10), **over)
    assert simulated(rules, refund(0), gone, refund(2), refund(3)).approved == 2


def test_a_sample_is_the_same_each_time() -> None:
    """By the request's id alone; over many, the share that the file says."""
    requests = [refund(number / 100) for number in range(1000)]
    first, second = (simulated(new("sample: 10%"), *requests) for _ in range(2))
    assert first == second
    assert 60 < first.sampled < 140
    assert first.approved == 1000 - first.sampled
    assert 0.0 <= min(chance_of(request.id) for request in requests) < 0.01


def test_a_rejection_keeps_the_same_from_running_for_a_while() -> None:
    """In other clothes too, as long as the action's cool-down lasts; not what the file itself let through before."""
    gated = new("confidence_gate: 0.5")
    rejected = refund(0, verb=Verb.REJECT, arguments={"order": 5, "note": "Twice"})
    again: dict[str, Any] = {"confidence": 0.9, "arguments": {"order": 5, "note": " TWICE  "}}
    report = simulated(gated, rejected, refund(10, **again), refund(7 * 24 * 60 + 10, **again))
    assert (report.approved, report.cooled) == (1, 1)
    assert "1 like one rejected before" in report.text()
    none = new("confidence_gate: 0.5")
    none = replace(none, actions={"refund.issue": replace(none.actions["refund.issue"], cooldown=timedelta(0))})
    assert simulated(none, rejected, refund(10, **again)).approved == 1
    # What nobody is asked about, nobody rejects.
    assert simulated(new(), rejected, refund(10, **again)).approved == 2


def test_load_is_told_beside_what_it_was() -> None:
    """Each on how many requests, and on the day with most: as long as it took to decide them in fact."""
    quick = refund(0, verb=Verb.APPROVE)
    slow = refund(1, verb=Verb.APPROVE, after=timedelta(hours=1))
    next_day = refund(24 * 60, verb=Verb.APPROVE)
    rules = policy(
        more=ACTIONS,
        ground=TALL,
        default="default: {stages: [{chain: d}]}\n",
    )
    load = {one.person: one for one in simulated(rules, quick, slow, next_day).load}
    assert (load["lea"].asked, load["lea"].most, load["lea"].asked_before, load["lea"].most_before) == (3, 2, 1, 1)
    assert (load["ana"].asked, load["ana"].asked_before) == (0, 3)
    assert "Who is asked" in simulated(rules, quick).text()


def test_later_stages_are_asked_where_it_was_approved() -> None:
    """A request that was rejected never came to them."""
    rules = policy(more=ACTIONS, ground=TALL, default="default: {stages: [{chain: finance}, {name: last, chain: d}]}\n")
    report = simulated(rules, refund(0, verb=Verb.APPROVE), refund(1, verb=Verb.REJECT))
    assert {one.person: one.asked for one in report.load} == {"ana": 2, "ben": 2, "lea": 1}
    assert report.verdicts["stricter"] == 2


def test_nothing_to_replay_is_said() -> None:
    """A time without requests."""
    assert simulated(new()).text() == "There are no requests in that time."


async def test_history_is_gone_through_from_its_beginning(tmp_path: Path) -> None:
    """Every request once and in order: crowds within a millisecond, long gaps, and bounds of time."""
    lay(tmp_path / "sayso.db")
    store = await open_store(f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}", exclusive=True)
    times = [NOW + timedelta(microseconds=number % 7) for number in range(1200)]
    times += [NOW + timedelta(days=200, minutes=number) for number in range(700)]

    def fill(tx: Tx) -> None:
        for at in times:
            tx.record(Change(event=event("request.submitted"), after=recorded(WAS, at=at)))

    await store.write(fill)
    found = [request async for request in oldest_first(store, NOW, NOW + timedelta(days=400))]
    assert [request.created_at for request in found] == sorted(times)
    assert len({request.id for request in found}) == len(times)
    until = NOW + timedelta(days=200, minutes=10)
    some = [request async for request in oldest_first(store, NOW + timedelta(days=1), until)]
    assert len(some) == 10
    await store.close()


async def test_what_belongs_to_a_subject_is_read_until_it_is_erased(tmp_path: Path) -> None:
    """An edited request is replayed as it was submitted, though its audit line is sealed; an erased one not at all."""
    rules = RULES.replace("    editable: [amount, flags]\n", "    editable: [amount, flags]\n    subject: order\n")
    async with open_house(tmp_path / "sayso.db") as house:
        house.policy = parse(rules.replace("RECEIVER", house.receiver), "routing.yaml")
        edited = await house.submit(arguments={"order": "c-1", "amount": 90.0})
        changes = {"order": "c-1", "amount": 80.0}
        await house.decide(edited, verb=Verb.APPROVE_WITH_EDITS, arguments=changes)
        first = await first_revision(house.store, await house.now(edited))
        assert first is not None
        assert (first.number, first.arguments) == (1, {"order": "c-1", "amount": 90.0})
        await erase(house.ledger, "c-1", by="cli:test", via="cli", cancel=True)
        assert await first_revision(house.store, await house.now(edited)) is None


async def test_whoever_asked_for_a_rollback_is_barred_from_it_in_the_replay_too(tmp_path: Path) -> None:
    """The file in force routes a person's rollback the same: who asked is on its route and not in its content."""
    async with open_house(tmp_path / "sayso.db") as house:
        furnish(house)
        rollback, _ = await house.desk.roll_back((await executed(house)).id, by="person:kim", via="inbox")
        assert rollback.route.excluded == ("dan", "kim")
        report = simulated(house.policy, rollback, was=house.policy)
        assert (report.verdicts["same"], report.requests) == (1, 1)


async def _life(house: House) -> None:
    house.clock.at = SystemClock().now() - timedelta(days=3)
    await house.decide(await house.submit(), verb=Verb.REJECT, comment="charged once")
    house.clock.move(hours=1)
    edited = await house.submit(arguments={"order": "1", "amount": 90.0})
    changes = {"order": "1", "amount": 80.0}
    done = await house.decide(edited, verb=Verb.APPROVE_WITH_EDITS, arguments=changes)
    assert done.state is State.APPROVED_WITH_EDITS
    first = await first_revision(house.store, await house.now(edited))
    assert first is not None
    assert (first.number, first.arguments["amount"]) == (1, 90.0)
    await house.desk.drill("finance", by="cli:test")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database with a rejected request, an edited one and a drill; and a file that approves by amount."""
    asyncio.run(lived(tmp_path, _life))
    rules = RULES.replace("RECEIVER", "http://127.0.0.1:9")
    (tmp_path / "old.yaml").write_text(rules, encoding="utf-8")
    lax = 'rules:\n  - {name: lax, when: action == "refund.issue" && arguments.amount > 85, then: approve}\n'
    (tmp_path / "new.yaml").write_text(rules.replace("rules:\n", lax), encoding="utf-8")
    monkeypatch.setenv("SAYSO_CONFIG", "old.yaml")
    return tmp_path


def test_simulate_reads_the_store(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """1 where it lets through what people refused, as it was submitted; 0 for the file in force; no drills."""
    status, out = run(monkeypatch, capsys, folder, "simulate", "new.yaml")
    assert status == 1
    assert "2 requests, " in out
    assert "approved by rule          2  (was 0)" in out
    assert "rejected by ana: charged once; let through by the rule 'lax'" in out
    assert "edited by ana; let through by the rule 'lax'" in out
    status, out = run(monkeypatch, capsys, folder, "simulate", "old.yaml", "--json")
    told = json.loads(out)
    assert (status, told["requests"], told["passed"], told["verdicts"]["same"]) == (0, 2, [], 2)


def test_simulate_takes_a_span_of_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From one date to another; the wrong way round, or no date at all, is used wrongly."""
    status, out = run(monkeypatch, capsys, folder, "simulate", "new.yaml", "--to", "2026-01-01")
    assert (status, out) == (0, "There are no requests in that time.\n")
    since = f"{SystemClock().now() - timedelta(days=9):%Y-%m-%d}"
    assert "2 requests" in run(monkeypatch, capsys, folder, "simulate", "new.yaml", "--from", since)[1]
    with pytest.raises(CommandError, match="before"):
        run(monkeypatch, capsys, folder, "simulate", "new.yaml", "--from", "2026-02-01", "--to", "2026-01-01")
    with pytest.raises(SystemExit):
        run(monkeypatch, capsys, folder, "simulate", "new.yaml", "--from", "yesterday")
