"""The files of deploy/: what they name exists, and the tools that read them, where they are here, take them."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import VARIABLES, env_example
from tests.operations.test_p14_stopping import LIMIT

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
BOARD = json.loads((DEPLOY / "grafana/sayso.json").read_text(encoding="utf-8"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def run(*command: str, folder: Path = DEPLOY) -> str:
    """What a tool says. Without it the test is left out; under SAYSO_TEST_ALL=1 promtool must be here."""
    if shutil.which(command[0]) is None:
        if os.environ.get("SAYSO_TEST_ALL") == "1" and command[0] == "promtool":
            pytest.fail(f"{command[0]} is not here")
        pytest.skip(f"{command[0]} is not here")
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  # our own words
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout + told.stderr


def test_each_alert_leads_to_what_is_to_be_done() -> None:
    """A name, a severity, words, and a heading of the runbook that is there."""
    there = anchors(OPERATIONS)
    for rule in RULES:
        page, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert page == "docs/operations.md"
        assert anchor in there, anchor
        assert rule["alert"].startswith("Sayso")
        assert rule["labels"]["severity"] in ("page", "warn")
        assert rule["annotations"]["summary"].endswith(".")
        assert f"`{rule['alert']}`" in OPERATIONS, rule["alert"]


def test_each_alert_has_a_test_of_its_own() -> None:
    """Promtool's file names every alert, with a moment at which it is silent and one at which it fires."""
    tests = yaml.safe_load((DEPLOY / "prometheus/alerts.test.yaml").read_text(encoding="utf-8"))["tests"]
    # What stands behind a comma is a further case of the same alert.
    named = dict.fromkeys(test["name"].partition(",")[0] for test in tests)
    assert list(named) == [rule["alert"] for rule in RULES]
    for test in (test for test in tests if "," not in test["name"]):
        silent, firing = test["promql_expr_test"]
        assert test["name"] in silent["expr"]
        assert silent["exp_samples"] == []
        assert len(firing["exp_samples"]) == 1


def test_promtool_takes_the_alerts_and_their_tests() -> None:
    """Where promtool is here: syntax, templates, and each alert silent and firing when it should."""
    folder = DEPLOY / "prometheus"
    assert f"{len(RULES)} rules found" in run("promtool", "check", "rules", "alerts.yaml", folder=folder)
    assert "SUCCESS" in run("promtool", "check", "config", "prometheus.yaml", folder=folder)
    assert "SUCCESS" in run("promtool", "test", "rules", "alerts.test.yaml", folder=folder)


def test_the_dashboard_asks_whatever_prometheus_it_is_given() -> None:
    """Every panel has a query and the variable's source, no two the same id, none lies upon another."""
    assert BOARD["schemaVersion"] >= 39
    assert BOARD["templating"]["list"][0]["type"] == "datasource"
    panels = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["targets"]
        assert panel["datasource"]["uid"] == "${datasource}"
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_the_image_is_built_of_what_there_is() -> None:
    """Everything copied exists and is not ignored, packages are held to their hashes, and root runs nothing."""
    copied = re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    sources = {word for line in copied for word in line.split()[:-1]}
    assert copied
    assert {"bot", "channels", "store", "templates", "requirements.lock", "pyproject.toml"} <= sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignored, source
    assert "--require-hashes" in DOCKERFILE
    assert DOCKERFILE.rindex("\nUSER 10001:10001") < DOCKERFILE.rindex("\nENTRYPOINT")
    assert "/healthz" in DOCKERFILE


def test_what_an_operator_says_wins_over_the_image_and_the_unit() -> None:
    """A value in the image would win over a NAME_FILE of compose, and one in a copied `.env` over image and unit."""
    unit = (DEPLOY / "sayso.service").read_text(encoding="utf-8")
    told = set(re.findall(r"\b((?:SAYSO|SLACK|EMAIL)_[A-Z_]+)=", DOCKERFILE))
    assert told == {"SAYSO_LISTEN", "SAYSO_LOG", "SAYSO_CONFIG"}
    assert set(re.findall(r"^Environment=(SAYSO_\w+)", unit, re.MULTILINE)) == {"SAYSO_CONFIG"}
    for name in COMPOSE["services"]["sayso"]["environment"]:
        assert name.removesuffix("_FILE") not in told, name
    assert not re.search(r"^[A-Z]", env_example(), re.MULTILINE)


def test_compose_gives_secrets_as_files_and_time_to_end() -> None:
    """No secret in the environment, every variable one of ours, a database that is waited for, 25 s at the least."""
    bot: dict[str, Any] = COMPOSE["services"]["sayso"]
    ours = {variable.name for variable in VARIABLES}
    for name, value in bot["environment"].items():
        assert name.removesuffix("_FILE") in ours, name
        assert not name.endswith("_FILE") or value.removeprefix("/run/secrets/") in bot["secrets"]
        assert name.endswith("_FILE") or "SECRET" not in name
    assert set(bot["secrets"]) <= set(COMPOSE["secrets"])
    assert bot["depends_on"]["postgres"]["condition"] == "service_healthy"
    # The image's server that makes the database answers at the socket alone; nobody must take it for the one to come.
    assert "--host 127.0.0.1" in COMPOSE["services"]["postgres"]["healthcheck"]["test"][1]
    assert bot["read_only"] is True
    assert int(bot["stop_grace_period"].removesuffix("s")) > LIMIT
    # A second replica needs a port and a name of its own.
    assert re.fullmatch(r"127\.0\.0\.1:\d+-\d+:8000", bot["ports"][0])
    assert "container_name" not in bot
    for secret in COMPOSE["secrets"]:
        assert f"secrets/{secret}" in OPERATIONS, secret


def test_the_unit_is_closed_and_gives_time_to_end(tmp_path: Path) -> None:
    """Systemd reads it, finds it little exposed, and kills nothing within 25 s."""
    unit = (DEPLOY / "sayso.service").read_text(encoding="utf-8")
    said = dict(re.findall(r"^(\w+)=(.*)$", unit, re.MULTILINE))
    assert int(said["TimeoutStopSec"]) > LIMIT
    for name in ("NoNewPrivileges", "ProtectSystem", "StateDirectory", "Restart", "WatchdogSec"):
        assert said[name]
    # The program is not installed here; everything else of the unit is what it is.
    here = tmp_path / "sayso.service"
    here.write_text(unit.replace("/opt/sayso/.venv/bin/sayso", "/bin/true"), encoding="utf-8")
    assert run("systemd-analyze", "verify", str(here)) == ""
    exposed = run("systemd-analyze", "security", "--offline=true", str(here))
    assert float(re.findall(r"exposure level for sayso\.service: ([\d.]+)", exposed)[0]) < 2
