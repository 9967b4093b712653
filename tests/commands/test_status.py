"""One rule for exit statuses: 1 where the store has nothing of that name, 2 for wrong words and names of no rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.commands.test_audit import sayso
from tests.store.test_p10_unwritable import bound_by_file_modes

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
READERS = (
    "list",
    "show req_1",
    "key list",
    "audit verify",
    "audit export",
    "stats",
    "stats --attention",
    "report",
    "trust list",
    "trust show grt_1",
    "diff routing.yaml",
    "simulate routing.yaml",
)
WRITERS = (
    "pause",
    "key create sales",
    "examples export ../examples.jsonl",
    "report --html ../report.html",
    "audit checkpoint",
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


def test_t24_what_only_reads_answers_the_same_where_nothing_can_be_written(house: Path) -> None:
    """An auditor's commands need no right to write; what changes something, or is on record, does."""
    (house / ".env").write_text(f"SAYSO_AUDIT_KEY={sayso(house, 'audit key').stdout.split()[0]}\n", encoding="utf-8")
    for words in (*READERS, *WRITERS):
        sayso(house, words)  # loads what is loaded late, while this is still root
    known = {name: (house / name).read_bytes() for name in (".env", "routing.yaml", "sayso.db")}
    with bound_by_file_modes() as home:
        evidence = home / "evidence"
        evidence.mkdir()
        for name, data in known.items():
            (evidence / name).write_bytes(data)
        before = {words: sayso(evidence, words).returncode for words in READERS}
        there = sorted(evidence.iterdir())
        for path in there:
            path.chmod(0o400)
        evidence.chmod(0o500)
        assert {words: sayso(evidence, words).returncode for words in READERS} == before
        refused = {words: sayso(evidence, words) for words in WRITERS}
        assert {words: done.returncode for words, done in refused.items()} == dict.fromkeys(WRITERS, 2)
        taken = {words for words, done in refused.items() if "is put on record" in done.stderr}
        assert taken == {words for words in WRITERS if words.startswith(("report", "examples"))}
        assert sorted(evidence.iterdir()) == there
        evidence.chmod(0o700)
    assert set(before.values()) == {0, 1}
