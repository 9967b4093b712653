"""The C library's allocator, told what this program is like. Of glibc's alone: elsewhere nothing is done.

By itself it gives each thread a heap of its own, so that threads need not wait for each other. Here they hardly could:
one runs Python at a time. The heaps would keep what a thread freed from all others, 1 MB after a start.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

_ARENA_MAX = -8
"""``M_ARENA_MAX`` of ``malloc.h``."""


def share_one_heap() -> None:
    """One heap for all threads that are still to come."""
    _called("mallopt", _ARENA_MAX, 1)


def give_back() -> None:
    """Give back what was freed: a start frees 1 MB that it needed to load modules, in pieces all over the heap."""
    _called("malloc_trim", 0)


def _called(name: str, *arguments: int) -> None:
    function: Any = getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
    if function is not None:
        function(*arguments)
