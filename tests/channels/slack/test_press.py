"""Buttons: a press decides, opens a form, or is refused aloud; in both modes."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.errors import Unavailable
from bot.core.model import ExecutionState, State, Verb
from channels.slack import SlackChannel
from tests.channels.slack.conftest import SECRETS, Office, opened, settings_of
from tests.fakes.slack import buttons, visible_text


async def test_a_card_shows_what_would_run_and_offers_every_button(office: Office) -> None:
    """The card stands in the shared channel, with arguments, claims, gate, people and the five buttons."""
    message = await office.card(reason="Customer reported duplicate charge", confidence=0.72)
    text = visible_text(message)
    shown = ("refund.issue", '"10428"', "240.0", "Customer reported duplicate charge", "72% (below 85% gate)")
    assert all(piece in text for piece in shown)
    assert text.index("240.0") < text.index("The agent says") < text.index("duplicate charge")
    assert list(buttons(message)) == ["approve", "edit", "reject", "ask", "escalate", "open"]
    assert buttons(message)["open"]["url"] == "https://sayso.example/requests/req_1"
    assert message.unfurl == {"unfurl_links": False, "unfurl_media": False}


async def test_approve_decides_and_every_card_says_so(office: Office) -> None:
    """A press is decided before it is acknowledged; the buttons go, and who, when and how stand on the card."""
    message = await office.card()
    ack = await office.slack.click("U0ANA", message, "approve")
    assert ack.ok
    assert office.house.requests["req_1"].state is State.APPROVED
    await office.house.settle()
    assert list(buttons(message)) == ["open"]
    assert "*Approved by Ana Silva* through slack" in visible_text(message)
    ballot = office.house.ballots[0]
    assert (ballot.by, ballot.channel, ballot.revision, ballot.fully_shown) == ("ana", "slack", 1, True)


async def test_escalate_decides_at_once_and_the_card_stays_open(office: Office) -> None:
    """The next in the chain are asked; the card says escalated and can still be approved."""
    message = await office.card()
    assert (await office.slack.click("U0BEN", message, "escalate")).ok
    await office.house.settle()
    assert "escalated" in visible_text(message)
    assert "approve" in buttons(message)


async def test_the_second_press_is_told_who_decided(office: Office) -> None:
    """A late press on a screen that is not fresh changes nothing and is told who was first."""
    message = await office.card()
    seen = message.as_dict()
    await office.slack.click("U0ANA", message, "approve")
    await office.house.settle()
    assert (await office.slack.click("U0BEN", message, "approve", as_seen=seen)).ok
    assert "already approved by ana" in await office.told("U0BEN")
    assert office.house.reasons == ["already_decided"]


async def test_a_form_on_a_decided_request_is_refused_before_it_opens(office: Office) -> None:
    """Nobody fills in a form for nothing; the refusal is said and recorded."""
    message = await office.card()
    seen = message.as_dict()
    await office.slack.click("U0ANA", message, "approve")
    await office.house.settle()
    await office.slack.click("U0BEN", message, "reject", as_seen=seen)
    assert "already approved" in await office.told("U0BEN")
    assert office.slack.modals("U0BEN") == []
    assert office.house.reasons == ["already_decided"]


T08_WRONG_PEOPLE = [
    ("U0NOBODY", "unknown_person", "does not know you"),
    ("U0LEA", "not_assigned", "not asked to review"),
    ("U0GUEST", "not_a_member", "full members"),
    ("U0STRANGER", "foreign_workspace", "another Slack workspace"),
]


@pytest.mark.parametrize(("user", "reason", "words"), T08_WRONG_PEOPLE)
@pytest.mark.parametrize("button", ["approve", "edit", "escalate"])
async def test_t08_wrong_people_change_nothing_and_are_told(user: str, reason: str, words: str, button: str) -> None:
    """Right signature, wrong person: refused aloud, recorded, and the request stays as it was."""
    async with opened("http") as office:
        message = await office.card()
        message.thread_ts = message.ts  # somebody has replied; whoever looks at the channel sees no word in a thread
        before = office.house.requests["req_1"]
        await office.slack.click(user, message, button)
        assert words in await office.told(user)
        assert office.slack.ephemerals(user)[-1].thread_ts == ""
        assert office.house.requests["req_1"] == before
        assert office.house.reasons == [reason]
        assert office.slack.modals(user) == []


async def test_t08_somebody_deactivated_since_is_refused(by_http: Office) -> None:
    """Slack's word about a person is asked anew after a minute at most."""
    message = await by_http.card()
    assert (await by_http.slack.click("U0ANA", message, "reject")).ok
    by_http.slack.workspace.users["U0ANA"].is_restricted = True
    by_http.house.clock.ahead += by_http.house.requests["req_1"].expires_at - by_http.house.clock.now()
    await by_http.slack.click("U0ANA", message, "approve")
    assert "full members" in await by_http.told("U0ANA")
    assert by_http.house.reasons == ["not_a_member"]


