"""What the Slack channel is given, and the numbers of Slack that it keeps to."""

from __future__ import annotations

from msgspec import Struct

API_URL = "https://slack.com/api/"

ANSWER_WITHIN = 2.5
"""Seconds until a person is told that it takes longer; Slack shows its own error after 3."""

LOOK_UP_WITHIN = 2.0
"""Seconds for one look-up on the way of a click."""

CALL_WITHIN = 10.0
"""Seconds for any other call of Slack."""

FRESH_FOR = 60.0
"""Seconds for which Slack's word about a person is believed."""


class SlackSettings(Struct, frozen=True, kw_only=True):
    """The account. With ``app_token`` events come by Socket Mode; with ``signing_secret`` by signed HTTP; both may be.

    ``api_url`` is where the Web API stands, with or without its last slash.
    """

    bot_token: str
    signing_secret: str | None = None
    app_token: str | None = None
    api_url: str = API_URL
