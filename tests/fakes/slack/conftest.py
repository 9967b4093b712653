"""A running Slack for the fake's own tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.slack.samples import new_slack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.fakes.slack import FakeSlack


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    """Run a Slack with short times."""
    async with new_slack(ack_timeout=1.0, trigger_lifetime=1.0, retry_delays=(0.0, 0.01, 0.01)) as found:
        yield found
