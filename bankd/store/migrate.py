"""Bringing a database to the present schema, with alembic."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine

from bankd.store.connections import without_limits

_FOLDER = Path(__file__).with_name("migrations")


def upgrade(engine: Engine) -> None:
    """Run every migration that the database has not seen, all in one transaction where the engine allows it."""
    with without_limits(engine).begin() as connection:
        upgrade_to(connection, head())


def upgrade_to(connection: Connection, revision: str) -> None:
    """Run every migration up to ``revision`` that the database has not seen, in the connection's transaction."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def head() -> str:
    """The revision that this version of the bank needs."""
    revision = _scripts().get_current_head()
    assert revision is not None
    return revision


def is_known(revision: str) -> bool:
    """Whether there is such a revision; one of a newer version of the bank is not known here."""
    try:
        return _scripts().get_revision(revision).revision == revision
    except CommandError:
        return False


def left(connection: Connection) -> list[str] | None:
    """What each migration does that the database has not seen, in their order; None where it has seen none at all.

    Raises CommandError for a database of a newer version.
    """
    present = MigrationContext.configure(connection).get_current_revision()
    if present is None:
        return None
    steps = _scripts().iterate_revisions("head", present)
    return [f"{step.revision}: {step.doc}" for step in steps][::-1]


def is_current(connection: Connection) -> bool:
    """Whether the database has the schema that this version of the bank needs."""
    return MigrationContext.configure(connection).get_current_revision() == head()


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
