"""What a proposal names: orders, accounts, people. Who was told no about one of them goes to people with the next.

Somebody whose refund of 100 was rejected and who asks for 50 and for 49.90 has written two other proposals, each of
which a grant covers. Both have to name what the money is for, though, however they write it. So what was rejected or
changed leaves the names in it, and for the action's cool-down no grant lets run what has one of them.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby, takewhile, zip_longest
from typing import Any

from msgspec import Struct

from bot.core.fingerprint import undressed
from bot.core.model import Arguments
from bot.core.pointers import below
from bot.core.scrutiny import unhidden

ANY = "any"
"""Left by every rejection: of its agent, what names nothing may be like any of them."""
ALL = "all"
"""Left by a rejection that names nothing, or too much to be kept: of its agent, everything may be like it."""
_MOST = 64
"""Names of one proposal. Of more, those that count could hide behind the others."""
_WORD, _WITH_DIGITS = 4, 3
"""Characters from which a text names something: a currency or a language code does not, an order number does."""
_DIGITS = re.compile(r"\d{3,}")
_GROUP = re.compile(r"\d+")
_GROUPS = 6
"""Words that one number may be written in; an account's are five or six."""
_APART = re.compile(r"[\s<>()\[\],;:\"']+")
"""What stands between an address and the words around it."""
_BITS = 5
"""Hexadecimal digits kept of a name's hash: enough to find it again, and too few to say from it what it was."""


class Naming(Struct, frozen=True):
    """What in an action's arguments names nothing: what lies at the pointers ``amounts``, the texts ``choices``."""

    amounts: Collection[str] = ()
    choices: frozenset[str] = frozenset()


def choices_in(schema: Any) -> frozenset[str]:
    """The texts that a schema lists as all there are (``enum``, ``const``): a reason, a country, a way to pay."""
    if isinstance(schema, Mapping):
        listed = [*_listed(schema.get("enum")), *_listed([schema.get("const")])]
        return frozenset(listed).union(*map(choices_in, schema.values()))
    return frozenset[str]().union(*map(choices_in, schema)) if isinstance(schema, list | tuple) else frozenset()


def _listed(values: Any) -> list[str]:
    found = values if isinstance(values, list | tuple) else ()
    return [value for value in found if isinstance(value, str) and not any(map(str.isdecimal, value))]


def names_in(arguments: Iterable[Arguments], naming: Naming) -> frozenset[str] | None:
    """What proposals name, without their clothes; None: too much.

    A text names itself, each run of digits in it and each address, so that an order stays that order with words around
    it.
    """
    found: set[str] = set()
    done: set[str] = set()
    for each in arguments:
        for name in _names(each, "", naming, done):
            found |= {name} if name else set()
            if len(found) > _MOST:
                return None
    return frozenset(found)


def print_of(action: str, name: str) -> str:
    """What is kept of a name that was rejected, and looked for among fingerprints."""
    return f"alike {action} {hashlib.sha256(f'{action} {name}'.encode()).hexdigest()[:_BITS]}"


def mark_of(action: str, which: str, agent: str | None = None) -> str:
    """The same for `ANY` or `ALL`, which are no names: of one agent's rejections, or (None) of anybody's."""
    return f"alike {action} {which}" if agent is None else f"alike {action} {which} of {agent}"


def _names(value: Any, pointer: str, naming: Naming, done: set[str]) -> Iterator[str]:
    """``done`` are the texts that were gone through: 60,000 that are alike are gone through once (threat T22)."""
    if pointer in naming.amounts:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _runs(_plain(key))
            yield from _names(item, below(pointer, key), naming, done)
    elif isinstance(value, list):
        for item in value:
            yield from _names(item, pointer, naming, done)
    elif isinstance(value, str) and value not in naming.choices and value not in done:
        done.add(value)
        plain = _plain(value)
        text = "".join(filter(str.isalnum, plain))
        if len(text) >= (_WITH_DIGITS if any(map(str.isdecimal, text)) else _WORD):
            yield text.lstrip("0")
        yield from _runs(plain)
        # Its groups may be set apart by anything: 10,428 and 10-428 are 10428.
        yield from _runs(text)
        yield from _groups(value)
        yield from _addresses(value)
    elif isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1:
        yield from _runs(str(int(value)))


def _groups(text: str) -> Iterator[str]:
    """Each number among a text's words, in one word or in several beside each other: 10 428 7 may be 10428, and a 7."""
    seen = _decimal(unhidden(unicodedata.normalize("NFKC", text)))
    yield from _set_apart(seen)
    words = seen.split()
    # Each once: a long text of the same few words is read in no time, for all that its agent hoped.
    for word in dict.fromkeys(words):
        yield from _runs(word)
    for beside in dict.fromkeys(zip_longest(*(words[first:] for first in range(_GROUPS)), fillvalue="")):
        joined = ""
        for part in takewhile(str.isdecimal, beside):
            joined += part
            yield from _runs(joined)


def _set_apart(text: str) -> Iterator[str]:
    """Each number whose groups are set apart alike, whatever number stands beside it: 10,428 7 is 10428, and a 7."""
    digits, between = _GROUP.findall(text), _GROUP.split(text)[1:-1]
    for alike, places in groupby(range(len(between)), key=between.__getitem__):
        first, *more = places
        if not any(map(str.isalnum, alike)):
            yield from _runs("".join(digits[first : first + len(more) + 2]))


def _addresses(text: str) -> Iterator[str]:
    """The addresses among a text's words: whoever is Bob <bob@example.com> is bob@example.com, too."""
    for word in _APART.split(unicodedata.normalize("NFKC", text)):
        if "@" in word:
            yield "".join(filter(str.isalnum, _plain(word))).lstrip("0")


def _plain(text: str) -> str:
    """A text without its clothes, every script's digits written alike."""
    return _decimal(str(undressed(text)))


def _decimal(text: str) -> str:
    other = {ord(c): str(unicodedata.decimal(c)) for c in set(text) if c.isdecimal() and not c.isascii()}
    return text.translate(other) if other else text


def _runs(text: str) -> Iterator[str]:
    for run in _DIGITS.findall(text):
        yield run.lstrip("0")
