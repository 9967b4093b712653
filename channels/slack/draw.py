"""Draws what Slack shows, from the templates under ``templates/slack/``.

Every expression of a template comes out as JSON (`_environment`), without the template having to ask: no text,
whoever wrote it, can end a string or add a block. Texts of agents and people are put in ``plain_text`` or rich text,
which carry no markup; ``mrkdwn`` holds our own words, dates, and names through `escape` (threat T3).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache, partial
from json.encoder import encode_basestring_ascii
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from msgspec import Struct
from msgspec.json import decode

from bot.core.card import KINDS, Card, Line, Verdict, by_house
from bot.core.model import Kind, Person, Verb
from bot.core.token import Shown, Tokens
from channels.slack.names import escape, named
from channels.slack.outlines import Outlines
from channels.slack.sizes import ASKED_ROOM, SAID, URL, Fitted, clip, fitted
from channels.slack.words import ACTION_IDS, button_of, status_of, style_of

TEMPLATES = Path(__file__).parents[2] / "templates" / "slack"
IN_SLASH, IN_HOME = 10, 45
_ONE_LINE = 80
_ANNOUNCED = 2500
KEPT = "Reason"
"""The claim in which an agent says why, or what it asks. Of its words it alone stays on a card that has ended; the rest
is in the full request."""

_WEB = re.compile(r"https?://[^\s<>|]+")


class Button(Struct, frozen=True):
    """One button as the template draws it."""

    action_id: str
    label: str
    style: str | None
    value: str | None = None


def _as_json(value: Any) -> str:
    return encode_basestring_ascii(value) if type(value) is str else json.dumps(value)


def date(at: datetime) -> str:
    """A moment as each reader's own clock shows it."""
    otherwise = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} at {{time}}|{otherwise}>"


def web(url: str) -> str | None:
    """The address for a button, or None where Slack would refuse it."""
    return url if len(url) <= URL and _WEB.fullmatch(url) else None


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701 - the output is JSON: `finalize` encodes every expression
        finalize=_as_json,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["escape"] = escape
    return made


@cache
def _template(name: str) -> Template:
    return _environment().get_template(name)


def draw(name: str, **values: Any) -> Any:
    """The JSON value that a template makes."""
    return decode(_template(name).render(**values))


@cache
def _outlines() -> Outlines:
    return Outlines(partial(draw, "card.json.j2"))


def shown_on(card: Card, delivery: str = "") -> Shown:
    """What a card as drawn shows, for its token."""
    return Shown(
        request=card.request,
        revision=card.revision,
        digest=card.digest,
        delivery=delivery,
        fully_shown=card.fully_shown,
        buttons=card.buttons,
    )


def message(card: Card, delivery: str, tokens: Tokens, person: Callable[[str], Person | None]) -> dict[str, Any]:
    """The card as a message: ``text`` (the fallback) and ``blocks`` (JSON), within every limit whatever it holds."""
    whole = fitted(card)
    token = tokens.sign_shown(shown_on(whole.card, delivery)) if whole.card.buttons else None
    blocks = _outlines().fill(**told_of(whole, token, person))
    return {"text": fallback(f"{status_of(whole.card)}: {whole.card.title}"), "blocks": blocks}


def told_of(whole: Fitted, token: str | None, person: Callable[[str], Person | None]) -> dict[str, Any]:
    """What the card's template is given; ``token`` is what its buttons carry."""
    card = whole.card
    asked = named(card.asked, person, ASKED_ROOM) or "nobody"
    # What was answered in the end stands by itself.
    last = next((v for v in reversed(card.verdicts) if v.answer), None) if card.answer is not None else None
    return {
        "title": card.title,
        "kind": card.kind,
        "status": _status(card),
        "earlier": whole.earlier,
        "outcome": [_said(v, answered=v is last) for v in card.verdicts],
        "answer": entry_of(Line("Answer", card.answer)) if card.answer is not None else None,
        "execution": card.execution,
        "marks": list(card.marks),
        "action": card.action,
        "agent": card.agent,
        "arguments": [entry_of(line) for line in card.arguments],
        "house": [entry_of(line) for line in card.notes],
        "says": _speaker(card),
        "claims": [entry_of(line) for line in card.claims if card.state.open or line.label == KEPT],
        "facts": _facts(card, asked),
        "notes": _notes(card),
        "fully_shown": card.fully_shown,
        "buttons": _buttons(card.buttons, card.kind),
        "token": token,
        "url": web(card.url),
    }


def _speaker(card: Card) -> str:
    if by_house(card):
        return "*Sayso says*"
    return "*The agent says* (its own words, unchecked)" + ("" if card.claims else ": nothing")


@cache
def _buttons(verbs: tuple[Verb, ...], kind: Kind) -> tuple[Button, ...]:
    return tuple(Button(ACTION_IDS[verb], button_of(verb, kind), style_of(verb)) for verb in verbs)


