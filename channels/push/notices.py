"""What a notification says: who asks, for which action, how risky it is and by when; and nothing else (T23).

No arguments, no title of the request, no reason, no claims: a lock screen is read by whoever holds the phone, and a
push service by whoever runs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from bot.core.card import KINDS, Card, ended
from bot.core.model import Person
from bot.core.scrutiny import visible
from channels.push.settings import INBOX, ONE_LINE
from channels.push.ways import Button, Notice, NoticeKind

_TEMPLATES = Path(__file__).parents[2] / "templates" / "push"
_NOTE = 300
"""Characters of a reminder's note; it holds the names of people."""


def ask(card: Card, person: Person | None, buttons: Sequence[Button] = ()) -> Notice:
    """A request to decide, or how it ended where it has."""
    if not card.state.open:
        return _notice("over", NoticeKind.NOTE, card, ended=ended(card.kind, card.state))
    return _notice("ask", NoticeKind.ASK, card, buttons, **_facts(card, person))


def note(card: Card, person: Person | None, text: str, buttons: Sequence[Button] = ()) -> Notice:
    """A word of the house about a request; it takes the place of the request's notification, so it says that too."""
    told = clip(text, _NOTE)
    return _notice("note", NoticeKind.NOTE, card, buttons, note=told, **_facts(card, person))


def several(count: int | None, inbox: str, until: datetime) -> Notice:
    """Several requests at once (None: nobody counted how many)."""
    title, body = _drawn("several", count=count)
    return Notice(kind=NoticeKind.ASK, tag=INBOX, title=title, body=body, url=inbox, until=until)


def word(text: str, tag: str, url: str, until: datetime) -> Notice:
    """A word of the house about nothing in particular."""
    title, body = _drawn("word", word=clip(text, _NOTE))
    return Notice(kind=NoticeKind.NOTE, tag=tag, title=title, body=body, url=url, until=until)


def clip(text: str, limit: int) -> str:
    """One honest line of at most so many characters."""
    line = visible(text).replace("\n", " ")
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _notice(template: str, kind: NoticeKind, card: Card, buttons: Sequence[Button] = (), /, **facts: str) -> Notice:
    title, body = _drawn(template, agent=_name(card.agent), action=_name(card.action), **facts)
    return Notice(
        kind=kind, tag=card.request, title=title, body=body, url=card.url, until=card.expires_at, buttons=tuple(buttons)
    )


def _name(text: str) -> str:
    """A name that is `visible` already, on one line."""
    line = text.replace("\n", " ")
    return line if len(line) <= ONE_LINE else f"{line[: ONE_LINE - 1]}…"


def _facts(card: Card, person: Person | None) -> dict[str, str]:
    until = min(card.deadline, card.expires_at) if card.deadline else card.expires_at
    return {"kind": KINDS[card.kind], "risk": card.risk.replace("_", " "), "by": _moment(until, person)}


def _moment(at: datetime, person: Person | None) -> str:
    """A moment as the person's clock shows it."""
    zone = person.timezone if person else "UTC"
    try:
        there = at.astimezone(ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError):
        zone, there = "UTC", at
    return f"{there:%a} {there.day} {there:%b}, {there:%H:%M} ({zone})"


def _drawn(template: str, /, **values: Any) -> tuple[str, str]:
    """The title, which is the first line, and the body."""
    title, _, body = _template(f"{template}.txt.j2").render(values).partition("\n")
    return title, body.strip()


@cache
def _template(name: str) -> Template:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=False,  # noqa: S701  # plain text: no notification reads markup, and escapes would be shown
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return made.get_template(name)
