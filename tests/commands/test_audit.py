"""``sayso audit``: keys, checkpoints by hand, and verifying a store or an export, with status and words (T24)."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from bot.__main__ import main
from tests.commands import test_terminal
from tests.commands.test_terminal import ROOT

ENV = """
SAYSO_AUDIT_KEY={key}
SAYSO_AUDIT_CHECKPOINTS=kept.jsonl
"""


def sayso(folder: Path, words: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder, in this process, for a start of Python each would take longer than the test."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(words.split())
        except SystemExit as ended:
            status = int(ended.code or 0)
    return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())


class House:
    """A folder with a store of four lines, the third of them a checkpoint by hand, and an export of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        made = json.loads(sayso(folder, "audit key --json").stdout)
        self.public = made["public"]
        self.write_env(made["key"])
        self.key = made["key"]
        for name in ("billing", "support"):
            assert sayso(folder, f"key create {name}").returncode == 0
        self.signed = sayso(folder, "audit checkpoint")
        assert sayso(folder, "key create sales").returncode == 0
        self.export = folder / "trail.jsonl"
        assert sayso(folder, f"audit export --output {self.export}").returncode == 0

    def write_env(self, key: str) -> None:
        """Write the house's .env, with this key."""
        (self.folder / ".env").write_text(ENV.format(key=key), encoding="utf-8")

    def forge(self, *changes: tuple[str, str]) -> Path:
        """Another export, with words in it changed."""
        text = self.export.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        forged = self.folder / "forged.jsonl"
        forged.write_text(text, encoding="utf-8")
        return forged


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """One for all, which no test changes."""
    return House(tmp_path_factory.mktemp("house"))


def test_a_checkpoint_is_made_by_hand(house: House) -> None:
    """It signs what there is, puts it where checkpoints go, and once more is the same one."""
    assert (house.signed.returncode, house.signed.stderr) == (0, "")
    assert "Signed up to line 2" in house.signed.stdout
    assert "kept.jsonl: there" in house.signed.stdout
    (kept,) = (house.folder / "kept.jsonl").read_text().splitlines()
    point = json.loads(kept)["checkpoint"]
    assert (point["seq"], point["keys"], point["every"]) == (2, [house.public], 3600)
    lines = [json.loads(line) for line in house.export.read_text().splitlines()]
    assert [line["event"]["type"] for line in lines] == [
        "key.created",
        "key.created",
        "audit.checkpoint",
        "key.created",
    ]
    assert lines[2]["event"]["actor"].startswith("cli:")


def test_an_export_takes_the_place_of_the_one_before_once_it_is_whole(house: House, tmp_path: Path) -> None:
    """For its owner alone; a device is written to and stays one."""
    target = tmp_path / "again.jsonl"
    target.write_text("of yesterday")
    assert sayso(house.folder, f"audit export --output {target}").returncode == 0
    assert target.read_text().count("\n") == 4
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]
    assert sayso(house.folder, "audit export --output /dev/null").returncode == 0
    assert Path("/dev/null").is_char_device()


def test_public_keys_are_printed(house: House) -> None:
    """A line each, and nothing of the private ones."""
    told = sayso(house.folder, "audit key --public")
    assert (told.returncode, told.stdout) == (0, f"{house.public}\n")


def test_the_houses_own_trail_is_held_against_its_keys_and_places(house: House) -> None:
    """Without any option."""
    told = sayso(house.folder, "audit verify --json")
    report = json.loads(told.stdout)
    assert (told.returncode, report["ok"], report["lines"], report["checkpoints"]) == (0, True, 4, 2)
    assert (report["signed"]["seq"], report["unsigned"]) == (2, 2)
    assert "It is signed up to line 2, 2 after it not signed yet" in sayso(house.folder, "audit verify").stdout


def test_t24_an_export_and_a_key_are_all_it_takes(house: House, tmp_path: Path) -> None:
    """In a folder without a house: 0 where it holds, with checkpoints kept elsewhere as without."""
    told = test_terminal.sayso(tmp_path, f"audit verify {house.export} --key {house.public}")
    assert (told.returncode, told.stderr) == (0, "")
    assert "holds: 4 lines" in told.stdout
    kept = house.folder / "kept.jsonl"
    assert sayso(tmp_path, f"audit verify {house.export} --key {house.public} --checkpoints {kept}").returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("forged", "options", "says"),
    [
        ((("support", "forgery"),), "", "Line 2 was changed"),
        ((('{"seq":4', '{"seq":5'),), "", "Line 4 is missing or out of place"),
        ((('"seq":4,', '"seq":4,"seq":4,'),), "", "Line 4 of the file is no line"),
        (((',"event"', ', "event"'),), "", "Line 1 of the file is no line"),
        ((), "--key {stranger}", "signed by a strange key"),
        ((), "--max-age 0s", "is older than 0:00:00"),
    ],
)
def test_t24_what_is_found_is_status_1_and_said(
    house: House, forged: tuple[tuple[str, str], ...], options: str, says: str
) -> None:
    """The first fault, with its line."""
    stranger = "auditpk_" + "A" * 43
    words = options.format(stranger=stranger) if "--key" in options else f"--key {house.public} {options}"
    told = sayso(house.folder, f"audit verify {house.forge(*forged)} {words}")
    assert (told.returncode, told.stderr) == (1, "")
    assert says in told.stdout


@pytest.fixture
def forged(house: House, tmp_path: Path) -> Path:
    """A copy of the house in whose database the last line was edited."""
    folder = Path(shutil.copytree(house.folder, tmp_path / "copy"))
    driver = sqlite3.connect(folder / "sayso.db")
    driver.execute("UPDATE events SET body = replace(body, 'sales', 'forgery') WHERE seq = 4")
    driver.commit()
    driver.close()
    return folder


