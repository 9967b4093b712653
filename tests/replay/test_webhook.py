"""Webhooks: what is sent, what an answer means, and that nothing is ever sent twice."""

from __future__ import annotations

import asyncio
import json
import re
import resource
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import time_machine
from standardwebhooks import Webhook, WebhookVerificationError

from bot.core.policy import Execute
from bot.core.ports import OutcomeKind
from bot.replay import TargetReplayer, open_replayer
from tests.fakes.receiver import Call, Cut, End, Receiver, Script, answering, message
from tests.replay.faults import ANSWERS, CUTS
from tests.replay.orders import ARGUMENTS, AT, NEXT_SECRET, SECRET, order_for

SHORT = timedelta(milliseconds=300)


def _hook(receiver: Receiver, timeout: timedelta = SHORT) -> Execute:
    return Execute(webhook=receiver.url, timeout=timeout)


async def test_the_body_and_headers_are_the_contracts(replayer: TargetReplayer) -> None:
    """The target gets the contract's JSON, its key twice, and nothing of ours besides."""
    async with Receiver(answering({"refund": "rf_7"})) as receiver:
        order = order_for(_hook(receiver))
        outcome = await replayer.run(order)
    (call,) = receiver.calls
    assert outcome.kind is OutcomeKind.EXECUTED
    assert outcome.result == {"refund": "rf_7"}
    assert outcome.error is None
    assert call.json == {
        "type": "action.execute",
        "timestamp": "2026-03-02T09:00:00.123456Z",
        "data": {
            "request": "req_1",
            "execution": "exe_1",
            "revision": 2,
            "digest": order.digest,
            "agent": "billing-assistant",
            "action": "refund.issue",
            "arguments": ARGUMENTS,
            "approved_by": ["ana", "ben"],
        },
    }
    assert call.headers["idempotency-key"] == call.headers["webhook-id"] == "exe_1"
    assert call.headers["content-type"] == "application/json"
    assert call.headers["user-agent"] == "sayso"
    assert call.headers["accept-encoding"] == "identity"
    assert "cookie" not in call.headers
    assert "authorization" not in call.headers


def test_every_word_that_an_error_begins_with_is_in_the_guide() -> None:
    """A program may switch on it: whatever ends an execution, here or at the desk, says one of the table's words."""
    house = Path(__file__).parents[2]
    places = [*(house / "bot/replay").glob("*.py"), house / "bot/courier/replays.py"]
    places += [house / "bot/desk" / name for name in ("runs.py", "attempts.py")]
    begun = re.compile(r'failed\(\s*"([a-z_]+)"|"([a-z]+(?:_[a-z]+)+): ')
    words = {a or b for place in places for a, b in begun.findall(place.read_text())}
    guide = (house / "docs/replay.md").read_text()
    assert {"timed_out", "not_reported", "bot_stopped"} <= words
    assert [word for word in sorted(words) if f"`{word}`" not in guide] == []
    plain = re.compile(r"""Outcome\(kind=[^)]*?error="(?![a-z_]+: )|error = "(?![a-z_]+: )""")
    assert [place.name for place in places if plain.search(place.read_text())] == []


async def test_an_agents_event_is_signed_the_same_way(replayer: TargetReplayer) -> None:
    """`post_event` sends type, timestamp and data under the id it was given, signed."""
    async with Receiver(secret=SECRET) as receiver:
        outcome = await replayer.post_event(
            receiver.url, event_id="evt_9", event_type="request.decided", at=AT, data={"id": "req_1"}, within=SHORT
        )
    (call,) = receiver.calls
    assert outcome.kind is OutcomeKind.EXECUTED
    assert call.id == "evt_9"
    assert call.json == {"type": "request.decided", "timestamp": "2026-03-02T09:00:00.123456Z", "data": {"id": "req_1"}}


@pytest.mark.parametrize("known", [SECRET, NEXT_SECRET])
async def test_t25_a_receiver_that_knows_either_secret_accepts_while_they_rotate(known: str) -> None:
    """Both secrets sign, so receivers can change theirs one after the other."""
    replayer = open_replayer(secrets=(NEXT_SECRET, SECRET), allow_private=lambda: ("127.0.0.0/8",))
    async with Receiver(secret=known) as receiver:
        outcome = await replayer.run(order_for(_hook(receiver)))
    await replayer.close()
    assert outcome.kind is OutcomeKind.EXECUTED
    assert receiver.calls[0].headers["webhook-signature"].count("v1,") == 2


