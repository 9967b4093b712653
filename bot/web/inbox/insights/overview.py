"""``/insights``: what became of everything that was asked for in a period, how fast, and what came out afterwards."""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.insight import names
from bot.core.insight.asking import LABEL
from bot.core.insight.figures import Figures, Group
from bot.core.insight.figures import Spread as Known
from bot.core.insight.intervals import Share
from bot.web.inbox.guard import Visitor
from bot.web.inbox.insights import panels
from bot.web.inbox.insights.answered import Reader, shown
from bot.web.inbox.insights.door import INSIGHTS
from bot.web.inbox.insights.page import Page, Tile
from bot.web.inbox.insights.people import page_of_decisions
from bot.web.inbox.insights.queued import queue, queue_chart, queue_tile
from bot.web.inbox.insights.svg.marks import Chart
from bot.web.inbox.language import Said, words
from bot.web.inbox.site import Site

WEEKLY_FROM = 63
"""Days of a period from which on a trend goes by weeks."""

_BEFORE = words("{before} in the period before")
_HOW_MANY = words("How many of each")
_RIGHT = words("Approved as proposed, of each")


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /insights``."""
    return await shown(site, http, visitor, _page, tab="overview", path=INSIGHTS, heading=words("Insights"))


async def _page(reader: Reader) -> Page:
    if reader.asked.reviewer:
        return await page_of_decisions(reader)
    by = reader.asked.by
    one = reader.question(by=by)
    weekly = (one.until - one.since).days >= WEEKLY_FROM
    # Of all that is asked about: what is told apart by a label leaves out whatever does not bear it.
    of, over = await reader.figures(one, reader.question(by="week" if weekly else "day"))
    told, behind = reader.told(over)
    whole = over.whole
    waiting = await queue(reader)
    return Page(
        told=told,
        behind=behind,
        tiles=(*tiles(whole), queue_tile(waiting)),
        charts=(
            (panels.over_time(over.groups, weekly=weekly), True),
            *((chart, False) for chart in told_apart(of, reader)),
            (panels.outcomes(whole), False),
            (panels.times(whole), False),
            (queue_chart(waiting, reader), False),
            (panels.categories(whole), False),
            (panels.corrections(whole), False),
            (panels.afterwards(whole), False),
            (panels.calibration(whole), False),
        ),
        choices=reader.asked.choices(INSIGHTS),
        apart=1,
        files=reader.files(),
    )


def told_apart(of: Figures, reader: Reader) -> tuple[Chart, Chart]:
    """How many of each there were, and how many of each were right."""

    def link(name: str) -> str | None:
        if of.by == "agent":
            return reader.asked.address(agent_path(name), agent="")
        if of.by.startswith(LABEL):
            return reader.asked.address(INSIGHTS, label=f"{of.by.removeprefix(LABEL)}={name}", by="agent")
        return reader.asked.address(INSIGHTS, **{of.by: name, "by": "agent"}) if name else None

    return (
        panels.volumes("how-many", _HOW_MANY, of, link),
        panels.compared("told-apart", _RIGHT, of, link),
    )


def agent_path(name: str) -> str:
    """The address of an agent's own page."""
    return f"{INSIGHTS}/agents/{quote(name, safe='')}"


def tiles(group: Group) -> tuple[Tile, ...]:
    """The figures in large letters."""
    now, before = group.now, group.before
    count = now.counts.get(names.REQUESTS, 0)
    was = Said(_BEFORE, before=f"{before.counts.get(names.REQUESTS, 0):,}") if before else ""
    return (
        Tile(text=words("requests"), value=f"{count:,}", sub=was),
        _share(words("approved as proposed, of what people decided"), now.rates.get("approved")),
        _share(words("approved by rule, nobody asked"), now.rates.get("by_rule")),
        _time(now.times.get(names.DECISION)),
        _harm(now.counts.get(names.INCIDENTS, 0), now.counts.get(names.FALSE_APPROVALS, 0)),
    )


def _share(text: str, share: Share | None) -> Tile:
    value, sub = panels.share_text(share)
    return Tile(text=text, value=value, sub=sub, tone="few" if share is not None and share.few else "")


def _time(known: Known | None) -> Tile:
    value, sub = panels.time_text(known)
    return Tile(text=words("until half of them are decided"), value=value, sub=sub)


def _harm(count: int, approved: int) -> Tile:
    sub = Said(words("{n} of them approved by people"), n=f"{approved:,}") if count else ""
    return Tile(text=words("incidents"), value=f"{count:,}", sub=sub, tone="bad" if count else "")
