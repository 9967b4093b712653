"""Two real IMAP servers, each behind a proxy that misbehaves on order: Debian's dovecot, and pymap from PyPI.

dovecot is what people run, and needs to be installed; pymap needs nothing, so the tests run everywhere.
"""

from __future__ import annotations

import asyncio
import imaplib
import re
import ssl
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

import pymap.backend.dict
from proxyprotocol.reader import ProxyProtocolReader
from pymap.imap import IMAPServer
from pysasl.hashing import BuiltinHash

from tests.fakes.email.dovecot_process import PASSWORD, Dovecot
from tests.fakes.email.proxy import Proxy

FOLDER = "Answers"
_MESSAGE = re.compile(rb"UID (\d+).*INTERNALDATE \"([^\"]+)\"")
T = TypeVar("T")


class ImapServer:
    """One mailbox on a real server: ``url`` is where the program reads it, ``proxy`` what it goes through.

    ``direct`` is the server's own port, for what the test itself does.
    """

    def __init__(self, kind: str, user: str, direct: int, proxy: Proxy, *, implicit: bool = False) -> None:
        self.kind, self.user, self.direct, self.proxy = kind, user, direct, proxy
        self._scheme = "imaps" if implicit else "imap"

    @property
    def url(self) -> str:
        """Where it is, with everything that is needed to read it."""
        return f"{self._scheme}://{quote(self.user, safe='')}:{PASSWORD}@127.0.0.1:{self.proxy.port}/{FOLDER}"

    async def append(self, raw: bytes, at: datetime | None = None) -> None:
        """A mail arrives; ``at`` is when the server says that it did."""
        await self.run(lambda client: _append(client, raw, at or datetime.now(UTC)))

    async def seen(self) -> list[int]:
        """The UIDs that are marked as seen."""
        return await self.run(lambda client: _search(client, "SEEN"))

    async def expunge(self) -> None:
        """Remove every mail."""
        await self.run(_expunge)

    async def reset_uidvalidity(self) -> None:
        """Give every mail another number, as a server does that was restored from a copy (RFC 3501, 2.3.1.1)."""
        if self.kind == "dovecot":
            # Its validities are seconds.
            await asyncio.sleep(1.1)
        await self.run(_renumber)

    def kill_connections(self) -> None:
        """Cut every connection of the program's."""
        self.proxy.kill_connections()

    async def stop(self) -> None:
        """Be gone."""
        await self.proxy.stop()

    async def start(self) -> None:
        """Be back, where it was."""
        await self.proxy.start()

    async def run(self, work: Callable[[imaplib.IMAP4], T]) -> T:
        """Do something as a client of its own, with the folder selected."""

        def done() -> T:
            client = imaplib.IMAP4("127.0.0.1", self.direct, timeout=10)
            try:
                if "STARTTLS" in client.capabilities:
                    client.starttls(ssl._create_unverified_context())  # noqa: S323, SLF001  # the test's own server
                client.login(self.user, PASSWORD)
                client.create(FOLDER)
                client.select(FOLDER)
                return work(client)
            finally:
                client.logout()

        return await asyncio.to_thread(done)


def _append(client: imaplib.IMAP4, raw: bytes, at: datetime) -> None:
    status, said = client.append(FOLDER, "", at, raw)
    if status != "OK":
        raise ValueError(said)


def _search(client: imaplib.IMAP4, criteria: str) -> list[int]:
    _, found = client.uid("SEARCH", criteria)
    return [int(uid) for uid in found[0].split()] if found and found[0] else []


def _expunge(client: imaplib.IMAP4) -> None:
    client.store("1:*", "+FLAGS", r"(\Deleted)")
    client.expunge()


def _renumber(client: imaplib.IMAP4) -> None:
    kept: list[tuple[bytes, datetime]] = []
    for uid in _search(client, "ALL"):
        _, found = client.uid("FETCH", str(uid), "(UID INTERNALDATE BODY.PEEK[])")
        head, raw = next(item for item in found if isinstance(item, tuple))
        dated = _MESSAGE.search(head)
        if dated is None:
            raise ValueError(head)
        kept.append((raw, datetime.strptime(dated[2].decode().strip(), "%d-%b-%Y %H:%M:%S %z")))
    client.close()
    client.delete(FOLDER)
    client.create(FOLDER)
    for raw, at in kept:
        _append(client, raw, at)


@asynccontextmanager
async def dovecot() -> AsyncIterator[ImapServer]:
    """A mailbox of its own on dovecot, which is started once for all tests; skips where it is not installed."""
    server = await asyncio.to_thread(Dovecot.running)
    user = f"user{time.monotonic_ns()}@approvals.test"
    async with Proxy(server.port) as proxy:
        made = ImapServer("dovecot", user, server.port, proxy)
        await made.run(lambda _: None)
        yield made


@asynccontextmanager
async def pymap_server(
    *, tls: ssl.SSLContext | None = None, implicit: bool = False, idle: bool = True
) -> AsyncIterator[ImapServer]:
    """A mailbox on pymap, inside this process. ``tls`` is offered by STARTTLS, or from the first byte."""
    args = Namespace(
        host="127.0.0.1", port=0, debug=False, cert=None, key=None, tls=tls is not None and not implicit,
        proxy_protocol=None, passlib_cfg=None, demo_data=False, demo_user="answers", demo_password=PASSWORD,
    )  # fmt: skip
    quick = BuiltinHash(rounds=1)
    backend, config = await pymap.backend.dict.DictBackend.init(args, hash_context=quick, ssl_context=tls)
    config.apply_context()
    callback = ProxyProtocolReader(config.proxy_protocol).get_callback(IMAPServer(backend.login, config))
    direct = await asyncio.start_server(callback, "127.0.0.1", 0)
    served = await asyncio.start_server(callback, "127.0.0.1", 0, ssl=tls if implicit else None)
    try:
        async with Proxy(served.sockets[0].getsockname()[1]) as proxy:
            if not idle:
                # Its configuration has a switch for this that changes nothing.
                proxy.replaced[b" IDLE"] = b""
            made = ImapServer("pymap", "answers", direct.sockets[0].getsockname()[1], proxy, implicit=implicit)
            await made.run(lambda _: None)
            yield made
    finally:
        direct.close()
        served.close()