async def test_t25_a_receiver_with_another_secret_refuses(replayer: TargetReplayer) -> None:
    """A signature by a secret that the receiver does not know is a 401, and nothing happens there."""
    async with Receiver(secret=NEXT_SECRET) as receiver:
        outcome = await replayer.run(order_for(_hook(receiver)))
    assert outcome.kind is OutcomeKind.FAILED
    assert "401" in (outcome.error or "")
    assert not receiver.effects


async def test_t25_altered_late_or_repeated_webhooks_are_rejected(replayer: TargetReplayer) -> None:
    """What we sent, changed by one byte, sent six minutes later, or sent again, has no effect at the receiver."""
    async with Receiver() as first:
        await replayer.run(order_for(_hook(first)))
    (sent,) = first.calls
    headers = {name: value for name, value in sent.headers.items() if name.startswith("webhook-")}
    async with Receiver(secret=SECRET) as receiver, aiohttp.ClientSession() as session:
        for body in (sent.body, sent.body.replace(b"240.0", b"940.0"), sent.body):
            async with session.post(receiver.url, data=body, headers=headers):
                pass
    with (
        time_machine.travel(datetime.now().astimezone() + timedelta(minutes=6)),
        pytest.raises(WebhookVerificationError, match="too old"),
    ):
        Webhook(SECRET).verify(sent.body, sent.headers)
    assert receiver.refused == ["No matching signature found", "seen before"]
    assert receiver.effects == {"exe_1": 1}


@pytest.mark.parametrize("name", ANSWERS)
async def test_p05_p06_every_answer_has_one_truthful_outcome_and_one_effect(
    name: str, replayer: TargetReplayer
) -> None:
    """Whatever a target does with a whole request: it was sent once, and the outcome says what is known of it."""
    script, kind, said = ANSWERS[name]
    async with Receiver(script) as receiver:
        outcome = await replayer.run(order_for(_hook(receiver)))
        await asyncio.sleep(0.02)
    assert outcome.kind is kind, outcome
    assert said in (outcome.error or "")
    assert bool(outcome.error) == bool(said)
    assert receiver.effects == {"exe_1": 1}
    assert receiver.connections == 1


@pytest.mark.parametrize("name", CUTS)
async def test_p06_a_connection_cut_before_the_request_was_read_is_unknown(name: str, replayer: TargetReplayer) -> None:
    """Once bytes may have left, only an answer can say that nothing happened."""
    async with Receiver(cut=CUTS[name]) as receiver:
        outcome = await replayer.run(order_for(_hook(receiver)))
        await asyncio.sleep(0.02)
    assert outcome.kind is OutcomeKind.UNKNOWN
    assert receiver.connections == 1


async def test_p06_a_refused_connection_never_started(replayer: TargetReplayer) -> None:
    """Nobody listens: nothing can have happened, so it may be tried again."""
    async with Receiver() as receiver:
        how = _hook(receiver)
    outcome = await replayer.run(order_for(how))
    assert outcome.kind is OutcomeKind.NOT_STARTED
    assert "not_connected: ConnectionRefusedError" in (outcome.error or "")


async def test_p06_a_name_that_does_not_resolve_never_started(replayer: TargetReplayer) -> None:
    """A name server's no is not the target's: it may be tried again."""
    outcome = await replayer.run(order_for(Execute(webhook="https://nowhere.invalid/x", timeout=timedelta(seconds=5))))
    assert outcome.kind is OutcomeKind.NOT_STARTED


@pytest.mark.parametrize("end", End)
async def test_p06_a_tls_handshake_that_fails_never_started(end: End, replayer: TargetReplayer) -> None:
    """Closed, reset or stalled during the handshake: not one byte of the webhook has left."""
    async with Receiver(cut=(Cut.BEFORE_REQUEST, end)) as receiver:
        how = Execute(webhook=receiver.url.replace("http:", "https:"), timeout=SHORT)
        outcome = await replayer.run(order_for(how))
    assert outcome.kind is OutcomeKind.NOT_STARTED, outcome
    assert not receiver.calls


async def test_p06_waiting_for_a_free_connection_never_started() -> None:
    """Where every connection to a host is taken until the deadline, the order has not begun."""
    replayer = open_replayer(secrets=(SECRET,), allow_private=lambda: ("127.0.0.0/8",))
    async with Receiver(lambda _: (End.STALL,)) as receiver:
        long, short = _hook(receiver, timedelta(seconds=2)), _hook(receiver, timedelta(milliseconds=100))
        taking = [asyncio.create_task(replayer.run(order_for(long, execution=f"exe_{i}"))) for i in range(128)]
        await receiver.called(128)
        outcome = await replayer.run(order_for(short, execution="exe_late"))
        for task in taking:
            task.cancel()
        await asyncio.gather(*taking, return_exceptions=True)
    await replayer.close()
    assert outcome.kind is OutcomeKind.NOT_STARTED
    assert "exe_late" not in receiver.effects


