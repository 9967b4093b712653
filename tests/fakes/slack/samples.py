"""What the fake's own tests share: a small workspace, a card, a modal, and Slack's own client."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import FakeSlack, Settings

ANA, BEN, GUEST, STRANGER = "U0ANA", "U0BEN", "U0GUEST", "U0STRANGER"
BLOCKS: list[dict[str, Any]] = [
    {"type": "header", "text": {"type": "plain_text", "text": "Refund 240 USD"}},
    {"type": "section", "text": {"type": "mrkdwn", "text": "*Order* 10428 &lt;new&gt; <https://shop.example|shop>"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {"type": "button", "action_id": "approve", "style": "primary", "value": "t1",
             "text": {"type": "plain_text", "text": "Approve"}},
            {"type": "button", "action_id": "reject", "style": "danger", "value": "t2",
             "text": {"type": "plain_text", "text": "Reject"}},
        ],
    },
]  # fmt: skip
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "edit",
    "private_metadata": "req_1",
    "title": {"type": "plain_text", "text": "Edit"},
    "submit": {"type": "plain_text", "text": "Approve"},
    "blocks": [
        {"type": "input", "block_id": "arg:amount", "label": {"type": "plain_text", "text": "Amount"},
         "element": {"type": "number_input", "action_id": "value", "is_decimal_allowed": True, "min_value": "0",
                     "initial_value": "240.5"}},
        {"type": "input", "block_id": "comment", "optional": True, "label": {"type": "plain_text", "text": "Comment"},
         "element": {"type": "plain_text_input", "action_id": "value", "multiline": True, "max_length": 100}},
        {"type": "input", "block_id": "category", "label": {"type": "plain_text", "text": "Category"},
         "element": {"type": "static_select", "action_id": "value",
                     "options": [{"text": {"type": "plain_text", "text": word}, "value": word} for word in "ab"],
                     "initial_option": {"text": {"type": "plain_text", "text": "b"}, "value": "b"}}},
    ],
}  # fmt: skip


def new_slack(**settings: Any) -> FakeSlack:
    """Return a Slack with two members, a guest, a stranger and the channel #approvals."""
    slack = FakeSlack(Settings(**settings))
    slack.workspace.add_user(ANA, "ana", real_name="Ana Silva", email="ana@example.com")
    slack.workspace.add_user(BEN, "ben", email="ben@example.com")
    slack.workspace.add_user(GUEST, "guest", is_restricted=True)
    slack.workspace.add_user(STRANGER, "sam", team_id="T0OTHER", is_stranger=True)
    slack.workspace.add_channel("approvals", "C0APPROVALS")
    return slack


def client_of(slack: FakeSlack) -> AsyncWebClient:
    """Return slack_sdk's client with the bot token and no retries of its own."""
    return AsyncWebClient(token=slack.settings.bot_token, base_url=slack.url, retry_handlers=[])


async def refused(call: Any) -> Any:
    """Return the body of a call that Slack must refuse."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response.data


def text(words: str, kind: str = "plain_text") -> dict[str, Any]:
    """Return a text object."""
    return {"type": kind, "text": words}


def section(**parts: Any) -> dict[str, Any]:
    """Return a section with a text unless told otherwise."""
    return {"type": "section", "text": text("x"), **parts}


def button(**parts: Any) -> dict[str, Any]:
    """Return a section with a button as its accessory."""
    return section(accessory={"type": "button", "text": text("x"), "action_id": "a", **parts})


def select(**parts: Any) -> dict[str, Any]:
    """Return a section with a menu of one option."""
    options = [{"text": text("x"), "value": "v"}]
    return section(accessory={"type": "static_select", "action_id": "a", "options": options, **parts})
