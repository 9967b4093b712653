"""A rule as it is drawn: what it asks for, what it answers, and the stages and chains that people are asked by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from bot.core.model import OnExpiry, OnIrreversible, OnUndeliverable, Replies, Then
from bot.core.policy import OWN_CLOCK, Chain, ChainStep, Limit, Policy, Rule, StageSpec
from bot.core.scrutiny import visible
from bot.web.inbox.admin.roster import Roster, Whom
from bot.web.inbox.language import Said, words
from bot.web.inbox.wording import CHANNELS, span

THEN = {
    Then.APPROVE: (words("Approves"), "good"),
    Then.STAGES: (words("Asks people"), "wait"),
    Then.BLOCK: (words("Blocks"), "bad"),
}

_COUNTED = words("At most {count} in {per}, counted for each {by}")
_SUMMED = words("{sum} adds up to at most {max} in {per}, for each {by}")
_GATED = words("Only from a confidence of {gate} on")
_MARKED = words("A confidence below {gate} is marked")
_SAMPLED = words("{share} of them go to a person all the same")
_EXPIRES = words("Expires after {span}")
_REJECTS = words("Counts as rejected after {span}")
_SELF = words("People may review what they asked for themselves")
_ADVICE = words("{advisors} may give an opinion first, for {span} at most")
_REPLIES = {
    Replies.APPROVE: words("A reply by mail may approve"),
    Replies.REJECT_ONLY: words("A reply by mail may only reject"),
    Replies.OFF: words("A reply by mail decides nothing"),
}
_IRREVERSIBLE = {
    OnIrreversible.REPLY: words("What cannot be undone may be approved by mail"),
    OnIrreversible.PAGE: words("What cannot be undone is approved on its page"),
}

_WAITS = words("waits {span}")
_LAST = words("waits on")
_REMINDS = words("reminds every {span}")
_GATHERS = words("mail gathers for {span}")
_CLOCK = words("counted in the hours of {calendar}")
_OWN_CLOCK = words("counted while somebody asked is at work")
_ANYTIME = words("told at any hour")
_HELD = words("held while nobody is there")
_INSTEAD = words("while nobody is there: {names}")
_WAIT_ON = words("waits on where nobody is reached")

_TOLD = words("Then it waits on; told of it: {names}")
_ENDS = {OnExpiry.EXPIRE: words("Then it expires"), OnExpiry.REJECT: words("Then it is rejected")}
_TOLD_ENDS = {
    OnExpiry.EXPIRE: words("Then it expires; told of it: {names}"),
    OnExpiry.REJECT: words("Then it is rejected; told of it: {names}"),
}

_LONGEST_NAME = 60
"""As the warnings cite a name of the file."""


class StepBox(Struct, frozen=True, kw_only=True):
    """One step of a chain: whom it asks, through what (empty: through all), and how its time runs, in words."""

    whom: tuple[Whom, ...]
    via: tuple[str, ...]
    notes: tuple[str, ...]


class ChainBox(Struct, frozen=True, kw_only=True):
    """A chain in a row; it is gone through ``begins`` times at most, and ``end`` is what comes then, in words."""

    name: str
    steps: tuple[StepBox, ...]
    begins: int
    end: str


class StageBox(Struct, frozen=True, kw_only=True):
    """One stage; ``condition`` is asked first (empty: none)."""

    name: str
    approvals: int
    rejections: int
    distinct: bool
    condition: str
    chain: ChainBox


class RuleFlow(Struct, frozen=True, kw_only=True):
    """One rule; ``number`` from 1, 0 for the default. Stages of one group are asked together.

    ``look`` is the chain that is asked where it held and yet does not approve.
    """

    number: int
    name: str
    when: str
    then: str
    tone: str
    facts: tuple[str, ...]
    groups: tuple[tuple[StageBox, ...], ...]
    look: ChainBox | None
    warnings: tuple[str, ...]


class Draughtsman:
    """Draws rules and chains of a policy; each chain is worked out once, however many rules ask by it."""

    def __init__(self, policy: Policy, roster: Roster, warnings: Sequence[str]) -> None:
        self._policy = policy
        self._roster = roster
        self._warnings = warnings
        self._chains: dict[str, ChainBox] = {}

    def rule(self, rule: Rule, number: int) -> RuleFlow:
        """One rule."""
        then, tone = THEN[rule.then]
        return RuleFlow(
            number=number,
            name=rule.name,
            when=rule.when.source if rule.when else "",
            then=then,
            tone=tone,
            facts=tuple(_facts(rule)),
            groups=self.groups(rule.stages),
            look=self.chain(rule.second_look) if rule.second_look else None,
            warnings=tuple(warning for warning in self._warnings if cited(rule.name) in warning),
        )

    def groups(self, stages: Sequence[StageSpec]) -> tuple[tuple[StageBox, ...], ...]:
        """Stages in order; those that are asked together stand in one group."""
        groups: list[list[StageBox]] = []
        before = 0
        for spec in stages:
            box = self._stage(spec)
            if spec.parallel and spec.parallel == before:
                groups[-1].append(box)
            else:
                groups.append([box])
            before = spec.parallel
        return tuple(tuple(group) for group in groups)

    def _stage(self, spec: StageSpec) -> StageBox:
        return StageBox(
            name=spec.name,
            approvals=spec.approvals,
            rejections=spec.rejections,
            distinct=spec.distinct_groups,
            condition=spec.condition.source if spec.condition else "",
            chain=self.chain(spec.chain),
        )

    def chain(self, name: str) -> ChainBox:
        """One chain."""
        known = self._chains.get(name)
        if known is None:
            chain = self._policy.chains[name]
            steps = tuple(self._step(step, last=step is chain.steps[-1]) for step in chain.steps)
            known = ChainBox(name=name, steps=steps, begins=chain.repeat + 1, end=self._end(chain))
            self._chains[name] = known
        return known

    def _step(self, step: ChainStep, *, last: bool) -> StepBox:
        return StepBox(
            whom=tuple(self._roster.whom(name) for name in step.notify),
            via=tuple(CHANNELS.get(name, name) for name in step.via),
            notes=tuple(_notes(step, self._named(step.fallback), last=last)),
        )

    def _named(self, names: Sequence[str]) -> str:
        """Names of the file as people read them: a person's own, a group's or schedule's as written."""
        return ", ".join(self._roster.name(name) for name in names)

    def _end(self, chain: Chain) -> str:
        end = chain.exhausted
        names = self._named(end.notify)
        if end.then is None:
            return Said(_TOLD, names=names) if names else ""
        return Said(_TOLD_ENDS[end.then], names=names) if names else _ENDS[end.then]


