"""What may be written back to a letter that numbers several requests, and nothing else is a decision.

The lines at its beginning are commands, each whole and in any case; the first line that is none begins the comment::

    approve 1, 3
    reject 2: reason
    reject 4, 5
    ask 6: question
    escalate 7
    edit 8 name=value, name=value

A line that begins like a command and is none, a number that the letter does not have, or one that is named twice,
makes the whole answer count for nothing: whoever wrote it meant something else than we would understand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from bot.core.grammar import STARTS_LIKE_ONE, Command, NotUnderstood, parse
from bot.core.model import Verb

NUMBERED = "approve 1, 3 or reject 2: reason, each on a line of its own"
"""The grammar in one line, for answers to people."""

_NUMBERS = r"(?P<numbers>[0-9]{1,4}(?:\s*,\s*[0-9]{1,4}|\s+[0-9]{1,4}){0,99})\b"
_LINE = re.compile(
    rf"(?P<verb>approve|reject|ask|escalate|edit)\s+{_NUMBERS}\s*(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)


def parse_numbered(text: str, numbers: Collection[int]) -> tuple[tuple[int, Command], ...] | NotUnderstood:
    """The commands that a text gives, by number and in the order written, or why it gives none. Pure."""
    lines = [line.strip() for line in text.replace("\r\n", "\n").split("\n")]
    given: list[tuple[int, Command]] = []
    comment: str | None = None
    for at, line in enumerate(lines):
        if not line:
            continue
        found = _line(line)
        if found is None:
            comment = "\n".join(lines[at:]).strip() or None
            break
        if isinstance(found, NotUnderstood):
            return found
        given += found
    if not given:
        return _nothing(lines)
    wrong = _misnumbered([number for number, _ in given], numbers)
    return wrong or tuple((number, _with(command, comment)) for number, command in given)


def _line(line: str) -> list[tuple[int, Command]] | NotUnderstood | None:
    """The commands of one line; None where it is none and does not begin like one."""
    match = _LINE.fullmatch(line)
    if match is None:
        if STARTS_LIKE_ONE.match(line) is None:
            return None
        return NotUnderstood("number_missing", f"Say which ones, by number: {NUMBERED}.")
    verb, rest = match["verb"].casefold(), match["rest"]
    command = parse(f"{verb}{'' if rest.startswith(':') else ' ' if rest else ''}{rest}")
    if isinstance(command, NotUnderstood):
        alone = f"Each line must be a command alone: {NUMBERED}."
        return NotUnderstood(command.reason, alone) if command.reason == "more_than_the_command" else command
    numbers = [int(number) for number in re.findall(r"[0-9]+", match["numbers"])]
    if len(numbers) > 1 and command.verb is Verb.APPROVE_WITH_EDITS:
        return NotUnderstood("edit_one_by_one", "Edit one request a line: edit 2 name=value.")
    return [(number, command) for number in numbers]


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
    words = "\n".join(part for part in (command.comment, comment) if part) or None
    return Command(verb=command.verb, comment=words, edits=command.edits)
