"""``bankctl operator``: who is an operator. It works on the database, by who owns the bank: the root of all trust."""

import json
import os
import pwd
from argparse import ArgumentParser, Namespace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from bankd.bank import access
from bankd.bank.operators import DONE as CARRIED_OUT
from bankd.bank.operators import OWNER_ID
from bankd.ctl import desk
from bankd.ctl.command import DONE, Command, Unusable, opened, opened_to_write, printable, settings_of
from bankd.operator_socket import user_name
from bankd.store import operators
from bankd.store.engines import Transaction
from bankd.store.operators import Deed, OperatorRow
from bankd.wire import grammar
from bankd.wire.roles import Role

ADD_WORDS = """
Make somebody an operator of the bank, in a role: a teller proposes credits, reversals and new PINs; an auditor reads,
also what operators did; an administrator does all that, and approves. They are known by the system's user that they
are on this machine, who must be in the bank's group to reach its socket, or by the certificate of their terminal.
"""


def record(tx: Transaction, deed: Deed) -> None:
    """Keep an act of the bank's owner, beside the daemon."""
    owner = OperatorRow(OWNER_ID, user_name(os.geteuid()), Role.ADMINISTRATOR)
    operators.record(tx, owner, deed, CARRIED_OUT)


def _add(options: Namespace) -> int:
    name, role = _name(options.name), Role(options.role)
    uid, certificate = _uid(options), _fingerprint(options.certificate)
    if uid is None and certificate is None:
        raise Unusable("nothing tells who this is; name --user, --uid or --certificate")
    with opened_to_write(settings_of(options)) as (store, _keys), store.writing() as tx:
        _refuse_taken(tx, name, uid, certificate)
        if certificate is not None and not access.is_enrolled(tx.connection, certificate):
            raise Unusable("this is no certificate of an enrolled terminal; 'bankctl terminal enrol' makes one")
        operators.add(tx, name, role, uid, certificate)
        known_by = _known_by(uid, certificate)
        record(tx, Deed("operator_add", name, f"{role.value}, {known_by}"))
    print(f"{name} is an operator now: {role.value}, {known_by}")
    return DONE


def _list(options: Namespace) -> int:
    with opened(settings_of(options)) as (store, _keys), store.reading() as connection:
        everybody = operators.everybody(connection)
    for each in everybody:
        if options.json:
            print(json.dumps(desk.fields_of(each)))
            continue
        removed = "" if each.removed_us is None else f", removed {grammar.write_time(each.removed_us)}"
        added = grammar.write_time(each.added_us)
        print(f"{each.name}: {each.role}, {_known_by(each.uid, each.certificate)}, added {added}{removed}")
    if not (everybody or options.json):
        print("nobody but who owns the bank")
    return DONE


def _remove(options: Namespace) -> int:
    with opened_to_write(settings_of(options)) as (store, _keys), store.writing() as tx:
        if not operators.remove(tx, options.name):
            raise Unusable(f"nobody called {printable(options.name)} is an operator")
        record(tx, Deed("operator_remove", options.name))
    print(f"{options.name} is an operator no more, also on connections that are open")
    return DONE


def _name(text: str) -> str:
    """A name for an operator. Raises Unusable."""
    try:
        return str(grammar.USERNAME.parse(text))
    except ValueError:
        raise Unusable("NAME takes 3 to 32 lower-case letters, digits, _ and -") from None


def _uid(options: Namespace) -> int | None:
    """The system's user that was named. Raises Unusable where there is no such user."""
    if options.user is None:
        return None if options.uid is None else int(options.uid)
    try:
        return pwd.getpwnam(options.user).pw_uid
    except KeyError:
        raise Unusable(f"this system has no user {printable(options.user)}") from None


def _fingerprint(path: Path | None) -> str | None:
    """SHA-256, in hex, of the certificate in a PEM file. Raises OSError, and Unusable where it is none."""
    if path is None:
        return None
    try:
        return x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(SHA256()).hex()
    except ValueError:
        raise Unusable(f"{path} holds no certificate in PEM") from None


def _refuse_taken(tx: Transaction, name: str, uid: int | None, certificate: str | None) -> None:
    """Raises Unusable where somebody else is, or was, called so, or is known by the same."""
    if operators.is_known(tx.connection, name):
        raise Unusable(f"{name} is or was an operator, and the acts speak of them by this name; choose another")
    known = None if uid is None else operators.with_uid(tx.connection, uid)
    if known is None and certificate is not None:
        known = operators.with_certificate(tx.connection, certificate)
    if known is not None:
        raise Unusable(f"{known.name} is the operator who is known by this; remove them first")


def _known_by(uid: int | None, certificate: str | None) -> str:
    """How an operator is known, for a person."""
    ways = [f"uid {uid}"] if uid is not None else []
    return " and ".join([*ways, *([f"certificate {certificate}"] if certificate is not None else [])])


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what the acts call them; nobody else ever has this name")
    parser.add_argument("--role", choices=[role.value for role in Role], required=True, help="what they may do")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--user", metavar="USER", help="their user on this system")
    who.add_argument("--uid", type=int, metavar="NUMBER", help="the same by its number")
    parser.add_argument("--certificate", type=Path, metavar="PEM", help="the certificate of their terminal")


def _remove_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="the operator's name")


ADD = Command("operator add", "make somebody an operator", _add, _add_arguments, ADD_WORDS)
LIST = Command("operator list", "list who is and was an operator", _list, desk.json_argument)
REMOVE = Command("operator remove", "let somebody be an operator no more", _remove, _remove_arguments)
