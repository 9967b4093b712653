"""Thresholds that fit: what a confidence threshold would have caught of the edits and rejections, at what load.

Known is only what people decided. What ran by rule has no human truth but where chance put it before a person all the
same: such a one stands for as many as its share says. A request is *wrong* where people edited or rejected it, or
approved what was reported as an incident later. People look at what is below a threshold, as at a gate.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import sqrt
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from bot.core.insight.fact import Fact
from bot.core.insight.fitting import NEVER, sent, thresholds
from bot.core.insight.separating import Area, Claim, area_of
from bot.core.insight.weighing import Share, Z, share
from bot.core.policy import HOUSE

USUAL_GATE = 0.85
"""Taken for today's gate where requests were decided by people without any."""
PARTS = 10
"""Parts by which a suggestion is tried: fitted on nine, and counted on the tenth, which it never saw."""
FEWEST_WRONG = 20
FEWEST = 100
"""Edits and rejections, and decisions, that a suggestion takes at the least."""
_STEPS = 20


class Point(Struct, frozen=True, kw_only=True):
    """What a threshold catches of all edits and rejections, and what share of all requests it puts before people."""

    threshold: float
    caught: Share
    load: Share


class Fitted(Struct, frozen=True, kw_only=True):
    """One agent at a gate: how many were decided and wrong, whether its confidence informs, its own threshold.

    ``low`` to ``high`` is the threshold's 95 % interval (jackknife over `PARTS`); all None where none is suggested. One
    of `NEVER` puts everything before people.
    """

    agent: str
    decided: int
    wrong: int
    area: Area
    threshold: float | None = None
    low: float | None = None
    high: float | None = None


class Suggestion(Struct, frozen=True, kw_only=True):
    """What the agents' own thresholds catch at today's load, counted on requests that they were not fitted on.

    ``gain`` is by how much more than today's gate (in shares of all edits and rejections) with its 95 % interval;
    ``better``: all of that is above 0. ``when`` is the condition in CEL that a rule would take.
    """

    caught: Share
    load: Share
    gain: float
    low: float
    high: float
    when: str

    @property
    def better(self) -> bool:
        """Whether it is shown to be better than today's gate."""
        return self.low > 0


class Gate(Struct, frozen=True, kw_only=True):
    """One action's gate: ``gate`` (``assumed`` where no rule has one), what it does now, the curve, each agent.

    ``suggestion`` None: ``why_not`` says why there is none.
    """

    action: str
    gate: float
    assumed: bool
    decided: int
    wrong: int
    now: Point
    curve: tuple[Point, ...]
    area: Area
    agents: tuple[Fitted, ...]
    suggestion: Suggestion | None = None
    why_not: str = ""


def gates_of(facts: Iterable[Fact]) -> tuple[Gate, ...]:
    """The gate of every action of which people decided something with a confidence, most decided first."""
    claims: dict[str, list[Claim]] = {}
    gates: dict[str, Counter[float]] = {}
    for fact in facts:
        claim = claim_of(fact)
        if claim is None:
            continue
        claims.setdefault(fact.action, []).append(claim)
        if fact.gate is not None:
            gates.setdefault(fact.action, Counter())[fact.gate] += 1
    found = [_gate(action, own, gates.get(action, Counter())) for action, own in claims.items()]
    return tuple(sorted(found, key=lambda gate: (-gate.decided, gate.action)))


def claim_of(fact: Fact) -> Claim | None:
    """What a fact says of its agent's confidence; None where people did not decide, or nothing was claimed."""
    if fact.practice or fact.confidence is None or not fact.by_person or fact.action.startswith(HOUSE):
        return None
    wrong = not fact.unchanged or fact.incident is not None
    weight = 1 / fact.share if fact.sampled and fact.share > 0 else 1.0
    part = crc32(fact.request.encode()) % PARTS
    return Claim(agent=fact.agent, confidence=fact.confidence, wrong=wrong, weight=weight, part=part)


def _gate(action: str, claims: Sequence[Claim], gates: Counter[float]) -> Gate:
    gate = gates.most_common(1)[0][0] if gates else USUAL_GATE
    wrong = sum(claim.wrong for claim in claims)
    by_agent: dict[str, list[Claim]] = {}
    for claim in claims:
        by_agent.setdefault(claim.agent, []).append(claim)
    now = _point(claims, gate)
    agents = tuple(
        Fitted(agent=agent, decided=len(own), wrong=sum(c.wrong for c in own), area=area_of(own))
        for agent, own in sorted(by_agent.items(), key=lambda pair: (-len(pair[1]), pair[0]))
    )
    found = Gate(
        action=action,
        gate=gate,
        assumed=not gates,
        decided=len(claims),
        wrong=wrong,
        now=now,
        curve=tuple([_point(claims, step / _STEPS) for step in range(_STEPS + 1)]),
        area=area_of(claims),
        agents=agents,
    )
    if len(claims) < FEWEST or wrong < FEWEST_WRONG:
        why = f"A threshold is suggested from {FEWEST} decisions on, {FEWEST_WRONG} of them edits or rejections."
        return replace(found, why_not=why)
    if not 0 < now.load.share < 1:
        return replace(found, why_not="Today's gate puts everything, or nothing, before people.")
    return _fitted(found, claims)


