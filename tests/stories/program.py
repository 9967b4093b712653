"""`sayso up` as a process of its own, with everything around it real: files, sockets, signals, a Slack on the wire."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from bot.clock import SystemClock, entropy
from bot.core.model import Role
from bot.desk import Access, Ledger
from store import open_store
from tests.databases import lay
from tests.fakes.slack import FakeSlack

SECRET = "whsec_c3Rvcmllcy1zdG9yaWVzLXN0b3JpZXMtc3Rvcmllcw=="
OPENS_WITHIN = 60.0

RULES = """
version: 1
people:
  ana: {{name: Ana Silva, email: ana@example.com, slack: U0ANA}}
  ben: {{name: Ben Osei, email: ben@example.com, slack: U0BEN}}
  lea: {{name: Lea Roth, slack: U0LEA}}
groups: {{finance: [ana, ben]}}
agents:
  billing: {{owner: lea, webhook: "{events}"}}
channels:
  slack: {{post_to: "{post_to}"}}
actions:
  refund.issue:
    title: "Refund {{{{ amount }}}} {{{{ currency }}}} on order {{{{ order }}}}"
    risk: irreversible
    schema:
      type: object
      required: [order, amount]
      properties:
        order: {{type: string}}
        amount: {{type: number, minimum: 0, maximum: 9000, multipleOf: 0.01}}
        currency: {{type: string, enum: [USD, EUR]}}
    editable: [amount, currency]
    execute: {{webhook: "{receiver}", timeout: 3s{idempotent}}}
  deploy.start: {{execute: {{agent: true}}}}
network: {{allow_private: [127.0.0.0/8]}}
chains:
  finance:
    - {{notify: [finance], wait: {wait}}}
    - {{notify: [lea], wait: 1h}}
rules:
  - name: tiny refunds
    when: action == "refund.issue" && arguments.amount <= 5 && confidence >= 0.85
    then: approve
  - {{name: no deletion, when: 'action == "records.delete"', then: block}}
  - {{name: refunds, when: 'action == "refund.issue"', confidence_gate: 0.85, stages: [{{chain: finance}}]}}
