"""What will happen to a request if nobody decides: the lifecycle itself, run over simulated time.

Nothing here reckons when a step ends or whom it asks: `bot.core.lifecycle` does, woken at each moment at which it says
that something is due. So what a timeline tells is what the bot will do.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core import lifecycle, tracks
from bot.core.lifecycle import Turn
from bot.core.model import OnExpiry, Request, Revision, Route, Stage, State, Step, Submission, Then, Track
from bot.core.policy import Policy, told_from
from bot.core.seating import clock_of, runs_until
from bot.routing.explanation import Moment
from bot.routing.lint import in_browsers, reachable
from bot.routing.people import CHANNELS
from bot.routing.spans import span_text

_MOST_REMINDERS = 3
"""Reminders told one by one in a step; the rest are counted."""
_MOST_TURNS = 2_000
"""Moments of one stage; a chain that repeats a hundred times has fewer."""
_NOBODY = "nobody (everybody of it is excluded)"
_ENDS = {OnExpiry.EXPIRE: "nothing runs", OnExpiry.REJECT: "rejected"}


def begun(policy: Policy, submission: Submission, agent: str, route: Route, now: datetime) -> Request:
    """The request that this submission makes, not yet begun."""
    content = Revision(
        request="",
        number=1,
        digest="",
        author=f"agent:{agent}",
        created_at=now,
        action=submission.action,
        arguments=submission.arguments,
        target=policy.action(submission.action).execute.target,
        options=submission.options,
    )
    return Request(
        id="",
        state=State.PENDING,
        kind=submission.kind,
        agent=agent,
        action=submission.action,
        title="",
        risk=route.risk,
        route=route,
        content=content,
        created_at=now,
        expires_at=now + route.expires,
    )


def timelines(policy: Policy, request: Request) -> tuple[tuple[Moment, ...], ...]:
    """What will happen in each stage of a request that is not yet begun, in order of time.

    A stage that comes after another is told from the moment when that one is approved, as if it were at once.
    """
    told: list[tuple[Moment, ...]] = []
    while request.route.then is Then.STAGES and len(told) < len(request.route.stages):
        told += _Play(policy, request, len(told)).run()
    return tuple(told)


class _Counting(Struct):
    """The last reminder of a step that is told by itself; the others are counted."""

    place: int
    at: datetime
    step: Step


class _Play:
    """A stage, and those beside it, from the moment when they begin to the end."""

    def __init__(self, policy: Policy, request: Request, first: int) -> None:
        self._policy = policy
        self._start = request.created_at
        self._now = request.created_at
        self._absolute = first == 0
        enter = lifecycle.begin if first == 0 else lambda begun, now: tracks.enter(begun, first, now)
        self._request = enter(request, self._start)
        self._moments: dict[int, list[Moment]] = {track.stage: [] for track in self._request.tracks}
        self._counting: dict[int, _Counting] = {}
        self._reminded: dict[int, int] = {}

    def run(self) -> list[tuple[Moment, ...]]:
        """Begin, and wake at each moment at which something is due."""
        self._opened()
        for _ in range(_MOST_TURNS):
            due = self._request.due_at
            woken = None if due is None else lifecycle.wake(self._request, due)
            if due is None or woken is None:
                break
            before, self._request, self._now = self._request, woken.request, due
            if woken.turn is Turn.EXPIRED:
                self._expired()
            elif woken.stage is not None:
                self._turned(before, woken.turn, woken.stage)
        for stage in tuple(self._counting):
            self._counted(stage)
        return [tuple(found) for found in self._moments.values()]

    def _opened(self) -> None:
        route = self._request.route
        for track in self._request.tracks:
            if track.held_until is not None and track.step_at is None:
                within = span_text(route.advice_within or timedelta(0))
                self._add(track, "advice", detail=f"{', '.join(route.advisors)}, for {within} at most")
            else:
                self._asked(track, "ask", ())

    def _turned(self, before: Request, turn: Turn, stage: int) -> None:
        was = next(track for track in before.tracks if track.stage == stage)
        track = next(track for track in self._request.tracks if track.stage == stage)
        if turn is Turn.REMIND:
            self._remind(track)
        elif turn is Turn.EXHAUSTED:
            self._chain_ended(track)
        else:
            self._counted(stage)
            again = track.round > was.round
            # A step that was held had asked nobody yet.
            known = () if again else self._stage(track).steps[: was.step + (was.held_until is None)]
            self._asked(track, "repeat" if again else "ask", known)

    def _stage(self, track: Track) -> Stage:
        return self._request.route.stages[track.stage]

    def _asked(self, track: Track, what: str, known: tuple[Step, ...]) -> None:
        """A step begins to ask those whom the steps before have not asked, or not through these channels."""
        if track.held_until is not None:
            self._add(track, "hold", detail=f"{track.held_until:%Y-%m-%d %H:%M:%S} UTC")
            return
        step = self._stage(track).steps[track.step]
        asked = {way for other in known for way in other.ways}
        new = {person for person, via in step.ways if (person, via) not in asked and (person, "") not in asked}
        people = tuple(person for person in step.people if person in new)
        self._add(
            track,
            what,
            people=people,
            channels=ways(self._policy, step, people),
            detail="" if people else _NOBODY,
            stands_for={person: step.stands_for[person] for person in people if person in step.stands_for},
            told={person: at - self._start for person in people if (at := self._told_at(step, person)) is not None},
        )

    def _told_at(self, step: Step, person: str) -> datetime | None:
        """When somebody is told who is outside their hours now; None: at once, as where that is only after the end."""
        opens = self._opens(step, person)
        return opens if opens is not None and self._now < opens < self._request.expires_at else None

    def _opens(self, step: Step, person: str) -> datetime | None:
        """When somebody is at work from now on; now, where they are told at any time; None: it does not come."""
        if _shared(self._policy, step, person):
            return self._now
        return told_from(self._policy, person, step, self._now)

    def _remind(self, track: Track) -> None:
        step = self._stage(track).steps[track.step]
        opens = {person: self._opens(step, person) for person in self._request.asked(track)}
        awake = tuple(person for person, at in opens.items() if at == self._now)
        if not awake:
            self._sleep(track, step, min((at for at in opens.values() if at is not None), default=None))
            return
        self._add(track, "remind", people=awake)
        count = self._reminded[track.stage] = self._reminded.get(track.stage, 0) + 1
        if count == _MOST_REMINDERS:
            self._counting[track.stage] = _Counting(len(self._moments[track.stage]) - 1, self._now, step)
            self._remind_next(track, None)

    def _sleep(self, track: Track, step: Step, until: datetime | None) -> None:
        """Reminders that reach nobody before ``until`` (None: ever) are not played one by one: a night has hundreds."""
        due = track.remind_at
        if until is None:
            self._remind_next(track, None)
        elif due is not None and step.remind is not None and not clock_of(self._request.route, step) and due < until:
            self._remind_next(track, due + -(-(until - due) // step.remind) * step.remind)

    def _remind_next(self, track: Track, at: datetime | None) -> None:
        moved = tuple(replace(t, remind_at=at) if t is track else t for t in self._request.tracks)
        self._request = tracks.timed(replace(self._request, tracks=moved))

    def _counted(self, stage: int) -> None:
        """Reminders end here: how many more there were than were told."""
        self._reminded.pop(stage, None)
        counting = self._counting.pop(stage, None)
        if counting is None or counting.step.remind is None:
            return
        clock = clock_of(self._request.route, counting.step)
        coming = runs_until(clock, counting.at, counting.step.remind)
        if coming is None or coming >= self._now:
            return
        often = f"every {span_text(counting.step.remind)}"
        more = -(-(self._now - counting.at) // counting.step.remind) - 1
        slept = any(person in self._policy.hours for person in counting.step.people)
        known = (
            f"and {more} more, {often}"
            if not clock and not slept
            else f"and on, {often}{' of open time' * bool(clock)}"
        )
        told = self._moments[stage]
        told[counting.place] = replace(told[counting.place], detail=known)

    def _chain_ended(self, track: Track) -> None:
        ending = self._stage(track).ending
        if self._request.state.open or ending is None:
            self._add(track, "chain_end")
            return
        for stage in self._moments:
            self._counted(stage)
        self._add(track, "ending", people=ending.notify, detail=_ENDS[ending.then])

    def _expired(self) -> None:
        for stage in self._moments:
            self._counted(stage)
        if self._absolute:
            last = max(self._moments)
            self._add(Track(stage=last, step=-1), "expire")

    def _add(self, track: Track, what: str, **said: Any) -> None:
        after = self._now - self._start
        name = self._request.route.stages[track.stage].name
        at = self._now if self._absolute else None
        moment = Moment(what=what, after=after, at=at, stage=name, step=track.step + 1, **said)
        self._moments[track.stage].append(moment)


def _shared(policy: Policy, step: Step, person: str) -> bool:
    """Whether the card stands where everybody sees it, at any hour."""
    posted = policy.channels.get("slack", {}).get("post_to", "dm") != "dm"
    return posted and "slack" in _ways_of(policy, step, person)


def _ways_of(policy: Policy, step: Step, person: str) -> tuple[str, ...]:
    """Through what somebody is asked: the step's channels, else the first wish that reaches them, else all that do."""
    known = policy.people.get(person)
    wished = known.channels if known is not None and not step.via else ()
    open_ways = [way for way in step.via or wished or CHANNELS if known and reachable(policy, known, way)]
    return tuple(open_ways[:1] if wished else open_ways)


def _lost(policy: Policy, channel: str, lost: list[str]) -> str:
    """Whom a channel does not reach, so far as the file knows."""
    browsers = [person for person in lost if channel == "push" and in_browsers(policy.people.get(person))]
    nowhere = [person for person in lost if person not in browsers]
    told = [f"no address for {', '.join(nowhere)}"] if nowhere else []
    told += [f"in browsers alone for {', '.join(browsers)}"] if browsers else []
    return f" ({'; '.join(told)})" if told else ""


def ways(policy: Policy, step: Step, people: tuple[str, ...]) -> tuple[str, ...]:
    """The channels through which these people are asked, each with whom it does not reach, or whom alone it asks."""
    by_person = {person: _ways_of(policy, step, person) for person in people}
    found = []
    for channel in step.via or CHANNELS:
        there = [person for person in people if channel in by_person[person]]
        lost = [person for person in people if channel not in by_person[person]]
        if step.via:
            found.append(channel + _lost(policy, channel, lost))
        elif there:
            found.append(channel + (f" ({', '.join(there)})" if lost else ""))
    return tuple(found) or ("inbox",)
