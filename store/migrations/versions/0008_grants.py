"""What was earned, so that some of what people were asked about runs by rule for a while."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table; nothing that is there changes."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "grants",
        *(sa.Column(name, text, nullable=False) for name in ("id", "rule", "agent", "action", "state", "body")),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="grants_pk"),
    )


def downgrade() -> None:
    """Forget every grant: people are asked again."""
    op.drop_table("grants")
