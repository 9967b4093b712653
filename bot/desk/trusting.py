"""The looks at trust: what this process remembers of grants, which of them are over, and what has been earned since."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from bot.core.errors import SaysoError
from bot.core.insight.fact import Fact
from bot.core.model import Request
from bot.core.policy import TRUST_LASTS, Policy, Rule
from bot.core.policy.terms import terms
from bot.core.ports import Filter, Tx
from bot.core.ports.insight import FactQuery
from bot.core.trust.evidence import Evidence, begins, earned_level, gathered
from bot.core.trust.grants import Ending, Grant, GrantState, void
from bot.core.trust.proposing import Standing, back_test, grant_of, proposable, rests, standing
from bot.desk.granting import Granting
from bot.desk.ledger import Deed

_log = logging.getLogger(__name__)
READ_EVERY = timedelta(seconds=2)
PROPOSE_EVERY = timedelta(hours=1)
_PAGE = 1000
_TESTED = 5000
"""Requests that a back-test routes again, the newest of the window."""
_REQUESTS = 200
_LEASE = "trust"


class Earning(Struct, frozen=True, kw_only=True):
    """How one agent's action stands under a rule: its evidence, its grants, and why nothing can be proposed, if so."""

    rule: str
    agent: str
    action: str
    evidence: tuple[Evidence, ...]
    standing: Standing
    rests: str | None

    @property
    def level(self) -> int | None:
        """The highest band that is earned."""
        return earned_level(self.evidence)


