"""Times, spans and patterns that a condition writes out, and that the engine cannot read.

The engine reads them as the condition runs, and what cannot be answered is taken strictly: ``duration("1d")`` or
``timestamp("2026-12-20")`` (both written otherwise in the rest of the file) would block everything for good. So they
are refused when the file is read, as a zone that there is not (`bot.routing.zones`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from cel_expr_python import cel

_TEXT = r"""[rR]?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\")"""
_WRITTEN = re.compile(rf"//[^\n]*|(?:(?<![\w.])(timestamp|duration)|\.(matches))\(\s*({_TEXT})\s*\)|{_TEXT}")
"""One of the three with a text of the file's own; comments and other texts are stepped over."""
_MEANT = {
    "timestamp": ("no moment", "write it whole, with its zone: 2026-03-01T09:00:00Z"),
    "duration": ("no duration to conditions", "write hours, minutes or seconds: 24h, 90m, 30s"),
    "matches": ("no regular expression", "mend it; there is no look-around and no back-reference"),
}


def unread(source: str) -> Iterator[tuple[int, int, str, str, str]]:
    """What the engine cannot read in a condition: line and column in it (from 1), the text, what is wrong, a fix."""
    for found in _WRITTEN.finditer(source):
        call, text = found[1] or found[2], found[3]
        if text is not None and not _read(call, text):
            before = source[: found.start(3)]
            yield before.count("\n") + 1, found.start(3) - before.rfind("\n"), text.lstrip("rR")[1:-1], *_MEANT[call]


@cache
def _read(call: str, text: str) -> bool:
    asked = f'"".matches({text})' if call == "matches" else f"{call}({text})"
    answer = cel.NewEnv(variables={}).compile(asked).eval(data={})
    return bool(answer.type() != cel.Type.ERROR)
