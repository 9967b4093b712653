"""The way there and back: who comes back, and how often the provider is asked."""

from __future__ import annotations

import asyncio
import hashlib
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from bot.core.errors import Overloaded
from bot.oidc import NotBegun, Provider, ProviderFailed, ProviderRefused
from tests.fakes import oidc as fake
from tests.oidc.conftest import REDIRECT, Clock, client, query_of, sign_in

NAMED: list[tuple[str, dict[str, Any], tuple[str, bool] | None]] = [
    ("email", {}, ("ana@example.com", True)),
    ("email", {"email_verified": "true"}, ("ana@example.com", True)),
    ("email", {"email_verified": None}, ("ana@example.com", False)),
    ("email", {"email_verified": False}, None),
    ("email", {"email_verified": "false"}, None),
    ("email", {"email_verified": 0}, None),
    ("email", {"email": None}, None),
    ("email", {"email": ""}, None),
    ("email", {"email": ["ana@example.com"]}, None),
    ("sub", {"sub": "00u1"}, ("00u1", False)),
    ("preferred_username", {"preferred_username": "ana"}, ("ana", False)),
    ("groups", {"groups": {"a": 1}}, None),
]


@pytest.mark.parametrize(("claim", "claims", "named"), NAMED)
async def test_who_comes_back(
    there: fake.Provider, clock: Clock, claim: str, claims: dict[str, Any], named: tuple[str, bool] | None
) -> None:
    """The claim's value, with whether it is a verified address; an address said not to be theirs names nobody."""
    there.claims |= claims
    assert await sign_in(client(there, clock, claim=claim), there) == named


async def test_the_browser_is_sent_with_all_that_binds_the_answer_to_it(here: Provider, there: fake.Provider) -> None:
    """State, nonce and PKCE's challenge by S256 are new each time, and none of them is what the browser keeps."""
    found = [await here.begin(REDIRECT) for _ in range(2)]
    asked = [query_of(address) for address, _ in found]
    for (address, kept), query in zip(found, asked, strict=True):
        assert address.startswith(f"{there.url}/authorize?")
        assert (query["response_type"], query["code_challenge_method"]) == ("code", "S256")
        assert (query["redirect_uri"], query["scope"]) == (REDIRECT, "openid email")
        values = (query["state"], query["nonce"], query["code_challenge"])
        assert all(len(value) == 43 and value not in kept for value in values)
        assert len(set(values)) == 3
        hashed = urlsafe_b64encode(hashlib.sha256(query["state"].encode()).digest()).decode().rstrip("=")
        assert hashed != query["code_challenge"]
    assert not {*asked[0].values()} & {*asked[1].values()} - {fake.CLIENT, "code", "S256", REDIRECT, "openid email"}


@pytest.mark.parametrize(
    "methods", [None, ["client_secret_basic"], ["client_secret_post"], ["private_key_jwt"]], ids=str
)
async def test_the_client_says_who_it_is_as_the_provider_wants(
    here: Provider, there: fake.Provider, methods: list[str] | None
) -> None:
    """In a header, which is the default, or in the form; percent signs and all."""
    there.document["token_endpoint_auth_methods_supported"] = methods
    assert await sign_in(here, there) == ("ana@example.com", True)


async def test_a_public_client_has_no_secret(clock: Clock) -> None:
    """It says its name alone, and PKCE does the rest."""
    async with fake.Provider(public=True) as there:
        assert await sign_in(client(there, clock, client_secret=None), there) == ("ana@example.com", True)


async def test_what_the_id_token_leaves_out_is_asked_of_userinfo(here: Provider, there: fake.Provider) -> None:
    """By providers that say the address there alone; never where it speaks of somebody else."""
    there.claims = {"sub": "1"}
    there.userinfo = {"sub": "1", "email": "ben@example.com", "email_verified": True}
    assert await sign_in(here, there) == ("ben@example.com", True)
    there.userinfo["sub"] = "2"
    with pytest.raises(ProviderFailed):
        await sign_in(here, there)


async def test_what_the_id_token_says_is_asked_nowhere_else(here: Provider, there: fake.Provider) -> None:
    """A signed word is not written over by one that is not."""
    there.userinfo = {"sub": "1", "email": "ben@example.com", "email_verified": True}
    assert await sign_in(here, there) == ("ana@example.com", True)
    assert there.asked["/userinfo"] == 0


async def test_discovery_and_keys_are_asked_for_once_an_hour(
    here: Provider, there: fake.Provider, clock: Clock
) -> None:
    """However many sign in, also at once."""
    await asyncio.gather(*(sign_in(here, there) for _ in range(5)))
    assert (there.asked["/.well-known/openid-configuration"], there.asked["/keys"]) == (1, 1)
    there.claims["exp"] = int((clock.now() + timedelta(hours=2)).timestamp())
    clock.shift = timedelta(minutes=61)
    await sign_in(here, there)
    assert (there.asked["/.well-known/openid-configuration"], there.asked["/keys"]) == (2, 2)


