"""The timeline of a request that nobody decides, and that it is what the lifecycle does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core import lifecycle
from bot.core.model import State, Submission
from bot.core.policy import Policy, route
from bot.routing import explain
from bot.routing.explanation import Moment
from bot.routing.timeline import begun, timelines
from tests.routing.cases import GROUND, NOW, policy

FRIDAY = datetime(2026, 3, 6, 17, 30, tzinfo=UTC)
Line = tuple[str, str, tuple[str, ...]]


def told(chain: str, *, at: datetime = NOW, agent: str = "x", ground: str = GROUND, expires: str = "24h") -> list[Line]:
    """What happens in a request's only stage, whose chain is this YAML: what, after how long, to whom."""
    rules = policy(
        ground=ground, more=f"  c: {chain}\n", default=f"default: {{stages: [{{chain: c}}], expires: {expires}}}\n"
    )
    return [_line(moment) for moment in moments(rules, at, agent)[0]]


def moments(rules: Policy, at: datetime = NOW, agent: str = "x") -> tuple[tuple[Moment, ...], ...]:
    """The moments of every stage."""
    return tuple(stage.moments for stage in explain(rules, Submission(action="a"), agent, at).stages)


def _line(moment: Moment) -> Line:
    minutes, seconds = divmod(int(moment.after.total_seconds()), 60)
    return (moment.what, f"{minutes // 60}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else ""), moment.people)


def test_steps_that_ask_nobody_new_are_passed_over() -> None:
    """As the lifecycle does it: a step of excluded people alone, and one that asks whom an earlier one asked."""
    chain = (
        "[{notify: ana, wait: 1s}, {notify: [ana, lea], wait: 1h}, {notify: lea, wait: 1h}, {notify: ben, wait: 2h}]"
    )
    assert told(chain, agent="ana") == [
        ("ask", "0:00", ("lea",)),
        ("ask", "1:00", ("ben",)),
        ("chain_end", "3:00", ()),
        ("expire", "24:00", ()),
    ]
    assert told("[{notify: ana}]", agent="ana")[:2] == [("ask", "0:00", ()), ("chain_end", "0:00", ())]


def test_only_whom_a_step_asks_anew_is_told() -> None:
    """Somebody asked before through every channel is not asked anew; through a channel not used yet they are."""
    first = "{notify: ana, via: [slack], wait: 1m}, {notify: [ana, lea], via: [slack], wait: 1m}"
    chain = f"[{first}, {{notify: [ana], via: [email]}}]"
    assert [line for line in told(chain) if line[0] == "ask"] == [
        ("ask", "0:00", ("ana",)),
        ("ask", "0:01", ("lea",)),
        ("ask", "0:02", ("ana",)),
    ]


def test_a_chain_that_repeats_and_ends() -> None:
    """It begins again with everybody; at its end others are told, and it ends the request."""
    steps = "[{notify: ana, wait: 1h}, {notify: lea, wait: 1h}]"
    assert told(f"{{steps: {steps}, repeat: 1, exhausted: {{notify: [ben], then: reject}}}}") == [
        ("ask", "0:00", ("ana",)),
        ("ask", "1:00", ("lea",)),
        ("repeat", "2:00", ("ana",)),
        ("ask", "3:00", ("lea",)),
        ("ending", "4:00", ("ben",)),
    ]
    waits = "{steps: [{notify: ana, wait: 1h}], exhausted: {notify: [ben]}}"
    assert told(waits) == [("ask", "0:00", ("ana",)), ("ask", "1:00", ("ben",)), ("expire", "24:00", ())]


def test_reminders_are_counted() -> None:
    """The first three one by one, the others by number, or by measure where it is not known."""
    first = "[{notify: ana, remind: 5m, wait: 1h}, {notify: lea}]"
    rules = policy(more=f"  c: {first}\n", default="default: {stages: [{chain: c}]}\n")
    reminders = [moment for moment in moments(rules)[0] if moment.what == "remind"]
    assert [(r.after, r.detail) for r in reminders] == [
        (timedelta(minutes=5), ""),
        (timedelta(minutes=10), ""),
        (timedelta(minutes=15), "and 8 more, every 5m"),
    ]
    office = "calendars: {office: {hours: Mon-Fri 09:00-18:00}}\n"
    timed = policy(
        more="  c: [{notify: ana, remind: 10m, clock: office}]\n" + office, default="default: {stages: [{chain: c}]}\n"
    )
    open_time = [moment for moment in moments(timed, FRIDAY)[0] if moment.what == "remind"]
    assert open_time[1].after == timedelta(minutes=20)
    # Its third ten minutes of open time end as the office closes.
    assert (open_time[2].after, open_time[2].detail) == (timedelta(minutes=30), "")
    later = [moment for moment in moments(timed, FRIDAY - timedelta(hours=4))[0] if moment.what == "remind"]
    assert later[2].detail == "and on, every 10m of open time"
    assert len(told("[{notify: ana, remind: 7h, wait: 1d}, {notify: lea}]", expires="20h")) == 4


def test_time_runs_by_the_steps_clock_and_over_the_weekend() -> None:
    """Friday 17:30, an hour of the office's time: the next is asked on Monday at 09:30."""
    ground = GROUND + "  c: [{notify: ana, wait: 1h, clock: office}, {notify: lea}]\n"
    rules = policy(
        ground=ground,
        more="calendars: {office: {hours: Mon-Fri 09:00-18:00}}\n",
        default="default: {stages: [{chain: c}], expires: 7d}\n",
    )
    asks = [moment.at for moment in moments(rules, FRIDAY)[0] if moment.what == "ask"]
    assert asks == [FRIDAY, datetime(2026, 3, 9, 9, 30, tzinfo=UTC)]


AT_WORK = GROUND.replace("lea: {", 'lea: {hours: "Mon-Fri 09:00-18:00", ')


def test_people_outside_their_hours_are_told_later() -> None:
    """They are asked (and may decide), and told at their next opening; anytime tells them at once."""
    rules = policy(
        ground=AT_WORK,
        more="  c: [{notify: [ana, lea], via: [email]}]\n",
        default="default: {stages: [{chain: c}], expires: 4d}\n",
    )
    night = FRIDAY + timedelta(hours=2)
    asked = moments(rules, night)[0][0]
    assert asked.told == {"lea": datetime(2026, 3, 9, 9, 0, tzinfo=UTC) - night}
    text = explain(rules, Submission(action="a"), "x", night).text()
    assert "outside their hours, and told later: lea at 2026-03-09 09:00:00 UTC" in text
    short = policy(
        ground=AT_WORK,
        more="  c: [{notify: lea, via: [email]}]\n",
        default="default: {stages: [{chain: c}], expires: 4h}\n",
    )
    assert moments(short, night)[0][0].told == {}
    always = policy(
        ground=AT_WORK, more="  c: [{notify: lea, anytime: true}]\n", default="default: {stages: [{chain: c}]}\n"
    )
    assert moments(always, night)[0][0].told == {}
    shared = policy(
        ground=AT_WORK,
        more='  c: [{notify: lea, via: [slack]}]\nchannels: {slack: {post_to: "#a"}}\n',
        default="default: {stages: [{chain: c}], expires: 4d}\n",
    )
    assert moments(shared, night)[0][0].told == {}


def test_nobody_is_reminded_outside_their_hours() -> None:
    """Where everybody who is asked sleeps, no reminder is told; who is awake gets theirs."""
    chain = "[{notify: [ana, lea], via: [email], remind: 6h}]"
    night = FRIDAY + timedelta(hours=2)
    assert [line for line in told(chain, at=night, ground=AT_WORK) if line[0] == "remind"] == [
        ("remind", "6:00", ("ana",)),
        ("remind", "12:00", ("ana",)),
        ("remind", "18:00", ("ana",)),
    ]
    assert told("[{notify: lea, via: [email], remind: 6h}]", at=night, ground=AT_WORK) == [
        ("ask", "0:00", ("lea",)),
        ("expire", "24:00", ()),
    ]


def test_whom_somebody_stands_in_for_is_said() -> None:
    """A delegate is asked instead, and the timeline says for whom."""
    away = GROUND.replace("ana: {", "ana: {away: [{from: 2026-03-01, until: 2026-03-05, delegate: lea}], ")
    rules = policy(ground=away, more="  c: [{notify: ana}]\n", default="default: {stages: [{chain: c}]}\n")
    asked = moments(rules)[0][0]
    assert (asked.people, asked.stands_for) == (("lea",), {"lea": "ana"})
    assert "ask lea (for ana) through email" in explain(rules, Submission(action="a"), "x", NOW).text()


def test_a_step_that_waits_for_somebody_is_held() -> None:
    """Until they are back it asks nobody, and says until when."""
    away = GROUND.replace("ana: {", "ana: {away: [{from: 2026-03-01, until: 2026-03-02T15:00}], ")
    chain = "[{notify: ben, wait: 1h}, {notify: ana, if_empty: hold}]"
    rules = policy(ground=away, more=f"  c: {chain}\n", default="default: {stages: [{chain: c}]}\n")
    lines = [_line(moment) for moment in moments(rules)[0]]
    back = datetime(2026, 3, 2, 15, 0, tzinfo=UTC) - NOW
    assert lines[:2] == [("ask", "0:00", ("ben",)), ("hold", "1:00", ())]
    assert moments(rules)[0][2].what == "ask"
    assert abs(moments(rules)[0][2].after - back) <= timedelta(hours=1)


def test_channels_are_those_that_reach_people() -> None:
    """A step's own, with whom they do not reach; else as each person wishes, or all that reach them."""
    folk = GROUND.replace("ana: {", "ana: {channels: [email, slack], ")
    rules = policy(ground=folk, more="  c: [{notify: [ana, ben]}]\n", default="default: {stages: [{chain: c}]}\n")
    assert moments(rules)[0][0].channels == ("email",)
    both = policy(more="  c: [{notify: [ana, ben]}]\n", default="default: {stages: [{chain: c}]}\n")
    assert moments(both)[0][0].channels == ("slack (ana)", "email")
    named = policy(
        ground=folk, more="  c: [{notify: [ana, ben], via: [slack]}]\n", default="default: {stages: [{chain: c}]}\n"
    )
    assert moments(named)[0][0].channels == ("slack (no address for ben)",)


def test_stages_beside_each_other_and_after_each_other() -> None:
    """Parallel ones begin together, later ones are told from where they begin, and what they ask is said."""
    rules = policy(
        more="  c: [{notify: lea, wait: 1h}, {notify: ana}]\n  d: [{notify: [lea, kim], wait: 1h}, {notify: ben}]\n",
        ground=GROUND.replace("  lea:", "  kim: {email: kim@example.com}\n  lea:"),
        default="default: {stages: [{parallel: [{chain: finance}, {name: beside, chain: c}]}, "
        "{name: last, chain: d, approvals: 2, distinct_groups: true}]}\n",
    )
    told = explain(rules, Submission(action="a"), "x", NOW)
    first, beside, last = told.stages
    assert (first.begins, beside.begins, last.begins) == (True, True, False)
    assert [m.what for m in first.moments] == ["ask", "remind", "remind", "ask"]
    assert [m.what for m in beside.moments] == ["ask", "ask", "expire"]
    assert [(m.what, m.at, m.after) for m in last.moments] == [
        ("ask", None, timedelta(0)),
        ("ask", None, timedelta(hours=1)),
    ]
    text = told.text()
    assert "asked together with beside" in text
    assert "2 approvals, each for another of the names it asks, 3 people to ask" in text
    assert "begins once the stage before is approved; times count from then" in text


def test_advisors_are_heard_first() -> None:
    """People are asked only once the advisors' time is over."""
    rules = policy(
        more="agents: {checker: {}}\n",
        default="default: {stages: [{chain: finance}], advice: {from: [checker], within: 2m}}\n",
    )
    lines = [(m.what, m.after) for m in moments(rules)[0]]
    assert lines[:2] == [("advice", timedelta(0)), ("ask", timedelta(minutes=2))]


CHAINS = (
    "[{notify: [finance], wait: 15m, remind: 4m}, {notify: lea}]",
    "{steps: [{notify: ana, wait: 20m, remind: 7m}, {notify: [ben], wait: 1h}], repeat: 3, exhausted: {then: expire}}",
    "[{notify: ana, wait: 2h, clock: office, remind: 50m}, {notify: lea, wait: 3h}, {notify: [finance], remind: 9h}]",
)


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("hours", [0, 3, 8, 30, 77])
def test_p12_the_timeline_is_what_the_lifecycle_does(chain: str, hours: int) -> None:
    """Ticked minute by minute, a request is asked of the same people at the same minutes, and in order."""
    rules = policy(
        more=f"  c: {chain}\ncalendars: {{office: {{hours: Mon-Fri 09:00-18:00}}}}\n",
        default="default: {stages: [{chain: c}], expires: 2d}\n",
    )
    at = NOW + timedelta(hours=hours)
    answer = route(rules, Submission(action="a"), agent="x", now=at).route
    request = begun(rules, Submission(action="a"), "x", answer, at)
    foretold = [m for m in timelines(rules, request)[0] if m.what in ("ask", "repeat")]
    offsets = [m.after for m in foretold]
    assert offsets == sorted(offsets)
    ticked = lifecycle.begin(request, at)
    seen = [(timedelta(0), ticked.route.stages[0].steps[0].people)]
    for minute in range(1, 2 * 24 * 60 + 2):
        now = at + timedelta(minutes=minute)
        while (woken := lifecycle.wake(ticked, now)) is not None:
            ticked = woken.request
            if woken.turn is lifecycle.Turn.NEXT_STEP:
                seen.append((now - at, ticked.route.stages[0].steps[ticked.tracks[0].step].people))
    assert ticked.state is State.EXPIRED
    assert [m.after for m in foretold] == [after for after, _ in seen]
    assert all(set(m.people) <= set(people) for m, (_, people) in zip(foretold, seen, strict=True))
