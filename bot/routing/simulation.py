"""What recorded history would have been under another file: replayed in order of time, every account kept in memory.

It cannot know what people would have said to what they were never asked. So where the file still asks people, they
decide as they did and as late as they did; what it lets through by rule, nobody rejects. Pure: no store, no clock.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict, deque
from datetime import datetime
from heapq import heappop, heappush
from itertools import count
from typing import Any

from msgspec import Struct

from bot.core.accounts import MICRO, Charge
from bot.core.counting import Counted, counted, prints_of
from bot.core.fingerprint import fingerprints_in
from bot.core.model import Decision, Request, Revision, State, Submission, Then, Verb
from bot.core.policy import Bounds, Policy, Routing, Rule, TrialOutcome
from bot.routing.comparing import Verdict, submitted, verdict
from bot.routing.loads import Loads
from bot.routing.simulated import Load, Passed, Report

_CHANCES = 2**32


def chance_of(request_id: str) -> float:
    """A request's lot (0 to 1), the same each time, so that two simulations take the same sample."""
    return int.from_bytes(hashlib.sha256(request_id.encode()).digest()[:4], "big") / _CHANCES


class _Entry:
    """What one request adds to an account; ``live`` until it is known that it does not count."""

    __slots__ = ("amount", "at", "live")

    def __init__(self, at: datetime, amount: int) -> None:
        self.at = at
        self.amount = amount
        self.live = True


class _Account:
    """The entries of one account within its window, and their sum."""

    __slots__ = ("_amount", "_count", "_entries")

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque()
        self._count = 0
        self._amount = 0

    def spent(self, since: datetime) -> tuple[int, int]:
        """How many there are at or after ``since``, and how much; older ones are forgotten."""
        while self._entries and self._entries[0].at < since:
            self.release(self._entries.popleft())
        return self._count, self._amount

    def add(self, entry: _Entry) -> None:
        """Count one more."""
        self._entries.append(entry)
        self._count += 1
        self._amount += entry.amount

    def release(self, entry: _Entry) -> None:
        """Count it no longer; once, however often it is said."""
        if entry.live:
            entry.live = False
            self._count -= 1
            self._amount -= entry.amount


class _End(Struct, frozen=True):
    """What becomes known once a request has ended: what counts no longer, and what was rejected (its fingerprints)."""

    request: str
    entries: tuple[tuple[_Account, _Entry], ...]
    rejected: tuple[str, ...]


