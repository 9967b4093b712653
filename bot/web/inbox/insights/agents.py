"""``/insights/agents``: who asks, and how often they are right; and one agent's own page."""

from __future__ import annotations

from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.insight import names
from bot.web.inbox.guard import Visitor
from bot.web.inbox.insights import panels
from bot.web.inbox.insights.answered import Reader, shown
from bot.web.inbox.insights.door import INSIGHTS
from bot.web.inbox.insights.overview import WEEKLY_FROM, agent_path, tiles
from bot.web.inbox.insights.page import Page
from bot.web.inbox.language import words
from bot.web.inbox.site import Site

AGENTS = f"{INSIGHTS}/agents"
BY_RULE = (words("Approved by rule"), words("For each, the share of its requests that a rule approved, nobody asked."))
HARM = (words("Ran and did harm"), words("For each, the share of what ran that was reported to have done harm."))


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /insights/agents``."""
    return await shown(site, http, visitor, _all, tab="agents", path=AGENTS, heading=words("Agents"))


async def _all(reader: Reader) -> Page:
    (of,) = await reader.figures(reader.question(by="agent"))
    told, behind = reader.told(of)

    def link(name: str) -> str:
        return reader.asked.address(agent_path(name), agent="")

    return Page(
        told=told,
        behind=behind,
        charts=(
            (panels.compared("right", words("Approved as proposed"), of, link), False),
            (panels.volumes("how-many", words("How many of each"), of, link), False),
            (panels.shares("by-rule", *BY_RULE, of=of, name="by_rule", link=link), False),
            (panels.shares("incidents", *HARM, of=of, name="incidents", link=link), False),
        ),
        files=reader.files(by="agent"),
    )


async def one(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /insights/agents/{name}``."""
    name = http.path_params["name"].replace("\0", "")
    return await shown(
        site,
        http,
        visitor,
        _one,
        tab="agents",
        path=agent_path(name),
        heading=name,
        fixed={"agent": name},
        back=(AGENTS, words("Agents")),
    )


async def _one(reader: Reader) -> Page:
    by_action = reader.question(by="action")
    weekly = (by_action.until - by_action.since).days >= WEEKLY_FROM
    of, over = await reader.figures(by_action, reader.question(by="week" if weekly else "day", compare=False))
    told, behind = reader.told(of)
    path = agent_path(reader.fixed["agent"])

    def link(action: str) -> str:
        return reader.asked.address(path, action=action)

    known = bool(of.whole.now.counts.get(names.REQUESTS))
    return Page(
        told=told,
        behind=behind,
        notes=() if known else (words("This agent asked for nothing in this period."),),
        tiles=tiles(of.whole),
        charts=(
            (panels.over_time(over.groups, weekly=weekly), True),
            (
                panels.compared("actions", words("Its actions, approved as proposed"), of, link),
                False,
            ),
            (panels.volumes("how-many", words("How many of each"), of, link), False),
            (panels.calibration(of.whole), False),
            (panels.outcomes(of.whole), False),
            (panels.corrections(of.whole), False),
            (panels.categories(of.whole), False),
            (panels.times(of.whole), False),
            (panels.afterwards(of.whole), False),
        ),
        files=reader.files(by="action"),
    )
