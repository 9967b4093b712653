"""The fakes are as strict as what they stand for, or tests over them would show nothing."""

from __future__ import annotations

import smtplib
from asyncio import to_thread

import dkim
import dns.exception
import dns.resolver
import pytest

from tests.fakes.email import DkimKey, DnsZone, FakeSmtp, signed

LETTER = b"Date: x\r\nFrom: a@b.test\r\nMessage-ID: <1@b.test>\r\nSubject: Hi\r\n\r\nHello.\r\n"


async def verified(raw: bytes, zone: DnsZone) -> bool:
    """What dkimpy makes of a letter with this zone's keys."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port, resolver.lifetime = ["127.0.0.1"], zone.port, 0.5

    def txt(name: bytes, timeout: int = 5) -> bytes | None:
        del timeout
        try:
            return b"".join(resolver.resolve(name.decode(), "TXT")[0].strings)
        except dns.exception.DNSException:
            return None

    return bool(await to_thread(dkim.verify, raw, dnsfunc=txt))


async def test_a_signature_holds_and_whatever_is_changed_breaks_it() -> None:
    """By a real verifier, with a key from a real name server."""
    async with DnsZone() as zone:
        key, other = DkimKey.new(), DkimKey.new()
        zone.publish("b.test", "s1", key.record)
        raw = signed(LETTER, "b.test", "s1", key)
        assert await verified(raw, zone)
        assert not await verified(raw.replace(b"Hello", b"Hallo"), zone)
        assert not await verified(raw.replace(b"From: a@", b"From: c@"), zone)
        assert not await verified(signed(LETTER, "b.test", "s1", other), zone)
        assert not await verified(signed(LETTER, "b.test", "s2", key), zone)
        zone.broken = True
        assert not await verified(raw, zone)
        zone.broken, zone.silent = False, True
        assert not await verified(raw, zone)
        assert set(zone.asked) == {"s1._domainkey.b.test", "s2._domainkey.b.test"}


BAD = [
    (LETTER.replace(b"Date: x\r\n", b""), b"Date"),
    (LETTER.replace(b"Message-ID", b"X-ID"), b"Message-ID"),
    (b"From: c@d.test\r\n" + LETTER, b"From"),
    (LETTER + "é\r\n".encode(), b"8-bit"),
    (LETTER + b"x" * 999 + b"\r\n", b"long"),
    (LETTER + b"a\nb\r\n", b"bare"),
    (LETTER + b"a\rb\r\n", b"bare"),
]


@pytest.mark.parametrize(("raw", "why"), BAD, ids=lambda value: repr(value[-12:]))
async def test_a_letter_that_a_careful_server_refuses_is_refused(raw: bytes, why: bytes) -> None:
    """By a client that sends exactly these bytes."""
    async with FakeSmtp() as smtp:

        def send() -> tuple[int, bytes]:
            with smtplib.SMTP("127.0.0.1", smtp.port, timeout=5) as client:
                client.ehlo("x.test")
                client.mail("a@b.test")
                client.rcpt("c@d.test")
                client.docmd("DATA")
                client.send(raw + b".\r\n")
                return client.getreply()

        code, words = await to_thread(send)
        assert 500 <= code < 600
        assert why in words
        assert smtp.mails == []
