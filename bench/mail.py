"""``python -m bench.mail``: letters out and answers in, through the whole program.

The bot runs alone on one core; an agent, an SMTP server that keeps what it is given, and the people who answer share
another. Letters: from the first submission until the last letter was taken. Answers: one mail a request is handed to
the bot's LMTP listener, each proved by its Authentication-Results, until the last decision is on record; each is
answered by a letter too. The last rows are the reading and proving alone, in this process.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import sqlite3
import subprocess
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Self

import dkim
import msgspec

from bench.house import House, free_port
from bench.report import Table, print_measured
from bench.wire import Line, connect, post
from channels.email.addresses import ReplyAddress
from channels.email.inbound.judge import judged
from channels.email.inbound.read import read
from channels.email.inbound.text import new_text
from channels.email.inbound.trust import by_keys, by_results
from channels.email.inbound.values import Incoming

_LETTERS = 1_000
_AT_A_TIME = 32
_DELIVERING = 8
_REPLY_TO = "approvals+{token}@sayso.example"
_AUTHSERV_ID = "mx.sayso.example"
_WITHIN = 120.0
_BODY_END = b"\r\n.\r\n"


class Sink(asyncio.Protocol):
    """An SMTP server in its leanest form: takes everything, keeps the content, says what the protocol asks for."""

    letters: list[bytes]
    connections = 0

    def __init__(self) -> None:
        self._data = bytearray()
        self._content = False
        self._transport: asyncio.Transport | None = None

    @classmethod
    def keeping(cls, letters: list[bytes]) -> type[Self]:
        """A kind of its own, that keeps what it is given in ``letters``."""
        return type("Sink", (cls,), {"letters": letters})

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        type(self).connections += 1
        self._transport = transport  # type: ignore[assignment]  # uvloop's own does not inherit from it
        self._say(b"220 sink")

    def _say(self, line: bytes) -> None:
        if self._transport is not None:
            self._transport.write(line + b"\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer every whole line, and every whole letter."""
        self._data += data
        while True:
            end = self._data.find(_BODY_END if self._content else b"\r\n")
            if end < 0:
                return
            taken = bytes(self._data[:end])
            del self._data[: end + (len(_BODY_END) if self._content else 2)]
            if self._content:
                self._content = False
                self.letters.append(taken)
                self._say(b"250 taken")
            else:
                self._command(taken)

    def _command(self, line: bytes) -> None:
        verb = line[:4].upper()
        if verb == b"EHLO":
            self._say(b"250-sink\r\n250-8BITMIME\r\n250 SIZE 1000000")
        elif verb == b"DATA":
            self._content = True
            self._say(b"354 go on")
        else:
            self._say(b"250 ok")


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(_WITHIN):
        while not holds():  # noqa: ASYNC110  # another process does it
            await asyncio.sleep(0.005)


async def _submit(house: House, count: int) -> None:
    """Submit ``count`` requests, several at a time."""
    numbers = iter(range(count))

    async def several() -> None:
        line: Line = await connect("127.0.0.1", house.port)
        for number in numbers:
            asked = {"order": str(number), "amount": 240.0, "currency": "USD"}
            document = {"action": "refund.issue", "arguments": asked, "reason": "charged twice", "confidence": 0.7}
            status, body = await line.call(post("/v1/requests", house.agent, msgspec.json.encode(document)))
            if status != 201:  # noqa: PLR2004  # Created
                raise RuntimeError(body.decode())
        line.close()

    await asyncio.gather(*(several() for _ in range(_AT_A_TIME)))


def _answer(letter: bytes) -> tuple[str, bytes]:
    """The recipient's approval of a letter, as our own mail server hands it over; and the address it goes to."""
    asked = message_from_bytes(letter.replace(b"\r\n..", b"\r\n."))
    to = str(asked["Reply-To"])
    written = EmailMessage(policy=SMTP)
    written["Authentication-Results"] = f"{_AUTHSERV_ID}; dkim=pass header.d=example.com; dmarc=pass"
    written["From"] = "Ana Silva <ana@example.com>"
    written["To"] = to
    written["Subject"] = f"Re: {asked['Subject']}"
    written["Message-ID"] = f"<{abs(hash(to))}@example.com>"
    quoted = re.sub("^", "> ", asked.get_payload(0).get_payload(decode=True).decode(), flags=re.MULTILINE)  # type: ignore[union-attr]
    written.set_content(f"approve\n\nOn Thu, 20 Nov 2026 at 15:14, Sayso <sayso@sayso.example> wrote:\n\n{quoted}\n")
    return to, bytes(written)


async def _deliver(port: int, answers: list[tuple[str, bytes]]) -> None:
    """Hand the answers in, over a few connections at once."""
    waiting = iter(answers)

    async def several() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)

        async def said(line: bytes) -> None:
            if line:
                writer.write(line + b"\r\n")
            while (await reader.readline())[3:4] == b"-":
                pass

        await said(b"")
        await said(b"LHLO bench")
        for to, raw in waiting:
            await said(b"MAIL FROM:<ana@example.com>")
            await said(b"RCPT TO:<" + to.encode() + b">")
            await said(b"DATA")
            await said(raw.replace(b"\r\n.", b"\r\n..") + b"\r\n.")
        writer.close()

    await asyncio.gather(*(several() for _ in range(_DELIVERING)))


def _decided(database: Path) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as driver:
        return int(driver.execute("SELECT count(*) FROM decisions").fetchone()[0])


