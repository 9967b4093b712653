"""Syncs counted, and a slow disk: a small library (``syncs.c``) is preloaded into whatever is measured."""

from __future__ import annotations

import mmap
import shutil
import subprocess
import sys
from pathlib import Path

from bench.peers.install import CACHE

_SOURCE = Path(__file__).with_suffix(".c")
_WIDTH = 8


class NoCompiler(Exception):
    """There is no C compiler (``cc``) here, so syncs cannot be counted."""


def library() -> Path:
    """The library, compiled where it is not there yet. Raises `NoCompiler`."""
    built = CACHE / "syncs.so"
    if not built.exists() or built.stat().st_mtime < _SOURCE.stat().st_mtime:
        compiler = shutil.which("cc")
        if compiler is None:
            raise NoCompiler
        CACHE.mkdir(exist_ok=True)
        words = [compiler, "-shared", "-fPIC", "-O2", "-o", str(built), str(_SOURCE), "-ldl"]
        subprocess.run(words, check=True)  # noqa: S603  # our own words
    return built


class Syncs:
    """What the processes that get its `env` have synced."""

    def __init__(self, path: Path, *, delay: float = 0.0) -> None:
        """``delay`` in seconds is added to each sync. Raises `NoCompiler`."""
        path.write_bytes(bytes(_WIDTH))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _WIDTH)
        self.env = {"LD_PRELOAD": str(library()), "BENCH_SYNCS": str(path)}
        if delay:
            self.env["BENCH_SYNC_DELAY"] = str(int(delay * 1e6))

    def count(self) -> int:
        """How many so far."""
        return int.from_bytes(self._map[:_WIDTH], sys.byteorder)
