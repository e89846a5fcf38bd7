"""Bringing a database to the present schema, with alembic.

Alembic is imported where it is needed: not to start a bank whose schema is the present one, which is told without it,
nor for most of what bankctl does. That spares a tenth of the time in which either starts.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, column, inspect, select, table

from bankd.store.connections import without_limits

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

NEWEST = "0015"
"""The revision that this version of the bank needs."""

VERSION_TABLE = "alembic_version"
"""Where alembic notes which revision a database is at."""

_FOLDER = Path(__file__).with_name("migrations")


def upgrade(engine: Engine) -> None:
    """Run every migration that the database has not seen, all in one transaction where the engine allows it."""
    with without_limits(engine).begin() as connection:
        upgrade_to(connection, NEWEST)


def upgrade_to(connection: Connection, revision: str) -> None:
    """Run every migration up to ``revision`` that the database has not seen, in the connection's transaction."""
    from alembic import command

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def is_known(revision: str) -> bool:
    """Whether there is such a revision; one of a newer version of the bank is not known here."""
    from alembic.util import CommandError

    try:
        return _scripts().get_revision(revision).revision == revision
    except CommandError:
        return False


def left(connection: Connection) -> list[str] | None:
    """What each migration does that the database has not seen, in their order; None where it has seen none at all.

    Raises CommandError for a database of a newer version.
    """
    present = _revision(connection)
    if present is None:
        return None
    steps = _scripts().iterate_revisions("head", present)
    return [f"{step.revision}: {step.doc}" for step in steps][::-1]


def is_current(connection: Connection) -> bool:
    """Whether the database has the schema that this version of the bank needs."""
    return _revision(connection) == NEWEST


def _revision(connection: Connection) -> str | None:
    """The revision that a database is at; None where no migration has seen it."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    noted: str | None = connection.execute(select(column("version_num")).select_from(table(VERSION_TABLE))).scalar()
    return noted


def _scripts() -> "ScriptDirectory":
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_config())


def _config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    return config
