"""T23 through a running bot: its log as text, Slack's wire, the agent's webhook, the API, and commands."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.model import Role
from tests.erasure.test_t23_canaries import CANARIES, CHARGE, MANY, found, secrets
from tests.fakes.receiver import Receiver, answering
from tests.fakes.slack import FakeSlack
from tests.stories.program import SECRET, Program

CARD = "actions:\n" + CHARGE.replace("EXECUTE", '{webhook: "RECEIVER", timeout: 3s}')


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """A workspace with a reviewer and the channel that cards are posted to."""
    async with FakeSlack() as fake:
        for user, name in (("U0ANA", "ana"), ("U0BEN", "ben"), ("U0LEA", "lea")):
            fake.workspace.add_user(user, name)
        fake.workspace.add_channel("approvals", "C0APPROVALS")
        yield fake


async def test_t23_a_running_bot_tells_no_secret(tmp_path: Path, slack: FakeSlack) -> None:
    """50 canaries go in, run exactly as they are, and show nowhere: a refusal, a failure and an error told included."""
    refusing = answering({"token": CANARIES[5], "why": CANARIES[6]}, status="422 Unprocessable Content")
    async with (
        Receiver(secret=SECRET, script=refusing) as receiver,
        Receiver(secret=SECRET) as events,
    ):
        program = Program(tmp_path, slack=slack)
        program.environment["SAYSO_LOG"] = "text"
        program.rules(events=events.url)
        rules = tmp_path / "routing.yaml"
        written = rules.read_text(encoding="utf-8")
        rules.write_text(written.replace("actions:\n", CARD.replace("RECEIVER", receiver.url), 1), encoding="utf-8")
        async with program, program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as reviewer:
            wrong = {"action": "card.charge", "arguments": {**secrets(), "amount": CANARIES[7]}}
            status, _ = await agent.call("POST", "/v1/requests", wrong)
            assert status == 422
            body = {"arguments": secrets(), "reason": f"for {CANARIES[8]}", "context": {"token": CANARIES[9]}}
            request = await agent.submit(action="card.charge", **body)
            await slack.wait_for_message("#approvals", lambda message: "card.charge" in json.dumps(message.blocks))
            seen = await reviewer.get(request["id"])
            await reviewer.decide(seen, "approve", comment=f"it is {CANARIES[10]}")
            own = await agent.until(request["id"], lambda it: it["execution"]["state"] == "failed")
            assert len(found(json.dumps(own))) == MANY
            assert receiver.calls[0].json["data"]["arguments"] == secrets()
            _, shown, _ = await program.tell("show", request["id"])
            _, exported, _ = await program.tell("audit", "export")
            trail = await reviewer.call("GET", f"/v1/requests/{request['id']}/audit")
            again = await reviewer.get(request["id"])
            await events.called()
        posted = json.dumps([call.args for call in slack.calls], default=str)
        hooks = "".join(call.body.decode() for call in events.calls)
        said = {"log": program.said(), "slack": posted, "show": shown, "export": exported, "webhook": hooks}
        said |= {"api": json.dumps([seen, again, trail])}
        assert {where: found(text) for where, text in said.items() if found(text)} == {}
        assert "card.charge" in posted
        assert request["id"] in exported
