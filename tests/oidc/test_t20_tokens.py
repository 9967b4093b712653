"""What an ID token must not be: each case would sign in somebody who did not sign in there, to us, now (T20)."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from bot.oidc import Provider, ProviderFailed
from tests.fakes import oidc as fake
from tests.oidc.conftest import sign_in

NOW = int(time.time())
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("another issuer", {"iss": "https://evil.example"}),
    ("no issuer", {"iss": None}),
    ("an issuer that is none", {"iss": ["https://evil.example"]}),
    ("another audience", {"aud": "another-client"}),
    ("no audience", {"aud": None}),
    ("an audience without us", {"aud": ["a", "b"]}),
    ("many audiences and nobody it is for", {"aud": [fake.CLIENT, "another-client"]}),
    ("many audiences and for another", {"aud": [fake.CLIENT, "another"], "azp": "another"}),
    ("one audience and for another", {"azp": "another-client"}),
    ("an audience that is none", {"aud": {fake.CLIENT: 1}}),
    ("over", {"exp": NOW - 120}),
    ("no end", {"exp": None}),
    ("an end that is none", {"exp": "never"}),
    ("an end beyond time", {"exp": -1}),
    ("made in the future", {"iat": NOW + 3600}),
    ("not yet", {"nbf": NOW + 3600}),
    ("never made", {"iat": None}),
    ("another sign-in", {"nonce": "another"}),
    ("of no sign-in", {"nonce": None}),
    ("an empty nonce", {"nonce": ""}),
    ("a nonce that is none", {"nonce": 1}),
    ("of nobody", {"sub": None}),
    ("another access token", {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}),
]


def _as_hmac(key: str | bytes) -> Callable[[dict[str, Any]], str]:
    return lambda claims: jwt.encode(
        {"alg": "HS256", "kid": "one"}, claims, OctKey.import_key(key), algorithms=["HS256"]
    )


def _of_another(claims: dict[str, Any]) -> str:
    """Signed by a key of the same name that the provider does not have."""
    other = RSAKey.generate_key(2048, {"kid": "one"}, private=True)
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, other)


def _bent(claims: dict[str, Any]) -> str:
    """Well signed, and then with other claims in the middle."""
    head, _, signature = jwt.encode({"alg": "RS256", "kid": "one"}, claims, fake.rsa("one")).split(".")
    middle = base64.urlsafe_b64encode(json.dumps({**claims, "email": "ben@example.com"}).encode()).decode().rstrip("=")
    return f"{head}.{middle}.{signature}"


def _bringing_its_key(claims: dict[str, Any]) -> str:
    other = RSAKey.generate_key(2048, private=True)
    return jwt.encode({"alg": "RS256", "jwk": other.as_dict(private=False)}, claims, other)


FORGED: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("unsigned", fake.unsigned),
    ("unsigned, and signed NONE", lambda claims: fake.unsigned(claims, "NONE")),
    ("unsigned, and called RS256", lambda claims: fake.unsigned(claims, "RS256")),
    ("no algorithm", lambda claims: fake.unsigned(claims, "")),
    ("HMAC by the client's secret", _as_hmac(fake.SECRET)),
    ("HMAC by the public key", _as_hmac(fake.rsa("one").as_bytes(private=False).hex())),
    ("a key of the same name", _of_another),
    ("a key that it brings along", _bringing_its_key),
    ("claims put in afterwards", _bent),
    ("no token", lambda _: None),
    ("a number", lambda _: 7),
    ("garbage", lambda _: "garbage"),
    ("five parts", lambda _: "a.b.c.d.e"),
    ("a header that is none", lambda _: "WzFd.e30.AA"),
    ("bytes that are no text", lambda _: "_____.e30.AA"),
    ("a book", lambda _: "e30." + "A" * 100_000 + ".AA"),
]


@pytest.mark.parametrize(("case", "claims"), WRONG, ids=[w[0] for w in WRONG])
async def test_claims_that_are_not_as_they_must_be(
    here: Provider, there: fake.Provider, case: str, claims: dict[str, Any]
) -> None:
    """Well signed, and still not the provider's word to us about this sign-in, now."""
    del case
    there.claims |= claims
    with pytest.raises(ProviderFailed):
        await sign_in(here, there)


@pytest.mark.parametrize(("case", "token"), FORGED, ids=[f[0] for f in FORGED])
async def test_tokens_that_the_provider_did_not_sign(
    here: Provider, there: fake.Provider, case: str, token: Callable[[dict[str, Any]], Any]
) -> None:
    """Whatever else they say, and whatever they say of how they are signed."""
    del case
    there.token = token
    with pytest.raises(ProviderFailed):
        await sign_in(here, there)


async def test_audiences_that_are_as_they_must_be(here: Provider, there: fake.Provider) -> None:
    """One in a list; several, where it says that it is for us."""
    for claims in ({"aud": [fake.CLIENT]}, {"aud": [fake.CLIENT, "another"], "azp": fake.CLIENT}):
        there.claims |= claims
        assert await sign_in(here, there) == ("ana@example.com", True)


@pytest.mark.parametrize(("kind", "size", "algorithm"), [(OctKey, 256, "HS256"), (RSAKey, 1024, "RS256")])
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")
async def test_keys_that_prove_nothing_are_not_taken(
    here: Provider, there: fake.Provider, kind: type[OctKey | RSAKey], size: int, algorithm: str
) -> None:
    """A shared key in the key set, which everybody may read there, and one that is too short."""
    there.key = kind.generate_key(size, {"kid": "one"}, private=True)
    there.algorithm = algorithm
    there.published = [there.key.as_dict(private=True)]
    with pytest.raises(ProviderFailed):
        await sign_in(here, there)


async def test_a_key_for_other_things_signs_nobody_in(here: Provider, there: fake.Provider) -> None:
    """One that the set says is to encrypt with."""
    there.published = [{**fake.rsa("one").as_dict(private=False), "use": "enc"}]
    with pytest.raises(ProviderFailed):
        await sign_in(here, there)
