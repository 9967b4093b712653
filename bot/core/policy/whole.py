"""A whole routing.yaml, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from msgspec import Struct

from bot.core.model import Absence, Arguments, OnIrreversible, Person, Replies, Risk, Schedule
from bot.core.policy.actions import HOUSE, ActionSpec, AgentSpec, Execute
from bot.core.policy.attention import Attention, Practice
from bot.core.policy.chains import Chain, StageSpec
from bot.core.policy.people import WorkTime
from bot.core.policy.rules import BreakGlass, Expectation, Flood, Rule


class Policy(Struct, frozen=True, kw_only=True, dict=True):
    """A whole routing.yaml, checked. ``hash`` is ``sha256:`` + hex of the file, which the audit trail names.

    ``channels`` holds each channel's own section as read (the channel knows what it means); ``allow_private`` lists
    the networks (CIDR) that replays may reach though they are not global. ``replies`` and ``irreversible`` hold where
    a rule says nothing else. ``hours`` and ``away`` are by person, for those who have any. ``exceptions`` are asked
    about what an agent calls out of its scope, where no rule speaks of it.
    """

    hash: str
    people: Mapping[str, Person]
    groups: Mapping[str, tuple[str, ...]]
    agents: Mapping[str, AgentSpec]
    channels: Mapping[str, Mapping[str, Any]]
    actions: Mapping[str, ActionSpec]
    chains: Mapping[str, Chain]
    rules: tuple[Rule, ...]
    default: Rule
    allow_private: tuple[str, ...] = ()
    tests: tuple[Expectation, ...] = ()
    replies: Replies = Replies.APPROVE
    irreversible: OnIrreversible = OnIrreversible.PAGE
    schedules: Mapping[str, Schedule] = {}
    calendars: Mapping[str, WorkTime] = {}
    hours: Mapping[str, WorkTime] = {}
    away: Mapping[str, tuple[Absence, ...]] = {}
    break_glass: BreakGlass | None = None
    exceptions: tuple[StageSpec, ...] = ()
    flood: Flood = Flood()
    attention: Attention = Attention()
    practice: Practice | None = None

    @cached_property
    def known_terms(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """What was reckoned already, by rule and action (`bot.core.policy.terms`)."""
        return {}

    @cached_property
    def trusting(self) -> tuple[Rule, ...]:
        """The rules under which something can be earned; most files have none."""
        return tuple([rule for rule in self.rules if rule.trust is not None])

    def action(self, name: str) -> ActionSpec:
        """The action's entry; one that is not listed is irreversible and run by its agent."""
        if name.startswith(HOUSE):
            return ActionSpec(name=name, risk=Risk.REVERSIBLE, editable=(), execute=Execute())
        return self.actions.get(name) or ActionSpec(name=name)

    def members(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """People, groups and schedules as written, resolved to all whom they may ever mean, in order, each once."""
        if not names:
            return ()
        return tuple(dict.fromkeys([person for name in names for person in self._meant(name)]))

    def _meant(self, name: str) -> tuple[str, ...]:
        schedule = self.schedules.get(name)
        if schedule is None:
            return self.groups.get(name, (name,))
        more = (schedule.fallback,) if schedule.fallback else ()
        return (*schedule.people, *(shift.person for shift in schedule.overrides), *more)

    def title(self, action: str, arguments: Arguments) -> str:
        """The request's title, of the admin's making alone."""
        template = self.action(action).title
        return template.render(arguments) if template else action
