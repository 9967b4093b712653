"""The seam to what is measured: facts by request, the cells that they add up to, and how far the trail was followed.

Cells are kept by adding the difference that a fact makes, in the transaction that writes the fact: so they always are
the sum of the facts that stand there, whatever was killed in between.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from bot.core.insight.cell import Cell, CellKey, Grain, Sort
from bot.core.insight.fact import Fact
from bot.core.insight.making import Measured


class FactQuery(Struct, frozen=True, kw_only=True):
    """Which facts, oldest first; None does not narrow. ``since`` and ``until`` bound when they were submitted.

    ``after`` is the last request's id of the page before. ``decided``: only those that people decided.
    """

    agent: str | None = None
    action: str | None = None
    rule: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    decided: bool = False
    practice: bool = False
    after: str | None = None
    limit: int = 1000


class InsightTx(Protocol):
    """The part of `Tx` about what is measured."""

    def follow(self, after: int, to: int) -> bool:
        """Measure up to another line of the audit from now on; False where it is not ``after`` that is reached."""

    def facts(self, request_ids: Sequence[str]) -> Mapping[str, Fact]:
        """The facts of these requests that stand there, by request."""

    def forgotten(self, request_ids: Sequence[str]) -> frozenset[str]:
        """Those of them whose subject's data was erased: nothing that anybody wrote may be in their facts."""

    def put_facts(self, facts: Sequence[Fact]) -> None:
        """Write facts, over those of the same requests."""

    def add_cells(self, added: Mapping[CellKey, Cell]) -> None:
        """Add to cells (`bot.core.insight.cell`); one that becomes empty is forgotten."""


EVERY = 2**31 - 1
"""More cells than there can be."""


class InsightStore(Protocol):
    """The part of `Store` about what is measured."""

    async def followed(self) -> int:
        """Up to which line of the audit everything is measured; 0 before the first."""

    async def measured(self, request_ids: Sequence[str]) -> tuple[Measured, ...]:
        """All rows of these requests that facts are made of, as they are now; those that are not there are left out."""

    async def facts_of(self, query: FactQuery) -> tuple[Fact, ...]:
        """A page of facts."""

    async def cells(
        self, sort: Sort, grain: Grain, since: datetime, until: datetime, *, first: str = "", most: int = EVERY
    ) -> tuple[tuple[CellKey, Cell], ...]:
        """Every cell of a sort and a grain that begins at or after ``since`` and before ``until``; ``most`` of them.

        Of those whose first part does not begin with ``first`` it may leave out any.
        """
