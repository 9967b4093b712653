"""The file beside the environment: its lines, who wins, what is misspelt or cannot be read, and the example of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import VARIABLES, SettingsError, env_example, read_env, settings_of
from tests.test_settings import NAMES

ROOT = Path(__file__).parent.parent


LINES: list[tuple[str, str]] = [
    ("SAYSO_SECRET=plain", "plain"),
    ("export SAYSO_SECRET = spaced out ", "spaced out"),
    ("  SAYSO_SECRET='single # quoted'", "single # quoted"),
    ('SAYSO_SECRET="double quoted" # and a comment', "double quoted"),
    ("SAYSO_SECRET=a#b", "a#b"),
    ("SAYSO_SECRET=a # a comment", "a"),
    ("SAYSO_SECRET=a\t# a comment", "a"),
    ("SAYSO_SECRET= # nothing", ""),
    ("SAYSO_SECRET=", ""),
    ('SAYSO_SECRET=""', ""),
    ("SAYSO_SECRET=it's", "it's"),
    ("SAYSO_SECRET=a=b=", "a=b="),
    ("\ufeffSAYSO_SECRET=from an editor on Windows", "from an editor on Windows"),
    ("SAYSO_SECRET=first\nSAYSO_SECRET=last", "last"),
    ("# SAYSO_SECRET=commented\n\nSAYSO_SECRET=x", "x"),
]


NOT_LINES = ["SAYSO_SECRET", "= x", "sayso_secret=x", "SAYSO SECRET=x", 'SAYSO_SECRET="open', "SAYSO_SECRET='a'b'"]


def dotenv(folder: Path, text: str) -> Path:
    """An ``.env`` with this text."""
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("line", "value"), LINES)
def test_a_line_of_the_file(tmp_path: Path, line: str, value: str) -> None:
    """Quotes, comments, spaces and ``export`` are read as shells and other tools read them."""
    assert read_env({}, dotenv(tmp_path, line + "\n"))["SAYSO_SECRET"] == value


@pytest.mark.parametrize("line", NOT_LINES)
def test_a_line_that_is_none(tmp_path: Path, line: str) -> None:
    """It is refused with its number, never half understood."""
    with pytest.raises(SettingsError) as told:
        read_env({}, dotenv(tmp_path, f"# first\n{line}\nSAYSO_LOG=text\nnonsense\n"))
    assert [problem.split(": ")[0] for problem in told.value.problems] == [".env:2", ".env:4"]


PRECEDENCE: list[tuple[str, dict[str, str], str, str]] = [
    ("the environment wins", {"SAYSO_LOG": "env"}, "SAYSO_LOG=file", "env"),
    ("the file counts", {}, "SAYSO_LOG=file", "file"),
    ("an empty one turns it off", {"SAYSO_LOG": ""}, "SAYSO_LOG=file", "text"),
    ("a named file", {"SAYSO_LOG_FILE": "SECRET"}, "SAYSO_LOG=file", "kept"),
    ("a named file in the file", {}, "SAYSO_LOG_FILE=SECRET", "kept"),
    ("a value beside a named file", {"SAYSO_LOG": "env", "SAYSO_LOG_FILE": "SECRET"}, "", "env"),
    ("an empty value beside a named file", {"SAYSO_LOG": " ", "SAYSO_LOG_FILE": "SECRET"}, "", "kept"),
    ("a value over a file named in the file", {"SAYSO_LOG": "env"}, "SAYSO_LOG_FILE=SECRET", "env"),
    ("no file named", {"SAYSO_LOG_FILE": ""}, "SAYSO_LOG=file", "file"),
]


@pytest.mark.parametrize(("case", "environment", "text", "value"), PRECEDENCE, ids=[p[0] for p in PRECEDENCE])
def test_who_wins(tmp_path: Path, case: str, environment: dict[str, str], text: str, value: str) -> None:
    """The environment before the file; in either, a value before the file that holds it."""
    del case
    secret = tmp_path / "secret"
    secret.write_text("  kept\n", encoding="utf-8")
    told = {name: given.replace("SECRET", str(secret)) for name, given in environment.items()}
    assert read_env(told, dotenv(tmp_path, text.replace("SECRET", str(secret))))["SAYSO_LOG"] == value


def test_a_misspelt_name_of_mail_is_said_and_another_programs_passes(tmp_path: Path) -> None:
    """A misspelt EMAIL_AUTHSERV_ID would change whose word counts without a word; SMTP_USER is for somebody else."""
    text = "EMAIL_AUTHSERVID=mx.example.com\nEMAIL_REPLYTO=x\nSMTP_USER=x\nSMTP_HOST=x\nEMAIL_BACKEND=x\n"
    with pytest.raises(SettingsError) as told:
        read_env({}, dotenv(tmp_path, text))
    assert told.value.problems == (
        ".env: there is no EMAIL_AUTHSERVID; did you mean EMAIL_AUTHSERV_ID?",
        ".env: there is no EMAIL_REPLYTO; did you mean EMAIL_REPLY_TO?",
    )


def test_a_misspelt_name_of_push_is_said(tmp_path: Path) -> None:
    """A misspelt NTFY_TOKEN would publish without it; another program's NTFY_BASE_URL passes."""
    with pytest.raises(SettingsError) as told:
        read_env({}, dotenv(tmp_path, "NTFY_TOKENS=x\nAPPRISE_URL=x\nNTFY_BASE_URL=x\n"))
    assert told.value.problems == (
        ".env: there is no NTFY_TOKENS; did you mean NTFY_TOKEN?",
        ".env: there is no APPRISE_URL; did you mean APPRISE_URLS?",
    )


