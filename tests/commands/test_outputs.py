"""What commands write into files: never over the store itself, and whole or not at all."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.commands.test_audit import sayso

WRITERS = ("audit export --output", "examples export", "report --html")
RULES = """\
version: 1
people: {ana: {name: Ana}}
chains: {all: [{notify: ana}]}
default: {stages: [{chain: all}]}
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A store with something in it, and rules."""
    (tmp_path / "routing.yaml").write_text(RULES, encoding="utf-8")
    assert sayso(tmp_path, "key create billing").returncode == 0
    return tmp_path


@pytest.mark.parametrize("words", WRITERS)
def test_no_command_writes_over_the_store(house: Path, words: str) -> None:
    """Its files by name, by a link of either kind, and what would be written first on the way to another name."""
    store = house / "sayso.db"
    (house / "link.db").symlink_to(store)
    os.link(store, house / "hard.db")
    os.link(store, house / "other.part")
    was = store.read_bytes()
    for name in ("sayso.db", "sayso.db-wal", "sayso.db-shm", "sayso.db.lock", "link.db", "hard.db", "other"):
        told = sayso(house, f"{words} {house / name}")
        assert (told.returncode, told.stdout) == (2, "")
        assert "belongs to the store itself" in told.stderr
    assert (store.read_bytes()[:100], store.stat().st_nlink) == (was[:100], 3)
    assert sayso(house, "audit verify").returncode == 0


def test_an_export_that_fails_leaves_what_was_there(house: Path) -> None:
    """The former file stays to the byte where the store cannot be read, and nothing half lies beside it."""
    export = house / "trail.jsonl"
    assert sayso(house, f"audit export --output {export}").returncode == 0
    was = export.read_bytes()
    for _ in range(2):
        assert sayso(house, "key create sales").returncode == 0
    with closing(sqlite3.connect(house / "sayso.db")) as driver:
        driver.execute("ALTER TABLE events RENAME TO elsewhere")
        driver.commit()
    with pytest.raises(sqlite3.OperationalError):
        sayso(house, f"audit export --output {export}")
    assert export.read_bytes() == was
    assert not list(house.glob("*.part*"))
