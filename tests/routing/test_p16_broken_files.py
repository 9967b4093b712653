"""P16: a bad policy never loads, and what is wrong is told with its place; good files load.

Each file of ``tests/data/routing/broken`` says in its first line where its fault stands and what is said of it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.core.errors import SaysoError
from bot.core.model import Then
from bot.routing import RoutingErrors, load, parse, run_tests
from tests.routing.cases import DATA, DEFAULT, GROUND, NOW, faults

BROKEN = sorted((DATA / "broken").glob("*.yaml"))
GOOD = [*sorted((DATA / "good").glob("*.yaml")), Path(__file__).parents[2] / "examples" / "routing.yaml"]
EXPECT = re.compile(r"# expect (\d+):(\d+) (.*)")


def test_p16_there_are_enough_broken_files() -> None:
    """The promise is tested with at least 300 broken files."""
    assert len(BROKEN) >= 300


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_p16_a_broken_file_is_refused_at_its_place(path: Path) -> None:
    """None of them loads, and the fault is told with line, column and words."""
    expected = EXPECT.match(path.read_text(encoding="utf-8"))
    assert expected is not None
    with pytest.raises(RoutingErrors) as refused:
        load(path)
    place = (int(expected[1]), int(expected[2]))
    told = [f"{e.what}; {e.fix}" for e in refused.value.errors if (e.line, e.column) == place]
    assert any(expected[3] in words for words in told), str(refused.value)


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_files_load_and_pass_their_own_tests(path: Path) -> None:
    """A good file loads, whatever way its values are written in, and its own tests hold."""
    assert all(result.passed for result in run_tests(load(path), NOW))


def test_p16_every_fault_is_told_at_once_and_in_order() -> None:
    """One pass finds all faults; they are sorted by place, one line each, and the error says its code."""
    text = "version: 2\npeople: {ana: {mail: x}}\nchains: {a: [{notfy: ana}]}\nrules: [{name: a}]\n"
    with pytest.raises(RoutingErrors) as refused:
        parse(text, "routing.yaml")
    lines = str(refused.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == [
        "routing.yaml:1:1",
        "routing.yaml:1:10",
        "routing.yaml:2:16",
        "routing.yaml:3:14",
        "routing.yaml:3:15",
        "routing.yaml:4:9",
    ]
    assert 'unknown key "notfy" in a step of the chain "a"; did you mean "notify"?' in lines[4]
    assert isinstance(refused.value, SaysoError)
    assert refused.value.code == "bad_routing"


def test_p16_no_default_no_policy() -> None:
    """A file that does not say what happens where no rule holds is no policy; and the default cannot approve."""
    assert "say what happens where no rule holds" in faults(GROUND)[0].fix
    assert "nobody said anything" in faults(GROUND + "default: {then: approve}\n")[0].what
    assert parse("version: 1\ndefault: {then: block}\n", "x").default.then is Then.BLOCK


def test_p16_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A missing file, a folder, bytes that are no UTF-8 and a file too large are each said, never half-read."""
    text = (GROUND + DEFAULT).encode()
    for content, words in (
        (None, "cannot be read"),
        (text + b"# caf\xe9", "not UTF-8"),
        (text + b"#" * (1 << 20), "larger than 1 MiB"),
        (text.replace(b"\n", b"\r"), "U+000D"),
    ):
        path = tmp_path / "routing.yaml"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(RoutingErrors, match=re.escape(words)):
            load(path)
    with pytest.raises(RoutingErrors, match="cannot be read"):
        load(tmp_path)


def test_p16_the_hash_is_of_the_bytes(tmp_path: Path) -> None:
    """Line ends as Windows writes them, and a byte order mark, load alike, but the hash is of the file as it is."""
    text = GROUND + DEFAULT
    plain, windows = tmp_path / "a.yaml", tmp_path / "b.yaml"
    plain.write_bytes(text.encode())
    windows.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load(plain).chains == load(windows).chains
    assert load(plain).hash != load(windows).hash
    assert load(plain).hash == parse(text, "x").hash
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", load(plain).hash)


def test_a_file_of_nothing_but_faults_is_told_in_part() -> None:
    """At most 200 faults are told; the file is refused all the same."""
    found = faults("\n".join(f"k{n}: 1" for n in range(500)))
    assert len(found) == 200
