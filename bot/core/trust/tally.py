"""What of a band's history counts, one fact after the other: successes may be dropped, failures never are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, timedelta
from decimal import ROUND_CEILING, Decimal

from bot.core.insight.fact import Fact
from bot.core.model import ExecutionState, State, Verb
from bot.core.policy.terms import within

_SHOWN, _FEWEST_SHOWN = 20, 5
"""An amount counts as shown once one in twenty of the approvals that count, and no fewer than five, reached it.

The largest alone would be a ceiling of its agent's choice: one of 9,999 among five hundred of 1 would let 9,999 run.
"""


def failed(fact: Fact) -> bool:
    """Whether it shows that the action should not have run as proposed.

    Who withdraws what a person asked about, or lets it expire, has not thereby escaped a rejection.
    """
    if fact.incident is not None or fact.undone or fact.state in (State.REJECTED, State.APPROVED_WITH_EDITS):
        return True
    dodged = fact.state in (State.CANCELLED, State.EXPIRED)
    return dodged and any(j.verb in (Verb.ASK, Verb.REJECT) for j in fact.judged)


def given_up(fact: Fact, expires: timedelta | None) -> bool:
    """Whether its agent took it from people before they decided: withdrew it, or gave less time than the rule does.

    It chooses which: where what is bad waits longer than what is good, whoever withdraws what waits long shows none of
    what would have been rejected. So it counts as if it had been.
    """
    if fact.state is State.CANCELLED:
        return True
    if fact.state is not State.EXPIRED or expires is None or fact.decided_at is None:
        return False
    return fact.decided_at - fact.created_at < expires


def _dropped(fact: Fact, terms: tuple[str, ...]) -> str | None:
    """Why an approval does not count, or None."""
    if not within(fact.terms, terms):
        return "under other terms of the rule"
    approvals = [j for j in fact.judged if j.verb is Verb.APPROVE]
    if any(j.verb is Verb.ASK for j in fact.judged):
        return "asked about first"
    if fact.execution in (ExecutionState.ROLLING_BACK, ExecutionState.ROLLED_BACK):
        return "rolled back since"
    if all(j.broke_glass for j in approvals):
        return "past the review"
    if all(j.fast or j.broke_glass for j in approvals):
        return "too fast to have been read"
    return None


class Tally:
    """What of a band counts, in the order of time."""

    def __init__(self, per_day: int, expires: timedelta | None, terms: tuple[str, ...]) -> None:
        self.per_day = per_day
        self.expires = expires
        self.terms = terms
        self.right = self.wrong = self.undecided = 0
        self.dropped: Counter[str] = Counter()
        self.days: Counter[date] = Counter()
        self.people: Counter[str] = Counter()
        self.all_days: Counter[date] = Counter()
        self.numbers: dict[str, list[float]] = {}

    def add(self, fact: Fact) -> None:
        """Count one more fact of the band."""
        came = fact.created_at.astimezone(UTC).date()
        # Who clears ten days' cards on one day has looked on that day alone.
        day = (fact.decided_at or fact.created_at).astimezone(UTC).date()
        if failed(fact) or given_up(fact, self.expires):
            self.wrong += 1
            self.all_days[came] += 1
        elif fact.unchanged:
            why = _dropped(fact, self.terms)
            # How busy a day was is said by what people looked at alone: it bounds what may run.
            self.all_days[came] += why is None
            if why is None and self.per_day and self.days[day] >= self.per_day:
                why = "more than are counted of one day"
            if why is not None:
                self.dropped[why] += 1
                return
            self.right += 1
            self.days[day] += 1
            for pointer, number in fact.numbers.items():
                self.numbers.setdefault(pointer, []).append(number)
            careful = {j.by for j in fact.judged if j.verb is Verb.APPROVE and not j.fast and not j.broke_glass}
            self.people.update(careful)
        elif fact.state is not State.APPROVED:
            self.undecided += 1


def shown(numbers: Sequence[float], most: float) -> float:
    """The largest of these that enough of them reach, rounded up, ``most`` at the most; 0 where there are too few."""
    reached = max(_FEWEST_SHOWN, -(-len(numbers) // _SHOWN))
    return 0.0 if len(numbers) < reached else min(rounded(sorted(numbers)[-reached]), most)


def rounded(number: float) -> float:
    """A number rounded up to two digits, less than a tenth more: kept or told so, it is of no request in particular."""
    found = Decimal(repr(number))
    return float(found.quantize(Decimal(1).scaleb(found.adjusted() - 1), ROUND_CEILING)) if found else 0.0
