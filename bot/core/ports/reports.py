"""The seam to the compliance report: a period in, a document out that stands by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from bot.core.model import Request
from bot.core.ports.rows import AuditLine


class ReportAsked(Struct, frozen=True, kw_only=True):
    """Of which time: at or after ``since`` (None: from the first line on), before ``until``; both aware, UTC.

    ``whole``: with the list of every decision at its end.
    """

    until: datetime
    since: datetime | None = None
    whole: bool = True


class ReportStore(Protocol):
    """What a report asks of a store, beside what everybody does."""

    async def told_of(self, requests: Sequence[Request]) -> Mapping[str, tuple[AuditLine, ...]]:
        """As `Store.told`, of many at once, by request; all of them in one snapshot."""


class Reporting(Protocol):
    """Who writes reports."""

    @property
    def style_hash(self) -> str:
        """What a Content-Security-Policy says to let the document's own style sheet in: ``'sha256-…'``."""

    def document(self, asked: ReportAsked) -> AsyncIterator[bytes]:
        """The report as one HTML document, piece by piece; it reads the whole trail before the first piece."""
