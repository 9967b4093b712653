"""Thresholds that fit, against a truth that is known: simulated agents, seeded, judged without error."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import count
from textwrap import indent
from typing import Any

import pytest

from bot.core.insight.fact import Fact, Judgement
from bot.core.insight.fitting import NEVER, sent, thresholds
from bot.core.insight.separating import Claim, Verdict, area_of
from bot.core.insight.thresholds import Gate, gates_of, yaml_of
from bot.core.model import Kind, Risk, Severity, State, Then, Verb
from bot.routing import parse

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_ids = count()


def fact(agent: str, confidence: float | None, *, wrong: bool, **more: Any) -> Fact:
    """A request that Ana decided: rejected where it was ``wrong``, else approved as it was."""
    verb = Verb.REJECT if wrong else Verb.APPROVE
    vote = Judgement(by="ana", verb=verb, at=AT, channel="slack", stage="finance", revision=1)
    given: dict[str, Any] = {
        "created_at": AT,
        "action": "refund.issue",
        "rule": "refunds",
        "kind": Kind.APPROVAL,
        "risk": Risk.REVERSIBLE,
        "state": State.REJECTED if wrong else State.APPROVED,
        "then": Then.STAGES,
        "gate": 0.85,
        "judged": (vote,),
    }
    return Fact(request=f"req_{next(_ids)}", agent=agent, confidence=confidence, **(given | more))


def life(seed: int, number: int) -> list[Fact]:
    """Three agents: one that knows how sure it is, one that is far too sure of itself, one whose number is noise."""
    dice = random.Random(seed)  # noqa: S311  # a simulation
    found = []
    for _ in range(number):
        error = dice.random() / 2
        which = dice.choice(("honest", "proud", "noise"))
        sure = {"honest": 1 - error, "proud": 1 - 0.3 * error * error, "noise": dice.random()}[which]
        wrong = dice.random() < (0.1 if which == "noise" else error)
        found.append(fact(which, round(sure, 3), wrong=wrong))
    return found


def only(facts: list[Fact]) -> Gate:
    """The one gate of these."""
    (gate,) = gates_of(facts)
    return gate


def test_own_thresholds_catch_more_than_one_gate_at_the_same_load() -> None:
    """On requests never seen, made by the same truth, and within the interval that was promised."""
    gate = only(life(1, 3000))
    made = gate.suggestion
    assert made is not None
    assert made.better
    below = {each.agent: each.threshold or 0.0 for each in gate.agents}
    unseen = [Claim(f.agent, f.confidence or 0.0, not f.unchanged) for f in life(2, 20000)]
    wrong = [claim for claim in unseen if claim.wrong]
    caught = sum(sent(claim, below) for claim in wrong) / len(wrong)
    load = sum(sent(claim, below) for claim in unseen) / len(unseen)
    fixed = sum(claim.confidence < gate.gate for claim in wrong) / len(wrong)
    assert load == pytest.approx(gate.now.load.share, abs=0.03)
    assert caught > fixed + 0.2
    assert made.low - 0.03 <= caught - fixed <= made.high + 0.03
    by_name = {each.agent: each for each in gate.agents}
    assert (by_name["proud"].threshold or 0) > (by_name["honest"].threshold or 0)
    assert all((each.low or 0) <= (each.threshold or 0) <= (each.high or 0) for each in gate.agents)
    # A rule of routing.yaml is what it says it is.
    rule = indent(yaml_of(gate), "  ")
    ground = "version: 1\npeople: {ana: {}}\nchains: {one: [{notify: ana}]}\ndefault: {stages: [{chain: one}]}\n"
    text = f"{ground}rules:\n{rule}"
    assert parse(text, "routing.yaml").rules[0].then is Then.APPROVE


def test_whether_confidence_informs_is_told_with_its_interval() -> None:
    """Of a known truth: an area of a half is found to say nothing, about as often as the interval promises."""
    verdicts = [area_of([Claim("a", d.random(), d.random() < 0.2) for _ in range(300)]).verdict for d in _dice(200)]
    wrong = sum(verdict is not Verdict.SAYS_NOTHING for verdict in verdicts)
    assert wrong <= 20, "95 % of the intervals hold the truth"
    by_name = {each.agent: each.area.verdict for each in only(life(3, 3000)).agents}
    assert by_name == {"honest": Verdict.INFORMS, "proud": Verdict.INFORMS, "noise": Verdict.SAYS_NOTHING}
    backwards = [Claim("a", c / 100, c > 60) for c in range(100)]
    assert area_of(backwards).verdict is Verdict.MISLEADS
    assert area_of(backwards[:65]).verdict is Verdict.TOO_FEW
    apart = area_of([Claim("a", 0.9, wrong=False)] * 50 + [Claim("a", 0.1, wrong=True)] * 50)
    assert (apart.area, apart.low < 1) == (1.0, True)


def _dice(number: int) -> list[random.Random]:
    return [random.Random(seed) for seed in range(number)]  # noqa: S311  # a simulation


def test_an_area_is_what_counting_every_pair_gives() -> None:
    """Ties count half, and one that stands for several counts as so many."""
    for dice in _dice(20):
        claims = [Claim("a", dice.randint(0, 5) / 5, dice.random() < 0.4, dice.choice((1.0, 20.0))) for _ in range(40)]
        wrong, right = ([c for c in claims if c.wrong is is_it] for is_it in (True, False))
        pairs = [
            (w.weight * r.weight, (r.confidence > w.confidence) + (r.confidence == w.confidence) / 2)
            for w in wrong
            for r in right
        ]
        wanted = sum(weight * won for weight, won in pairs) / sum(weight for weight, _ in pairs)
        assert area_of(claims).area == pytest.approx(wanted)


def test_what_was_sampled_stands_for_what_ran_by_rule() -> None:
    """A sample of 5% weighs twenty times: above the gate nothing else is known."""
    below = [fact("a", 0.5, wrong=at < 40) for at in range(100)]
    sampled = [fact("a", 0.95, wrong=at < 10, sampled=True, share=0.05) for at in range(50)]
    gate = only(below + sampled)
    assert gate.now.load.share == pytest.approx(100 / 1100)
    assert gate.now.caught.share == pytest.approx(40 / 240)
    assert gate.now.load.high - gate.now.load.low > 0.02, "few heavy cases are not taken for many"


def test_what_nobody_judged_or_was_a_practice_teaches_nothing() -> None:
    """Nor what ran by rule alone; and what was approved and did harm was wrong."""
    assert gates_of([fact("a", None, wrong=False), fact("a", 0.9, wrong=False, practice=True)]) == ()
    assert gates_of([fact("a", 0.9, wrong=False, judged=())]) == ()
    assert only([fact("a", 0.9, wrong=False, incident=Severity.LOW)]).wrong == 1
    few = only([fact("a", 0.5 + at / 100, wrong=at < 5) for at in range(40)])
    assert (few.suggestion, few.area.verdict) == (None, Verdict.TOO_FEW)
    assert "100 decisions" in few.why_not


def test_a_load_is_never_passed_and_is_used_up() -> None:
    """Whatever the claims: people look at no more than they are to, nor at much less."""
    for dice in _dice(30):
        claims = [Claim(dice.choice("abc"), dice.randint(0, 100) / 100, dice.random() < 0.3) for _ in range(200)]
        for load in (0.0, 0.1, 0.5, 1.0):
            below = thresholds(claims, load)
            looked = sum(sent(claim, below) for claim in claims) / len(claims)
            assert looked <= load + 1e-9
            assert looked >= load - 0.06
            assert all(0 <= each <= NEVER for each in below.values())
