"""From what a page is asked for to figures: what may be read of whom, and how a page tells of its period."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import Fault, Forbidden, Invalid, SaysoError
from bot.core.insight.asking import Question
from bot.core.insight.figures import Figures
from bot.web.inbox import wording
from bot.web.inbox.guard import Visitor
from bot.web.inbox.insights.asked import NARROWING, Asked, asked_of
from bot.web.inbox.insights.door import page_of
from bot.web.inbox.insights.page import Page
from bot.web.inbox.language import Said, words
from bot.web.inbox.site import Site
from bot.web.sight import sees_people

_OFFERED = 200
"""Names in one list to pick from."""

TOLD = words("Requests submitted from {since} to {until}. Read {as_of}.")
BESIDE = words("Requests submitted from {since} to {until}, beside as long a time before. Read {as_of}.")
BEHIND = words("The newest {n} lines of the trail are not counted yet.")
BAD_LABEL = words("Write a label as name=value.")
NOT_TOGETHER = words(
    "That is not known together. Labels are known by agent and action; people by agent, action and channel."
)
OTHERS = words("Figures of other people by name are for admins and auditors. Your own are under People.")


class Reader(Struct, frozen=True):
    """Who asks for what: figures as this visitor may read them. ``fixed`` is what the page is always narrowed to."""

    site: Site
    visitor: Visitor
    asked: Asked
    fixed: Mapping[str, str] = {}

    def question(self, **other: Any) -> Question:
        """The page's question, other in what is given; raises `SaysoError` where it has no answer, or not for them."""
        person, now = self.visitor.person, self.site.house.clock.now()
        since, until = self.asked.period(person, now)
        made = Question(since=since, until=until, **{**self.asked.narrowed, **self.fixed, **other})
        named = made.reviewer or (made.by == "reviewer" and made.most)
        if named and not sees_people(person):
            if made.reviewer not in ("", person.id):
                raise Forbidden(OTHERS)
            made = replace(made, reviewer=person.id)
        wrong = made.wrong()
        if wrong is not None:
            field, _ = wrong
            told = BAD_LABEL if field == "label" and "=" not in made.label else NOT_TOGETHER
            raise Invalid(told, faults=(Fault(f"/{field}", "unknown", told),))
        return made

    async def figures(self, *questions: Question) -> tuple[Figures, ...]:
        """The answers, in order."""
        return tuple(await asyncio.gather(*map(self.site.house.measured, questions)))

    def told(self, figures: Figures) -> tuple[str, str]:
        """Of which period figures are and when they were read, and how far behind the trail they are."""
        now, person = self.site.house.clock.now(), self.visitor.person
        at = {
            name: wording.clock_time(moment, person, now)
            for name, moment in (("since", figures.since), ("until", figures.until), ("as_of", figures.as_of))
        }
        said = Said(TOLD if figures.before_since is None else BESIDE, **at)
        return said, Said(BEHIND, n=f"{figures.behind:,}") if figures.behind else ""

    def files(self, **fixed: str) -> dict[str, str]:
        """Where the same is had as CSV and as JSON."""
        narrowed = {**self.fixed, **fixed}
        return {kind: self.asked.address(f"/insights.{kind}", **narrowed) for kind in ("csv", "json")}


Fill = Callable[[Reader], Awaitable[Page]]


async def shown(
    site: Site,
    http: Http,
    visitor: Visitor,
    fill: Fill,
    *,
    tab: str,
    path: str,
    heading: str,
    fixed: Mapping[str, str] | None = None,
    back: tuple[str, str] | None = None,
) -> Response:
    """A page of figures at ``path``, filled for what was asked; what is refused stands above the form that asked it."""
    fixed = fixed or {}
    # What the page is always of stands in its path.
    asked = asked_of({name: value for name, value in http.query_params.items() if name not in fixed})
    page, error = None, None
    try:
        page = await fill(Reader(site, visitor, asked, fixed))
    except SaysoError as refused:
        error = refused
    return page_of(
        site,
        visitor,
        tab,
        "figures",
        status=error.status if error else 200,
        heading=heading,
        path=path,
        back=back,
        asked=asked,
        page=page,
        refusal=error,
        faults={fault.pointer: fault.detail for fault in error.faults} if error else {},
        fields=_fields(site, visitor, asked, fixed),
    )


def _fields(
    site: Site, visitor: Visitor, asked: Asked, fixed: Mapping[str, str]
) -> list[tuple[str, str, str, list[str]]]:
    """What can be narrowed to: name, text, what is asked for, and what may be picked."""
    policy = site.house.policy()
    people = list(policy.people) if sees_people(visitor.person) else [visitor.person.id]
    known = {
        "agent": list(policy.agents),
        "action": list(policy.actions),
        "rule": [rule.name for rule in policy.rules],
        "channel": list(wording.CHANNELS),
        "reviewer": people,
    }
    return [
        (name, text, getattr(asked, name), known.get(name, [])[:_OFFERED])
        for name, text in NARROWING.items()
        if name not in fixed
    ]