def test_t24_a_forged_trail_is_not_signed(forged: Path) -> None:
    """Neither holds the store, nor is anything signed in it; the places keep what they have."""
    told = sayso(forged, "audit verify")
    assert (told.returncode, "Line 4 was changed" in told.stdout) == (1, True)
    told = sayso(forged, "audit checkpoint --json")
    assert (told.returncode, json.loads(told.stdout)["ok"]) == (1, False)
    assert len((forged / "kept.jsonl").read_text().splitlines()) == 1


def test_t24_a_trail_that_was_cut_back_shows_at_the_places(house: House, tmp_path: Path) -> None:
    """A store that is older than its newest checkpoint elsewhere, head and all, is found by the file alone."""
    folder = Path(shutil.copytree(house.folder, tmp_path / "copy"))
    driver = sqlite3.connect(folder / "sayso.db")
    driver.execute("DELETE FROM events WHERE seq > 1")
    driver.execute("UPDATE chain SET seq = 1, hash = (SELECT hash FROM events WHERE seq = 1)")
    driver.execute("DELETE FROM kept")
    driver.commit()
    driver.close()
    told = sayso(folder, "audit verify")
    assert told.returncode == 1
    assert "Lines 2 to 2 were cut off: the checkpoint of line 2 (kept.jsonl:1) was signed at" in told.stdout


def test_a_place_that_cannot_be_reached_is_status_1(house: House, tmp_path: Path) -> None:
    """It is signed all the same, and said what is not there; verifying notes which place it could not read."""
    folder = Path(shutil.copytree(house.folder, tmp_path / "copy"))
    (folder / ".env").write_text(ENV.format(key=house.key) + "SAYSO_AUDIT_CHECKPOINT_EVERY=1m\n", encoding="utf-8")
    text = (
        (folder / ".env")
        .read_text()
        .replace("kept.jsonl", "kept.jsonl none/kept.jsonl s3://none?endpoint=http://127.0.0.1:9")
    )
    (folder / ".env").write_text(f"{text}AWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\n", encoding="utf-8")
    told = sayso(folder, "audit checkpoint")
    assert told.returncode == 1
    assert "Signed up to line 4" in told.stdout
    assert "none/kept.jsonl: No such file or directory" in told.stdout
    assert "s3://none: " in told.stdout
    told = sayso(folder, "audit verify")
    assert told.returncode == 0
    assert "note: the checkpoints at s3://none could not be read" in told.stdout
    named = "--checkpoints s3://none?endpoint=http://127.0.0.1:9"
    assert sayso(folder, f"audit verify {named}").returncode == 1
    told = sayso(folder, "audit verify --checkpoints https://example.com/took")
    assert (told.returncode, "a webhook cannot be read" in told.stderr) == (2, True)


def test_t24_without_a_key_it_is_said_that_there_is_none(house: House) -> None:
    """The chain alone is looked at; whoever reads it is told."""
    told = sayso(house.folder, f"audit verify {house.export}")
    assert told.returncode == 0
    assert "held against no key" in told.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("audit verify none.jsonl --key {public}", "none.jsonl: No such file"),
        ("audit verify trail.jsonl --key {key}", "is no public key"),
        ("audit verify trail.jsonl --key {public} --checkpoints none", "none: there is no such file"),
        ("audit verify --part", "--part is for exports"),
        ("audit verify trail.jsonl --max-age yesterday", "is no duration"),
    ],
)
def test_what_is_used_wrongly_is_status_2(house: House, words: str, says: str) -> None:
    """And said in a line, which repeats no private key."""
    told = sayso(house.folder, words.format(public=house.public, key="auditsk_x"))
    assert (told.returncode, told.stdout) == (2, "")
    assert says in told.stderr


def test_a_full_disk_behind_the_output_is_status_2(house: House) -> None:
    """`sayso audit export > trail.jsonl` is how it is written: it is told in a line that the file is not whole."""
    words = [sys.executable, "-c", "import sys; from bot.__main__ import main; sys.exit(main())", "audit", "export"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        told = subprocess.run(  # noqa: S603  # our own command
            words,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
            cwd=house.folder,
            env=environment,
        )
    assert told.returncode == 2
    assert told.stderr == "standard output: No space left on device; what was written is not whole.\n"


def test_the_script_of_the_docs_verifies(house: House) -> None:
    """It runs as it stands there, on an honest export, and fails on a forged one and with a strange key."""
    page = (ROOT / "docs" / "audit.md").read_text(encoding="utf-8")
    (script,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)

    def told(export: Path, *keys: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-W", "ignore", "-c", script, str(export), *keys]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603  # our own script

    assert told(house.export, house.public).stdout == "4 lines hold, signed up to line 2\n"
    assert "line 2 was changed" in told(house.forge(("support", "forgery")), house.public).stderr
    strange = "auditpk_" + "A" * 43
    # After a change of the key there are two of them.
    assert told(house.export, strange, house.public).stdout == "4 lines hold, signed up to line 2\n"
    assert "is signed by a strange key" in told(house.export, strange).stderr


def test_without_a_key_nothing_is_signed(tmp_path: Path) -> None:
    """It is said what to do; places without a key are no settings at all."""
    told = sayso(tmp_path, "audit checkpoint")
    assert (told.returncode, told.stdout) == (2, "")
    assert "sayso audit key makes one" in told.stderr
    assert sayso(tmp_path, "audit key --public").returncode == 1
    (tmp_path / ".env").write_text("SAYSO_AUDIT_CHECKPOINTS=kept.jsonl\n", encoding="utf-8")
    assert "SAYSO_AUDIT_CHECKPOINTS is set" in sayso(tmp_path, "audit checkpoint").stderr
