"""``sayso key create``: every role, and the names that are nobody's to take."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.commands.test_terminal import sayso


@pytest.mark.parametrize("role", ["admin", "advisor"])
def test_a_key_has_the_role_that_was_asked_for(tmp_path: Path, role: str) -> None:
    """The key shows its role, and so does the list."""
    made = json.loads(sayso(tmp_path, f"key create checker --{role} --json").stdout)
    assert (made["name"], made["role"]) == ("checker", role)
    assert made["key"].startswith(f"sk_{role}_")
    assert [key["role"] for key in json.loads(sayso(tmp_path, "key list --json").stdout)] == [role]


def test_a_key_has_one_role(tmp_path: Path) -> None:
    """Two at once are used wrongly, and none is made."""
    told = sayso(tmp_path, "key create checker --advisor --admin")
    assert (told.returncode, list(tmp_path.iterdir())) == (2, [])


@pytest.mark.parametrize("role", ["", "--admin", "--advisor"])
def test_t10_nobody_takes_the_houses_name(tmp_path: Path, role: str) -> None:
    """An agent called as the house is could withdraw the review of a broken glass: no key has that name."""
    told = sayso(tmp_path, f"key create sayso {role}".strip())
    assert (told.returncode, told.stdout) == (2, "")
    assert "the house's own name" in told.stderr
    assert list(tmp_path.iterdir()) == []
