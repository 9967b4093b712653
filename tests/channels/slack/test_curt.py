"""What Slack's libraries log of a failure says what failed, and nothing of what it was about."""

from __future__ import annotations

import pytest
from slack_bolt.app.async_app import AsyncApp
from slack_bolt.logger import get_bolt_app_logger

from channels.slack.api import QUIET


def test_t23_the_libraries_errors_are_logged_without_their_words(caplog: pytest.LogCaptureFixture) -> None:
    """By the logger that they are given, and by those that bolt makes after it: a KeyError quotes what it was given."""
    for logger in (QUIET, get_bolt_app_logger("sayso", AsyncApp, QUIET)):
        try:
            dict[str, str]()["kanari"]
        except KeyError:
            logger.exception("Failed to run listener function (error: 'kanari')")
        logger.error("Failed to receive or enqueue a message: ValueError, kanari (7)")
    told = [record.getMessage() for record in caplog.records]
    assert told == ["Failed to run listener function: KeyError", "Failed to receive or enqueue a message"] * 2
