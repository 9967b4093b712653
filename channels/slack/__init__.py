"""Slack: cards with buttons, modals, thread replies, a command and a home tab.

Importing it imports slack_sdk; slack-bolt comes with the first thing that Slack has to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.ports import Clock, Correspondence
from channels.slack.channel import SlackChannel
from channels.slack.settings import API_URL, SlackSettings

__all__ = ["SlackChannel", "SlackSettings", "open"]


def open(  # noqa: A001  # every channel's module has an `open`; nothing here reads files
    *,
    bot_token: str,
    signing_secret: str | None,
    app_token: str | None,
    api_url: str = API_URL,
    reviews: Correspondence,
    clock: Clock,
    secrets: Sequence[str],
    post_to: str | None,
) -> SlackChannel:
    """The channel, not yet connected."""
    settings = SlackSettings(bot_token=bot_token, signing_secret=signing_secret, app_token=app_token, api_url=api_url)
    return SlackChannel(settings, reviews, clock=clock, post_to=post_to, secrets=secrets)
