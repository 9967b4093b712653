"""Tokens: opaque, signed, of one purpose, and good for as long as one of the secrets is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Verb
from bot.core.token import PAGE, BadToken, Marks, Shown, Tokens, hash_of

SHOWN = Shown(
    request="req_01k4q7h2n5m8p0r3s6t9v2w5x8",
    revision=3,
    digest="sha256:" + "a" * 64,
    delivery="dlv_01k4q7h2n5m8p0r3s6t9v2w5x8",
    fully_shown=False,
    buttons=(Verb.REJECT, Verb.ESCALATE),
)


def test_what_was_shown_comes_back_whole() -> None:
    """Every part, and short enough for a button's value and for a mail address's neighbourhood."""
    tokens = Tokens(("secret",), "slack.card")
    token = tokens.sign_shown(SHOWN)
    assert tokens.read_shown(token) == SHOWN
    assert len(token) < 400
    assert set(token) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")


def test_secrets_rotate() -> None:
    """The first signs; every one is accepted; one that is gone is not."""
    old, both = Tokens(("old",), "p"), Tokens(("new", "old"), "p")
    assert both.read(old.sign(1)) == 1
    assert Tokens(("new",), "p").read(both.sign(2)) == 2
    with pytest.raises(BadToken):
        Tokens(("new",), "p").read(old.sign(1))


def test_a_token_is_worth_nothing_for_another_purpose() -> None:
    """The salt differs, so the signature does."""
    with pytest.raises(BadToken):
        Tokens(("secret",), "slack.form").read(Tokens(("secret",), "slack.card").sign(1))


@given(st.text(max_size=80))
def test_nothing_but_our_own_is_read(text: str) -> None:
    """Any text at all is refused, and as a `BadToken`, never as another error."""
    with pytest.raises(BadToken):
        Tokens(("secret",), "p").read_shown(text)


@pytest.mark.parametrize("at", [0, 5, 20, -2])
def test_a_changed_token_is_refused(at: int) -> None:
    """One character anywhere."""
    tokens = Tokens(("secret",), "p")
    token = list(tokens.sign_shown(SHOWN))
    token[at] = "A" if token[at] != "A" else "B"
    with pytest.raises(BadToken):
        tokens.read_shown("".join(token))


@pytest.mark.parametrize("value", [1, [], [1, 2], {"a": 1}])
def test_a_token_of_something_else_shows_nothing(value: object) -> None:
    """Well signed, but not what a card showed."""
    tokens = Tokens(("secret",), "p")
    with pytest.raises(BadToken):
        tokens.read_shown(tokens.sign(value))


@pytest.mark.parametrize("secrets", [(), ("",), ("good", "")])
def test_no_secret_is_an_error_at_once(secrets: tuple[str, ...]) -> None:
    """An empty secret would sign for everybody."""
    with pytest.raises(ValueError, match="SAYSO_SECRET"):
        Tokens(secrets, "p")


PARTS = st.lists(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=3)


@given(PARTS)
def test_a_mark_is_short_and_the_same_for_the_same(parts: list[str]) -> None:
    """128 bits in 26 letters and digits, which fit the local part of an address; what is sent twice is one thing."""
    marks = Marks(("secret",), PAGE)
    mark = marks.make(*parts)
    assert mark == Marks(("secret",), PAGE).make(*parts)
    assert len(mark) == 26
    assert set(mark) <= set("abcdefghijklmnopqrstuvwxyz234567")
    assert marks.holds(mark, *parts)


@given(PARTS, PARTS)
def test_a_mark_is_of_its_own_parts_alone(one: list[str], other: list[str]) -> None:
    """Also where the same letters stand in other parts: what was made for one person is no other's."""
    marks = Marks(("secret",), PAGE)
    assert marks.holds(marks.make(*one), *other) is (one == other)


def test_a_mark_is_worth_nothing_for_another_purpose_or_house() -> None:
    """The purpose and the secret are in it."""
    mark = Marks(("secret",), PAGE).make("req_1", "ana")
    assert not Marks(("secret",), "letter").holds(mark, "req_1", "ana")
    assert not Marks(("other",), PAGE).holds(mark, "req_1", "ana")
    assert not Marks(("secret",), PAGE).holds(mark, "ana", "req_1")
    assert not Marks(("secret",), PAGE).holds(mark, "req_1", "an", "a")


def test_marks_outlive_a_rotated_secret() -> None:
    """The first makes them; every one that is still listed holds them."""
    old, both = Marks(("old",), PAGE), Marks(("new", "old"), PAGE)
    assert both.holds(old.make("x"), "x")
    assert both.make("x") == Marks(("new",), PAGE).make("x")
    assert not Marks(("new",), PAGE).holds(old.make("x"), "x")


@pytest.mark.parametrize("mark", ["", "x" * 1_000, "\udcff", "\u0130", "\0"], ids=ascii)
def test_whatever_is_given_for_a_mark_is_told_from_one(mark: str) -> None:
    """Nothing that a stranger puts there is an error, bytes of a mail that are no UTF-8 among it."""
    assert not Marks(("secret",), PAGE).holds(mark, "x")
    assert not Marks(("secret",), PAGE).holds(Marks(("secret",), PAGE).make("x").upper(), "x")


@pytest.mark.parametrize("secrets", [(), ("",), ("good", "")])
def test_no_secret_makes_no_marks(secrets: tuple[str, ...]) -> None:
    """An empty secret would be known to everybody."""
    with pytest.raises(ValueError, match="SAYSO_SECRET"):
        Marks(secrets, PAGE)


def test_a_hash_is_sha_256_in_hex() -> None:
    """Of the text's UTF-8 (the digest is FIPS 180-2's for abc); and of any text a mail may hold."""
    assert hash_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert len(hash_of("\udcff")) == 64
    assert hash_of("\udcff") != hash_of("\udcfe")
