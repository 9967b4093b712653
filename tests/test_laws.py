"""The laws of the house, held by reading its code: who imports whom, how long things are, what is documented."""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter import api

from bot.__main__ import COMMANDS, parser_for
from bot.settings import VARIABLES

ROOT = Path(__file__).parent.parent
ROOMS = ("bot", "channels", "store", "templates")
SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
MOST_LINES = 300
MOST_LINES_OF_A_FUNCTION = 50
NO_IO = {
    "aiohttp", "asyncio", "concurrent", "datetime.now", "http", "io", "logging", "multiprocessing", "os", "pathlib",
    "random", "requests", "secrets", "select", "shutil", "signal", "socket", "sqlalchemy", "sqlite3", "ssl",
    "subprocess", "sys", "tempfile", "threading", "time", "urllib.request", "uuid",
}  # fmt: skip
CLOCKS = {"now", "today", "utcnow"}


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            assert node.level == 0, f"{path}: imports are written whole"
            yield node.module


def within(name: str, module: str) -> bool:
    """Whether a module is another or stands below it."""
    return name == module or name.startswith(f"{module}.")


def test_the_import_laws_hold() -> None:
    """import-linter, as pyproject.toml sets it up."""
    setup = str(ROOT / "pyproject.toml")
    assert len(api.read_configuration(setup)["contracts_options"]) >= 3
    # In a process of its own: it sets up logging anew for the whole process that it runs in.
    run = f"import sys; from importlinter.cli import lint_imports as lint; sys.exit(lint({setup!r}, no_cache=True))"
    command = (sys.executable, "-c", run)
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # our own words
    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("path", [p for p in SOURCES if "core" in p.parts], ids=lambda p: p.name)
def test_law_1_the_core_does_no_io(path: Path) -> None:
    """It imports nothing that waits, reads, draws lots or knows the time, and never asks what time it is."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert not [name for name in imported(path) if any(within(name, banned) for banned in NO_IO)]
    waiting = [node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef)]
    # The ports say what others do: a docstring, and nothing that could be run.
    assert not [node.lineno for node in waiting if len(node.body) > 1 or ast.get_docstring(node) is None]
    calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
    assert not [f.lineno for f in calls if isinstance(f, ast.Attribute) and f.attr in CLOCKS]
    assert not [f.lineno for f in calls if isinstance(f, ast.Name) and f.id in ("open", "print", "input", "eval")]


ALONE = {
    "bot/core": (),
    "bot/checkpoints": ("bot.core", "bot.checkpoints"),
    "bot/desk": ("bot.core", "bot.desk"),
    "bot/courier": ("bot.core", "bot.desk", "bot.courier"),
    "bot/insight": ("bot.core", "bot.insight"),
    "bot/logs": ("bot.core", "bot.logs"),
    "bot/oidc": ("bot.core", "bot.oidc"),
    "bot/replay": ("bot.core", "bot.replay"),
    "bot/reports": ("bot.core", "bot.reports"),
    "bot/routing": ("bot.core", "bot.routing"),
    "bot/settings": ("bot.core", "bot.settings"),
    "bot/web": ("bot.core", "bot.desk", "bot.web"),
    "channels": ("bot.core", "channels"),
    "store": ("bot.core", "store"),
}


@pytest.mark.parametrize("room", [room for room in ALONE if room != "bot/core"])
def test_who_may_import_whom(room: str) -> None:
    """Each room knows the core and itself (the courier and the web: the desk too), and no other room."""
    for path in (ROOT / room).rglob("*.py"):
        ours = [name for name in imported(path) if name.split(".")[0] in ("bot", "channels", "store")]
        strangers = [name for name in ours if not any(within(name, known) for known in ALONE[room])]
        assert not strangers, f"{path.relative_to(ROOT)} imports {strangers}"


def test_channels_do_not_know_each_other() -> None:
    """A channel imports its own folder, the registry's own words and the core."""
    folders = [path for path in (ROOT / "channels").iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert folders
    for folder in folders:
        for path in folder.rglob("*.py"):
            others = [n for n in imported(path) if within(n, "channels") and not within(n, f"channels.{folder.name}")]
            assert not others, f"{path.relative_to(ROOT)} imports {others}"


def test_only_the_root_names_the_concrete() -> None:
    """Nothing imports the composition root but the commands, and nothing but it puts store and channels together."""
    for path in SOURCES:
        names = set(imported(path))
        here = path.relative_to(ROOT).as_posix()
        if any(within(name, "bot.app") for name in names):
            assert here.startswith("bot/commands/"), here
        if any(within(n, "store") for n in names) and any(within(n, "channels") for n in names):
            assert here == "bot/app.py", here


@pytest.mark.parametrize("room", [*ROOMS, "tests", "bench"])
def test_files_and_functions_are_short(room: str) -> None:
    """Up to 300 lines a file, 50 a function."""
    found = []
    for path in sorted((ROOT / room).rglob("*.py")):
        here, text = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        if text.count("\n") > MOST_LINES:
            found.append(f"{here} has {text.count(chr(10))} lines")
        if "versions" in path.parts:
            continue  # a migration is a list of statements, written once
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MOST_LINES_OF_A_FUNCTION:
                    found.append(f"{here}: {node.name} has {length} lines")
    assert found == []


def test_no_cancellation_is_lost() -> None:
    """asyncio.wait_for swallows one that comes together with the result on Python 3.11; asyncio.timeout does not."""
    assert [path.name for path in SOURCES if "asyncio.wait_for(" in path.read_text(encoding="utf-8")] == []


def test_nothing_is_left_for_later() -> None:
    """No notes to ourselves in what we give away."""
    marks = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
    assert not [path for path in SOURCES if marks.search(path.read_text(encoding="utf-8"))]


def commands(parser: argparse.ArgumentParser, above: str = "sayso") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Every command with its whole name, and its parser."""
    nested = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001  # argparse shows its options nowhere else
    if not nested:
        yield above, parser
    for action in nested:
        for name, below in action.choices.items():
            yield from commands(below, f"{above} {name}")


def test_every_command_is_documented() -> None:
    """Each has its heading in docs/cli.md, with every option it takes; and no heading stands for what is not there."""
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    headed = re.findall(r"^## `([^`]+)`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    known = dict(commands(parser_for(None)))
    # A heading shows what the command takes after its name: `sayso show ID`.
    sections = {next((n for n in known if f"{title} ".startswith(f"{n} ")), title): body for title, body in headed}
    assert sections.keys() == known.keys()
    assert {name.split()[1] for name in known} == COMMANDS.keys()
    for name, body in sections.items():
        for action in known[name]._actions:  # noqa: SLF001  # argparse shows its options nowhere else
            missing = [o for o in action.option_strings if o.startswith("--") and o != "--help" and f"`{o}" not in body]
            assert not missing, f"{name}: {missing}"


def test_the_readme_points_at_what_is_there() -> None:
    """Every file that README and the docs link to exists."""
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:"):
                assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_every_variable_the_code_names_exists() -> None:
    """What a message tells somebody to set is a variable that the settings read."""
    known = {variable.name for variable in VARIABLES} | {"SAYSO_KEY"}
    named = re.compile(r"\b(?:SAYSO|SLACK|EMAIL|SMTP|IMAP)_[A-Z_]+[A-Z]\b")
    for path in SOURCES:
        found = set(named.findall(path.read_text(encoding="utf-8")))
        strange = {name for name in found if name.removesuffix("_FILE") not in known}
        assert not strange, f"{path.relative_to(ROOT)} names {strange}"
