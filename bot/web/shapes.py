"""What a value may look like, as data: each shape checks it, naming every fault, and draws its own JSON Schema.

One table serves the door and the document, so ``/openapi.json`` cannot say another thing than the parser does.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Protocol

from bot.core.durations import PATTERN, duration_of
from bot.core.errors import Fault
from bot.web.strict_json import MAX_FAULTS

NAMED = 64
"""Characters of a stranger's key that an answer repeats, and the longest that is worth comparing with known ones."""


class Faults(list[Fault]):
    """What was found so far; ``full`` once there is no use in looking for more."""

    @property
    def full(self) -> bool:
        """Whether enough was found for one answer."""
        return len(self) >= MAX_FAULTS

    def add(self, pointer: str, rule: str, detail: str) -> None:
        """Note a fault, unless there are enough."""
        if not self.full:
            self.append(Fault(pointer, rule, detail))


class Shape(Protocol):
    """One kind of JSON value."""

    def check(self, value: Any, at: str, faults: Faults) -> Any:
        """The value as the house takes it; faults are added with ``at`` as their pointer."""

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema 2020-12."""


@dataclass(frozen=True)
class Text:
    """A string of so many characters (code points), wholly of one pattern where one is given."""

    longest: int
    shortest: int = 1
    pattern: str | None = None
    says: str = ""

    @cached_property
    def _compiled(self) -> re.Pattern[str] | None:
        return re.compile(self.pattern) if self.pattern else None

    def check(self, value: Any, at: str, faults: Faults) -> Any:
        """The string, or a fault of type, length or pattern."""
        if not isinstance(value, str):
            faults.add(at, "type", f"must be a string, not {kind_of(value)}")
        elif len(value) > self.longest:
            faults.add(at, "max_length", f"must be at most {self.longest:,} characters long; this has {len(value):,}")
        elif len(value) < self.shortest:
            faults.add(at, "min_length", "must not be empty")
        elif self._compiled and not self._compiled.fullmatch(value):
            faults.add(at, "pattern", f"must be {self.says}")
        return value

    def schema(self) -> dict[str, Any]:
        """A string schema."""
        drawn: dict[str, Any] = {"type": "string", "maxLength": self.longest}
        if self.shortest:
            drawn["minLength"] = self.shortest
        if self.pattern:
            drawn["pattern"] = f"^(?:{self.pattern})$"
        return drawn


@dataclass(frozen=True)
class Number:
    """A number within bounds; ``whole`` takes integers alone. True and false are no numbers."""

    minimum: float
    maximum: float
    whole: bool = False

    def check(self, value: Any, at: str, faults: Faults) -> Any:
        """The number, or a fault of type or range."""
        fits = isinstance(value, int) or (isinstance(value, float) and (not self.whole or value.is_integer()))
        if not fits or isinstance(value, bool):
            what = "a fraction" if isinstance(value, float) else kind_of(value)
            faults.add(at, "type", f"must be a {'whole ' if self.whole else ''}number, not {what}")
        elif not self.minimum <= value <= self.maximum:
            faults.add(at, "range", f"must lie between {self.minimum} and {self.maximum}")
        return int(value) if self.whole and isinstance(value, float) and value.is_integer() else value

    def schema(self) -> dict[str, Any]:
        """A number schema."""
        return {"type": "integer" if self.whole else "number", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True)
class Flag:
    """True or false."""

    def check(self, value: Any, at: str, faults: Faults) -> Any:
        """The boolean, or a fault of type."""
        if not isinstance(value, bool):
            faults.add(at, "type", f"must be true or false, not {kind_of(value)}")
        return value

    def schema(self) -> dict[str, Any]:
        """A boolean schema."""
        return {"type": "boolean"}


@dataclass(frozen=True)
class OneOf:
    """One of some words."""

    words: tuple[str, ...]

    def check(self, value: Any, at: str, faults: Faults) -> Any:
        """The word, or a fault that lists them."""
        if not isinstance(value, str) or value not in self.words:
            hint = near(value, self.words) if isinstance(value, str) else ""
            faults.add(at, "enum", f"must be one of: {', '.join(self.words)}{hint}")
        return value

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"type": "string", "enum": list(self.words)}


@dataclass(frozen=True)
class Anything:
    """Any JSON value within the body's limits."""

    def check(self, value: Any, at: str, faults: Faults) -> Any:  # noqa: ARG002 - the face of every shape
        """The value."""
        return value

    def schema(self) -> dict[str, Any]:
        """No constraint."""
        return {}


@dataclass(frozen=True)
class Scalar:
    """A string, a number or a boolean: what a label may hold."""

    longest: int

    def check(self, value: Any, at: str, faults: Faults) -> Any:
        """The scalar, or a fault of type or length."""
        if not isinstance(value, str | int | float):
            faults.add(at, "type", f"must be a string, a number, true or false, not {kind_of(value)}")
        elif isinstance(value, str) and len(value) > self.longest:
            faults.add(at, "max_length", f"must be at most {self.longest:,} characters long; this has {len(value):,}")
        return value

    def schema(self) -> dict[str, Any]:
        """A schema of three types."""
        return {"type": ["string", "number", "boolean"], "maxLength": self.longest}


@dataclass(frozen=True)
class Span:
    """A duration such as ``30s``, ``15m``, ``8h`` or ``2d``, taken as a ``timedelta``."""

    shortest: timedelta
    longest: timedelta
    says: str

    def check(self, value: Any, at: str, faults: Faults) -> Any:
        """The duration, or a fault of form or range."""
        try:
            span = duration_of(value) if isinstance(value, str) else None
        except OverflowError:
            span = timedelta.max
        if span is None:
            faults.add(at, "duration", "must be a duration such as 30s, 15m, 8h or 2d")
        elif not self.shortest <= span <= self.longest:
            faults.add(at, "range", f"must lie between {self.says}")
        return span

    def schema(self) -> dict[str, Any]:
        """A string schema; the bounds stand in words, as JSON Schema cannot say them."""
        return {"type": "string", "pattern": f"^{PATTERN}$", "description": f"Between {self.says}."}


def near(name: str, known: tuple[str, ...]) -> str:
    """`; did you mean …?` where one of the known words is close, else nothing."""
    if len(name) > NAMED:
        return ""
    close = difflib.get_close_matches(name.lower(), known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def kind_of(value: Any) -> str:
    """A JSON value's type, in words."""
    if isinstance(value, bool):
        return "a boolean"
    names = ((str, "a string"), (int | float, "a number"), (dict, "an object"), (list, "an array"))
    return next((word for kind, word in names if isinstance(value, kind)), "null")
