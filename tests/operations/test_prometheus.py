"""A real Prometheus reads a real bot by the files of deploy/: each panel shows something, each alert is reckoned."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from bot.core.model import Role
from tests.fakes.receiver import End, Receiver, saying
from tests.operations.test_deploy import BOARD, DEPLOY, RULES
from tests.stories.program import Program, free_port

FILES = DEPLOY / "prometheus"


class Prometheus:
    """One that looks every half second, at one bot."""

    def __init__(self, http: aiohttp.ClientSession, port: int) -> None:
        self._http = http
        self._url = f"http://127.0.0.1:{port}/api/v1"

    async def ask(self, path: str, **query: str) -> Any:
        """What it answers; None where it is not there yet."""
        try:
            async with self._http.get(f"{self._url}/{path}", params=query) as answer:
                told = await answer.json()
        except aiohttp.ClientError:
            return None
        assert told["status"] == "success", told
        return told["data"]

    async def shows(self, expression: str) -> bool:
        """Whether an expression of the dashboard has a value to show."""
        asked = expression.replace("$job", "sayso").replace("$instance", ".*")
        found = await self.ask("query", query=asked)
        return bool(found) and any(series["value"][1] != "NaN" for series in found["result"])

    async def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        found = await self.ask("alerts")
        return {one["labels"]["alertname"] for one in found["alerts"] if one["state"] == "firing"} if found else set()


@pytest.fixture
async def prometheus(program: Program, tmp_path: Path) -> AsyncIterator[Prometheus]:
    """It goes by our files, but more often, and an alert need not hold for minutes."""
    if shutil.which("prometheus") is None:
        if os.environ.get("SAYSO_TEST_ALL") == "1":
            pytest.fail("prometheus is not here")
        pytest.skip("prometheus is not here")
    told = yaml.safe_load((FILES / "prometheus.yaml").read_text(encoding="utf-8"))
    told["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    told["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{program.port}"]}]
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(told), encoding="utf-8")
    rules = re.sub(r"for: \w+", "for: 0s", (FILES / "alerts.yaml").read_text(encoding="utf-8"))
    (tmp_path / "alerts.yaml").write_text(rules, encoding="utf-8")
    port = free_port()
    options = ["--config.file=prometheus.yaml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec("prometheus", *options, cwd=tmp_path, stdout=log, stderr=log)
    async with aiohttp.ClientSession() as http:
        yield Prometheus(http, port)
    process.terminate()
    await process.wait()


async def test_each_panel_shows_and_each_alert_is_reckoned(program: Program, prometheus: Prometheus) -> None:
    """With what happened on record, every query of the dashboard has values; what is wrong fires, and nothing else."""
    asked = {query["expr"] for panel in BOARD["panels"] for query in panel.get("targets", ())}
    async with Receiver(saying(End.RESET)) as receiver:
        program.rules(receiver=receiver.url)
        async with program, program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
            lost = await agent.submit(arguments={"order": "1", "amount": 1}, confidence=0.9)
            await ana.decide(await agent.submit(), "reject", comment="no", category="other")
            await agent.until(lost["id"], lambda request: request["execution"]["state"] == "unknown")
            (program.folder / "routing.yaml").write_text("version: 9", encoding="utf-8")
            async with asyncio.timeout(90):
                while asked or not {"SaysoUnknownExecutions", "SaysoConfigReloadFailed"} <= await prometheus.firing():
                    asked -= {one for one in asked if await prometheus.shows(one)}
                    await asyncio.sleep(0.5)
            assert await prometheus.firing() == {"SaysoUnknownExecutions", "SaysoConfigReloadFailed"}
            (group,) = (await prometheus.ask("rules"))["groups"]
            assert {rule["name"]: rule["health"] for rule in group["rules"]} == {rule["alert"]: "ok" for rule in RULES}
            (note,) = BOARD["annotations"]["list"]
            assert await prometheus.ask("query", query=note["expr"].replace("$job", "sayso")) is not None
            names = await prometheus.ask("label/job/values", **{"match[]": "sayso_build_info"})
            assert names == ["sayso"]
    async with asyncio.timeout(30):
        while "SaysoDown" not in await prometheus.firing():
            await asyncio.sleep(0.2)
