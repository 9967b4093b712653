"""A replayer that may reach this machine, and an eye on every connection that is tried."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bot.replay import TargetReplayer, open_replayer
from tests.replay.orders import SECRET

_watched: list[list[Any]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        for seen in _watched:
            seen.append(arguments[1])


sys.addaudithook(_audit)  # Python cannot take an audit hook away again, so it is added once


@pytest.fixture
def connects() -> Iterator[list[Any]]:
    """Every address that any socket of this process tries to connect to."""
    seen: list[Any] = []
    _watched.append(seen)
    yield seen
    _watched.remove(seen)


@pytest.fixture
async def replayer() -> AsyncIterator[TargetReplayer]:
    """A replayer for which the addresses of this machine are listed."""
    opened = open_replayer(secrets=(SECRET,), allow_private=lambda: ("127.0.0.0/8", "::1/128"))
    yield opened
    await opened.close()
