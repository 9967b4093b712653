"""Work that may hang with its disk, in a thread that nobody has to wait for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """What ``work`` returns or raises, from a thread of its own.

    Not one of asyncio's: there are few of those, names are resolved in them, and the program waits for them as it ends.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def give(value: T | None, fault: BaseException | None) -> None:
        if answer.done():
            return
        if fault is not None:
            answer.set_exception(fault)
        else:
            answer.set_result(value)  # type: ignore[arg-type]  # without a fault there is a value

    def run() -> None:
        value: T | None = None
        fault: BaseException | None = None
        try:
            value = work()
        except BaseException as raised:  # noqa: BLE001  # whoever waits gets to know of it
            fault = raised
        try:
            loop.call_soon_threadsafe(give, value, fault)
        except RuntimeError:
            # The loop is closed: nobody waits any more.
            return

    threading.Thread(target=run, name="checkpoint", daemon=True).start()
    return await answer
