"""A duration in the units of the file."""

from __future__ import annotations

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
