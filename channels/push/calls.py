"""One call of a service, and what its answer means for whoever waits for it.

Nothing of an address but its host is ever said: an endpoint and an ntfy topic are secrets of their owners.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus

import aiohttp
from msgspec import Struct
from yarl import URL

from bot.core.errors import SendFailed
from channels.push.guard import AddressRefused
from channels.push.settings import WITHIN

_READ = 4_096
"""Bytes of an answer that are taken off the wire; nothing in it is needed."""
_LONGEST_PAUSE = 86_400.0
_PAUSE = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT)


class Answer(Struct, frozen=True):
    """How a service answered; ``retry_after`` in seconds, where it said so."""

    status: int
    retry_after: float | None = None

    @property
    def good(self) -> bool:
        """Whether it took it."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES


async def call(
    session: aiohttp.ClientSession, method: str, url: URL, who: str, *, headers: Mapping[str, str], data: bytes = b""
) -> Answer:
    """One call, redirects not followed. ``who`` is what people know the service as. Raises `SendFailed`."""
    limit = aiohttp.ClientTimeout(total=WITHIN)
    try:
        async with session.request(
            method, url, data=data, headers=headers, timeout=limit, allow_redirects=False
        ) as response:
            await response.content.read(_READ)
            return Answer(response.status, _pause(response.headers.get("Retry-After")))
    except TimeoutError:
        raise SendFailed(f"{who} did not answer within {WITHIN:.0f} s", temporary=True) from None
    except (aiohttp.ClientError, OSError, ValueError) as fault:
        # What the library says of a fault may repeat the address, so only its kind is told.
        if isinstance(fault, AddressRefused) or isinstance(fault.__cause__, AddressRefused):
            told = f"{who} stands at an address that network: allow_private in routing.yaml does not list"
            raise SendFailed(told, temporary=False) from None
        if isinstance(fault, aiohttp.InvalidURL | ValueError):
            raise SendFailed(f"{who} has an address that cannot be used", temporary=False) from None
        raise SendFailed(f"{who} was not reached ({type(fault).__name__})", temporary=True) from None


def failure(answer: Answer, who: str, hint: str = "") -> SendFailed:
    """What a bad answer comes to: busy and broken services are tried again, refusals are not."""
    temporary = answer.status in _PAUSE or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    told = f"{who} answered {answer.status}{hint}"
    return SendFailed(told, temporary=temporary, retry_after=answer.retry_after if temporary else None)


def _pause(header: str | None) -> float | None:
    """Seconds, out of a number or a date (RFC 9110, 10.2.3); a day at most, None for what cannot be read."""
    text = (header or "").strip()
    if text.isascii() and text.isdecimal():
        return min(float(text), _LONGEST_PAUSE)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((aware - datetime.now(UTC)).total_seconds(), 1.0), _LONGEST_PAUSE)
