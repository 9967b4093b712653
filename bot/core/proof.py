"""Whether a trail is what its house signed: the lines re-computed, and held against signed checkpoints (threat T24).

Needed are lines and one public key that is trusted; better are checkpoints too that were kept where whoever keeps the
trail could not touch them, for only these say that a tail was cut off just behind an old checkpoint.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from bot.core.audit import happened_at
from bot.core.chain import START, ChainReport, conclude, verify
from bot.core.checkpoint import EVENT, Checkpoint, Signed
from bot.core.keyring import Attested, Keyring
from bot.core.ports import AuditLine
from bot.core.unsigned import Tail

_BACK = 1 << 15
"""Lines between the one that is signed and the one that carries the signature, at most: what was written meanwhile."""

_CARRIES = f'"type":"{EVENT}",'
_MARK_WITHIN = 64
"""Characters of an event within which its type stands, behind its number."""

_SLACK = timedelta(minutes=15)


class Newest(msgspec.Struct, frozen=True, kw_only=True):
    """The newest checkpoint that counts: which line it signs, when, for which house, by which keys, where it stood."""

    seq: int
    at: datetime
    house: str
    keys: tuple[str, ...]
    where: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. ``first`` to ``seq`` are the lines that hold, ``hash`` is the last one's.

    ``checkpoints`` are those that count; ``signed`` is the newest of them, None where no key is trusted or there is
    none. ``unsigned`` lines come after it. ``notes`` are no faults, and worth knowing.
    """

    ok: bool
    first: int
    lines: int
    seq: int
    hash: str
    checkpoints: int
    unsigned: int
    fault: str | None = None
    signed: Newest | None = None
    notes: tuple[str, ...] = ()


class _Carrying(msgspec.Struct):
    data: Signed


_event = msgspec.json.Decoder(_Carrying)


