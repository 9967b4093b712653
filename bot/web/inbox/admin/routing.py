"""``/admin/routing``: the routing.yaml in force, drawn: its rules, its actions, and who is on duty by it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.model import Absence
from bot.core.policy import ActionSpec, Policy, Rule, WorkTime
from bot.web.inbox.admin.door import page_of
from bot.web.inbox.admin.flow import ChainBox, Draughtsman, cited
from bot.web.inbox.admin.paging import AT_ONCE, leaf_of, sliced
from bot.web.inbox.admin.roster import Duty, Hours, Roster
from bot.web.inbox.guard import Visitor
from bot.web.inbox.language import words
from bot.web.inbox.pages import see_other
from bot.web.inbox.site import Site

ROUTING = "/admin/routing"
MOST_WARNINGS = 200
_MEMBERS = 60

_KINDS = {
    "webhook": words("Webhook"),
    "python": words("Python function on this machine"),
    "agent": words("Its agent, which reports back"),
    "nothing": words("Nothing runs"),
}


class Warned(Struct, frozen=True):
    """One warning, and the name of the rule on these pages that it speaks of (None: of no rule)."""

    text: str
    rule: str | None


class ActionPart(Struct, frozen=True, kw_only=True):
    """One action as it is run; ``kind`` in words."""

    spec: ActionSpec
    kind: str
    title: str


class Rota(Struct, frozen=True, kw_only=True):
    """One schedule: its people in their turns, and who has it now and next."""

    name: str
    zone: str
    people: tuple[str, ...]
    days: int
    overrides: int
    duty: Duty


class Opened(Struct, frozen=True, kw_only=True):
    """One calendar: day and hours of each opening, and whether it is open now."""

    time: WorkTime
    week: tuple[tuple[str, str], ...]
    hours: Hours


class Group(Struct, frozen=True, kw_only=True):
    """One group and who of it is there now; ``more`` are left out."""

    name: str
    people: tuple[str, ...]
    more: int


class Away(Struct, frozen=True, kw_only=True):
    """Somebody's absence, now or to come."""

    name: str
    absence: Absence
    now: bool
    delegate: str | None


def rule_link(name: str) -> str:
    """Where a rule is drawn, by its name."""
    return f"{ROUTING}?rule={quote(name, safe='')}"


async def rules(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /admin/routing``: the rules in their order, fifty a page; ``?rule=`` goes to where one is drawn."""
    policy, now = site.house.policy(), site.house.clock.now()
    sought = http.query_params.get("rule")
    place = next((n for n, rule in enumerate(policy.rules, 1) if rule.name == sought), None)
    if place is not None:
        return see_other(f"{ROUTING}?page={(place - 1) // AT_ONCE + 1}#rule-{place}")
    if sought == policy.default.name:
        return see_other(f"{ROUTING}?page={-(-len(policy.rules) // AT_ONCE) or 1}#rule-0")
    warnings = await asyncio.to_thread(site.house.warnings)
    drawn = Draughtsman(policy, Roster(policy, now), warnings)
    leaf = leaf_of(http, len(policy.rules))
    page = sliced(policy.rules, leaf)
    ends = leaf.number == leaf.of
    return page_of(
        site,
        visitor,
        "routing",
        part="rules",
        hash=policy.hash,
        leaf=leaf,
        rules=[drawn.rule(rule, page.first + n) for n, rule in enumerate(page.items, 1)],
        total=page.total,
        default=drawn.rule(policy.default, 0) if ends else None,
        exceptions=drawn.groups(policy.exceptions) if ends else (),
        glass=policy.break_glass if ends else None,
        review=_review(drawn, policy) if ends else None,
        names={person.id: person.name for person in policy.people.values()},
        warnings=_warned(warnings[:MOST_WARNINGS], policy.rules),
        warned=len(warnings),
        lost=sought,
    )


def _review(drawn: Draughtsman, policy: Policy) -> ChainBox | None:
    return drawn.chain(policy.break_glass.review) if policy.break_glass else None


def _warned(warnings: Sequence[str], rules: Sequence[Rule]) -> list[Warned]:
    by_name = {cited(rule.name): rule.name for rule in rules}
    return [Warned(text, next((by_name[name] for name in by_name if name in text), None)) for text in warnings]


async def actions(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /admin/routing/actions``: what may be done, how it runs, and how it is taken back."""
    policy = site.house.policy()
    every = tuple(policy.actions.values())
    leaf = leaf_of(http, len(every))
    page = sliced(every, leaf)
    parts = [ActionPart(spec=spec, kind=_kind(spec), title=getattr(spec.title, "source", "")) for spec in page.items]
    return page_of(site, visitor, "actions", part="actions", leaf=leaf, actions=parts, total=page.total)


def _kind(spec: ActionSpec) -> str:
    run = spec.execute
    return _KINDS["webhook" if run.webhook else "python" if run.python else "agent" if run.agent else "nothing"]


async def duty(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /admin/routing/duty``: who is on duty now and next, who is away, which hours run, who is in which group."""
    policy, now = site.house.policy(), site.house.clock.now()
    roster = Roster(policy, now)
    schedules, groups = tuple(policy.schedules.values()), tuple(policy.groups.items())
    calendars, away = tuple(policy.calendars.values()), _absences(policy, roster, now)
    leaf = leaf_of(http, max(map(len, (schedules, groups, calendars, away))))
    return page_of(
        site,
        visitor,
        "duty",
        part="duty",
        leaf=leaf,
        rotas=[
            Rota(
                name=schedule.name,
                zone=schedule.timezone,
                people=tuple(roster.name(person) for person in schedule.people),
                days=schedule.days,
                overrides=sum(shift.until > now for shift in schedule.overrides),
                duty=roster.duty(schedule),
            )
            for schedule in sliced(schedules, leaf).items
        ],
        away_now=sliced(away, leaf).items,
        calendars=[
            Opened(time=time, week=_week(time), hours=roster.hours(time)) for time in sliced(calendars, leaf).items
        ],
        groups=[_group(roster, name, people) for name, people in sliced(groups, leaf).items],
    )


def _group(roster: Roster, name: str, people: tuple[str, ...]) -> Group:
    there = tuple(roster.there(person) for person in people[:_MEMBERS])
    return Group(name=name, people=there, more=max(len(people) - _MEMBERS, 0))


def _absences(policy: Policy, roster: Roster, now: datetime) -> tuple[Away, ...]:
    """Everybody's absence, now or next; those who are away already first."""
    found = [(person, absence) for person in policy.away if (absence := roster.away(person)) is not None]
    parts = [
        Away(
            name=roster.name(person),
            absence=absence,
            now=absence.since <= now,
            delegate=roster.name(absence.delegate) if absence.delegate else None,
        )
        for person, absence in found
    ]
    return tuple(sorted(parts, key=lambda part: part.absence.since))


_DAYS = (words("Mon"), words("Tue"), words("Wed"), words("Thu"), words("Fri"), words("Sat"), words("Sun"))


def _week(time: WorkTime) -> tuple[tuple[str, str], ...]:
    """Each opening: the day, and from when to when on its own clock."""
    return tuple((_DAYS[o.weekday], f"{_clock(o.opens)}–{_clock(o.closes)}") for o in time.week)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
