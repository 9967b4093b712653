"""What is read for thresholds and for attention, and the same as rows of a table."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct, to_builtins

from bot.core.insight.fact import Fact
from bot.core.insight.thresholds import Gate, Point, gates_of, yaml_of
from bot.core.insight.watching import Person as Watching
from bot.core.insight.watching import Watched, watched
from bot.core.insight.weighing import Share
from bot.core.model import Person
from bot.core.ports import Store, Wanted
from bot.core.ports.insight import FactQuery
from bot.web.spreadsheet import table

MOST = 50_000
"""Facts that are read for one report at most: the newest; what is older says less of how things are now."""
USUAL = timedelta(days=90)
_PAGE = 5_000
HEAD = ("section", "name", "measure", "value", "low", "high", "count", "of")
Row = tuple[Any, ...]


class Facts(Struct, frozen=True):
    """The facts of a period, oldest first; ``cut``: there were more, and the oldest are left out."""

    facts: Sequence[Fact]
    cut: bool


async def facts_between(store: Store, since: datetime, until: datetime, **narrow: Any) -> Facts:
    """What was submitted in a period, ``narrow`` as `FactQuery` has it."""
    found: list[Fact] = []
    after, cut = None, False
    while True:
        query = FactQuery(since=since, until=until, after=after, limit=_PAGE, **narrow)
        page = await store.facts_of(query)
        found += page
        if len(found) > MOST:
            cut, found = True, found[-MOST:]
        if len(page) < _PAGE:
            return Facts(found, cut)
        after = page[-1].request


async def gates(store: Store, since: datetime, until: datetime, **narrow: Any) -> tuple[tuple[Gate, ...], bool]:
    """Every gate in a period, and whether only the newest of it was read."""
    read = await facts_between(store, since, until, decided=True, **narrow)
    # Beside the loop: of tens of thousands this is seconds, and clicks must not wait for it.
    return await asyncio.to_thread(gates_of, read.facts), read.cut


async def attention(
    store: Store, people: Mapping[str, Person], since: datetime, until: datetime
) -> tuple[Watched, bool]:
    """How these people decided in a period, and whether only the newest of it was read."""
    real = await facts_between(store, since, until)
    practised = await facts_between(store, since, until, practice=True)
    waiting = {person: await store.queued(Wanted(waits_for=person)) for person in people}

    def local(person: str, at: datetime) -> datetime:
        known = people.get(person)
        return at.astimezone(_zone(known.timezone if known is not None else "UTC"))

    def work() -> Watched:
        facts = [*real.facts, *practised.facts]
        return watched(facts, since=since, until=until, waiting=waiting, local=local)

    return await asyncio.to_thread(work), real.cut or practised.cut


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def of_gates(found: Iterable[Gate]) -> list[dict[str, Any]]:
    """Gates as JSON, each with the rule that it would take."""
    return [
        {
            **to_builtins(gate),
            "agents": [{**to_builtins(each), "confidence": str(each.area.verdict)} for each in gate.agents],
            "suggestion": None
            if gate.suggestion is None
            else {**to_builtins(gate.suggestion), "better": gate.suggestion.better, "yaml": yaml_of(gate)},
        }
        for gate in found
    ]


def of_watched(found: Watched, people: Sequence[Watching]) -> dict[str, Any]:
    """The report as JSON, with these people of it by name."""
    names = {person.person for person in people}
    document: dict[str, Any] = to_builtins(found)
    document["people"] = [_person(person) for person in people]
    document["queues"] = {
        "too_long": sum(queue.long for queue in found.queues),
        "people": len(found.queues),
        "own": [{**to_builtins(q), "days": q.days, "too_long": q.long} for q in found.queues if q.person in names],
    }
    return document


def _person(person: Watching) -> dict[str, Any]:
    leaning = None if person.likeness is None else str(person.likeness.leaning)
    more = {"leaning": leaning, "days_to_clear": person.queue.days, "too_long": person.queue.long}
    return {**to_builtins(person), **more}


def gate_rows(found: Iterable[Gate]) -> list[Row]:
    """Gates as rows under `HEAD`."""
    rows: list[Row] = []
    for gate in found:
        rows += _points(gate.action, "now", (gate.now,))
        rows += _points(gate.action, "curve", gate.curve)
        for each in gate.agents:
            about, of = (gate.action, each.agent), (each.wrong, each.decided)
            area = each.area
            rows.append((*about, f"separates ({area.verdict})", area.area, area.low, area.high, *of))
            if each.threshold is not None:
                rows.append((*about, "threshold", each.threshold, each.low, each.high, *of))
        made = gate.suggestion
        if made is not None:
            rows.append(_row(gate.action, "suggested", "caught", made.caught))
            rows.append(_row(gate.action, "suggested", "load", made.load))
            rows.append((gate.action, "suggested", "caught beyond the gate", made.gain, made.low, made.high, "", ""))
    return rows


def _points(action: str, name: str, points: Iterable[Point]) -> list[Row]:
    return [
        _row(action, f"{name} {point.threshold:g}", measure, share)
        for point in points
        for measure, share in (("caught", point.caught), ("load", point.load))
    ]


def _row(section: str, name: str, measure: str, share: Share) -> Row:
    return section, name, measure, share.share, share.low, share.high, share.count, share.of


def watched_rows(found: Watched, people: Sequence[Watching]) -> list[Row]:
    """The report as rows under `HEAD`, with these people of it."""
    rows: list[Row] = [
        _row("team", "", "too fast to have been read", found.fast),
        _row("team", "", "practices caught", found.practices.caught),
        ("team", "", "practices that nobody decided", found.practices.unanswered, "", "", "", ""),
        ("team", "", "rows of approvals longer than chance makes them", found.stretches, "", "", "", ""),
        ("team", "", "arrived a day", found.flow.arrived, "", "", "", ""),
        ("team", "", "decided a day", found.flow.decided, "", "", "", ""),
    ]
    for block in found.blocks:
        name = f"hour {block.hour}" if block.hour is not None else f"day {block.day}"
        rows += [_row("time", name, "changed", block.changed), _row("time", name, "too fast", block.fast)]
    for person in people:
        rows += [
            _row("person", person.person, "too fast to have been read", person.fast),
            _row("person", person.person, "practices caught", person.practices.caught),
            ("person", person.person, "waiting now", person.queue.waiting, "", "", "", ""),
            ("person", person.person, "decides a day", person.queue.per_day, "", "", "", ""),
        ]
        rows += [
            ("person", person.person, f"longest row: {row.action}", row.longest, "", "", row.approved, row.of)
            for row in person.stretches
        ]
        alike = person.likeness
        if alike is not None:
            apart = alike.share - alike.expected
            said = f"changed beyond like ones ({alike.leaning})"
            rows.append(("person", person.person, said, apart, alike.low, alike.high, "", alike.of))
    return rows


def as_csv(rows: Iterable[Row]) -> bytes:
    """Rows as CSV, with their head."""
    return table([HEAD, *([_short(cell) for cell in row] for row in rows)]).encode()


def _short(cell: Any) -> Any:
    return round(cell, 6) if isinstance(cell, float) else cell
