"""``sayso diff`` and ``sayso simulate``: what another routing file would do with the requests that there are."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from bot.commands.policy import file_of, loaded, plural
from bot.commands.surroundings import GOOD, NO, CommandError, add_json, open_ledger, say
from bot.core.examples import may_be_erased
from bot.core.model import Request, Revision, State
from bot.core.policy import HOUSE, Policy
from bot.core.ports import Filter, Store
from bot.routing.comparing import Difference, Verdict, changes, compare
from bot.routing.simulation import Simulation

_PAGE = 500
_DAYS = 7
_MOST_DAYS = 3650
_SHORTEST = timedelta(milliseconds=1)
_LONGEST = timedelta(days=64)
_AGES = timedelta(days=36_500)
"""Nothing here is older."""
_EXAMPLES = 3
_OPEN = tuple(state for state in State if state.open)


def add_parsers(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands."""
    diff = commands.add_parser("diff", help="say which requests another routing file would route differently")
    diff.add_argument("new", type=Path, help="the other file")
    diff.add_argument("--days", type=_days, default=_DAYS, help=f"look back so many days (default {_DAYS})")
    simulate = commands.add_parser("simulate", help="replay the recorded requests under another routing file")
    simulate.add_argument("new", type=Path, help="the other file")
    simulate.add_argument("--from", dest="since", type=_time, metavar="DATE", help="requests from then on (UTC)")
    simulate.add_argument("--to", dest="until", type=_time, metavar="DATE", help="requests before then (UTC)")
    for parser, run in ((diff, differ), (simulate, replay)):
        parser.add_argument("--config", dest="file", type=Path, help="the file it is held against (SAYSO_CONFIG)")
        add_json(parser)
        parser.set_defaults(run=run)


def _days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_DAYS)) and 0 < int(text) <= _MOST_DAYS):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days: write a whole number from 1 to {_MOST_DAYS}")
    return int(text)


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date: write 2026-03-01, or 2026-03-01T09:00:00Z") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def differ(args: argparse.Namespace) -> int:
    """Say what changed in the file, and which requests it would route differently; 1 where there are any."""
    return asyncio.run(_differ(args, loaded(file_of(args)), loaded(args.new)))


async def _differ(args: argparse.Namespace, old: Policy, new: Policy) -> int:
    found = _Differences()
    async with open_ledger(reads=True) as ledger:
        since = ledger.clock.now() - timedelta(days=args.days)
        for query in (Filter(states=_OPEN, limit=_PAGE), Filter(since=since, limit=_PAGE)):
            async for request in _pages(ledger.store, query):
                if found.fresh(request) and (first := await first_revision(ledger.store, request)):
                    found.take(compare(old, new, request, first))
    told = changes(old, new)
    say(args, {"changes": told, **found.document()}, _words(args, told, found))
    return NO if found.groups else GOOD


def _words(args: argparse.Namespace, told: tuple[str, ...], found: _Differences) -> str:
    names = f"{args.new.name} against {file_of(args).name}"
    lines = [names, *(f"  {line}" for line in told or ("nothing is changed that routes",)), ""]
    looked = (
        f"the {plural(range(found.opened), 'open request')} and those of the last {plural(range(args.days), 'day')}"
    )
    if not found.groups:
        return "\n".join([*lines, f"All {found.looked} requests ({looked}) would be routed the same."])
    differ = sum(len(ids) for ids, _ in found.groups.values())
    lines.append(f"{differ} of {plural(range(found.looked), 'request')} ({looked}) would be routed differently.")
    return "\n".join([*lines, *found.lines(), "", "Requests that are open keep the route that they have."])


