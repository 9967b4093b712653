"""The frame of the Insights pages: which there are, and for whom. Their figures are the team's, for all who sign in.

Whom they name to whom, `bot.web.sight` says.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from bot.web.inbox.guard import Visitor
from bot.web.inbox.language import words
from bot.web.inbox.site import Site

INSIGHTS = "/insights"

TABS: tuple[tuple[str, str, str], ...] = (
    ("overview", INSIGHTS, words("Overview")),
    ("agents", "/insights/agents", words("Agents")),
    ("people", "/insights/people", words("People")),
    ("thresholds", "/insights/thresholds", words("Thresholds")),
    ("attention", "/insights/attention", words("Attention")),
)
"""Name, address and text of each page that has a place of its own."""


def page_of(
    site: Site, visitor: Visitor, tab: str, template: str = "", *, status: int = 200, **context: Any
) -> Response:
    """One of the Insights pages: ``insights/TAB.html``, unless ``template`` names another."""
    return site.pages.show(
        f"insights/{template or tab}.html",
        now=site.house.clock.now(),
        visitor=visitor,
        status=status,
        place="insights",
        tab=tab,
        tabs=TABS,
        **context,
    )
