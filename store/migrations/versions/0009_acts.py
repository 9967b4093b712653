"""An index by which the newest decisions of one person are found, for the guards of attention."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index; nothing that is there changes."""
    op.create_index("decisions_person", "decisions", ["person", "n"])


def downgrade() -> None:
    """Forget it."""
    op.drop_index("decisions_person", "decisions")
