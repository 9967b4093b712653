"""What is wrong with a routing file: each fault with its place, what is wrong, and what would do."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar

from msgspec import Struct

from bot.core.errors import SaysoError
from bot.core.scrutiny import visible

MOST = 200
"""Faults told at most; a file with more is not the file that was meant."""


class RoutingError(Struct, frozen=True):
    """One fault. ``line`` and ``column`` count from 1; ``fix`` says what would do (it may be empty)."""

    file: str
    line: int
    column: int
    what: str
    fix: str = ""

    def __str__(self) -> str:
        """One line: ``routing.yaml:12:5: what; fix``."""
        return f"{self.file}:{self.line}:{self.column}: {self.what}" + (f"; {self.fix}" if self.fix else "")


class RoutingErrors(SaysoError):
    """The routing file is not one that can be used."""

    code: ClassVar[str] = "bad_routing"
    status: ClassVar[int] = 500

    def __init__(self, errors: Iterable[RoutingError]) -> None:
        """``errors``: all that was found, sorted by place."""
        self.errors = tuple(sorted(errors, key=lambda e: (e.line, e.column)))
        super().__init__("\n".join(map(str, self.errors)))

    def __str__(self) -> str:
        """One line an error."""
        return self.detail


class Faults:
    """Collects the faults of one file, so that all of them are told at once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.errors: list[RoutingError] = []

    def add(self, place: tuple[int, int], what: str, fix: str = "") -> None:
        """Record one fault at (line, column); the same words at the same place only once."""
        error = RoutingError(self.file, *place, what, fix)
        if error not in self.errors[-5:] and len(self.errors) < MOST:
            self.errors.append(error)

    def stop(self) -> None:
        """Raise `RoutingErrors` where there are any."""
        if self.errors:
            raise RoutingErrors(self.errors)


def quoted(text: str, limit: int = 60) -> str:
    """Text of the file as it is cited: in double quotes, nothing hidden, shortened."""
    shown = visible(text)
    return '"' + (shown if len(shown) <= limit else shown[: limit - 1] + "…") + '"'


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Names in a row: ``a, b and c``."""
    every = list(names)
    if len(every) > limit:
        return ", ".join(every[:limit]) + f" and {len(every) - limit} more"
    return " and ".join([", ".join(every[:-1]), every[-1]]) if len(every) > 1 else "".join(every)


def meant(name: str, known: Iterable[str], otherwise: str = "known here: {}") -> str:
    """``did you mean "notify"?``, or the names there are, put into ``otherwise``."""
    names = list(known)
    name = name[:100]
    near = get_close_matches(name, names, 1, 0.6) or [n for n in names if n.casefold() == name.casefold()]
    if near:
        return f'did you mean "{near[0]}"?'
    return otherwise.format(listed(names)) if names else ""
