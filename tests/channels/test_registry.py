"""A channel is a folder, a registry line, a template folder, a wire fake, a page of docs and a run of the contract."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from channels import CHANNELS, Ability, load
from tests.channels.contract import ChannelContract

ROOT = Path(__file__).parents[2]


def folders() -> set[str]:
    """The channels that have code."""
    found = (ROOT / "channels").iterdir()
    return {p.stem for p in found if not p.name.startswith(("_", ".")) and (p.is_dir() or p.suffix == ".py")}


def test_every_channel_with_code_is_registered() -> None:
    """And nothing is registered that has none."""
    assert folders() == set(CHANNELS)


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_is_complete(name: str) -> None:
    """Templates, a fake that speaks its wire, a page of docs, a run of the contract suite."""
    assert any((ROOT / "templates" / name).iterdir())
    assert (ROOT / "tests" / "fakes" / name / "__init__.py").exists()
    assert (ROOT / "docs" / f"{name}.md").exists()
    module = importlib.import_module(f"tests.channels.{name}.test_contract")
    runs = [c for c in vars(module).values() if isinstance(c, type) and issubclass(c, ChannelContract)]
    assert {run.name for run in runs if run is not ChannelContract} == {name}


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_is_loaded_by_its_name(name: str) -> None:
    """Its module opens it; what it can do is data."""
    assert callable(load(name).open)
    assert CHANNELS[name].abilities <= set(Ability)


def test_the_registry_imports_no_channel() -> None:
    """A channel's library costs hundreds of milliseconds: it is imported when the channel is on."""
    code = "import sys, channels; print([m for m in sys.modules if m.startswith(('slack', 'channels.'))])"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own interpreter
    assert shown.stdout.strip() == "[]"


def test_a_program_whose_channels_are_off_loads_none_of_their_libraries() -> None:
    """Whoever uses the inbox alone starts without those of mail, Slack and push."""
    mail = ("aiosmtplib", "aiosmtpd", "imap_tools", "imaplib", "dkim", "dns", "publicsuffix")
    libraries = ("channels.", "slack", *mail, "py_vapid", "http_ece", "apprise")
    code = f"import sys, bot.app, bot.commands.up; print([m for m in sys.modules if m.startswith({libraries!r})])"
    shown = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own interpreter
    assert shown.stdout.strip() == "[]"


def test_an_unknown_channel_is_a_key_error() -> None:
    """The configuration's reader says it better; here it is only not silent."""
    with pytest.raises(KeyError):
        load("pigeon")
