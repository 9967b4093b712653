"""One bot in its own folder and process, as ``sayso up`` runs it: pinned to a core, started, measured, stopped."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sqlite3
import sys
import time
from base64 import b64encode
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from bench.wire import Broken, Line, connect

ROOT = Path(__file__).parents[1]
RULES = """\
version: 1
people:
  ana: {name: Ana Silva, email: ana@example.com}
  ben: {name: Ben Ito, email: ben@example.com}
groups: {finance: [ana, ben]}
actions:
  refund.issue:
    title: "Refund {{ amount }} {{ currency }} on order {{ order }}"
    risk: irreversible
    schema:
      type: object
      required: [order, amount, currency]
      properties: {order: {type: string}, amount: {type: number, minimum: 0}, currency: {type: string}}
      additionalProperties: false
    editable: [amount]
    execute: {webhook: "RECEIVER/refunds", timeout: 10s, idempotent: true, attempts: 3}
network: {allow_private: [127.0.0.0/8]}
chains:
  finance:
    - {notify: [finance], wait: 15m, remind: 5m}
    - {notify: [ben], wait: 1h}
rules:
  - name: tiny refunds
    when: action == "refund.issue" && arguments.amount <= 5 && confidence >= 0.85
    then: approve
  - name: refunds
    when: action == "refund.issue"
    confidence_gate: 0.85
    stages: [{name: finance, chain: finance}]
default: {stages: [{chain: finance}], expires: 24h}
"""
_STARTS_WITHIN = 30.0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@dataclass
class Process:
    """A server in its own process. ``began`` is when it was spawned (`time.perf_counter`)."""

    pid: int
    port: int
    began: float
    log: Path
    _process: asyncio.subprocess.Process

    def cpu(self) -> float:
        """Seconds of processor time it has used, all threads, user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident memory now, in MB (10^6 bytes)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    async def first(self, request: bytes, status: int) -> float:
        """Ask until ``request`` is answered with ``status``; seconds from the spawn to that answer."""
        while time.perf_counter() - self.began < _STARTS_WITHIN and self._process.returncode is None:
            line: Line | None = None
            try:
                line = await connect("127.0.0.1", self.port)
                if (await line.call(request))[0] == status:
                    return time.perf_counter() - self.began
            except (OSError, Broken):
                pass
            finally:
                if line is not None:
                    line.close()
            await asyncio.sleep(0.002)
        said = self.log.read_text(encoding="utf-8", errors="replace")[-1_000:]
        raise TimeoutError(f"the server on port {self.port} did not answer {status}; it said: {said}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """End it as an operator would, and wait until it is gone."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        await self._process.wait()


async def spawn(
    words: list[str], port: int, *, core: int | None, env: dict[str, str], folder: Path, python: str = sys.executable
) -> Process:
    """Start ``python WORDS`` in ``folder``, on one core where one is named; what it says goes to a file there."""

    def pin() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    path = folder / "said.txt"
    with path.open("ab") as log:
        began = time.perf_counter()
        process = await asyncio.create_subprocess_exec(
            python, *words, cwd=folder, env=env, preexec_fn=pin, stdout=log, stderr=log
        )
    return Process(process.pid, port, began, path, process)


class House:
    """A folder with rules, a database and two keys, in which the bot can be started more than once."""

    def __init__(self, folder: Path, receiver: int, *, core: int | None, database_url: str = "") -> None:
        """``receiver`` is the port that replays go to; ``core`` the processor that the bot is pinned to.

        ``folder`` is two below that of the whole measurement, which keeps the compiled program. Without a
        ``database_url`` the store is a file in it.
        """
        folder.mkdir(parents=True)
        self.folder = folder
        self.port = free_port()
        self.agent = self.reviewer = ""
        self._core = core
        rules = RULES.replace("RECEIVER", f"http://127.0.0.1:{receiver}")
        (folder / "routing.yaml").write_text(rules, encoding="utf-8")
        kept = {
            name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LD_LIBRARY_PATH")
        }
        self.env = kept | {
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),
            # Compiled once and kept beside the measurement: an installed program is compiled, too.
            "PYTHONPYCACHEPREFIX": str(folder.parents[1] / "compiled"),
            "SAYSO_DATABASE_URL": database_url or f"sqlite+aiosqlite:///{folder / 'sayso.db'}",
            "SAYSO_LISTEN": f"127.0.0.1:{self.port}",
            "SAYSO_SECRET": secrets.token_urlsafe(32),
            "SAYSO_WEBHOOK_SECRET": "whsec_" + b64encode(secrets.token_bytes(32)).decode(),
        }

    async def make_keys(self, agent: str = "billing-assistant") -> None:
        """Make the database, an agent's key and ana's."""
        self.agent = await self._key(agent)
        self.reviewer = await self._key("ana", "--reviewer")

    async def _key(self, *words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "key", "create", *words, "--json"),
            cwd=self.folder,
            env=self.env,
            stdout=asyncio.subprocess.PIPE,
        )
        printed, _ = await process.communicate()
        return str(msgspec.json.decode(printed)["key"])

    async def up(self) -> Process:
        """Start the bot."""
        return await spawn(["-m", "bot", "up"], self.port, core=self._core, env=self.env, folder=self.folder)

    @property
    def database(self) -> Path:
        """Its database's file."""
        return self.folder / "sayso.db"

    def executed(self) -> int:
        """How many executions are on record as executed."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as driver:
            return int(driver.execute("SELECT count(*) FROM executions WHERE state = 'executed'").fetchone()[0])
