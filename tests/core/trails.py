"""Trails made in memory: lines as a store chains them, and checkpoints on them, honest and forged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from bot.core.chain import GENESIS, chained
from bot.core.checkpoint import EVENT, Signed, SigningKey, document, private_key, sign
from bot.core.ports import AuditLine

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOURLY = 3600

OURS = SigningKey(private_key(b"o" * 32))
NEXT = SigningKey(private_key(b"n" * 32))
THIEF = SigningKey(private_key(b"t" * 32))


class Trail:
    """A trail that grows by a line a minute."""

    def __init__(self) -> None:
        self.lines: list[AuditLine] = []
        self.at = NOW

    def tell(self, kind: str = "refusal", data: dict[str, Any] | None = None) -> None:
        """One line more."""
        seq = len(self.lines) + 1
        previous = self.lines[-1].hash if self.lines else GENESIS
        event = {"seq": seq, "type": kind, "at": self.at, "actor": f"person:p{seq}", "data": data or {}}
        body = msgspec.json.encode(event).decode()
        self.lines.append(AuditLine(seq=seq, previous=previous, hash=chained(previous, body), body=body))
        self.at += MINUTE

    def grow(self, lines: int) -> Trail:
        """Some lines more."""
        for _ in range(lines):
            self.tell()
        return self

    def signed(self, *keys: SigningKey, every: int = HOURLY, carried: bool = True) -> Signed:
        """A checkpoint of the newest line; ``carried`` on the trail as the house does, or else not."""
        made = signed_line(self.lines[-1], *(keys or (OURS,)), at=self.at, every=every)
        if carried:
            self.tell(EVENT, document(made))
        return made


def signed_line(line: AuditLine, *keys: SigningKey, at: datetime = NOW, every: int = HOURLY) -> Signed:
    """A checkpoint of a line."""
    return sign(keys=keys, house="https://sayso.example.com", seq=line.seq, digest=line.hash, at=at, every=every)


def rechained(lines: Sequence[AuditLine]) -> list[AuditLine]:
    """The same bodies, numbered and hashed anew, as a forger who knows how would."""
    previous, made = GENESIS, []
    for seq, line in enumerate(lines, 1):
        body = line.body.replace(f'"seq":{line.seq},', f'"seq":{seq},', 1)
        made.append(AuditLine(seq=seq, previous=previous, hash=chained(previous, body), body=body))
        previous = made[-1].hash
    return made


def edited(lines: Sequence[AuditLine], seq: int) -> list[AuditLine]:
    """Somebody else stands in one line."""
    return [
        replace(line, body=line.body.replace(f"person:p{seq}", "person:bob")) if line.seq == seq else line
        for line in lines
    ]
