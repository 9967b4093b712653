"""Tokens: opaque, signed, of one purpose, and good for as long as one of the secrets is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Verb
from bot.core.token import BadToken, Shown, Tokens

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
