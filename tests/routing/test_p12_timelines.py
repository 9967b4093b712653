"""Every timeline is monotone, ends once, and asks nobody who is barred: over random chains and moments."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.model import IfEmpty, OnExpiry, Submission
from bot.core.policy import OWN_CLOCK, Chain, ChainStep, Exhausted, StageSpec
from bot.routing import explain, parse
from tests.routing.cases import NOW

BASE = parse(
    """\
version: 1
people:
  ana: {email: ana@example.com, hours: Mon-Fri 09:00-18:00}
  ben: {email: ben@example.com, away: [{from: 2026-03-02, until: 2026-03-04, delegate: lea}]}
  lea: {email: lea@example.com, hours: Tue-Thu 12:00-16:00, away: [{from: 2026-03-05, until: 2026-03-09}]}
groups: {finance: [ana, ben]}
agents: {billing: {owner: ben}}
calendars: {office: {timezone: Europe/Lisbon, hours: Mon-Fri 09:00-18:00}}
schedules: {duty: {start: 2026-03-02, rotate: daily, people: [ana, lea], hours: Mon-Sun 08:00-20:00, gaps: hold}}
chains: {c: [{notify: [ana, lea]}]}
default: {stages: [{chain: c}]}
""",
    "routing.yaml",
)
"""What a file could never say, such as a chain that ends though its last step waits for ever, has to hold, too."""

STEPS = st.builds(
    ChainStep,
    notify=st.lists(st.sampled_from(["ana", "ben", "lea", "duty", "finance"]), min_size=1, max_size=2).map(tuple),
    wait=st.sampled_from([None, timedelta(minutes=7), timedelta(hours=2), timedelta(hours=20)]),
    remind=st.sampled_from([None, timedelta(minutes=3), timedelta(hours=5)]),
    clock=st.sampled_from([None, "office", OWN_CLOCK]),
    if_empty=st.sampled_from(IfEmpty),
    fallback=st.sampled_from([(), ("lea",)]),
)
ENDS = st.builds(
    Exhausted, notify=st.sampled_from([(), ("lea",)]), then=st.sampled_from([None, OnExpiry.EXPIRE, OnExpiry.REJECT])
)
CHAINS = st.builds(
    Chain, steps=st.lists(STEPS, min_size=1, max_size=4).map(tuple), repeat=st.integers(0, 3), exhausted=ENDS
)
OVER = ("expire", "ending")


@settings(max_examples=300, deadline=None)
@given(
    chain=CHAINS,
    beside=CHAINS,
    minutes=st.integers(0, 14 * 24 * 60),
    expires=st.sampled_from([timedelta(hours=1), timedelta(hours=30), timedelta(days=9)]),
)
def test_p12_every_timeline_is_monotone_and_ends_once(
    chain: Chain, beside: Chain, minutes: int, expires: timedelta
) -> None:
    """In order, within the expiry, with one end that is the last thing, and nobody in it who may not review."""
    stages = (StageSpec(name="c", chain="c", parallel=1), StageSpec(name="beside", chain="d", parallel=1))
    default = replace(BASE.default, stages=stages, expires=expires)
    rules = replace(BASE, chains={"c": chain, "d": beside}, default=default)
    at = NOW + timedelta(minutes=minutes)
    told = explain(rules, Submission(action="a"), "billing", at)
    every = [moment for stage in told.stages for moment in stage.moments]
    for stage in told.stages:
        offsets = [moment.after for moment in stage.moments]
        assert offsets == sorted(offsets)
        asks = [moment.what for moment in stage.moments if moment.what in ("ask", "repeat")]
        assert asks[:1] in ([], ["ask"])
    assert all(timedelta(0) <= moment.after <= expires for moment in every)
    assert sum(moment.what in OVER for moment in every) == 1
    assert max(moment.after for moment in every) == next(m.after for m in every if m.what in OVER)
    barred = {gone.person for gone in told.excluded}
    assert not barred & {person for moment in every for person in moment.people}
    assert all(timedelta(0) < late - m.after and late < expires for m in every for late in m.told.values())
    assert told.text()
