"""A strict fake of Slack that speaks the wire: Web API, signed posts, response URLs, Socket Mode, and people.

It refuses what Slack refuses, by Slack's codes, and can be made to fail as Slack fails (`slack.faults`).
"""

from tests.fakes.slack.delivery import sign
from tests.fakes.slack.errors import PersonCannotError, SlackError
from tests.fakes.slack.reading import buttons, links, mentions, visible_text
from tests.fakes.slack.render import render_message, render_view
from tests.fakes.slack.server import FakeSlack
from tests.fakes.slack.state import ALL_SCOPES, Ack, Call, Delivery, Settings
from tests.fakes.slack.workspace import Message, User, View, Workspace

__all__ = [
    "ALL_SCOPES",
    "Ack",
    "Call",
    "Delivery",
    "FakeSlack",
    "Message",
    "PersonCannotError",
    "Settings",
    "SlackError",
    "User",
    "View",
    "Workspace",
    "buttons",
    "links",
    "mentions",
    "render_message",
    "render_view",
    "sign",
    "visible_text",
]
