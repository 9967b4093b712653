"""Batches, questions and choices through Slack, over the real program: one message for many, answers for the agent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.receiver import Receiver
from tests.fakes.slack import FakeSlack, buttons, visible_text
from tests.stories.program import Program

CHANNEL = "#approvals"


@pytest.fixture(params=["http", "socket"])
async def program(
    request: pytest.FixtureRequest, tmp_path: Path, slack: FakeSlack, receiver: Receiver
) -> AsyncIterator[Program]:
    """An installation whose refunds can be undone, so that a batch of them is decided together."""
    program = Program(tmp_path, slack=slack, socket_mode=request.param == "socket")
    program.rules(receiver=receiver.url)
    rules = tmp_path / "routing.yaml"
    rules.write_text(rules.read_text("utf-8").replace("risk: irreversible", "risk: reversible"), "utf-8")
    yield program
    await program.stop()


async def test_a_batch_is_one_message_that_one_press_decides(
    program: Program, slack: FakeSlack, receiver: Receiver
) -> None:
    """Four requests are one message; one press decides each of them, each runs once, and the message says so."""
    async with program, program.caller("billing") as agent:
        some = [
            await agent.submit(
                batch="march refunds", arguments={"order": str(n), "amount": 100.0 + n, "currency": "USD"}
            )
            for n in range(4)
        ]
        message = await slack.wait_for_message(CHANNEL, lambda m: "approve_all" in buttons(m))
        text = visible_text(message)
        assert "Batch: march refunds" in text
        assert "refund.issue: 4 requests; amount 100 to 103, 406 in all" in text
        assert len(slack.messages(CHANNEL)) == 1
        assert (await slack.click("U0ANA", message, "approve_all")).ok
        await slack.wait_for(lambda: slack.ephemerals("U0ANA"))
        assert "Approved: 4 of 4." in visible_text(slack.ephemerals("U0ANA")[-1])
        for request in some:
            done = await agent.get(request["id"], "wait=15&for=outcome")
            assert (done["state"], done["execution"]["state"]) == ("approved", "executed")
            assert [d["by"] for d in done["decisions"]] == ["ana"]
        await slack.wait_for(lambda: visible_text(message).count("Approved by Ana Silva · Executed") == 4)
        assert list(buttons(message)) == ["open"]
    assert sum(receiver.effects.values()) == 4


async def test_a_question_and_a_choice_are_answered_in_slack(
    program: Program, slack: FakeSlack, receiver: Receiver
) -> None:
    """The answer is the agent's result; the option that is picked is what runs."""
    async with program, program.caller("billing") as agent:
        asked = await agent.submit(kind="question", action="billing.ask", arguments={}, reason="Which account is it?")
        card = await slack.wait_for_message(CHANNEL, lambda m: "billing.ask" in visible_text(m) and bool(buttons(m)))
        assert (await slack.click("U0BEN", card, "approve")).ok
        view = await slack.wait_for_modal("U0BEN", "answer")
        assert (await slack.submit("U0BEN", view, {"answer": "The second one"})).ok
        answered = await agent.get(asked["id"], "wait=10")
        assert (answered["state"], answered["answer"]) == ("approved", "The second one")

        options = [
            {"id": name, "title": f"Refund {amount}", "arguments": {"order": "1", "amount": amount, "currency": "USD"}}
            for name, amount in (("half", 60.0), ("whole", 120.0))
        ]
        offered = await agent.submit(kind="choice", arguments={}, options=options)
        choice = await slack.wait_for_message(CHANNEL, lambda m: "Option half" in visible_text(m) and bool(buttons(m)))
        assert (await slack.click("U0ANA", choice, "approve")).ok
        view = await slack.wait_for_modal("U0ANA", "answer")
        assert (await slack.submit("U0ANA", view, {"answer": "half"})).ok
        done = await agent.get(offered["id"], "wait=15&for=outcome")
        assert (done["execution"]["state"], done["effective_arguments"]["amount"]) == ("executed", 60.0)
    assert receiver.calls[0].json["data"]["arguments"]["amount"] == 60.0
