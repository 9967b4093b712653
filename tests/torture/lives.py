"""One installation through many lives: started, killed at a point, started again, and in the end asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import cycle
from pathlib import Path

from bot.commands.surroundings import NO
from bot.core.checkpoint import private_key
from store import SqlStore
from tests.fakes.slack import FakeSlack
from tests.stories.program import SECRET, free_port
from tests.torture.points import KILL_AT, PASSED
from tests.torture.rules import RULES

KEY = private_key(b"torture-torture-torture-torture!")
_ROOT = Path(__file__).parents[2]
LEASE = 2.0
"""Seconds that a kill on PostgreSQL costs: the shorter, the more kills in an hour."""
BEATS = 3
"""Nothing that a killed replica held waits for so many beats of another, once its lease is over: the first may have
been under way then, and at the next it is noticed. Counted in beats, for in seconds they are as late as the machine is
busy: where nine things ran on two cores, a single commit took up to 3.5."""
AT_ITS_END = ("stop:", "replica.left:")
"""Points that no more work brings about."""
_REFUSALS = 100
_STARTS_WITHIN = 120.0
_STOPS_WITHIN = 180.0


class Lives:
    """A folder with its rules and its store, and the process over it."""

    def __init__(
        self, folder: Path, url: str, slack: FakeSlack, kills: Sequence[str], beside: SqlStore, *, mate: bool = False
    ) -> None:
        """``url`` is the store's; ``kills``: where each life is to end, one after the other (see `points`).

        ``mate``: another replica lives beside all of them, and is never killed. A life that was killed is then followed
        by the next only once the mate has taken over from it, which has to be before its `BEATS` are over.
        """
        self.folder = folder
        self.url = url
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.points = folder / "points.txt"
        self.kept = folder / "kept.jsonl"
        self.kills: deque[str] = deque(kills)
        self.killed: list[str] = []
        self.planned = ""
        self.misruled = False
        """Whether routing.yaml was spoilt: a life that begins then refuses to, and is tried until it is mended."""
        self.refused = 0
        self.fault: str | None = None
        self._slack = slack
        self._beside = beside
        self._mate_port = free_port() if mate else None
        self._mate: asyncio.subprocess.Process | None = None
        self.taken_after: list[float] = []
        """Seconds from each kill to the mate having taken over."""
        self.late: list[str] = []
        """Which kills it saw too late."""
        served = [self.base] if self._mate_port is None else [self.base, f"http://127.0.0.1:{self._mate_port}"]
        self.bases = cycle(served)
        """Where callers go, one call after the other."""
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._ending = False
        slack.request_url = f"{self.base}/slack/events"

    def rules(self, receiver: str, events: str, *, elsewhere: str = "", tail: str = "") -> None:
        """Write routing.yaml, as an editor does: aside, then in its place."""
        text = RULES.format(receiver=receiver, events=events, elsewhere=elsewhere) + tail
        aside = self.folder / "routing.new"
        aside.write_text(text, encoding="utf-8")
        aside.replace(self.folder / "routing.yaml")

    async def begin(self) -> None:
        """Start the first life; each that is killed is followed by another until `end`."""
        if self._mate_port is not None:
            self._mate = await self._process_at(self._mate_port, "")
            await self._opened(self._mate_port)
        await self._start()
        self._watch = asyncio.get_running_loop().create_task(self._keep_alive())

    async def _start(self) -> None:
        self.planned = self.kills.popleft() if self.kills else ""
        self._process = await self._process_at(self.port, self.planned)

    async def _process_at(self, port: int, kill_at: str) -> asyncio.subprocess.Process:
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SAYSO_", "SLACK_", "SMTP_", "IMAP_", "EMAIL_"))
        }
        slack = self._slack
        environment = {
            "SAYSO_CONFIG": str(self.folder / "routing.yaml"),
            "SAYSO_DATABASE_URL": self.url,
            "SAYSO_LISTEN": f"127.0.0.1:{port}",
            "SAYSO_LEASE": f"{LEASE:g}s",
            "SAYSO_SECRET": "torture-torture-torture-torture",
            "SAYSO_WEBHOOK_SECRET": SECRET,
            "SAYSO_AUDIT_KEY": KEY,
            "SAYSO_AUDIT_CHECKPOINTS": str(self.kept),
            "SAYSO_AUDIT_CHECKPOINT_EVERY": "1s",
            "SLACK_API_URL": slack.url,
            "SLACK_BOT_TOKEN": slack.settings.bot_token,
            "SLACK_SIGNING_SECRET": slack.settings.signing_secret,
            KILL_AT: kill_at,
            PASSED: str(self.points),
            "PYTHONPATH": str(_ROOT),
        }
        with (self.folder / "output.txt").open("ab") as output:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.torture.bot", env=inherited | environment, cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip

    async def _keep_alive(self) -> None:
        while self._process is not None:
            status = await self._process.wait()
            if status == -signal.SIGKILL:
                self.killed.append(self.planned)
                if self._mate is not None:
                    await self._taken_over(self._process.pid)
            elif self._ending and status == 0:
                return
            elif self.misruled and status in (NO, -signal.SIGHUP) and self.refused < _REFUSALS:
                # It could not read its rules, or was told to read them again before it listened for that.
                self.refused += 1
                self.kills.appendleft(self.planned)
                await asyncio.sleep(0.1)
            else:
                self.fault = f"the program ended by itself with {status}"
                return
            await self._start()

    async def _taken_over(self, pid: int) -> None:
        began = time.monotonic()
        beats: set[datetime] = set()
        async with asyncio.timeout(_STARTS_WITHIN):
            while True:
                alive = await self._beside.replicas()
                dead = [one for one in alive if one.name.endswith(f":{pid}")]
                if not dead:
                    break
                over = max(one.until for one in dead) + timedelta(seconds=LEASE)
                beats |= {one.until for one in alive if one not in dead and one.until > over}
                await asyncio.sleep(0.05)
        self.taken_after.append(time.monotonic() - began)
        if len(beats) >= BEATS:
            self.late.append(f"a mate took over {self.killed[-1]} only after {len(beats)} beats")

    def awaited(self) -> bool:
        """Whether a kill is still to come that more work may bring about."""
        return bool(self.planned) and not self.planned.startswith(AT_ITS_END)

    async def up(self) -> None:
        """Wait until it answers."""
        await self._opened(self.port)

    async def _opened(self, port: int) -> None:
        async with asyncio.timeout(_STARTS_WITHIN):
            while not await _answers(port):
                if self.fault:
                    raise AssertionError(self.fault)
                await asyncio.sleep(0.05)

    def hang_up(self) -> None:
        """Tell it to read its rules again (SIGHUP)."""
        for process in (self._process, self._mate):
            if process is not None and process.returncode is None:
                _send(process, signal.SIGHUP)

    async def end(self) -> None:
        """Ask it to stop (SIGTERM) until it has; killed as it stops, it is started and asked again."""
        self._ending = True
        asked: asyncio.subprocess.Process | None = None
        async with asyncio.timeout(_STOPS_WITHIN):
            while self._watch is not None and not self._watch.done():
                life = self._process
                if life is not None and life is not asked and life.returncode is None and await _answers(self.port):
                    _send(life, signal.SIGTERM)
                    asked = life
                await asyncio.sleep(0.05)
            if self._mate is not None and self._mate.returncode is None:
                _send(self._mate, signal.SIGTERM)
            if self._mate is not None and (status := await self._mate.wait()) != 0:
                self.fault = self.fault or f"the replica beside ended with {status}"
        if self.fault:
            raise AssertionError(self.fault)

    async def abandon(self) -> None:
        """End it however it is."""
        if self._watch is not None:
            self._watch.cancel()
        for process in (self._process, self._mate):
            if process is not None and process.returncode is None:
                process.kill()
                await process.wait()

    def said(self) -> str:
        """All that it wrote."""
        return (self.folder / "output.txt").read_text(encoding="utf-8", errors="replace")


def _send(process: asyncio.subprocess.Process, what: signal.Signals) -> None:
    """Not by its own method, which looks first whether it ended: who was killed just then would be said to end by 255.

    That look takes the status that asyncio's watcher waits for.
    """
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, what)


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
