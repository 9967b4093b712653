"""Keys that the audit is sealed with, one a subject, and which request belongs to which of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables; nothing that is there changes."""
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "subjects",
        *(sa.Column(name, text, nullable=False) for name in ("id", "subject", "key")),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="subjects_pk"),
    )
    op.create_index("subjects_subject", "subjects", ["subject"])
    op.create_table(
        "belongings",
        *(sa.Column(name, text, nullable=False) for name in ("request", "seal")),
        sa.PrimaryKeyConstraint("request", name="belongings_pk"),
        sa.ForeignKeyConstraint(["request"], ["requests.id"], name="belongings_request_fk"),
        sa.ForeignKeyConstraint(["seal"], ["subjects.id"], name="belongings_seal_fk"),
    )
    op.create_index("belongings_seal", "belongings", ["seal"])


def downgrade() -> None:
    """Forget every key: what was sealed stays sealed for ever."""
    op.drop_table("belongings")
    op.drop_table("subjects")