async def test_a_new_key_is_found_and_a_made_up_one_costs_one_look_a_minute(
    here: Provider, there: fake.Provider, clock: Clock
) -> None:
    """The provider turns its keys over; tokens that name keys that are not there make nobody ask in a loop."""
    await sign_in(here, there)
    there.published, there.key, there.named = [fake.rsa("two")], fake.rsa("two"), "two"
    clock.shift = timedelta(seconds=61)
    there.claims["exp"] = int((clock.now() + timedelta(hours=1)).timestamp())
    assert await sign_in(here, there) == ("ana@example.com", True)
    assert there.asked["/keys"] == 2
    there.named = "made-up"
    for _ in range(5):
        with pytest.raises(ProviderFailed):
            await sign_in(here, there)
    assert there.asked["/keys"] == 2
    clock.shift = timedelta(seconds=125)
    with pytest.raises(ProviderFailed):
        await sign_in(here, there)
    assert there.asked["/keys"] == 3


async def test_keys_of_other_kinds_and_without_names(here: Provider, there: fake.Provider) -> None:
    """An elliptic curve's; one of several where the token names none; what is no key among them does not matter."""
    there.algorithm, there.key, there.named = "ES256", ECKey.generate_key("P-256"), None
    there.published = [
        {"kty": "AKP"},
        {"kty": "RSA", "n": "!"},
        "nonsense",
        fake.rsa("one").as_dict(),
        there.key.as_dict(),
    ]
    assert await sign_in(here, there) == ("ana@example.com", True)


async def test_a_sign_in_ends_within_ten_minutes_and_once(here: Provider, there: fake.Provider, clock: Clock) -> None:
    """A second use of the same answer, and one that took too long, sign in nobody."""
    address, kept = await here.begin(REDIRECT)
    query = query_of(there.approve(address))
    assert await here.finish(kept, query, REDIRECT) is not None
    with pytest.raises(NotBegun):
        await here.finish(kept, query, REDIRECT)
    with pytest.raises(NotBegun):
        await here.finish(kept, query_of(there.approve(address)), REDIRECT)
    address, kept = await here.begin(REDIRECT)
    clock.shift = timedelta(minutes=10, seconds=3)
    with pytest.raises(NotBegun):
        await here.finish(kept, query_of(there.approve(address)), REDIRECT)
    assert there.asked["/token"] == 1


async def test_t20_another_browsers_sign_in_is_worth_nothing_here(here: Provider, there: fake.Provider) -> None:
    """Login CSRF: an answer that was made for one browser, in another; and cookies that this house never made."""
    (mine, kept), (theirs, _) = await here.begin(REDIRECT), await here.begin(REDIRECT)
    answer = query_of(there.approve(theirs))
    own = query_of(there.approve(mine))
    for held, query in (
        (kept, answer),
        (kept, {**own, "state": ""}),
        (kept, {"code": own["code"]}),
        (kept, {**own, "state": own["state"] + "é\udc80"}),
        ("", own),
        ("made-up", own),
        (kept[:-1], own),
        ("x" + kept, own),
        (client(there, Clock(), secrets=["another secret, as long as needed"])._tokens.sign(["k", 0]), own),  # noqa: SLF001
        (here._tokens.sign({"k": 1}), own),  # noqa: SLF001  # a value that this version does not write
    ):
        with pytest.raises(NotBegun):
            await here.finish(held, query, REDIRECT)
    assert there.asked["/token"] == 0
    assert await here.finish(kept, own, REDIRECT) == ("ana@example.com", True)


async def test_a_person_who_said_no_is_told_so(here: Provider, there: fake.Provider) -> None:
    """The provider's error is an answer, and nothing more is asked."""
    address, kept = await here.begin(REDIRECT)
    state = query_of(address)["state"]
    with pytest.raises(ProviderRefused):
        await here.finish(kept, {"error": "access_denied", "error_description": "<b>", "state": state}, REDIRECT)
    assert there.asked["/token"] == 0


async def test_too_many_at_once_wait_no_longer_than_they_must(here: Provider, there: fake.Provider) -> None:
    """Whoever makes us ask a slow provider is one of eight at most; the others are told to try again."""
    begun = [await here.begin(REDIRECT) for _ in range(12)]
    answers = [(kept, query_of(there.approve(address))) for address, kept in begun]
    there.slow = 0.2
    told = await asyncio.gather(*(here.finish(k, q, REDIRECT) for k, q in answers), return_exceptions=True)
    assert len([t for t in told if isinstance(t, Overloaded)]) == 4
    assert len([t for t in told if t == ("ana@example.com", True)]) == 8
