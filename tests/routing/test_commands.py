"""``sayso check``, ``sayso explain`` and ``sayso test``."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.commands import policy
from bot.commands.surroundings import CommandError
from tests.routing.cases import DATA, DEFAULT, GROUND

CONTRACT = str(DATA / "good" / "contract.yaml")
BROKEN = str(DATA / "broken" / "default-01.yaml")
REQUEST = {"action": "refund.issue", "arguments": {"order": "1", "amount": 50}, "confidence": 0.5}


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """A command's exit status and what it printed."""
    parser = argparse.ArgumentParser()
    policy.add_parsers(parser.add_subparsers(required=True))
    args = parser.parse_args(words)
    status: int = args.run(args)
    return status, capsys.readouterr().out


def test_check_says_good_and_warns(capsys: pytest.CaptureFixture[str]) -> None:
    """0 with warnings and the hash; --strict answers no where there are any."""
    status, out = run(capsys, "check", CONTRACT)
    assert status == 0
    assert "contract.yaml: warning: " in out
    assert "contract.yaml is good: 2 rules, 2 chains, 3 people, 2 actions; 6 warnings; sha256:" in out
    assert run(capsys, "check", CONTRACT, "--strict")[0] == 1
    assert run(capsys, "check", str(DATA / "good" / "smallest.yaml"), "--strict")[0] == 0


def test_check_tells_every_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """1, with file, line and column; the same as JSON."""
    status, out = run(capsys, "check", BROKEN)
    assert status == 1
    assert "default-01.yaml:18:17: the default cannot approve" in out
    status, out = run(capsys, "check", BROKEN, "--json")
    told = json.loads(out)
    assert (status, told["ok"], told["errors"][0]["line"]) == (1, False, 18)


def test_check_reads_the_configured_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without a name it is SAYSO_CONFIG."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SAYSO_CONFIG", CONTRACT)
    assert run(capsys, "check")[0] == 0


def test_explain_tells_the_path(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The request is read strictly, from a file or from input; the time may be given."""
    path = tmp_path / "request.json"
    path.write_text(json.dumps(REQUEST))
    words = ("--config", CONTRACT, "--at", "2026-03-02T10:00:00+01:00")
    status, out = run(capsys, "explain", str(path), *words, "--agent", "billing-assistant")
    assert status == 0
    assert "Answer: people decide 'refunds'" in out
    assert "2026-03-02 09:15:00 UTC ask lea through slack, email" in out
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(json.dumps(REQUEST).encode())))
    status, out = run(capsys, "explain", "-", *words, "--json")
    told = json.loads(out)
    assert told["rule"] == "refunds"
    asked = [(m["after"], m["people"], m["told"]) for m in told["stages"][0]["moments"] if m["what"] == "ask"]
    assert asked == [(0.0, ["ana", "ben"], {}), (900.0, ["lea"], {})]
    assert (told["limit"], told["checks"], told["stages"][0]["begins"]) == (None, [], True)
    path.write_text(json.dumps(REQUEST | {"arguments": {}}))
    assert run(capsys, "explain", str(path), *words)[0] == 1


@pytest.mark.parametrize("body", ["{", '{"actoin": "x"}', '{"action": "a", "action": "b"}'])
def test_explain_refuses_what_the_intake_would(capsys: pytest.CaptureFixture[str], tmp_path: Path, body: str) -> None:
    """A request that could not be posted is used wrongly."""
    path = tmp_path / "request.json"
    path.write_text(body)
    with pytest.raises(CommandError, match="is no request"):
        run(capsys, "explain", str(path), "--config", CONTRACT)


def test_what_cannot_be_read_is_used_wrongly(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A missing request, a broken routing file, and a time without a zone."""
    with pytest.raises(CommandError, match="cannot be read"):
        run(capsys, "explain", str(tmp_path / "none.json"), "--config", CONTRACT)
    with pytest.raises(CommandError, match="default cannot approve"):
        run(capsys, "test", "--config", BROKEN)
    for time in ("2026-03-02T10:00:00", "noon"):
        with pytest.raises(SystemExit) as stopped:
            run(capsys, "test", "--at", time)
        assert stopped.value.code == 2


def test_test_runs_the_files_own_tests(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """0 where all pass, 1 where one fails, and a word where there are none."""
    status, out = run(capsys, "test", "--config", CONTRACT)
    assert (status, out) == (0, "ok   big refunds go to legal\n1 test, 0 failed\n")
    path = tmp_path / "routing.yaml"
    path.write_text(f"{GROUND}{DEFAULT}tests: [{{name: x, given: {{action: a}}, expect: {{then: block}}}}]\n")
    status, out = run(capsys, "test", "--config", str(path))
    assert status == 1
    assert "FAIL x\n       then: expected block, got stages\n       by the rule 'default': default: no rule held" in out
    told: dict[str, Any] = json.loads(run(capsys, "test", "--config", str(path), "--json")[1])
    assert told["tests"][0]["passed"] is False
    timed = (
        "tests: [{name: x, at: 2026-03-02T09:00Z, given: {action: a}, expect: {timeline: [{after: 0s, ask: ana}]}}]\n"
    )
    path.write_text(GROUND + DEFAULT + timed)
    status, out = run(capsys, "test", "--config", str(path))
    assert status == 1
    assert "       timeline, line 1: expected 0s ask [ana], got 0s ask [ana, ben] in finance\n" in out
    path.write_text(GROUND + DEFAULT)
    assert "no tests" in run(capsys, "test", "--config", str(path))[1]
