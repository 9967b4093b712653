"""Static files, named by their content: a new version has a new address, so browsers may keep each for ever."""

from __future__ import annotations

import hashlib
from importlib.resources import files

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "png": "image/png",
    "svg": "image/svg+xml",
}


class Asset(Struct, frozen=True):
    """One static file: ``name`` holds the start of its SHA-256."""

    name: str
    media_type: str
    body: bytes


class Assets:
    """The files under ``templates/inbox/static``, read once."""

    def __init__(self) -> None:
        self._by_source: dict[str, Asset] = {}
        for file in files("templates").joinpath("inbox", "static").iterdir():
            stem, _, ending = file.name.rpartition(".")
            if ending in _TYPES:
                body = file.read_bytes()
                name = f"{stem}.{hashlib.sha256(body).hexdigest()[:12]}.{ending}"
                self._by_source[file.name] = Asset(name, _TYPES[ending], body)
        self._by_name = {asset.name: asset for asset in self._by_source.values()}

    def url(self, source: str) -> str:
        """The address of a file by its plain name; raises ``KeyError`` where there is none."""
        return f"/static/{self._by_source[source].name}"

    async def serve(self, request: Request) -> Response:
        """Answer ``/static/{name}``; a name of another version is 404, never a wrong file kept for ever."""
        asset = self._by_name.get(request.path_params["name"])
        headers = {"X-Content-Type-Options": "nosniff"}
        if asset is None:
            return Response("Not found\n", 404, headers, "text/plain")
        headers |= {
            "Cache-Control": "public, max-age=31536000, immutable",
            "Content-Security-Policy": "default-src 'none'",
        }
        return Response(asset.body, 200, headers, asset.media_type)
