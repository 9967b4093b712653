"""Faults of the machine under a real process: a slow or failing disk, a wall clock that is set (see `libc.c`)."""

from __future__ import annotations

import errno
import functools
import mmap
import os
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import pytest

_SOURCE = Path(__file__).with_name("libc.c")
_FIELDS = ("clock_ms", "sync_ms", "sync_error", "write_error", "syncs", "writes_refused")
NONE, FULL, READ_ONLY, BROKEN = 0, errno.ENOSPC, errno.EROFS, errno.EIO


@functools.cache
def library() -> Path:
    """The library, compiled once a run. Skips where there is no C compiler, and fails under SAYSO_TEST_ALL=1."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        if os.environ.get("SAYSO_TEST_ALL") == "1":
            pytest.fail("there is no C compiler")
        pytest.skip("there is no C compiler")
    made = Path(tempfile.mkdtemp(prefix="sayso-faults-")) / "faults.so"
    words = [compiler, "-O1", "-shared", "-fPIC", "-Wall", "-Werror", "-o", str(made), str(_SOURCE), "-ldl"]
    subprocess.run(words, check=True, timeout=60)  # noqa: S603  # our own source
    return made


class Machine:
    """What goes wrong under one process: put `environment` into its environment, then set and take back faults."""

    def __init__(self, folder: Path) -> None:
        """``folder`` keeps the page that the process reads."""
        path = folder / "faults.page"
        path.write_bytes(bytes(8 * len(_FIELDS)))
        self.environment = {"LD_PRELOAD": str(library()), "FAULTS": str(path)}
        with path.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 0)

    def set(self, field: str, value: int) -> None:
        """Set a fault: ``clock_ms``, ``sync_ms``, or an errno as ``sync_error`` or ``write_error`` (0: none)."""
        struct.pack_into("q", self._page, 8 * _FIELDS.index(field), value)

    def get(self, field: str) -> int:
        """A field as it stands: ``syncs`` and ``writes_refused`` are counted by the process."""
        value: int = struct.unpack_from("q", self._page, 8 * _FIELDS.index(field))[0]
        return value

    def jump(self, *, hours: float) -> None:
        """Set the process's wall clock so far off; monotonic time goes on as it did."""
        self.set("clock_ms", round(hours * 3_600_000))

    def behave(self) -> None:
        """Take every fault back but the clock's."""
        for field in ("sync_ms", "sync_error", "write_error"):
            self.set(field, 0)
