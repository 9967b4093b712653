"""What is asked of the provider, and how far it is trusted with our time and memory."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import Mapping
from functools import cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from bot.oidc.errors import ProviderFailed

_log = logging.getLogger(__name__)

MOST_BYTES = 256 * 1024
"""Of one answer. Discovery documents have about 3 KiB, key sets of the largest providers under 20."""

SECONDS = 10.0
"""For one answer, from the first byte sent to the last one read."""


def failed(where: str, why: str) -> ProviderFailed:
    """The error for whoever signs in; what was wrong goes to the log, without anything that a person is known by.

    It is a note on the error, too, for whoever looks at the installation.
    """
    _log.warning("the identity provider at %s: %s", where, why)
    error = ProviderFailed()
    error.add_note(why)
    return error


def is_safe(url: object) -> bool:
    """Whether an address may be asked, or a browser sent to it: https, or plain http on this machine itself."""
    # Control characters and spaces are what urlsplit passes over in silence, and others may not.
    if not isinstance(url, str) or not url.isascii() or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        named = bool(host) and parts.port != 0 and parts.username is None and not parts.fragment
    except ValueError:
        return False
    return named and (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host)))


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@cache
def _trusted() -> ssl.SSLContext:
    """The machine's own authorities, so that a company's own provider is reached as by everything else here."""
    return ssl.create_default_context()


async def ask(
    url: str, *, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The JSON object at an address, or in answer to a form. No redirect, no proxy out of the environment.

    Raises `ProviderFailed` for whatever else comes, or comes too late.
    """
    told = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
    where = urlsplit(url).netloc
    try:
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(verify=_trusted(), trust_env=False, follow_redirects=False, timeout=SECONDS) as client,
            client.stream("GET" if form is None else "POST", url, data=form, headers=told) as answer,
        ):
            body = await _body(answer, where)
    except TimeoutError:
        raise failed(where, f"no answer within {SECONDS:g} seconds") from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as problem:
        raise failed(where, f"{type(problem).__name__}: {problem}") from None
    return _object(body, where)


async def _body(answer: httpx.Response, where: str) -> bytes:
    if answer.status_code != httpx.codes.OK:
        raise failed(where, f"answered {answer.status_code}")
    if answer.headers.get("content-encoding", "identity") != "identity":
        raise failed(where, "answered in an encoding that was not asked for")
    body = b""
    async for chunk in answer.aiter_raw():
        body += chunk
        if len(body) > MOST_BYTES:
            raise failed(where, f"answered more than {MOST_BYTES} bytes")
    return body


def _object(body: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise failed(where, "answered no JSON") from None
    if not isinstance(value, dict):
        raise failed(where, "answered no JSON object")
    return value
