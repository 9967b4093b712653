"""What the people of the play do with what they are asked, as far as they see what it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from bench.year.cast import AGENTS, PEOPLE, Person
from bench.year.diary import Act, Diary, Entry
from bench.year.hours import at_work
from bench.year.stage import Stage
from bot.core.card import Card
from bot.core.model import ExecutionState, Kind, Request, Severity, State, Verb
from bot.core.policy import REVIEW_AFTER
from bot.core.ports import Ballot
from bot.desk.incidents import RAN

_PACE = 22.0
"""Characters a second that who reads, reads."""
_NUMBER = {agent.name: agent.number for agent in AGENTS}
_TAKES_BACK = 0.5
_CATEGORIES = ("wrong amount", "wrong target", "against policy", "not needed")


class People:
    """All of them. ``at`` plans something for a moment."""

    def __init__(
        self,
        stage: Stage,
        draw: Random,
        diary: Diary,
        at: Callable[[datetime, Callable[[], Awaitable[object]]], None],
    ) -> None:
        self._stage, self._draw, self._diary, self._at = stage, draw, diary, at
        self._asked: set[tuple[str, str, int]] = set()

    def asked(self, request: Request) -> None:
        """Whoever may decide now and was not asked about this revision yet looks at it, some time or never."""
        now = self._stage.clock.at
        entry = self._diary.entries.get(request.id)
        for name in request.assignees:
            if (request.id, name, request.revision) in self._asked or not request.waits_for(name):
                continue
            self._asked.add((request.id, name, request.revision))
            if entry is not None:
                again = any(who == name for who, _ in entry.asked)
                entry.asked[name, request.revision] = request.content.created_at if again else now
            person = PEOPLE[name]
            if self._draw.random() < person.zeal:
                when = at_work(name, now, self._draw.expovariate(1 / person.delay))
                self._at(when, partial(self._look, request.id, person))

    async def _look(self, request_id: str, person: Person) -> bool:
        request = self._diary.last(request_id)
        if request.state is not State.PENDING or not request.waits_for(person.id):
            return False
        card = self._stage.desk.card_of(request)
        in_slack = self._draw.random() < person.slack
        if not in_slack:
            await self._stage.desk.read(request_id, request.revision, by=person.id)
            entry = self._diary.entries.get(request_id)
            if entry is not None:
                entry.opened.setdefault((person.id, request.revision), self._stage.clock.at)
        took = self._reading(card, person)
        when = self._stage.clock.at + timedelta(seconds=took)
        channel = "slack" if in_slack else "inbox"
        self._at(when, lambda: self._act(request_id, person, request.revision, channel))
        # That it was opened is no line of the trail.
        return False

    def _reading(self, card: Card, person: Person) -> float:
        if not person.reads:
            return person.glance * self._draw.uniform(0.3, 1.0)
        return 5 + len(repr(card.arguments)) / _PACE * self._draw.uniform(0.8, 2.0) + self._draw.expovariate(1 / 20)

    async def _act(self, request_id: str, person: Person, revision: int, channel: str) -> bool:
        request = self._diary.last(request_id)
        if request.state is not State.PENDING or not request.waits_for(person.id) or request.revision != revision:
            return False
        entry = self._diary.entries.get(request_id)
        said = self._choice(request, person, entry)
        now = self._stage.clock.now()
        await self._stage.desk.decide(
            Ballot(request=request_id, by=person.id, channel=channel, revision=revision, digest=request.digest, **said)
        )
        if entry is None:
            return True
        entry.acts.append(
            Act(
                by=person.id,
                verb=str(said["decision"]),
                at=now,
                channel=channel,
                revision=revision,
                since=max(
                    entry.shown.get((person.id, revision), entry.asked[person.id, revision]),
                    entry.asked[person.id, revision],
                ),
                opened=entry.opened.get((person.id, revision)),
                shown=entry.shown.get((person.id, revision)),
                category=said.get("category"),
                comment="comment" in said,
                hasty=not person.reads,
            )
        )
        return True

    def _choice(self, request: Request, person: Person, entry: Entry | None) -> dict[str, Any]:
        """What a person says to it: ``decision`` and what goes with that, as a `Ballot` takes it."""
        draw = self._draw
        said: dict[str, Any] = {"decision": Verb.APPROVE}
        if entry is None:
            return self._in_hindsight(request, person) if request.action == REVIEW_AFTER else said
        it = entry.proposal
        if request.kind is Kind.QUESTION:
            said["answer"] = "Yes, that is how we do it."
        elif request.revision == 1 and draw.random() < person.asks:
            said = {"decision": Verb.ASK, "comment": "Which order is this about?"}
        elif it.truth.wrong and draw.random() < person.notices:
            said = self._refusal(request, entry)
        elif person.against == it.agent and draw.random() < person.bias:
            said = {"decision": Verb.REJECT, "category": _CATEGORIES[3]}
        elif draw.random() < person.doubts:
            said = {"decision": Verb.REJECT, "category": _CATEGORIES[2], "comment": "I am not sure about this one."}
        return said

    def _refusal(self, request: Request, entry: Entry) -> dict[str, Any]:
        truth, name = entry.proposal.truth, _NUMBER[entry.proposal.agent]
        if truth.right is not None:
            if request.content.arguments[name] == truth.right:
                return {"decision": Verb.APPROVE}
            arguments = {**request.content.arguments, name: truth.right}
            return {"decision": Verb.APPROVE_WITH_EDITS, "arguments": arguments, "category": _CATEGORIES[0]}
        refused: dict[str, Any] = {"decision": Verb.REJECT, "category": self._draw.choice(_CATEGORIES)}
        return refused | ({"comment": "This must not happen."} if self._draw.random() < 0.6 else {})  # noqa: PLR2004  # most say why

    def _in_hindsight(self, review: Request, person: Person) -> dict[str, Any]:
        first = self._diary.entries[str(review.route.of)]
        if not harmful(first) or self._draw.random() >= person.notices:
            return {"decision": Verb.APPROVE}
        first.incident = first.incident or self._stage.clock.now()
        return {"decision": Verb.REJECT, "category": "high", "comment": "That was wrong."}

    async def undo(self, request_id: str) -> bool:
        """Who approved it takes that back while nothing has run; whether anything was done."""
        request = self._diary.last(request_id)
        if request.execution is None or request.execution.state is not ExecutionState.WAITING:
            return False
        by = request.votes[-1].by
        await self._stage.desk.undo(request_id, by=by, via="inbox", revision=request.revision)
        self._diary.entries[request_id].undone = True
        return True

    async def report_incident(self, request_id: str) -> bool:
        """Somebody found out that what ran did harm; what can be taken back they propose to, as often as not.

        Whether anything was done, as of everything that is planned.
        """
        entry, desk = self._diary.entries[request_id], self._stage.desk
        run = entry.last.execution
        if run is None or run.state not in RAN or run.incidents:
            return False
        severity = self._draw.choice((Severity.LOW, Severity.MEDIUM, Severity.HIGH))
        entry.incident = entry.incident or self._stage.clock.now()
        by = "person:lea"
        await desk.report_incident(request_id, by=by, via="inbox", severity=severity, note="A customer complained.")
        if self._stage.policy.action(entry.proposal.action).rollback and self._draw.random() < _TAKES_BACK:
            await desk.roll_back(request_id, by=by, via="inbox", reason="It did harm.")
        return True


def harmful(entry: Entry) -> bool:
    """Whether what ran, or would run, does harm in truth."""
    truth, content = entry.proposal.truth, entry.last.content
    return truth.wrong and (truth.right is None or truth.right not in content.arguments.values())
