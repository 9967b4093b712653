"""The process lock beside the database: one running sayso a file. The kernel lets go of it however the process ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import ClassVar

from bot.core.errors import SaysoError


class AlreadyRunning(SaysoError):
    """Another sayso is running on this database."""

    code: ClassVar[str] = "already_running"
    status: ClassVar[int] = 409


class Lock:
    """``<database>.lock``, held from construction to `release`; the file says who holds it and is never removed.

    It lies beside the file itself, where a symbolic link leads there: by another name it is still one database.
    """

    def __init__(self, database: Path) -> None:
        """Raises `AlreadyRunning` with the holder's process id, and ``OSError`` where the folder is not writable."""
        itself = database.resolve()
        path = itself.with_name(itself.name + ".lock")
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise AlreadyRunning(
                f"another sayso is running on this database (pid {holder}): stop it, or use another {database.name}"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let go."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
