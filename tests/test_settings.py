"""The environment: where each value comes from, and that everything wrong is said at once, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.core.servers import Server, Tls
from bot.settings import VARIABLES, Settings, SettingsError, public_url_of, read_env, settings_of
from bot.settings.oidc import OidcClient

SECRET = "s" * 32


WEBHOOK = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


NAMES = [variable.name for variable in VARIABLES]


def values(**given: str) -> dict[str, str]:
    """What `read_env` gives for an environment with these, and the secrets."""
    return read_env({"SAYSO_SECRET": SECRET, "SAYSO_WEBHOOK_SECRET": WEBHOOK} | given)


def test_defaults_hold_where_nothing_is_said(tmp_path: Path) -> None:
    """Every variable has its value, and no file is needed."""
    found = read_env({}, tmp_path / ".env")
    assert found == {variable.name: variable.default for variable in VARIABLES} | {"SAYSO_KEY": ""}
    assert read_env({}) == found


def test_everything_wrong_is_said_at_once() -> None:
    """Seven mistakes, seven lines, each beginning with its variable."""
    wrong = {
        "SAYSO_SECRET": "short",
        "SAYSO_WEBHOOK_SECRET": "whsec_short",
        "SAYSO_LISTEN": "8000x",
        "SAYSO_PUBLIC_URL": "sayso.example.com",
        "SAYSO_DATABASE_URL": "mysql://x",
        "SAYSO_LOG": "xml",
        "SLACK_APP_TOKEN": "xapp-1",
    }
    with pytest.raises(SettingsError) as told:
        settings_of(read_env(wrong))
    named = {problem.split(":")[0] for problem in told.value.problems}
    assert named == (wrong.keys() - {"SLACK_APP_TOKEN"}) | {"SLACK_BOT_TOKEN"}
    assert str(told.value).count("\n") == len(told.value.problems) - 1


MAIL = {
    "SMTP_URL": "smtps://sayso:hunter2@smtp.example.com",
    "EMAIL_FROM": "Sayso <sayso@example.com>",
    "EMAIL_REPLY_TO": "approvals+{token}@example.com",
    "IMAP_URL": "imaps://sayso:hunter2@imap.example.com/INBOX",
}


OFF = {name: "" for name in NAMES if name.startswith(("EMAIL_", "IMAP_"))}


ALONE: list[tuple[str, str, dict[str, str]]] = [
    ("EMAIL_FROM", "sayso@example.com", {}),
    ("EMAIL_REPLY_TO", MAIL["EMAIL_REPLY_TO"], {}),
    ("IMAP_URL", MAIL["IMAP_URL"], {"EMAIL_REPLY_TO": MAIL["EMAIL_REPLY_TO"]}),
    ("EMAIL_LISTEN", "lmtp://127.0.0.1:8024", {"EMAIL_REPLY_TO": MAIL["EMAIL_REPLY_TO"]}),
    ("EMAIL_AUTHSERV_ID", "mx.example.com", {}),
    ("EMAIL_DNS", "127.0.0.1:53", {}),
]


LISTENING = {"EMAIL_LISTEN": "smtp://[::1]"}


LONGEST = "a" * 37 + "+{token}@a-b.example"


NOT_ONE_MAILBOX = [
    "Sayso",
    "a@example.com, b@example.com",
    "Ana, Sayso <sayso@example.com>",
    "all: a@example.com;",
    "all:;",
    "a@example.com b@example.com",
    "<a@example.com",
    "sayso@",
    "säyso@example.com",
    "sayso@exämple.com",
    "sayso@[127.0.0.1]",
    '"say so"@example.com',
    "a@example.com (Sayso)",
    'Sayso "x" <a@example.com>',
    '"Sayso <a@example.com>',
    "<a@example.com> Sayso",
    "é=oé@[ ",
    "Sayso <sayso@example.com>\r\nBcc: mallory@example.com",
    "a" * 65 + "@example.com",
    "a@" + ".".join(["b" * 60] * 5),
]


NO_REPLY_ADDRESS = [
    "approvals@example.com",
    "approvals@{token}.example.com",
    "approvals+{token}-{token}@example.com",
    "{token}+{token}@{token}.example.com",
    "approvals+{token}",
    "approvals+{TOKEN}@example.com",
    "approvals+{token}@",
    "a b+{token}@example.com",
    "Sayso <approvals+{token}@example.com>",
    "approvals+{token}@example.com, b@example.com",
    "a" * 38 + "+{token}@example.com",
]


OIDC = {"OIDC_ISSUER": "https://id.example.com/tenant", "OIDC_CLIENT_ID": "sayso", "OIDC_CLIENT_SECRET": "hunter2"}


NO_ISSUER = [
    "id.example.com",
    "http://id.example.com",
    "http://10.0.0.1",
    "http://localhost.example.com",
    "ftp://id.example.com",
    "https://",
    "https://id.example.com?tenant=1",
    "https://id.example.com#x",
    "https://user:hunter2@id.example.com",
    "https://id.example.com:x",
    "https://[::1",
    "https://id.example.com/.well-known/openid-configuration",
]


WRONG: list[tuple[str, dict[str, str], str]] = [
    ("no secret", {"SAYSO_SECRET": ""}, "SAYSO_SECRET"),
    ("one short secret of two", {"SAYSO_SECRET": f"{SECRET},short"}, "SAYSO_SECRET"),
    ("a port out of range", {"SAYSO_LISTEN": "127.0.0.1:65536"}, "SAYSO_LISTEN"),
    ("no port", {"SAYSO_LISTEN": "localhost:"}, "SAYSO_LISTEN"),
    ("an address cut short", {"SAYSO_PUBLIC_URL": "http://[::1"}, "SAYSO_PUBLIC_URL"),
    ("an address with a wild port", {"SAYSO_PUBLIC_URL": "http://a:b"}, "SAYSO_PUBLIC_URL"),
    ("an address with a query", {"SAYSO_PUBLIC_URL": "http://a/?b"}, "SAYSO_PUBLIC_URL"),
    *((f"{text!r} as address", {"SAYSO_PUBLIC_URL": text}, "SAYSO_PUBLIC_URL") for text in (
        "https://a.example /", "https://a.example/so far", "https://u:hunter2@a.example", "https://a.example/sayso",
    )),
    *((f"{text!r} to listen at", {"SAYSO_LISTEN": text}, "SAYSO_LISTEN") for text in (
        "http://127.0.0.1:8000", "127.0.0.1:0", "[::1:8000", "127.0.0.1:８０", "a b:8000",
    )),
    ("the app's token for the bot's", {"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xapp-1"}, "SLACK_BOT_TOKEN"),
    ("the bot's token for the app's", {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN"),
    ("another scheme", {"SAYSO_PUBLIC_URL": "ftp://a"}, "SAYSO_PUBLIC_URL"),
    ("no base64", {"SAYSO_WEBHOOK_SECRET": "whsec_" + "a" * 33}, "SAYSO_WEBHOOK_SECRET"),
    ("too few bytes", {"SAYSO_WEBHOOK_SECRET": "whsec_" + "a" * 28}, "SAYSO_WEBHOOK_SECRET"),
    ("too many bytes", {"SAYSO_WEBHOOK_SECRET": "whsec_" + "a" * 88}, "SAYSO_WEBHOOK_SECRET"),
    ("without its mark", {"SAYSO_WEBHOOK_SECRET": "a" * 32}, "SAYSO_WEBHOOK_SECRET"),
    ("no way in from Slack", {"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_APP_TOKEN"),
    ("no address of Slack's API", {"SLACK_API_URL": "slack.com"}, "SLACK_API_URL"),
    ("no token for Slack", {"SLACK_SIGNING_SECRET": "a"}, "SLACK_BOT_TOKEN"),
    ("no address for SMTP", {"SMTP_URL": "mail.example.com:587"}, "SMTP_URL"),
    ("a mailbox for SMTP", {"SMTP_URL": "imaps://u:hunter2@a.example"}, "SMTP_URL"),
    ("a bad option for SMTP", {"SMTP_URL": "smtp://u:hunter2@a.example?tls=maybe"}, "SMTP_URL"),
    ("an @ in the password", {"IMAP_URL": "imaps://u:hunter2@a.example:x"}, "IMAP_URL"),
    ("SMTP for a mailbox", {"IMAP_URL": "smtps://u:hunter2@a.example"}, "IMAP_URL"),
    ("a mailbox to listen at", {"EMAIL_LISTEN": "imap://127.0.0.1"}, "EMAIL_LISTEN"),
    ("a password to listen with", {"EMAIL_LISTEN": "lmtp://u:hunter2@127.0.0.1:8024"}, "EMAIL_LISTEN"),
    ("nobody it is from", {"EMAIL_FROM": ""}, "EMAIL_FROM"),
    ("a short key", {"VAPID_PRIVATE_KEY": "aHVudGVyMg"}, "VAPID_PRIVATE_KEY"),
    ("no base64url for a key", {"VAPID_PRIVATE_KEY": "hunter2!"}, "VAPID_PRIVATE_KEY"),
    ("an address without mailto:", {"VAPID_SUBJECT": "you@example.com"}, "VAPID_SUBJECT"),
    ("no address for ntfy", {"NTFY_URL": "ntfy.sh"}, "NTFY_URL"),
    ("a password for ntfy", {"NTFY_URL": "https://u:hunter2@ntfy.sh"}, "NTFY_URL"),
    ("a token for no ntfy", {"NTFY_TOKEN": "hunter2"}, "NTFY_URL"),
    ("no address for a service", {"APPRISE_URLS": "ana=hunter2"}, "APPRISE_URLS"),
    ("a service of this machine", {"APPRISE_URLS": "json://a.example syslog://hunter2"}, "APPRISE_URLS"),
    ("nowhere to answer, with a mailbox", {"EMAIL_REPLY_TO": ""}, "EMAIL_REPLY_TO"),
    ("nowhere to answer, listening", {"EMAIL_REPLY_TO": "", "IMAP_URL": ""} | LISTENING, "EMAIL_REPLY_TO"),
    ("two words for a server", {"EMAIL_AUTHSERV_ID": "mx.example.com 1"}, "EMAIL_AUTHSERV_ID"),
    ("a whole header for a server", {"EMAIL_AUTHSERV_ID": "mx.example.com;"}, "EMAIL_AUTHSERV_ID"),
    *((f"{text!r} as issuer", OIDC | {"OIDC_ISSUER": text}, "OIDC_ISSUER") for text in NO_ISSUER),
    ("a client of no provider", {"OIDC_CLIENT_ID": "sayso"}, "OIDC_ISSUER"),
    ("a secret for no provider", {"OIDC_CLIENT_SECRET": "hunter2"}, "OIDC_ISSUER"),
    ("no client", OIDC | {"OIDC_CLIENT_ID": ""}, "OIDC_CLIENT_ID"),
    ("no claim", OIDC | {"OIDC_CLAIM": "e mail"}, "OIDC_CLAIM"),
    ("a name too long for a button", OIDC | {"OIDC_NAME": "x" * 61}, "OIDC_NAME"),
    *((f"{text!r} as resolver", {"EMAIL_DNS": text}, "EMAIL_DNS") for text in (
        "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "dns.example.com:53", "::1:53", "[127.0.0.1]:53", "127.0.0.1:٥٣",
    )),
    *((f"{text!r} as sender", {"EMAIL_FROM": text}, "EMAIL_FROM") for text in NOT_ONE_MAILBOX),
    *((f"{text!r} to answer to", {"EMAIL_REPLY_TO": text}, "EMAIL_REPLY_TO") for text in NO_REPLY_ADDRESS),
    *((f"{name} without SMTP", {"SMTP_URL": "", "EMAIL_FROM": ""} | OFF | {name: value} | more, "SMTP_URL")
      for name, value, more in ALONE),
]  # fmt: skip


@pytest.mark.parametrize(("case", "given", "name"), WRONG, ids=[w[0] for w in WRONG])
def test_what_is_wrong_names_its_variable(case: str, given: dict[str, str], name: str) -> None:
    """One line, with what to do, and no secret in it."""
    del case
    mail = MAIL if name.startswith(("EMAIL_", "SMTP_", "IMAP_")) else {}
    with pytest.raises(SettingsError) as told:
        settings_of(values(**mail | given))
    assert [problem.split(":")[0] for problem in told.value.problems] == [name]
    assert "\n" not in str(told.value)
    assert "hunter2" not in str(told.value)


SECRETS = ["SAYSO_SECRET", "SAYSO_WEBHOOK_SECRET", "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET"]


SECRETS += ["OIDC_CLIENT_SECRET", "VAPID_PRIVATE_KEY", "NTFY_TOKEN"]


@pytest.mark.parametrize("name", SECRETS)
def test_the_example_is_no_secret(name: str) -> None:
    """What stands in .env.example is known to everybody: with it, anybody could sign."""
    example = next(variable.example for variable in VARIABLES if variable.name == name)
    given = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1", "NTFY_URL": "https://ntfy.sh"} | {name: example}
    with pytest.raises(SettingsError) as told:
        settings_of(values(**given))
    assert any(p.startswith(f"{name}: ") and "example" in p for p in told.value.problems)


GOOD: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({}, {"host": "127.0.0.1", "port": 8000, "public_url": "http://127.0.0.1:8000", "slack_on": False}),
    ({"SAYSO_LISTEN": "0.0.0.0:80"}, {"port": 80, "public_url": "http://127.0.0.1:80"}),
    ({"SAYSO_LISTEN": "[::]:80"}, {"host": "::", "public_url": "http://127.0.0.1:80"}),
    ({"SAYSO_LISTEN": "[::1]:80"}, {"host": "::1", "public_url": "http://[::1]:80"}),
    ({"SAYSO_LISTEN": "8000"}, {"host": "127.0.0.1", "port": 8000}),
    ({"SAYSO_PUBLIC_URL": "HTTPS://a.example//"}, {"public_url": "https://a.example"}),
    ({"SAYSO_SECRET": f"{SECRET}, {SECRET}2"}, {"secrets": (SECRET, f"{SECRET}2")}),
    ({"SAYSO_WEBHOOK_SECRET": f"{WEBHOOK} {WEBHOOK},{WEBHOOK}"}, {"webhook_secrets": (WEBHOOK,) * 3}),
    ({"SAYSO_WEBHOOK_SECRET": ""}, {"webhook_secrets": ()}),
    ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}, {"slack_on": True, "slack_signing_secret": None}),
    ({"SLACK_API_URL": "http://127.0.0.1:1/api"}, {"slack_api_url": "http://127.0.0.1:1/api/"}),
    ({}, {"email_on": False, "smtp": None, "imap": None, "email_listen": None, "email_reply_to": None}),
    (
        MAIL,
        {
            "email_on": True,
            "smtp": Server(
                scheme="smtps", host="smtp.example.com", port=465, user="sayso", password="hunter2", tls=Tls.IMPLICIT
            ),
            "imap": Server(
                scheme="imaps", host="imap.example.com", port=993, user="sayso", password="hunter2",
                tls=Tls.IMPLICIT, folder="INBOX",
            ),
            "email_from": "Sayso <sayso@example.com>",
            "email_reply_to": "approvals+{token}@example.com",
            "email_authserv_id": None,
            "email_dns": None,
        },
    ),
    (
        MAIL | {"EMAIL_LISTEN": "lmtp://10.0.0.2", "EMAIL_AUTHSERV_ID": "mx.example.com", "EMAIL_DNS": "[::1]:5353"},
        {
            "email_listen": Server(scheme="lmtp", host="10.0.0.2", port=8024),
            "email_authserv_id": "mx.example.com",
            "email_dns": "[::1]:5353",
        },
    ),
    ({}, {"oidc": None}),
    (
        OIDC,
        {
            "oidc": OidcClient(
                issuer="https://id.example.com/tenant", client_id="sayso", client_secret="hunter2",
                claim="email", name="single sign-on",
            ),
        },
    ),
    (
        {"OIDC_ISSUER": "http://[::1]:8080", "OIDC_CLIENT_ID": "s", "OIDC_CLAIM": "sub", "OIDC_NAME": "Fake ID"},
        {
            "oidc": OidcClient(
                issuer="http://[::1]:8080", client_id="s", client_secret=None, claim="sub", name="Fake ID"
            ),
        },
    ),
    (MAIL | {"IMAP_URL": ""}, {"imap": None, "email_reply_to": "approvals+{token}@example.com"}),
    (MAIL | {"EMAIL_FROM": "<a@example.com>"}, {"email_from": "<a@example.com>"}),
    (MAIL | {"EMAIL_FROM": "Sayso Inc. <a@example.com>"}, {"email_from": "Sayso Inc. <a@example.com>"}),
    (MAIL | {"EMAIL_FROM": "sayso@localhost"}, {"email_from": "sayso@localhost"}),
    (MAIL | {"EMAIL_FROM": '"Silva, Ana" <a@example.com>'}, {"email_from": '"Silva, Ana" <a@example.com>'}),
    (MAIL | {"EMAIL_FROM": "Säyso 審 <a@example.com>"}, {"email_from": "Säyso 審 <a@example.com>"}),
    (MAIL | {"EMAIL_REPLY_TO": LONGEST}, {"email_reply_to": LONGEST}),
    (MAIL | {"EMAIL_REPLY_TO": "{token}@replies.example.com"}, {"email_reply_to": "{token}@replies.example.com"}),
]  # fmt: skip


@pytest.mark.parametrize(("given", "found"), GOOD)
def test_what_is_right(given: dict[str, str], found: dict[str, Any]) -> None:
    """Read into the shapes that the program wants."""
    settings = settings_of(values(**given))
    assert isinstance(settings, Settings)
    assert {name: getattr(settings, name) for name in found} == found
    assert public_url_of(values(**given)) == settings.public_url
