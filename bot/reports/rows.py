"""What the requests' rows say of a period: who decided, whether duties were kept apart, under which rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct, field, to_builtins

from bot.core.consent import consented
from bot.core.edits import submission_of
from bot.core.model import Decision, Request, Then, Verb
from bot.core.policy import GLASS_REVIEW, HOUSE, Policy
from bot.core.policy.exclusion import excluded
from bot.core.ports.reports import ReportAsked
from bot.core.redaction import shown
from bot.reports.comparing import Held
from bot.reports.lists import Entry, Fold, Listed
from bot.reports.trail import fold_of, fold_of_id

_APPROVALS = (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)
_MOST_RULES = 500


class Stood(Struct):
    """One rule as it stood: under which file, what it answered, whom its stages may have asked, how often."""

    policy: str
    rule: str
    then: Then
    stages: set[str] = field(default_factory=set)
    people: set[str] = field(default_factory=set)
    requests: int = 0


class Told(Struct, frozen=True, kw_only=True):
    """One decision for the long list. ``title`` is without anything hidden."""

    request: str
    title: str
    agent: str
    action: str
    rule: str
    made: Decision


class RowsReading:
    """Takes requests, in any order."""

    def __init__(self, asked: ReportAsked, policy: Policy) -> None:
        self.asked = asked
        self.policy = policy
        self._allow_self = {rule.name for rule in (*policy.rules, policy.default) if rule.allow_self}
        self.submitted = 0
        self.states: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.verbs: Counter[str] = Counter()
        self.people: dict[str, Counter[str]] = {}
        self.fold = Fold()
        self.rules: dict[tuple[str, str], Stood] = {}
        self.rules_left_out = 0
        self.checked = 0
        self.violations = Listed()
        self.to_look_at = Listed()
        self.allowed_self = Listed()
        self.reviews: dict[str, tuple[str, str]] = {}
        self.oldest: str | None = None
        self.compared = 0
        self.edited = Listed()
        self.known = Fold()
        """Those submitted in the period, as far as the trail was read."""

    def tells(self, request: Request) -> bool:
        """Whether anything of this request is in the report: it was submitted in the period, or decided in it."""
        return self._within(request.created_at) or any(self._within(made.at) for made in request.decisions)

    def hold(self, held: Held, head: int) -> None:
        """What came of holding a row against the trail, which was read as far as the line ``head``."""
        request = held.request
        self.compared += 1
        if held.first <= head and self._within(request.created_at):
            self.known.add(fold_of_id(request.id))
        if held.differs:
            note = f"its row and the trail differ in: {', '.join(held.differs)}"
            at, by = request.created_at, f"agent:{request.agent}"
            self.edited.add(Entry(seq=held.first, at=at, what="row", by=by, request=request.id, note=note))

    def _within(self, at: datetime) -> bool:
        return (self.asked.since is None or at >= self.asked.since) and at < self.asked.until

    def take(self, request: Request) -> Iterator[Told]:
        """One request; what it gives for the long list, oldest first."""
        self.oldest = request.id if self.oldest is None else min(self.oldest, request.id)
        if request.action == GLASS_REVIEW:
            broken = str(request.content.arguments.get("request", ""))
            self.reviews[broken] = (request.id, str(request.state))
        if self._within(request.created_at):
            self._submitted(request)
        within = [made for made in request.decisions if self._within(made.at)]
        if not within:
            return
        self._duties(request, within)
        title = shown(request).title
        for made in within:
            self._decision(made)
            yield Told(
                request=request.id,
                title=title,
                agent=request.agent,
                action=request.action,
                rule=request.route.rule,
                made=made,
            )

    def _submitted(self, request: Request) -> None:
        self.submitted += 1
        self.states[str(request.state)] += 1
        own = request.action.startswith(HOUSE) or request.route.practice is not None
        self.answers["the house's own" if own else str(request.route.then)] += 1
        key = (request.route.policy, request.route.rule)
        stood = self.rules.get(key)
        if stood is None:
            if len(self.rules) >= _MOST_RULES:
                self.rules_left_out += 1
                return
            stood = self.rules[key] = Stood(*key, request.route.then)
        stood.requests += 1
        for stage in request.route.stages:
            stood.stages.add(f"{stage.name}: {stage.approvals} of chain {stage.chain}")
            stood.people |= stage.people

    def _decision(self, made: Decision) -> None:
        self.fold.add(fold_of(to_builtins(made)))
        verb = "broke the glass" if made.broke_glass else str(made.decision)
        self.verbs[verb] += 1
        self.people.setdefault(made.by, Counter())[verb] += 1

    def _duties(self, request: Request, within: list[Decision]) -> None:
        approvals = [made for made in within if made.decision in _APPROVALS and not made.broke_glass]
        self.checked += len(approvals)
        barred = set(request.route.excluded)
        owned = self._barred_today(request) - barred if approvals else set()
        amounts = not request.state.approved or consented(request)
        for made in approvals:
            if made.by in barred and amounts:
                # An edit or new advice made the route stricter, and barred who had voted: what was done without counts.
                self.to_look_at.add(_about(made, "is barred by the route that it has now; the vote does not count"))
            elif made.by in barred:
                self.violations.add(_about(made, "approved what their own route barred them from"))
            elif made.by in owned:
                self._own(request, made)
        counts = Counter((made.by, made.revision) for made in request.decisions if made.decision.is_vote)
        for made in approvals:
            if counts[made.by, made.revision] > 1:
                self.violations.add(_about(made, "voted twice on one revision"))
        if not amounts and within[-1] is request.decisions[-1]:
            self.violations.add(_about(within[-1], "its rows do not amount to the approvals that its route asks for"))

    def _own(self, request: Request, made: Decision) -> None:
        if request.route.rule in self._allow_self:
            self.allowed_self.add(_about(made, f"by allow_self of the rule {request.route.rule!r}"))
        elif request.route.policy == self.policy.hash:
            self.violations.add(_about(made, "approved their own request"))
        else:
            self.to_look_at.add(_about(made, "is its requester, owner or delegate by the rules of today"))

    def _barred_today(self, request: Request) -> set[str]:
        """Who may not review it by the rules in force now: the agent, its owner, whom it acts for, their delegates."""
        asked = submission_of(request.content, route=request.route, kind=request.kind)
        until = request.decided_at or request.expires_at
        return set(excluded(self.policy, asked, request.agent, request.created_at, until))


def _about(made: Decision, note: str) -> Entry:
    return Entry(seq=0, at=made.at, what=str(made.decision), by=f"person:{made.by}", request=made.request, note=note)
