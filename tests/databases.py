"""A SQLite database with all its tables in it and nothing else, for a copy is quicker than a migration."""

from __future__ import annotations

import os
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from store.migrate import migrate
from store.sqlite import Connection


@cache
def _empty() -> bytes:
    """What a migration leaves of a new file; made once by each worker, with sayso's own migrations."""
    with TemporaryDirectory(prefix="sayso-empty-") as folder:
        path = Path(folder) / "sayso.db"
        with closing(Connection(path, busy_timeout=5)):
            migrate(path, None, 5)
        return path.read_bytes()


def lay(path: Path) -> None:
    """Put the empty database at ``path``, readable by its owner alone; one that is there stays as it is.

    Not for tests of how a database comes about: those let sayso make it.
    """
    if path.exists():
        return
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(_empty())
