"""Letters: what reply addresses stand for, what was received, how far mailboxes are read, who is unreachable."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of letters."""
    op.create_table(
        "reply_keys",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name="reply_keys_pk"),
    )
    op.create_index("reply_keys_letter", "reply_keys", ["letter"])
    op.create_index("reply_keys_expires", "reply_keys", ["expires_at"])
    op.create_table(
        "receipts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("answered", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="receipts_pk"),
    )
    op.create_index("receipts_thread", "receipts", ["thread"])
    op.create_index("receipts_at", "receipts", ["at"])
    op.create_table(
        "mailboxes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("validity", sa.BigInteger(), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="mailboxes_pk"),
    )
    op.create_table(
        "unreachable",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "address", name="unreachable_pk"),
    )


def downgrade() -> None:
    """An answer to a letter that is out would find nothing: restore a backup instead."""
    raise NotImplementedError(downgrade.__doc__)
