"""Facts of every sort, drawn at random, for whoever counts them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.insight.fact import Correction, Fact, Judgement
from bot.core.model import ExecutionState, Kind, Risk, Severity, State, Then, Verb

BEGIN = datetime(2026, 2, 27, tzinfo=UTC)
AGENTS, ACTIONS, RULES, PEOPLE = ("billing", "mail"), ("refund", "send"), ("small", "large"), ("ana", "ben")
VERBS = {
    State.APPROVED: Verb.APPROVE,
    State.APPROVED_WITH_EDITS: Verb.APPROVE_WITH_EDITS,
    State.REJECTED: Verb.REJECT,
}
ENDINGS = ("open", "people", "people", "people", "rule", "silence", "blocked")


@st.composite
def a_fact(draw: st.DrawFn) -> Fact:
    """A request of some ten days, ended in any way that there is."""
    at = BEGIN + timedelta(minutes=draw(st.integers(0, 10 * 24 * 60)))
    fact = Fact(
        request=str(draw(st.integers(0, 10**9))),
        created_at=at,
        agent=draw(st.sampled_from(AGENTS)),
        action=draw(st.sampled_from(ACTIONS)),
        rule=draw(st.sampled_from(RULES)),
        kind=Kind.APPROVAL,
        risk=Risk.REVERSIBLE,
        state=State.PENDING,
        then=Then.STAGES,
        confidence=draw(st.none() | st.integers(0, 20).map(lambda step: step / 20)),
        labels=draw(st.sampled_from(({}, {"tier": "gold"}, {"tier": "=none"}))),
        escalated=draw(st.integers(0, 1)),
    )
    ending = draw(st.sampled_from(ENDINGS))
    if ending == "rule":
        return replace(fact, then=Then.APPROVE, state=State.APPROVED, decided_at=at, **draw(ran(at)))
    if ending == "silence":
        return replace(fact, state=State.EXPIRED)
    if ending == "blocked":
        return replace(fact, then=Then.BLOCK, state=State.BLOCKED)
    return fact if ending == "open" else draw(by_people(fact))


def ran(at: datetime) -> st.SearchStrategy[dict[str, object]]:
    """How a run ended, if there was one."""
    done = {"execution": ExecutionState.EXECUTED, "ended_at": at + timedelta(seconds=90)}
    return st.sampled_from(({}, {"execution": ExecutionState.FAILED}, done, {**done, "incident": Severity.HIGH}))


@st.composite
def by_people(draw: st.DrawFn, fact: Fact) -> Fact:
    """The same, decided by one of the people."""
    state = draw(st.sampled_from((*VERBS, State.APPROVED)))
    waited = draw(st.integers(1, 100_000))
    at = fact.created_at + timedelta(seconds=waited)
    vote = Judgement(
        by=draw(st.sampled_from(PEOPLE)),
        verb=VERBS[state],
        at=at,
        channel=draw(st.sampled_from(("web", "slack"))),
        stage="one",
        revision=1,
        had=float(waited),
        waited=float(waited),
        fast=draw(st.booleans()),
    )
    edited = state is State.APPROVED_WITH_EDITS
    return replace(
        fact,
        state=state,
        decided_at=at,
        judged=(vote,),
        sampled=draw(st.booleans()),
        corrections=(Correction("/amount", 100.0, draw(st.sampled_from((50.0, 80.0)))),) if edited else (),
        category="amount" if edited else None,
        **({} if state is State.REJECTED else draw(ran(at))),
    )