class _Differences:
    """Differences that are alike are one: by verdict, before and after; the ids, and how many of them are open."""

    def __init__(self) -> None:
        self.looked = 0
        self.opened = 0
        self.groups: dict[tuple[Verdict, str, str], tuple[list[str], list[str]]] = {}
        self._open: set[str] = set()

    def fresh(self, request: Request) -> bool:
        """Whether the rules route such a request, and it was not among the open ones already."""
        known = request.id in self._open
        if request.state.open:
            self._open.add(request.id)
        return not known and not request.action.startswith(HOUSE)

    def take(self, one: Difference) -> None:
        """One more."""
        self.looked += 1
        self.opened += one.state.open
        if one.verdict is not Verdict.SAME:
            ids, still = self.groups.setdefault((one.verdict, one.before, one.after), ([], []))
            ids.append(one.request)
            still += [one.request] if one.state.open else []

    def _ordered(self) -> list[tuple[tuple[Verdict, str, str], tuple[list[str], list[str]]]]:
        rank = list(Verdict).index
        return sorted(self.groups.items(), key=lambda group: (rank(group[0][0]), -len(group[1][0]), group[0][1:]))

    def lines(self) -> list[str]:
        """A paragraph a group, the laxer ones first."""
        lines = []
        for (verdict, before, after), (ids, still) in self._ordered():
            opened = f", {len(still)} of them open" if still else ""
            more = f" and {len(ids) - _EXAMPLES} more" if len(ids) > _EXAMPLES else ""
            lines += ["", f"{verdict}: {plural(ids, 'request')}{opened}"]
            lines += [f"  before  {before}", f"  after   {after}", f"  {', '.join(ids[:_EXAMPLES])}{more}"]
        return lines

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        groups = [
            {"verdict": str(verdict), "before": before, "after": after, "requests": ids, "open": still}
            for (verdict, before, after), (ids, still) in self._ordered()
        ]
        return {"looked_at": self.looked, "open": self.opened, "groups": groups}


def replay(args: argparse.Namespace) -> int:
    """Say what the recorded requests would have met under the file; 1 where it lets through what people did not."""
    if args.since and args.until and args.since >= args.until:
        raise CommandError("--from must be before --to.")
    return asyncio.run(_replay(args, loaded(file_of(args)), loaded(args.new)))


async def _replay(args: argparse.Namespace, old: Policy, new: Policy) -> int:
    async with open_ledger(reads=True) as ledger:
        now = ledger.clock.now()
        simulation = Simulation(new, old, now)
        async for request in oldest_first(ledger.store, args.since, args.until or now):
            if not request.action.startswith(HOUSE) and (first := await first_revision(ledger.store, request)):
                simulation.take(request, first)
    report = simulation.report()
    say(args, report.as_json(), report.text())
    return NO if report.passed else GOOD


async def _pages(store: Store, query: Filter) -> AsyncIterator[Request]:
    """Every request that a filter finds, newest first."""
    while page := await store.requests(query):
        for request in page:
            yield request
        query = msgspec.structs.replace(query, cursor=page[-1].id)


async def oldest_first(store: Store, since: datetime | None, until: datetime) -> AsyncIterator[Request]:
    """Every request of that time in order of its submission; no more than a page of them is held at once.

    Pages come newest first, so time is gone through in spans that hold less than a page; these grow and shrink with
    how many there were.
    """
    at, span = since or await _beginning(store, until), timedelta(days=1)
    while at < until:
        end = min(at + span, until)
        page = await store.requests(Filter(since=at, until=end, limit=_PAGE))
        if len(page) == _PAGE and span > _SHORTEST:
            span /= 4
            continue
        if len(page) == _PAGE:
            page = tuple([request async for request in _pages(store, Filter(since=at, until=end, limit=_PAGE))])
        for request in reversed(page):
            yield request
        at = end
        if len(page) < _PAGE // 4:
            span = min(span * 2, _LONGEST)


class _Written(msgspec.Struct):
    """Of an audit line, what it tells of."""

    type: str
    data: dict[str, msgspec.Raw] = {}


_written = msgspec.json.Decoder(_Written)
_revision = msgspec.json.Decoder(Revision)


async def _beginning(store: Store, until: datetime) -> datetime:
    """A moment before which there are no requests, not long before the first."""
    back = timedelta(days=1)
    while back < _AGES and await store.requests(Filter(until=until - back, limit=1)):
        back *= 2
    return until - min(back, _AGES)


async def first_revision(store: Store, request: Request) -> Revision | None:
    """The request as the agent first submitted it; None where it was erased, for then nothing is left to route."""
    if request.revision == 1 and not may_be_erased(request):
        return request.content
    # As people read them: the line itself says nothing of what belongs to a subject.
    lines = [_written.decode(line.body) for line in await store.told(request)]
    if any(line.type == "request.erased" for line in lines):
        return None
    told = next((line.data["revision"] for line in lines if "revision" in line.data), None)
    return request.content if request.revision == 1 or told is None else _revision.decode(told)
