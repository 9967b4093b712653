"""Where the tests write: in memory where there is room for it, for their syncs are a third of what they cost."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")  # noqa: S108  # a folder of a random name is made in it
ROOM = 2 * 2**30
"""Bytes that must be free there: several times what a run of the whole suite holds at once. A container has 64 MB."""
_NAME = "sayso-tests"
_TAKEN = pytest.StashKey[Path]()


def roomy(place: Path = MEMORY, room: int = ROOM) -> bool:
    """Whether everything that the tests write, their own programs included, finds room there and may run."""
    if not place.is_dir() or not os.access(place, os.W_OK) or os.statvfs(place).f_flag & os.ST_NOEXEC:
        return False
    return shutil.disk_usage(place).free >= room


def take(config: pytest.Config, place: Path = MEMORY) -> None:
    """Have everything that makes a temporary folder make it there, if there is room; what a run left goes with it.

    ``--basetemp`` or TMPDIR name another place. No test pulls a plug, so none can tell the two apart: what is killed
    here are processes, and what they wrote outlives them in either. The tests of a full, slow or broken disk bring
    their own (tests/fakes/libc.py, and a mount of a few megabytes).
    """
    if "PYTEST_XDIST_WORKER" in os.environ or config.getoption("basetemp") or "TMPDIR" in os.environ:
        return
    if not roomy(place):
        return
    for left in place.glob(f"{_NAME}-*"):
        if _held(left) is not None:  # by nobody until now: its run failed, or was killed
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{_NAME}-", dir=place))
    _held(folder)
    # PostgreSQL, which is not run as root, has its folder within; nobody else may list it.
    folder.chmod(0o711)
    os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    config.stash[_TAKEN] = folder


def _held(folder: Path) -> int | None:
    """A hold on a folder, which ends with this process; None where another run has it, or another user."""
    try:
        hold = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return None
    try:
        fcntl.flock(hold, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(hold)
        return None
    return hold


def leave(config: pytest.Config) -> None:
    """Take the folder away once the workers are gone; after a failure it is not called, and the next run does."""
    folder = config.stash.get(_TAKEN, None)
    if folder is not None:
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
