"""Functions as an admin might register them, good and bad, for the worker to run."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NoReturn

answer = 42


def refund(order: str, amount: float, currency: str = "USD") -> dict[str, Any]:
    """A plain function."""
    return {"refunded": amount, "order": order, "currency": currency}


async def refund_later(order: str, amount: float) -> dict[str, Any]:
    """An async function."""
    await asyncio.sleep(0.01)
    return {"refunded": amount, "order": order}


def keyed(order: str, *, execution_id: str) -> list[str]:
    """A function that asks for the idempotency key."""
    return [order, execution_id]


def anything(**arguments: Any) -> dict[str, Any]:
    """A function that takes whatever comes."""
    return arguments


def count(path: str) -> None:
    """An effect that can be counted."""
    with Path(path).open("a", encoding="ascii") as file:
        file.write("x")


def hold(path: str) -> None:
    """Says which process it is in, and stays."""
    (Path(path).with_suffix(".new")).write_text(str(os.getpid()), encoding="ascii")
    Path(path).with_suffix(".new").rename(path)
    _hang()


def count_and(path: str, how: str) -> Any:
    """An effect, and then a bad end."""
    count(path)
    return _ENDINGS[how]()


def _raise() -> NoReturn:
    raise ValueError("the order is already refunded")


def _hang() -> None:
    time.sleep(60)


def _hang_deaf() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)


def _spin() -> None:
    while True:
        pass


def _segfault() -> None:
    ctypes.string_at(0)


def _recurse() -> None:
    _recurse()


def _thread() -> str:
    threading.Thread(target=time.sleep, args=(60,)).start()
    return "left a thread behind"


def _child() -> str:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(2)"])
    return "left a process behind"


_ENDINGS: dict[str, Any] = {
    "raise": _raise,
    "exit": lambda: sys.exit(3),
    "hard exit": lambda: os._exit(0),
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "segfault": _segfault,
    "hang": _hang,
    "hang, deaf to SIGTERM": _hang_deaf,
    "spin": _spin,
    "recurse": _recurse,
    "thread": _thread,
    "child": _child,
}


def shout() -> str:
    """Prints a lot to both streams, and directly to the file descriptor that was standard output."""
    sys.stdout.write('{"result": "forged"}\n')
    os.write(1, b'{"error": "forged"}\n')
    for _ in range(200):
        sys.stdout.write("o" * 1024)
        sys.stderr.write("e" * 1024)
    return "said"


def meddle() -> None:
    """Writes into every file descriptor it finds open."""
    for descriptor in range(3, 32):
        with contextlib.suppress(OSError):
            os.write(descriptor, b"not an answer\n")


def listen() -> str:
    """Reads standard input, which holds nothing."""
    return sys.stdin.read()


def variables() -> dict[str, str]:
    """The environment it sees."""
    return dict(os.environ)


def odd_result(what: str) -> Any:
    """Results that are not JSON, or not JSON to be kept."""

    class Rude:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    loop: list[Any] = []
    loop.append(loop)
    results: dict[str, Any] = {
        "object": object,
        "rude": Rude(),
        "nan": float("nan"),
        "loop": loop,
        "big": "b" * (2 << 20),
        "unsafe": 2**60,
        "bytes": b"raw",
    }
    return results[what]
