"""The play: what happens when, driven from event to event through the desk."""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random

from bench.year.cast import AGENTS, Agent, Temper, in_temper, proposal
from bench.year.diary import Diary, Entry
from bench.year.hours import at_work
from bench.year.people import People, harmful
from bench.year.stage import CARD_AFTER, Stage
from bot.core.model import Execution, ExecutionState, Kind, Request, State, Submission, Then
from bot.core.policy import HOUSE
from bot.core.ports import Effect

_SECONDS_A_DAY = 86_400
_TICK = timedelta(hours=6)
"""What the house looks at by itself each moment or hour, it looks at so often here."""
_WEEKEND, _AT_WEEKENDS = 5, 0.25
_TRUSTED_AFTER = 3
"""So many of an agent's last requests have to have run by rule before a sly one takes heart."""
_FAILS, _SILENT, _WITHDRAWS, _REGRETS = 0.01, 0.003, 0.01, 0.05
_NOTICED, _FOUND_AFTER = 0.8, 2 * _SECONDS_A_DAY

Deed = Callable[[], Awaitable[object]]
"""What is done at its moment; what it gives is true where it may have changed something."""


class Life:
    """One life on a stage, of so many ``days``; ``scale`` multiplies how much the agents propose."""

    def __init__(self, stage: Stage, draw: Random, *, days: int, scale: float = 1.0) -> None:
        self.stage, self.draw, self.diary = stage, draw, Diary()
        self.start = stage.clock.at
        self.end = self.start + timedelta(days=days)
        self.scale = scale
        self.turned: dict[str, datetime] = {}
        """When agents that turn did."""
        self.people = People(stage, draw, self.diary, self.at)
        self._events: list[tuple[datetime, int, Deed]] = []
        self._order = count()
        self._proposals = count(1)
        self._begun: set[tuple[str, str]] = set()
        self._lately: dict[str, deque[bool]] = defaultdict(lambda: deque(maxlen=_TRUSTED_AFTER))

    def at(self, when: datetime, deed: Deed) -> None:
        """Do something at a moment of the play."""
        heapq.heappush(self._events, (when, next(self._order), deed))

    async def live(self) -> Diary:
        """All of it; what was done as planned and what came due, in order of time."""
        for agent in AGENTS:
            self._next_of(agent, self.start)
        self.at(self.start + _TICK, self._tick)
        clock = self.stage.clock
        while self._events and self._events[0][0] <= self.end:
            when, _, deed = heapq.heappop(self._events)
            clock.at = max(clock.at, when)
            if await deed():
                await self._settle()
        clock.at = max(clock.at, self.end)
        await self.stage.follower.level()
        return self.diary

    async def _settle(self) -> None:
        """See to what an act led to, until nothing does any more."""
        while True:
            for effect in self.stage.owed():
                self.at(max(effect.due_at, self.stage.clock.at + CARD_AFTER), partial(self._deliver, effect))
            if self.stage.desk.trust.stale:
                await self.stage.desk.keep_trust()
            executions, self.stage.hands.executions = self.stage.hands.executions, []
            for execution in executions:
                self._planned(execution)
            changed = await self.stage.changed()
            if not changed and not self.stage.hands.effects:
                return
            for request_id in changed:
                request = await self.stage.store.request(request_id)
                if request is not None:
                    await self._moved(request)

    async def _deliver(self, effect: Effect) -> bool:
        delivery = await self.stage.deliver(effect)
        if delivery is not None:
            self.diary.shown(delivery)
        return True

    async def _tick(self) -> bool:
        desk = self.stage.desk
        await self.stage.follower.level()
        await desk.look_at_trust()
        if desk.looking is not None:
            # The play's clock stands still meanwhile.
            await desk.looking
        await desk.practise()
        self.at(self.stage.clock.at + _TICK, self._tick)
        return True

    def _next_of(self, agent: Agent, since: datetime) -> None:
        """Plan an agent's next proposal: by chance, seldom at weekends, and as often as its temper says."""
        temper = self._temper(agent)
        pace = temper.rate * self.scale * (_AT_WEEKENDS if since.weekday() >= _WEEKEND else 1.0)
        when = since + timedelta(seconds=self.draw.expovariate(pace / _SECONDS_A_DAY))

        async def propose() -> bool:
            await self._propose(agent)
            self._next_of(agent, self.stage.clock.at)
            return True

        self.at(when, propose)

    def _temper(self, agent: Agent) -> Temper:
        now, trusted = self.stage.clock.at, self._trusted(agent)
        if agent.turns_at is not None and trusted and now >= self.start + (self.end - self.start) * agent.turns_at:
            self.turned.setdefault(agent.name, now)
        return in_temper(agent, turned=agent.name in self.turned, trusted=trusted)

    def _trusted(self, agent: Agent) -> bool:
        lately = self._lately[agent.name]
        return len(lately) == _TRUSTED_AFTER and all(lately)

    async def _propose(self, agent: Agent) -> None:
        clock = self.stage.clock
        it = proposal(agent, self._temper(agent), self.draw, next(self._proposals))
        submission = Submission(
            action=it.action,
            arguments=it.arguments,
            reason=f"{it.labels['tier']} customer asked for it",
            confidence=it.confidence,
            labels=dict(it.labels),
            kind=Kind(it.kind),
        )
        request, _ = await self.stage.desk.submit(submission, agent=agent.name)
        self._lately[agent.name].append(request.route.then is Then.APPROVE)
        self.diary.submitted(request, it)
        if self.draw.random() < _WITHDRAWS:
            later = clock.at + timedelta(seconds=self.draw.expovariate(1 / 3600))
            self.at(later, lambda: self._withdraw(request.id, agent.name))

    async def _withdraw(self, request_id: str, agent: str) -> bool:
        still = self.diary.last(request_id).state.open
        if still:
            await self.stage.desk.cancel(request_id, agent=agent, reason="no longer needed")
        return still

    async def _wake(self, request_id: str, due: datetime) -> bool:
        return self.diary.last(request_id).due_at == due and bool(await self.stage.desk.wake())

    async def _moved(self, request: Request) -> None:
        """A request changed: whoever has to act upon it plans to."""
        if request.action.startswith(HOUSE):
            self.diary.house[request.id] = request
        else:
            self.diary.moved(request)
        due = request.due_at
        if due is not None and request.state.open:
            self._once(request.id, f"wake {due}", due, partial(self._wake, request.id, due))
        if request.state is State.PENDING:
            self.people.asked(request)
        elif request.state.approved and request.execution is not None:
            self._approved(request, request.execution)
        elif request.state is State.NEEDS_INFO:
            when = self.stage.clock.at + timedelta(minutes=self.draw.uniform(2, 30))
            self._once(request.id, f"answer {request.revision}", when, lambda: self._answer(request.id))

    def _once(self, request_id: str, what: str, when: datetime, deed: Deed) -> None:
        if (request_id, what) not in self._begun:
            self._begun.add((request_id, what))
            self.at(when, deed)

    def _approved(self, request: Request, execution: Execution) -> None:
        """Somebody may think better of it while nothing has run."""
        votes = request.votes
        if execution.state is ExecutionState.WAITING and votes and execution.due_at is not None:
            half = self.stage.clock.at + (execution.due_at - self.stage.clock.at) / 2
            if self.draw.random() < _REGRETS:
                self._once(request.id, f"undo {request.revision}", half, lambda: self.people.undo(request.id))

    async def _answer(self, request_id: str) -> bool:
        entry = self.diary.entries[request_id]
        asked = entry.last.state is State.NEEDS_INFO
        if asked:
            await self.stage.desk.inform(request_id, agent=entry.proposal.agent, text="It is in the customer's letter.")
        return asked

    def _planned(self, execution: Execution) -> None:
        """An execution is to begin, or is in the hands of its agent, which reports."""
        if execution.due_at is None or execution.state.ended:
            return
        about = f"{execution.id} {execution.state}"
        claim = execution.due_at
        self._once(execution.request, f"claim {about}", claim, lambda: self._claim(execution))
        if execution.state is ExecutionState.EXECUTING and self.draw.random() >= _SILENT:
            when = self.stage.clock.at + timedelta(seconds=self.draw.lognormvariate(2, 1))
            self._once(execution.request, f"report {about}", when, lambda: self._report(execution.request))

    async def _claim(self, execution: Execution) -> bool:
        stands = self.diary.last(execution.request).execution
        if stands is None or stands.id != execution.id or stands.state.ended:
            return False
        await self.stage.desk.claim(execution.id)
        return True

    async def _report(self, request_id: str) -> bool:
        entry = self.diary.entries[request_id]
        execution = entry.last.execution
        if execution is None or execution.state is not ExecutionState.EXECUTING:
            return False
        failed = self.draw.random() < _FAILS
        state = ExecutionState.FAILED if failed else ExecutionState.EXECUTED
        agent, error = entry.proposal.agent, "no answer from the shop" if failed else None
        await self.stage.desk.report(request_id, agent=agent, state=state, error=error)
        if not failed:
            entry.ran += 1
            self._consequence(request_id, entry)
        return True

    def _consequence(self, request_id: str, entry: Entry) -> None:
        """What should not have run comes to light, mostly."""
        if harmful(entry) and self.draw.random() < _NOTICED:
            when = at_work("lea", self.stage.clock.at, self.draw.expovariate(1 / _FOUND_AFTER))
            self.at(when, lambda: self.people.report_incident(request_id))
