"""What the decisions of a period amount to: agents, people, time, and how far an agent's confidence can be trusted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request as Http
from starlette.responses import Response

from bot.web.inbox.guard import Visitor
from bot.web.inbox.insights import agents, copies, overview, people, watching
from bot.web.inbox.insights.door import INSIGHTS
from bot.web.inbox.site import Site

PAGES: tuple[tuple[str, Callable[[Site, Http, Visitor], Awaitable[Response]]], ...] = (
    (INSIGHTS, overview.show),
    (f"{INSIGHTS}.csv", copies.show),
    (f"{INSIGHTS}.json", copies.show),
    (agents.AGENTS, agents.show),
    # An agent's name may hold slashes.
    (f"{agents.AGENTS}/{{name:path}}", agents.one),
    (people.PEOPLE, people.show),
    *watching.PAGES,
)
"""Each page's address, and what shows it; every one is for whoever is signed in."""
