"""What the agent says of itself, which stands apart from the facts."""

from __future__ import annotations

from typing import Any

from bot.core.card.values import Card, Line
from bot.core.joiners import prose
from bot.core.model import Revision
from bot.core.policy import HOUSE
from bot.core.scrutiny import visible

_NAMED = 5
"""How many tool calls or alternatives a card names; the page shows all."""


def answers_in(context: dict[str, Any]) -> list[dict[str, Any]]:
    """What the agent answered when it was asked, oldest first; whatever else it put under that name is left alone."""
    told = context.get("answers")
    return [a for a in told if isinstance(a, dict) and "text" in a] if isinstance(told, list) else []


def by_house(card: Card) -> bool:
    """Whether the claims are the house's own words: no agent may ask for its actions (`bot.desk.intake`)."""
    return card.action.startswith(HOUSE)


def claims_of(content: Revision) -> tuple[Line, ...]:
    """What the agent says of itself, in the order in which a reviewer wants it."""
    context = content.context
    lines = [Line("Reason", prose(content.reason))] if content.reason else []
    if content.on_behalf_of:
        lines.append(Line("On behalf of", visible(content.on_behalf_of)))
    lines.extend(Line("Its answer", prose(str(answer["text"]))) for answer in answers_in(context))
    for name, label in (
        ("user_request", "Original request"),
        ("expected_outcome", "Expected outcome"),
        ("rollback", "How to undo it"),
    ):
        if context.get(name):
            lines.append(Line(label, prose(str(context[name]))))
    for item in context.get("evidence") or ():
        parts = [str(item[k]) for k in ("text", "url") if item.get(k)]
        lines.append(
            Line(
                f"Evidence: {prose(str(item.get('title') or 'untitled'))}".replace("\n", " "),
                prose("\n".join(parts)),
            )
        )
    if context.get("risks"):
        lines.append(Line("Risks", prose("\n".join(map(str, context["risks"])))))
    for check in context.get("checks") or ():
        passed = {True: "passed", False: "failed"}.get(check.get("passed"), "no verdict")
        lines.append(
            Line(
                f"Check: {visible(str(check.get('name')))}".replace("\n", " "),
                prose(f"{passed} {check.get('detail') or ''}".strip()),
            )
        )
    for label, key in (("Tool calls", "tool_calls"), ("Alternatives", "alternatives")):
        items = context.get(key) or ()
        if items:
            names = ", ".join(dict.fromkeys(visible(str(i.get("name") or i.get("action"))) for i in items[:_NAMED]))
            lines.append(
                Line(label, f"{len(items)}: {names}".replace("\n", " ") + (", …" if len(items) > _NAMED else ""))
            )
    return tuple(lines)
