"""A duration in the units of the file."""

from __future__ import annotations

import re
from datetime import timedelta


def span_text(length: timedelta) -> str:
    """A duration in the units of the file: ``1h30m``."""
    rest = int(length / timedelta(milliseconds=1))
    parts = []
    for name, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"


_OTHERWISE = re.compile(
    r"(\d{1,9}(?:\.\d{1,3})?)\s*"
    r"(?:(w)(?:eeks?)?|(d)(?:ays?)?|(h)(?:ours?|rs?)?|(m)(?:in(?:ute)?s?)?|(s)(?:ec(?:ond)?s?)?|ms)(?![a-z])\s*",
    re.ASCII | re.IGNORECASE,
)
_THOUSANDTHS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000}


def meant(text: str) -> str | None:
    """A duration in other words (``1h30m``, ``1.5 hours``), as the file takes it; None where it is none."""
    at, total = 0, 0.0
    while found := _OTHERWISE.match(text, at):
        unit = next((one.lower() for one in found.groups()[1:] if one), "")
        at, total = found.end(), total + float(found[1]) * _THOUSANDTHS.get(unit, 1)
    if at < len(text) or not at or total < 1:
        return None
    units = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
    return next(f"{round(total) // size}{name}" for name, size in units if round(total) % size == 0)
