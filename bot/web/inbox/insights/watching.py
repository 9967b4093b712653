"""The pages on thresholds that fit and on how decisions are made.

The team comes first, and conditions before people. By name a person reads of themselves; admins and auditors of all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from msgspec import json
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import Invalid
from bot.core.insight.fitting import NEVER
from bot.core.insight.likeness import Leaning
from bot.core.insight.separating import Verdict
from bot.core.insight.thresholds import Gate, yaml_of
from bot.core.insight.watching import Block, Watched
from bot.core.insight.weighing import Share
from bot.web import watching
from bot.web.inbox.guard import Visitor
from bot.web.inbox.insights.asked import Asked, asked_of
from bot.web.inbox.insights.copies import file_of
from bot.web.inbox.insights.door import page_of
from bot.web.inbox.insights.svg.marks import Chart
from bot.web.inbox.insights.svg.plots import Marked, Point, curve
from bot.web.inbox.insights.svg.scale import percent
from bot.web.inbox.insights.svg.strips import Rate, rates
from bot.web.inbox.language import Said, words
from bot.web.inbox.site import Site
from bot.web.inbox.wording import clock_time
from bot.web.sight import sees_people

THRESHOLDS = "/insights/thresholds"
ATTENTION = "/insights/attention"
_SHOWN = 12
"""Gates on one page, those with the most decisions."""

VERDICTS = {
    Verdict.INFORMS: words("tells right from wrong"),
    Verdict.SAYS_NOTHING: words("says nothing: its interval holds one half"),
    Verdict.MISLEADS: words("misleads: the surer, the more often wrong"),
    Verdict.TOO_FEW: words("too few to say"),
}
LEANINGS = {
    Leaning.MORE: words("more often than others on like requests"),
    Leaning.LESS: words("less often than others on like requests"),
    Leaning.AS_OTHERS: words("as others on like requests"),
    Leaning.TOO_FEW: words("too few to compare"),
}
DAYS = (
    words("Monday"),
    words("Tuesday"),
    words("Wednesday"),
    words("Thursday"),
    words("Friday"),
    words("Saturday"),
    words("Sunday"),
)
_HOURS = words("{first}:00 to {last}:00")
_OVER = words("From {since} to {until}.")


def _over(site: Site, visitor: Visitor, since: datetime, until: datetime) -> str:
    """Which period is shown, on the reader's own clock: a page that is printed or kept says what it is of."""
    now, person = site.house.clock.now(), visitor.person
    at = {name: clock_time(moment, person, now) for name, moment in (("since", since), ("until", until))}
    return Said(_OVER, **at)


