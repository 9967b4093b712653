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
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_N_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
    }
)

_COUNTER = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts rows by itself only in a column declared exactly INTEGER."""


def _words(*names: str, missing: bool = False) -> list[Column[str]]:
    return [Column(name, Text(), nullable=missing) for name in names]


def _numbers(*names: str, missing: bool = False) -> list[Column[int]]:
    return [Column(name, BigInteger(), nullable=missing) for name in names]


def _partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows that ``where`` (plain SQL that both databases read alike) picks."""
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))


requests = Table(
    "requests",
    metadata,
    *_words("id", "state", "kind", "agent", "action", "title", "risk", "rule", "route", "tracks"),
    *_words("batch", "revises", "answer", "advice", missing=True),
    *_numbers("revision", "escalation_level", "created_at", "expires_at"),
    *_numbers("due_at", "decided_at", missing=True),
    # What follows is no part of a request: it spares queries, and is kept by `store.tx` alone.
    Column("open", BigInteger(), nullable=False, comment="1 while the state is pending or needs_info"),
    Column("decisions", BigInteger(), nullable=False, comment="how many decisions there are"),
    Column("execution", Text(), nullable=True, comment="the newest execution"),
    Column(
        "deadline", BigInteger(), nullable=True, comment="what the queue is ordered by; once it ended, the last one"
    ),
    PrimaryKeyConstraint("id"),
    _partial("requests_due", "due_at", where="open = 1"),
    _partial("requests_open_agent", "agent", "action", where="open = 1"),
    _partial("requests_deadline", "deadline", "id", where="open = 1"),
    _partial("requests_open", "created_at", "id", where="open = 1"),
    _partial("requests_escalated", "created_at", "id", where="escalation_level > 0"),
    _partial("requests_batch", "batch", "created_at", "id", where="batch IS NOT NULL"),
    Index("requests_newest", "created_at", "id"),
    Index("requests_agent", "agent", "created_at", "id"),
    Index("requests_action", "action", "created_at", "id"),
    Index("requests_state", "state", "created_at", "id"),
)

