"""Run by alembic for each command: migrate the connection that ``bankd.store.migrate`` hands over."""

from alembic import context

from bankd.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
