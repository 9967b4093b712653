"""What blocks, beside the event loop, so that a caller that has waited long enough can go on and end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

_T = TypeVar("_T")


async def aside(call: Callable[[], _T]) -> _T:
    """The call's answer, or what it raised.

    In a daemon thread, unlike `asyncio.to_thread`: the program can end while a server is still silent.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[_T] = loop.create_future()

    def tell(answer: _T | None, fault: Exception | None) -> None:
        if future.done():
            return
        if fault is not None:
            future.set_exception(fault)
        else:
            future.set_result(answer)  # type: ignore[arg-type]  # there is an answer where nothing was raised

    def work() -> None:
        answer, fault = None, None
        try:
            answer = call()
        except Exception as raised:  # noqa: BLE001  # raised again where it is awaited
            fault = raised
        # The loop may have been closed meanwhile.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, answer, fault)

    threading.Thread(target=work, daemon=True).start()
    return await future
