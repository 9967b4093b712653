"""What is measured of requests, what that adds up to, and an index by which it is found who opened one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; nothing that is there changes, and what was before is measured from the trail's first line."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "facts",
        *(sa.Column(name, text, nullable=False) for name in ("request", "agent", "action", "rule", "body")),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("created_at", "decided", "practice")),
        sa.PrimaryKeyConstraint("request", name="facts_pk"),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="facts_request_fk"),
    )
    op.create_index("facts_case", "facts", ["agent", "action", "created_at", "request"])
    op.create_index("facts_rule", "facts", ["rule", "created_at", "request"])
    op.create_index("facts_oldest", "facts", ["created_at", "request"])
    op.create_table(
        "tallies",
        *(sa.Column(name, text, nullable=False) for name in ("key", "body")),
        sa.PrimaryKeyConstraint("key", name="tallies_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index("seen_request", "seen", ["request"])


def downgrade() -> None:
    """Forget what was measured, and up to where: it can be measured anew from the rows."""
    op.drop_index("seen_request", "seen")
    op.drop_table("tallies")
    op.drop_table("facts")
    op.execute("DELETE FROM kept WHERE name = 'insight.followed'")
