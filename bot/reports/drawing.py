"""The report as one HTML document that needs nothing from elsewhere, to be read, kept and printed.

Whatever an agent or a person wrote is a value of the template, escaped, with nothing hidden in it (T3, T4).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct

from bot.core.card import name_of
from bot.core.model import Person
from bot.core.policy import Rule
from bot.core.scrutiny import hidden, visible
from bot.reports.kinds import EXCEPTIONS
from bot.reports.lists import MOST
from bot.reports.mapping import TEXTS
from bot.reports.reading import Reading
from bot.reports.rows import Told

_CHUNK = 1 << 16
_LONGEST_TITLE = 200
_HERE = "\x00the long list\x00"
"""Where the long list goes. No text of the document can hold it: `visible` shows a NUL as a code point."""

MEANINGS: Mapping[str, str] = {
    "approve": "approved, as it was proposed",
    "approve_with_edits": "approved, with changes of their own",
    "reject": "rejected",
    "ask": "asked the agent",
    "escalate": "passed on",
}
"""What a decision means, as a signature's meaning is printed (21 CFR 11.50)."""


class RuleShown(Struct, frozen=True):
    """A rule of the file in force: its condition as written, what it answers, whom it asks, what bounds it."""

    name: str
    when: str
    then: str
    stages: tuple[str, ...]
    bounds: tuple[str, ...]


def plain(text: object) -> str:
    """A text on one line with nothing hidden."""
    return visible(str(text)).replace("⏎\n", " ⏎ ").replace("\n", " ")


def _title(text: str) -> str:
    """A request's title, in which everything hidden was made visible when it was made, unless hands were laid on it."""
    return plain(text) if any(map(hidden, text)) else text


def _time(at: datetime | None) -> str:
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _short(length: timedelta | None) -> str:
    return "" if length is None else str(length)


class Drawing:
    """The templates, and the style sheet that stands in the document."""

    def __init__(self) -> None:
        self._style = files("templates").joinpath("report", "report.css").read_text(encoding="utf-8")
        digest = hashlib.sha256(self._style.encode()).digest()
        self.style_hash = f"'sha256-{base64.b64encode(digest).decode()}'"
        self._templates = Environment(
            loader=PackageLoader("templates", "report"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"plain": plain, "title": _title, "time": _time, "span": _short}
        self._rows = self._templates.get_template("decisions.html")

    def decisions(self, told: Sequence[Told], people: Mapping[str, Person]) -> bytes:
        """Rows of the long list."""
        drawn = self._rows.render(
            told=told, meanings=MEANINGS, longest=_LONGEST_TITLE, name=lambda person: name_of(person, people)
        )
        return drawn.encode("utf-8", "xmlcharrefreplace")

    def document(self, reading: Reading) -> Iterator[bytes]:
        """The document; the long list is read from where it was kept."""
        policy = reading.policy
        text = self._templates.get_template("report.html").render(
            reading=reading,
            trail=reading.trail,
            rows=reading.rows,
            proof=reading.proof,
            asked=reading.asked,
            policy=policy,
            style=self._style,
            texts=TEXTS,
            headings=EXCEPTIONS,
            meanings=MEANINGS,
            most=MOST,
            rules=[_rule(rule) for rule in (*policy.rules, policy.default)],
            name=lambda person: name_of(person, policy.people),
            here=_HERE,
        )
        before, _, after = text.partition(_HERE)
        yield before.encode("utf-8", "xmlcharrefreplace")
        if reading.listed is not None:
            while chunk := reading.listed.read(_CHUNK):
                yield chunk
        yield after.encode("utf-8", "xmlcharrefreplace")


def _rule(rule: Rule) -> RuleShown:
    stages = tuple(
        f"{stage.name}: {stage.approvals} of chain {stage.chain}"
        + (f", only if {stage.condition.source}" if stage.condition else "")
        for stage in rule.stages
    )
    bounds = []
    if rule.allow_self:
        bounds.append("allow_self: whoever asked may decide, too")
    if rule.gate is not None:
        bounds.append(f"confidence gate {rule.gate:g}")
    if rule.limit is not None:
        bounds.append(f"limit per {rule.limit.per}")
    if rule.sample:
        bounds.append(f"{rule.sample:.0%} of it goes to people all the same")
    if rule.review_after:
        bounds.append(f"{rule.review_after:.0%} of it is reviewed afterwards")
    if rule.trust is not None:
        bounds.append("may earn autonomy (trust)")
    if rule.grant is not None:
        bounds.append(f"earned: grant {rule.grant}")
    return RuleShown(rule.name, rule.when.source if rule.when else "always", str(rule.then), stages, tuple(bounds))
