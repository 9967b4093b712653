"""An audit line leaves the house in a form that still verifies outside."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.core.audit import export_line, exported_line, happened_at, within
from bot.core.ports import AuditLine
from tests.core.requests import NOW

BODY = '{"actor":"person:ana","at":"2026-03-02T09:00:00Z","data":{"note":"ä \\u2028"},"type":"request.decided"}'
LINE = AuditLine(seq=7, previous="0" * 64, hash=hashlib.sha256(("0" * 64 + BODY).encode()).hexdigest(), body=BODY)
SECOND = timedelta(seconds=1)


def test_an_exported_line_verifies_without_us() -> None:
    """It is one line of JSON, and the event's bytes in it are the hashed ones."""
    text = export_line(LINE)
    assert "\n" not in text
    told = json.loads(text)
    assert (told["seq"], told["previous"], told["event"]["actor"]) == (7, "0" * 64, "person:ana")
    event = text[text.index('"event":') + len('"event":') : -1]
    assert hashlib.sha256(told["previous"].encode() + event.encode()).hexdigest() == told["hash"]


def test_when_it_happened() -> None:
    """The event's own time, aware."""
    assert happened_at(LINE) == NOW


@pytest.mark.parametrize(
    ("since", "until", "inside"),
    [
        (None, None, True),
        (NOW, None, True),
        (NOW + SECOND, None, False),
        (None, NOW, False),
        (None, NOW + SECOND, True),
        (NOW, NOW + SECOND, True),
        (NOW - SECOND, NOW, False),
    ],
)
def test_a_span_holds_its_beginning_and_not_its_end(since: object, until: object, *, inside: bool) -> None:
    """Two spans that meet share no line."""
    assert within(LINE, since=since, until=until) == inside  # type: ignore[arg-type]  # a table of mixed values


def test_an_exported_line_is_read_as_it_was_written() -> None:
    """Back to the very line, its event to the byte."""
    assert exported_line(export_line(LINE).encode()) == LINE


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace('"seq":7', '"seq":7,"seq":7', 1),
        lambda text: text.replace('"seq":7', '"seq": 7', 1),
        lambda text: text[:-1] + ',"event":{}}',
        lambda text: text[:-1] + ',"note":1}',
        lambda text: text[:-1],
        lambda _: "",
        lambda _: "seq,at,type",
        lambda _: "[]",
    ],
)
def test_t24_a_line_that_two_readers_could_take_otherwise_is_none(change: Callable[[str], str]) -> None:
    """A member twice, another member, other spacing, no JSON: refused, for only one way of writing is ours."""
    with pytest.raises(ValueError, match=r"."):
        exported_line(change(export_line(LINE)).encode())


def test_t24_bytes_that_are_no_text_are_no_line() -> None:
    """A line in another encoding than UTF-8 is refused."""
    with pytest.raises(ValueError, match=r"."):
        exported_line(export_line(LINE).replace("ä", "\xe4").encode("latin-1"))
