"""``bankctl init``: everything that a bank needs before it can serve, made where it is missing.

It can be run again at any time: what is there stays, the certificate is renewed when it is due or lacks a name, and the
database is brought to the present schema.
"""

import json
import secrets
from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime

from bankd import certificates, keyring
from bankd.bank import contact, demo
from bankd.bank.demo import DemoCustomer
from bankd.bank.hashing import Hasher
from bankd.config import Settings
from bankd.ctl import terminal
from bankd.ctl.command import DONE, Command, settings_of
from bankd.keyring import Keyring
from bankd.store import checkpoints, customers, migrate
from bankd.store.checkpoints import CheckpointFile
from bankd.store.engines import Store

DEMO_MOBILES = ("+12025550123", "+12025550147", "+12025550181")
"""Numbers that the North American plan keeps for fiction (ATIS-0300115): 555-0100 to 555-0199."""


def _init(options: Namespace) -> int:
    prepare(settings_of(options), print)
    return DONE


def prepare(settings: Settings, say: Callable[[str], None]) -> None:
    """Make or bring up to date all that ``settings`` call for, and ``say`` what was done.

    Raises OSError, ``CertificateError``, ``KeysMissing`` and SQLAlchemy's errors; running it again goes on from there.
    """
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.state.chmod(0o700)
    _prepare_certificate(settings, say)
    terminal.authority(settings.state)
    store = Store(settings.database, keyring.chain_key(settings.state))
    try:
        migrate.upgrade(store.writer)
        keyring.refuse_another(settings.state, store)  # before a key is written, which would look like the bank's own
        keys = keyring.ensure(settings.state, store.chain_key)
        say(f"database: {store.url.render_as_string(hide_password=True)}")
        made = _prepare_demo(settings, store, Hasher(keys.pepper)) if settings.demo else []
        begin_checkpoints(settings, store, keys)
        say(f"receipts are checked with {settings.state / keyring.PUBLIC}: SHA-256 {keys.signer.fingerprint}")
        if made:
            _show(made, say)
    finally:
        store.close()


def _prepare_certificate(settings: Settings, say: Callable[[str], None]) -> None:
    if settings.certificate.parent != settings.state:
        return
    now = datetime.now(UTC)
    authority = certificates.ensure_authority(settings.state, now)
    names = [*certificates.local_names(), *settings.names]
    certificates.ensure_server_certificate(authority, settings.state, names, now)
    say(f"certificate for {', '.join(names)}; clients trust it by {settings.state / 'ca.pem'}")


def begin_checkpoints(settings: Settings, store: Store, keys: Keyring) -> None:
    """The first checkpoint, after what the journal held before there was a chain has been linked."""
    file = CheckpointFile(settings.state / keyring.CHECKPOINTS)
    if not file.begun():
        with store.writing() as tx:
            checkpoints.seal(tx)
        with store.reading() as connection:
            file.add(keys.signer, lambda: checkpoints.take(store, connection))


def _prepare_demo(settings: Settings, store: Store, hasher: Hasher) -> list[DemoCustomer]:
    """The demo customers, made if the database has no customer at all, and kept in ``demo.json``."""
    path = settings.state / "demo.json"
    with store.writing() as tx:
        if not customers.has_any(tx.connection):
            mobiles = [contact.e164(mobile, settings.terms.region) for mobile in DEMO_MOBILES]
            made = demo.open_demo(tx, settings.terms, secrets.randbelow, hasher, mobiles)
            keyring.write_private(path, json.dumps([asdict(customer) for customer in made], indent=2).encode() + b"\n")
    return [DemoCustomer(**row) for row in json.loads(path.read_text())] if path.exists() else []


def _show(made: list[DemoCustomer], say: Callable[[str], None]) -> None:
    """Print the demo customers as a table."""
    row = "  {:<10} {:<20} {:<10} {:<7} {}"
    say("demo customers (play money):")
    say(row.format("user name", "password", "account", "PIN", "mobile"))
    for customer in made:
        say(row.format(customer.username, customer.password, customer.account, customer.pin, customer.mobile))


INIT = Command("init", "make what the bank needs before it can serve, or bring it up to date", _init)
