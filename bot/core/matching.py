"""To how many choosers one of their own choices can be given, where none is given twice (a maximum matching)."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def matched(choices: Sequence[Collection[str]]) -> int:
    """How many of the choosers, each with what would do for them, can have one of their own at once.

    By augmenting paths, without recursion: a stage may ask for a thousand votes.
    """
    holder: dict[str, int] = {}
    held: dict[int, str] = {}
    for start in range(len(choices)):
        came: dict[str, int] = {}
        free = _free(choices, start, holder, came)
        while free is not None:
            # What was found goes to who led there, and what they held to who led to that, back to the start.
            chooser = came[free]
            before = held.get(chooser)
            holder[free], held[chooser] = chooser, free
            free = None if chooser == start else before
    return len(held)


def _free(choices: Sequence[Collection[str]], start: int, holder: dict[str, int], came: dict[str, int]) -> str | None:
    """A choice that nobody holds, reached from the start through what others could give up; ``came``: from whom."""
    waiting = [start]
    while waiting:
        chooser = waiting.pop()
        for choice in choices[chooser]:
            if choice in came:
                continue
            came[choice] = chooser
            if choice not in holder:
                return choice
            waiting.append(holder[choice])
    return None
