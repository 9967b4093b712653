"""``python -m bench peers``: install what Sayso is compared with, each into its own environment under ``.bench/``.

Nothing of it enters the project's environment. The versions stand in the ``.txt`` files here; the table prints them.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

CACHE = Path(__file__).parents[2] / ".bench"
"""Where the bench keeps what is made once: environments, a compiled library, a large database. Git leaves it alone."""

PEERS = {"langgraph": "bench.peers.graph", "dbos": "bench.peers.workflow", "orm": "bench.peers.orm"}
"""Each environment's name and the service that runs in it."""


def wanted(peer: str) -> str:
    """The peer's list of requirements."""
    return (Path(__file__).parent / f"{peer}.txt").read_text(encoding="utf-8")


def python_of(peer: str) -> Path:
    """The peer's interpreter."""
    return CACHE / peer / "bin" / "python"


def installed(peer: str) -> bool:
    """Whether the peer's environment holds what is wanted now."""
    made = CACHE / peer / "made.txt"
    return made.exists() and made.read_text(encoding="utf-8") == wanted(peer)


def install(peer: str) -> None:
    """Make the peer's environment anew. Raises ``subprocess.CalledProcessError``."""
    folder = CACHE / peer
    venv.create(folder, clear=True, with_pip=True)
    listed = Path(__file__).parent / f"{peer}.txt"
    words = ["-m", "pip", "install", "--quiet", "--quiet", "--disable-pip-version-check", "-r", str(listed)]
    subprocess.run([str(python_of(peer)), *words], check=True)  # noqa: S603  # our own words
    (folder / "made.txt").write_text(wanted(peer), encoding="utf-8")


def install_all() -> int:
    """Install what is not there yet; 0 if all is."""
    CACHE.mkdir(exist_ok=True)
    failed = 0
    for peer in PEERS:
        sys.stdout.write(f"{peer}: {'is there' if installed(peer) else 'is being installed'}\n")
        sys.stdout.flush()
        try:
            if not installed(peer):
                install(peer)
        except subprocess.CalledProcessError as problem:
            sys.stdout.write(f"{peer}: not installed: {problem}\n")
            failed = 1
    return failed


def versions(peer: str) -> str:
    """What the peer's list pins, without its comments; or that it is not installed."""
    pinned = ", ".join(line.replace("==", " ") for line in wanted(peer).splitlines() if not line.startswith("#"))
    return pinned if installed(peer) else f"not installed (python -m bench peers): {pinned}"
