"""Which of many alike requests are looked at first: some by lot, and those that differ from the others.

The lot is drawn by the machine's own randomness when the page is made, so no agent can foresee or steer it. It is kept
in the form under a mark, so that an answer with a fault asks for the same ones.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from bot.core.model import Request
from bot.core.scrutiny import visible
from bot.web.inbox.gathered import Row
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.summary import exact, text_of, written

LOOKED = "looked:"
"""A spot check that was made is ``looked:<request>`` = ``<revision>:<digest>``."""

_FEW, _SOME, _MANY = 3, 4, 5
_SOME_FROM, _MANY_FROM = 30, 100
_ENOUGH = 5
"""From so many requests on, one can be unlike the others."""

_NEARLY_ALL = 0.9
_MOST_NAMES = 100
"""Names of arguments that are compared, those that most requests have."""

_SHORT = 80
_NONE, _NUMBER = "none", "number"


class Odd(Struct, frozen=True, kw_only=True):
    """In what a request differs: ``kind`` is least, most, unlike, missing or extra; texts `visible`.

    ``usual`` is the value that nearly all others have ("" where those are numbers).
    """

    kind: str
    name: str
    value: str = ""
    usual: str = ""


def drawn(rows: Sequence[Row]) -> tuple[str, ...]:
    """Ids for spot checks, in the order of the rows: three of few, five of many."""
    count = _MANY if len(rows) >= _MANY_FROM else _SOME if len(rows) >= _SOME_FROM else _FEW
    lot = set(secrets.SystemRandom().sample(range(len(rows)), min(count, len(rows))))
    return tuple(row.request.id for at, row in enumerate(rows) if at in lot)


def sealed(samples: Sequence[Row], visitor: Visitor) -> tuple[str, str]:
    """What the form keeps of the lot: the samples as they are shown, and a mark that only this session can make."""
    text = " ".join(f"{row.request.id}={row.bound}" for row in samples)
    return text, _mark(text, visitor)


def unsealed(form: Form, visitor: Visitor) -> dict[str, str] | None:
    """The samples that a form was made with, id to what was shown of it; None where no page of ours said so."""
    text = form.get("samples", "")
    if not text or not hmac.compare_digest(form.get("samples_mark", "").encode(), _mark(text, visitor).encode()):
        return None
    return dict(one.split("=", 1) for one in text.split(" "))


def _mark(text: str, visitor: Visitor) -> str:
    return hmac.new(visitor.cookie.encode(), b"sayso samples " + text.encode(), hashlib.sha256).hexdigest()


def odd_ones(requests: Sequence[Request]) -> Mapping[str, tuple[Odd, ...]]:
    """Those with the largest or smallest number of an argument, or unlike nearly all others; id to in what."""
    found: defaultdict[str, list[Odd]] = defaultdict(list)
    names = Counter(name for request in requests for name in request.content.arguments)
    compared = dict(names.most_common(_MOST_NAMES))
    for request in requests if len(names) > len(compared) else ():
        # Names without end are not compared one by one (threat T22); whoever holds such a rare one is looked at.
        rare = next((name for name in request.content.arguments if name not in compared), None)
        if rare is not None:
            found[request.id].append(Odd(kind="extra", name=visible(rare)))
    for name in compared:
        held = {r.id: r.content.arguments[name] for r in requests if name in r.content.arguments}
        for id_, odd in (*_bounds(name, held), *_unlike(name, held, requests)):
            found[id_].append(odd)
    return {id_: tuple(odds) for id_, odds in found.items()}


def _bounds(name: str, held: Mapping[str, Any]) -> list[tuple[str, Odd]]:
    numbers = {id_: exact(value) for id_, value in held.items() if _is_number(value)}
    if len(set(numbers.values())) < 2:  # noqa: PLR2004  # one number has no bounds
        return []
    found: list[tuple[str, Odd]] = []
    for kind, bound in (("most", max(numbers.values())), ("least", min(numbers.values()))):
        holders = [id_ for id_, number in numbers.items() if number == bound]
        # What a good part of them have in common marks none of them.
        if len(holders) <= max(1, len(numbers) // 10):
            found += [(id_, Odd(kind=kind, name=visible(name), value=written(bound))) for id_ in holders]
    return found


def _unlike(name: str, held: Mapping[str, Any], requests: Sequence[Request]) -> list[tuple[str, Odd]]:
    kinds = {r.id: _sort(held, r.id) for r in requests}
    (usual, count), *_ = Counter(kinds.values()).most_common(1)
    if len(requests) < _ENOUGH or not _NEARLY_ALL * len(requests) <= count < len(requests):
        return []
    shown = "" if usual[0] == _NUMBER else _short(usual[1])
    return [
        (id_, Odd(kind=_kind(usual[0], sort), name=visible(name), value=_short(_told(held, id_)), usual=shown))
        for id_, (sort, text) in kinds.items()
        if (sort, text) != usual
    ]


def _kind(usual: str, sort: str) -> str:
    if sort == _NONE:
        return "missing"
    return "extra" if usual == _NONE else "unlike"


def _sort(held: Mapping[str, Any], id_: str) -> tuple[str, str]:
    """What makes two values alike: both missing, both numbers, or the same text."""
    if id_ not in held:
        return _NONE, ""
    return (_NUMBER, "") if _is_number(held[id_]) else ("text", text_of(held[id_]))


def _told(held: Mapping[str, Any], id_: str) -> str:
    return text_of(held[id_]) if id_ in held else ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(text: str) -> str:
    return visible(text if len(text) <= _SHORT else text[:_SHORT] + "…")
