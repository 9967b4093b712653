"""What is never sent at all: what was not approved, what nobody signs, what runs elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.policy import Execute
from bot.core.ports import OutcomeKind
from bot.replay import TargetReplayer, open_replayer
from tests.fakes.receiver import Receiver
from tests.replay.orders import ARGUMENTS, order_for

SHORT = timedelta(milliseconds=300)


def _hook(receiver: Receiver) -> Execute:
    return Execute(webhook=receiver.url, timeout=SHORT)


@pytest.mark.parametrize("flip", ["arguments", "target", "not canonical"])
async def test_t05_what_differs_from_what_was_approved_is_not_sent(flip: str, replayer: TargetReplayer) -> None:
    """One changed byte in the arguments or the target: `digest_mismatch`, and no connection."""
    async with Receiver() as receiver:
        how = _hook(receiver)
        digest = order_for(how).digest
        altered = {
            "arguments": order_for(how, arguments=ARGUMENTS | {"amount": 240.5}, digest=digest),
            "target": order_for(Execute(webhook=receiver.url + "?to=me"), digest=digest),
            "not canonical": order_for(how, arguments={"amount": float("nan")}, digest=digest),
        }
        outcome = await replayer.run(altered[flip])
    assert outcome.kind is OutcomeKind.FAILED
    assert (outcome.error or "").startswith("digest_mismatch")
    assert receiver.connections == 0


async def test_an_action_that_its_agent_runs_is_not_run_here(replayer: TargetReplayer) -> None:
    """An order for the agent's own hands is refused aloud."""
    outcome = await replayer.run(order_for(Execute(agent=True)))
    assert outcome.kind is OutcomeKind.FAILED
    assert "no_target" in (outcome.error or "")


async def test_without_a_secret_nothing_is_sent() -> None:
    """An unsigned webhook is never sent; the outcome names the variable to set."""
    replayer = open_replayer(secrets=(), allow_private=lambda: ("127.0.0.0/8",))
    async with Receiver() as receiver:
        outcome = await replayer.run(order_for(_hook(receiver)))
    await replayer.close()
    assert outcome.kind is OutcomeKind.FAILED
    assert "SAYSO_WEBHOOK_SECRET" in (outcome.error or "")
    assert receiver.connections == 0


@pytest.mark.parametrize("secret", ["whsec_", "whsec_a", "", "whsec_!!!"])
async def test_an_unusable_secret_is_refused_at_the_start(secret: str) -> None:
    """A secret that is none is named before anything is sent."""
    with pytest.raises(ValueError, match="SAYSO_WEBHOOK_SECRET"):
        open_replayer(secrets=(secret,), allow_private=tuple)
