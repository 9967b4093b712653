"""Bodies kept as data: parts, each so many times, so that a bomb takes a line and not a megabyte."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of a data file."""
    read: list[dict[str, Any]] = json.loads((DATA / name).read_text())
    return read


def body_of(case: dict[str, Any]) -> bytes:
    """The bytes of a case; ``latin1`` ones are given byte by byte, ``numbered`` parts carry their number."""
    numbered = case.get("numbered", False)
    text = "".join(_repeated(part, times, numbered=numbered) for part, times in case["parts"])
    return text.encode("latin-1" if case.get("latin1") else "utf-8")


def _repeated(part: str, times: int, *, numbered: bool) -> str:
    return "".join(part % n for n in range(times)) if numbered and "%d" in part else part * times
