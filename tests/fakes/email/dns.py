"""A name server on this machine that knows TXT records, for the keys of DKIM."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Self

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

_PART = 255


class DnsZone:
    """Use as ``async with DnsZone() as zone``, then ``zone.address`` (``host:port``) and ``zone.txt[name] = value``.

    ``broken`` answers SERVFAIL, ``silent`` nothing at all. ``asked`` are the names that came, in lower case.
    """

    def __init__(self) -> None:
        self.txt: dict[str, str] = {}
        self.broken = False
        self.silent = False
        self.asked: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Server(self), ("127.0.0.1", 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, fault, trace
        if self._transport is not None:
            self._transport.close()
            await asyncio.sleep(0)

    @property
    def port(self) -> int:
        """The port, of UDP."""
        if self._transport is None:
            raise RuntimeError("the zone is not served")
        found: int = self._transport.get_extra_info("sockname")[1]
        return found

    @property
    def address(self) -> str:
        """Where it is, as ``EmailSettings.dns`` takes it."""
        return f"127.0.0.1:{self.port}"

    def publish(self, domain: str, selector: str, record: str) -> None:
        """Publish a DKIM key (RFC 6376, 3.6.2.1)."""
        self.txt[f"{selector}._domainkey.{domain}".lower()] = record

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """The answer to one question."""
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA | dns.flags.RA
        name = query.question[0].name
        asked = name.to_text(omit_final_dot=True).lower()
        self.asked.append(asked)
        if self.broken:
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif asked not in self.txt:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        elif query.question[0].rdtype == dns.rdatatype.TXT:
            value = self.txt[asked]
            parts = " ".join(f'"{value[i : i + _PART]}"' for i in range(0, len(value), _PART))
            reply.answer.append(dns.rrset.from_text(name, 60, dns.rdataclass.IN, dns.rdatatype.TXT, parts))
        return reply


class _Server(asyncio.DatagramProtocol):
    def __init__(self, zone: DnsZone) -> None:
        self._zone = zone
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self._zone.answer(dns.message.from_wire(data))
        if not self._zone.silent:
            self._transport.sendto(reply.to_wire(), addr)
