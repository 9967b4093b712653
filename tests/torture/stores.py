"""The stores that are tortured: a file, and a PostgreSQL server of this run's own with a database for each torture."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import cycle
from pathlib import Path

from msgspec import Struct

from tests.postgres import Cluster

STORES = ("sqlite", "postgresql")


class Databases(Struct, frozen=True):
    """One kind of store; ``cluster`` is the running PostgreSQL, or None for a file."""

    name: str
    cluster: Cluster | None = None

    def url(self, folder: Path) -> str:
        """A new and empty store. Not for a running loop."""
        if self.cluster is None:
            return f"sqlite+aiosqlite:///{folder / 'sayso.db'}"
        return self.cluster.url(asyncio.run(self.cluster.make()))


@contextmanager
def databases(wanted: str) -> Iterator[Iterator[Databases]]:
    """The stores by turns; ``wanted`` is one of `STORES`, or ``both``."""
    with ExitStack() as stack:
        kinds = []
        if wanted != "postgresql":
            kinds.append(Databases("sqlite"))
        if wanted != "sqlite":
            kinds.append(Databases("postgresql", stack.enter_context(closing(Cluster()))))
        yield cycle(kinds)
