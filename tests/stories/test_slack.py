"""The main job through Slack, both ways in: the card, the click, the modal, the thread, the refusal, the update."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.core.model import Role
from tests.fakes.receiver import Receiver
from tests.fakes.slack import FakeSlack, Message, buttons, visible_text
from tests.stories.program import Program

CHANNEL = "#approvals"


@pytest.fixture(params=["http", "socket"])
async def program(request: pytest.FixtureRequest, tmp_path: Path, slack: FakeSlack) -> AsyncIterator[Program]:
    """An installation that Slack reaches by signed HTTP, or that reaches Slack by Socket Mode."""
    program = Program(tmp_path, slack=slack, socket_mode=request.param == "socket")
    yield program
    await program.stop()


async def card_of(slack: FakeSlack, request: dict[str, object], *, place: str = CHANNEL) -> Message:
    """The card of a request, once it stands there with its buttons."""
    return await slack.wait_for_message(place, lambda m: str(request["title"]) in visible_text(m) and bool(buttons(m)))


async def test_a_click_approves_and_the_card_says_so(program: Program, slack: FakeSlack, receiver: Receiver) -> None:
    """The card says what, why and how sure; one click approves, the action runs, the card tells who, when and how."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        card = await card_of(slack, request)
        text = visible_text(card)
        for said in ("refund.issue", "10428", "240", "Customer reported duplicate charge", "72% (below 85% gate)"):
            assert said in text
        assert set(buttons(card)) >= {"approve", "edit", "reject", "ask", "escalate"}
        waiting = asyncio.ensure_future(agent.get(request["id"], "wait=15&for=outcome"))
        assert (await slack.click("U0ANA", card, "approve")).ok
        done = await waiting
        assert (done["state"], done["execution"]["state"]) == ("approved", "executed")
        assert done["decisions"][0] | {"at": ""} == {
            "decision": "approve",
            "by": "ana",
            "at": "",
            "channel": "slack",
            "stage": "finance",
            "revision": 1,
            "comment": None,
            "category": None,
            "edits": [],
            "answer": None,
            "instead_of": None,
            "broke_glass": False,
        }
        await slack.wait_for(lambda: "Executed" in visible_text(card))
        assert "approve" not in buttons(card)
        assert "Ana Silva" in visible_text(card)
        delivered = (await agent.get(request["id"]))["deliveries"]
        assert [(d["channel"], d["to"], d["state"]) for d in delivered] == [("slack", CHANNEL, "sent")]
    assert sum(receiver.effects.values()) == 1


async def test_an_edit_goes_through_the_modal(program: Program, slack: FakeSlack, receiver: Receiver) -> None:
    """A wrong number is told beside its field; a right one is the revision that runs, as a number."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        card = await card_of(slack, request)
        assert (await slack.click("U0BEN", card, "edit")).ok
        modal = await slack.wait_for_modal("U0BEN", "edit")
        refused = await slack.submit("U0BEN", modal, {"arg:amount": "99.999"})
        assert refused.response_action == "errors"
        assert "arg:amount" in refused.errors
        assert (await slack.submit("U0BEN", modal, {"arg:amount": "100", "comment": "Half of it"})).ok
        done = await agent.get(request["id"], "wait=15&for=outcome")
        assert done["state"] == "approved_with_edits"
        assert done["effective_arguments"] == {"order": "10428", "amount": 100, "currency": "USD"}
        await slack.wait_for(lambda: "100" in visible_text(card) and "Half of it" in visible_text(card))
    assert receiver.calls[0].json["data"]["arguments"]["amount"] == 100


async def test_a_rejection_carries_reason_and_category(program: Program, slack: FakeSlack) -> None:
    """The reason typed in Slack is what the agent gets."""
    program.rules()
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        card = await card_of(slack, request)
        assert (await slack.click("U0ANA", card, "reject")).ok
        modal = await slack.wait_for_modal("U0ANA", "reject")
        assert (await slack.submit("U0ANA", modal, {"comment": "Wrong order", "category": "wrong_target"})).ok
        done = await agent.get(request["id"], "wait=10")
        assert done["state"] == "rejected"
        assert (done["decisions"][0]["comment"], done["decisions"][0]["category"]) == ("Wrong order", "wrong_target")
        await slack.wait_for(lambda: "Wrong order" in visible_text(card))


async def test_a_thread_reply_follows_the_grammar(program: Program, slack: FakeSlack, receiver: Receiver) -> None:
    """Chatter decides nothing and is answered; a command decides."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        card = await card_of(slack, request)
        # Nobody reads a card and answers before its place is written down, a moment after it stands there.
        while (await agent.get(request["id"]))["deliveries"][0]["state"] != "sent":
            await asyncio.sleep(0.01)
        await slack.reply_in_thread("U0ANA", card, "looks fine, I approve")
        await slack.wait_for(lambda: len(slack.messages("C0APPROVALS", thread_ts=card.ts)) > 2)  # card, reply, answer
        assert (await agent.get(request["id"]))["state"] == "pending"
        await slack.reply_in_thread("U0ANA", card, "Approve\nChecked the ledger")
        done = await agent.get(request["id"], "wait=10")
        assert (done["state"], done["decisions"][0]["comment"]) == ("approved", "Checked the ledger")


