"""Who waits for a request to be decided or to have run, told the moment it is; nobody polls the store."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from bot.core.model import ExecutionState, Request


def settled(request: Request, *, outcome: bool) -> bool:
    """Whether a wait is over: decided (or otherwise ended), or with ``outcome`` its execution ended too."""
    if request.state.open:
        return False
    execution = request.execution
    # What is being rolled back has run, and has its result.
    return not outcome or execution is None or execution.state.ended or execution.state is ExecutionState.ROLLING_BACK


class Waiting:
    """The waits of this process, by request."""

    def __init__(self) -> None:
        self._waits: defaultdict[str, set[asyncio.Future[Request]]] = defaultdict(set)

    def join(self, request_id: str) -> asyncio.Future[Request]:
        """A future for the next change of the request; hand it back with `leave`."""
        future: asyncio.Future[Request] = asyncio.get_running_loop().create_future()
        self._waits[request_id].add(future)
        return future

    def leave(self, request_id: str, future: asyncio.Future[Request]) -> None:
        """Give a wait up."""
        waits = self._waits.get(request_id)
        if waits is not None:
            waits.discard(future)
            if not waits:
                del self._waits[request_id]

    def awaited(self, request_id: str) -> bool:
        """Whether anybody waits for this request."""
        return request_id in self._waits

    def tell(self, request: Request) -> None:
        """Wake everybody who waits for this request."""
        for future in self._waits.pop(request.id, ()):
            if not future.done():
                future.set_result(request)
