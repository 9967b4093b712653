"""Every limit of Block Kit, tried through slack_sdk: one step over it is refused, with the place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.slack.samples import ANA, BLOCKS, MODAL, button, client_of, refused, section, select, text

if TYPE_CHECKING:
    from tests.fakes.slack import FakeSlack

CONFIRM = {"title": text("t"), "text": text("x"), "confirm": text("y"), "deny": text("n")}
REFUSED: list[tuple[str, list[Any], str]] = [
    ("51 blocks", [{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ("section text", [section(text=text("x" * 3001))], "must be less than 3001 characters"),
    ("empty text", [section(text=text(""))], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    ("field", [section(fields=[text("x" * 2001)])], "/blocks/0/fields/0/text"),
    ("11 fields", [section(fields=[text("x")] * 11)], "no more than 10 items"),
    ("header length", [{"type": "header", "text": text("x" * 151)}], "less than 151"),
    ("header mrkdwn", [{"type": "header", "text": text("x", "mrkdwn")}], "must be a valid enum value: plain_text"),
    ("button text", [button(text=text("x" * 76))], "less than 76"),
    ("button text mrkdwn", [button(text=text("x", "mrkdwn"))], "plain_text"),
    ("button value", [button(value="x" * 2001)], "less than 2001"),
    ("button url", [button(url="https://e.example/" + "x" * 3000)], "less than 3001"),
    ("button url scheme", [button(url="javascript:alert(1)")], "valid URL"),
    ("button style", [button(style="default")], "primary, danger"),
    ("action_id", [button(action_id="x" * 256)], "less than 256"),
    ("block_id", [section(block_id="x" * 256)], "less than 256"),
    ("same block_id", [section(block_id="b"), section(block_id="b")], "block_id already exists: b"),
    ("same action_id", [{"type": "actions", "elements": [button()["accessory"]] * 2}], "action_id already exists: a"),
    ("26 elements", [{"type": "actions", "elements": [button()["accessory"]] * 26}], "no more than 25 items"),
    ("no elements", [{"type": "actions", "elements": []}], "no fewer than 1 items"),
    ("11 in context", [{"type": "context", "elements": [text("x")] * 11}], "no more than 10 items"),
    ("button in context", [{"type": "context", "elements": [button()["accessory"]]}], "unsupported type: button"),
    ("input in actions", [{"type": "actions", "elements": [{"type": "plain_text_input"}]}], "unsupported type"),
    ("unknown block", [{"type": "blink"}], "unsupported type: blink [json-pointer:/blocks/0/type]"),
    ("unknown property", [section(colour="red")], "invalid additional property: colour"),
    ("emoji in mrkdwn", [section(text={**text("x", "mrkdwn"), "emoji": True})], "invalid additional property: emoji"),
    ("empty section", [{"type": "section"}], "missing required field: text or fields"),
    ("option text", [select(options=[{"text": text("x" * 76), "value": "v"}])], "less than 76"),
    ("option value", [select(options=[{"text": text("x"), "value": "v" * 151}])], "less than 151"),
    ("101 options", [select(options=[{"text": text("x"), "value": str(n)} for n in range(101)])], "no more than 100"),
    ("initial option", [select(initial_option={"text": text("X"), "value": "v"})], "initial_option must match"),
    ("placeholder", [select(placeholder=text("x" * 151))], "less than 151"),
    ("confirm title", [button(confirm={**CONFIRM, "title": text("x" * 101)})], "less than 101"),
    ("confirm text", [button(confirm={**CONFIRM, "text": text("x" * 301)})], "less than 301"),
    ("confirm button", [button(confirm={**CONFIRM, "deny": text("x" * 31)})], "less than 31"),
]


@pytest.mark.parametrize(("blocks", "reason"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
async def test_every_limit_of_a_message_is_enforced(slack: FakeSlack, blocks: list[Any], reason: str) -> None:
    """A message over any Block Kit limit is refused with `invalid_blocks` and the place, and is not posted."""
    body = await refused(client_of(slack).chat_postMessage(channel="C0APPROVALS", text="x", blocks=blocks))
    assert body["error"] == "invalid_blocks"
    assert any(reason in line for line in body["response_metadata"]["messages"]), body
    assert slack.messages() == []


async def test_the_text_of_a_message_is_limited_as_a_whole(slack: FakeSlack) -> None:
    """All block text together and the fallback text have limits of their own; what just fits is taken."""
    client = client_of(slack)
    full = [section(text=text("x" * 3000))] * 4
    await client.chat_postMessage(
        channel="C0APPROVALS", text="x" * 40_000, blocks=[*full, section(text=text("x" * 1200))]
    )
    long = client.chat_postMessage(channel="C0APPROVALS", text="x", blocks=[*full, section(text=text("x" * 1201))])
    assert (await refused(long))["error"] == "msg_blocks_too_long"
    assert (await refused(client.chat_postMessage(channel="C0APPROVALS", text="x" * 40_001)))["error"] == "msg_too_long"
    empty = client.api_call("chat.postMessage", json={"channel": "C0APPROVALS", "text": ""})
    assert (await refused(empty))["error"] == "no_text"
    odd = client.chat_postMessage(channel="C0APPROVALS", text="x", blocks="[")
    assert (await refused(odd))["error"] == "invalid_blocks_format"


def with_input(**element: Any) -> dict[str, Any]:
    """Return the modal with one input."""
    block = {"type": "input", "block_id": "b", "label": text("L"), "element": {"action_id": "v", **element}}
    return {**MODAL, "blocks": [block]}


BAD_VIEWS: list[tuple[str, dict[str, Any], str]] = [
    ("title", {**MODAL, "title": text("x" * 25)}, "less than 25 characters [json-pointer:/view/title/text]"),
    ("submit", {**MODAL, "submit": text("x" * 25)}, "/view/submit/text"),
    ("close", {**MODAL, "close": text("x" * 25)}, "/view/close/text"),
    ("no submit", {key: value for key, value in MODAL.items() if key != "submit"}, "missing required field: submit"),
    ("metadata", {**MODAL, "private_metadata": "x" * 3001}, "/view/private_metadata"),
    ("callback_id", {**MODAL, "callback_id": "x" * 256}, "/view/callback_id"),
    ("101 blocks", {**MODAL, "blocks": [{"type": "divider"}] * 101}, "no more than 100 items allowed"),
    ("home", {"type": "home", "blocks": BLOCKS}, "must be a valid enum value: modal"),
    ("initial", with_input(type="plain_text_input", initial_value="x" * 3001), "less than 3001"),
    ("initial over max", with_input(type="plain_text_input", initial_value="xx", max_length=1), "less than 2"),
    ("max_length", with_input(type="plain_text_input", max_length=3001), "between 1 and 3000"),
    ("decimal", with_input(type="number_input"), "missing required field: is_decimal_allowed"),
    ("number", with_input(type="number_input", is_decimal_allowed=False, initial_value="1.5"), "a valid number"),
    ("number type", with_input(type="number_input", is_decimal_allowed=True, min_value=1), "must be a string"),
    ("bounds", with_input(type="number_input", is_decimal_allowed=True, min_value="2", initial_value="1"), "between"),
    ("button input", with_input(type="button", text=text("x")), "unsupported type: button"),
    ("label", {**MODAL, "blocks": [{**MODAL["blocks"][1], "label": text("x" * 2001)}]}, "less than 2001"),
    ("same block_id", {**MODAL, "blocks": [MODAL["blocks"][1]] * 2}, "block_id already exists: comment"),
]


@pytest.mark.parametrize(("view", "reason"), [case[1:] for case in BAD_VIEWS], ids=[case[0] for case in BAD_VIEWS])
async def test_every_limit_of_a_modal_is_enforced(slack: FakeSlack, view: dict[str, Any], reason: str) -> None:
    """A modal over a limit is refused with `invalid_arguments` and the place; the trigger is not spent on it."""
    trigger = slack.new_trigger(ANA)
    body = await refused(client_of(slack).views_open(trigger_id=trigger.id, view=view))
    assert body["error"] == "invalid_arguments"
    assert any(reason in line for line in body["response_metadata"]["messages"]), body
    assert not trigger.used
