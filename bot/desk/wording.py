"""What several parts of the desk say alike."""

from __future__ import annotations

from bot.core.model import Request
from bot.desk.ledger import Deed


def request_of(deed: Deed) -> Request:
    """The request of work that always gives one."""
    if deed.request is None:
        raise AssertionError("this work always gives a request")
    return deed.request
