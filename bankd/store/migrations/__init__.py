"""Alembic migrations: the way from an empty or older database to the present tables."""