async def test_t08_where_slack_cannot_be_asked_nobody_passes(by_http: Office) -> None:
    """The look-up fails closed, aloud: nothing is decided, and Slack shows its error too."""
    message = await by_http.card()
    by_http.slack.faults.refuse("users.info", "internal_error", times=None)
    ack = await by_http.slack.click("U0ANA", message, "approve")
    assert ack.error == "http_service_error"
    assert "could not be asked who you are" in await by_http.told("U0ANA")
    assert by_http.house.ballots == []
    assert by_http.house.reasons == ["not_verified"]


async def test_t05_a_press_on_an_older_revision_is_stale(office: Office) -> None:
    """The button binds what its card showed; after the agent revised, it decides nothing."""
    message = await office.card()
    office.house.revise("req_1", {"order": "10428", "amount": 9_000})
    await office.slack.click("U0ANA", message, "approve")
    assert "has changed since you saw it" in await office.told("U0ANA")
    assert office.house.requests["req_1"].state is State.PENDING


async def test_a_forged_token_is_refused(by_http: Office) -> None:
    """A value that we did not sign decides nothing, is said and recorded."""
    message = await by_http.card()
    seen = message.as_dict()
    for element in seen["blocks"][-1]["elements"]:
        element["value"] = element.get("value", "")[:-2] + "xx"
    await by_http.slack.click("U0ANA", message, "approve", as_seen=seen)
    assert "not made by this Sayso" in await by_http.told("U0ANA")
    assert by_http.house.reasons == ["bad_token"]


async def test_buttons_outlive_a_rotated_secret_and_a_restart(by_http: Office) -> None:
    """The first press after a restart works, also on a card that the old secret signed."""
    older = SlackChannel(
        settings_of(by_http.slack, "http"), by_http.house, clock=by_http.house.clock, post_to="#approvals",
        secrets=("old secret",),
    )  # fmt: skip
    await older.start()
    by_http.house.channel = older
    message = await by_http.card()
    await older.stop()
    by_http.house.channel = by_http.channel
    assert (await by_http.slack.click("U0ANA", message, "approve")).ok
    assert by_http.house.requests["req_1"].state is State.APPROVED


async def test_t06_one_signed_body_fifty_times_at_once_decides_once(by_http: Office) -> None:
    """A recorded post, sent again and again, is one decision, and nobody is told of fifty."""
    message = await by_http.card()
    await by_http.slack.click("U0ANA", message, "approve")
    await asyncio.gather(*(by_http.slack.redeliver(by_http.slack.deliveries[-1]) for _ in range(50)))
    await by_http.house.settle()
    assert [d.decision for d in by_http.house.requests["req_1"].decisions] == [Verb.APPROVE]
    assert len(by_http.house.ballots) == 1


async def test_t06_replayed_to_another_process_it_still_decides_once(by_http: Office) -> None:
    """No guard in memory is what holds: a process that never saw the body refuses it by the house's own rule."""
    message = await by_http.card()
    await by_http.slack.click("U0ANA", message, "approve")
    recorded = by_http.slack.deliveries[-1]
    other = SlackChannel(
        settings_of(by_http.slack, "http"), by_http.house, clock=by_http.house.clock, post_to=None, secrets=SECRETS
    )
    await other.start()
    status, _, _ = await other.handle(recorded.headers, recorded.body, by_http.house.clock.now())
    await other.stop()
    assert status == 200
    assert len(by_http.house.requests["req_1"].decisions) == 1
    assert by_http.house.reasons == ["already_decided"]