class Trusting(Granting):
    """The side that looks, hour by hour."""

    looking: asyncio.Task[None] | None = None
    """The look that is under way, or the last."""
    _proposed_at: datetime | None = None
    _looked: tuple[datetime, tuple[Earning, ...]] | None = None

    async def look_at_trust(self) -> None:
        """Keep what is remembered up to date, end what is over, and once an hour propose what was earned.

        A long history takes a while to go through, and no escalation may wait for that: it is gone through beside.
        """
        await self.keep_trust()
        now, idle = self._ledger.clock.now(), self.looking is None or self.looking.done()
        if self._asks_trust and idle and (self._proposed_at is None or now - self._proposed_at >= PROPOSE_EVERY):
            self._proposed_at = now
            if await self._ledger.holds(_LEASE):
                self.looking = asyncio.get_running_loop().create_task(self._look_back())

    async def _look_back(self) -> None:
        try:
            await self.propose_trust(by="sayso")
        except SaysoError as problem:
            _log.warning("what was earned could not be looked at; the next look tries again: %s", problem)
        except Exception:  # noqa: BLE001  # whatever a history holds, the house goes on, and so does the next look
            _log.exception("what was earned could not be looked at; the next look tries again")

    @property
    def _asks_trust(self) -> bool:
        return bool(self.trust.file().trusting)

    async def keep_trust(self) -> None:
        """Read the grants where they may have changed, and end those that are over."""
        now, policy, last = self._ledger.clock.now(), self.trust.file(), self.trust.read_at
        known = self._asks_trust or bool(self.trust.grants)
        if self.trust.stale or (known and (last is None or now - last >= READ_EVERY)):
            self.trust.take(await self._ledger.store.grants())
        for grant in self.trust.grants:
            if _over(policy, grant, now) is not None:
                await self._ledger.commit(partial(self._let_go, grant_id=grant.id))

    def _let_go(self, tx: Tx, grant_id: str) -> Deed:
        """End a grant whose time is up, whose rule was changed, or that nobody decided about."""
        grant, now = tx.grant(grant_id), self._ledger.clock.now()
        over = None if grant is None else _over(self.trust.file(), grant, now)
        if grant is None or over is None:
            self.trust.stale = True
            return Deed(None)
        ending, why = over
        effects = self._ended_grant(tx, grant, ending, why)
        asked = tx.request(grant.request) if grant.state is GrantState.PROPOSED else None
        if asked is None or not asked.state.open:
            return Deed(None, effects)
        return self._withdrawn(tx, asked, why, effects)

    async def end_trust(self, grant_id: str, *, by: str, via: str, why: str) -> Grant | None:
        """End a grant by hand; None where there is none of that id, or it has ended. ``by`` is an actor."""

        def work(tx: Tx) -> Deed:
            grant = tx.grant(grant_id)
            if grant is None or grant.state is GrantState.ENDED:
                return Deed(None, fresh=False)
            # Who ends a proposal takes nothing back: what was shown still counts, once it may be proposed again.
            ending = Ending.ADMIN if grant.state is GrantState.IN_FORCE else Ending.REFUSED
            effects = self._ended_grant(tx, grant, ending, why, actor=by, via=via)
            asked = tx.request(grant.request) if grant.state is GrantState.PROPOSED else None
            if asked is not None and asked.state.open:
                return self._withdrawn(tx, asked, why, effects)
            return Deed(None, effects)

        deed = await self._ledger.commit(work)
        self.trust.take(await self._ledger.store.grants())
        if not deed.fresh:
            return None
        return next((g for g in await self._ledger.store.grants() if g.id == grant_id), None)

    async def earnings(self) -> tuple[Earning, ...]:
        """How every agent's action stands under every rule that has ``trust:``."""
        found: list[Earning] = []
        for rule in self.trust.file().rules:
            if rule.trust is not None:
                found += [earning for earning, _ in await self._earned_under(rule)]
        self._looked = self._ledger.clock.now(), tuple(found)
        return tuple(found)

    async def earnings_lately(self) -> tuple[datetime, tuple[Earning, ...]]:
        """The same as of the last look, which is no more than an hour ago: going through a history takes a while."""
        now, looked = self._ledger.clock.now(), self._looked
        if looked is None or now - looked[0] >= PROPOSE_EVERY:
            await self.earnings()
            looked = self._looked
        if looked is None:
            raise AssertionError("a look leaves what it found")
        return looked

    async def propose_trust(self, *, by: str) -> tuple[Request, ...]:
        """Propose all that was earned and is not granted yet; the requests that ask for it."""
        made: list[Request] = []
        found: list[Earning] = []
        for rule in self.trust.file().rules:
            if rule.trust is None:
                continue
            for earning, facts in await self._earned_under(rule):
                found.append(earning)
                asked = await self._considered(rule, earning, facts, by)
                made += [] if asked is None else [asked]
        self._looked = self._ledger.clock.now(), tuple(found)
        return tuple(made)

    async def _earned_under(self, rule: Rule) -> list[tuple[Earning, tuple[Fact, ...]]]:
        trust, now = rule.trust, self._ledger.clock.now()
        if trust is None:
            return []
        since = begins(trust.window, now)
        decided = await self._facts(FactQuery(rule=rule.name, since=since, decided=True, limit=_PAGE))
        every = await self._ledger.store.grants()
        pairs = {(fact.agent, fact.action) for fact in decided}
        pairs |= {(grant.agent, grant.action) for grant in every if grant.rule == rule.name}
        found = []
        for agent, action in sorted(pairs):
            stands = standing(g for g in every if g.about == (rule.name, agent, action))
            # All that the agent did, for an incident counts whatever rule it ran by.
            facts = await self._facts(FactQuery(agent=agent, action=action, since=since, limit=_PAGE))
            known = {"rule": rule.name, "agent": agent, "action": action}
            reading = self.trust.file().attention.reading
            now_said = terms(self.trust.file(), rule, action)
            weigh = partial(
                gathered, now=now, since=stands.since, reading=reading, expires=rule.expires, terms=now_said
            )
            evidence = await asyncio.to_thread(weigh, trust, facts, **known)
            why = rests(trust, stands, now) or self._never(action)
            found.append((Earning(**known, evidence=evidence, standing=stands, rests=why), facts))
        return found

    def _never(self, action: str) -> str | None:
        spec = self.trust.file().action(action)
        return f"{action} is critical, so nothing of it is ever proposed" if spec.critical else None

    async def _facts(self, query: FactQuery) -> tuple[Fact, ...]:
        """All of them, page by page."""
        found: list[Fact] = []
        while True:
            page = await self._ledger.store.facts_of(query)
            found += page
            if len(page) < query.limit:
                return tuple(found)
            query = replace(query, after=page[-1].request)

    async def _considered(self, rule: Rule, earning: Earning, facts: tuple[Fact, ...], by: str) -> Request | None:
        now, proposed = self._ledger.clock.now(), earning.standing.proposed
        if proposed is not None and (earning.level is None or earning.level < proposed.level):
            why = "the evidence no longer carries it"
            await self._ledger.commit(lambda tx: self._fallen(tx, proposed.id, why))
            return None
        level = proposable(rule, earning.evidence, earning.standing, now)
        if level is None or earning.rests is not None or rule.trust is None:
            return None
        ids = {"id": self._ledger.id("grt"), "request": self._ledger.id("req"), "proposed_at": now}
        policy, stands = self.trust.file(), earning.standing
        target = policy.action(earning.action).execute.target
        carried = earning.evidence[: level + 1]
        grant = grant_of(policy, rule, carried, facts, target=target, before=stands.before, **ids)
        requests = await self._window(earning, now - rule.trust.window)
        tested = await asyncio.to_thread(back_test, policy, grant, requests, now)
        told = [fact.request for fact in facts if fact.numbers]

        def work(tx: Tx) -> Deed:
            # Read before an erasure, it would keep the amounts that this took away: the next look has none of them.
            if tx.forgotten(told):
                return Deed(None, fresh=False)
            return self._proposed(tx, rule, grant, earning.evidence, tested, actor=by) or Deed(None, fresh=False)

        return (await self._ledger.commit(work)).request

    async def _window(self, earning: Earning, since: datetime) -> tuple[Request, ...]:
        """The agent's requests for the action since, oldest first."""
        found: list[Request] = []
        cursor: str | None = None
        while len(found) < _TESTED:
            query = Filter(agent=earning.agent, action=earning.action, since=since, cursor=cursor, limit=_REQUESTS)
            page = await self._ledger.store.requests(query)
            found += page
            if len(page) < _REQUESTS:
                break
            cursor = page[-1].id
        return tuple(reversed(found))


def _over(policy: Policy, grant: Grant, now: datetime) -> tuple[Ending, str] | None:
    """Why a grant that has not ended is over, if it is."""
    nothing = void(policy, grant)
    if nothing is not None:
        return Ending.CHANGED, nothing
    if grant.state is GrantState.PROPOSED and now >= grant.proposed_at + TRUST_LASTS:
        return Ending.UNDECIDED, "nobody decided about it in time"
    if grant.until is not None and now >= grant.until:
        return Ending.EXPIRED, f"it was granted until {grant.until:%Y-%m-%d %H:%M} UTC"
    return None