def _notes(step: ChainStep, instead: str, *, last: bool) -> Iterator[str]:
    if step.wait is not None:
        yield Said(_WAITS, span=span(step.wait))
    elif not last:
        yield _LAST
    if step.remind is not None:
        yield Said(_REMINDS, span=span(step.remind))
    if step.digest is not None:
        yield Said(_GATHERS, span=span(step.digest))
    if step.clock is not None:
        yield _OWN_CLOCK if step.clock == OWN_CLOCK else Said(_CLOCK, calendar=step.clock)
    if step.anytime:
        yield _ANYTIME
    if step.fallback:
        yield Said(_INSTEAD, names=instead)
    elif step.if_empty == "hold":
        yield _HELD
    if step.on_undeliverable is OnUndeliverable.WAIT:
        yield _WAIT_ON


def _facts(rule: Rule) -> Iterator[str]:
    if rule.gate is not None:
        yield Said(_GATED if rule.then is Then.APPROVE else _MARKED, gate=f"{rule.gate:.0%}")
    if rule.limit is not None:
        yield from _limits(rule.limit)
    if rule.sample:
        yield Said(_SAMPLED, share=f"{rule.sample * 100:.3g} %")
    if rule.advisors:
        yield Said(_ADVICE, advisors=", ".join(rule.advisors), span=span(rule.advice_within))
    if rule.stages or rule.second_look:
        yield Said(_REJECTS if rule.on_expiry is OnExpiry.REJECT else _EXPIRES, span=span(rule.expires))
    if rule.allow_self:
        yield _SELF
    if rule.replies is not None:
        yield _REPLIES[rule.replies]
    if rule.irreversible is not None:
        yield _IRREVERSIBLE[rule.irreversible]


def _limits(limit: Limit) -> Iterator[str]:
    per, by = span(limit.per), ", ".join(limit.by)
    if limit.sum is not None and limit.max is not None:
        yield Said(_SUMMED, sum=limit.sum.source, max=f"{limit.max:,.10g}", per=per, by=by)
    if limit.count is not None:
        yield Said(_COUNTED, count=limit.count, per=per, by=by)


def cited(name: str) -> str:
    """How warnings begin to speak of a rule."""
    told = visible(name)
    return f'the rule "{told}"' if len(told) <= _LONGEST_NAME else f'the rule "{told[: _LONGEST_NAME - 1]}'
