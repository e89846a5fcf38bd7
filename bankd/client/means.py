"""By what means a bank is reached: where it is, and by what it and this terminal know each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankd.client.address import Address, NotAnAddress
from bankd.client.errors import Unusable
from bankd.client.known_banks import Acquaintance, KnownBanks, default_path, introduced_by
from bankd.client.reach import terminal_from, trust_from
from bankd.client.sealing import OPEN, Extent, Sealing, shared_key
from bankd.client.tokens import file_of
from bankd.signing import NotKey
from bankd.wire.seal import NotSealingKey, SealingKey


@dataclass(frozen=True, slots=True)
class Means:
    """Where a bank is, and whose certificates are believed there.

    ``terminal`` is the certificate to show, or None; ``tokens`` is the file that the bank's tokens for this terminal
    are kept in; ``sealing`` says what is to be sealed, and for whom.
    """

    address: Address
    trust: Any
    tokens: Path
    terminal: Any = None
    sealing: Sealing = OPEN


@dataclass(frozen=True, slots=True)
class Named:
    """The same in the words of who names them: an address, and the names of files.

    ``ca`` None is for the authorities that this computer trusts. ``identity`` is a file or a fingerprint; without it
    the identity that the bank shows first is remembered. ``seal`` is an Extent by its word.
    """

    server: str
    ca: Path | str | None = None
    identity: str | None = None
    terminal: Path | str | None = None
    seal: str = Extent.SESSION
    shared_key: Path | str | None = None

    def read(self, environment: Mapping[str, str]) -> Means:
        """What the names stand for; what is remembered is in the data folder of ``environment``. Raises Unusable."""
        return Means(
            _address(self.server),
            _trust(Path(self.ca) if self.ca else None),
            file_of(environment),
            _terminal(Path(self.terminal)) if self.terminal else None,
            Sealing(
                _extent(self.seal),
                _acquaintance(self.identity, environment),
                _shared(Path(self.shared_key)) if self.shared_key else None,
            ),
        )


def _address(text: str) -> Address:
    try:
        return Address.parse(text)
    except NotAnAddress:
        raise Unusable(f"the server is HOST:PORT or [IPv6]:PORT, not '{text}'") from None


def _trust(ca: Path | None) -> Any:
    try:
        return trust_from(ca)
    except OSError as error:
        raise Unusable(f"cannot read the CA file {ca}: {error.strerror}") from None
    except ValueError:
        raise Unusable(f"the CA file {ca} holds no certificate in PEM form") from None


def _terminal(file: Path) -> Any:
    try:
        return terminal_from(file)
    except OSError as error:
        raise Unusable(f"cannot read the terminal's file {file}: {error.strerror}") from None
    except ValueError:
        raise Unusable(f"the terminal's file {file} holds no certificate with its key in PEM form") from None


def _extent(word: str) -> Extent:
    try:
        return Extent(word)
    except ValueError:
        raise Unusable(f"what is sealed is session, secrets or off, not '{word}'") from None


def _acquaintance(identity: str | None, environment: Mapping[str, str]) -> Acquaintance:
    try:
        return introduced_by(identity) if identity else KnownBanks(default_path(environment))
    except OSError as error:
        raise Unusable(f"cannot read the bank's identity {identity}: {error.strerror}") from None
    except NotKey:
        raise Unusable(f"there is no Ed25519 key in {identity}; the identity is a file such as receipts.pem") from None


def _shared(file: Path) -> SealingKey:
    try:
        return shared_key(file)
    except OSError as error:
        raise Unusable(f"cannot read the shared key {file}: {error.strerror}") from None
    except NotSealingKey as error:
        raise Unusable(f"the shared key {file} cannot be used: {error}") from None
