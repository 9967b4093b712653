"""One rule for exit statuses: 1 where the store has nothing of that name, 2 for wrong words and names of no rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.test_audit import sayso

RULES = """\
version: 1
people: {ana: {name: Ana}}
chains: {all: [{notify: ana}]}
default: {stages: [{chain: all}]}
"""
NOT_THERE = (
    "show req_1",
    "key revoke key_1",
    "erase nobody --yes",
    "trust show grt_1",
    "trust end grt_1 --why late",
    "doctor --reachable ana@corp.example",
)
USED_WRONGLY = ("link ben", "key create ben --reviewer", "erase nobody", "trust end grt_1", "diff none.yaml")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a key in it, and rules."""
    folder = tmp_path_factory.mktemp("house")
    (folder / "routing.yaml").write_text(RULES, encoding="utf-8")
    assert sayso(folder, "key create billing").returncode == 0
    return folder


def test_what_the_store_does_not_have_is_a_no(house: Path) -> None:
    """Whatever it is and whoever asks for it, to be shown or to be ended."""
    assert {words: sayso(house, words).returncode for words in NOT_THERE} == dict.fromkeys(NOT_THERE, 1)


def test_what_cannot_be_meant_is_used_wrongly(house: Path) -> None:
    """A name that routing.yaml does not have, a file that is not there, a word that is missing."""
    assert {words: sayso(house, words).returncode for words in USED_WRONGLY} == dict.fromkeys(USED_WRONGLY, 2)