class Simulation:
    """Takes recorded requests in order of time, and keeps what the report needs and no more."""

    def __init__(self, policy: Policy, was: Policy, now: datetime) -> None:
        """``policy`` is the file that is tried, ``was`` the one in force; what is open is asked about until ``now``."""
        self._policy = policy
        self._was = was
        self._accounts: defaultdict[tuple[str, str], _Account] = defaultdict(_Account)
        self._rejected: dict[str, tuple[datetime, str]] = {}
        self._ends: list[tuple[datetime, int, _End]] = []
        self._number = count()
        self._count: Counter[str] = Counter()
        self._verdicts: Counter[str] = Counter()
        self._rules: Counter[str] = Counter()
        self._sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._load, self._load_before = Loads(now), Loads(now)
        self._passed: list[Passed] = []
        self._since: datetime | None = None
        self._until: datetime | None = None

    def take(self, request: Request, first: Revision) -> None:
        """One request more, with its first revision; none may be older than the one before."""
        now = request.created_at
        self._since, self._until = self._since or now, now
        self._ended(now)
        given = submitted(request, first, self._was)
        opinions = {said.by: said.opinion for said in request.advice}
        bounds = Bounds(refused=self._refused(given, now), advice=opinions)
        found = counted(
            self._policy,
            given,
            agent=request.agent,
            now=now,
            bounds=bounds,
            chance=chance_of(request.id),
            spent=lambda rule, charge: self._spent(rule, charge, now),
        )
        answer = found.routing.route
        self._tallied(request, found.routing, cooled=bounds.refused is not None)
        self._load.take(request, answer)
        self._load_before.take(request, request.route)
        entries = () if answer.then is Then.BLOCK else self._charged(found.charges, now)
        if answer.then is Then.APPROVE:
            self._let_through(request, given, found)
        elif request.decided_at is not None and not request.state.spends:
            end = _End(request.id, entries, self._rejected_with(request) if _rejection(request) else ())
            heappush(self._ends, (request.decided_at, next(self._number), end))

    def _ended(self, now: datetime) -> None:
        """What ended up to now weighs on no limit any more, and what was rejected is remembered."""
        while self._ends and self._ends[0][0] <= now:
            at, _, end = heappop(self._ends)
            for account, entry in end.entries:
                account.release(entry)
            self._rejected.update(dict.fromkeys(end.rejected, (at, end.request)))

    def _rejected_with(self, request: Request) -> tuple[str, ...]:
        """The fingerprints of all that was rejected with a request, by where the new file would run it."""
        return fingerprints_in(request, self._policy.action(request.action).execute.target)

    def _refused(self, given: Submission, now: datetime) -> str | None:
        if not self._rejected:
            return None
        since = now - self._policy.action(given.action).cooldown
        known = [self._rejected[each] for each in prints_of(self._policy, given) if each in self._rejected]
        return next((request for at, request in known if at >= since), None)

    def _spent(self, rule: Rule, charge: Charge, now: datetime) -> tuple[int, int]:
        if rule.limit is None:
            return 0, 0
        return self._accounts[rule.name, charge.key].spent(now - rule.limit.per)

    def _charged(self, charges: tuple[tuple[Rule, Charge], ...], now: datetime) -> tuple[tuple[_Account, _Entry], ...]:
        kept = []
        for rule, charge in charges:
            account, entry = self._accounts[rule.name, charge.key], _Entry(now, charge.amount)
            account.add(entry)
            kept.append((account, entry))
        return tuple(kept)

    def _tallied(self, request: Request, routing: Routing, *, cooled: bool) -> None:
        answer = routing.route
        self._rules[answer.rule] += 1
        self._verdicts[verdict(request.route, answer)] += 1
        self._count[answer.then] += 1
        self._count[f"was {request.route.then}"] += 1
        for outcome in {trial.outcome for trial in routing.trials} & {TrialOutcome.LIMITED, TrialOutcome.SAMPLED}:
            self._count[outcome] += 1
        forced = {trial.detail for trial in routing.trials if trial.outcome is TrialOutcome.NEEDS_PERSON}
        self._count["cooled"] += cooled and any("rejected before" in detail for detail in forced)

    def _let_through(self, request: Request, given: Submission, found: Counted) -> None:
        """Sum up what a rule approves; what a person rejected or edited is named."""
        rule = found.routing.route.rule
        charge = next((charge for ruled, charge in found.charges if ruled.name == rule and ruled.limit), None)
        summed = next(
            (r.limit.sum.source for r, _ in found.charges if r.name == rule and r.limit and r.limit.sum), None
        )
        if charge is not None and summed is not None:
            self._sums[rule][summed] += charge.amount
        else:
            self._sums[rule].update(self._amounts(given))
        decision = _rejection(request) or _edit(request)
        if decision is not None:
            passed = Passed(
                request=request.id,
                title=request.title,
                at=request.created_at,
                what="edited" if decision.decision is Verb.APPROVE_WITH_EDITS else "rejected",
                by=decision.by,
                said=decision.comment or "",
                rule=rule,
            )
            self._passed.append(passed)

    def _amounts(self, given: Submission) -> dict[str, int]:
        """The arguments that the action's schema declares as numbers, in millionths."""
        schema = self._policy.action(given.action).schema
        declared = schema.document.get("properties") if schema else None
        names = declared if isinstance(declared, dict) else {}
        return {
            f"arguments.{name}": round(value * MICRO)
            for name, value in given.arguments.items()
            if _numeric(names.get(name)) and isinstance(value, int | float) and not isinstance(value, bool)
        }

    def report(self) -> Report:
        """What came of all that was taken."""
        people = sorted({*self._load.people, *self._load_before.people})
        return Report(
            requests=sum(self._verdicts.values()),
            since=self._since,
            until=self._until,
            approved=self._count[Then.APPROVE],
            approved_before=self._count[f"was {Then.APPROVE}"],
            blocked=self._count[Then.BLOCK],
            blocked_before=self._count[f"was {Then.BLOCK}"],
            limited=self._count[TrialOutcome.LIMITED],
            sampled=self._count[TrialOutcome.SAMPLED],
            cooled=self._count["cooled"],
            verdicts={str(name): self._verdicts[name] for name in Verdict},
            rules=dict(self._rules),
            sums={rule: {what: n / MICRO for what, n in sums.items()} for rule, sums in self._sums.items() if sums},
            load=tuple(self._loaded(person) for person in people),
            passed=tuple(self._passed),
        )

    def _loaded(self, person: str) -> Load:
        (asked, most), (before, most_before) = self._load.of(person), self._load_before.of(person)
        return Load(person=person, asked=asked, most=most, asked_before=before, most_before=most_before)


def _numeric(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "number"


def _rejection(request: Request) -> Decision | None:
    """The vote of a person that ended it, if it was one."""
    if request.state is not State.REJECTED:
        return None
    return next((vote for vote in reversed(request.votes) if vote.decision is Verb.REJECT), None)


def _edit(request: Request) -> Decision | None:
    return next((given for given in request.decisions if given.decision is Verb.APPROVE_WITH_EDITS), None)
