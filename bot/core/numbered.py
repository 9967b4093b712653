"""What may be written back to a letter that numbers several requests, and nothing else is a decision.

The lines at its beginning are commands, each whole and in any case; the first line that is none begins the comment::

    approve 1, 3
    reject 2: reason
    reject 4, 5
    ask 6: question
    escalate 7
    edit 8 name=value, name=value
    answer 9: text
    choose 10 option
    handled 11
    approve all
    reject all: reason

``all`` stands for every number of the letter. A line that begins like a command and is none, a number that the letter
does not have, or one that is named twice, makes the whole answer count for nothing: whoever wrote it meant something
else than we would understand. So does a long line of words right above a command.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from msgspec.structs import replace

from bot.core.grammar import STARTS_LIKE_ONE, Command, Form, NotUnderstood, parse
from bot.core.model import Verb

NUMBERED = "approve 1, 3 or reject 2: reason, each on a line of its own"
"""The grammar in one line, for answers to people."""

_NUMBERS = r"(?P<numbers>[0-9]{1,4}(?:\s*,\s*[0-9]{1,4}|\s+[0-9]{1,4}){0,99})\b"
_LINE = re.compile(
    rf"(?P<verb>approve|reject|ask|escalate|edit|answer|handled)\s+{_NUMBERS}\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_ALL = re.compile(r"(?P<verb>approve|reject)\s+all\b\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_CHOOSE = re.compile(r"choose\s+(?P<numbers>[0-9]{1,4})\s+(?P<rest>\S+)", re.IGNORECASE)
"""Apart, because an option may be called 2."""
_WRAPPED_AT = 60
"""From how many characters on a mail program may have broken a line in two (RFC 3676, 4.2, has it at 66 to 78)."""

_ONE_OPTION = NotUnderstood("option_missing", "Choose one option a line, with its number: choose 2 b.")
_RUN_ON = NotUnderstood(
    "maybe_wrapped",
    "A long line is followed by a command, which may be the rest of it. Leave an empty line between the two.",
)


def parse_numbered(text: str, numbers: Collection[int]) -> tuple[tuple[int, Command], ...] | NotUnderstood:
    """The commands that a text gives, by number and in the order written, or why it gives none. Pure."""
    lines = [line.strip() for line in text.replace("\r\n", "\n").split("\n")]
    given: list[tuple[int, Command]] = []
    comment: str | None = None
    for at, line in enumerate(lines):
        if not line:
            continue
        found = _line(line, numbers)
        if found is None:
            comment = "\n".join(lines[at:]).strip() or None
            break
        if isinstance(found, NotUnderstood):
            return found
        if at and _may_go_on(lines[at - 1]):
            return _RUN_ON
        given += found
    if not given:
        return _nothing(lines)
    wrong = _misnumbered([number for number, _ in given], numbers)
    return wrong or tuple((number, _with(command, comment)) for number, command in given)


def _line(line: str, numbers: Collection[int]) -> list[tuple[int, Command]] | NotUnderstood | None:
    """The commands of one line; None where it is none and does not begin like one."""
    every = _ALL.fullmatch(line)
    match = every or _LINE.fullmatch(line) or _CHOOSE.fullmatch(line)
    if match is None:
        return _no_line(line)
    verb, rest = match["verb"].casefold() if match.re is not _CHOOSE else "choose", match["rest"]
    command = parse(f"{verb}{'' if rest.startswith(':') else ' ' if rest else ''}{rest}")
    if isinstance(command, NotUnderstood):
        alone = f"Each line must be a command alone: {NUMBERED}."
        return NotUnderstood(command.reason, alone) if command.reason == "more_than_the_command" else command
    named = sorted(numbers) if every else [int(number) for number in re.findall(r"[0-9]+", match["numbers"])]
    if len(named) > 1 and command.verb is Verb.APPROVE_WITH_EDITS:
        return NotUnderstood("edit_one_by_one", "Edit one request a line: edit 2 name=value.")
    return [(number, command) for number in named]


def _no_line(line: str) -> NotUnderstood | None:
    word = STARTS_LIKE_ONE.match(line)
    if word is None:
        return None
    if word[0].casefold() == "choose":
        return _ONE_OPTION
    return NotUnderstood("number_missing", f"Say which ones, by number: {NUMBERED}.")


def _may_go_on(line: str) -> bool:
    """Whether a line of words (a reason, a question, an answer, an edit) is so long that the next may belong to it."""
    return len(line) >= _WRAPPED_AT and any(mark in line for mark in ":=")


def _nothing(lines: list[str]) -> NotUnderstood:
    if not any(lines):
        return NotUnderstood("empty", f"There was no text. Write {NUMBERED}.")
    return NotUnderstood("unknown_command", f"That is no command. Write {NUMBERED}.")


def _misnumbered(named: list[int], numbers: Collection[int]) -> NotUnderstood | None:
    twice = next((number for number, times in Counter(named).items() if times > 1), None)
    if twice is not None:
        return NotUnderstood("number_twice", f"Number {twice} is named twice, so nothing was decided.")
    strange = next((number for number in named if number not in numbers), None)
    if strange is not None:
        return NotUnderstood("number_unknown", f"There is no number {strange} in that mail, so nothing was decided.")
    return None


def _with(command: Command, comment: str | None) -> Command:
    """A command with the comment, which goes on after what its own line says: a mail program may have wrapped that."""
    if command.form is Form.ANSWER:
        return replace(command, answer="\n".join(part for part in (command.answer, comment) if part))
    return replace(command, comment="\n".join(part for part in (command.comment, comment) if part) or None)
