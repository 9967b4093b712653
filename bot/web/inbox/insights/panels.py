"""The charts of the Insights pages, out of figures (`bot.core.insight.figures`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace

from bot.core.insight import names
from bot.core.insight.calibration import Bounded
from bot.core.insight.figures import Edited, Figures, Group
from bot.core.insight.figures import Spread as Known
from bot.core.insight.intervals import Share
from bot.web.inbox import wording
from bot.web.inbox.insights.svg import strips
from bot.web.inbox.insights.svg.marks import Chart
from bot.web.inbox.insights.svg.plots import Bin, Moment, reliability, trend
from bot.web.inbox.insights.svg.scale import length, percent
from bot.web.inbox.insights.svg.strips import Amount, Rate, Spread, amounts, spreads
from bot.web.inbox.language import Said, words

MOST = 12
"""Names in one chart; the copies as CSV and JSON hold all that were counted."""

RATES = {
    "approved": words("Approved as proposed"),
    "edited": words("Approved with edits"),
    "rejected": words("Rejected"),
    "escalated": words("Escalated"),
    "expired": words("Expired"),
    "by_rule": words("Approved by rule"),
}
AFTERWARDS = {
    "incidents": words("Ran and did harm"),
    "false_approvals": words("Approved by people, and did harm"),
    "sampled_wrong": words("Sampled, and people would not have passed it"),
    "reviewed_wrong": words("Looked at afterwards, and an incident"),
}
TIMES = {
    names.VIEW: words("Until somebody saw it"),
    names.DECISION: words("Until it was decided"),
    names.WORKED: words("Until it was decided, in working hours"),
    names.EXECUTION: words("From the decision until it had run"),
}

NO_NAME = words("none")
"""A group without a name, such as what no vote ended through any channel."""

_MORE = words("The {shown} largest of {all}; the files below hold all of them.")
_BRIER = words(
    "Brier score {brier} ({brier_low} to {brier_high}; 0 is best, 0.25 is what a coin claims). "
    "Expected calibration error {error} ({error_low} to {error_high})."
)
_FEW_CLAIMS = words("{count} decisions: too few to say how far its confidence can be trusted.")
_FAR = words("{edits} ×; the number in {numbers} of them, half of the time by up to {median} %, nine of ten by {p90} %")


def rate(name: str, now: Share, before: Share | None = None, href: str | None = None) -> Rate:
    """A share as a row of a chart; one of few stands for nothing that it could be compared with."""
    was = None if before is None or before.few else before.share
    return Rate(
        name=name, share=now.share or 0.0, low=now.low, high=now.high, count=now.count, of=now.of, few=now.few,
        before=was, href=href,
    )  # fmt: skip


def outcomes(group: Group) -> Chart:
    """What became of the requests."""
    title = words("What became of it")
    desc = words("The share of each outcome, with its interval, beside that of the period before.")
    note = words(
        "Approved as proposed, edited, rejected: of what people decided. Expired and by rule: of what has ended. "
        "Escalated: of all requests."
    )
    return strips.rates("outcomes", title, desc, _rows(group, RATES), note=note)


def afterwards(group: Group) -> Chart:
    """What was found out once it had run."""
    title = words("What came out afterwards")
    desc = words("The shares of what ran that did harm, and of what samples and later reviews found wrong.")
    note = words("Of what ran by rule nobody knows whether it was right, but for what was sampled or looked at later.")
    return strips.rates("afterwards", title, desc, _rows(group, AFTERWARDS), note=note)


def _rows(group: Group, named: Mapping[str, str]) -> Iterable[Rate]:
    before = group.before.rates if group.before else {}
    for name, text in named.items():
        if name in group.now.rates:
            yield rate(text, group.now.rates[name], before.get(name))


def times(group: Group) -> Chart:
    """How long each step took."""
    before = group.before.times if group.before else {}
    rows = [
        spread(text, group.now.times[name], before.get(name)) for name, text in TIMES.items() if name in group.now.times
    ]
    title, desc = words("How long it took"), words("Median, nine of ten and 99 of 100 of each wait, in equal ratios.")
    return spreads("times", title, desc, rows)


def spread(name: str, now: Known, before: Known | None) -> Spread:
    """How long something took, as a row of a chart."""
    was = None if before is None or before.few else before.median
    return Spread(name=name, median=now.median, p90=now.p90, p99=now.p99, of=now.count, few=now.few, before=was)


def over_time(groups: Iterable[Group], *, weekly: bool) -> Chart:
    """The share approved as proposed, day by day or week by week."""
    moments = []
    for group in groups:
        share = group.now.rates.get("approved")
        label = day(group.name)
        moments.append(
            Moment(
                label=label, count=share.count, of=share.of, share=share.share or 0.0, low=share.low, high=share.high
            )
            if share
            else Moment(label=label, count=0, of=0)
        )
    title = words("Approved as proposed, week by week") if weekly else words("Approved as proposed, day by day")
    desc = words("The share of what people decided that they approved as it was proposed, by when it was submitted.")
    return trend("trend", title, desc, moments, what=words("decided by people"))


def day(date: str) -> str:
    """``26 Nov`` of a date as figures name it."""
    at = datetime.fromisoformat(date)
    return f"{at.day} {at:%b}"


Link = Callable[[str], str | None]
"""Where there is more about a name."""


def compared(key: str, title: str, of: Figures, link: Link) -> Chart:
    """The share of what people decided that they approved as it was proposed, name by name."""
    desc = words("For each, the share of what people decided that they approved as it was proposed.")
    return shares(key, title, desc, of=of, name="approved", link=link)


def shares(key: str, title: str, desc: str, *, of: Figures, name: str, link: Link) -> Chart:
    """One rate, by its name among `bot.core.insight.rates`, group by group."""
    rows = [
        rate(
            group.name or NO_NAME,
            group.now.rates[name],
            group.before.rates.get(name) if group.before else None,
            link(group.name),
        )
        for group in of.groups[:MOST]
        if name in group.now.rates
    ]
    return strips.rates(key, title, desc, rows, note=more(of))


def volumes(key: str, title: str, of: Figures, link: Link) -> Chart:
    """How many there were, name by name."""
    rows = [
        Amount(
            name=group.name or NO_NAME,
            number=group.now.counts.get(names.REQUESTS, 0),
            before=group.before.counts.get(names.REQUESTS, 0) if group.before else None,
            href=link(group.name),
        )
        for group in of.groups[:MOST]
    ]
    desc = words("How many requests there were of each.")
    return amounts(key, title, desc, rows, note=more(of), unit=words("requests"))


def more(of: Figures) -> str:
    """That a chart shows the largest only, where it does."""
    count = len(of.groups) + of.left_out
    return Said(_MORE, shown=MOST, all=f"{count:,}") if count > MOST else ""


def categories(group: Group) -> Chart:
    """What people said was wrong."""
    before = {one.name: one.count for one in group.before.categories} if group.before else {}
    rows = [
        Amount(
            name=wording.CATEGORIES.get(one.name, one.name),
            number=one.count,
            before=before.get(one.name, 0) if group.before else None,
        )
        for one in group.now.categories[:MOST]
    ]
    title, desc = words("What was wrong"), words("How often people gave each reason for an edit or a rejection.")
    return amounts("categories", title, desc, rows, unit=words("times named"))


def corrections(group: Group) -> Chart:
    """Which arguments people edit."""
    before = {one.pointer: one.edits for one in group.before.edited} if group.before else {}
    rows = [
        replace(rate(one.pointer, one.edits, before.get(one.pointer)), note=_far(one))
        for one in group.now.edited[:MOST]
    ]
    title, desc = words("Arguments that are edited"), words("The share of decisions in which people changed each one.")
    return strips.rates("corrections", title, desc, rows)


def _far(one: Edited) -> str:
    if one.median is None or one.p90 is None:
        return ""
    edits, numbers = f"{one.edits.count:,}", f"{one.numbers:,}"
    return Said(_FAR, edits=edits, numbers=numbers, median=f"{one.median:.0f}", p90=f"{one.p90:.0f}")


def calibration(group: Group) -> Chart:
    """Claimed confidence against what came true."""
    known = group.now.calibration
    bins = [
        Bin(
            claimed=one.claimed,
            share=one.right.share or 0.0,
            low=one.right.low,
            high=one.right.high,
            count=one.right.of,
        )
        for one in (known.bins if known else ())
    ]
    note = ""
    if known:
        note = Said(_FEW_CLAIMS, count=f"{known.count:,}") if known.few else _scores(known.brier, known.error)
    title = words("Confidence against outcome")
    desc = words("For each step of confidence, the share that was approved as proposed; on the slanting line it holds.")
    return reliability("calibration", title, desc, bins, note=note)


def _scores(brier: Bounded, error: Bounded) -> str:
    return Said(
        _BRIER,
        brier=f"{brier.value:.3f}",
        brier_low=f"{brier.low:.3f}",
        brier_high=f"{brier.high:.3f}",
        error=f"{error.value:.3f}",
        error_low=f"{error.low:.3f}",
        error_high=f"{error.high:.3f}",
    )


def share_text(share: Share | None) -> tuple[str, str]:
    """A share in large letters, and its interval below; too few say so."""
    if share is None or not share.of or share.share is None:
        return "–", words("nothing decided yet")
    if share.few:
        return Said(strips.FEW, count=f"{share.count:,}", of=f"{share.of:,}"), ""
    between = words("{low} to {high}, of {of}")
    return percent(share.share), Said(between, low=percent(share.low), high=percent(share.high), of=f"{share.of:,}")


def time_text(known: Known | None) -> tuple[str, str]:
    """A median in large letters, and nine of ten below."""
    if known is None or not known.count:
        return "–", words("nothing decided yet")
    if known.few:
        return length(known.median), Said(words("{of}: too few to say"), of=f"{known.count:,}")
    return length(known.median), Said(words("nine of ten within {p90}"), p90=length(known.p90))