def _status(card: Card) -> str:
    sure = f"{'⚠ ' if card.below_gate else ''}confidence {escape(card.confidence or 'not given')}"
    parts = [status_of(card), f"*{sure}*" if card.below_gate else sure, escape(card.risk)]
    if card.escalation_level:
        parts.append(f"*escalated* (level {card.escalation_level})")
    if card.progress:
        parts.append(escape(card.progress))
    if card.revision > 1:
        parts.append(f"revision {card.revision}")
    return " · ".join(parts)


def _facts(card: Card, asked: str) -> str:
    """Who is asked and until when; empty once it has ended."""
    if not card.state.open:
        return ""
    lines = [f"Nobody is asked before {date(card.held_until)}" if card.held_until else f"Asked: {asked}"]
    if card.deadline:
        lines.append(f"Next in the chain is asked: {date(card.deadline)}")
    lines.append(f"Expires: {date(card.expires_at)}")
    return "\n".join(lines)


def _notes(card: Card) -> str:
    """What may hold an agent's text, and so is drawn plain."""
    undo = f"How to undo it: {card.undo}" if card.undo else ""
    return "\n".join(part for part in (undo, f"Why it is asked: {card.why}" if card.why else "") if part)


class Entry(Struct, frozen=True):
    """A labelled text as the template draws it: on its label's line, or below it."""

    label: str
    text: str
    short: bool


def entry_of(line: Line) -> Entry:
    """A line, drawn: Slack refuses empty texts. Only what is one line and fits one is drawn on one."""
    text = line.text or "(empty)"
    return Entry(line.label or "(no name)", text, short="\n" not in text and len(line.label) + len(text) <= _ONE_LINE)


class Said(Struct, frozen=True):
    """One decision as drawn: its line in ``mrkdwn``, then what the person wrote and changed, as plain text."""

    line: str
    comment: str | None
    edits: str


def _said(verdict: Verdict, *, answered: bool) -> Said:
    parts = [f"*{escape(f'{verdict.title} by {verdict.by}' if verdict.by else verdict.title)}*"]
    if verdict.channel:
        parts.append(f" through {escape(verdict.channel)}")
    if verdict.at:
        parts.append(f", {date(verdict.at)}")
    if verdict.category:
        parts.append(f" · {escape(verdict.category.replace('_', ' '))}")
    told = [f"Answer: {verdict.answer}"] if verdict.answer and not answered else []
    told += [f"{edit.label}: {edit.text}" for edit in verdict.edits]
    return Said("".join(parts), verdict.comment, "\n".join(told))


def fallback(text: str) -> str:
    """A message's ``text``: what notifications show. Slack parses it, so it is escaped and holds no address."""
    return escape(clip(text, SAID)[0].replace("://", ":⁄⁄"))


def said(text: str, url: str | None = None) -> dict[str, Any]:
    """A sentence for one person, as a message; with ``url`` a button opens the request."""
    text = clip(text, SAID)[0] or "Nothing to say."
    return {"text": fallback(text), "blocks": draw("notice.json.j2", text=text, url=web(url) if url else None)}


def notice(title: str, text: str, url: str | None = None) -> dict[str, Any]:
    """A sentence for one person, as a modal without inputs."""
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": title, "emoji": False},
        "close": {"type": "plain_text", "text": "Close", "emoji": False},
        "blocks": said(text, url)["blocks"],
    }


def reminder(card: Card, note: str, person: Callable[[str], Person | None]) -> dict[str, Any]:
    """A reply under a card that says ``note`` to everybody who is asked."""
    asked = named(card.asked, person, ASKED_ROOM)
    line = " ".join(part for part in (asked, escape(clip(note, 1000)[0])) if part) or "A reminder."
    return {"text": line, "blocks": draw("reminder.json.j2", line=line)}


class Row(Struct, frozen=True):
    """One waiting request in a list: plain ``text``, ``facts`` in ``mrkdwn``, and its page."""

    text: str
    facts: str
    url: str | None


def queue(name: str, cards: Sequence[Card], most: int, *, announced: str | None = None) -> list[dict[str, Any]]:
    """What waits for a person, soonest first, ``most`` of it at most: blocks of a message or a home tab.

    ``announced`` is how the team was told of practices.
    """
    rows = [_row(card) for card in cards[:most]]
    more = max(len(cards) - most, 0)
    blocks: list[dict[str, Any]] = draw(
        name, headline=headline(len(cards)), rows=rows, more=more, announced=clip(announced or "", _ANNOUNCED)[0]
    )
    return blocks


def headline(count: int) -> str:
    """How many requests wait."""
    waits = "request waits" if count == 1 else "requests wait"
    return f"{count} {waits} for you" if count else "Nothing waits for you"


def _row(card: Card) -> Row:
    kind = "" if card.kind is Kind.APPROVAL else f"{KINDS[card.kind]} · "
    text = "\n".join(clip(part, 200)[0] for part in (card.title, f"{kind}{card.action} · asked by {card.agent}"))
    escalated = "*escalated* · " if card.escalation_level else ""
    return Row(text, f"{escalated}risk: {escape(card.risk)} · expires {date(card.expires_at)}", web(card.url))
