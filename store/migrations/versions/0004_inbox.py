"""The inbox: by when each open request is to be decided and for whom it waits; who looked, from which browsers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.core.model import Decision, Kind, Request, Revision, Risk, State
from store import asked, rows

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_PAGE = 500
"""Open requests looked at in one go, so that a large database need not fit into memory."""

_COLUMNS = ("id", "state", "revision", "route", "tracks", "created_at", "expires_at", "decisions")

_INDEXES = (
    ("requests_open_agent", "requests", ("agent", "action"), "open = 1"),
    ("requests_deadline", "requests", ("deadline", "id"), "open = 1"),
    ("assignments_waiting", "assignments", ("person", "request", "waiting"), "waiting = 1"),
    ("executions_troubled", "executions", ("n",), "state IN ('failed', 'unknown')"),
    ("deliveries_failed", "deliveries", ("n",), "state = 'failed'"),
)


def upgrade() -> None:
    """Add the columns (no table is written anew), fill them for what is open, make the tables of visits."""
    op.add_column("requests", sa.Column("deadline", sa.BigInteger(), nullable=True))
    op.add_column("assignments", sa.Column("waiting", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.add_column("sessions", sa.Column("way", sa.Text(), nullable=False, server_default=sa.text("'link'")))
    op.add_column("sessions", sa.Column("browser", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("sessions", sa.Column("seen_at", sa.BigInteger(), nullable=True))
    op.add_column("links", sa.Column("browser", sa.Text(), nullable=True))
    _fill()
    op.drop_index("requests_open_agent", table_name="requests")
    for name, table, columns, where in _INDEXES:
        picked = sa.text(where)
        op.create_index(name, table, list(columns), sqlite_where=picked, postgresql_where=picked)
    _visits()


def downgrade() -> None:
    """Take the inbox away again; open links bound to a browser go, for whoever finds one could use it then."""
    for name in ("kept", "subscriptions", "seen"):
        op.drop_table(name)
    for name, table, _, _ in _INDEXES:
        op.drop_index(name, table_name=table)
    op.execute(sa.text("DELETE FROM links WHERE browser IS NOT NULL"))
    for table, names in {
        "links": ("browser",),
        "sessions": ("seen_at", "browser", "way"),
        "assignments": ("waiting",),
        "requests": ("deadline",),
    }.items():
        for name in names:
            op.drop_column(table, name)
    where = sa.text("open = 1")
    op.create_index("requests_open_agent", "requests", ["agent"], sqlite_where=where, postgresql_where=where)


def _fill() -> None:
    requests = sa.table("requests", *(sa.column(name) for name in (*_COLUMNS, "open", "deadline")))
    assignments = sa.table("assignments", *(sa.column(name) for name in ("person", "created_at", "request", "waiting")))
    r, a, bind = requests.c, assignments.c, sa.bindparam
    page = sa.select(*(r[name] for name in _COLUMNS)).where(r.open == 1, r.id > bind("after"))
    page = page.order_by(r.id).limit(_PAGE)
    put = sa.update(requests).where(r.id == bind("of")).values(deadline=bind("at"))
    key = (a.person == bind("who"), a.created_at == bind("begun"), a.request == bind("of"))
    mark = sa.update(assignments).where(*key).values(waiting=1)
    connection = op.get_bind()
    found = connection.execute(page, {"after": ""}).mappings().all()
    while found:
        voted = _decisions(connection, [row["id"] for row in found if row["decisions"]])
        values = [_request(row, voted[row["id"]]) for row in found]
        connection.execute(put, [{"of": value.id, "at": asked.deadline(value)} for value in values])
        if marked := list(_waiting(values)):
            connection.execute(mark, marked)
        found = connection.execute(page, {"after": found[-1]["id"]}).mappings().all()


def _waiting(values: Iterable[Request]) -> Iterable[dict[str, Any]]:
    for value in values:
        for person in asked.waiting(value):
            yield {"who": person, "begun": rows.micros(value.created_at), "of": value.id}


def _decisions(connection: sa.Connection, ids: Sequence[str]) -> defaultdict[str, list[Decision]]:
    decisions = sa.table("decisions", *(sa.column(name) for name in ("n", "request", "body")))
    wanted = sa.select(decisions.c.request, decisions.c.body).where(decisions.c.request.in_(ids))
    grouped: defaultdict[str, list[Decision]] = defaultdict(list)
    for request_id, body in connection.execute(wanted.order_by(decisions.c.n)):
        grouped[request_id].append(rows.decision_of(body))
    return grouped


def _request(row: sa.RowMapping, decisions: Sequence[Decision]) -> Request:
    """Of a request, what says by when and by whom it is decided; the rest of it is blank."""
    created = rows.moment(row["created_at"])
    content = Revision(
        request=row["id"],
        number=row["revision"],
        digest="",
        author="",
        created_at=created,
        action="",
        arguments={},
        target="",
    )
    return Request(
        id=row["id"],
        state=State(row["state"]),
        kind=Kind.APPROVAL,
        agent="",
        action="",
        title="",
        risk=Risk.IRREVERSIBLE,
        route=rows.route_of(row["route"]),
        tracks=rows.tracks_of(row["tracks"]),
        content=content,
        created_at=created,
        expires_at=rows.moment(row["expires_at"]),
        decisions=tuple(decisions),
    )


def _visits() -> None:
    op.create_table(
        "seen",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "request", "revision", name="seen_pk"),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="seen_request_fk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "subscriptions",
        *(sa.Column(n, sa.Text(), nullable=False) for n in ("id", "person", "endpoint", "p256dh", "auth", "browser")),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="subscriptions_pk"),
    )
    op.create_index("subscriptions_person", "subscriptions", ["person", "created_at"])
    op.create_table(
        "kept",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="kept_pk"),
    )
