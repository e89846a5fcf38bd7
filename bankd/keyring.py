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
from bankd.store.checkpoints import CheckpointFile

CHECKPOINTS = "checkpoints"
"""The file of checkpoints, in the same folder."""

PUBLIC = "receipts.pem"
"""The file with the public key, in the same folder."""


class KeysMissing(Exception):
    """A key is not there, or not whole; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The bank's own keys."""

    pepper: bytes = field(repr=False)
    chain: bytes = field(repr=False)
    signer: PrivateKey


def ensure(state: Path) -> Keyring:
    """The keys in the folder ``state``, each made where it is missing. Raises OSError and KeysMissing."""
    if not (state / "pepper").exists():
        write_private(state / "pepper", secrets.token_bytes(PEPPER_OCTETS))
    for name, made in (("chain.key", secrets.token_bytes(chain.KEY_OCTETS)), ("receipts.key", new_key())):
        if not (state / name).exists():
            if CheckpointFile(state / CHECKPOINTS).begun():
                raise KeysMissing(f"{state / name} is lost, and what was made with it is not; put its copy back")
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
    pepper, link_key = (state / "pepper").read_bytes(), (state / "chain.key").read_bytes()
    if len(pepper) < PEPPER_OCTETS:
        raise KeysMissing(f"{state / 'pepper'} is not whole; without it no password or PIN can be checked")
    if len(link_key) < chain.KEY_OCTETS:
        raise KeysMissing(f"{state / 'chain.key'} is not whole; without it the chain cannot be continued")
    try:
        return Keyring(pepper, link_key, PrivateKey((state / "receipts.key").read_bytes()))
    except NotKey as error:
        raise KeysMissing(f"{state / 'receipts.key'} cannot be used: {error}") from error


def public_key(path: Path) -> PublicKey:
    """The public key in the file ``path``. Raises OSError and KeysMissing."""
    try:
        return PublicKey(path.read_bytes())
    except NotKey as error:
        raise KeysMissing(f"{path} cannot be used: {error}") from error


def write_private(path: Path, content: bytes) -> None:
    """Write a new file that only the owner can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
