"""``bankctl db upgrade``: an older bank's database is brought to the schema of this version."""

from argparse import ArgumentParser, Namespace

from bankd import keyring
from bankd.ctl.command import DONE, Command, Unusable, settings_of
from bankd.ctl.init import begin_checkpoints
from bankd.store import migrate
from bankd.store.engines import Store

WORDS = """
Bring the database of a bank of an older version to the schema that this version needs, as 'bankctl init' does, and do
nothing else. Stop the bank first, and make a backup. What is up to date stays as it is. --dry-run says which steps are
left.
"""


def _upgrade(options: Namespace) -> int:
    settings = settings_of(options)
    store = Store(settings.database, keyring.chain_key(settings.state))
    try:
        store.check_exists()
        with store.reading() as connection:
            left = migrate.left(connection)
        if left is None:
            raise Unusable("there is no bank in this database; 'bankctl init' makes one")
        if options.dry_run:
            print("\n".join(left) if left else "the database is up to date")
            return DONE
        migrate.upgrade(store.writer)
        keyring.refuse_another(settings.state, store)
        begin_checkpoints(settings, store, keyring.ensure(settings.state, store.chain_key))
    finally:
        store.close()
    print("\n".join([*left, "the database is up to date"]))
    return DONE


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say which steps are left, and do nothing")


UPGRADE = Command("db upgrade", "bring an older bank's database up to date", _upgrade, _arguments, WORDS)
