"""Serving HTTP: the listening socket, the server, and the loop that all of it runs on."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from bot.allocator import give_back
from bot.ending import Ending
from bot.settings import Settings, SettingsError
from bot.web.wire import IDLE_SECONDS, MOST_CONNECTIONS, BoundedHttp, Room, Seldom

_INTAKE_STOPS_WITHIN = 5
_SWITCH_INTERVAL = 0.0005
_OBJECTS_A_LOOK = 20_000
_FILES_OF_OURS = 256
"""Files and connections that are not callers': the store's, the channels', the log's."""


async def serve(
    web: ASGIApp,
    listener: socket.socket,
    *,
    opened: Callable[[], None],
    closing: Callable[[], None],
    ending: Ending,
    drain: float = 0.0,
) -> None:
    """Answer HTTP until told to end; ``opened`` is called once it does, ``closing`` as it ends.

    ``drain``: so many seconds more, in which whoever asks hears that no more should be sent here.
    """

    class Http(BoundedHttp):
        room = Room(room())

    config = uvicorn.Config(
        web,
        http=Http,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=_INTAKE_STOPS_WITHIN,
    )
    seldom = Seldom()
    logging.getLogger("uvicorn.error").addFilter(seldom)
    collect_seldom()
    server = _Server(config, opened, closing)
    watching = asyncio.ensure_future(_end(server, ending, drain))
    try:
        await server.serve(sockets=[listener])
    finally:
        watching.cancel()
        logging.getLogger("uvicorn.error").removeFilter(seldom)


def collect_seldom() -> None:
    """Let the collector look at what is new alone, and not too often."""
    # What was imported and built stays for good: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    give_back()
    # What a call makes is freed by counting; a look every 700 objects, the default, finds next to nothing.
    gc.set_threshold(_OBJECTS_A_LOOK, 20, 20)


def room() -> int:
    """How many connections there may be: fewer where the process may open few files, even after asking for more."""
    if find_spec("resource") is None:
        return MOST_CONNECTIONS
    import resource  # noqa: PLC0415  # absent on some platforms

    wanted = MOST_CONNECTIONS + _FILES_OF_OURS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return min(MOST_CONNECTIONS, max(soft // 2, soft - _FILES_OF_OURS))


async def _end(server: uvicorn.Server, ending: Ending, drain: float) -> None:
    """Close the server once it is told to, and wait for nobody's answer once it is told again."""
    await ending.asked.wait()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(drain):
            await ending.hurried.wait()
    server.should_exit = True
    await ending.hurried.wait()
    server.force_exit = True


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is open and when it begins to close."""

    def __init__(self, config: uvicorn.Config, opened: Callable[[], None], closing: Callable[[], None]) -> None:
        super().__init__(config)
        self._opened = opened
        self._closing = closing

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to `Ending`.

        uvicorn would raise each once again, which ends the process before the claims under way can finish (P14).
        """
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Open, then say so."""
        await super().startup(sockets)
        self._opened()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer those who wait with what is so, then close."""
        self._closing()
        await super().shutdown(sockets)


def listen(settings: Settings) -> socket.socket:
    """The listening socket; a port that is taken is said in a line."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    # asyncio's own loop sends at once (TCP_NODELAY) only on sockets that name their protocol. Left to the kernel, every
    # answer's body would wait 40 ms for its head to be acknowledged.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as problem:
        listener.close()
        line = f"SAYSO_LISTEN: cannot listen on {settings.host}:{settings.port} ({problem.strerror}); choose another."
        raise SettingsError((line,)) from None
    listener.listen(2048)
    listener.setblocking(False)  # noqa: FBT003  # the method takes no keyword
    return listener


def run(main: Any) -> Any:
    """Run the program's main coroutine on the fastest loop there is."""
    # The readers' threads need the interpreter back after every statement; at the default of 5 ms a busy loop
    # would make each statement wait that long.
    sys.setswitchinterval(_SWITCH_INTERVAL)
    factory = None
    if find_spec("uvloop") is not None:
        import uvloop  # noqa: PLC0415  # absent on some platforms

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)
