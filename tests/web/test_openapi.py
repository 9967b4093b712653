"""The document tells the truth: what it allows is taken, what it forbids is refused, and nothing is left out."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Route

from bot.core.errors import Invalid
from bot.web import (
    api_advice,
    api_audit,
    api_batches,
    api_decisions,
    api_drills,
    api_erasure,
    api_examples,
    api_metrics,
    api_remedies,
    api_requests,
    api_trust,
    api_watching,
    health,
)
from bot.web.admission import Gate
from bot.web.app import create_app, table
from bot.web.calls import Calls
from bot.web.openapi import document, refusals_of
from bot.web.operation import Operation
from bot.web.shapes import Faults
from bot.web.submission import SUBMISSION, parse_submission
from tests.web.bodies import cases
from tests.web.conftest import Office, Reply
from tests.web.test_submission import OPTIONS, WHOLE

OPERATIONS = (
    *api_requests.OPERATIONS,
    *api_decisions.OPERATIONS,
    *api_advice.OPERATIONS,
    *api_batches.OPERATIONS,
    *api_drills.OPERATIONS,
    *api_audit.OPERATIONS,
    *api_erasure.OPERATIONS,
    *api_remedies.OPERATIONS,
    *api_examples.OPERATIONS,
    *api_metrics.OPERATIONS,
    *api_trust.OPERATIONS,
    *api_watching.OPERATIONS,
    *health.operations(Counter(), Calls(), Gate()),
)
DOCUMENT: dict[str, Any] = json.loads(document(OPERATIONS, public_url="https://sayso.example.com", version="1"))
MEASURED = ("/v1/metrics", "/v1/metrics/thresholds", "/v1/metrics/attention")
WITH_BODY = [operation for operation in OPERATIONS if operation.body is not None]


def validator(schema: dict[str, Any]) -> Any:
    """A validator of a schema that may refer to the document's components."""
    return jsonschema_rs.Draft202012Validator(schema | {"components": DOCUMENT["components"]})


def schemas_in(value: Any) -> list[Any]:
    """Every schema in the document."""
    if isinstance(value, dict):
        own = [value["schema"]] if "schema" in value else []
        return own + [found for item in value.values() for found in schemas_in(item)]
    if isinstance(value, list):
        return [found for item in value for found in schemas_in(item)]
    return []


def test_the_document_is_well_formed() -> None:
    """OpenAPI 3.1's structure: unique ids, described answers, declared path parameters, resolvable references."""
    assert re.fullmatch(r"3\.1\.\d", DOCUMENT["openapi"])
    assert DOCUMENT["info"].keys() >= {"title", "version"}
    calls = [(path, call) for path, methods in DOCUMENT["paths"].items() for call in methods.values()]
    ids = [call["operationId"] for _, call in calls]
    assert len(set(ids)) == len(ids) == len(OPERATIONS)
    for path, call in calls:
        declared = {p["name"] for p in call.get("parameters", ()) if p["in"] == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))
        assert any(status.startswith("2") for status in call["responses"])
        for status, answer in call["responses"].items():
            assert re.fullmatch(r"[2-5]\d\d", status)
            assert answer["description"]
            assert answer["content"]
            if status >= "4":
                assert list(answer["content"]) == ["application/problem+json"]
        for use in call.get("security", ()):
            assert use.keys() <= DOCUMENT["components"]["securitySchemes"].keys()
    for reference in re.findall(r'"\$ref": "#/components/schemas/(\w+)"', json.dumps(DOCUMENT)):
        assert reference in DOCUMENT["components"]["schemas"]


def test_every_schema_is_a_schema() -> None:
    """Each schema in the document, components among them, is valid JSON Schema 2020-12."""
    found = [*schemas_in(DOCUMENT["paths"]), *DOCUMENT["components"]["schemas"].values()]
    assert len(found) > 60
    for schema in found:
        jsonschema_rs.meta.validate(schema)


async def test_routes_and_paths_are_the_same(office: Office) -> None:
    """Every route is in the served document and the other way round, those of what is done afterwards among them."""
    served = (await office.call("GET", "/openapi.json")).body
    routes = {route.path for route in create_app(office.house).routes if isinstance(route, Route)}
    assert routes == served["paths"].keys()
    listed = table(office.house, Counter(), Calls(), Gate())
    for operation in listed:
        assert operation.method.lower() in served["paths"][operation.path]
    assert sum(map(len, served["paths"].values())) == len(listed)
    assert {"/v1/requests/{id}/rollback", "/v1/requests/{id}/incidents"} <= set(served["paths"])
    assert served["servers"] == [{"url": office.base}]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: o.name)
