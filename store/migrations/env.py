"""Runs the revisions on the connection that `store.migrate` (or a developer's own script) hands over."""

from __future__ import annotations

from alembic import context

from store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite's schema changes are transactional once the driver no longer commits behind one's back.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
