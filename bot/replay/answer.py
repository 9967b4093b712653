"""What a target's answer means: 2xx ran, 3xx and 4xx did not, anything else may have."""

from __future__ import annotations

from http import HTTPStatus

import aiohttp

from bot.core.ports import Outcome, OutcomeKind
from bot.replay.result import MOST_READ, result_of

_QUOTED = 500


async def outcome_of(response: aiohttp.ClientResponse, *, quoting: bool = True) -> Outcome:
    """The outcome of one answered webhook. Raises what reading a 2xx answer raises: then it is not complete.

    Not ``quoting``, it says the status alone: for what is logged, since an answer may repeat what it was sent.
    """
    status = response.status
    match status // 100:
        case 2:
            return result_of(await _read(response), where=f"the target answered {status}", encoding=_encoding(response))
        case 3:
            to = f" to {response.headers.get('Location', 'nowhere')[:_QUOTED]}" if quoting else ""
            said = f"redirected: the target answered {status}{to}; redirects are not followed"
            return Outcome(kind=OutcomeKind.FAILED, error=said)
        case 4:
            said = f"refused_by_target: it answered {_named(status)}{await _quote(response) if quoting else ''}"
            return Outcome(kind=OutcomeKind.FAILED, error=said)
        case _:
            quote = await _quote(response) if quoting else ""
            said = f"target_error: it answered {_named(status)}{quote}; it may have happened"
            return Outcome(kind=OutcomeKind.UNKNOWN, error=said)


def _encoding(response: aiohttp.ClientResponse) -> str:
    encoding = response.headers.get("Content-Encoding", "").strip().casefold()
    return "" if encoding == "identity" else encoding[:40]


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


async def _read(response: aiohttp.ClientResponse) -> bytes | None:
    if (response.content_length or 0) > MOST_READ:
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > MOST_READ:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


async def _quote(response: aiohttp.ClientResponse) -> str:
    """The start of a refusal's text, for the person who reads it; the status stands whether or not it can be read."""
    try:
        body = await _read(response)
    except (aiohttp.ClientError, OSError):  # TimeoutError is an OSError
        return ""
    if not body or _encoding(response):
        return ""
    text = body[: _QUOTED * 4].decode(errors="replace").strip()
    return f": {text[:_QUOTED]}" if text else ""
