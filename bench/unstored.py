"""The same server storing nothing: uvicorn, msgspec, aiohttp's client and the same calls, and a dict for a store.

What it does not do is what Sayso is for: no rules, no schema, no audit, no signature, nothing that outlives it. It is
the most that a server of this build could do, and the measure of what storing and deciding cost. Run as
``python -m bench.unstored PORT RECEIVER_PORT``.
"""

from __future__ import annotations

import asyncio
import sys
from hashlib import sha256
from itertools import count
from typing import Any

import aiohttp
import msgspec
import uvicorn

_JSON = [(b"content-type", b"application/json")]
_CREATED, _OK = 201, 200


class _Proposal(msgspec.Struct):
    action: str
    arguments: dict[str, Any]
    reason: str
    confidence: float
    labels: dict[str, str] = {}
    context: dict[str, Any] = {}


class _Ballot(msgspec.Struct):
    decision: str
    revision: int
    digest: str


class _Kept(msgspec.Struct):
    id: str
    digest: str
    state: str
    proposal: _Proposal


_proposal = msgspec.json.Decoder(_Proposal)
_ballot = msgspec.json.Decoder(_Ballot)
_encode = msgspec.json.Encoder().encode


class Unstored:
    """An ASGI application of two calls."""

    def __init__(self, receiver: int) -> None:
        self._target = f"http://127.0.0.1:{receiver}/"
        self._numbers = count(1)
        self._kept: dict[str, _Kept] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One call."""
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        path = scope["path"]
        status, said = self._decided(path, body) if path.endswith("/decisions") else self._submitted(body)
        length = str(len(said)).encode()
        await send({"type": "http.response.start", "status": status, "headers": [*_JSON, (b"content-length", length)]})
        await send({"type": "http.response.body", "body": said})

    def _submitted(self, body: bytes) -> tuple[int, bytes]:
        proposal = _proposal.decode(body)
        digest = "sha256:" + sha256(_encode(proposal)).hexdigest()
        kept = _Kept(f"req_{next(self._numbers):026}", digest, "pending", proposal)
        self._kept[kept.id] = kept
        return _CREATED, _encode(kept)

    def _decided(self, path: str, body: bytes) -> tuple[int, bytes]:
        ballot, kept = _ballot.decode(body), self._kept[path.split("/")[3]]
        if kept.state != "pending" or ballot.digest != kept.digest:
            raise RuntimeError("decided twice, or something else than was shown")
        kept.state = "approved"
        task = asyncio.get_running_loop().create_task(self._replay(kept))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return _OK, _encode(kept)

    async def _replay(self, kept: _Kept) -> None:
        self._client = self._client or aiohttp.ClientSession()
        data = {"request": kept.id, "arguments": kept.proposal.arguments}
        body = _encode({"type": "action.execute", "data": data})
        async with self._client.post(self._target, data=body) as response:
            await response.read()
        kept.state = "executed"


if __name__ == "__main__":
    app = Unstored(int(sys.argv[2]))
    uvicorn.run(app, port=int(sys.argv[1]), access_log=False, log_level="warning", lifespan="off")
