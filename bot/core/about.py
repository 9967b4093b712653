"""What the work under way is about (its HTTP call, request, execution, delivery), for whoever writes it down.

It travels with the work in a context variable, so that a line of the log says it from within any library. Nothing is
decided by it, and nothing is kept in it that may not stand in a log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

NAMES = ("call", "who", "request", "execution", "delivery", "channel", "agent", "trace")
"""What is said, in the order in which a line says it. ``call`` is an HTTP call's id, ``who`` its key or person."""

_NOTHING: Mapping[str, str] = {}
_facts: ContextVar[dict[str, str] | None] = ContextVar("about", default=None)
_unsaid: ContextVar[tuple[str, ...]] = ContextVar("unsaid", default=())


def begin(**facts: str) -> dict[str, str]:
    """Begin work of its own, whatever it was started by; the facts, to which `mark` adds."""
    _facts.set(facts)
    return facts


def mark(**facts: str) -> None:
    """Say more of the work that was begun; where none was, there is nobody who would read it."""
    known = _facts.get()
    if known is not None:
        known.update(facts)


def withhold(texts: tuple[str, ...]) -> None:
    """Until this task ends, or withholds others, no line of the log says any of these texts; the longest first."""
    if texts or _unsaid.get():
        _unsaid.set(texts)


def withheld() -> tuple[str, ...]:
    """What no line of the log may say of the work under way."""
    return _unsaid.get()


def known() -> Mapping[str, str]:
    """What is known of the work under way."""
    return _facts.get() or _NOTHING


@contextmanager
def about(**facts: str) -> Iterator[None]:
    """Within it, these are known beside what was; an empty one is left out."""
    token = _facts.set({**known(), **{name: value for name, value in facts.items() if value}})
    try:
        yield
    finally:
        _facts.reset(token)
