"""The bank's own keys: files in its state folder, for the owner alone, and never in the database.

``pepper``        the key of the hashes of secrets (``bank.hashing``); lost, every secret must be set anew
``chain.key``     what the journal's entries are linked under (``ledger.chain``); lost, the chain cannot be checked
``receipts.key``  what receipts and checkpoints are signed with (``signing``)
``receipts.pem``  the public half of that, which anybody may have
"""

import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from bankd.bank.hashing import PEPPER_OCTETS
from bankd.ledger import chain
from bankd.signing import NotKey, PrivateKey, PublicKey, new_key
from bankd.store import checkpoints
from bankd.store.checkpoints import CheckpointFile
from bankd.store.engines import Store

CHECKPOINTS = "checkpoints"
"""The file of checkpoints, in the same folder."""

TERMINALS = "terminals"
"""The folder of the authority that signs terminals' certificates, in the same folder."""

PUBLIC = "receipts.pem"
"""The file with the public key, in the same folder."""


class KeysMissing(Exception):
    """A key is not there, not whole, or not the bank's own; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The bank's own keys."""

    pepper: bytes = field(repr=False)
    chain: bytes = field(repr=False)
    signer: PrivateKey


def chain_key(state: Path) -> bytes:
    """The chain's key in the folder ``state``; where it is missing, a new one, which is not written.

    Raises OSError, and KeysMissing where it was lost or is not whole.
    """
    path = state / "chain.key"
    if not path.exists():
        _refuse_lost(path)
        return secrets.token_bytes(chain.KEY_OCTETS)
    key = path.read_bytes()
    if len(key) < chain.KEY_OCTETS:
        raise KeysMissing(f"{path} is not whole; without it the chain cannot be continued")
    return key


def refuse_another(state: Path, store: Store) -> None:
    """Raise KeysMissing where the journal in ``store`` was begun under another key than that in ``state``."""
    with store.reading() as connection:
        if not checkpoints.begins_under(connection, store.chain_key):
            raise KeysMissing(
                f"the journal in the database does not begin under {state / 'chain.key'}: the key is not that bank's"
                " own, or the first entry was changed"
            )


def ensure(state: Path, new_chain_key: bytes | None = None) -> Keyring:
    """The keys in the folder ``state``, each made where it is missing; the chain's may be given, of ``chain_key``.

    Raises OSError and KeysMissing.
    """
    if not (state / "pepper").exists():
        write_private(state / "pepper", secrets.token_bytes(PEPPER_OCTETS))
    for name, made in (("chain.key", new_chain_key or chain_key(state)), ("receipts.key", new_key())):
        if not (state / name).exists():
            _refuse_lost(state / name)
            write_private(state / name, made)
    keys = load(state)
    if not (state / PUBLIC).exists() or (state / PUBLIC).read_bytes() != keys.signer.pem:
        write_private(state / PUBLIC, keys.signer.pem)
        (state / PUBLIC).chmod(0o644)
    return keys


def load(state: Path) -> Keyring:
    """The keys in the folder ``state``. Raises OSError and KeysMissing."""
    if not (state / "pepper").exists():
        raise KeysMissing(f"{state} holds no bank yet; 'bankctl init' makes one")
    for name in ("chain.key", "receipts.key"):
        if not (state / name).exists():
            raise KeysMissing(f"there is no {state / name}; 'bankctl init' makes one for a bank from before it")
    pepper = (state / "pepper").read_bytes()
    if len(pepper) < PEPPER_OCTETS:
        raise KeysMissing(f"{state / 'pepper'} is not whole; without it no password or PIN can be checked")
    try:
        return Keyring(pepper, chain_key(state), PrivateKey((state / "receipts.key").read_bytes()))
    except NotKey as error:
        raise KeysMissing(f"{state / 'receipts.key'} cannot be used: {error}") from error


def _refuse_lost(path: Path) -> None:
    """Raise KeysMissing where the key that should be at ``path`` was there when the first checkpoint was made."""
    if CheckpointFile(path.with_name(CHECKPOINTS)).begun():
        raise KeysMissing(f"{path} is lost, and what was made with it is not; put its copy back")


def public_key(path: Path) -> PublicKey:
    """The public key in the file ``path``. Raises OSError and KeysMissing."""
    try:
        return PublicKey(path.read_bytes())
    except NotKey as error:
        raise KeysMissing(f"{path} cannot be used: {error}") from error


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only the owner can read, whole or not at all; it is there for good once this returns."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
