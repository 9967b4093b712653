"""Time zones as a file names them, in its keys and in its conditions (``now.getHours("Europe/Lisbon")``).

A zone that the engine does not know makes a condition fail each time it runs, and what cannot be answered is taken
strictly: a slip of the pen would block everything. So it is refused when the file is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from zoneinfo import available_timezones

from cel_expr_python import cel

_TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_ASKED = re.compile(rf"//[^\n]*|\.get[A-Z][A-Za-z]*\(\s*({_TEXT})\s*\)|{_TEXT}")
"""A clock that is asked in a zone; comments and other texts are stepped over."""
_NO_PLACE = re.compile(r"(?:UTC|GMT)?[+-]?\d.*|[A-Z]{3,4}")
_PLAIN = re.compile(r"[\w+:/-]{1,64}", re.ASCII)


def unknown(source: str) -> Iterator[tuple[int, int, str]]:
    """The zones in a condition that the engine does not know: line and column in it (from 1), and the name."""
    for found in _ASKED.finditer(source):
        name = (found[1] or "")[1:-1]
        if found[1] is not None and not _known(name):
            before = source[: found.start(1)]
            yield before.count("\n") + 1, found.start(1) - before.rfind("\n"), name


@cache
def _known(name: str) -> bool:
    if not _PLAIN.fullmatch(name):
        return False
    asked = cel.NewEnv(variables={}).compile(f'timestamp("2026-03-01T09:00:00Z").getHours("{name}")')
    return bool(asked.eval(data={}).type() == cel.Type.INT)


def meant(name: str) -> str:
    """What would do in place of a name that is no zone."""
    if _NO_PLACE.fullmatch(name):
        return "an offset or a short form does not say when clocks change; name a place: Europe/Lisbon"
    every = sorted(available_timezones())
    towns = [zone for zone in every if zone.rpartition("/")[2].casefold() == name.strip().replace(" ", "_").casefold()]
    near = towns or get_close_matches(name[:64], every, 1, 0.7)
    return f'did you mean "{near[0]}"?' if near else "name a place of the tz database: Europe/Lisbon"
