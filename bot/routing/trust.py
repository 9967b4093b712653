"""``trust:`` of a rule that asks people: on what evidence some of it may run by rule.

What is proposed is decided by admins and bounded by what stands here. So whatever would weaken a bound by a slip, such
as ceilings that fall, is refused.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

from bot.core.pointers import below
from bot.core.policy.trust import Trust
from bot.routing import nodes
from bot.routing.faults import quoted
from bot.routing.nodes import Node, Scalar
from bot.routing.stages import Ground, fillable
from bot.routing.values import ACTION, Reader

TRUST_KEYS = (
    *("ask", "at_least", "unchanged", "error", "window", "days", "reviewers", "per_day"),
    *("bands", "confidence", "irreversible", "sample", "lasts"),
)
ARGUMENT = "arguments."
FEWEST, MOST = 20, 1_000_000
MOST_DAYS, MOST_PEOPLE, MOST_BANDS = 366, 100, 10
LEAST_SHARE, LARGEST_ERROR = 0.5, 0.2
LONGEST_WINDOW, LONGEST_GRANT = timedelta(days=400), timedelta(days=366)
BAND = r"arguments\.[^\s.]+(?:\.[^\s.]+)*"
_DAY = timedelta(days=1)


def trust(reader: Reader, node: Node, ground: Ground) -> Trust | None:
    """The ``trust`` of a rule; None where it says too little to be used."""
    fields = reader.mapping(node, "trust", TRUST_KEYS)
    if not isinstance(node, nodes.Mapping):
        return None
    if "ask" not in fields:
        reader.missing(node, "trust", "ask", "name the chain whose admins decide about proposals: ask: admins")
        return None
    ask = reader.reference(fields["ask"], "chain", ground.chains)
    if ask is None:
        return None
    fillable(reader, fields["ask"].place, ask, ground)
    usual = Trust(ask=ask)
    found = Trust(
        ask=ask,
        at_least=_whole(reader, fields, "at_least", FEWEST, MOST) or usual.at_least,
        unchanged=_unchanged(reader, fields) or usual.unchanged,
        error=_error(reader, fields) or usual.error,
        window=_span(reader, fields, "window", LONGEST_WINDOW) or usual.window,
        days=_whole(reader, fields, "days", 1, MOST_DAYS) or usual.days,
        reviewers=_whole(reader, fields, "reviewers", 1, MOST_PEOPLE) or usual.reviewers,
        per_day=_whole(reader, fields, "per_day", 1, MOST) or usual.per_day,
        bands=_bands(reader, fields["bands"]) if "bands" in fields else {},
        confidence=reader.share(fields["confidence"], "confidence") if "confidence" in fields else None,
        irreversible=_named(reader, fields["irreversible"]) if "irreversible" in fields else (),
        sample=(reader.percentage(fields["sample"], "sample") if "sample" in fields else None) or usual.sample,
        lasts=_span(reader, fields, "lasts", LONGEST_GRANT) or usual.lasts,
    )
    _together(reader, node, fields, found)
    return found


def _together(reader: Reader, node: nodes.Mapping, fields: dict[str, Node], found: Trust) -> None:
    """Refuse what no history could ever show."""
    if found.days > found.window // _DAY:
        place = fields["days"].place if "days" in fields else node.keys["window"].place
        what = f"{found.days} days can never lie within a window of {found.window // _DAY}"
        reader.faults.add(place, what, "lengthen window, or ask for fewer days")
    if found.per_day and found.per_day * (found.window // _DAY) < found.at_least:
        what = f"{found.per_day} of each day never are {found.at_least} within the window"
        reader.faults.add(fields["per_day"].place, what, "count more of each day, or ask for fewer decisions")


def _whole(reader: Reader, fields: dict[str, Node], key: str, lowest: int, highest: int) -> int | None:
    return reader.whole(fields[key], key, lowest, highest) if key in fields else None


def _span(reader: Reader, fields: dict[str, Node], key: str, longest: timedelta) -> timedelta | None:
    span = reader.duration(fields[key], key) if key in fields else None
    if span is not None and not _DAY <= span <= longest:
        reader.faults.add(fields[key].place, f"{key} must be from 1d to {longest // _DAY}d")
        return None
    return span


def _unchanged(reader: Reader, fields: dict[str, Node]) -> float | None:
    if "unchanged" not in fields:
        return None
    share = reader.share(fields["unchanged"], "unchanged")
    if share is None or LEAST_SHARE <= share < 1:
        return share
    fix = f"no history shows a share of 1; write a number from {LEAST_SHARE} to 0.999"
    reader.faults.add(fields["unchanged"].place, f"unchanged must be at least {LEAST_SHARE} and less than 1", fix)
    return None


def _error(reader: Reader, fields: dict[str, Node]) -> float | None:
    if "error" not in fields:
        return None
    error = reader.share(fields["error"], "error")
    if error is None or 0 < error <= LARGEST_ERROR:
        return error
    fix = "it is the chance that something is proposed wrongly: 0.05, or less"
    reader.faults.add(fields["error"].place, f"error must be more than 0 and at most {LARGEST_ERROR}", fix)
    return None


def _bands(reader: Reader, node: Node) -> dict[str, tuple[float, ...]]:
    """Ceilings by JSON pointer, as the file names arguments: ``arguments.amount: [50, 200]``."""
    found: dict[str, tuple[float, ...]] = {}
    for key, item in reader.entries(node, "bands").items():
        place = node.keys[key].place if isinstance(node, nodes.Mapping) else item.place
        parts = key.removeprefix(ARGUMENT).split(".")
        if not key.startswith(ARGUMENT) or any(not part or part.isspace() for part in parts):
            what = f"a band is of an argument, and {quoted(key)} is none"
            reader.faults.add(place, what, "write arguments and the name of one: arguments.amount: [50, 200]")
            continue
        pointer = ""
        for part in parts:
            pointer = below(pointer, part)
        ceilings = [reader.more(each, "a ceiling") for each in reader.items(item, f"the band {quoted(key)}")]
        given = tuple(each for each in ceilings if each is not None)
        if len(given) > MOST_BANDS:
            reader.faults.add(item.place, f"{len(given)} bands are more than {MOST_BANDS}", "each needs its evidence")
        elif any(low >= high for low, high in pairwise(given)):
            fix = "write the smallest first: [50, 200]; each needs evidence of its own"
            reader.faults.add(item.place, f"the ceilings of {quoted(key)} do not rise", fix)
        elif given:
            found[pointer] = given
    return found


def _named(reader: Reader, node: Node) -> tuple[str, ...]:
    """Actions by name; whether there are such, lint says."""

    def action(item: Node) -> str | None:
        name = reader.text(item, "the name of an action")
        if name is not None and not ACTION.fullmatch(name):
            what = f"{quoted(name)} cannot be the name of an action"
            fix = "irreversible actions are named one by one" if isinstance(item, Scalar) else ""
            reader.faults.add(item.place, what, fix)
            return None
        return name

    return reader.references(node, "irreversible", action)
