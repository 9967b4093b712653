"""A record as a line: what cannot be read is shown, what is secret is not, and no text can look like a line of ours.

Agents' words come into the log by errors that quote them. A newline in them would begin a line that nobody wrote, and
an escape sequence would rewrite the reader's terminal (CWE-117).
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from bot.core.about import NAMES, known, withheld
from bot.core.redaction import MARK
from bot.core.spellings import spellings, without
from bot.logs.masks import Masks

CALLS = "sayso.http"
"""The logger of HTTP calls, one line each; its records carry what they say, checked, as ``told``."""

_ROOMS = ("bot", "channels", "store", "sayso")
# C0 and C1 controls, what turns the direction of writing, and the line separators that no editor agrees about.
_UNREADABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
_OUR_CALL = re.compile(r"[0-9a-f]{12}-[0-9a-f]+")
_OURS = (AttributeError, NameError, ImportError, AssertionError)
"""Errors whose words name a program's own parts and no value."""

_LONGEST = 8000
"""Characters of a message; an error may quote a whole letter."""


def _shown(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape").decode("ascii")


def readable(text: str) -> str:
    """The text on one line: control characters as escapes, a newline as a backslash and an n."""
    return _UNREADABLE.sub(_shown, text)


def _unsaid(text: str) -> str:
    texts = withheld()
    return without(text, _spelt(texts), MARK) if texts else text


@lru_cache(maxsize=1)
def _spelt(texts: tuple[str, ...]) -> tuple[str, ...]:
    """The texts in every spelling, the longest first; kept, for whoever prints does so line by line."""
    return tuple(sorted({way for text in texts for way in spellings(text)}, key=lambda way: (-len(way), way)))


def _bounded(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} (and {len(text) - _LONGEST} characters more)"


def traced(error: BaseException) -> list[str]:
    """A traceback's lines: what was raised, where, and because of what.

    Without its words, unless they are the program's own or the operating system's: a KeyError or a parser quotes what
    it was given, which may be anybody's secret (threat T23), and so may a template that names a value.
    """
    lines: list[str] = []
    seen: set[int] = set()
    at: BaseException | None = error
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        said = at.strerror if isinstance(at, OSError) else str(at) if isinstance(at, _OURS) else ""
        words = f": {said}" if said else ""
        frames = traceback.StackSummary.extract(traceback.walk_tb(at.__traceback__)).format()
        told = [line for frame in frames for line in frame.rstrip("\n").split("\n")]
        lines = ["Traceback (most recent call last):", *told, f"{type(at).__qualname__}{words}", *lines]
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return lines


class _Lines(logging.Formatter):
    """What both forms share."""

    def __init__(self, masks: Masks) -> None:
        super().__init__()
        self._masks = masks

    def _message(self, record: logging.LogRecord) -> str:
        # Hidden first: an escape in its midst would keep a secret from being known.
        return readable(_bounded(self._masks.hide(_unsaid(record.getMessage()))))

    def _traceback(self, record: logging.LogRecord) -> list[str]:
        if not record.exc_info:
            return []
        _, error, _ = record.exc_info
        if error is None:
            return []
        return [readable(self._masks.hide(_unsaid(line))) for line in traced(error)]

    @staticmethod
    def _at(record: logging.LogRecord) -> str:
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class TextLines(_Lines):
    """``2026-11-26T01:14:38.120+00:00 WARNING bot.rules: message [call=… request=…]``; tracebacks are indented."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as text."""
        facts = known()
        said = " ".join(f"{name}={readable(facts[name])}" for name in NAMES if name in facts)
        line = f"{self._at(record)} {record.levelname} {record.name}: {self._message(record)}"
        lines = [f"{line} [{said}]" if said else line]
        return "\n    ".join(lines + self._traceback(record))


class JsonLines(_Lines):
    """One JSON object a line: at, level, logger, message, what it is about, and the traceback where there is one."""

    def __init__(self, masks: Masks) -> None:
        super().__init__(masks)
        self._encoder = msgspec.json.Encoder()

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        line: dict[str, Any] = {"at": self._at(record), "level": record.levelname.lower(), "logger": record.name}
        told: dict[str, Any] | None = getattr(record, "told", None)
        if told is not None:
            # Made of names that we know and of numbers; only its id may be the caller's own.
            if not _OUR_CALL.fullmatch(told["call"]):
                told["call"] = self._masks.hide(told["call"])
            return self._encoded(line | told)
        line["message"] = self._message(record)
        facts = known()
        line |= {name: facts[name] for name in NAMES if name in facts}
        if traceback := self._traceback(record):
            line["traceback"] = "\n".join(traceback)
        return self._encoded(line)

    def _encoded(self, line: dict[str, Any]) -> str:
        # JSON itself escapes only the first 32; a terminal obeys more.
        return _UNREADABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", self._encoder.encode(line).decode())


def log_to_stderr(form: str, ours: int = logging.INFO, secrets: Iterable[str] = ()) -> None:
    """Write logs as ``text`` or ``json``: ``ours`` from that level up, the libraries' own chatter from warnings up.

    ``secrets`` never stand in it. Only JSON has a line for each HTTP call.
    """
    handler = logging.StreamHandler(sys.stderr)
    masks = Masks(secrets)
    handler.setFormatter(JsonLines(masks) if form == "json" else TextLines(masks))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for room in _ROOMS:
        logging.getLogger(room).setLevel(ours)
    logging.getLogger(CALLS).setLevel(logging.INFO if form == "json" else logging.WARNING)
