"""No secret in the log, by value or by shape, and no line that nobody wrote (threats T23, CWE-117)."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from bot.core.about import about, begin, mark
from bot.logs.lines import JsonLines, TextLines
from bot.logs.masks import Masks, secrets_among
from bot.settings import VARIABLES

SHAPES = {
    "a bot token": ("xoxb-1234-5678-abcDEF", "slack said xoxb-1234-5678-abcDEF is bad"),
    "an app token": ("xapp-1-A0-999-deadbeef", "opening with xapp-1-A0-999-deadbeef"),
    "a webhook secret": ("c3RvcmllcyBzdG9yaWVz", "signed by whsec_c3RvcmllcyBzdG9yaWVz=="),
    "an agent's key": ("sk_agent_0123456789abcdef", "key sk_agent_0123456789abcdef was given"),
    "an audit key": ("auditsk_0123456789abcdef", "auditsk_0123456789abcdef"),
    "a bearer": ("opaque.token-1234567", "Authorization: Bearer opaque.token-1234567"),
    "an id token": ("eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"),
    "a password in an address": ("hunter22", "cannot reach smtps://bot:hunter22@mail.example.com:465"),
    "a password with marks": ("p:w=d+%40", "postgresql+asyncpg://sayso:p:w=d+%40@db/sayso"),
    "a sign-in link": ("Zx81Zx81Zx81Zx81Zx81", "https://s.example.com/sign-in/Zx81Zx81Zx81Zx81Zx81 was sent"),
    "a reply address": ("abcdefghijklmnop234567", "to approvals+abcdefghijklmnop234567@example.com"),
    "a code in a query": ("4/0AX4XfWh", "GET /sign-in/oidc/callback?code=4/0AX4XfWh&state=xyz"),
    "a mark of a mail's link": ("m4rkm4rk", "https://s.example.com/requests/req_1?for=m4rkm4rk"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_t23_secrets_are_known_by_their_shape(name: str) -> None:
    """What looks like a secret is hidden, though nobody configured it."""
    secret, text = SHAPES[name]
    hidden = Masks().hide(text)
    assert secret not in hidden
    assert "***" in hidden


@pytest.mark.parametrize(
    "text",
    [
        "req_01m8aqatybky6b1bhezbvf6tdq put off: not_connected",
        "routing.yaml loaded: sha256:9a8f4a96f5843cbf21cf5833a4be9b9ffc2eb3b206393fd67402d037211f5069",
        "https://s.example.com/sign-in/oidc/callback",
        "smtps://mail.example.com:465 does not answer",
        "the email of ana@example.com is not confirmed",
    ],
)
def test_what_is_no_secret_is_left(text: str) -> None:
    """Ids, hashes and addresses stay readable."""
    assert Masks().hide(text) == text


def test_t23_every_secret_variable_is_known() -> None:
    """Each variable's example that is a secret is among those that are hidden; what is none is not."""
    secret = {
        *("SAYSO_SECRET", "SAYSO_WEBHOOK_SECRET", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"),
        *("OIDC_CLIENT_SECRET", "VAPID_PRIVATE_KEY", "NTFY_TOKEN", "SAYSO_AUDIT_KEY", "AWS_SECRET_ACCESS_KEY"),
    }
    inside = {"SMTP_URL": "password", "IMAP_URL": "password", "OTEL_EXPORTER_OTLP_HEADERS": "the-key-of-the-collector"}
    for variable in VARIABLES:
        found = secrets_among({variable.name: variable.example or variable.default})
        if variable.name in secret:
            assert variable.example in found, variable.name
        elif variable.name in inside:
            assert found == (inside[variable.name],), variable.name
        elif variable.name == "APPRISE_URLS":
            assert {"pover://user@token", "gotify://gotify.example.com/token"} <= set(found)
        else:
            named = variable.name.endswith(("SECRET", "TOKEN", "PASSWORD", "PASSPHRASE", "KEY"))
            assert bool(found) == (named and bool(variable.example)), variable.name


def test_t23_lists_and_encodings_of_a_secret_are_hidden() -> None:
    """Each of a rotating list, and a password as it stands in the address as well as decoded."""
    values = {
        "SAYSO_SECRET": "first-secret-value,second-secret-value",
        "SMTP_URL": "smtps://bot%40example.com:p%40ssw%2Frd@mail.example.com:465",
        "SAYSO_DATABASE_URL": "postgresql+asyncpg://sayso:0racle!@db/sayso",
    }
    masks = Masks(secrets_among(values))
    text = "first-secret-value second-secret-value p%40ssw%2Frd p@ssw/rd 0racle!"
    assert masks.hide(text) == "*** *** *** *** ***"


def _record(message: str, *args: object, fault: BaseException | None = None) -> logging.LogRecord:
    info = (type(fault), fault, fault.__traceback__) if fault is not None else None
    return logging.LogRecord("bot.test", logging.ERROR, __file__, 1, message, args, info)


FORGED = "no such order\n2026-01-01T00:00:00.000+00:00 INFO bot: paid\x1b[2J\u202edetrever\x9b1m\r"


def test_t23_tracebacks_are_hidden_too() -> None:
    """A secret in what was raised, and in the cause of it."""
    raised = RuntimeError("smtps://bot:hunter22@mail")
    raised.__cause__ = ValueError("key sk_agent_0123456789abcdef")
    for lines in (TextLines(Masks()), JsonLines(Masks())):
        text = lines.format(_record("it broke off", fault=raised))
        assert "hunter22" not in text
        assert "sk_agent" not in text
        assert "RuntimeError" in text
        assert "ValueError" in text


def test_an_agents_words_make_no_line_of_their_own_in_text() -> None:
    """Newlines, escape sequences and turned text are shown as escapes; lines of a traceback stand indented."""
    text = TextLines(Masks()).format(_record("refused: %s", FORGED))
    assert text.count("\n") == 0
    assert not any(mark in text for mark in ("\x1b", "\x9b", "\u202e", "\r"))
    assert "\\n2026" in text
    lines = TextLines(Masks()).format(_record("it broke off", fault=ValueError(FORGED))).split("\n")
    assert all(line.startswith("    ") for line in lines[1:])


def test_an_agents_words_make_no_line_of_their_own_in_json() -> None:
    """One record is one line, which parses, and holds nothing that a terminal would obey."""
    text = JsonLines(Masks()).format(_record("refused: %s", FORGED))
    assert "\n" not in text
    assert text.isprintable()
    assert json.loads(text)["message"].startswith("refused: no such order\\n2026")


def test_a_record_says_what_it_is_about() -> None:
    """What was begun, what was marked since, and what holds within; nothing of it after its end."""
    begin(call="c1")
    mark(who="agent:billing")
    with about(request="req_1", delivery=""):
        line = json.loads(JsonLines(Masks()).format(_record("x")))
        assert {name: line[name] for name in ("call", "who", "request")} == {
            "call": "c1",
            "who": "agent:billing",
            "request": "req_1",
        }
        assert "delivery" not in line
        assert TextLines(Masks()).format(_record("x")).endswith("[call=c1 who=agent:billing request=req_1]")
    assert "request" not in json.loads(JsonLines(Masks()).format(_record("x")))


def test_a_huge_message_is_cut() -> None:
    """A line stays one that a collector takes."""
    assert len(TextLines(Masks()).format(_record("x" * 1_000_000))) < 10_000


def test_the_log_module_is_not_the_librarys() -> None:
    """`bot.logs` shadows nothing."""
    assert sys.modules["logging"] is logging
