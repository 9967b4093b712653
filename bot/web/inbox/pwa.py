"""What makes the pages an app on a phone: the manifest, the service worker, the page for when nobody can be reached."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files

from starlette.requests import Request as Http
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.web.inbox.assets import Assets
from bot.web.inbox.language import words
from bot.web.inbox.site import Site

OFFLINE = "/offline"
SHELL = ("inbox.css", "icon.svg", "offline.js")
"""All that the page for being offline is made of; the only files that a worker keeps."""

_ICONS = (
    ("icon.svg", "any", "image/svg+xml", "any"),
    ("icon-192.png", "192x192", "image/png", "any"),
    ("icon-512.png", "512x512", "image/png", "any"),
    ("icon-maskable-192.png", "192x192", "image/png", "maskable"),
    ("icon-maskable-512.png", "512x512", "image/png", "maskable"),
)

_DESCRIPTION = words("Decide what agents may do")
_INBOX = words("What waits for you")
_ACCOUNT = words("Account and notifications")

_WORDS = {
    "waits": words("Something waits for you"),
    "done": words("It was decided"),
    "failed": words("Nothing was decided here"),
    "unsent": words("Sayso could not be reached. Tap to open the request, once you are online."),
    "signin": words("You are not signed in here any more. Tap to sign in and decide."),
    "refused": words("It could not be decided here. Tap to see why."),
}
"""What the worker says by itself; it has no page that could hold its texts."""

_GROUND = "#f5f4f0"
_HEADERS = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
_WORKER = {
    **_HEADERS,
    # The worker's own: what it fetches for itself and for the pages it stands behind.
    "Content-Security-Policy": "default-src 'none'; connect-src 'self'; img-src 'self'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Service-Worker-Allowed": "/",
}


class Shell:
    """The three addresses; each is the same for everybody, and says nothing of anybody."""

    def __init__(self, site: Site, assets: Assets) -> None:
        self._site = site
        self._manifest = json.dumps(_manifest(site, assets)).encode()
        self._worker = _worker(site, assets)

    def routes(self) -> list[BaseRoute]:
        """Where they are."""
        return [
            Route("/manifest.webmanifest", self._manifested, methods=["GET"]),
            Route("/sw.js", self._worked, methods=["GET"]),
            Route(OFFLINE, self._offline, methods=["GET"]),
        ]

    async def _manifested(self, _http: Http) -> Response:
        return Response(self._manifest, 200, _HEADERS, "application/manifest+json")

    async def _worked(self, _http: Http) -> Response:
        return Response(self._worker, 200, _WORKER, "text/javascript; charset=utf-8")

    async def _offline(self, _http: Http) -> Response:
        # Without a visitor, whoever asks: this page is kept in the browser and outlives the session.
        return self._site.pages.show("offline.html", now=self._site.house.clock.now(), visitor=None)


def _manifest(site: Site, assets: Assets) -> dict[str, object]:
    """The web app manifest (W3C Application Manifest)."""
    say = site.pages.say
    shortcuts = ((_INBOX, "/inbox"), (_ACCOUNT, "/account"))
    return {
        "id": "/inbox",
        "name": "Sayso",
        "short_name": "Sayso",
        "description": say(_DESCRIPTION),
        "start_url": "/inbox",
        "scope": "/",
        "display": "standalone",
        "background_color": _GROUND,
        "theme_color": _GROUND,
        "icons": [
            {"src": assets.url(name), "sizes": sizes, "type": kind, "purpose": purpose}
            for name, sizes, kind, purpose in _ICONS
        ],
        "shortcuts": [{"name": say(name), "url": url} for name, url in shortcuts],
    }


def _worker(site: Site, assets: Assets) -> bytes:
    """The worker with what it needs to know before it; another text makes browsers take the new one."""
    body = files("templates").joinpath("inbox", "static", "sw.js").read_bytes()
    shell = [assets.url(name) for name in SHELL]
    known: dict[str, object] = {
        "offline": OFFLINE,
        "shell": shell,
        "icon": assets.url("icon-192.png"),
        "badge": assets.url("badge.png"),
        "words": {name: site.pages.say(text) for name, text in _WORDS.items()},
    }
    page = files("templates").joinpath("inbox", "offline.html").read_bytes()
    base = files("templates").joinpath("inbox", "base.html").read_bytes()
    known["cache"] = "sayso-" + hashlib.sha256(json.dumps(known).encode() + page + base).hexdigest()[:12]
    return f'"use strict";\nself.SAYSO = {json.dumps(known)};\n'.encode() + body
