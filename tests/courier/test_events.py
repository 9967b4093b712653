"""What an agent's own webhook is told."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import pytest

from bot.core.model import ExecutionState, Verb
from tests.desk.house import House
from tests.fakes.receiver import Call, End, Receiver, Script, answering, saying


def told(receiver: Receiver) -> list[str]:
    """The types of the events that reached the agent, in order."""
    return [call.json["type"] for call in receiver.calls if call.path == "/events"]


async def test_an_agent_hears_of_what_became_of_its_request(house: House, receiver: Receiver) -> None:
    """Asked, decided, executed: each once, signed, with the request as the API shows it."""
    await house.work()
    request = await house.submit()
    await house.decide(request, verb=Verb.ASK, comment="why?")
    await house.rest()
    after = await house.desk.inform(request.id, agent="billing", text="so")
    await house.decide(after)
    await house.rest()
    await house.rest()
    assert told(receiver) == ["request.needs_info", "request.decided", "request.executed"]
    last = next(call for call in reversed(receiver.calls) if call.path == "/events")
    assert last.json["data"] == {"id": request.id, "state": "approved"}


async def test_an_agent_hears_when_what_it_runs_itself_is_its_own_to_run(house: House, receiver: Receiver) -> None:
    """After an undo window, too: decided, it only waits, and nobody else would tell the agent to begin."""
    await house.work()
    request = await house.decide(await house.submit("deploy.late"))
    await house.rest()
    assert told(receiver) == ["request.decided"]
    await house.later(seconds=30)
    await house.rest()
    assert told(receiver) == ["request.decided", "request.executing"]
    assert (await house.now(request)).execution.state is ExecutionState.EXECUTING  # type: ignore[union-attr]
    await house.decide(await house.submit("deploy.start"))
    await house.rest()
    assert told(receiver)[2:] == ["request.decided"]


async def test_an_agent_hears_of_failure_expiry_and_rules(house: House, receiver: Receiver) -> None:
    """A failed run, a request that nobody decided, one that a rule decided; not of its own withdrawal."""
    await house.work()
    receiver.script = lambda call: answering({}, status="404 Not Found" if call.path == "/refunds" else "200 OK")(call)
    await house.decide(await house.submit())
    await house.rest()
    gone = await house.submit()
    await house.desk.cancel(gone.id, agent="billing", reason="mine")
    await house.rest()
    assert sorted(told(receiver)) == ["request.decided", "request.failed"]
    await house.submit(arguments={"order": "1", "amount": 200_000})
    await house.submit()
    await house.later(hours=25)
    assert sorted(told(receiver)[2:]) == ["request.decided", "request.expired"]


@pytest.mark.parametrize("answer", [saying(End.RESET), answering({}, status="404 Not Found")])
async def test_an_event_is_repeated_under_its_own_id(house: House, receiver: Receiver, answer: Script) -> None:
    """What is lost or refused is tried again with the same id, so that the receiver can tell, and then forgotten.

    It says when it happened, and not when it was sent (Standard Webhooks 1.0).
    """
    heard: list[str] = []

    def script(call: Call) -> Iterable[bytes | float | End]:
        heard.append(call.json["timestamp"])
        return (answer if len(heard) == 1 else answering({}))(call)

    receiver.script = script
    await house.work()
    decided = house.clock.now()
    await house.decide(await house.submit(), verb=Verb.REJECT)
    await house.rest()
    assert len(house.sql("select id from effects")) == 1
    assert house.courier is not None
    house.clock.move(seconds=0.5)
    assert house.courier.failing == 0.5
    await house.later(seconds=1)
    assert house.sql("select id from effects") == []
    assert house.courier.failing == 0
    assert told(receiver) == ["request.decided"]
    assert "seen before" in receiver.refused
    assert [datetime.fromisoformat(at) for at in heard] == [decided, decided]


async def test_an_agent_that_refuses_events_is_left_alone_in_the_end(
    house: House, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """What is refused for some hour is given up aloud."""
    receiver.script = answering({}, status="410 Gone")
    await house.work()
    await house.decide(await house.submit(), verb=Verb.REJECT)
    await house.rest()
    for _ in range(19):
        await house.later(minutes=5)
    assert house.sql("select id from effects") == []
    assert "given up" in caplog.text


async def test_an_address_that_was_taken_out(house: House, receiver: Receiver) -> None:
    """The configuration no longer names a webhook: what was owed to it is forgotten."""
    await house.decide(await house.submit(), verb=Verb.REJECT)
    house.rule(lambda text: text.replace("{owner: dan, webhook: RECEIVER/events}", "{owner: dan}"))
    await house.work()
    await house.rest()
    assert (told(receiver), house.sql("select id from effects")) == ([], [])
    await house.decide(await house.submit(), verb=Verb.REJECT)
    assert house.sql("select id from effects where kind = 'webhook'") == []