class Examiner:
    """Takes lines, oldest first, and says at the end what they prove."""

    def __init__(
        self,
        *,
        trusted: Sequence[str] = (),
        outside: Sequence[Attested] = (),
        known: Mapping[int, str] | None = None,
        part: bool = False,
    ) -> None:
        """``trusted`` are public keys, ``outside`` checkpoints kept elsewhere, ``known`` hashes by line number.

        ``part``: the lines may begin and end anywhere, as those of an export between two dates do.
        """
        self._ring = Keyring(tuple(trusted))
        self._attested = list(outside)
        self._known = dict(known or {})
        self._wanted = sorted({told.signed.checkpoint.seq for told in outside}, reverse=True)
        self._found: dict[int, str] = {}
        self._recent: deque[str] = deque(maxlen=_BACK)
        self._tail = Tail(_BACK)
        self._part = part
        self._first = 0 if part else 1
        self._report = START
        self._fault: str | None = None

    @property
    def trusting(self) -> bool:
        """Whether checkpoints are held against any key."""
        return bool(self._ring.trusted)

    @property
    def whole(self) -> bool:
        """Whether all lines so far hold; there is no use in giving more where they do not."""
        return self._report.ok

    def take(self, lines: Sequence[AuditLine]) -> None:
        """The next lines."""
        if not self._report.ok or not lines:
            return
        if not self._first:
            self._first = lines[0].seq
            self._report = ChainReport(seq=lines[0].seq - 1, hash=lines[0].previous)
        before = self._report.seq
        self._report = verify(lines, since=self._report, known=self._known)
        held = lines[: self._report.seq - before]
        if not held:
            return
        self._recent.extend([line.hash for line in held])
        carrying = any(line.body.find(_CARRIES, 0, _MARK_WITHIN) > 0 for line in held)
        if carrying or (self._wanted and self._wanted[-1] <= self._report.seq):
            self._pick(held)
        elif self._ring.trusted:
            self._tail.take(held)

    def _pick(self, held: Sequence[AuditLine]) -> None:
        """Lines that hold, among them such that have to do with checkpoints."""
        for line in held:
            if line.body.startswith(f'{{"seq":{line.seq},{_CARRIES}'):
                self._carried(line)
                self._tail.carried()
            else:
                self._tail.take((line,))
            while self._wanted and self._wanted[-1] <= line.seq:
                self._pass(line)

    def garbled(self, fault: str) -> None:
        """What comes next is no line at all."""
        if self._report.ok:
            self._report = replace(self._report, ok=False, fault=fault)

    def _pass(self, line: AuditLine) -> None:
        """A line that a checkpoint from elsewhere signs (one before the first line of a part is let go)."""
        seq = self._wanted.pop()
        if seq == line.seq:
            self._found[seq] = line.hash
            self._tail.signed(seq, 0)

    def _carried(self, line: AuditLine) -> None:
        """A line that carries a checkpoint of a line before it."""
        try:
            signed = _event.decode(line.body).data
        except msgspec.DecodeError:
            self._fault = self._fault or f"Line {line.seq} carries a checkpoint that is none."
            return
        seq = signed.checkpoint.seq
        back = self._report.seq - seq
        if seq < line.seq and back < len(self._recent):
            self._found.setdefault(seq, self._recent[-1 - back])
            self._tail.signed(seq, line.seq - 1 - seq)
            self._fault = self._fault or _late(line, signed)
        elif seq >= self._first:
            self._fault = self._fault or f"Line {line.seq} carries a checkpoint of line {seq}, too far from it."
            return
        self._attested.append(Attested(signed=signed, where=f"line {line.seq}", after=line.seq))

    def conclude(self, *, now: datetime, max_age: timedelta | None = None) -> Proof:
        """What it comes to. ``max_age``: the newest checkpoint has to be younger than this."""
        report = conclude(self._report, self._known)
        judged = self._ring.judge(self._attested)
        first = max(self._first, 1)
        holding = [told for told in judged.counted if self._holds(told)]
        newest = holding[-1] if holding else None
        faults = [report.fault, self._fault, judged.fault, self._rewritten(judged.counted, report)]
        if self._ring.trusted:
            faults += [_missing(newest, now, max_age), self._overdue(newest)]
        found = [fault[:1].upper() + fault[1:] for fault in faults if fault]
        return Proof(
            ok=not found,
            first=first,
            lines=report.lines,
            seq=report.seq,
            hash=report.hash,
            checkpoints=len(holding),
            unsigned=report.seq - (newest.signed.checkpoint.seq if newest else first - 1),
            fault=" ".join(found) or None,
            signed=_newest(newest),
            notes=(*judged.notes, *self._signed_late(holding)),
        )

    def _signed_late(self, holding: Sequence[Attested]) -> list[str]:
        """Lines that waited for their signature as those of a forger would, until a restart of the bot signed them.

        No fault: so it is, too, where the house went without its key for a while.
        """
        late: list[str] = []
        for told, after in pairwise(holding):
            one, other = told.signed.checkpoint, after.signed.checkpoint
            span = self._tail.after(one.seq, other.seq)
            if span is None or span.latest - max(span.earliest, one.at) <= _patience(one):
                continue
            late.append(
                f"lines {span.first} to {span.last} had no signature until {_minute(other.at)}, although the first"
                f" is of {_minute(span.earliest)}: the bot had no key then, or somebody wrote them anew behind an old"
                " checkpoint."
            )
        more = f" So it is at {len(late) - 1} more places." if late[1:] else ""
        return [f"{late[0]}{more}"] if late else []

    def _holds(self, told: Attested) -> bool:
        return self._found.get(told.signed.checkpoint.seq) == told.signed.checkpoint.hash

    def _rewritten(self, counted: Sequence[Attested], report: ChainReport) -> str | None:
        """The first checkpoint that the lines do not bear out. One of a line before a part's first says nothing."""
        for told in counted:
            seq, at = told.signed.checkpoint.seq, _minute(told.signed.checkpoint.at)
            if seq > report.seq and report.ok and not self._part:
                return f"lines {report.seq + 1} to {seq} were cut off: {told.name} was signed at {at}."
            if seq in self._found and not self._holds(told):
                return (
                    f"line {seq} is not the one that was signed at {at} ({told.where}): it or an earlier one is forged."
                )
        return None

    def _overdue(self, newest: Attested | None) -> str | None:
        """Lines that nobody signed although the house would have: whoever chains lines anew cannot sign them."""
        if newest is None:
            return None
        checkpoint, span = newest.signed.checkpoint, self._tail.after(newest.signed.checkpoint.seq)
        if span is None:
            return None
        if span.unread is not None:
            return f"line {span.unread} does not say when it happened."
        # What was written while it was made is older than it, and so is what a clock that was put back says.
        since = max(span.earliest, checkpoint.at)
        if span.latest - since <= _patience(checkpoint):
            return None
        return (
            f"lines {span.first} to {span.last} are signed by nobody since {_minute(since)}, and this house signs"
            f" every {timedelta(seconds=checkpoint.every)}."
        )


def _patience(checkpoint: Checkpoint) -> timedelta:
    """How long after a checkpoint lines may be without another."""
    return 2 * timedelta(seconds=checkpoint.every) + _SLACK


def _late(line: AuditLine, signed: Signed) -> str | None:
    """A checkpoint is written as it is signed: one that comes onto the trail later was kept, to be shown as new."""
    try:
        late = happened_at(line) - signed.checkpoint.at
    except (msgspec.DecodeError, TypeError):
        return f"Line {line.seq} or the checkpoint that it carries does not say when it happened."
    if abs(late) <= _SLACK:
        return None
    return (
        f"Line {line.seq} carries a checkpoint that was signed at {_minute(signed.checkpoint.at)}, and not when the"
        " line was written: an old one is shown as new."
    )


def _missing(newest: Attested | None, now: datetime, max_age: timedelta | None) -> str | None:
    if newest is None:
        return "no checkpoint that these lines bear out is signed by a key that you trust."
    at = newest.signed.checkpoint.at
    if max_age is None or now - at <= max_age:
        return None
    return f"the newest checkpoint is older than {max_age}: it was signed at {_minute(at)}."


def _newest(told: Attested | None) -> Newest | None:
    if told is None:
        return None
    checkpoint = told.signed.checkpoint
    return Newest(seq=checkpoint.seq, at=checkpoint.at, house=checkpoint.house, keys=checkpoint.keys, where=told.where)


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
