"""The moment before the first byte: what may still be taken back, and TLS."""

from __future__ import annotations

import asyncio
import shutil
import ssl
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_writer import StreamWriter

from bot.core.ports import Outcome, OutcomeKind
from bot.replay.signing import Signer
from bot.replay.webhook import Body, StaleConnection, WebhookClient
from tests.fakes.receiver import Receiver
from tests.replay.orders import AT, SECRET


async def test_p06_a_connection_that_closed_before_the_first_byte_is_stale_not_unknown() -> None:
    """Between taking a pooled connection and writing to it, it may close: then nothing left, and that is known."""
    loop = asyncio.get_running_loop()
    async with Receiver() as receiver:
        transport, protocol = await loop.create_connection(lambda: BaseProtocol(loop), "127.0.0.1", receiver.port)
        body, writer = Body(b"{}"), StreamWriter(protocol, loop)
        body.started = True
        transport.abort()
        with pytest.raises(StaleConnection):
            await body.write_with_length(writer, 2)
    assert (body.started, body.stale) == (False, True)


async def test_p06_once_the_headers_have_left_a_closed_connection_is_unknown() -> None:
    """A byte that was written is never taken back."""
    loop = asyncio.get_running_loop()
    async with Receiver() as receiver:
        transport, protocol = await loop.create_connection(lambda: BaseProtocol(loop), "127.0.0.1", receiver.port)
        body, writer = Body(b"{}"), StreamWriter(protocol, loop)
        body.started = True
        await writer.write(b"POST / HTTP/1.1\r\n")
        transport.abort()
        with pytest.raises(ConnectionError):
            await body.write_with_length(writer, 2)
    assert (body.started, body.stale) == (True, False)


@pytest.fixture
async def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for localhost that nobody signed but itself, and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    process = await asyncio.create_subprocess_exec(
        "openssl", *command, "-keyout", str(key), "-out", str(certificate), stderr=asyncio.subprocess.DEVNULL
    )
    assert await process.wait() == 0
    return certificate, key


async def _call(url: str, trusted: ssl.SSLContext | None) -> Outcome:
    client = WebhookClient(signer=Signer((SECRET,)), listed=lambda: ("127.0.0.0/8",), tls=trusted)
    outcome = await client.post(url, message_id="exe_1", kind="x", at=AT, data={}, within=timedelta(seconds=5))
    await client.close()
    return outcome


async def test_p06_only_a_certificate_that_is_trusted_gets_a_byte(certificate: tuple[Path, Path]) -> None:
    """An untrusted certificate, or one for another name, ends before the first byte; a trusted one is served."""
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(*certificate)
    trusted = ssl.create_default_context(cafile=certificate[0])
    async with Receiver(tls=served) as receiver:
        named = receiver.url.replace("127.0.0.1", "localhost")
        untrusted = await _call(named, None)
        misnamed = await _call(receiver.url, trusted)
        assert not receiver.calls
        well = await _call(named, trusted)
    assert [untrusted.kind, misnamed.kind, well.kind] == [
        OutcomeKind.NOT_STARTED,
        OutcomeKind.NOT_STARTED,
        OutcomeKind.EXECUTED,
    ]
    assert "CERTIFICATE_VERIFY_FAILED" in (untrusted.error or "")
    assert receiver.effects == {"exe_1": 1}
