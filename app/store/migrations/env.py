"""Alembic's environment: runs the migrations on the store that the caller put into the configuration."""

from alembic import context

from app.store.tables import metadata

store = context.config.attributes["store"]
with store.write() as connection:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=False)
    context.run_migrations()