async def test_t06_two_people_at_once_one_wins(office: Office) -> None:
    """Approve and approve at the same moment: one decision, and the other is told who made it."""
    message = await office.card()
    await asyncio.gather(*(office.slack.click(user, message, "approve") for user in ("U0ANA", "U0BEN")))
    assert len(office.house.requests["req_1"].decisions) == 1
    loser = "U0BEN" if office.house.requests["req_1"].decisions[0].by == "ana" else "U0ANA"
    assert "already approved by" in await office.told(loser)


async def test_duplicate_envelopes_are_one_press(by_socket: Office) -> None:
    """Socket Mode may deliver an envelope twice; neither the house nor the person hears of the second."""
    message = await by_socket.card()
    by_socket.slack.faults.duplicate_envelopes = True
    assert (await by_socket.slack.click("U0ANA", message, "approve")).ok
    await asyncio.sleep(0.05)
    assert len(by_socket.house.ballots) == 1
    assert by_socket.slack.ephemerals("U0ANA") == []


async def test_p09_a_decision_within_the_time_is_acknowledged_after_it_is_committed(office: Office) -> None:
    """A store that takes its time: the acknowledgement waits for it."""
    office.house.slow = 0.5
    message = await office.card()
    ack = await office.slack.click("U0ANA", message, "approve")
    assert ack.ok
    assert ack.delay >= 0.5
    assert office.house.requests["req_1"].state is State.APPROVED


async def test_p09_a_decision_that_takes_too_long_is_never_acknowledged(office: Office) -> None:
    """At 2.9 s the person has been told that it is not decided yet, and Slack shows an error; it is then decided."""
    office.house.slow = 2.9
    message = await office.card()
    ack = await office.slack.click("U0ANA", message, "approve")
    assert not ack.ok
    assert "not decided yet" in await office.told("U0ANA")
    await office.slack.wait_for(lambda: office.house.requests["req_1"].state is State.APPROVED)


async def test_p10_a_store_that_cannot_write_is_said_and_shown(office: Office) -> None:
    """Nothing is changed, the person reads why, and the press is not acknowledged as done."""
    office.house.broken = Unavailable()
    office.slack.settings.ack_timeout = 0.5
    message = await office.card()
    ack = await office.slack.click("U0ANA", message, "approve")
    assert not ack.ok
    assert "nothing was changed" in await office.told("U0ANA")


async def test_a_defect_of_ours_is_never_silence(office: Office) -> None:
    """An error that nobody foresaw is logged, and the person is warned."""
    office.house.broken = RuntimeError("a bug")
    office.slack.settings.ack_timeout = 0.5
    message = await office.card()
    assert not (await office.slack.click("U0ANA", message, "approve")).ok
    assert "Something went wrong" in await office.told("U0ANA")


async def test_a_refusal_reaches_the_person_by_response_url_where_ephemerals_fail(by_http: Office) -> None:
    """Where Slack refuses the ephemeral message, the address that came with the press is used."""
    message = await by_http.card()
    by_http.slack.faults.refuse("chat.postEphemeral", "channel_not_found", times=None)
    await by_http.slack.click("U0LEA", message, "approve")
    assert "not asked to review" in await by_http.told("U0LEA")
    assert message.blocks  # the card itself stays


async def test_the_link_button_is_acknowledged(office: Office) -> None:
    """Slack tells of pressed links too; that asks nothing of anybody."""
    message = await office.card()
    assert (await office.slack.click("U0NOBODY", message, "open")).ok
    assert office.house.refusals == []


@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        (ExecutionState.EXECUTING, {}, ("Running",)),
        (ExecutionState.EXECUTED, {"result": {"refund": "rf_1"}}, ("Executed", "rf_1")),
        (ExecutionState.FAILED, {"error": "card <declined>"}, ("Failed", "card <declined>")),
        (ExecutionState.UNKNOWN, {}, ("Outcome unknown",)),
    ],
)
async def test_the_card_follows_the_run(
    by_http: Office, state: ExecutionState, more: dict[str, object], words: tuple[str, ...]
) -> None:
    """Running, executed with its result, failed with its error, unknown: it stands on the card."""
    message = await by_http.card()
    await by_http.slack.click("U0ANA", message, "approve")
    await by_http.house.settle()
    by_http.house.execute("req_1", state, **more)
    await by_http.house.refresh("req_1")
    assert all(word in visible_text(message) for word in words)
