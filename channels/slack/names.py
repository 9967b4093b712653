"""People as Slack names them. A mention is what reaches somebody in a shared channel, so as many stand as fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bot.core.card import Asked
from bot.core.model import Person
from channels.slack.sizes import NAME, clip

_MEMBER = re.compile(r"[UW][A-Z0-9]{2,20}")


def escape(text: str) -> str:
    """Text for ``mrkdwn``, on one line: no mention or link survives in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", " ")


def mention(asked: Asked, person: Person | None) -> str:
    """Somebody who is asked, as ``mrkdwn``: by Slack id where ours is one, else the escaped name."""
    known = person is not None and person.slack is not None and _MEMBER.fullmatch(person.slack)
    who = f"<@{person.slack}>" if known and person else escape(clip(asked.name, NAME)[0])
    return f"{who} (for {escape(clip(asked.stands_for, NAME)[0])})" if asked.stands_for else who


def named(asked: Sequence[Asked], person: Callable[[str], Person | None], room: int) -> str:
    """Everybody of these, as ``mrkdwn`` of ``room`` characters at most, and how many are left out of it.

    Where somebody has to be left out it is not whom the newest step asks: those know of it from nowhere else.
    """
    told = [mention(one, person(one.person)) for one in asked]
    if sum(map(_units, told)) <= room:
        return ", ".join(told)
    newest_first = sorted(zip(asked, told, strict=True), key=lambda pair: -pair[0].step)
    told = [text for _, text in newest_first]
    fit, left = 0, room
    while fit < len(told) and (left := left - _units(told[fit])) >= 0:
        fit += 1
    return f"{', '.join(told[:fit])} and {len(told) - fit} more"


def _units(text: str) -> int:
    """What one takes of the room, with what stands between it and the next."""
    return (len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2) + 2
