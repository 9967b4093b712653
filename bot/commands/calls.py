"""Calls of a running bot's HTTP API from the terminal."""

from __future__ import annotations

import argparse
import json
import urllib.error
import urllib.request
from typing import Any, NamedTuple

from bot.commands.surroundings import CommandError, environment
from bot.settings import public_url_of

LONGEST_WAIT = 60
"""Seconds that the API holds an answer back at most."""

_SLACK = 15
_ERRORS = 400
_ELSEWHERE = range(300, 400)


class Bot(NamedTuple):
    """A running bot: where it is, and the key that its calls are made with."""

    base: str
    key: str

    def call(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        """The JSON of a good answer; raises `CommandError` with all that a refusal says."""
        url = f"{self.base}{path}"
        status, answer = _answer(method, url, self.key, body)
        if status >= _ERRORS:
            faults = "".join(f"\n  {e['pointer']}: {e['detail']}" for e in answer.get("errors", ()))
            raise CommandError(f"{answer.get('title', 'refused')} ({status}): {answer.get('detail', '')}{faults}")
        return answer


def add_bot(parser: argparse.ArgumentParser, whose: str) -> None:
    """Add where the bot is and whose key is taken."""
    parser.add_argument("--key", help=f"{whose} key; else SAYSO_KEY")
    parser.add_argument("--url", help="where the bot is; else SAYSO_PUBLIC_URL, else SAYSO_LISTEN")


def bot_of(args: argparse.Namespace, whose: str, how: str) -> Bot:
    """The bot that the options, or else the variables, mean; ``how`` is the command that makes such a key."""
    key = (args.key or environment()["SAYSO_KEY"]).strip()
    if not key:
        raise CommandError(f"No key: give --key or set SAYSO_KEY to {whose} key ({how}).")
    if not (key.isascii() and key.isprintable()):
        # What a header cannot hold is not said back: it may be most of a key.
        raise CommandError("The key holds what no key holds, such as the end of a line; copy it once more.")
    return Bot((args.url or public_url_of(environment())).rstrip("/"), key)


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows nothing: urllib takes the key along to wherever an answer leads, and makes a GET of what was posted."""

    def redirect_request(self, *_args: Any) -> None:
        """No other request is made."""


def _answer(method: str, url: str, key: str, body: bytes | None) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    if not url.startswith(("http://", "https://")):
        raise CommandError(f"{url} is not an http address.")
    call = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310  # checked above
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Straight())
    try:
        try:
            with opener.open(call, timeout=LONGEST_WAIT + _SLACK) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                if refusal.code in _ELSEWHERE:
                    to = refusal.headers.get("Location", "nowhere")
                    told = f"{url} leads to {to}, and the key is not taken there: give the bot's own address as --url."
                    raise CommandError(told) from None
                return refusal.code, json.load(refusal)
    except (OSError, ValueError) as problem:
        raise CommandError(f"{url}: {getattr(problem, 'reason', problem)}. Is the bot up there?") from None
