"""Signed HTTP: the signature first, over the raw bytes; then the parsing (threat T9)."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import parse_qsl, quote_plus, urlencode

import pytest

from bot.core.model import State
from tests.channels.slack.conftest import Office
from tests.fakes.slack import sign

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


async def test_the_address_is_verified(by_http: Office) -> None:
    """Slack's handshake gets its challenge back."""
    assert await by_http.slack.verify_url()


async def recorded(office: Office) -> tuple[bytes, dict[str, str]]:
    """A genuine press of approve by somebody who is not asked, so that it changed nothing."""
    message = await office.card()
    await office.slack.click("U0LEA", message, "approve")
    delivery = office.slack.deliveries[-1]
    office.house.ballots.clear()
    return delivery.body, dict(delivery.headers)


T09_FORGED = ["missing", "missing time", "wrong", "not ascii", "other secret", "301 s old", "301 s ahead", "no number"]


@pytest.mark.parametrize("forgery", T09_FORGED)
async def test_t09_what_slack_did_not_sign_just_now_is_401(by_http: Office, forgery: str) -> None:
    """Missing, wrong, old: 401, and the house never hears of it."""
    body, headers = await recorded(by_http)
    now = int(by_http.house.clock.now().timestamp())
    secret = by_http.slack.settings.signing_secret
    change: dict[str, dict[str, str]] = {
        "missing": {"X-Slack-Signature": ""},
        "missing time": {"X-Slack-Request-Timestamp": ""},
        "wrong": {"X-Slack-Signature": "v0=" + "0" * 64},
        "not ascii": {"X-Slack-Signature": "v0=é"},
        "other secret": sign("not the secret", body),
        "301 s old": sign(secret, body, now - 302),
        "301 s ahead": sign(secret, body, now + 303),
        "no number": {"X-Slack-Request-Timestamp": "1e9"},
    }
    status, _, _ = await by_http.channel.handle(headers | change[forgery], body, by_http.house.clock.now())
    assert status == 401
    assert by_http.house.ballots == []


async def test_t09_a_body_that_was_serialised_again_is_401(by_http: Office) -> None:
    """The signature is over the bytes, not over what they mean."""
    body, headers = await recorded(by_http)
    payload = json.loads(dict(parse_qsl(body.decode()))["payload"])
    again = urlencode({"payload": json.dumps(payload, indent=1)}).encode()
    ack = await by_http.slack.post(again, headers)
    assert ack.status == 401
    assert by_http.house.ballots == []


async def test_t09_a_genuine_post_is_let_through_at_299_seconds(by_http: Office) -> None:
    """The tolerance is five minutes by the clock that is handed in."""
    body, headers = await recorded(by_http)
    now = by_http.house.clock.now()
    late, _, _ = await by_http.channel.handle(headers, body, now + timedelta(seconds=299))
    too_late, _, _ = await by_http.channel.handle(headers, body, now + timedelta(seconds=302))
    assert (late, too_late) == (200, 401)


MALFORMED = [
    (JSON, b"{not json"),
    (JSON, b"[]"),
    (JSON, b"\xff\xfe"),
    (JSON, b"[" * 100_000),
    (FORM, b"payload=%7Bnot+json"),
    (FORM, b"payload=null"),
    (FORM, b""),
    (FORM, f"payload={quote_plus(json.dumps({'type': 'block_actions', 'actions': 'x'}))}".encode()),
    (FORM, f"payload={quote_plus(json.dumps({'type': 'block_actions', 'user': [], 'team': 5}))}".encode()),
    (FORM, f"payload={quote_plus(json.dumps({'type': 'block_actions', 'user': {}, 'actions': []}))}".encode()),
    (JSON, json.dumps({"type": "event_callback", "event": "x"}).encode()),
]


@pytest.mark.parametrize(("headers", "body"), MALFORMED)
async def test_what_cannot_be_read_is_a_4xx_and_never_a_500(
    by_http: Office, headers: dict[str, str], body: bytes
) -> None:
    """Signed, but not what Slack sends: refused, not an error of ours."""
    ack = await by_http.slack.post(body, headers | sign(by_http.slack.settings.signing_secret, body))
    assert ack.status is not None
    assert 400 <= ack.status < 500


async def test_socket_mode_takes_nothing_by_http(by_socket: Office) -> None:
    """Without a signing secret there is nothing to verify by, so nothing comes in."""
    status, _, _ = await by_socket.channel.handle({}, b"{}", by_socket.house.clock.now())
    assert status == 404


async def test_an_installation_for_a_whole_organisation_is_foreign(by_http: Office) -> None:
    """A press under an org-wide installation names no workspace of ours."""
    message = await by_http.card()
    await by_http.slack.click("U0LEA", message, "approve")
    payload = by_http.slack.deliveries[-1].payload | {"is_enterprise_install": True, "trigger_id": "1.2.3"}
    payload["user"] = {"id": "U0ANA", "team_id": payload["team"]["id"]}
    body = urlencode({"payload": json.dumps(payload)}).encode()
    await by_http.slack.post(body, FORM | sign(by_http.slack.settings.signing_secret, body))
    assert by_http.house.reasons[-1] == "foreign_workspace"
    assert by_http.house.requests["req_1"].state is State.PENDING
