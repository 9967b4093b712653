"""Several replicas on one store: who they are, what each holds; on PostgreSQL, text in the order of its bytes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_HELD = sa.text("holder IS NOT NULL")


def upgrade() -> None:
    """Add the columns (no table is written anew), say in which lane each effect goes, make the tables of replicas."""
    op.add_column("effects", sa.Column("lane", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("effects", sa.Column("holder", sa.Text(), nullable=True))
    op.add_column("executions", sa.Column("holder", sa.Text(), nullable=True))
    effects = sa.table("effects", *(sa.column(name) for name in ("id", "kind", "ref", "note", "lane")))
    x = effects.c
    alone = (x.kind.in_(["webhook", "letter"]), x.id)
    op.execute(sa.update(effects).values(lane=sa.case((x.kind == "digest", x.note), alone, else_=x.ref)))
    op.create_index("effects_held", "effects", ["lane"], sqlite_where=_HELD, postgresql_where=_HELD)
    op.create_table(
        "replicas",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="replicas_pk"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="leases_pk"),
    )
    if op.get_bind().dialect.name == "postgresql":
        _order_by_bytes()


def downgrade() -> None:
    """Take the replicas away again."""
    for name in ("leases", "replicas"):
        op.drop_table(name)
    op.drop_index("effects_held", table_name="effects")
    for table, names in {"executions": ("holder",), "effects": ("holder", "lane")}.items():
        for name in names:
            op.drop_column(table, name)


def _order_by_bytes() -> None:
    """No earlier sayso ran on PostgreSQL, so the tables are empty and this takes no time."""
    bind = op.get_bind()
    inspector = sa.inspect(bind)
    for table in inspector.get_table_names():
        if table == "alembic_version":
            continue
        for column in inspector.get_columns(table):
            if isinstance(column["type"], sa.Text):
                op.alter_column(table, column["name"], type_=sa.Text(collation="C"))
