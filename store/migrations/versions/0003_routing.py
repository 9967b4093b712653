"""Routing: where a request stands is a list of tracks; what advisors said, what limits count, what was rejected."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_PLACE = ("stage", "step", "step_at", "remind_at", "exhausted")
"""What stood in columns of its own, for there was only one track."""

_OPEN = "open = 1"
_INDEXES = (
    ("requests_action", ("action", "created_at", "id"), None),
    ("requests_agent", ("agent", "created_at", "id"), None),
    ("requests_batch", ("batch", "created_at", "id"), "batch IS NOT NULL"),
    ("requests_due", ("due_at",), _OPEN),
    ("requests_escalated", ("created_at", "id"), "escalation_level > 0"),
    ("requests_newest", ("created_at", "id"), None),
    ("requests_open", ("created_at", "id"), _OPEN),
    ("requests_open_agent", ("agent",), _OPEN),
    ("requests_state", ("state", "created_at", "id"), None),
)
"""What the first schema has. Made again by hand, for alembic would in any order, and of two indexes that serve alike
SQLite takes the younger."""

_PAGE = 1000
"""Requests converted at a time, so that a large database need not fit into memory."""


def upgrade() -> None:
    """Convert the requests, count one vote a person a revision, make the tables of limits and rejections."""
    with op.batch_alter_table("requests") as table:
        table.add_column(sa.Column("tracks", sa.Text(), nullable=True))
        table.add_column(sa.Column("advice", sa.Text(), nullable=True))
    _convert()
    for name, _, _ in _INDEXES:
        op.drop_index(name, table_name="requests")
    # On SQLite this writes the table anew, once for all of it.
    with op.batch_alter_table("requests") as table:
        table.alter_column("tracks", existing_type=sa.Text(), nullable=False)
        for name in _PLACE:
            table.drop_column(name)
    for name, columns, where in _INDEXES:
        picked = None if where is None else sa.text(where)
        op.create_index(name, "requests", list(columns), sqlite_where=picked, postgresql_where=picked)
    _votes()
    _accounts()


def downgrade() -> None:
    """A request with two tracks has no place in the columns of before: restore a backup instead."""
    raise NotImplementedError(downgrade.__doc__)


def _convert() -> None:
    requests = sa.table("requests", *(sa.column(name) for name in ("id", "route", "tracks", *_PLACE)))
    page = sa.select(requests).where(requests.c.id > sa.bindparam("after")).order_by(requests.c.id).limit(_PAGE)
    put = sa.update(requests).where(requests.c.id == sa.bindparam("of")).values(tracks=sa.bindparam("text"))
    connection = op.get_bind()
    found = connection.execute(page, {"after": ""}).mappings().all()
    while found:
        connection.execute(put, [{"of": row["id"], "text": _tracks(row)} for row in found])
        found = connection.execute(page, {"after": found[-1]["id"]}).mappings().all()


def _tracks(row: sa.RowMapping) -> str:
    """One track, or none where the rules asked nobody; to the letter as the store writes it, for it compares them."""
    if not _asks(row["route"]):
        return "[]"
    track: dict[str, Any] = {"stage": row["stage"]}
    if row["step"]:
        track["step"] = row["step"]
    track |= {name: _moment(row[name]) for name in ("step_at", "remind_at") if row[name] is not None}
    if row["exhausted"]:
        track["exhausted"] = True
    return json.dumps([track], separators=(",", ":"))


@lru_cache(maxsize=512)
def _asks(route: str) -> bool:
    return bool(json.loads(route).get("stages"))


def _moment(micros: int) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    return at.isoformat().replace("+00:00", "Z")


def _votes() -> None:
    """Of the votes that one person gave in several stages of a revision, the first is the vote that is counted once."""
    op.drop_index("decisions_vote", table_name="decisions")
    decisions = sa.table("decisions", *(sa.column(name) for name in ("n", "request", "revision", "person", "vote")))
    first = decisions.alias("first")
    same = [first.c[name] == decisions.c[name] for name in ("request", "revision", "person")]
    earlier = sa.exists().where(*same, first.c.vote == 1, first.c.n < decisions.c.n)
    op.execute(sa.update(decisions).where(decisions.c.vote == 1, earlier).values(vote=0))
    op.create_index(
        "decisions_vote",
        "decisions",
        ["request", "revision", "person"],
        unique=True,
        sqlite_where=sa.text("vote = 1"),
        postgresql_where=sa.text("vote = 1"),
    )


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="accounts_pk"),
    )
    op.create_index("accounts_spent", "accounts", ["rule", "key", "at"])
    op.create_table(
        "rejections",
        sa.Column("n", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("n", name="rejections_pk"),
    )
    op.create_index("rejections_fingerprint", "rejections", ["fingerprint", "at"])