def test_every_refusal_is_listed_under_its_status(operation: Operation) -> None:
    """Each error that a call can answer stands in its responses, with its code."""
    answers = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]
    for error in refusals_of(operation):
        listed = answers[str(error.status)]["content"]["application/problem+json"]["schema"]["allOf"][1]
        assert error.code in listed["properties"]["code"]["enum"]


@pytest.mark.parametrize("case", cases("submissions_refused.json"), ids=lambda case: case["name"])
def test_what_the_parser_refuses_the_schema_forbids(case: dict[str, Any]) -> None:
    """The kept bad submissions are forbidden by the schema too, but for what JSON Schema cannot say."""
    sayable = {rule for _, rule in case["faults"]} - {"range", "unknown", "repeated"}
    schema = DOCUMENT["paths"]["/v1/requests"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    unsayable = not sayable and case["faults"][0][0] in ("/expires_in", "/revises", "/options/0/id")
    assert validator(schema).is_valid(case["body"]) == unsayable


def _mutated(draw: Any, value: Any) -> Any:
    """The value with one thing changed somewhere."""
    if isinstance(value, dict) and value and draw(st.booleans()):
        name = draw(st.sampled_from(sorted(value)))
        change = draw(st.sampled_from(["drop", "rename", "inside", "inside", "inside"]))
        rest = {key: item for key, item in value.items() if key != name}
        if change == "drop":
            return rest
        return rest | ({name + "x": value[name]} if change == "rename" else {name: _mutated(draw, value[name])})
    if isinstance(value, list) and value and draw(st.booleans()):
        return [_mutated(draw, value[0]), *value[1:]] * draw(st.sampled_from([1, 1, 60]))
    odd = [None, True, 0, 0.5, 1, -1, 2**53 - 1, "", "x", "a b", "é", "x" * 129, "x" * 20_001, [], ["x"], {}, {"a": 1}]
    return draw(
        st.sampled_from([*odd, "approval", "question", "choice", "approve", "executed", "1s", "5m", "http://x"])
    )


SEEN: dict[str, Any] = {"revision": 1, "digest": "sha256:" + "0" * 64}
CHOICE: dict[str, Any] = {"action": "greet", "kind": "choice", "options": OPTIONS}
QUESTION: dict[str, Any] = {
    "action": "greet",
    "kind": "question",
    "options": [{"id": "a", "title": "A"}, {"id": "b", "title": "B"}],
}
BODIES: dict[str, Any] = {
    "submit": WHOLE | {"expires_in": "5m"},
    "inform": {"text": "x", "arguments": {"a": [1]}, "context": WHOLE["context"]},
    "cancel": {"reason": "x"},
    "report": {"state": "failed", "error": "x", "result": [1]},
    "decide": SEEN
    | {
        "decision": "approve",
        "arguments": {},
        "comment": "x",
        "category": "x",
        "answer": "a",
        "break_glass": True,
    },
    "assess": SEEN | {"opinion": "doubt", "note": "x"},
    "decide_batch": {
        "decision": "reject",
        "comment": "x",
        "category": "x",
        "except": ["req_2"],
        "requests": [SEEN | {"id": "req_1"}],
    },
    "drill": {"chain": "finance"},
    "erase": {"subject": "customer-7", "cancel": True},
    "settle": {"state": "executed", "note": "x"},
    "undo": {"revision": 1},
    "roll_back": {"reason": "x"},
    "report_incident": {"severity": "high", "note": "x"},
    "propose_trust": {},
}


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(WITH_BODY), st.data())
def test_the_schema_and_the_parser_agree(operation: Operation, data: st.DataObject) -> None:
    """Whatever is sent, the document allows it exactly where the parser takes it."""
    body = BODIES[operation.name]
    if operation.name == "submit":
        body = data.draw(st.sampled_from([body, CHOICE, QUESTION]))
    for _ in range(data.draw(st.integers(0, 3))):
        body = _mutated(data.draw, body)
    assert operation.body is not None
    faults = Faults()
    operation.body.check(body, "", faults)
    schema = DOCUMENT["paths"][operation.path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert validator(schema).is_valid(body) == (not faults), faults


def test_good_bodies_are_allowed() -> None:
    """The whole example of each call is allowed and taken, so that agreement is not agreement on nothing."""
    for operation in WITH_BODY:
        faults = Faults()
        assert operation.body is not None
        operation.body.check(BODIES[operation.name], "", faults)
        assert not faults
    for body in (CHOICE, QUESTION):
        faults = Faults()
        SUBMISSION.check(body, "", faults)
        assert not faults
    with pytest.raises(Invalid):
        parse_submission([])
    assert SUBMISSION.schema()["required"] == ["action"]


async def test_answers_are_as_documented(office: Office) -> None:
    """A walk through the calls: every status met is listed, and every body fits its schema."""
    mine = await office.submitted(reason="x")
    path = f"/v1/requests/{mine['id']}"
    walk: list[tuple[str, str, str, str | None, Any]] = [
        ("POST", "/v1/requests", "/v1/requests", "billing", {"action": "greet"}),
        ("POST", "/v1/requests", "/v1/requests", "billing", {"action": ""}),
        ("POST", "/v1/requests", "/v1/requests", "ana", {"action": "greet"}),
        ("POST", "/v1/requests", "/v1/requests", None, {"action": "greet"}),
        ("GET", "/v1/requests", "/v1/requests?limit=1", "ana", None),
        ("GET", "/v1/requests", "/v1/requests?limit=0", "ana", None),
        ("GET", "/v1/requests/{id}", path, "ana", None),
        ("GET", "/v1/requests/{id}", f"{path}x", "ana", None),
        ("POST", "/v1/requests/{id}/assessments", f"{path}/assessments", "checker", _opinion(mine)),
        ("POST", "/v1/requests/{id}/assessments", f"{path}/assessments", "checker", _opinion(mine)),
        ("POST", "/v1/requests/{id}/decisions", f"{path}/decisions", "lea", _ballot(mine)),
        ("POST", "/v1/batches/{batch}/decisions", "/v1/batches/b/decisions", "ana", _together(mine)),
        ("POST", "/v1/batches/{batch}/decisions", "/v1/batches/b%00/decisions", "ana", _together(mine)),
        ("POST", "/v1/requests/{id}/decisions", f"{path}/decisions", "ana", _ballot(mine)),
        ("POST", "/v1/requests/{id}/decisions", f"{path}/decisions", "ana", _ballot(mine)),
        ("POST", "/v1/requests/{id}/outcome", f"{path}/outcome", "billing", {"state": "failed", "error": "x"}),
        ("POST", "/v1/requests/{id}/resolution", f"{path}/resolution", "ops", {"state": "failed", "note": "x"}),
        ("POST", "/v1/requests/{id}/information", f"{path}/information", "billing", {"text": "x"}),
        ("POST", "/v1/requests/{id}/cancel", f"{path}/cancel", "billing", {}),
        ("GET", "/v1/requests/{id}/audit", f"{path}/audit", "billing", None),
        ("POST", "/v1/drills", "/v1/drills", "ops", {"chain": "finance"}),
        ("POST", "/v1/drills", "/v1/drills", "ops", {"chain": "none"}),
        ("POST", "/v1/drills", "/v1/drills", "billing", {"chain": "finance"}),
        ("POST", "/v1/subjects/erasure", "/v1/subjects/erasure", "ops", {"subject": "nobody"}),
        ("POST", "/v1/subjects/erasure", "/v1/subjects/erasure", "billing", {"subject": "nobody"}),
        ("GET", "/v1/audit/export", "/v1/audit/export?format=xml", "ops", None),
        *[("GET", path, f"{path}?format={form}", "ops", None) for path in MEASURED for form in ("json", "csv")],
        ("GET", "/healthz", "/healthz", None, None),
        ("GET", "/readyz", "/readyz", None, None),
    ]
    statuses = []
    for method, template, address, by, body in walk:
        reply = await office.call(method, address, by, json=body)
        _fits(reply, method, template)
        statuses.append(reply.status)
    expected = [201, 422, 403, 401, 200, 422, 200, 404, 201, 409, 403, 200, 404, 200, 409, 200, 409, 409, 409, 200]
    assert statuses == [*expected, 201, 422, 403, 404, 403, 422, *[200, 200] * len(MEASURED), 200, 200]


def _ballot(request: Any) -> dict[str, Any]:
    return {"decision": "approve", "revision": request["revision"], "digest": request["digest"]}


def _opinion(request: Any) -> dict[str, Any]:
    return {"opinion": "doubt", "revision": request["revision"], "digest": request["digest"]}


def _together(request: Any) -> dict[str, Any]:
    seen = {"id": request["id"], "revision": request["revision"], "digest": request["digest"]}
    return {"decision": "reject", "requests": [seen, seen | {"id": "req_0"}]}


def _fits(reply: Reply, method: str, template: str) -> None:
    """Check an answer against the document."""
    content = DOCUMENT["paths"][template][method.lower()]["responses"][str(reply.status)]["content"]
    schema = content[reply.headers["Content-Type"].split(";")[0]]["schema"]
    validator(schema).validate(reply.raw.decode() if reply.body is None else reply.body)


def test_the_guide_names_every_call_and_limit() -> None:
    """docs/api.md lists each call of the document."""
    guide = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    for operation in OPERATIONS:
        assert f"`{operation.method} {operation.path}" in guide, operation.path
