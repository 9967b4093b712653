"""What an Insights page is asked for: a period, and whose figures. What means nothing is as if it were not there.

A period is the last days, the present one included, or from a day to a day on the reader's own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from urllib.parse import urlencode

from msgspec import Struct
from msgspec.structs import asdict, replace

from bot.core.errors import Fault, Invalid
from bot.core.insight.asking import LABEL, LONGEST
from bot.core.model import Person
from bot.web.inbox.days import span_of
from bot.web.inbox.language import Said, words

SPANS = (7, 30, 90)
"""Days of the periods that one click asks for."""

USUAL = 30
_LONG = 200
"""Characters of a value; what is longer finds nothing anyhow."""

_BY_LABEL = words("by label {name}")
TOO_LONG = words("At most two years can be looked at at once.")
NOT_BEGUN = words("These days have not begun yet.")
BY = {
    "agent": words("by agent"),
    "action": words("by action"),
    "rule": words("by rule"),
    "channel": words("by channel"),
}
"""How requests can be told apart, beside ``label:NAME``."""

NARROWING = {
    "agent": words("Agent"),
    "action": words("Action"),
    "rule": words("Rule"),
    "channel": words("Channel"),
    "reviewer": words("Reviewer"),
    "label": words("Label"),
}
"""What figures can be narrowed to, as its field is called."""


class Chip(Struct, frozen=True):
    """What the figures are narrowed to, and the page without that."""

    name: str
    value: str
    without: str


class Asked(Struct, frozen=True, kw_only=True):
    """One page's question. ``days`` counts unless ``since`` or ``until`` (days, as they were written) are given.

    ``label`` is ``name=value``; ``by`` is how requests are told apart (`BY`, or ``label:NAME``).
    """

    days: int = USUAL
    by: str = "agent"
    since: str = ""
    until: str = ""
    agent: str = ""
    action: str = ""
    rule: str = ""
    channel: str = ""
    reviewer: str = ""
    label: str = ""

    @property
    def narrowed(self) -> dict[str, str]:
        """What is narrowed to, by name."""
        return {name: value for name, value in asdict(self).items() if name in NARROWING and value}

    def query(self, **other: object) -> str:
        """The address's query of this, or of one that is ``other`` in these; empty where all is as usual."""
        asked = replace(self, **other)
        own = bool(asked.since or asked.until)
        pairs = {
            "days": "" if own or asked.days == USUAL else str(asked.days),
            "from": asked.since,
            "until": asked.until,
            **asked.narrowed,
            "by": "" if asked.by == "agent" else asked.by,
        }
        return urlencode([(name, value) for name, value in pairs.items() if value], errors="replace")

    def address(self, path: str, **other: object) -> str:
        """The same at a page."""
        query = self.query(**other)
        return f"{path}?{query}" if query else path

    def spans(self, path: str) -> tuple[tuple[int, str, bool], ...]:
        """Each period that one click asks for: its days, its address, whether it is this one."""
        own = bool(self.since or self.until)
        return tuple(
            (days, self.address(path, days=days, since="", until=""), not own and days == self.days) for days in SPANS
        )

    def choices(self, path: str) -> tuple[tuple[str, str, bool], ...]:
        """Each way to tell requests apart: its text, its address, whether it is this one."""
        # What has a label is known by agent and action alone (`bot.core.insight.asking`).
        ways = {by: text for by, text in BY.items() if not self.label or by in ("agent", "action")}
        ways = ways if self.by in BY else {**ways, self.by: Said(_BY_LABEL, name=self.by.removeprefix(LABEL))}
        return tuple((text, self.address(path, by=by), by == self.by) for by, text in ways.items())

    def chips(self, path: str) -> tuple[Chip, ...]:
        """What is narrowed to, each with the way to be rid of it."""
        return tuple(
            Chip(NARROWING[name], value, self.address(path, **{name: ""})) for name, value in self.narrowed.items()
        )

    def period(self, person: Person, now: datetime) -> tuple[datetime, datetime]:
        """The period's begin and end, aware UTC; raises `Invalid` with the field that is wrong."""
        since, until = span_of({"from": self.since, "until": self.until}, person)
        end = min(until or now, now)
        if since is None:
            midnight = end.replace(hour=0, minute=0, second=0, microsecond=0)
            since = midnight - timedelta(days=self.days - (1 if midnight < end else 0))
        if since >= now:
            raise Invalid(NOT_BEGUN, faults=(Fault("/from", "order", NOT_BEGUN),))
        if end - since > LONGEST:
            raise Invalid(TOO_LONG, faults=(Fault("/from", "too_long", TOO_LONG),))
        return since, end


def asked_of(query: Mapping[str, str]) -> Asked:
    """What an address asks for."""
    days, apart = query.get("days", ""), _text(query, "by_label")
    by = LABEL + apart if apart else _text(query, "by")
    return Asked(
        days=int(days) if days in map(str, SPANS) else USUAL,
        since=_text(query, "from"),
        until=_text(query, "until"),
        by=by if by in BY or by.removeprefix(LABEL) not in ("", by) else "agent",
        **{name: _text(query, name) for name in NARROWING},
    )


def _text(query: Mapping[str, str], name: str) -> str:
    return query.get(name, "").replace("\0", "").strip()[:_LONG]
