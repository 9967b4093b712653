"""Every variable of the environment, as data; the one source of `.env.example`."""

from __future__ import annotations

from msgspec import Struct


class Variable(Struct, frozen=True, kw_only=True):
    """One variable: its default (empty: none), an example, and what it is for."""

    name: str
    about: str
    default: str = ""
    example: str = ""
    group: str = "The bot"


VARIABLES = (
    Variable(name="SAYSO_CONFIG", default="routing.yaml", about="Where the rules are."),
    Variable(
        name="SAYSO_DATABASE_URL",
        default="sqlite+aiosqlite:///sayso.db",
        about="Where everything is kept. A path after three slashes is relative, after four absolute.\n"
        "Several bots share one PostgreSQL, postgresql+asyncpg://user:password@host/sayso.",
    ),
    Variable(
        name="SAYSO_LEASE",
        default="15s",
        about="On PostgreSQL: after how long without a word of it the others take over from a bot.",
    ),
    Variable(name="SAYSO_LISTEN", default="127.0.0.1:8000", about="Address and port of the API and the inbox."),
    Variable(
        name="SAYSO_PUBLIC_URL",
        about="How people and agents reach the bot: links begin with it. It holds no path. Default: where it listens.",
        example="https://sayso.example.com",
    ),
    Variable(
        name="SAYSO_SECRET",
        about="Signs tokens and forms. A comma-separated list rotates: the first signs, all count. Make one with:\n"
        'python3 -c "import secrets; print(secrets.token_urlsafe(32))"',
        example="change-me-to-a-long-random-value",
    ),
    Variable(
        name="SAYSO_WEBHOOK_SECRET",
        about="Signs replays (Standard Webhooks). Two, separated by a space or comma, while rotating. Make one with:\n"
        "python3 -c \"import base64,secrets; print('whsec_' + base64.b64encode(secrets.token_bytes(32)).decode())\"",
        example="whsec_Y2hhbmdlLW1lLXRvLTMyLXJhbmRvbS1ieXRlcy1ub3c=",
    ),
    Variable(name="SAYSO_LOG", default="text", about="How logs are written: text or json."),
    Variable(
        name="SAYSO_DRAIN",
        default="0",
        about="Seconds (0 to 5) that the bot answers on once it is told to stop, while /readyz says 503 already, so\n"
        "that a balancer turns away first.",
    ),
    Variable(
        name="OTEL_EXPORTER_OTLP_ENDPOINT",
        about="Traces go to this OpenTelemetry collector, by OTLP over HTTP; without it there are none.\n"
        "The OTEL_ variables of the SDK (sampler, limits, certificates) count, too, from the environment alone.",
        example="http://127.0.0.1:4318",
    ),
    Variable(
        name="OTEL_EXPORTER_OTLP_HEADERS",
        about="Headers that the collector asks for, as name=value with commas between.",
        example="x-api-key=the-key-of-the-collector",
    ),
    Variable(name="OTEL_SERVICE_NAME", default="sayso", about="What traces call this bot."),
    Variable(
        name="SLACK_BOT_TOKEN",
        about="The app's bot token; without it Slack is off.",
        example="xoxb-…",
        group="Slack",
    ),
    Variable(
        name="SLACK_APP_TOKEN",
        about="Socket Mode: the bot connects to Slack, and needs no address that Slack can reach.",
        example="xapp-…",
        group="Slack",
    ),
    Variable(
        name="SLACK_SIGNING_SECRET",
        about="HTTP mode, where no app token is given: Slack posts to SAYSO_PUBLIC_URL/slack/events.",
        example="0123456789abcdef0123456789abcdef",
        group="Slack",
    ),
    Variable(name="SLACK_API_URL", default="https://slack.com/api/", about="Where Slack's API is.", group="Slack"),
    Variable(
        name="SMTP_URL",
        about="Where letters are handed in; without it email is off. Encrypted always, except to this machine:\n"
        "?tls=off and ?verify=off say otherwise. Write %40 for an @ in a name or password.",
        example="smtps://user:password@smtp.example.com:465",
        group="Email",
    ),
    Variable(
        name="EMAIL_FROM",
        about="Who letters are from: one mailbox, with a name or without.",
        example="Sayso <sayso@example.com>",
        group="Email",
    ),
    Variable(
        name="EMAIL_REPLY_TO",
        about="Where answers go; {token} is filled in for each letter. Without it nobody decides by reply.",
        example="approvals+{token}@example.com",
        group="Email",
    ),
    Variable(
        name="IMAP_URL",
        about="The mailbox that answers arrive in, with its folder.",
        example="imaps://user:password@imap.example.com:993/INBOX",
        group="Email",
    ),
    Variable(
        name="EMAIL_LISTEN",
        about="Instead of a mailbox, or beside it: your own mail server hands answers in here, by LMTP or SMTP.",
        example="lmtp://127.0.0.1:8024",
        group="Email",
    ),
    Variable(
        name="EMAIL_AUTHSERV_ID",
        about="Whose Authentication-Results header counts: the name your receiving server writes first in it.\n"
        "Without it, DKIM is verified here.",
        example="mx.example.com",
        group="Email",
    ),
    Variable(
        name="EMAIL_DNS",
        about="Address and port of the resolver that DKIM keys are asked of. Default: this machine's own.",
        example="127.0.0.1:53",
        group="Email",
    ),
    Variable(
        name="OIDC_ISSUER",
        about="People may sign in by this OpenID Connect provider; without it, by one-time links alone. Register\n"
        "SAYSO_PUBLIC_URL/sign-in/oidc/callback there as redirect URI.",
        example="https://id.example.com",
        group="Signing in",
    ),
    Variable(
        name="OIDC_CLIENT_ID",
        about="What the provider calls this bot.",
        example="sayso",
        group="Signing in",
    ),
    Variable(
        name="OIDC_CLIENT_SECRET",
        about="The provider's secret for it. A public client has none.",
        example="the-secret-of-the-client",
        group="Signing in",
    ),
    Variable(
        name="OIDC_CLAIM",
        default="email",
        about="Whose value names people: the person's oidc: in routing.yaml, or where they have none their email:,\n"
        "if the provider has verified that address.",
        group="Signing in",
    ),
    Variable(
        name="OIDC_NAME",
        default="single sign-on",
        about="What the sign-in page calls the provider.",
        group="Signing in",
    ),
    Variable(
        name="VAPID_PRIVATE_KEY",
        about="Web Push: the key that push services know us by, base64url of 32 bytes. Default: one is made at first\n"
        "start and kept. Web Push is on where SAYSO_PUBLIC_URL is https or this machine itself, or where this is set.",
        example="ZXhhbXBsZSBvZiAuZW52LmV4YW1wbGUsIG5vIGtleSE",
        group="Push",
    ),
    Variable(
        name="VAPID_SUBJECT",
        about="How whoever runs a push service reaches you. Default: EMAIL_FROM, else SAYSO_PUBLIC_URL.",
        example="mailto:you@example.com",
        group="Push",
    ),
    Variable(
        name="NTFY_URL",
        about="The ntfy server that people's topics (ntfy: in routing.yaml) are on; without it ntfy is off.",
        example="https://ntfy.sh",
        group="Push",
    ),
    Variable(
        name="NTFY_TOKEN",
        about="An access token that may publish to these topics, where the server asks for one.",
        example="tk_0123456789abcdef0123456789abc",
        group="Push",
    ),
    Variable(
        name="APPRISE_URLS",
        about="Other services, as Apprise writes them, with spaces between: person=url for one person of the rules,\n"
        "a bare url for whoever has no way of their own. They are sent a link and no buttons.",
        example="ana=pover://user@token gotify://gotify.example.com/token",
        group="Push",
    ),
    Variable(
        name="SAYSO_AUDIT_KEY",
        about="Signs checkpoints of the audit trail; without it there are none. A comma-separated list rotates: all\n"
        "sign, and the first is the house's own from then on. Make one with `sayso audit key`.",
        example="auditsk_ZXhhbXBsZSBvZiAuZW52LmV4YW1wbGUsIG5vIGtleSE",
        group="Audit",
    ),
    Variable(
        name="SAYSO_AUDIT_CHECKPOINTS",
        about="Where checkpoints go, with spaces between: a file, a webhook, a bucket of S3 or the like of it\n"
        "(s3://bucket/prefix, with ?endpoint=https://… and &region=… where needed).",
        example="/mnt/worm/checkpoints.jsonl s3://audit-of-example/sayso",
        group="Audit",
    ),
    Variable(
        name="SAYSO_AUDIT_CHECKPOINT_EVERY",
        default="1h",
        about="How often one is made, where anything happened since the last.",
        group="Audit",
    ),
    Variable(
        name="AWS_ACCESS_KEY_ID",
        about="Who we are to buckets. Without it, the machine's own role, as Amazon's programs find it.",
        example="AKIAEXAMPLEEXAMPLE00",
        group="Audit",
    ),
    Variable(
        name="AWS_SECRET_ACCESS_KEY",
        about="The secret of that access key.",
        example="the-secret-of-the-access-key",
        group="Audit",
    ),
    Variable(
        name="AWS_SESSION_TOKEN",
        about="What belongs to an access key that is lent for a time (ASIA…); without it Amazon refuses such a key.",
        example="the-token-of-the-session",
        group="Audit",
    ),
    Variable(name="AWS_REGION", about="Where buckets are.", example="eu-west-1", group="Audit"),
    Variable(
        name="AWS_ENDPOINT_URL",
        about="The server of buckets that are not Amazon's.",
        example="https://minio.example.com:9000",
        group="Audit",
    ),
)


def env_example() -> str:
    """The text of `.env.example`: every variable, what it is for, its default or an example; nothing is set."""
    lines = [
        "# Copy to .env, and take the # away from what you set; what stands here is the default, or an example.",
        "# A variable of the environment wins over this file;",
        "# NAME_FILE=/run/secrets/name reads any of them from a file.",
    ]
    group = ""
    for variable in VARIABLES:
        if variable.group != group:
            group = variable.group
            lines += ["", f"## {group}"]
        lines += ["", *(f"# {line}" for line in variable.about.splitlines())]
        # Commented out, defaults too: a copy that said them would win over what the image and the unit say.
        lines.append(f"# {variable.name}={variable.default or variable.example}")
    return "\n".join(lines) + "\n"
