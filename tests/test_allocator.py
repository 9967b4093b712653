"""One heap for all threads, and what was freed given back: `bot.allocator`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import allocator

HEAPS = """\
import ctypes, sys, threading

libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fdopen.restype = ctypes.c_void_p
if "shared" in sys.argv:
    from bot.allocator import share_one_heap

    share_one_heap()
threads = [threading.Thread(target=libc.malloc, args=(70_000,)) for _ in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
told = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, told)
libc.fflush(told)
"""


def _heaps(*words: str) -> int:
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[1])}
    shown = subprocess.run([sys.executable, "-c", HEAPS, *words], env=env, capture_output=True, check=True)  # noqa: S603  # our own interpreter
    return shown.stdout.count(b"<heap nr=")


@pytest.mark.skipif(not hasattr(os, "confstr") or "CS_GNU_LIBC_VERSION" not in os.confstr_names, reason="of glibc")
def test_threads_share_one_heap() -> None:
    """Each would have its own by itself, and keep from the others what it frees."""
    assert _heaps() > 1
    assert _heaps("shared") == 1


def test_another_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no such call, a start goes on without."""
    monkeypatch.setattr(sys, "platform", "darwin")
    allocator.share_one_heap()
    allocator.give_back()
