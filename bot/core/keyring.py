"""Which of many checkpoints count for whoever trusts some public key, through every rotation of keys (threat T24).

A key vouches for those that sign a checkpoint beside it, the one that follows it as much as the one that it follows. So
whoever trusts any one key of the house knows all of them. But a key that stopped signing was given up: what it alone
signs later does not count, for a key may be given up because it was stolen. Nor does it vouch for anybody any more:
each checkpoint has to be signed by the key that the one before it named first, or by one that is trusted by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from bot.core.checkpoint import Signed, genuine


class Attested(Struct, frozen=True, kw_only=True):
    """A checkpoint and where it stood, as a person would find it; ``after`` is the line that carried it, if one did."""

    signed: Signed
    where: str
    after: int = 0

    @property
    def name(self) -> str:
        """As it is spoken of."""
        return f"the checkpoint of line {self.signed.checkpoint.seq} ({self.where})"


class Judged(Struct, frozen=True, kw_only=True):
    """Those that count, by line and time; what is wrong with the others; what is worth knowing."""

    counted: tuple[Attested, ...] = ()
    fault: str | None = None
    notes: tuple[str, ...] = ()


class Keyring:
    """The keys that somebody trusts."""

    def __init__(self, trusted: tuple[str, ...]) -> None:
        self.trusted = trusted

    def judge(self, attested: Sequence[Attested]) -> Judged:
        """Look at checkpoints from anywhere, in any order."""
        ordered = sorted(attested, key=_place)
        if not self.trusted:
            note = f"{len(ordered)} checkpoints were held against no key: name the house's own." if ordered else None
            return Judged(notes=(note,) if note else ())
        true: list[Attested] = []
        faults: list[str] = []
        for told in ordered:
            if genuine(told.signed):
                true.append(told)
            else:
                faults.append(f"{told.name} is not signed by the key that it names.")
        known = _known(self.trusted, true)
        counted: list[Attested] = []
        given_up: set[str] = set()
        seen: set[str] = set()
        own = known
        for told in true:
            keys = set(told.signed.checkpoint.keys)
            if not keys & known:
                faults.append(f"{told.name} is signed by a strange key, {told.signed.checkpoint.keys[0]}.")
            elif not keys - given_up:
                faults.append(f"{told.name} is signed by a key that was given up before, {min(keys)}.")
            elif not keys & (own | set(self.trusted)) - given_up:
                faults.append(f"{told.name} is not signed by the house's own key of then, {min(own)}.")
            else:
                counted.append(told)
                own = {told.signed.checkpoint.keys[0]}
                seen |= keys
                given_up = seen - keys
        return Judged(counted=tuple(counted), fault=_first(faults), notes=_notes(counted))


def _place(told: Attested) -> tuple[int, float, int]:
    checkpoint = told.signed.checkpoint
    return checkpoint.seq, _moment(checkpoint.at), told.after


def _moment(at: datetime) -> float:
    # A forger's may have no zone, and lie before all time in this machine's.
    return at.replace(tzinfo=at.tzinfo or UTC).timestamp()


def _known(trusted: Sequence[str], true: Sequence[Attested]) -> set[str]:
    """The trusted keys, and all that are signed beside one of them, or beside one of those."""
    known, groups = set(trusted), {frozenset(told.signed.checkpoint.keys) for told in true}
    while joining := [group for group in groups if group & known and group - known]:
        known.update(*joining)
    return known


def _first(faults: Sequence[str]) -> str | None:
    if not faults:
        return None
    more = f" So it is with {len(faults) - 1} more." if faults[1:] else ""
    return faults[0][:1].upper() + faults[0][1:] + more


def _notes(counted: Sequence[Attested]) -> tuple[str, ...]:
    houses = tuple(dict.fromkeys(told.signed.checkpoint.house for told in counted))
    keys = dict.fromkeys(told.signed.checkpoint.keys for told in counted)
    notes = [f"the house calls itself {houses[-1]}, and before {', '.join(houses[:-1])}."] if houses[1:] else []
    notes += [f"keys were rotated {len(keys) - 1} times."] if len(keys) > 1 else []
    return tuple(notes)