revisions = Table(
    "revisions",
    metadata,
    *_words("request", "digest", "content"),
    *_numbers("number"),
    PrimaryKeyConstraint("request", "number"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
)

decisions = Table(
    "decisions",
    metadata,
    Column("n", _COUNTER, autoincrement=True),
    *_words("id", "request", "person", "verb", "body"),
    # ``vote`` is 1 for the one vote that a person has on a revision, in whatever stage.
    *_numbers("revision", "stage", "at", "vote"),
    PrimaryKeyConstraint("n"),
    UniqueConstraint("id"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    Index("decisions_request", "request", "n"),
    _partial("decisions_vote", "request", "revision", "person", where="vote = 1", unique=True),
)

executions = Table(
    "executions",
    metadata,
    Column("n", _COUNTER, autoincrement=True),
    *_words("id", "request", "state", "body"),
    *_numbers("revision", "attempts"),
    *_numbers("due_at", missing=True),
    PrimaryKeyConstraint("n"),
    UniqueConstraint("id"),
    UniqueConstraint("request", "revision"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    _partial("executions_unfinished", "n", where="state IN ('waiting', 'executing')"),
    _partial("executions_troubled", "n", where="state IN ('failed', 'unknown')"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("n", _COUNTER, autoincrement=True),
    *_words("id", "request", "channel", "state", "body"),
    Column("handle_key", Text(), nullable=True, comment="see `store.rows.handle_key`"),
    PrimaryKeyConstraint("n"),
    UniqueConstraint("id"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    Index("deliveries_request", "request", "n"),
    _partial("deliveries_handle", "channel", "handle_key", "n", where="handle_key IS NOT NULL"),
    _partial("deliveries_failed", "n", where="state = 'failed'"),
)

assignments = Table(
    "assignments",
    metadata,
    *_words("person", "request"),
    *_numbers("created_at"),
    Column("waiting", BigInteger(), nullable=False, server_default=text("0"), comment="1: may decide now, has not yet"),
    # The request's own time stands in the key, so that one person's requests are read newest first without a sort.
    PrimaryKeyConstraint("person", "created_at", "request"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    # With ``waiting`` in it, or SQLite before 3.42 would look into the table to see what the index says by itself.
    _partial("assignments_waiting", "person", "request", "waiting", where="waiting = 1"),
    sqlite_with_rowid=False,
)

effects = Table(
    "effects",
    metadata,
    Column("n", _COUNTER, autoincrement=True),
    *_words("id", "kind", "request", "ref", "note"),
    *_numbers("due_at", "attempts"),
    PrimaryKeyConstraint("n"),
    UniqueConstraint("id"),
)

events = Table(
    "events",
    metadata,
    Column("seq", _COUNTER, autoincrement=False),
    *_words("previous", "hash", "type", "body"),
    *_words("request", missing=True),
    *_numbers("at"),
    PrimaryKeyConstraint("seq"),
    _partial("events_request", "request", "seq", where="request IS NOT NULL"),
)

chain = Table("chain", metadata, *_numbers("id", "seq"), *_words("hash"), PrimaryKeyConstraint("id"))
"""One row, id 1: the number and hash of the newest event; what says that no tail was cut off."""

idempotency = Table(
    "idempotency",
    metadata,
    *_words("agent", "key", "body_hash", "request"),
    *_numbers("at"),
    PrimaryKeyConstraint("agent", "key"),
    sqlite_with_rowid=False,
)

keys = Table(
    "keys",
    metadata,
    *_words("id", "name", "role", "hash"),
    *_numbers("created_at"),
    *_numbers("revoked_at", missing=True),
    PrimaryKeyConstraint("id"),
    UniqueConstraint("hash"),
)

sessions = Table(
    "sessions",
    metadata,
    *_words("id", "person"),
    *_numbers("created_at", "expires_at"),
    Column("way", Text(), nullable=False, server_default=text("'link'")),
    Column("browser", Text(), nullable=False, server_default=text("''")),
    *_numbers("seen_at", missing=True),
    PrimaryKeyConstraint("id"),
)

links = Table(
    "links",
    metadata,
    *_words("hash", "person"),
    *_numbers("expires_at"),
    *_words("browser", missing=True),
    PrimaryKeyConstraint("hash"),
)

seen = Table(
    "seen",
    metadata,
    *_words("person", "request"),
    *_numbers("revision", "at"),
    PrimaryKeyConstraint("person", "request", "revision"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    sqlite_with_rowid=False,
)
"""Who opened which revision, and when first."""

subscriptions = Table(
    "subscriptions",
    metadata,
    *_words("id", "person", "endpoint", "p256dh", "auth", "browser"),
    *_numbers("created_at"),
    PrimaryKeyConstraint("id"),
    Index("subscriptions_person", "person", "created_at"),
)
"""Browsers that take push."""

kept = Table("kept", metadata, *_words("name", "value"), PrimaryKeyConstraint("name"))
"""What the house made for itself at first start, as the key that its pushes are signed with."""

switches = Table("switches", metadata, *_words("name"), *_numbers("position"), PrimaryKeyConstraint("name"))
"""What an operator turned on (1) or off (0); ``pause`` stops all replays."""

reply_keys = Table(
    "reply_keys",
    metadata,
    *_words("hash", "letter", "body"),
    *_numbers("expires_at"),
    PrimaryKeyConstraint("hash"),
    Index("reply_keys_letter", "letter"),
    Index("reply_keys_expires", "expires_at"),
)
"""What letters' reply addresses stand for; ``letter`` is the letter's own name."""

receipts = Table(
    "receipts",
    metadata,
    *_words("key", "thread", "verdict"),
    *_numbers("at", "answered"),
    PrimaryKeyConstraint("key"),
    Index("receipts_thread", "thread"),
    Index("receipts_at", "at"),
)
"""Incoming letters that are dealt with, so that each is dealt with once."""

mailboxes = Table("mailboxes", metadata, *_words("name"), *_numbers("validity", "uid"), PrimaryKeyConstraint("name"))
"""How far each mailbox is read."""

unreachable = Table(
    "unreachable",
    metadata,
    *_words("channel", "address", "error"),
    *_numbers("at"),
    PrimaryKeyConstraint("channel", "address"),
)
"""Addresses at which a channel reaches nobody."""

accounts = Table(
    "accounts",
    metadata,
    Column("n", _COUNTER, autoincrement=True),
    *_words("rule", "key", "request"),
    *_numbers("at", "amount"),
    PrimaryKeyConstraint("n"),
    Index("accounts_spent", "rule", "key", "at"),
)
"""What counts against the rules' windowed limits; amounts in micro-units."""

rejections = Table(
    "rejections",
    metadata,
    Column("n", _COUNTER, autoincrement=True),
    *_words("fingerprint", "request"),
    *_numbers("at"),
    PrimaryKeyConstraint("n"),
    Index("rejections_fingerprint", "fingerprint", "at"),
)
"""What was refused, by what it was about, so that the same in other clothes is known again."""
