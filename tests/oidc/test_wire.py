"""A provider that is down, slow, huge or somebody else: said within seconds, and nobody is signed in."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest

from bot.oidc import Provider, ProviderFailed
from bot.oidc.wire import MOST_BYTES, is_safe
from tests.fakes import oidc as fake
from tests.oidc.conftest import REDIRECT, Clock, client, query_of, sign_in

DISCOVERY = "/.well-known/openid-configuration"
ANSWERS = [
    fake.said({"error": "x"}, "500 Internal Server Error"),
    fake.said({}, "302 Found", headers="Location: http://127.0.0.1:1/\r\n"),
    fake.said(b"<html>"),
    fake.said(b"\xff\xfe"),
    fake.said([1]),
    fake.said(b"[" * 100_000),
    fake.said(b'"' + b"x" * MOST_BYTES + b'"'),
    fake.said(b"\x1f\x8b\x08", headers="Content-Encoding: gzip\r\n"),
    b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
    b"nonsense\r\n\r\n",
    b"",
]
OTHERS: list[dict[str, Any]] = [
    {"issuer": "https://evil.example"},
    {"issuer": None},
    {"issuer": 7},
    {"authorization_endpoint": None},
    {"authorization_endpoint": "javascript:alert(1)"},
    {"token_endpoint": "http://evil.example/token"},
    {"token_endpoint": "/token"},
    {"authorization_endpoint": "https://id.example.com/\r\nSet-Cookie: a=b"},
    {"authorization_endpoint": "https://id.example.com/ x"},
    {"authorization_endpoint": "https://\u212aeys.example.com/"},
    {"jwks_uri": ["https://id.example.com"]},
    {"jwks_uri": "https://user:word@id.example.com/"},
    {"userinfo_endpoint": "http://evil.example/userinfo"},
]


@pytest.mark.parametrize("path", [DISCOVERY, "/token", "/keys"])
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: repr(answer[:60]))
async def test_an_answer_that_is_none(here: Provider, there: fake.Provider, path: str, answer: bytes) -> None:
    """One error for whoever signs in, wherever on the way it happens."""
    there.answers[path] = answer
    with pytest.raises(ProviderFailed):
        await sign_in(here, there)


@pytest.mark.parametrize("document", OTHERS, ids=str)
async def test_a_document_that_leads_elsewhere(here: Provider, there: fake.Provider, document: dict[str, Any]) -> None:
    """Another issuer's, and addresses that are not https."""
    there.document |= document
    with pytest.raises(ProviderFailed):
        await here.begin(REDIRECT)


async def test_a_slow_provider_is_not_waited_for(
    here: Provider, there: fake.Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slowly it answers, and it is not asked again at once."""
    monkeypatch.setattr("bot.oidc.wire.SECONDS", 0.2)
    there.slow = 5
    for _ in range(3):
        with pytest.raises(ProviderFailed):
            await here.begin(REDIRECT)
    assert there.asked[DISCOVERY] <= 1


async def test_a_provider_that_is_down_is_asked_again_after_a_while(
    here: Provider, there: fake.Provider, clock: Clock
) -> None:
    """Ten seconds after it failed; and what it said before holds where it does not answer."""
    there.answers[DISCOVERY] = fake.said({}, "503 Service Unavailable")
    for _ in range(3):
        with pytest.raises(ProviderFailed):
            await here.begin(REDIRECT)
    assert there.asked[DISCOVERY] == 1
    clock.shift = timedelta(seconds=10)
    fine = there.answers.pop(DISCOVERY)
    await here.begin(REDIRECT)
    there.answers[DISCOVERY] = fine
    clock.shift = timedelta(hours=2)
    await here.begin(REDIRECT)
    await here.begin(REDIRECT)
    assert there.asked[DISCOVERY] == 3


async def test_an_answer_that_names_another_issuer(here: Provider, there: fake.Provider) -> None:
    """RFC 9207: another's name never counts, ours does, and none only where the provider never says it."""
    there.callback = {"iss": "https://evil.example"}
    with pytest.raises(ProviderFailed):
        await sign_in(here, there)
    there.callback = {"iss": there.url}
    assert await sign_in(here, there) is not None
    there.document["authorization_response_iss_parameter_supported"] = True
    there.callback = {}
    with pytest.raises(ProviderFailed):
        await sign_in(client(there, Clock()), there)


async def test_an_answer_without_a_code(here: Provider, there: fake.Provider) -> None:
    """None, an empty one and one that is no code are not passed on."""
    for code in ("", "a\r\nb", "x" * 5000, "é"):
        address, kept = await here.begin(REDIRECT)
        with pytest.raises(ProviderFailed):
            await here.finish(kept, {**query_of(there.approve(address)), "code": code}, REDIRECT)
    assert there.asked["/token"] == 0


async def test_t23_nothing_that_a_person_is_known_by_is_logged(
    here: Provider, there: fake.Provider, caplog: pytest.LogCaptureFixture
) -> None:
    """Why it failed is; addresses, codes, tokens and secrets are not."""
    caplog.set_level(logging.DEBUG)
    await sign_in(here, there)
    for claims in ({"aud": "another"}, {"nonce": "another"}, {"exp": 1}):
        there.claims |= claims
        with pytest.raises(ProviderFailed):
            await sign_in(here, there)
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("bot."))
    assert "its ID token does not hold" in ours
    for secret in ("ana@", "the-access-token", fake.SECRET, "eyJ"):
        assert secret not in ours


@pytest.mark.parametrize("issuer", ["http://id.example.com", "id.example.com", "", "https://a@b.example"])
def test_an_issuer_that_cannot_be_trusted_is_refused_at_once(issuer: str) -> None:
    """Before anything is asked."""
    assert not is_safe(issuer)
    with pytest.raises(ValueError, match="https"):
        client(fake.Provider(), Clock(), issuer=issuer)