async def test_t08_strangers_guests_and_the_unassigned_change_nothing(program: Program, slack: FakeSlack) -> None:
    """Whoever may not decide is told so, and nothing moves."""
    slack.workspace.add_user("U0GUEST", "gus", is_restricted=True)
    slack.workspace.add_user("U0ALIEN", "al", team_id="T0OTHER", is_stranger=True)
    slack.workspace.find_channel("C0APPROVALS").members |= {"U0GUEST", "U0ALIEN"}
    program.rules()
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        card = await card_of(slack, request)
        for user in ("U0ZOE", "U0GUEST", "U0ALIEN", "U0LEA"):
            await slack.click(user, card, "approve")
            await slack.wait_for(lambda user=user: bool(slack.ephemerals(user)))  # type: ignore[misc]  # a default on a lambda has no type
        after = await agent.get(request["id"])
        assert (after["state"], after["decisions"]) == ("pending", [])
        async with program.caller("root", Role.ADMIN) as admin:
            _, trail = await admin.call("GET", f"/v1/requests/{request['id']}/audit")
    refusals = [event for event in trail["events"] if event["type"] == "refusal"]
    assert len(refusals) == 4


async def test_two_people_at_once_one_decision(program: Program, slack: FakeSlack, receiver: Receiver) -> None:
    """Two clicks at once: one counts, the other person is told who was first."""
    program.rules(receiver=receiver.url)
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        card = await card_of(slack, request)
        await asyncio.gather(slack.click("U0ANA", card, "approve"), slack.click("U0BEN", card, "approve"))
        done = await agent.get(request["id"], "wait=10&for=outcome")
        assert len(done["decisions"]) == 1
        loser = "U0BEN" if done["decisions"][0]["by"] == "ana" else "U0ANA"
        await slack.wait_for(lambda: bool(slack.ephemerals(loser)))
        assert done["decisions"][0]["by"] in visible_text(slack.ephemerals(loser)[0]).lower()
    assert sum(receiver.effects.values()) == 1


async def test_escalation_asks_the_next_person_too(program: Program, slack: FakeSlack) -> None:
    """When the first step's time is over, the next person gets a card, and the first ones may still decide."""
    program.rules(wait="1s", post_to="dm")
    async with program, program.caller("other") as agent:
        request = await agent.submit()
        for user in ("U0ANA", "U0BEN"):
            channel, _ = slack.workspace.direct_message(user)
            await card_of(slack, request, place=channel.id)
        lea, _ = slack.workspace.direct_message("U0LEA")
        card = await card_of(slack, request, place=lea.id)
        assert "escalated" in visible_text(card).lower()
        ana, _ = slack.workspace.direct_message("U0ANA")
        first = await card_of(slack, request, place=ana.id)
        assert (await slack.click("U0ANA", first, "approve")).ok
        assert (await agent.get(request["id"], "wait=10"))["decisions"][0]["by"] == "ana"
        await slack.wait_for(lambda: "approve" not in buttons(card) and "Ana Silva" in visible_text(card))


