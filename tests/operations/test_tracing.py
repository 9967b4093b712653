"""Traces reach a collector by OTLP, in the trace that the agent began; where they are off nothing of it is loaded."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from bot.accounts import tracing
from bot.core.model import Role
from bot.settings import VARIABLES, SettingsError, settings_of
from tests.fakes.receiver import Receiver
from tests.operations.collector import Collector
from tests.stories.program import SECRET, Program

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
VALUES = {variable.name: variable.default for variable in VARIABLES} | {
    "SAYSO_SECRET": "a-secret-of-the-tests-0000000000",
    "SAYSO_WEBHOOK_SECRET": SECRET,
}


async def test_a_request_is_one_trace_from_the_agent_to_its_target(program: Program) -> None:
    """The agent's call, the commit within it, and the replay, whose target is told the trace, too; the log names it."""
    async with Collector() as collector, Receiver(secret=SECRET) as receiver:
        program.rules(receiver=receiver.url)
        program.environment |= {
            "SAYSO_LOG": "json",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_EXPORTER_OTLP_HEADERS": "x-api-key=key%20of%20the%20collector",
        }
        async with program, program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
            _, request = await agent.call(
                "POST",
                "/v1/requests",
                {"action": "refund.issue", "arguments": {"order": "7", "amount": 50}},
                {"traceparent": f"00-{TRACE}-{PARENT}-01"},
            )
            await ana.decide(request, "approve")
            done = await agent.get(request["id"], "wait=10&for=outcome")
            await agent.call("GET", "/healthz")
        assert done["execution"]["state"] == "executed"
    spans = {span.name: span for span in collector.spans}
    submitted = spans["POST /v1/requests"]
    assert (submitted.trace, submitted.parent) == (TRACE, PARENT)
    assert submitted.said["http.response.status_code"] == 201
    assert submitted.said["sayso.request"] == request["id"]
    commits = [span for span in collector.spans if span.name == "commit"]
    assert submitted.id in {span.parent for span in commits}
    replay = spans["replay refund.issue"]
    assert replay.trace == TRACE
    assert replay.said["sayso.execution"] == done["execution"]["id"]
    assert replay.said["sayso.outcome"] == "executed"
    assert receiver.calls[0].headers["traceparent"] == f"00-{TRACE}-{replay.id}-01"
    decided = spans["POST /v1/requests/{id}/decisions"]
    assert decided.trace != TRACE
    assert not [name for name in spans if "healthz" in name]
    assert collector.service == "sayso"
    assert collector.headers[0]["x-api-key"] == "key of the collector"
    calls = [json.loads(line) for line in program.said().splitlines()]
    assert next(line for line in calls if line.get("route") == "/v1/requests")["trace"] == TRACE
    assert "key of the collector" not in program.said()


def test_a_collector_that_is_no_address_is_refused() -> None:
    """What is wrong is said in a line that names the variable."""
    with pytest.raises(SettingsError) as refused:
        settings_of(VALUES | {"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318", "OTEL_EXPORTER_OTLP_HEADERS": "key"})
    assert [line.partition(":")[0] for line in refused.value.problems] == [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_HEADERS",
    ]


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """A collector that is named, and no OpenTelemetry there."""
    settings = settings_of(VALUES | {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
    for name in [name for name in sys.modules if name.startswith(("bot.tracing", "opentelemetry"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(SettingsError, match=r"pip install 'sayso-bot\[otel\]'"):
        tracing(settings)


def test_nothing_is_loaded_where_it_is_off() -> None:
    """The whole house without a collector imports nothing of OpenTelemetry."""
    ours = "[n for n in sys.modules if n.startswith(('bot.tracing', 'opentelemetry'))]"
    look = f"import sys, bot.app, bot.commands.up; print({ours})"
    told = subprocess.run((sys.executable, "-c", look), capture_output=True, text=True, check=True)  # noqa: S603  # ours
    assert told.stdout.strip() == "[]"
