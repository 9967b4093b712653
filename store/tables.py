"""The tables. Times are microseconds since the epoch (UTC), JSON is text, ids and words are text, flags are 0 or 1.

Only TEXT and BIGINT are used, so that a row is the same tuple on every database and needs no conversion by a driver.
Where a value's parts are never searched for, the whole value stands in ``body`` as JSON and the columns beside it
repeat what is searched, joined or guarded.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from store.columns import COUNTER, TEXT, metadata, numbers, partial, words

requests = Table(
    "requests",
    metadata,
    *words("id", "state", "kind", "agent", "action", "title", "risk", "rule", "route", "tracks"),
    *words("batch", "revises", "answer", "advice", missing=True),
    *numbers("revision", "escalation_level", "created_at", "expires_at"),
    *numbers("due_at", "decided_at", missing=True),
    # What follows is no part of a request: it spares queries, and is kept by `store.tx` alone.
    Column("open", BigInteger(), nullable=False, comment="1 while the state is pending or needs_info"),
    Column("decisions", BigInteger(), nullable=False, comment="how many decisions there are"),
    Column("execution", TEXT, nullable=True, comment="the newest execution"),
    Column(
        "deadline", BigInteger(), nullable=True, comment="what the queue is ordered by; once it ended, the last one"
    ),
    PrimaryKeyConstraint("id"),
    partial("requests_due", "due_at", where="open = 1"),
    partial("requests_open_agent", "agent", "action", where="open = 1"),
    partial("requests_deadline", "deadline", "id", where="open = 1"),
    partial("requests_open", "created_at", "id", where="open = 1"),
    partial("requests_escalated", "created_at", "id", where="escalation_level > 0"),
    partial("requests_batch", "batch", "created_at", "id", where="batch IS NOT NULL"),
    Index("requests_newest", "created_at", "id"),
    Index("requests_agent", "agent", "created_at", "id"),
    Index("requests_action", "action", "created_at", "id"),
    Index("requests_state", "state", "created_at", "id"),
)

revisions = Table(
    "revisions",
    metadata,
    *words("request", "digest", "content"),
    *numbers("number"),
    PrimaryKeyConstraint("request", "number"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
)

decisions = Table(
    "decisions",
    metadata,
    Column("n", COUNTER, autoincrement=True),
    *words("id", "request", "person", "verb", "body"),
    # ``vote`` is 1 for the one vote that a person has on a revision, in whatever stage.
    *numbers("revision", "stage", "at", "vote"),
    PrimaryKeyConstraint("n"),
    UniqueConstraint("id"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    Index("decisions_request", "request", "n"),
    Index("decisions_person", "person", "n"),
    partial("decisions_vote", "request", "revision", "person", where="vote = 1", unique=True),
)

executions = Table(
    "executions",
    metadata,
    Column("n", COUNTER, autoincrement=True),
    *words("id", "request", "state", "body"),
    *numbers("revision", "attempts"),
    *numbers("due_at", missing=True),
    *words("holder", missing=True),
    PrimaryKeyConstraint("n"),
    UniqueConstraint("id"),
    UniqueConstraint("request", "revision"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    partial("executions_unfinished", "n", where="state IN ('waiting', 'executing')"),
    partial("executions_troubled", "n", where="state IN ('failed', 'unknown')"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("n", COUNTER, autoincrement=True),
    *words("id", "request", "channel", "state", "body"),
    Column("handle_key", TEXT, nullable=True, comment="see `store.rows.handle_key`"),
    PrimaryKeyConstraint("n"),
    UniqueConstraint("id"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    Index("deliveries_request", "request", "n"),
    partial("deliveries_handle", "channel", "handle_key", "n", where="handle_key IS NOT NULL"),
    partial("deliveries_failed", "n", where="state = 'failed'"),
)

assignments = Table(
    "assignments",
    metadata,
    *words("person", "request"),
    *numbers("created_at"),
    Column("waiting", BigInteger(), nullable=False, server_default=text("0"), comment="1: may decide now, has not yet"),
    # The request's own time stands in the key, so that one person's requests are read newest first without a sort.
    PrimaryKeyConstraint("person", "created_at", "request"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    # With ``waiting`` in it, or SQLite before 3.42 would look into the table to see what the index says by itself.
    partial("assignments_waiting", "person", "request", "waiting", where="waiting = 1"),
    sqlite_with_rowid=False,
)

effects = Table(
    "effects",
    metadata,
    Column("n", COUNTER, autoincrement=True),
    *words("id", "kind", "request", "ref", "note"),
    *numbers("due_at", "attempts"),
    Column("lane", TEXT, nullable=False, server_default=text("''"), comment="what goes in order; see `Effect.lane`"),
    *words("holder", missing=True),
    PrimaryKeyConstraint("n"),
    UniqueConstraint("id"),
    # Empty where one process has the store to itself, for nothing is held there.
    partial("effects_held", "lane", where="holder IS NOT NULL"),
)

events = Table(
    "events",
    metadata,
    Column("seq", COUNTER, autoincrement=False),
    *words("previous", "hash", "type", "body"),
    *words("request", missing=True),
    *numbers("at"),
    PrimaryKeyConstraint("seq"),
    partial("events_request", "request", "seq", where="request IS NOT NULL"),
)

chain = Table("chain", metadata, *numbers("id", "seq"), *words("hash"), PrimaryKeyConstraint("id"))
"""One row, id 1: the number and hash of the newest event; what says that no tail was cut off."""

idempotency = Table(
    "idempotency",
    metadata,
    *words("agent", "key", "body_hash", "request"),
    *numbers("at"),
    PrimaryKeyConstraint("agent", "key"),
    sqlite_with_rowid=False,
)

keys = Table(
    "keys",
    metadata,
    *words("id", "name", "role", "hash"),
    *numbers("created_at"),
    *numbers("revoked_at", missing=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("hash"),
)

sessions = Table(
    "sessions",
    metadata,
    *words("id", "person"),
    *numbers("created_at", "expires_at"),
    Column("way", TEXT, nullable=False, server_default=text("'link'")),
    Column("browser", TEXT, nullable=False, server_default=text("''")),
    *numbers("seen_at", missing=True),
    PrimaryKeyConstraint("id"),
)

links = Table(
    "links",
    metadata,
    *words("hash", "person"),
    *numbers("expires_at"),
    *words("browser", missing=True),
    PrimaryKeyConstraint("hash"),
)

seen = Table(
    "seen",
    metadata,
    *words("person", "request"),
    *numbers("revision", "at"),
    PrimaryKeyConstraint("person", "request", "revision"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    sqlite_with_rowid=False,
)
"""Who opened which revision, and when first."""

subscriptions = Table(
    "subscriptions",
    metadata,
    *words("id", "person", "endpoint", "p256dh", "auth", "browser"),
    *numbers("created_at"),
    PrimaryKeyConstraint("id"),
    Index("subscriptions_person", "person", "created_at"),
)
"""Browsers that take push."""

kept = Table("kept", metadata, *words("name", "value"), PrimaryKeyConstraint("name"))
"""What the house made for itself at first start, as the key that its pushes are signed with."""

switches = Table("switches", metadata, *words("name"), *numbers("position"), PrimaryKeyConstraint("name"))
"""What an operator turned on (1) or off (0); ``pause`` stops all replays."""

reply_keys = Table(
    "reply_keys",
    metadata,
    *words("hash", "letter", "body"),
    *numbers("expires_at"),
    PrimaryKeyConstraint("hash"),
    Index("reply_keys_letter", "letter"),
    Index("reply_keys_expires", "expires_at"),
)
"""What letters' reply addresses stand for; ``letter`` is the letter's own name."""

receipts = Table(
    "receipts",
    metadata,
    *words("key", "thread", "verdict"),
    *numbers("at", "answered"),
    PrimaryKeyConstraint("key"),
    Index("receipts_thread", "thread"),
    Index("receipts_at", "at"),
)
"""Incoming letters that are dealt with, so that each is dealt with once."""

mailboxes = Table("mailboxes", metadata, *words("name"), *numbers("validity", "uid"), PrimaryKeyConstraint("name"))
"""How far each mailbox is read."""

unreachable = Table(
    "unreachable",
    metadata,
    *words("channel", "address", "error"),
    *numbers("at"),
    PrimaryKeyConstraint("channel", "address"),
)
"""Addresses at which a channel reaches nobody."""

replicas = Table(
    "replicas",
    metadata,
    *words("id", "name", "rules"),
    *numbers("started_at", "until"),
    PrimaryKeyConstraint("id"),
)
"""The processes that share this store. What ``holder`` names one that is not here, or is past its time, is nobody's."""