def test_a_misspelt_name_is_said(tmp_path: Path) -> None:
    """A SAYSO_ name that is none of ours is refused with the nearest; the sender's key and others' names pass."""
    text = "SAYSO_SECRT=x\nSAYSO_NONSENSE=x\nSAYSO_LOG_FILE=\nSAYSO_KEY=x\nOTHER=x\n"
    with pytest.raises(SettingsError) as told:
        read_env({}, dotenv(tmp_path, text))
    assert told.value.problems == (
        ".env: there is no SAYSO_SECRT; did you mean SAYSO_SECRET?",
        ".env: there is no SAYSO_NONSENSE; take it out.",
    )


def test_a_misspelt_name_of_the_environment_is_said() -> None:
    """As containers have them; what a cluster or other programs put there passes, unless it is nearly one of ours."""
    others = {
        "SAYSO_PORT_8000_TCP": "x",
        "SAYSO_SERVICE_HOST": "x",
        "SMTP_HOST": "x",
        "OTHER": "x",
        "SAYSO_KEY": " k\n",
    }
    assert read_env(others)["SAYSO_KEY"] == "k"
    with pytest.raises(SettingsError) as told:
        read_env(others | {"SAYSO_AUDIT_CHECKPOINT": "/mnt/worm"})
    assert told.value.problems == (
        "the environment: there is no SAYSO_AUDIT_CHECKPOINT; did you mean SAYSO_AUDIT_CHECKPOINTS?",
    )


def test_files_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    """A missing file, a folder and bytes that are no text: one line each, with what to do; an unreadable .env too."""
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe")
    environment = {
        "SAYSO_SECRET_FILE": str(tmp_path / "gone"),
        "SAYSO_WEBHOOK_SECRET_FILE": str(tmp_path),
        "SLACK_BOT_TOKEN_FILE": str(binary),
    }
    with pytest.raises(SettingsError) as told:
        read_env(environment)
    assert [p.split(":")[0] for p in told.value.problems] == sorted(environment)
    (tmp_path / ".env").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"^\.env: cannot be read"):
        read_env({}, tmp_path / ".env")


def test_the_example_file_is_these_settings() -> None:
    """`.env.example` is what the settings say; make it with: python -c "from bot.settings import env_example; ..."."""
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env_example()


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_is_documented(name: str) -> None:
    """In the example file, with a sentence and a default or an example."""
    variable = next(v for v in VARIABLES if v.name == name)
    lines = env_example().splitlines()
    assert len([line for line in lines if line.removeprefix("# ").startswith(f"{name}=")]) == 1
    assert variable.about.endswith((".", "'", '"'))
    assert variable.default or variable.example


def test_the_example_copied_works_but_for_its_secret(tmp_path: Path) -> None:
    """Copied as it is, the one thing that is missing is the secret."""
    with pytest.raises(SettingsError) as told:
        settings_of(read_env({}, dotenv(tmp_path, env_example())))
    assert [problem.split(":")[0] for problem in told.value.problems] == ["SAYSO_SECRET"]
