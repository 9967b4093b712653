"""What a grant owes people: looks at what it would let run, which its agent cannot pay with trifles.

After a doubt the next of what a grant covers go to people. Were any five enough, an agent would send five refunds of
one cent and have the sixth run. So a look counts for what is about as large as itself: what is larger goes to people
until they have had as many looks at the like of it. Nothing is gained by burning them, for what trifles pay for is
trifles. Where a grant has no ceilings, all that it covers is alike.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from bot.core.trust.grants import Grant
from bot.core.trust.tally import rounded

DOUBTED = 5
"""So many looks are owed after people said no to something, whatever the next requests are about."""
_REACH = 2
"""A look counts for what is at most so many times as large."""
_MOST = 50
"""Looks that are owed at once: the row that each request reads stays short."""


def owes(grant: Grant, numbers: Mapping[str, float]) -> bool:
    """Whether something of these numbers, by pointer, goes to people for a look that is owed."""
    return grant.owed > 0 or any(not _reaches(look, numbers) for look in grant.looked)


def looked_at(grant: Grant, numbers: Mapping[str, float]) -> Grant:
    """The grant once something of these numbers went to people: of what is owed that pays one, as far as it reaches."""
    reach = _reach(grant, numbers)
    short = [look for look in grant.looked if not _reaches(look, numbers)]
    if grant.owed:
        grant = replace(grant, owed=grant.owed - 1)
    elif short:
        grant = _without(grant, min(short, key=lambda look: sorted(look.items())))
    else:
        return grant
    whole = all(reach[pointer] >= ceiling for pointer, ceiling in grant.ceilings.items())
    return grant if whole else replace(grant, looked=(*grant.looked, reach))


def doubted(grant: Grant) -> Grant:
    """The grant once people said no to something of its agent's action: no look of before is an answer to that."""
    return replace(grant, owed=min(grant.owed + len(grant.looked) + DOUBTED, _MOST), looked=())


def unseen(grant: Grant, numbers: Mapping[str, float]) -> Grant:
    """The grant once something of these numbers, which went to people, ended before anybody decided about it."""
    left = _without(grant, _reach(grant, numbers))
    return replace(left, owed=min(left.owed + 1, _MOST - len(left.looked)))


def _reach(grant: Grant, numbers: Mapping[str, float]) -> dict[str, float]:
    """Up to where a look at these counts; rounded up, so that it is of no request in particular."""
    return {
        pointer: min(rounded(_REACH * min(max(numbers.get(pointer, 0.0), 0.0), ceiling)), ceiling)
        for pointer, ceiling in grant.ceilings.items()
    }


def _reaches(look: Mapping[str, float], numbers: Mapping[str, float]) -> bool:
    return all(numbers.get(pointer, 0.0) <= most for pointer, most in look.items())


def _without(grant: Grant, look: Mapping[str, float]) -> Grant:
    """The grant with one such look less, if it has any."""
    left = list(grant.looked)
    if look in left:
        left.remove(dict(look))
    return replace(grant, looked=tuple(left))