def _alone(answers: list[tuple[str, bytes]]) -> float:
    """Answers read and judged a second, without the program around it."""
    address = ReplyAddress(_REPLY_TO)
    began = time.perf_counter()
    for to, raw in answers:
        mail = read(Incoming(raw=raw, recipients=(to,), sender="ana@example.com"), address)
        refused = judged(mail, "ana@example.com", by_results(mail, _AUTHSERV_ID))
        if refused is not None or not new_text(mail, ("sayso@sayso.example",)).startswith("approve"):
            raise RuntimeError(f"an honest answer was refused: {refused}")
    return len(answers) / (time.perf_counter() - began)


def _key_pair(folder: Path) -> tuple[bytes, bytes] | None:
    """A new RSA key and its DNS record; None where there is no openssl to make it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    private = folder / "dkim.pem"
    subprocess.run([openssl, "genrsa", "-out", str(private), "2048"], check=True, capture_output=True)  # noqa: S603  # our own words
    made = subprocess.run(  # noqa: S603  # our own words
        [openssl, "rsa", "-in", str(private), "-pubout", "-outform", "DER"], check=True, capture_output=True
    )
    return private.read_bytes(), b"v=DKIM1; k=rsa; p=" + b64encode(made.stdout)


def _alone_by_keys(answers: list[tuple[str, bytes]], private: bytes, record: bytes) -> float:
    """Answers read and proved by their own signatures a second; the key is at hand, as after the first question."""
    some = answers[:200]
    signed = [(to, dkim.sign(raw, b"s1", b"example.com", private) + raw) for to, raw in some]
    address = ReplyAddress(_REPLY_TO)
    began = time.perf_counter()
    for to, raw in signed:
        mail = read(Incoming(raw=raw, recipients=(to,)), address)
        if judged(mail, "ana@example.com", by_keys(mail, lambda _: record)) is not None:
            raise RuntimeError("an honest answer was refused")
    return len(signed) / (time.perf_counter() - began)


def join_mail(house: House, smtp: int, lmtp: int | None = None) -> None:
    """Put mail into the house's environment: the SMTP server's port, and that of the listener it is to have."""
    house.env |= {
        "SMTP_URL": f"smtp://127.0.0.1:{smtp}",
        "EMAIL_FROM": "Sayso <sayso@sayso.example>",
        "EMAIL_REPLY_TO": _REPLY_TO,
        "EMAIL_LISTEN": f"lmtp://127.0.0.1:{lmtp or free_port()}",
        "EMAIL_AUTHSERV_ID": _AUTHSERV_ID,
    }


async def _round(table: Table, folder: Path, *, letters: int, core: int | None) -> None:
    sink = Sink.keeping([])
    server = await asyncio.get_running_loop().create_server(sink, "127.0.0.1", 0)
    port = free_port()
    house = House(folder / "bot", free_port(), core=core)
    join_mail(house, server.sockets[0].getsockname()[1], port)
    rules = (house.folder / "routing.yaml").read_text(encoding="utf-8")
    rules = rules.replace("risk: irreversible", "risk: reversible").replace("notify: [finance]", "notify: [ana]")
    # A thousand letters to one person are a flood, which is not what is measured here.
    rules += "flood: {cards: 1000, per: 1s, digest: 1s}\n"
    (house.folder / "routing.yaml").write_text(re.sub("    execute: .*\n", "", rules), encoding="utf-8")
    await house.make_keys()
    async with await house.up() as process:
        await process.first(b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n", 200)
        before, began = process.cpu(), time.perf_counter()
        await _submit(house, letters)
        await _until(lambda: len(sink.letters) >= letters)
        took = time.perf_counter() - began
        table.add(f"{letters:,} requests submitted and mailed", took, unit="s", digits=1, aim="< 10")
        table.add("  letters", letters / took, unit="a second")
        table.add("  the bot's CPU for each letter", (process.cpu() - before) / letters * 1000, unit="ms", digits=2)
        table.add("  connections to the server", sink.connections, unit="")
        answers = [_answer(letter) for letter in sink.letters[:letters]]
        before, began = process.cpu(), time.perf_counter()
        await _deliver(port, answers)
        await _until(lambda: _decided(house.database) >= letters)
        took = time.perf_counter() - began
        table.add("answers taken in, proved, decided, filed and answered", letters / took, unit="a second")
        table.add("  the bot's CPU for each answer", (process.cpu() - before) / letters * 1000, unit="ms", digits=2)
    table.add("answers read and proved by our server's word, alone", _alone(answers), unit="a second", aim=">= 200")
    signing = _key_pair(folder)
    if signing is not None:
        rate = _alone_by_keys(answers, *signing)
        table.add("answers read and proved by their own DKIM (RSA 2048), alone", rate, unit="a second", aim=">= 200")
    server.close()


async def measure(folder: Path, *, rounds: int, letters: int, core: int | None) -> Table:
    """All rounds."""
    table = Table()
    for number in range(rounds):
        await _round(table, folder / str(number), letters=letters, core=core)
    return table


def main() -> None:
    """Read the arguments, pin the load, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.mail", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is done")
    parser.add_argument("--letters", type=int, default=_LETTERS, help="letters a round")
    args = parser.parse_args()
    print_measured(lambda folder, core: measure(folder, rounds=args.rounds, letters=args.letters, core=core))


if __name__ == "__main__":
    main()