async def thresholds(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /insights/thresholds``."""
    asked = asked_of(http.query_params)
    try:
        since, until = asked.period(visitor.person, site.house.clock.now())
    except Invalid as refused:
        return _shown(site, visitor, "thresholds", asked, refused, gates=(), cut=False)
    narrow = {name: value for name, value in asked.narrowed.items() if name in ("agent", "action")}
    found, cut = await watching.gates(site.house.store, since, until, **narrow)
    kind = http.query_params.get("format")
    if kind == "csv":
        return file_of("thresholds", kind, watching.as_csv(watching.gate_rows(found)))
    if kind == "json":
        return file_of("thresholds", kind, json.encode({"gates": watching.of_gates(found)}))
    over = _over(site, visitor, since, until)
    shown = [(gate, chart_of(gate, at), yaml_of(gate)) for at, gate in enumerate(found[:_SHOWN])]
    return _shown(site, visitor, "thresholds", asked, over=over, gates=shown, cut=cut, verdicts=VERDICTS, never=NEVER)


def chart_of(gate: Gate, at: int) -> Chart:
    """What is caught over what it costs in looks, today's gate and the suggestion marked on it."""
    marked = [Marked(x=gate.now.load.share, y=gate.now.caught.share, text=words("today's gate"), tone="before")]
    made = gate.suggestion
    if made is not None:
        marked.append(Marked(x=made.load.share, y=made.caught.share, text=words("each agent its own threshold")))
    points = {point.load.share: point for point in gate.curve}
    return curve(
        f"gate-{at}",
        gate.action,
        words("What share of the edits and rejections a threshold catches, over what share people look at."),
        [
            Point(x=load, y=point.caught.share, low=point.caught.low, high=point.caught.high)
            for load, point in sorted(points.items())
        ],
        x=words("share put before people"),
        y=words("share of edits and rejections caught"),
        marked=marked,
        even=True,
        note=words("On the dashed line a threshold does no better than asking people at random."),
    )


async def attention(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /insights/attention``."""
    asked = asked_of(http.query_params)
    try:
        since, until = asked.period(visitor.person, site.house.clock.now())
    except Invalid as refused:
        return _shown(site, visitor, "attention", asked, refused, report=None, cut=False)
    found, cut = await watching.attention(site.house.store, site.house.policy().people, since, until)
    everybody = sees_people(visitor.person)
    people = tuple([each for each in found.people if everybody or each.person == visitor.person.id])
    kind = http.query_params.get("format")
    if kind == "csv":
        return file_of("attention", kind, watching.as_csv(watching.watched_rows(found, people)))
    if kind == "json":
        return file_of("attention", kind, json.encode(watching.of_watched(found, people)))
    policy = site.house.policy()
    return _shown(
        site,
        visitor,
        "attention",
        asked,
        over=_over(site, visitor, since, until),
        report=found,
        cut=cut,
        people=people,
        everybody=everybody,
        names={known.id: known.name for known in policy.people.values()},
        guards=policy.attention,
        practises=policy.practice,
        charts=(times_of(found, "hour"), times_of(found, "day")),
        leanings=LEANINGS,
    )


def times_of(found: Watched, kind: str) -> Chart:
    """The share of edits and rejections by part of the day, or by day of the week."""
    blocks = [block for block in found.blocks if (block.hour is None) is (kind == "day")]
    hour = kind == "hour"
    return rates(
        f"times-{kind}",
        words("By time of day") if hour else words("By day of the week"),
        words("Share of decisions that edited or rejected, on each person's own clock."),
        [_rate(block) for block in blocks],
        note=words("Where it falls late in the day, people may be tired. Requests may also be other ones then.")
        if hour
        else words("Where it falls late in the week, people may be tired. Requests may also be other ones then."),
    )


def _rate(block: Block) -> Rate:
    name = DAYS[block.day or 0] if block.day is not None else Said(_HOURS, first=block.hour, last=(block.hour or 0) + 4)
    part: Share = block.changed
    return Rate(name=name, share=part.share, low=part.low, high=part.high, count=part.count, of=part.of, few=part.few)


def _shown(
    site: Site,
    visitor: Visitor,
    tab: str,
    asked: Asked,
    refusal: Invalid | None = None,
    **context: Any,
) -> Response:
    path = f"/insights/{tab}"
    faults = {fault.pointer: fault.detail for fault in refusal.faults} if refusal else {}
    fields = (
        [("agent", words("Agent"), asked.agent, ()), ("action", words("Action"), asked.action, ())]
        if tab == "thresholds"
        else []
    )
    return page_of(
        site,
        visitor,
        tab,
        status=refusal.status if refusal else 200,
        path=path,
        asked=asked,
        fields=fields,
        refusal=refusal,
        faults=faults,
        percent=percent,
        files=[
            (kind, asked.address(path) + ("&" if asked.query() else "?") + f"format={kind}") for kind in ("csv", "json")
        ],
        **context,
    )


PAGES: tuple[tuple[str, Callable[[Site, Http, Visitor], Awaitable[Response]]], ...] = (
    (THRESHOLDS, thresholds),
    (ATTENTION, attention),
)
"""Each page's address, and what shows it."""
