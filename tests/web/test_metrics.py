"""The review figures over HTTP: what is counted, who is told of whom, and both forms in which it is told."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import jsonschema_rs
import msgspec
import pytest

from bot.core.model import PersonRole
from bot.insight import Follower, Reading
from bot.web.app import create_app
from tests.web.conftest import Office, serving

ORDER = {"order": "10428", "amount": 240.0}


@pytest.fixture
async def measured(office: Office) -> AsyncIterator[Office]:
    """The house with figures, in which lea is an auditor; what happens in it is measured by `level`."""
    policy = office.house.policy()
    people = dict(policy.people) | {"lea": msgspec.structs.replace(policy.people["lea"], role=PersonRole.AUDITOR)}
    strict = msgspec.structs.replace(policy, people=people)
    reading = Reading(office.store, office.house.clock)
    house = replace(office.house, policy=lambda: strict, measured=reading.figures)
    async with serving(create_app(house)) as base:
        yield replace(office, base=base, house=house)


async def level(office: Office) -> None:
    """Measure all that has happened."""
    await Follower(office.store, office.house.clock, office.house.policy, pause=0.0).level()


async def day_of_work(office: Office) -> None:
    """Two agents, two people: one approval, one edit, one rejection, one by rule, one open."""
    for confidence in (0.9, 0.6):
        labels = {"tier": "=1+1"}
        passed = await office.submitted(confidence=confidence, labels=labels)
        changed = {"arguments": ORDER | {"amount": 120.0}} if confidence < 0.9 else {}
        verb = "approve_with_edits" if changed else "approve"
        assert (await office.decided(passed, verb, "ana", **changed)).status == 200
    refused = await office.submitted("other", confidence=0.8)
    assert (await office.decided(refused, "reject", "ben", comment="twice", category="duplicate")).status == 200
    await office.submitted("other", action="greet", arguments={})
    await office.submitted("billing")
    await level(office)


async def told(office: Office, query: str = "", by: str = "ops") -> Any:
    """The answer's value."""
    reply = await office.call("GET", f"/v1/metrics{query}", by)
    assert reply.status == 200, reply.body
    return reply.body


async def test_figures_tell_what_happened(measured: Office) -> None:
    """Rates with intervals, edits, categories, calibration, what waits; as the document says, and how far behind."""
    await day_of_work(measured)
    found = await told(measured, "?by=agent")
    counts = found["whole"]["now"]["counts"]
    expected = {"requests": 5, "decided": 3, "approved": 1, "edited": 1, "rejected": 1, "by_rule": 1, "open": 1}
    assert {name: counts[name] for name in expected} == expected
    assert {group["name"]: group["now"]["counts"]["requests"] for group in found["groups"]} == {
        "billing": 3,
        "other": 2,
    }
    share = found["whole"]["now"]["rates"]["approved"]
    assert (share["count"], share["of"], share["few"]) == (1, 3, True)
    assert share["low"] < share["share"] < share["high"]
    billing = next(group["now"] for group in found["groups"] if group["name"] == "billing")
    assert [(one["pointer"], one["edits"]["count"], one["numbers"]) for one in billing["edited"]] == [("/amount", 1, 1)]
    assert billing["edited"][0]["median"] == pytest.approx(50, rel=0.01)
    assert billing["calibration"]["brier"]["value"] == pytest.approx((0.1**2 + 0.6**2) / 2, abs=1e-6)
    assert found["whole"]["now"]["categories"] == [{"name": "duplicate", "count": 1}]
    assert found["queue"]["open"]["count"] == 1
    assert [one["person"] for one in found["queue"]["by_person"]] == ["ana"]  # the agent is owned by ben
    assert found["behind"] == 0
    assert found["whole"]["before"]["counts"] == {}
    document = (await measured.call("GET", "/openapi.json")).body
    schema = {"$ref": "#/components/schemas/Metrics", "components": document["components"]}
    jsonschema_rs.Draft202012Validator(schema).validate(found)
    await measured.submitted()
    later = await told(measured, "?compare=false")
    assert later["behind"] > 0
    assert (later["whole"]["before"], later["before_from"]) == (None, None)
    assert found["from"].endswith(":00:00Z")
    assert found["to"].endswith(":00:00Z")


async def test_t23_figures_of_people_are_theirs_and_the_admins(measured: Office) -> None:
    """Admins and auditors read everybody's; a reviewer the team's and their own; an agent its own, and of nobody."""
    await day_of_work(measured)
    for everything in ("ops", "lea"):
        assert {group["name"] for group in (await told(measured, "?by=reviewer", everything))["groups"]} == {
            "ana",
            "ben",
        }
        assert (await told(measured, "?reviewer=ben", everything))["whole"]["now"]["counts"]["reject"] == 1
    mine = await told(measured, "?by=reviewer", "ana")
    assert [group["name"] for group in mine["groups"]] == ["ana"]
    assert (mine["of"], mine["whole"]["now"]["rates"]["approve"]["of"]) == ("decisions", 3)
    assert [one["person"] for one in mine["queue"]["by_person"]] == ["ana"]
    own = await told(measured, "?by=agent", "billing")
    assert [group["name"] for group in own["groups"]] == ["billing"]
    assert (own["only"], own["queue"]) == ({"agent": "billing"}, None)
    assert not {"ana", "ben"} & set(json.dumps(own).split('"'))
    head = await measured.store.audit_head()
    refused = (
        ("ana", "?reviewer=ben"),
        ("billing", "?agent=other"),
        ("billing", "?by=reviewer"),
        ("billing", "?reviewer=ana"),
        ("checker", ""),
    )
    for who, query in refused:
        reply = await measured.call("GET", f"/v1/metrics{query}", who)
        assert (reply.status, reply.body["code"]) == (403, "forbidden")
    assert (await measured.store.audit_head())[0] == head[0] + len(refused)
    assert (await measured.call("GET", "/v1/metrics")).status == 401


async def test_a_table_has_every_figure_and_no_formula(measured: Office) -> None:
    """By `format` or by what is accepted; the numbers are the JSON's; an agent's label is no formula."""
    await day_of_work(measured)
    asked = await measured.call("GET", "/v1/metrics?by=label:tier", "ops", headers={"Accept": "text/csv"})
    assert asked.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(asked.raw.decode())))
    assert {row["group"] for row in rows} == {"*", "'=1+1"}
    rates = {row["figure"]: row for row in rows if row["kind"] == "rate" and row["group"] == "'=1+1"}
    found = await told(measured, "?by=label:tier")
    (group,) = found["groups"]
    assert rates.keys() == group["now"]["rates"].keys()
    for name, rate in group["now"]["rates"].items():
        assert (float(rates[name]["value"]), int(rates[name]["of"])) == (rate["share"], rate["of"])
    reply = await measured.call("GET", "/v1/metrics?format=csv", "ops")
    assert "metrics.csv" in reply.headers["Content-Disposition"]


async def test_what_cannot_be_answered_is_refused_by_name(measured: Office) -> None:
    """Which parameter it is, and what would do."""
    for query, parameter in (
        ("by=colour", "by"),
        ("by=rule&reviewer=ana", "by"),
        ("label=gold", "label"),
        ("from=2026-02-01&to=2026-01-01", "from"),
        ("from=2020-01-01", "from"),
        ("format=xml", "format"),
        ("person=ana", "person"),
    ):
        reply = await measured.call("GET", f"/v1/metrics?{query}", "ops")
        assert reply.status == 422
        assert [fault["pointer"] for fault in reply.body["errors"]] == [f"query:{parameter}"]