def _first_well_then(ending: tuple[bytes | float | End, ...]) -> Script:
    seen: list[Call] = []

    def script(call: Call) -> Iterable[bytes | float | End]:
        seen.append(call)
        return (message(b"{}"),) if len(seen) == 1 else ending

    return script


@pytest.mark.parametrize("end", [End.CLOSE, End.RESET])
async def test_p05_a_kept_connection_that_ends_is_unknown_and_never_sent_again(
    end: End, replayer: TargetReplayer
) -> None:
    """On a reused connection the client library must not retry by itself: the second order reaches the target once."""
    async with Receiver(_first_well_then((end,))) as receiver:
        first = await replayer.run(order_for(_hook(receiver), execution="exe_1"))
        second = await replayer.run(order_for(_hook(receiver), execution="exe_2"))
        await asyncio.sleep(0.1)
    assert (first.kind, second.kind) == (OutcomeKind.EXECUTED, OutcomeKind.UNKNOWN)
    assert [call.connection for call in receiver.calls] == [1, 1]
    assert receiver.effects == {"exe_1": 1, "exe_2": 1}


async def test_p05_a_connection_closed_while_idle_is_replaced(replayer: TargetReplayer) -> None:
    """A target that closed an idle connection costs a new connection, not an unknown outcome."""
    async with Receiver(lambda _: (message(b"{}"), End.CLOSE)) as receiver:
        for number in range(3):
            outcome = await replayer.run(order_for(_hook(receiver), execution=f"exe_{number}"))
            await asyncio.sleep(0.02)
            assert outcome.kind is OutcomeKind.EXECUTED
    assert receiver.connections == 3


async def test_p06_an_answer_that_nobody_asked_for_settles_nothing(replayer: TargetReplayer) -> None:
    """A second answer, sent on an idle connection, must not be taken for the answer to the next order."""
    spare = message(b'{"forged": true}')
    async with Receiver(lambda _: (message(b"{}"), 0.05, spare)) as receiver:
        await replayer.run(order_for(_hook(receiver), execution="exe_1"))
        await asyncio.sleep(0.15)
        receiver.script = answering({"true": True})
        outcome = await replayer.run(order_for(_hook(receiver), execution="exe_2"))
    assert outcome.result == {"true": True}
    assert [call.connection for call in receiver.calls] == [1, 2]


@pytest.mark.parametrize("name", ["200 with two gigabytes", "200 with chunks without end", "200 with a gzip bomb"])
async def test_t21_a_huge_answer_is_left_with_its_sender(name: str, replayer: TargetReplayer) -> None:
    """Memory stays flat, and the rest of the answer is never read."""
    script = ANSWERS[name][0]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with Receiver(script) as receiver:
        await replayer.run(order_for(_hook(receiver, timedelta(seconds=5))))
        await asyncio.sleep(0.1)
        sent = receiver.bytes_sent
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 32 * 1024
    assert sent < 16 << 20


async def test_p05_a_cancelled_order_is_not_sent_again(replayer: TargetReplayer) -> None:
    """Shutting down in mid-flight raises to the caller, who records it; the target was called once."""
    async with Receiver(lambda _: (End.STALL,)) as receiver:
        running = asyncio.create_task(replayer.run(order_for(_hook(receiver, timedelta(seconds=5)))))
        await receiver.called()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert receiver.effects == {"exe_1": 1}


async def test_many_orders_share_connections_and_keep_their_answers(replayer: TargetReplayer) -> None:
    """500 orders, 50 at a time: each gets its own answer, each is sent once, over at most 50 connections."""

    def echo(call: Call) -> Iterable[bytes | float | End]:
        return (message(json.dumps(call.id).encode()),)

    async with Receiver(echo, secret=SECRET) as receiver:
        how = _hook(receiver, timedelta(seconds=10))
        numbers = iter(range(500))

        async def work() -> None:
            for number in numbers:
                outcome = await replayer.run(order_for(how, execution=f"exe_{number}"))
                assert outcome.result == f"exe_{number}"

        await asyncio.gather(*(work() for _ in range(50)))
    assert len(receiver.effects) == 500
    assert set(receiver.effects.values()) == {1}
    assert receiver.connections <= 50
