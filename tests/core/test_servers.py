"""Mail servers by URL: encrypted unless they are this machine, and no secret ever repeated."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.servers import MAIL_IN, MAIL_LISTEN, MAIL_OUT, Server, Tls, server_of

READ: list[tuple[str, Mapping[str, int], Server]] = [
    (
        "smtps://bot%40example.com:p%40ss%2Fw%23rd@mail.example.com",
        MAIL_OUT,
        Server(
            scheme="smtps",
            host="mail.example.com",
            port=465,
            user="bot@example.com",
            password="p@ss/w#rd",
            tls=Tls.IMPLICIT,
        ),
    ),
    (
        "smtp://mail.example.com:2525",
        MAIL_OUT,
        Server(scheme="smtp", host="mail.example.com", port=2525, tls=Tls.STARTTLS),
    ),
    (
        "smtp://mail.example.com?tls=off",
        MAIL_OUT,
        Server(scheme="smtp", host="mail.example.com", port=587, tls=Tls.OFF),
    ),
    (
        "smtp://localhost:1025",
        MAIL_OUT,
        Server(scheme="smtp", host="localhost", port=1025, tls=Tls.OFFERED, verify=False),
    ),
    (
        "smtp://[::1]?tls=starttls&verify=on",
        MAIL_OUT,
        Server(scheme="smtp", host="::1", port=587, tls=Tls.STARTTLS, verify=True),
    ),
    (
        "IMAPS://u:p@Mail.Example.com/Sayso%2FIn",
        MAIL_IN,
        Server(
            scheme="imaps",
            host="mail.example.com",
            port=993,
            user="u",
            password="p",
            tls=Tls.IMPLICIT,
            folder="Sayso/In",
        ),
    ),
    ("imap://10.0.0.5", MAIL_IN, Server(scheme="imap", host="10.0.0.5", port=143, tls=Tls.STARTTLS)),
    (
        "imaps://mail.example.com?verify=off",
        MAIL_IN,
        Server(scheme="imaps", host="mail.example.com", port=993, tls=Tls.IMPLICIT, verify=False),
    ),
    (
        "lmtp://127.0.0.1",
        MAIL_LISTEN,
        Server(scheme="lmtp", host="127.0.0.1", port=8024, tls=Tls.OFFERED, verify=False),
    ),
]

REFUSED = [
    ("", MAIL_OUT),
    ("mail.example.com", MAIL_OUT),
    ("https://mail.example.com", MAIL_OUT),
    ("imap://mail.example.com", MAIL_OUT),
    ("smtp://mail.example.com", MAIL_IN),
    ("smtp://", MAIL_OUT),
    ("smtp://user:S3cret@", MAIL_OUT),
    ("smtp://mail.example.com:0", MAIL_OUT),
    ("smtp://mail.example.com:70000", MAIL_OUT),
    ("smtp://user:S3cret/x@mail.example.com", MAIL_OUT),
    ("smtp://user:12/S3cret@mail.example.com", MAIL_OUT),
    ("imaps://user:12/S3cret@mail.example.com/INBOX", MAIL_IN),
    ("smtp://user:S3cret#x@mail.example.com", MAIL_OUT),
    ("smtp://user:12#S3cret@mail.example.com", MAIL_OUT),
    ("smtp://user:S3cret[@mail.example.com", MAIL_OUT),
    ("smtp://mail.example.com?tls", MAIL_OUT),
    ("smtp://mail.example.com?tls=", MAIL_OUT),
    ("smtp://mail.example.com?tls=S3cret", MAIL_OUT),
    ("smtp://mail.example.com?starttls=off", MAIL_OUT),
]


@pytest.mark.parametrize(("url", "schemes", "server"), READ, ids=[url for url, _, _ in READ])
def test_a_server_is_read_whole(url: str, schemes: Mapping[str, int], server: Server) -> None:
    """The usual port where none is named, the parts unquoted, encryption as the scheme and the place ask for it."""
    assert server_of(url, schemes) == server


@pytest.mark.parametrize(("url", "schemes"), REFUSED, ids=str)
def test_what_cannot_be_meant_is_refused_without_repeating_it(url: str, schemes: Mapping[str, int]) -> None:
    """The sentence shows how to write it and holds nothing of what was written, which may be a password.

    A bare slash or # in a password would end the host early, and the rest would go to another machine.
    """
    with pytest.raises(ValueError, match=r"write it as|must look like|there are") as refused:
        server_of(url, schemes)
    assert "S3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_each_kind_shows_its_own_example() -> None:
    """An operator copies it."""
    for schemes, example in ((MAIL_OUT, "smtps://"), (MAIL_IN, "/INBOX"), (MAIL_LISTEN, "lmtp://127.0.0.1:8024")):
        with pytest.raises(ValueError, match=example):
            server_of("x", schemes)


def test_a_hash_in_a_password_and_a_port_beyond_all_are_told_how() -> None:
    """Both end in an unreadable port; a listener has no password, so it is told nothing of one."""
    for url in ("smtp://user:p#w@mail.example.com:587", "smtp://mail.example.com:99999"):
        with pytest.raises(ValueError, match=r"%40 for an @ and %23 for a # .*a port up to 65535"):
            server_of(url, MAIL_OUT)
    for url in ("127.0.0.1:8024", "lmtp://127.0.0.1:99999"):
        with pytest.raises(ValueError, match=r"lmtp://127\.0\.0\.1:8024") as refused:
            server_of(url, MAIL_LISTEN)
        assert "password" not in str(refused.value)


@pytest.mark.parametrize("host", ["mail.example.com", "10.0.0.5", "192.168.1.1", "localhost.example.com", "0.0.0.0"])  # noqa: S104  # no address is bound
def test_nothing_leaves_this_machine_in_the_clear_by_itself(host: str) -> None:
    """Only a name or address of this very machine makes encryption optional."""
    server = server_of(f"smtp://{host}", MAIL_OUT)
    assert (server.tls, server.verify) == (Tls.STARTTLS, True)


def test_a_server_is_shown_without_its_secrets() -> None:
    """Host and port are enough for people."""
    server = server_of("smtps://bot:S3cret@mail.example.com", MAIL_OUT)
    assert server.shown == "smtps://mail.example.com:465"
    assert server_of("smtp://[::1]:25", MAIL_OUT).shown == "smtp://[::1]:25"


@given(st.text(max_size=40), st.sampled_from([MAIL_OUT, MAIL_IN, MAIL_LISTEN]))
def test_any_text_is_a_server_or_a_sentence(text: str, schemes: Mapping[str, int]) -> None:
    """Nothing an operator can put there breaks the start with a traceback."""
    for url in (text, f"{next(iter(schemes))}://{text}"):
        try:
            server = server_of(url, schemes)
        except ValueError as refused:
            assert str(refused).split()[0] in ("cannot", "must", "has")  # noqa: PT017  # either is right
        else:
            assert server.host
            assert 0 < server.port < 65536
