"""``/insights/people``: who decided how much, how fast, and how. A reviewer reads the team's figures and their own."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.card import name_of
from bot.core.insight import names
from bot.core.insight.figures import Figures, Group
from bot.core.insight.figures import Spread as Known
from bot.core.insight.rates import size_of
from bot.core.model import Person
from bot.web.inbox.guard import Visitor
from bot.web.inbox.insights import panels
from bot.web.inbox.insights.answered import Reader, shown
from bot.web.inbox.insights.door import INSIGHTS
from bot.web.inbox.insights.page import Page, Tile
from bot.web.inbox.insights.queued import queue, queue_chart
from bot.web.inbox.insights.svg.marks import Chart
from bot.web.inbox.insights.svg.strips import Amount, amounts, rates, spreads
from bot.web.inbox.language import Said, words
from bot.web.inbox.site import Site
from bot.web.sight import sees_people

PEOPLE = f"{INSIGHTS}/people"

VOTES = {
    "approve": words("Approved as proposed"),
    "approve_with_edits": words("Approved with edits"),
    "reject": words("Rejected"),
    "ask": words("Asked the agent"),
    "escalate": words("Escalated"),
    "commented": words("Decided with a comment"),
    "fast": words("Decided sooner than the card can be read"),
}
WAITS = {
    names.WAITED: words("From when they could decide"),
    names.WORKED: words("The same, in their working hours"),
    names.HAD: words("From when they had it before them"),
}
OWN = words("Here are the team's figures and your own. Those of others by name are for admins and auditors.")
NONE_OF_ALL = words("Numbers say how the work is spread, not who is good: people decide about different requests.")
_BEFORE = words("{before} in the period before")


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /insights/people``."""
    return await shown(site, http, visitor, _page, tab="people", path=PEOPLE, heading=words("People"))


async def _page(reader: Reader) -> Page:
    if reader.asked.reviewer or not sees_people(reader.visitor.person):
        return await page_of_decisions(reader)
    (of,) = await reader.figures(reader.question(by="reviewer"))
    told, behind = reader.told(of)
    people = reader.site.house.policy().people
    return Page(
        told=told,
        behind=behind,
        notes=(NONE_OF_ALL,),
        tiles=_tiles(of.whole),
        charts=(
            (queue_chart(await queue(reader), reader), False),
            (_load(of, people, reader), False),
            (_waited(of, people), False),
            (_votes("votes", words("How they decided, all together"), of.whole), False),
            (_waits("waits", words("How long they took, all together"), of.whole), False),
        ),
        files=reader.files(by="reviewer"),
    )


async def page_of_decisions(reader: Reader) -> Page:
    """One person's decisions, as that person or who runs the house reads them."""
    person = reader.asked.reviewer or reader.visitor.person.id
    # Of none by name: what the team did, all together.
    team = reader.question(by="reviewer", reviewer="", most=0)
    of, all_of_them = await reader.figures(reader.question(reviewer=person), team)
    told, behind = reader.told(of)
    people, own = reader.site.house.policy().people, person == reader.visitor.person.id
    name = Said(words("{name}: how they decided"), name=name_of(person, people))
    return Page(
        told=told,
        behind=behind,
        notes=() if sees_people(reader.visitor.person) else (OWN,),
        tiles=_tiles(of.whole),
        charts=(
            *([(queue_chart(await queue(reader), reader), True)] if own else ()),
            (_votes("votes", words("How you decided") if own else name, of.whole), False),
            (_waits("waits", words("How long it took"), of.whole), False),
            (_votes("team-votes", words("How the team decided, all together"), all_of_them.whole), False),
            (_waits("team-waits", words("How long the team took, all together"), all_of_them.whole), False),
        ),
        files=reader.files(by="reviewer", reviewer=person),
    )


def _decisions(group: Group) -> int:
    return size_of(group.now.counts, decisions=True)


def _tiles(group: Group) -> tuple[Tile, ...]:
    was = Said(_BEFORE, before=f"{size_of(group.before.counts, decisions=True):,}") if group.before else ""
    value, sub = panels.time_text(group.now.times.get(names.WAITED))
    return (
        Tile(text=words("decisions"), value=f"{_decisions(group):,}", sub=was),
        Tile(text=words("until half of them are decided"), value=value, sub=sub),
    )


def _load(of: Figures, people: Mapping[str, Person], reader: Reader) -> Chart:
    rows = [
        Amount(
            name=name_of(group.name, people),
            number=_decisions(group),
            before=size_of(group.before.counts, decisions=True) if group.before else None,
            href=reader.asked.address(PEOPLE, reviewer=group.name),
        )
        for group in of.groups[: panels.MOST]
    ]
    title, desc = words("Decisions of each person"), words("How many decisions each person made.")
    return amounts("load", title, desc, rows, note=panels.more(of), unit=words("decisions"))


def _waited(of: Figures, people: Mapping[str, Person]) -> Chart:
    rows = [
        panels.spread(name_of(group.name, people), group.now.times[names.WAITED], _was(group, names.WAITED))
        for group in of.groups[: panels.MOST]
        if names.WAITED in group.now.times
    ]
    desc = words("For each person: median, nine of ten and 99 of 100, from when they could decide.")
    return spreads("waited", words("How long each took"), desc, rows)


def _was(group: Group, name: str) -> Known | None:
    return group.before.times.get(name) if group.before else None


def _votes(key: str, title: str, group: Group) -> Chart:
    before = group.before.rates if group.before else {}
    rows = [
        panels.rate(text, group.now.rates[name], before.get(name))
        for name, text in VOTES.items()
        if name in group.now.rates
    ]
    return rates(key, title, words("The share of each kind of decision, with its interval."), rows)


def _waits(key: str, title: str, group: Group) -> Chart:
    rows = [
        panels.spread(text, group.now.times[name], _was(group, name))
        for name, text in WAITS.items()
        if name in group.now.times
    ]
    return spreads(key, title, words("Median, nine of ten and 99 of 100 of each wait, in equal ratios."), rows)
