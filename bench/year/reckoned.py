"""The figures once more, out of the diary alone: counted one by one, times sorted as they are, nothing rolled up.

Names are those of `bot.core.insight.names`, and mean what stands there; nothing else of Sayso's measuring is read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from bench.year.diary import Act, Entry
from bench.year.hours import worked
from bot.core.insight import names
from bot.core.model import ExecutionState, Kind, Request, State, Then

_VOTES = ("approve", "approve_with_edits", "reject")
_RAN = (ExecutionState.EXECUTED, ExecutionState.ROLLING_BACK, ExecutionState.ROLLED_BACK)


@dataclass
class Reckoned:
    """Counts, and every time in seconds, by name; categories; how far edits went, in percent, by pointer."""

    counts: Counter[str] = field(default_factory=Counter)
    times: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    categories: Counter[str] = field(default_factory=Counter)
    edits: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    claims: list[tuple[float, bool]] = field(default_factory=list)


def reckon(entries: Iterable[Entry], house: Iterable[Request]) -> Reckoned:
    """The figures of requests; ``house`` are the reviews afterwards, which say what was found of what ran."""
    reviews = {review.route.of: review for review in house if review.route.of is not None and not review.state.open}
    found = Reckoned()
    for entry in entries:
        if entry.last.route.practice is None and entry.last.route.asked is None:
            _add(found, entry, reviews.get(entry.last.id))
    return found


def by(entries: Iterable[Entry], key: Callable[[Entry], str | None]) -> dict[str, list[Entry]]:
    """Entries apart by what ``key`` says of them; those of which it says None are left out."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        name = key(entry)
        if name is not None:
            found.setdefault(name, []).append(entry)
    return found


def final(entry: Entry) -> Act | None:
    """The vote that ended it, where one did."""
    votes = [act for act in entry.acts if act.verb in _VOTES]
    if entry.last.state is State.REJECTED:  # silence may be turned into that, too
        votes = [act for act in votes if act.verb == "reject"]
    ended = entry.last.state.approved or entry.last.state is State.REJECTED
    return votes[-1] if votes and ended else None


def submitted_in(since: datetime, until: datetime) -> Callable[[Entry], bool]:
    """Whether it was submitted at or after the one and before the other."""
    return lambda entry: since <= entry.at < until


def _add(found: Reckoned, entry: Entry, review: Request | None) -> None:
    counts, state, last = found.counts, entry.last.state, final(entry)
    counts[names.REQUESTS] += 1
    counts[names.OPEN] += state.open
    counts[names.EXPIRED] += state is State.EXPIRED or (state is State.REJECTED and last is None)
    counts[names.CANCELLED] += state is State.CANCELLED
    counts[names.BLOCKED] += state is State.BLOCKED
    counts[names.ESCALATED] += entry.last.escalation_level > 0
    counts[names.UNDONE] += entry.undone
    by_rule = state.approved and last is None
    counts[names.BY_RULE] += by_rule
    counts[names.BY_GRANT] += by_rule and entry.last.route.grant is not None
    if entry.cards:
        found.times[names.VIEW].append((min([*entry.cards, *entry.opened.values()]) - entry.at).total_seconds())
    elif entry.opened:
        found.times[names.VIEW].append((min(entry.opened.values()) - entry.at).total_seconds())
    if last is not None:
        _decided(found, entry, last)
    _corrected(found, entry)
    _ran(found, entry, last, review)


def _corrected(found: Reckoned, entry: Entry) -> None:
    """What people said was wrong with it, last, and the amount that they changed, whatever came of it later."""
    said = [act.category for act in entry.acts if act.category is not None]
    found.categories.update(said[-1:])
    for name, before in entry.proposal.arguments.items():
        after = entry.last.content.arguments[name]
        if after != before:
            found.edits[f"/{name}"].append(100 * abs(after - before) / max(abs(before), abs(after)))


def _decided(found: Reckoned, entry: Entry, last: Act) -> None:
    counts, request = found.counts, entry.last
    if request.kind is Kind.QUESTION:
        counts[names.ANSWERED] += 1
    else:
        counts[names.DECIDED] += 1
        name = {
            State.APPROVED: names.APPROVED,
            State.APPROVED_WITH_EDITS: names.EDITED,
            State.REJECTED: names.REJECTED,
        }[request.state]
        counts[name] += 1
        gate, claim = request.route.gate, entry.proposal.confidence
        counts[names.GATED] += gate is not None and claim is not None and claim < gate
        if claim is not None:
            found.claims.append((claim, request.state is State.APPROVED))
        if sampled(request):
            counts[names.SAMPLED] += 1
            harmed = request.execution is not None and bool(request.execution.incidents)
            counts[names.SAMPLED_WRONG] += request.state is not State.APPROVED or harmed
    found.times[names.DECISION].append((last.at - entry.at).total_seconds())
    found.times[names.WORKED].append(worked(last.by, last.since, last.at))


def _ran(found: Reckoned, entry: Entry, last: Act | None, review: Request | None) -> None:
    counts, run = found.counts, entry.last.execution
    if run is not None:
        counts[names.EXECUTED] += run.state in _RAN
        counts[names.ROLLED_BACK] += run.state is ExecutionState.ROLLED_BACK
        counts[names.FAILED] += run.state is ExecutionState.FAILED
        counts[names.UNKNOWN] += run.state is ExecutionState.UNKNOWN
        counts[names.INCIDENTS] += bool(run.incidents)
        counts[names.FALSE_APPROVALS] += bool(run.incidents) and last is not None
        since = last.at if last is not None else entry.at
        if run.state in _RAN and run.ended_at is not None:
            found.times[names.EXECUTION].append((run.ended_at - since).total_seconds())
    if review is not None and review.decisions:
        counts[names.REVIEWED] += 1
        counts[names.REVIEWED_WRONG] += review.state is State.REJECTED


def sampled(request: Request) -> bool:
    """Whether a rule would have approved and chance put it before a person: only rules that approve give no stages."""
    return request.route.then is Then.STAGES and request.route.sampled > 0


def of_person(entries: Iterable[Entry], person: str) -> Reckoned:
    """A reviewer's figures: their decisions, one by one."""
    found = Reckoned()
    for entry in entries:
        practice = entry.last.route.practice is not None
        if entry.last.route.asked is not None:
            continue
        for act in entry.acts:
            if act.by != person:
                continue
            vote = act.verb in _VOTES
            if practice:
                found.counts[names.PRACTISED] += vote
                found.counts[names.PRACTICE_MISSED] += vote and act.verb != "reject"
                continue
            found.counts[act.verb] += 1
            found.counts[names.COMMENTED] += vote and act.comment
            if vote:
                found.counts[names.FAST] += act.hasty
                found.times[names.WAITED].append((act.at - act.since).total_seconds())
                found.times[names.HAD].append((act.at - (act.opened or act.shown or act.since)).total_seconds())
                found.times[names.WORKED].append(worked(person, act.since, act.at))
    return found
