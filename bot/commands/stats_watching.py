"""``sayso stats --thresholds`` and ``--attention``: what a gate catches at what load, and how decisions are made."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from bot.commands.surroundings import GOOD, CommandError, environment, open_ledger, say
from bot.core.insight.asking import Question
from bot.core.insight.fitting import NEVER
from bot.core.insight.likeness import Leaning
from bot.core.insight.separating import Verdict
from bot.core.insight.thresholds import Fitted, Gate, yaml_of
from bot.core.insight.watching import Person, Watched
from bot.core.insight.weighing import Share
from bot.routing import load
from bot.web import watching

_CUT = f"Of the newest {watching.MOST:,} requests of the period alone."
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_VERDICTS = {
    Verdict.INFORMS: "tells right from wrong",
    Verdict.SAYS_NOTHING: "says nothing",
    Verdict.MISLEADS: "misleads: the surer, the more often wrong",
    Verdict.TOO_FEW: "too few to say",
}
_LEANINGS = {
    Leaning.MORE: "edits and rejects more than others on like requests",
    Leaning.LESS: "edits and rejects less than others on like requests",
    Leaning.AS_OTHERS: "as others on like requests",
    Leaning.TOO_FEW: "too few to compare",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the two options."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--thresholds", action="store_true", help="what a confidence gate catches, at what load")
    which.add_argument("--attention", action="store_true", help="how decisions are made, the team first")


async def run(args: argparse.Namespace) -> int:
    """Read and print what one of the two asks for; ``--agent`` and ``--action`` narrow thresholds."""
    _refused(args)
    async with open_ledger(reads=True) as ledger:
        since, until = _period(args, ledger.clock.now())
        if args.thresholds:
            narrow = {name: value for name in ("agent", "action") if (value := getattr(args, name))}
            gates, cut = await watching.gates(ledger.store, since, until, **narrow)
            document, rows = {"gates": watching.of_gates(gates)}, watching.gate_rows(gates)
            text = "\n".join(line for gate in gates for line in _gate(gate)) or "Nothing was decided with a confidence."
        else:
            people = load(Path(environment()["SAYSO_CONFIG"])).people
            report, cut = await watching.attention(ledger.store, people, since, until)
            document = watching.of_watched(report, report.people)
            rows, text = watching.watched_rows(report, report.people), "\n".join(_report(report))
    if args.csv:
        sys.stdout.write(watching.as_csv(rows).decode())
    else:
        told = {"from": since.isoformat(), "to": until.isoformat(), "only_newest": cut, **document}
        say(args, told, f"{_CUT}\n{text}" if cut else text)
    return GOOD


def _refused(args: argparse.Namespace) -> None:
    """Raise `CommandError` for what would be passed over in silence."""
    report, known = ("--thresholds", ("agent", "action")) if args.thresholds else ("--attention", ())
    for name in ("by", "agent", "action", "rule", "channel", "reviewer", "label"):
        if getattr(args, name) and name not in known:
            raise CommandError(f"--{name}: {report} is not narrowed to that.")


def _period(args: argparse.Namespace, now: datetime) -> tuple[datetime, datetime]:
    until: datetime = min(args.until or now, now)
    question = Question(since=args.since or until - watching.USUAL, until=until)
    if (wrong := question.wrong()) is not None:
        raise CommandError(f"--{wrong[0]}: {wrong[1]}.")
    return question.since, until


def _gate(gate: Gate) -> Iterator[str]:
    now = gate.now
    assumed = " (no rule has one: only to compare with)" if gate.assumed else ""
    yield f"{gate.action}: {gate.decided:,} decided, {gate.wrong:,} edited or rejected"
    yield f"  a gate of {gate.gate:g}{assumed} catches {_told(now.caught)}, people look at {_told(now.load)}"
    for each in gate.agents:
        yield f"  {each.agent}: its confidence {_VERDICTS[each.area.verdict]} ({_area(each)}){_threshold(each)}"
    yield from [f"  {line}" for line in (yaml_of(gate) or f"# {gate.why_not}").splitlines()]


def _area(agent: Fitted) -> str:
    area = agent.area
    return f"right above wrong {area.area:.0%}, {area.low:.0%} to {area.high:.0%}, of {agent.decided:,}"


def _threshold(agent: Fitted) -> str:
    if agent.threshold is None:
        return ""
    if agent.threshold >= NEVER:
        return "; people look at all of it"
    return f"; threshold {agent.threshold:.3g} ({agent.low:.2f} to {min(agent.high or 1.0, 1.0):.2f})"


def _told(part: Share) -> str:
    if not part.of:
        return "–"
    if part.few:
        return f"{part.count} of {part.of} (too few to say)"
    return f"{part.share:.0%} ({part.low:.0%} to {part.high:.0%})"


def _report(report: Watched) -> Iterator[str]:
    flow, practices = report.flow, report.practices
    yield f"The team, {report.days:.0f} days, {report.votes:,} decisions"
    yield f"  faster than the card can be read  {_told(report.fast)}"
    yield f"  practices noticed                 {_told(practices.caught)}, {practices.unanswered} not decided"
    more = "; more comes than is decided" if flow.grows else ""
    yield f"  a day                             {flow.arrived:.1f} come, {flow.decided:.1f} are decided{more}"
    yield f"  rows longer than chance makes     {report.stretches}"
    yield f"  queues too long for a person      {sum(queue.long for queue in report.queues)}"
    for block in report.blocks:
        if block.differs:
            hour = f"{block.hour or 0:02}:00 to {(block.hour or 0) + 4:02}:00"
            when = _DAYS[block.day] if block.day is not None else hour
            yield f"  {when}: edits and rejections {_told(block.changed)}, other than at other times"
    for person in report.people:
        yield from _person(person)


def _person(person: Person) -> Iterator[str]:
    queue = person.queue
    yield f"{person.person}, {person.votes:,} decisions"
    yield f"  faster than the card can be read  {_told(person.fast)}"
    if person.likeness is not None:
        alike = person.likeness
        shares = f"{alike.share:.0%}, others {alike.expected:.0%}"
        yield f"  beside the others                 {_LEANINGS[alike.leaning]}: {shares}"
    for row in (row for row in person.stretches[:1] if row.longest):
        chance = "all were approved" if row.expected is None else f"chance makes about {row.expected:.0f}"
        yield f"  longest row of approvals          {row.longest} of {row.action} ({chance})"
    yield f"  practices noticed                 {_told(person.practices.caught)}"
    long = ": too much for a person" if queue.long else ""
    yield f"  waiting now                       {queue.waiting}, decides {queue.per_day:.1f} a day{long}"
