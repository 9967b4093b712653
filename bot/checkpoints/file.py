"""A file of checkpoints: one JSON line each, on the disk before anybody is told."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bot.checkpoints.place import PlaceFailed
from bot.checkpoints.threads import in_thread
from bot.core.checkpoint import Signed, read, text
from bot.core.keyring import Attested

_TAIL = 64 * 1024


class FilePlace:
    """A file, one checkpoint a line."""

    def __init__(self, path: Path) -> None:
        """``path`` is made where it is not there; its folder is not."""
        self.name = str(path)
        self._path = path
        self._busy = False

    async def put(self, signed: Signed) -> None:
        """See `Place.put`."""
        if self._busy:
            raise PlaceFailed("the attempt before has not come back: the disk hangs")
        self._busy = True

        def work() -> None:
            try:
                append(self._path, text(signed).encode())
            finally:
                self._busy = False

        try:
            await in_thread(work)
        except OSError as fault:
            raise PlaceFailed(f"{fault.strerror or fault}") from fault

    async def read(self) -> tuple[Attested, ...]:
        """See `Place.read`."""
        try:
            return lines_of(await in_thread(self._path.read_bytes), self.name)
        except FileNotFoundError:
            return ()
        except OSError as fault:
            raise PlaceFailed(f"{fault.strerror or fault}") from fault


def append(path: Path, line: bytes) -> None:
    """Add the line, unless it is the last one. Raises ``OSError``."""
    fresh = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    try:
        size = os.lseek(file, 0, os.SEEK_END)
        tail = os.pread(file, _TAIL, max(size - _TAIL, 0))
        if tail.endswith(b"\n" + line + b"\n") or tail == line + b"\n":
            return
        # A power cut may have left half a line, which may not swallow this one.
        whole = (b"" if not tail or tail.endswith(b"\n") else b"\n") + line + b"\n"
        if os.write(file, whole) != len(whole):
            raise OSError(None, "the disk is full")
        os.fsync(file)
    finally:
        os.close(file)
    if fresh:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new file's name as durable as its content."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def lines_of(content: bytes, name: str) -> tuple[Attested, ...]:
    """The checkpoints in a file; a line that is none is passed over, for a power cut may leave half a one."""
    return tuple(_found(content, name))


def _found(content: bytes, name: str) -> Iterator[Attested]:
    for number, line in enumerate(content.splitlines(), 1):
        try:
            yield Attested(signed=read(line), where=f"{name}:{number}")
        except msgspec.DecodeError:
            continue