def _point(claims: Sequence[Claim], threshold: float) -> Point:
    below = {claim.agent: threshold for claim in claims}
    return Point(threshold=threshold, caught=_caught(claims, below), load=_load(claims, below))


def _caught(claims: Sequence[Claim], below: Mapping[str, float]) -> Share:
    return share((sent(claim, below), claim.weight) for claim in claims if claim.wrong)


def _load(claims: Sequence[Claim], below: Mapping[str, float]) -> Share:
    return share((sent(claim, below), claim.weight) for claim in claims)


def _fitted(found: Gate, claims: Sequence[Claim]) -> Gate:
    """The gate with what would fit it better, tried on what it was not fitted on."""
    whole = thresholds(claims, found.now.load.share)
    without: list[dict[str, float]] = []
    tried: list[tuple[Claim, bool]] = []
    for part in range(PARTS):
        rest = [claim for claim in claims if claim.part != part]
        load = _load(rest, {claim.agent: found.gate for claim in rest}).share
        fitted = thresholds(rest, load)
        without.append(fitted)
        tried += [(claim, sent(claim, fitted)) for claim in claims if claim.part == part]
    gain, low, high = _gain(tried, found.gate)
    suggestion = Suggestion(
        caught=share((looked, claim.weight) for claim, looked in tried if claim.wrong),
        load=share((looked, claim.weight) for claim, looked in tried),
        gain=gain,
        low=low,
        high=high,
        when=when_of(found.action, whole),
    )
    agents = tuple([_with(each, whole, without) for each in found.agents])
    return replace(found, agents=agents, suggestion=suggestion)


def _gain(tried: Sequence[tuple[Claim, bool]], gate: float) -> tuple[float, float, float]:
    """How much more of the wrong ones is caught than by the gate, each compared with itself, and its interval."""
    pairs = [(looked - (claim.confidence < gate), claim.weight) for claim, looked in tried if claim.wrong]
    total = sum(weight for _, weight in pairs)
    mean = sum(weight * more for more, weight in pairs) / total
    error = sqrt(sum((weight * (more - mean)) ** 2 for more, weight in pairs)) / total
    return mean, mean - Z * error, mean + Z * error


def _with(agent: Fitted, whole: Mapping[str, float], without: Sequence[Mapping[str, float]]) -> Fitted:
    """An agent with its threshold; the interval is how much that moves as each part is left out in turn."""
    at = whole[agent.agent]
    moved = [fitted.get(agent.agent, at) for fitted in without]
    mean = sum(moved) / len(moved)
    error = sqrt((len(moved) - 1) / len(moved) * sum((each - mean) ** 2 for each in moved))
    low, high = max(at - Z * error, 0.0), min(at + Z * error, NEVER)
    return replace(agent, threshold=at, low=low, high=high)


def when_of(action: str, below: Mapping[str, float]) -> str:
    """The condition under which nobody has to look, in CEL; agents of whom everything is looked at are left out."""
    sure = []
    for agent, threshold in sorted(below.items()):
        who = f"agent == {json.dumps(agent)}"
        if threshold < NEVER:
            sure.append(f"{who} && confidence >= {threshold!r}")
    inner = " || ".join(f"({one})" for one in sure) if sure else "false"
    return f"action == {json.dumps(action)} && ({inner})"


def yaml_of(gate: Gate) -> str:
    """What a suggestion would be as a rule of routing.yaml, with what it is worth in comments; empty where none is."""
    made = gate.suggestion
    if made is None:
        return ""
    lines = [
        f"# {gate.action}: counted on {gate.decided:,} decisions that people made, {gate.wrong:,} edited or rejected.",
        f"# Catches {_told(made.caught)} of those, and puts {made.load.share:.0%} of all before people;",
        f"# {gate.gate:g} for all of them catches {_told(gate.now.caught)}, and puts {gate.now.load.share:.0%} there.",
    ]
    if not made.better:
        lines.append("# It is not shown to be better than that: the interval of the difference holds 0.")
    lines += [
        "# A rule that approves needs a limit, a sample and somebody to look at it: this is a place to start from.",
        f"- name: {json.dumps(f'{gate.action}, sure enough')}",
        f"  when: {json.dumps(made.when)}",
        "  then: approve",
        "  sample: 5%",
    ]
    return "\n".join(lines) + "\n"


def _told(part: Share) -> str:
    return f"{part.share:.0%} ({part.low:.0%} to {part.high:.0%})"
