"""``bankctl terminal``: certificates for terminals, by which the bank knows them."""

import json
import re
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256

from bankd import certificates, keyring
from bankd.certificates import Authority
from bankd.ctl import desk
from bankd.ctl.command import DONE, Command, Unusable, opened, printable, settings_of
from bankd.store import terminals
from bankd.wire.grammar import write_time

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
"""What a terminal may be called: what fits into a certificate's common name, and into a line."""

MOST_DAYS = 3650

ENROL_WORDS = """
Make a key and a certificate for the terminal NAME, and write both to one new FILE, for the terminal alone: bankd-client
--terminal FILE shows the certificate at every connection. Carry the file there by a way that nobody else can read, and
keep no copy. A terminal that is enrolled again has only the new certificate.
"""


def authority(state: Path) -> Authority:
    """The authority for terminals in the folder ``state``, made there if need be. Raises OSError, CertificateError."""
    folder = state / keyring.TERMINALS
    folder.mkdir(mode=0o700, exist_ok=True)
    return certificates.ensure_authority(folder, datetime.now(UTC), "bankd terminals' authority")


def _enrol(options: Namespace) -> int:
    if not NAME.fullmatch(options.name):
        raise Unusable(f"{printable(options.name)!r} will not do as a name: letters, digits, spaces and ._- only")
    if not 1 <= options.days <= MOST_DAYS:
        raise Unusable(f"--days is from 1 to {MOST_DAYS}")
    settings = settings_of(options)
    path = options.out or Path(f"{options.name}.pem")
    with opened(settings) as (store, _keys):
        now, life = datetime.now(UTC), timedelta(days=options.days)
        made = certificates.make_terminal(authority(settings.state), path, options.name, now, life)
        ends_us = int(made.not_valid_after_utc.timestamp()) * 1_000_000
        with store.writing() as tx:
            terminals.add(tx, options.name, made.fingerprint(SHA256()).hex(), ends_us)
    print(f"terminal {options.name}: key and certificate in {path}, good until {write_time(ends_us)}")
    return DONE


def _list(options: Namespace) -> int:
    with opened(settings_of(options)) as (store, _keys), store.reading() as connection:
        now_us = store.now_us(connection)
        for one in terminals.every(connection):
            if options.json:
                print(json.dumps(desk.fields_of(one)))
                continue
            if one.revoked_us is not None:
                state = f"revoked {write_time(one.revoked_us)}"
            else:
                state = f"{'ended' if one.ends_us <= now_us else 'good until'} {write_time(one.ends_us)}"
            print(f"{one.name:<20} {state}  SHA-256 {one.certificate}")
    return DONE


def _revoke(options: Namespace) -> int:
    with opened(settings_of(options)) as (store, _keys), store.writing() as tx:
        if not terminals.revoke(tx, options.name):
            raise Unusable(f"no terminal called {printable(options.name)} is enrolled")
    print(f"terminal {options.name} is trusted no more, from its next log-in on")
    return DONE


def _name_argument(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what the terminal is called")


def _enrol_arguments(parser: ArgumentParser) -> None:
    _name_argument(parser)
    parser.add_argument("--out", type=Path, metavar="FILE", help="the new file for the terminal (NAME.pem)")
    parser.add_argument("--days", type=int, default=365, metavar="N", help="how long the certificate is good (365)")


ENROL = Command("terminal enrol", "make a certificate for a terminal", _enrol, _enrol_arguments, ENROL_WORDS)
LIST = Command("terminal list", "list the terminals that are or were enrolled", _list, desk.json_argument)
REVOKE = Command("terminal revoke", "trust a terminal no more", _revoke, _name_argument)
