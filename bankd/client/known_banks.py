"""Who the bank is: the Ed25519 key with which it signs, told beforehand, or remembered from the first time.

1. An identity that was given, as a file or by its fingerprint, is the only one.
2. Otherwise the one that a bank shows first is believed and remembered, in a file with a line for each address, and its
   fingerprint is told once; from then on it is the only one. This is what ssh does.
3. An identity that has changed is never believed. Only a person can remove the line.
"""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bankd.client import no_banks
from bankd.client.address import Address
from bankd.client.errors import Cause, NoBank
from bankd.signing import NotKey, PublicKey

FINGERPRINT = re.compile(r"[0-9a-f]{64}")

_HEADER = "# The banks that bankd-client has met: address, and the bank's identity (Ed25519, base64url).\n"


class Acquaintance(Protocol):
    """Says whether a bank is the one that is meant."""

    def vet(self, address: Address, identity: PublicKey) -> None:
        """Raise NoBank where the bank at ``address`` should have another identity."""

    def remember(self, address: Address, identity: PublicKey, tell: Callable[[str], object]) -> None:
        """Note that the bank at ``address`` has proved to have this identity; ``tell`` a person of what is new."""


@dataclass(frozen=True, slots=True)
class Introduced:
    """The bank has the identity with this ``fingerprint``, as somebody said."""

    fingerprint: str

    def vet(self, address: Address, identity: PublicKey) -> None:
        """Raise NoBank where it has another."""
        if identity.fingerprint != self.fingerprint:
            raise NoBank(address, Cause.OTHER_IDENTITY, about={"fingerprint": identity.fingerprint})

    def remember(self, address: Address, identity: PublicKey, tell: Callable[[str], object]) -> None:
        """There is nothing new."""


@dataclass(frozen=True, slots=True)
class KnownBanks:
    """The banks in the file ``path``."""

    path: Path

    def vet(self, address: Address, identity: PublicKey) -> None:
        """Raise NoBank where the bank had another identity before, or nobody can tell."""
        about = {"fingerprint": identity.fingerprint, "file": str(self.path)}
        try:
            known = self._read().get(str(address), identity.x)
        except (OSError, ValueError) as error:
            raise NoBank(address, Cause.UNREADABLE_BANKS, about=about) from error
        if known != identity.x:
            raise NoBank(address, Cause.CHANGED_IDENTITY, about=about)

    def remember(self, address: Address, identity: PublicKey, tell: Callable[[str], object]) -> None:
        """Add a bank that was not known."""
        if str(address) in self._read():
            return
        tell(no_banks.FIRST_MET.format(address=address, fingerprint=identity.fingerprint))
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._add(f"{address} {identity.x}\n")
        except OSError as error:
            tell(no_banks.NOT_REMEMBERED.format(file=self.path, why=error.strerror))

    def _add(self, line: str) -> None:
        """Append a line, in one piece, so that two clients do not mix theirs."""
        handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(handle, "ab") as file:
            file.write((line if file.tell() else _HEADER + line).encode())

    def _read(self) -> Mapping[str, str]:
        """The identity of each bank, by its address.

        Raises OSError, and ValueError for a line that is not whole: a bank that was known must not pass for a new one.
        """
        try:
            lines = self.path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return {}
        return dict(line.split() for line in lines if line and not line.startswith("#"))


def introduced_by(text: str) -> Introduced:
    """The identity that a fingerprint, or else a file in PEM, names. Raises OSError and NotKey."""
    plain = text.replace(":", "").lower()
    if FINGERPRINT.fullmatch(plain):
        return Introduced(plain)
    return Introduced(PublicKey(Path(text).read_bytes()).fingerprint)


def default_path(environment: Mapping[str, str]) -> Path:
    """Where this person's known banks are (XDG Base Directory Specification)."""
    home = environment.get("XDG_DATA_HOME", "")
    folder = Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share"
    return folder / "bankd" / "known_banks"


def identity_in(x: str, address: Address) -> PublicKey:
    """The identity that a bank tells. Raises NoBank."""
    try:
        return PublicKey.from_x(x)
    except NotKey as error:
        raise NoBank(address, Cause.BAD_KEYS) from error
