"""Watching the watchers: the hurried and the biased are found, the careful are not.

Hurried is told by decisions that came sooner than a card can be read, biased by edits and rejections beside the others'
on like requests. Whoever is called something that they are not is a false discovery.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from bench.year.checks.histories import START, fact
from bench.year.findings import Finding, at_most, share
from bot.core.insight.fact import Fact
from bot.core.insight.likeness import SURE, Leaning
from bot.core.insight.watching import Watched, watched
from bot.core.model import State, Verb

CHECK = "5. The hurried and the biased are found, the careful are not"
HURRIES = 0.1
"""Hurried is whose decisions are for certain (by the interval) more often than this too fast to have been read."""
CAREFUL = ("ana", "ben", "eli", "lea")
HURRIED, BIASED = "cem", "dee"
_EACH = 150
"""Decisions of each person."""


class Team(Struct, frozen=True, kw_only=True):
    """Who is in a team beside four careful people."""

    name: str
    hurried: bool = False
    biased: bool = False

    @property
    def people(self) -> tuple[str, ...]:
        """All of them."""
        return (*CAREFUL, *([HURRIED] if self.hurried else []), *([BIASED] if self.biased else []))


TEAMS = (Team(name="all careful"), Team(name="one hurried", hurried=True), Team(name="one biased", biased=True))


def decided(draw: Random, team: Team, each: int = _EACH) -> list[Fact]:
    """What a team decided: of 8% that are wrong the careful see nearly all, the hurried one in five.

    The biased rejects one in five of what is right. One in a hundred decisions of the careful is quick all the same.
    """
    found = []
    for number in range(each * len(team.people)):
        who = team.people[number % len(team.people)]
        wrong = draw.random() < 0.08  # noqa: PLR2004  # one in twelve or so
        seen = draw.random() < (0.2 if who == HURRIED else 0.95)
        refused = (wrong and seen) or (who == BIASED and not wrong and draw.random() < 0.2)  # noqa: PLR2004  # told above
        fast = draw.random() < (0.6 if who == HURRIED else 0.01)
        at = START + timedelta(minutes=20 * number)
        one = fact(number, at, draw, right=not refused, amount=10.0)
        verb = Verb.REJECT if refused else Verb.APPROVE
        state = State.REJECTED if refused else State.APPROVED
        judged = tuple([replace(made, by=who, verb=verb, fast=fast) for made in one.judged])
        found.append(replace(one, state=state, judged=judged))
    return found


def report(facts: Sequence[Fact], since: datetime, until: datetime) -> Watched:
    """The report of a period; moments are as they are, UTC."""
    return watched(facts, since=since, until=until, waiting={}, local=lambda _, at: at)


def hurried(made: Watched) -> set[str]:
    """Who is hurried for certain."""
    return {person.person for person in made.people if person.fast.low > HURRIES}


def leaning(made: Watched, *ways: Leaning) -> set[str]:
    """Whose edits and rejections are other than the others' on like requests, in these ways."""
    return {p.person for p in made.people if p.likeness is not None and p.likeness.leaning in ways}


class Found(Struct, frozen=True):
    """Over many teams: in how many the hurried, and the biased, were found; and how often somebody careful was."""

    teams: int
    hurried: int
    biased: int
    called_hurried: int
    called_other: int
    people: int


def trials(draw: Random, team: Team, *, teams: int) -> Found:
    """So many teams of this kind."""
    fast = bias = called = other = 0
    for _ in range(teams):
        facts = decided(draw, team)
        made = report(facts, START, facts[-1].created_at)
        quick, more = hurried(made), leaning(made, Leaning.MORE)
        either = leaning(made, Leaning.MORE, Leaning.LESS)
        fast += HURRIED in quick
        bias += BIASED in more
        called += len(quick & {*CAREFUL, BIASED})
        other += bool(either & {*CAREFUL}) if not (team.hurried or team.biased) else len(more & {*CAREFUL})
    return Found(teams, fast, bias, called, other, teams * (len(CAREFUL) + team.biased))


def check(seed: int, *, teams: int = 200) -> Iterator[Finding]:
    """The findings of many teams."""
    draw = Random(f"{seed} watchers")  # noqa: S311  # the same each time
    alike, quick, biased = (trials(draw, team, teams=teams) for team in TEAMS)
    yield _good("the hurried one is found", quick.hurried, teams, "nine in ten", quick.hurried >= 0.9 * teams)
    yield _good("the biased one is found", biased.biased, teams, "nine in ten", biased.biased >= 0.9 * teams)
    people = alike.people + quick.people + biased.people
    wrongly = alike.called_hurried + quick.called_hurried + biased.called_hurried
    yield _good("careful people called hurried", wrongly, people, "<= 1%", wrongly <= at_most(0.01, people))
    most = at_most(SURE, teams)
    name = "teams of careful people in which somebody is called other than the others"
    yield _good(name, alike.called_other, teams, f"<= {SURE:.0%}", alike.called_other <= most)
    careful = len(CAREFUL) * teams
    name = "careful people called stricter beside the hurried, who is laxer"
    yield Finding(check=CHECK, name=name, found=share(quick.called_other, careful))
    name = "careful people called stricter beside the biased, who is"
    yield _good(name, biased.called_other, careful, "<= 1%", biased.called_other <= at_most(0.01, careful))


def _good(name: str, count: int, of: int, wanted: str, good: bool) -> Finding:  # noqa: FBT001  # what it came to
    return Finding(check=CHECK, name=name, found=share(count, of), wanted=wanted, good=good)


def in_life(facts: Sequence[Fact], since: datetime, until: datetime, *, whole: bool = True) -> Iterator[Finding]:
    """The findings of the year that was lived: cem hurries and is laxer, eli holds something against one agent.

    ``whole``: it was long enough to tell that of eli.
    """
    made = report(facts, since, until)
    quick = hurried(made)
    yield Finding(
        check=CHECK,
        name="in the year: who is hurried",
        found=", ".join(sorted(quick)) or "nobody",
        wanted="cem",
        good=quick == {"cem"},
    )
    more, less = leaning(made, Leaning.MORE), leaning(made, Leaning.LESS)
    yield Finding(
        check=CHECK,
        name="in the year: who rejects more, and less, than the others on like requests",
        found=f"{', '.join(sorted(more)) or 'nobody'}; {', '.join(sorted(less)) or 'nobody'}",
        wanted="eli, and who is not cem; cem" if whole else "not ana, not ben less",
        # Beside one who passes nearly all, whoever is careful is stricter than the others.
        good=(not whole or ("eli" in more and "cem" in less)) and not {"ana", "ben", "eli"} & less,
    )
    missed = {p.person: p.practices.caught for p in made.people if p.practices.caught.of}
    for who, caught in sorted(missed.items()):
        yield Finding(
            check=CHECK, name=f"in the year: practices that {who} caught", found=share(caught.count, caught.of)
        )
