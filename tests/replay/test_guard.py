"""The guard on addresses: no connection is ever tried to what is not permitted (threat T21)."""

from __future__ import annotations

import ipaddress
import json
import socket
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from bot.core.addresses import permitted
from bot.core.policy import Execute
from bot.core.ports import Outcome, OutcomeKind
from bot.replay import TargetReplayer, open_replayer
from bot.replay.guard import Guard, TargetRefused
from bot.replay.signing import Signer
from bot.replay.webhook import WebhookClient
from tests.fakes.receiver import Receiver, answering, message, saying
from tests.replay.orders import AT, SECRET, order_for

DATA: dict[str, Any] = json.loads((Path(__file__).parent / "data" / "addresses.json").read_text(encoding="utf-8"))
SOON = timedelta(seconds=2)


class Answers(AbstractResolver):
    """A name server that gives the next of its answers each time it is asked."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.asked = 0
        self._answers = answers

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The next answer; the last one from then on."""
        del family
        addresses = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing to release."""


async def _run(url: str, *, listed: tuple[str, ...], resolver: AbstractResolver | None = None) -> Outcome:
    client = WebhookClient(signer=Signer((SECRET,)), listed=lambda: listed, resolver=resolver)
    outcome = await client.post(url, message_id="exe_1", kind="action.execute", at=AT, data={}, within=SOON)
    await client.close()
    return outcome


@pytest.mark.parametrize("address", DATA["refused"])
@pytest.mark.parametrize("plain", [True, False])
def test_t21_addresses_that_are_not_global_are_refused(address: str, *, plain: bool) -> None:
    """No special-purpose address passes unlisted, in whatever form it is written or wrapped."""
    assert not permitted(address, (), plain=plain)


@pytest.mark.parametrize("address", DATA["allowed"])
def test_t21_global_addresses_are_reached_over_tls_only(address: str) -> None:
    """A global address may be reached over TLS; plain http only where it is listed."""
    assert permitted(address, (), plain=False)
    assert not permitted(address, (), plain=True)
    assert permitted(address, ("0.0.0.0/0", "::/0"), plain=True)


def test_t21_a_list_covers_the_mapped_form_and_nothing_beside_it() -> None:
    """Listing 127.0.0.0/8 opens ::ffff:127.0.0.1, which is the same host, and nothing else."""
    listed = ("127.0.0.0/8",)
    assert permitted("127.0.0.1", listed, plain=True)
    assert permitted("::ffff:127.0.0.1", listed, plain=True)
    assert not any(
        permitted(other, listed, plain=True) for other in ("128.0.0.1", "::1", "64:ff9b::7f00:1", "10.0.0.1")
    )


@given(st.ip_addresses(v=4))
def test_t21_wrapping_an_address_never_opens_it(address: ipaddress.IPv4Address) -> None:
    """Any IPv4 address that is refused is refused in its IPv6 wrappings too."""
    number = int(address)
    wrapped = [
        f"::ffff:{address}",
        f"64:ff9b::{address}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1",
        f"::{address}",
    ]
    if not permitted(str(address), (), plain=False):
        assert not any(permitted(form, (), plain=False) for form in wrapped)


@pytest.mark.parametrize("address", ["169.254.169.254", "127.0.0.1", "10.0.0.1", "224.0.0.1"])
def test_t21_no_socket_is_made_for_a_refused_address(address: str) -> None:
    """The last look stands where the socket is made: what was cached as allowed is refused there too."""
    guard = Guard(tuple, plain=False)
    with pytest.raises(TargetRefused, match="allow_private"):
        guard.open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", (address, 443)))


@pytest.mark.parametrize("form", DATA["odd_hosts"])
async def test_t21_this_machine_is_out_of_reach_in_every_spelling(form: str, connects: list[Any]) -> None:
    """Decimal, hex, octal, mapped, full-width: refused for good, before any connection is tried."""
    async with Receiver(host="127.0.0.1") as receiver:
        outcome = await _run(form.format(port=receiver.port), listed=())
    assert outcome.kind in (OutcomeKind.FAILED, OutcomeKind.NOT_STARTED), outcome
    assert "Refused" not in (outcome.error or "")
    assert receiver.connections == 0
    assert connects == []


@pytest.mark.parametrize("url", DATA["no_target"])
async def test_t21_only_http_and_https_addresses_are_targets(url: str, connects: list[Any]) -> None:
    """Other schemes, and what is no address at all, are refused for good."""
    outcome = await _run(url, listed=("0.0.0.0/0", "::/0"))
    assert outcome.kind is OutcomeKind.FAILED
    assert (outcome.error or "").startswith("target_refused")
    assert connects == []


async def test_t21_a_refusal_says_what_to_do(connects: list[Any]) -> None:
    """A refused target is permanent, and names the address and the setting."""
    outcome = await _run("https://169.254.169.254/latest/meta-data", listed=())
    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.error == (
        "target_refused: 169.254.169.254: replays go only to global addresses and to those "
        "listed under network: allow_private in routing.yaml"
    )
    assert connects == []


async def test_t21_a_name_that_changes_its_address_reaches_nothing(connects: list[Any]) -> None:
    """Rebinding: each connection goes to the one answer that was checked; the changed answer is refused."""
    resolver = Answers(("127.0.0.1",), ("127.0.0.2",), ("169.254.169.254",))
    async with Receiver(host="127.0.0.1") as good, Receiver(host="127.0.0.2", port=good.port) as bad:
        url = f"http://rebind.test:{good.port}/"
        outcomes = [await _run(url, listed=("127.0.0.1/32",), resolver=resolver) for _ in range(3)]
    assert [outcome.kind for outcome in outcomes] == [OutcomeKind.EXECUTED, OutcomeKind.FAILED, OutcomeKind.FAILED]
    assert "rebind.test is 127.0.0.2" in (outcomes[1].error or "")
    assert "rebind.test is 169.254.169.254" in (outcomes[2].error or "")
    assert resolver.asked == 3
    assert (good.connections, bad.connections) == (1, 0)
    assert connects == [("127.0.0.1", good.port)]


async def test_t21_of_several_answers_only_the_permitted_are_tried(connects: list[Any]) -> None:
    """A private answer smuggled in among others is dropped, also where the others fail."""
    resolver = Answers(("127.0.0.2", "127.0.0.1", "::ffff:169.254.169.254", "10.0.0.1"))
    async with Receiver(host="127.0.0.2") as bad:
        outcome = await _run(f"http://several.test:{bad.port}/", listed=("127.0.0.1/32",), resolver=resolver)
    assert outcome.kind is OutcomeKind.NOT_STARTED
    assert bad.connections == 0
    assert connects == [("127.0.0.1", bad.port)]


async def test_t21_plain_http_to_an_unlisted_name_is_refused(connects: list[Any]) -> None:
    """Without TLS even a global address is not connected to."""
    outcome = await _run("http://plain.test/", listed=(), resolver=Answers(("93.184.216.34",)))
    assert outcome.kind is OutcomeKind.FAILED
    assert "plain http goes only to addresses listed" in (outcome.error or "")
    assert connects == []


async def test_t21_a_shorter_list_holds_for_new_connections_at_once() -> None:
    """A reloaded file that no longer lists an address closes it, though its name was resolved before."""
    listed: list[tuple[str, ...]] = [("127.0.0.0/8",)]
    client = WebhookClient(signer=Signer((SECRET,)), listed=lambda: listed[0], resolver=Answers(("127.0.0.1",)))
    async with Receiver(answering({}, headers="Connection: close\r\n")) as receiver:
        url = f"http://known.test:{receiver.port}/"
        first = await client.post(url, message_id="exe_1", kind="x", at=AT, data={}, within=SOON)
        listed[0] = ()
        second = await client.post(url, message_id="exe_2", kind="x", at=AT, data={}, within=SOON)
    await client.close()
    assert (first.kind, second.kind) == (OutcomeKind.EXECUTED, OutcomeKind.FAILED)
    assert receiver.connections == 1


@pytest.mark.parametrize("where", ["http://127.0.0.1:{port}/elsewhere", "/elsewhere", "https://169.254.169.254/"])
async def test_t21_redirects_are_not_followed(where: str, replayer: TargetReplayer, connects: list[Any]) -> None:
    """A redirect fails and says where it pointed; nobody goes there."""
    async with Receiver() as elsewhere:
        to = where.format(port=elsewhere.port)
        script = saying(message(b"", status="307 Temporary Redirect", headers=f"Location: {to}\r\n"))
        async with Receiver(script) as receiver:
            outcome = await replayer.run(order_for(Execute(webhook=receiver.url)))
    assert outcome.kind is OutcomeKind.FAILED
    assert (outcome.error or "").startswith(f"redirected: the target answered 307 to {to}")
    assert connects == [("127.0.0.1", receiver.port)]
    assert elsewhere.connections == 0


async def test_t21_no_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would see the request and connect for us, past the guard."""
    async with Receiver() as proxy, Receiver() as receiver:
        for name in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv(name.upper(), f"http://127.0.0.1:{proxy.port}")
        replayer = open_replayer(secrets=(SECRET,), allow_private=lambda: ("127.0.0.0/8",))
        outcome = await replayer.run(order_for(Execute(webhook=receiver.url)))
        await replayer.close()
    assert outcome.kind is OutcomeKind.EXECUTED
    assert proxy.connections == 0


async def test_t21_cookies_are_never_kept(replayer: TargetReplayer) -> None:
    """What one answer sets, no later request carries."""
    async with Receiver(answering({}, headers="Set-Cookie: a=b; Path=/\r\n")) as receiver:
        for number in range(2):
            await replayer.run(order_for(Execute(webhook=receiver.url), execution=f"exe_{number}"))
    assert all("cookie" not in call.headers for call in receiver.calls)