leases = Table("leases", metadata, *words("name", "holder"), PrimaryKeyConstraint("name"))
"""What one replica does for all of them, as reading a mailbox."""

accounts = Table(
    "accounts",
    metadata,
    Column("n", COUNTER, autoincrement=True),
    *words("rule", "key", "request"),
    *numbers("at", "amount"),
    PrimaryKeyConstraint("n"),
    Index("accounts_spent", "rule", "key", "at"),
)
"""What counts against the rules' windowed limits; amounts in micro-units."""

subjects = Table(
    "subjects",
    metadata,
    *words("id", "subject", "key"),
    *numbers("created_at"),
    *numbers("erased_at", missing=True),
    PrimaryKeyConstraint("id"),
    Index("subjects_subject", "subject"),
)
"""Keys that the audit is sealed with; ``subject`` is a keyed hash, ``key`` base64, empty once it is destroyed."""

belongings = Table(
    "belongings",
    metadata,
    *words("request", "seal"),
    PrimaryKeyConstraint("request"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    ForeignKeyConstraint(["seal"], ["subjects.id"]),
    Index("belongings_seal", "seal"),
)
"""With which key what is told of a request is sealed."""

rejections = Table(
    "rejections",
    metadata,
    Column("n", COUNTER, autoincrement=True),
    *words("fingerprint", "request"),
    *numbers("at"),
    PrimaryKeyConstraint("n"),
    Index("rejections_fingerprint", "fingerprint", "at"),
)
"""What was refused, by what it was about, so that the same in other clothes is known again."""
