"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table, and the head of an empty audit."""
    _requests()
    _content()
    _sent()
    _outbox()
    _audit()
    _access()
    chain = sa.table("chain", sa.column("id"), sa.column("seq"), sa.column("hash"))
    op.bulk_insert(chain, [{"id": 1, "seq": 0, "hash": "0" * 64}])


def downgrade() -> None:
    """There is nothing before the first schema: restore a backup instead."""
    raise NotImplementedError(downgrade.__doc__)


def _requests() -> None:
    op.create_table(
        "requests",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("batch", sa.Text(), nullable=True),
        sa.Column("revises", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.BigInteger(), nullable=False),
        sa.Column("exhausted", sa.BigInteger(), nullable=False),
        sa.Column("escalation_level", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("step_at", sa.BigInteger(), nullable=True),
        sa.Column("remind_at", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("open", sa.BigInteger(), nullable=False, comment="1 while the state is pending or needs_info"),
        sa.Column("decisions", sa.BigInteger(), nullable=False, comment="how many decisions there are"),
        sa.Column("execution", sa.Text(), nullable=True, comment="the newest execution"),
        sa.PrimaryKeyConstraint("id", name="requests_pk"),
    )
    op.create_index("requests_action", "requests", ["action", "created_at", "id"])
    op.create_index("requests_agent", "requests", ["agent", "created_at", "id"])
    op.create_index(
        "requests_batch",
        "requests",
        ["batch", "created_at", "id"],
        sqlite_where=sa.text("batch IS NOT NULL"),
        postgresql_where=sa.text("batch IS NOT NULL"),
    )
    op.create_index(
        "requests_due", "requests", ["due_at"], sqlite_where=sa.text("open = 1"), postgresql_where=sa.text("open = 1")
    )
    op.create_index(
        "requests_escalated",
        "requests",
        ["created_at", "id"],
        sqlite_where=sa.text("escalation_level > 0"),
        postgresql_where=sa.text("escalation_level > 0"),
    )
    op.create_index("requests_newest", "requests", ["created_at", "id"])
    op.create_index(
        "requests_open",
        "requests",
        ["created_at", "id"],
        sqlite_where=sa.text("open = 1"),
        postgresql_where=sa.text("open = 1"),
    )
    op.create_index(
        "requests_open_agent",
        "requests",
        ["agent"],
        sqlite_where=sa.text("open = 1"),
        postgresql_where=sa.text("open = 1"),
    )
    op.create_index("requests_state", "requests", ["state", "created_at", "id"])


def _content() -> None:
    op.create_table(
        "revisions",
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="revisions_request_fk"),
        sa.PrimaryKeyConstraint("request", "number", name="revisions_pk"),
    )
    op.create_table(
        "decisions",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("vote", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="decisions_request_fk"),
        sa.PrimaryKeyConstraint("n", name="decisions_pk"),
        sa.UniqueConstraint("id", name="decisions_id_key"),
    )
    op.create_index("decisions_request", "decisions", ["request", "n"])
    op.create_index(
        "decisions_vote",
        "decisions",
        ["request", "revision", "stage", "person"],
        unique=True,
        sqlite_where=sa.text("vote = 1"),
        postgresql_where=sa.text("vote = 1"),
    )
    op.create_table(
        "executions",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="executions_request_fk"),
        sa.PrimaryKeyConstraint("n", name="executions_pk"),
        sa.UniqueConstraint("id", name="executions_id_key"),
        sa.UniqueConstraint("request", "revision", name="executions_request_revision_key"),
    )
    op.create_index(
        "executions_unfinished",
        "executions",
        ["n"],
        sqlite_where=sa.text("state IN ('waiting', 'executing')"),
        postgresql_where=sa.text("state IN ('waiting', 'executing')"),
    )


def _sent() -> None:
    op.create_table(
        "deliveries",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("handle_key", sa.Text(), nullable=True, comment="see `store.rows.handle_key`"),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="deliveries_request_fk"),
        sa.PrimaryKeyConstraint("n", name="deliveries_pk"),
        sa.UniqueConstraint("id", name="deliveries_id_key"),
    )
    op.create_index(
        "deliveries_handle",
        "deliveries",
        ["channel", "handle_key", "n"],
        sqlite_where=sa.text("handle_key IS NOT NULL"),
        postgresql_where=sa.text("handle_key IS NOT NULL"),
    )
    op.create_index("deliveries_request", "deliveries", ["request", "n"])
    op.create_table(
        "assignments",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="assignments_request_fk"),
        sa.PrimaryKeyConstraint("person", "created_at", "request", name="assignments_pk"),
        sqlite_with_rowid=False,
    )


def _outbox() -> None:
    op.create_table(
        "effects",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="effects_pk"),
        sa.UniqueConstraint("id", name="effects_id_key"),
    )
    op.create_table(
        "idempotency",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("body_hash", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "key", name="idempotency_pk"),
        sqlite_with_rowid=False,
    )


def _audit() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="events_pk"),
    )
    op.create_index(
        "events_request",
        "events",
        ["request", "seq"],
        sqlite_where=sa.text("request IS NOT NULL"),
        postgresql_where=sa.text("request IS NOT NULL"),
    )
    op.create_table(
        "chain",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="chain_pk"),
    )


def _access() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="keys_pk"),
        sa.UniqueConstraint("hash", name="keys_hash_key"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="sessions_pk"),
    )
    op.create_table(
        "links",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="links_pk"),
    )
    op.create_table(
        "switches",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="switches_pk"),
    )