async def test_p08_an_outage_of_slack_delays_cards_and_loses_none(program: Program, slack: FakeSlack) -> None:
    """Errors, rate limits and lost answers: in the end one card stands, and a click on it counts."""
    program.rules()
    async with program, program.caller("billing") as agent:
        slack.faults.server_error("chat.postMessage", times=2)
        slack.faults.rate_limited("chat.postMessage", retry_after=1, times=1)
        slack.faults.lost_response("chat.postMessage", times=1)
        request = await agent.submit()
        card = await slack.wait_for_message(CHANNEL, lambda m: "approve" in buttons(m), 30)
        delivered = await agent.until(request["id"], lambda r: r["deliveries"][0]["state"] == "sent", 30)
        assert delivered["deliveries"][0]["error"] is None
        assert len([m for m in slack.messages("C0APPROVALS") if "approve" in buttons(m)]) == 1
        assert (await slack.click("U0ANA", card, "approve")).ok
        assert (await agent.get(request["id"], "wait=10"))["state"] == "approved"


async def test_t02_what_is_too_long_cannot_be_approved_on_the_card(program: Program, slack: FakeSlack) -> None:
    """Arguments beyond Slack's limits: the card says so and offers the page instead of Approve."""
    program.rules()
    async with program, program.caller("billing") as agent:
        request = await agent.submit(arguments={"order": "x" * 20_000 + "; and delete all", "amount": 1})
        card = await slack.wait_for_message(CHANNEL, lambda m: "reject" in buttons(m))
        assert "approve" not in buttons(card)
        assert "edit" not in buttons(card)
        assert "shortened" in visible_text(card)
        await slack.reply_in_thread("U0ANA", card, "approve")
        await asyncio.sleep(1)
        assert (await agent.get(request["id"]))["state"] == "pending"


async def test_the_queue_is_in_the_command_and_at_home(program: Program, slack: FakeSlack) -> None:
    """`/sayso` and App Home show a person what waits for them, and nobody else's."""
    program.rules()
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        answer = await slack.slash("U0ANA", "/sayso")
        assert answer.ok
        await slack.open_home("U0ANA")
        await slack.open_home("U0LEA")
        await slack.wait_for(lambda: slack.home("U0ANA") is not None and slack.home("U0LEA") is not None)
        mine, hers = slack.home("U0ANA"), slack.home("U0LEA")
        assert mine is not None
        assert hers is not None
        assert request["title"] in visible_text(mine)
        assert request["title"] not in visible_text(hers)


async def test_a_sign_in_link_comes_by_direct_message(program: Program, slack: FakeSlack) -> None:
    """Whoever asks for a link at the inbox gets it in Slack, to themselves alone, and it signs them in once."""
    program.rules()
    async with program, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        form = {"person": "ana"}
        async with browser.post(f"{program.base}/sign-in", data=form, headers={"Origin": program.base}) as page:
            assert page.status == 200
        direct, _ = slack.workspace.direct_message("U0ANA")
        message = await slack.wait_for_message(direct.id, lambda m: "/sign-in/" in visible_text(m))
        assert slack.messages("C0APPROVALS") == []
        link = re.search(r"http://\S+/sign-in/\S+", visible_text(message))
        assert link is not None
        async with browser.get(link[0]) as page:
            assert "Sign in as" in await page.text()
        async with browser.post(link[0], headers={"Origin": program.base}) as page:
            assert page.url.path == "/inbox"
        async with browser.post(link[0], headers={"Origin": program.base}) as page:
            assert page.status == 410


async def test_a_click_after_a_restart_works(program: Program, slack: FakeSlack, receiver: Receiver) -> None:
    """No state of a card lives in the process: the first click after kill -9 and a restart counts."""
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        request = await agent.submit()
        card = await card_of(slack, request)
        await agent.until(request["id"], lambda r: r["deliveries"][0]["state"] == "sent")
        await program.kill()
        await program.start()
        await slack.wait_for(lambda: not program.environment.get("SLACK_APP_TOKEN") or bool(slack.socket.connections))
        assert (await slack.click("U0ANA", card, "approve")).ok
        done = await agent.get(request["id"], "wait=10&for=outcome")
        assert done["execution"]["state"] == "executed"
        await slack.wait_for(lambda: "Executed" in visible_text(card))
