"""A file that is being made: it has another name until it is whole, so that a kill leaves nothing that looks whole."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import ClassVar, Self

from bot.core.errors import SaysoError

Told = Callable[[str, int, int], None]
"""Hears how it goes: of what, how many are done, of how many."""

_SYNCED_EVERY = 8
"""Calls of `Part.following`: some 16 MB."""


class InTheWay(SaysoError):
    """What was to be written is there already, or is being written by somebody else."""

    code: ClassVar[str] = "in_the_way"
    status: ClassVar[int] = 409


def refuse_own(file: Path, store: Path) -> None:
    """Raise `InTheWay` where writing ``file`` would end the store: its database, its lock or a log, by whatever name.

    A part of that name is one of them, too: it is emptied before anything is written.
    """
    itself = store.resolve()
    own = [itself.with_name(itself.name + end) for end in ("", "-wal", "-shm", "-journal", ".lock")]
    for name in (file, _part_of(file)):
        if any(name.resolve() == each.resolve() or _same(name, each) for each in own):
            raise InTheWay(f"{file} belongs to the store itself: name another file")


def refuse_emptied(source: Path, file: Path) -> None:
    """Raise `InTheWay` where writing ``file`` would empty what is read for it: ``source`` is the part of that name."""
    part = _part_of(file)
    if source.resolve() == part.resolve() or _same(source, part):
        raise InTheWay(f"{source} is where {file} would be written first: give it another name, then try again")


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _part_of(file: Path) -> Path:
    return file.with_name(file.name + ".part")


class Part:
    """``FILE.part``, for its owner alone, locked while it is written; `keep` gives it its name, once it is on disk.

    One that a killed process left is written over. Leaving the block without `keep` removes it.
    """

    def __init__(self, file: Path, *, replace: bool, inherits: bool = False) -> None:
        """``replace``: whether a file of that name may be there; ``inherits``: whether its owner has the new one, too.

        Nothing is made before the block is entered.
        """
        self.file = file
        self._inherits = inherits
        self._replace = replace
        self.path = _part_of(file)
        self._descriptor = -1

    def __enter__(self) -> Self:
        """Make it, empty. Raises `InTheWay` where the name is taken or another process writes it, and ``OSError``."""
        self._refuse()
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise InTheWay(f"{self.path} is being written by another sayso just now") from None
        self._descriptor = descriptor
        os.fchmod(descriptor, 0o600)
        os.ftruncate(descriptor, 0)
        self._sweep()
        return self

    def following(self, told: Told) -> Told:
        """``told``, and now and then what was written is synced: all of it at the end would hold up who commits."""
        calls = count(1)

        def heard(what: str, done: int, whole: int) -> None:
            if not next(calls) % _SYNCED_EVERY:
                os.fdatasync(self._descriptor)
            told(what, done, whole)

        return heard

    def keep(self) -> None:
        """Write it out and give it its name. Raises `InTheWay` where that is taken by now."""
        os.fsync(self._descriptor)
        self._refuse()
        if self._inherits:
            self._belong()
        self.path.replace(self.file)
        folder = os.open(self.file.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def __exit__(self, *_: object) -> None:
        """Let go of it; remove what was not kept."""
        with contextlib.suppress(OSError):
            # Ours alone: after `keep`, and a kill, another process may have begun one of the same name.
            if os.path.samestat(self.path.lstat(), os.fstat(self._descriptor)):
                self.path.unlink()
        self._sweep()
        os.close(self._descriptor)
        self._descriptor = -1

    def _belong(self) -> None:
        """Give it to whoever has the file that it replaces: a bot may not read what root restored for it."""
        with contextlib.suppress(FileNotFoundError, PermissionError):
            was = self.file.stat()
            os.fchown(self._descriptor, was.st_uid, was.st_gid)

    def _refuse(self) -> None:
        if self.file.exists() and not self.file.is_file():
            # A folder is found out too late, after all the work; a device, such as /dev/stdout, would be a file then.
            raise InTheWay(f"{self.file} is no file: name one")
        if not self._replace and self.file.exists():
            raise InTheWay(f"{self.file} is there already; --force writes over it")

    def _sweep(self) -> None:
        """Remove the logs of a part that a killed process left: SQLite would take them for this one's."""
        for end in ("-wal", "-shm", "-journal"):
            self.path.with_name(self.path.name + end).unlink(missing_ok=True)
