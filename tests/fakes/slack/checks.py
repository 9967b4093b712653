"""The tools of the Block Kit check: one collector of problems and small checks of one value.

A check is a function `(problems, pointer, value)`; the pointer is a JSON pointer from the argument's name, as in
Slack's own messages: `must be less than 3001 characters [json-pointer:/blocks/0/text/text]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass
class Problems:
    """What is wrong with one payload, in Slack's words."""

    lines: list[str] = field(default_factory=list)

    def add(self, pointer: str, text: str) -> None:
        """Note one problem at a place."""
        self.lines.append(f"{text} [json-pointer:{pointer}]")


Check: TypeAlias = Callable[[Problems, str, object], None]


@dataclass(frozen=True)
class Shape:
    """An object of Block Kit: what it must hold, may hold, and a rule over the whole; nothing else is allowed."""

    required: Mapping[str, Check]
    optional: Mapping[str, Check] = field(default_factory=dict)
    rule: Check | None = None

    def __call__(self, problems: Problems, pointer: str, value: object) -> None:
        """Check an object against this shape (`type` is checked by whoever chose the shape)."""
        if not isinstance(value, dict):
            problems.add(pointer, "must be an object")
            return
        known = {"type", *self.required, *self.optional}
        for name in value:
            if name not in known:
                problems.add(pointer, f"invalid additional property: {name}")
        for name in self.required:
            if value.get(name) is None:
                problems.add(pointer, f"missing required field: {name}")
        for name, check in {**self.required, **self.optional}.items():
            if value.get(name) is not None:
                check(problems, f"{pointer}/{name}", value[name])
        if self.rule is not None:
            self.rule(problems, pointer, value)


def string(most: int, least: int = 1) -> Check:
    """Check a string's length in characters."""

    def check(problems: Problems, pointer: str, value: object) -> None:
        if not isinstance(value, str):
            problems.add(pointer, "must be a string")
        elif len(value) < least:
            problems.add(pointer, f"must be more than {least - 1} characters")
        elif len(value) > most:
            problems.add(pointer, f"must be less than {most + 1} characters")

    return check


def pattern(expression: str, words: str) -> Check:
    """Check that a string matches a whole expression."""
    compiled = re.compile(expression)

    def check(problems: Problems, pointer: str, value: object) -> None:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            problems.add(pointer, words)

    return check


def boolean(problems: Problems, pointer: str, value: object) -> None:
    """Check for true or false."""
    if not isinstance(value, bool):
        problems.add(pointer, "must be a boolean")


def integer(least: int, most: int) -> Check:
    """Check a whole number's range."""

    def check(problems: Problems, pointer: str, value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            problems.add(pointer, "must be an integer")
        elif not least <= value <= most:
            problems.add(pointer, f"must be between {least} and {most}")

    return check


def one_of(*allowed: str) -> Check:
    """Check for one of the named values."""

    def check(problems: Problems, pointer: str, value: object) -> None:
        if value not in allowed:
            problems.add(pointer, f"must be a valid enum value: {', '.join(allowed)}")

    return check


def array(item: Check, most: int, least: int = 1) -> Check:
    """Check a list's length and each of its items."""

    def check(problems: Problems, pointer: str, value: object) -> None:
        if not isinstance(value, list):
            problems.add(pointer, "must be an array")
            return
        if len(value) < least:
            problems.add(pointer, f"no fewer than {least} items allowed")
        if len(value) > most:
            problems.add(pointer, f"no more than {most} items allowed")
        for index, entry in enumerate(value):
            item(problems, f"{pointer}/{index}", entry)

    return check


def url(most: int = 3000) -> Check:
    """Check a web address."""
    length = string(most)

    def check(problems: Problems, pointer: str, value: object) -> None:
        length(problems, pointer, value)
        if isinstance(value, str) and not re.match(r"https?://[^\s]+$", value):
            problems.add(pointer, "must be a valid URL")

    return check


def text_object(most: int, *kinds: str) -> Check:
    """Check a text object of one of the kinds (`plain_text` alone unless named).

    Source: https://docs.slack.dev/reference/block-kit/composition-objects/text-object
    """
    allowed: Collection[str] = kinds or ("plain_text",)
    shapes = {
        "plain_text": Shape({"text": string(most)}, {"emoji": boolean}),
        "mrkdwn": Shape({"text": string(most)}, {"verbatim": boolean}),
    }

    def check(problems: Problems, pointer: str, value: object) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in allowed:
            problems.add(pointer, "failed to match all allowed schemas")
            problems.add(f"{pointer}/type", f"must be a valid enum value: {', '.join(allowed)}")
            return
        shapes[kind](problems, pointer, value)

    return check


def typed(shapes: Mapping[str, Check], allowed: Collection[str]) -> Check:
    """Check an object by its `type`, which must be one of those allowed here."""

    def check(problems: Problems, pointer: str, value: object) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in allowed:
            problems.add(f"{pointer}/type", f"unsupported type: {kind}")
            return
        shapes[kind](problems, pointer, value)

    return check