default: {{stages: [{{chain: finance}}], expires: 24h}}
"""

REFUND: Mapping[str, Any] = {
    "action": "refund.issue",
    "arguments": {"order": "10428", "amount": 240.0, "currency": "USD"},
    "reason": "Customer reported duplicate charge",
    "confidence": 0.72,
}


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


def _may_open(files: int) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))


class Program:
    """One installation in a folder: start it, stop it, kill it, start it again."""

    def __init__(self, folder: Path, *, slack: FakeSlack | None = None, socket_mode: bool = False) -> None:
        self.folder = folder
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.output = folder / "output.txt"
        self._process: asyncio.subprocess.Process | None = None
        self.most_files: int | None = None
        """How many files and connections it may have open; None: as many as we."""
        self.environment = {
            "SAYSO_CONFIG": str(folder / "routing.yaml"),
            "SAYSO_DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'sayso.db'}",
            "SAYSO_LISTEN": f"127.0.0.1:{self.port}",
            "SAYSO_SECRET": "stories-stories-stories-stories",
            "SAYSO_WEBHOOK_SECRET": SECRET,
        }
        if slack is not None:
            self._join(slack, socket_mode=socket_mode)

    def _join(self, slack: FakeSlack, *, socket_mode: bool) -> None:
        self.environment |= {"SLACK_API_URL": slack.url, "SLACK_BOT_TOKEN": slack.settings.bot_token}
        if socket_mode:
            self.environment["SLACK_APP_TOKEN"] = slack.settings.app_token
        else:
            self.environment["SLACK_SIGNING_SECRET"] = slack.settings.signing_secret
            slack.request_url = f"{self.base}/slack/events"

    def rules(
        self,
        *,
        receiver: str = "http://127.0.0.1:9/none",
        events: str = "http://127.0.0.1:9/none",
        wait: str = "15m",
        post_to: str = "#approvals",
        idempotent: bool = False,
    ) -> None:
        """Write routing.yaml."""
        told = ", idempotent: true, attempts: 3" if idempotent else ""
        text = RULES.format(receiver=receiver, events=events, wait=wait, post_to=post_to, idempotent=told)
        (self.folder / "routing.yaml").write_text(text, encoding="utf-8")

    async def start(self) -> None:
        """Start it and wait until it says that it is up; its output is the failure's message where it does not."""
        self._lay()
        self._process = await self.command("up", output=self.output)
        async with asyncio.timeout(OPENS_WITHIN):
            while "sayso is up" not in self.said():
                if self._process.returncode is not None:
                    raise AssertionError(f"sayso up ended with {self._process.returncode}:\n{self.said()}")
                await asyncio.sleep(0.02)

    def _lay(self) -> None:
        """Give it an empty database: the demo and the migrations have tests that make one."""
        kind, _, file = self.environment["SAYSO_DATABASE_URL"].partition(":///")
        if kind.startswith("sqlite") and Path(file).parent.is_dir():
            lay(Path(file))

    async def command(self, *words: str, output: Path | None = None) -> asyncio.subprocess.Process:
        """Run `sayso` with these words; its output goes to a file, or is piped."""
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SAYSO_", "SLACK_", "SMTP_", "IMAP_", "EMAIL_"))
        }
        stream: Any = asyncio.subprocess.PIPE
        if output is not None:
            stream = output.open("wb")
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                *words,
                env=inherited | self.environment | {"PYTHONPATH": str(Path(__file__).parents[2])},
                cwd=self.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=stream,
                stderr=stream if output is not None else asyncio.subprocess.PIPE,
                preexec_fn=None if self.most_files is None else partial(_may_open, self.most_files),
            )
        finally:
            if output is not None:
                stream.close()

    async def tell(self, *words: str) -> tuple[int, str, str]:
        """Run a command to its end: status, output, error output."""
        process = await self.command(*words)
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    def said(self) -> str:
        """What it printed since it was last started."""
        return self.output.read_text(encoding="utf-8") if self.output.exists() else ""

    async def stop(self) -> int:
        """Ask it to end (SIGTERM); its status."""
        return await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it between any two instructions (SIGKILL)."""
        await self._end(signal.SIGKILL)

    def send(self, what: signal.Signals) -> None:
        """Send it a signal."""
        if self._process is not None:
            self._process.send_signal(what)

    @property
    def pid(self) -> int:
        """Its process."""
        if self._process is None:
            raise RuntimeError("it is not running")
        return self._process.pid

    async def _end(self, how: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(how)
        return await asyncio.wait_for(process.wait(), 30)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, trace
        await self._end(signal.SIGTERM if fault is None else signal.SIGKILL)

    async def key(self, name: str, role: Role = Role.AGENT) -> str:
        """A new API key, made beside the running bot."""
        store = await open_store(self.environment["SAYSO_DATABASE_URL"], exclusive=False)
        try:
            _, secret = await Access(Ledger(store, SystemClock(), entropy)).new_key(name, role, by="cli:story")
        finally:
            await store.close()
        return secret

    @asynccontextmanager
    async def caller(self, name: str, role: Role = Role.AGENT) -> AsyncIterator[Caller]:
        """An HTTP client with a key of this name and role."""
        headers = {"Authorization": f"Bearer {await self.key(name, role)}"}
        async with aiohttp.ClientSession(headers=headers) as http:
            yield Caller(self, http)


class Caller:
    """Calls the API with one key."""

    def __init__(self, program: Program, http: aiohttp.ClientSession) -> None:
        self._program = program
        self._http = http

    def at(self, program: Program) -> Caller:
        """The same caller, with the same key, at another replica."""
        return Caller(program, self._http)

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Any]:
        """One call: status and JSON."""
        url = f"{self._program.base}{path}"
        async with self._http.request(method, url, json=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def text(self, path: str) -> str:
        """What stands at a path, as text; it must be there."""
        async with self._http.get(f"{self._program.base}{path}") as answer:
            assert answer.status < 300, f"{path}: {answer.status}"
            return await answer.text()

    async def submit(self, **changes: Any) -> Any:
        """Submit the usual refund, changed; it must be taken."""
        status, request = await self.call("POST", "/v1/requests", {**REFUND, **changes})
        assert status == 201, request
        return request

    async def get(self, request_id: str, query: str = "") -> Any:
        """A request; it must be there."""
        status, request = await self.call("GET", f"/v1/requests/{request_id}?{query}")
        assert status == 200, request
        return request

    async def decide(self, request: Any, decision: str, **more: Any) -> tuple[int, Any]:
        """Decide on the request as it was shown here."""
        shown = {"decision": decision, "revision": request["revision"], "digest": request["digest"]}
        return await self.call("POST", f"/v1/requests/{request['id']}/decisions", shown | more)

    async def until(self, request_id: str, holds: Callable[[Any], bool], within: float = 30.0) -> Any:
        """The request once something holds of it."""
        async with asyncio.timeout(within):
            while not holds(request := await self.get(request_id)):
                await asyncio.sleep(0.05)
        return request
