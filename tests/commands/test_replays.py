"""``sayso pause`` and ``resume`` by name: what is stopped is said, there and by whatever lists requests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.__main__ import main
from tests.databases import lay


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with a database of a bot."""
    lay(tmp_path / "sayso.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAYSO_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/sayso.db")


def test_one_agent_and_one_action(capsys: pytest.CaptureFixture[str]) -> None:
    """Each is said with its name; a name that nobody ever used is told apart, for a typo would stop nothing."""
    assert main(["key", "create", "billing"]) == 0
    capsys.readouterr()
    assert main(["pause", "--agent", "billing"]) == 0
    told = capsys.readouterr()
    assert (told.out, told.err) == ("Replays of the agent billing are stopped.\n", "")
    assert main(["pause", "--action", "refund\u202e", "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out) == {
        "paused": True,
        "changed": True,
        "agent": None,
        "action": "refund\u202e",
        "known": False,
        "stopped": {"everything": False, "agents": ["billing"], "actions": ["refund\u202e"]},
    }
    assert "is it spelt right?" in told.err
    assert "refund⟦U+202E⟧" in told.err
    assert main(["list"]) == 0
    listed = "Replays are stopped: of the agent billing; of the action refund⟦U+202E⟧."
    assert capsys.readouterr().out.splitlines()[0] == listed
    assert main(["resume"]) == 0
    assert capsys.readouterr().out.splitlines() == ["Replays were already running.", listed]
    assert main(["resume", "--agent", "billing"]) == 0
    assert main(["resume", "--action", "refund\u202e"]) == 0
    capsys.readouterr()
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "There are no such requests.\n"


def test_not_both_at_once() -> None:
    """An agent's own action would be another switch: it is used wrongly."""
    with pytest.raises(SystemExit) as told:
        main(["pause", "--agent", "a", "--action", "b"])
    assert told.value.code == 2
