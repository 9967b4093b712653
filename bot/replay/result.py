"""What a target gave back, as it is kept, and outcomes without effect. Loads nothing that sends."""

from __future__ import annotations

from typing import Any

import msgspec

from bot.core.ports import Outcome, OutcomeKind

MOST_READ = 1024 * 1024
"""Bytes of an answer that are read; of a larger one the rest stays with the sender and the connection is closed."""

DEPTH = 32
LARGEST = 2**53 - 1
"""The same limits as for what agents submit (contract, "Limits")."""


def failed(code: str, sentence: str) -> Outcome:
    """An outcome without effect, for good."""
    return Outcome(kind=OutcomeKind.FAILED, error=f"{code}: {sentence}")


def result_of(body: bytes | None, *, where: str, encoding: str = "") -> Outcome:
    """An executed outcome whose result is this JSON; where it cannot be kept, ``error`` says why. None: too large."""
    if body is None:
        return _kept_nothing(f"{where} with more than {MOST_READ:,} bytes")
    if not body:
        return Outcome(kind=OutcomeKind.EXECUTED)
    if encoding:
        return _kept_nothing(f"{where} in {encoding}, which was not asked for")
    try:
        value = msgspec.json.decode(body)
        _check(value)
    except (ValueError, RecursionError) as fault:
        return _kept_nothing(f"{where} with {len(body):,} bytes that are not JSON to be kept ({str(fault)[:200]})")
    return Outcome(kind=OutcomeKind.EXECUTED, result=value)


def _check(value: Any) -> None:
    """Raise ``ValueError`` on what the audit trail's canonical form (RFC 8785) could not hold."""
    level, depth = [value], 0
    while level:
        if depth > DEPTH:
            raise ValueError(f"nested deeper than {DEPTH}")
        deeper: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                deeper.extend(item.values())
            elif isinstance(item, list):
                deeper.extend(item)
            elif isinstance(item, int) and not -LARGEST <= item <= LARGEST:
                raise ValueError(f"the integer {item} is beyond 2^53-1")
        level, depth = deeper, depth + 1


def _kept_nothing(why: str) -> Outcome:
    return Outcome(kind=OutcomeKind.EXECUTED, error=f"result_not_kept: {why}")
