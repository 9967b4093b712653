"""What a person at a terminal is told when something is missing, misspelt or cut short."""

from __future__ import annotations

import json
import subprocess
import sys
from argparse import Namespace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from bot.__main__ import parser_for
from bot.commands.calls import Bot
from bot.commands.surroundings import CommandError, say
from bot.commands.up import email_line
from bot.settings import read_env, settings_of

ROOT = Path(__file__).parents[2]
BESIDE_A_DATABASE = ("list", "show req_1", "key list", "key revoke key_1", "pause", "resume", "audit verify")


def sayso(folder: Path, words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run it in the folder, with these variables of ours alone in the environment."""
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"} | variables
    command = [sys.executable, "-m", "bot", *words.split()]
    return subprocess.run(  # noqa: S603  # our own program
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("words", BESIDE_A_DATABASE)
def test_a_command_in_the_wrong_folder_says_so(tmp_path: Path, words: str) -> None:
    """No database is made on the way: `pause` must never say "stopped" of a bot that it has not reached."""
    told = sayso(tmp_path, words)
    assert (told.returncode, told.stdout) == (2, "")
    assert f"There is no database at {tmp_path / 'sayso.db'}" in told.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_first_key_comes_before_the_first_start(tmp_path: Path) -> None:
    """`sayso key create` makes the database, as the README has it."""
    assert sayso(tmp_path, "key create billing").returncode == 0
    assert "billing" in sayso(tmp_path, "key list").stdout


def test_the_demo_takes_no_folder_that_an_address_cannot_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Its database would stand beside the folder, and be there still at the next start, which empties that alone."""
    with pytest.raises(SystemExit) as ended:
        parser_for("demo").parse_args(["demo", "--directory", "what?"])
    assert (ended.value.code, "question mark" in capsys.readouterr().err) == (2, True)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    """The settings' lines and the rules' lines come together."""
    (tmp_path / "routing.yaml").write_text("version: 2\n", encoding="utf-8")
    told = sayso(tmp_path, "up")
    assert told.returncode == 2
    assert "SAYSO_SECRET: missing" in told.stderr
    assert "routing.yaml:1:" in told.stderr


def test_what_cannot_be_read_is_not_said_back(tmp_path: Path) -> None:
    """An address and a key hold secrets: neither a trace of our own nor the header that took no key shows them."""
    told = sayso(tmp_path, "list", SAYSO_DATABASE_URL="postgresql+asyncpg://sayso:hunter2@localhost:port/sayso")
    assert (told.returncode, told.stderr) == (2, "SAYSO_DATABASE_URL is no URL: try sqlite+aiosqlite:///sayso.db\n")
    (tmp_path / "request.json").write_text('{"action": "a.b"}', encoding="utf-8")
    told = sayso(tmp_path, "send request.json", SAYSO_KEY="sk_agent_hunter2\n# the key")
    assert (told.returncode, "hunter2" in told.stderr) == (2, False)
    assert "copy it once more" in told.stderr


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({}, "EMAIL_REPLY_TO and IMAP_URL (or EMAIL_LISTEN) are not set"),
        ({"EMAIL_REPLY_TO": "approvals+{token}@sayso.example"}, "because IMAP_URL (or EMAIL_LISTEN) is not set"),
    ],
)
def test_what_replies_by_mail_still_need_is_named(tmp_path: Path, variables: dict[str, str], missing: str) -> None:
    """Only what is missing: an admin who has set one of two looks for the other."""
    values = {
        "SAYSO_SECRET": "terminal-terminal-terminal-terminal",
        "SAYSO_CONFIG": str(tmp_path / "routing.yaml"),
        "SMTP_URL": "smtp://127.0.0.1:2525",
        "EMAIL_FROM": "Sayso <sayso@sayso.example>",
    }
    assert missing in email_line(settings_of(read_env(values | variables)))


def test_t03_nothing_that_is_printed_moves_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """C1 controls and what turns a text are escapes in JSON, which reads the same, and marks in a text."""
    hostile = "a\x9b2J\x1b[1A\u202eb\u2028c"
    say(Namespace(json=True), {"title": hostile}, "")
    printed = capsys.readouterr().out
    assert json.loads(printed) == {"title": hostile}
    assert not set(hostile) & set("\x9b\x1b\u202e\u2028") & set(printed)
    say(Namespace(json=False), None, f"{hostile}\nd\te")
    assert capsys.readouterr().out == "a⟦U+009B⟧2J⟦U+001B⟧[1A⟦U+202E⟧b⟦U+2028⟧c\nd\te\n"


class _Elsewhere(BaseHTTPRequestHandler):
    """Leads whoever posts to another name of this very server, and keeps what comes there."""

    keys: ClassVar[list[str | None]] = []

    def do_POST(self) -> None:
        """Lead on."""
        self.send_response(302)
        self.send_header("Location", f"http://localhost:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]  # an HTTPServer's
        self.end_headers()

    def do_GET(self) -> None:
        """What a redirect that is followed comes to."""
        self.keys.append(self.headers["Authorization"])
        self.do_POST()

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


def test_t21_a_key_is_not_taken_to_where_an_answer_leads() -> None:
    """`sayso send` follows no redirect: it would give the key to whatever stands there."""
    with HTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            with pytest.raises(CommandError, match="leads to http://localhost:"):
                Bot(f"http://127.0.0.1:{server.server_port}", "sk_agent_x").call("POST", "/v1/requests", b"{}")
        finally:
            server.shutdown()
    assert _Elsewhere.keys == []


@pytest.mark.parametrize("words", ["list --limit 0", "list --limit -3", "list --limit x", "demo --port 99999", ""])
def test_a_number_that_cannot_be_meant_is_named(tmp_path: Path, words: str) -> None:
    """Used wrongly is status 2, with the usage."""
    told = sayso(tmp_path, words)
    assert (told.returncode, told.stderr.startswith("usage: sayso")) == (2, True)
