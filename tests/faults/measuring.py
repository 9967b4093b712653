"""What a process takes of the machine, as the kernel counts it."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from tests.stories.program import Program

_MIB = 1024


class Memory:
    """Resident memory of one process, and the most of it since `begin` (proc(5): ``VmHWM``, ``clear_refs``)."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")
        self._before = 0.0

    @classmethod
    def of(cls, program: Program) -> Self:
        """That of a running program."""
        return cls(program.pid)

    def begin(self) -> None:
        """Forget the most so far."""
        (self._folder / "clear_refs").write_text("5")
        self._before = self._read("VmRSS")

    def most_more(self) -> float:
        """MiB at the most since then, over what it was then."""
        return self._read("VmHWM") - self._before

    def _read(self, field: str) -> float:
        for line in (self._folder / "status").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) / _MIB
        raise LookupError(field)
