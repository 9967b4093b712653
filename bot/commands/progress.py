"""One line at the terminal that says how far something long has come; nothing where nobody looks."""

from __future__ import annotations

import sys
import time

_EVERY = 0.2
_CLEAR = "\r\x1b[K"


class Progress:
    """Writes to standard error where that is a terminal."""

    def __init__(self, doing: str) -> None:
        """``doing`` is what is done, as "copying"."""
        self._doing = doing
        self._on = sys.stderr.isatty()
        self._began = time.monotonic()
        self._said = 0.0

    def __call__(self, what: str, done: int, whole: int) -> None:
        """So many of these are done, of so many."""
        now = time.monotonic()
        if self._on and now - self._said >= _EVERY:
            self._said = now
            took = now - self._began
            sys.stderr.write(f"{_CLEAR}{self._doing}: {done:,} of {whole:,} {what}, {took:.0f} s")
            sys.stderr.flush()

    def end(self) -> float:
        """Clear the line; how many seconds it took."""
        if self._said:
            sys.stderr.write(_CLEAR)
            sys.stderr.flush()
        return time.monotonic() - self._began
