"""Alembic's entry: it runs on the connection that the store already holds."""

from __future__ import annotations

from alembic import context

from watchfloor.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    # The caller began the transaction and commits it.
    transactional_ddl=False,
)
context.run_migrations()
