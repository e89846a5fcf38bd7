"""``bankctl init``: everything that a bank needs before it can serve, made where it is missing.

It can be run again at any time: what is there stays, the certificate is renewed when it is due or lacks a name, and the
database is brought to the present schema.
"""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from bankd import certificates
from bankd.bank import contact, demo
from bankd.bank.demo import DemoCustomer
from bankd.bank.hashing import PEPPER_OCTETS, Hasher
from bankd.config import Settings
from bankd.store import customers, migrate
from bankd.store.engines import Store

DEMO_MOBILES = ("+12025550123", "+12025550147", "+12025550181")
"""Numbers that the North American plan keeps for fiction (ATIS-0300115): 555-0100 to 555-0199."""


def prepare(settings: Settings, say: Callable[[str], None]) -> None:
    """Make or bring up to date all that ``settings`` call for, and ``say`` what was done.

    Raises OSError, ``certificates.CertificateError`` and SQLAlchemy's errors; running it again goes on from there.
    """
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings.state.chmod(0o700)
    _prepare_certificate(settings, say)
    pepper = _prepare_pepper(settings.state / "pepper")
    store = Store(settings.database)
    try:
        migrate.upgrade(store.writer)
        say(f"database: {store.url.render_as_string(hide_password=True)}")
        if settings.demo and (made := _prepare_demo(settings, store, Hasher(pepper))):
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


def _prepare_pepper(path: Path) -> bytes:
    """The key of the secrets' hashes, made once. A bank that loses it must have every secret set anew."""
    if not path.exists():
        _write_private(path, secrets.token_bytes(PEPPER_OCTETS))
    return path.read_bytes()


def _prepare_demo(settings: Settings, store: Store, hasher: Hasher) -> list[DemoCustomer]:
    """The demo customers, made if the database has no customer at all, and kept in ``demo.json``."""
    path = settings.state / "demo.json"
    with store.writing() as tx:
        if not customers.has_any(tx.connection):
            mobiles = [contact.e164(mobile, settings.terms.region) for mobile in DEMO_MOBILES]
            made = demo.open_demo(tx, settings.terms, secrets.randbelow, hasher, mobiles)
            _write_private(path, json.dumps([asdict(customer) for customer in made], indent=2).encode() + b"\n")
    return [DemoCustomer(**row) for row in json.loads(path.read_text())] if path.exists() else []


def _show(made: list[DemoCustomer], say: Callable[[str], None]) -> None:
    """Print the demo customers as a table."""
    row = "  {:<10} {:<20} {:<10} {:<7} {}"
    say("demo customers (play money):")
    say(row.format("user name", "password", "account", "PIN", "mobile"))
    for customer in made:
        say(row.format(customer.username, customer.password, customer.account, customer.pin, customer.mobile))


def _write_private(path: Path, content: bytes) -> None:
    """Write a new file that only the owner can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
