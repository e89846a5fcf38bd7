"""The keys that requests are sealed to: files in the folder ``sealing`` of the state folder, for the owner alone.

1. The bank has an RSA key of its own for each day, ``KID.jwk``. It is published for a day from when it was made, still
   accepted for another day, and then destroyed. Its file says when it was made; that is all there is to remember.
2. A key that a terminal and the bank shared beforehand is ``shared/NAME.jwk``. It is looked for whenever something is
   sealed to it, so that ``bankctl key`` need not tell the bank.
3. Making a key takes tenths of a second, opening a seal about one millisecond: neither is done on the reactor's thread.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from joserfc.jwk import RSAKey
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from bankd import codes, keyring
from bankd.codes import Refused
from bankd.ibank import ISeals
from bankd.perspectives.turns import THE_BANK, Comer, Turns
from bankd.signing import PrivateKey
from bankd.wire import key_set, seal
from bankd.wire.seal import RSA_BITS, BrokenSeal, NotSealingKey, Sealed, SealingKey, key_from

FOLDER = "sealing"
"""The folder of all these keys, in the state folder."""

SHARED = "shared"
"""The folder in it with the keys that were shared beforehand."""

DAY = 86_400
"""For how many seconds a key is published, and for how many more it is accepted."""

LOOK_SECONDS = 60.0
"""How often to see whether a key is to be made or destroyed."""

_log = Logger()


@dataclass(frozen=True, slots=True)
class Dated:
    """A key of the bank's own, and when it was made, in seconds since 1970."""

    key: SealingKey
    made: int
    path: Path

    @property
    def ends(self) -> int:
        """When it is destroyed."""
        return self.made + 2 * DAY


def new_rsa_key() -> RSAKey:
    """A new key for a bank."""
    return RSAKey.generate_key(RSA_BITS)


def kept(path: Path) -> SealingKey:
    """The key in the file ``path``. Raises OSError and NotSealingKey."""
    try:
        return key_from(json.loads(path.read_bytes()))
    except ValueError as error:
        raise NotSealingKey(f"{path} holds no key") from error


def dated_keys(paths: Iterable[Path]) -> Iterator[Dated]:
    """The bank's own keys in these files; what is no key is passed over."""
    for path in paths:
        try:
            made = json.loads(path.read_bytes())["iat"]
            yield Dated(kept(path), int(made), path)
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.warn("{path} cannot be used: {kind}", path=str(path), kind=type(error).__name__)


def own_paths(state: Path) -> list[Path]:
    """The files of the bank's own keys, in the state folder."""
    return sorted((state / FOLDER).glob("*.jwk"))


def shared_path(state: Path, name: str) -> Path:
    """The file of the shared key called ``name``."""
    return state / FOLDER / SHARED / f"{name}.jwk"


class SealingKeys:
    """The keys in the state folder of ``bank``, at the time of ``clock``; may be used from several threads."""

    def __init__(
        self,
        state: Path,
        signer: PrivateKey,
        bank: str,
        clock: Callable[[], float],
        make: Callable[[], RSAKey] = new_rsa_key,
    ) -> None:
        self._state = state
        self.signer = signer
        self._bank = bank
        self._clock = clock
        self._make = make
        self._lock = Lock()
        self._keys: dict[str, Dated] = {}
        self._published: tuple[str, str] = ("", "")

    def published(self) -> str:
        """The signed set with today's key, which is made where there is none. Raises OSError."""
        with self._lock:
            newest = self._renewed()
            kid, text = self._published
            if kid != newest.key.kid:
                text = key_set.sign(self.signer, self._bank, newest.key, newest.made, newest.ends)
                self._published = (newest.key.kid, text)
            return text

    def renew(self) -> None:
        """Make today's key where there is none, and destroy those whose time has passed. Raises OSError."""
        with self._lock:
            self._renewed()

    def unseal(self, jwe: str) -> Sealed:
        """What is sealed in ``jwe``. Raises BrokenSeal."""
        kid, shared = seal.key_id(jwe)
        return seal.unseal(jwe, self._shared(kid) if shared else self._own(kid))

    def _renewed(self) -> Dated:
        """Today's key, with everything as it should be at this time."""
        now = self._clock()
        if not self._keys:
            for draft in (self._state / FOLDER).glob("*.jwk.new"):  # of a key that a crash kept from being published
                draft.unlink(missing_ok=True)
            self._keys = {dated.key.kid: dated for dated in self._read(own_paths(self._state))}
        for dated in [dated for dated in self._keys.values() if dated.ends <= now]:
            dated.path.unlink(missing_ok=True)
            del self._keys[dated.key.kid]
        newest = max(self._keys.values(), key=lambda dated: dated.made, default=None)
        if newest is not None and now < newest.made + DAY:
            return newest
        try:
            return self._made(int(now))
        except OSError as error:
            if newest is None:
                raise
            _log.warn("no new key for seals can be kept: {why}", why=str(error))
            return newest

    def _made(self, now: int) -> Dated:
        key = self._make()
        kid = key.thumbprint()
        path = self._path(kid)
        path.parent.mkdir(mode=0o700, exist_ok=True)
        jwk = {**key.as_dict(private=True), "kid": kid, "iat": now}
        keyring.write_private(path, json.dumps(jwk).encode())
        self._keys[kid] = Dated(SealingKey(kid, key), now, path)
        return self._keys[kid]

    def _read(self, paths: Iterable[Path]) -> Iterable[Dated]:
        return dated_keys(paths)

    def _path(self, kid: str) -> Path:
        return self._state / FOLDER / f"{kid}.jwk"

    def _own(self, kid: str) -> SealingKey:
        """The bank's own key with this id, if its time has not passed. Raises BrokenSeal."""
        dated = self._keys.get(kid) or self._found(kid)
        if dated is None or dated.ends <= self._clock():
            raise BrokenSeal("sealed to a key that there is not")
        return dated.key

    def _found(self, kid: str) -> Dated | None:
        """The key with this id, if it has come into the folder meanwhile. An unknown id costs next to nothing."""
        with self._lock:
            path = self._path(kid)
            if kid not in self._keys and path.exists():
                self._keys |= {dated.key.kid: dated for dated in self._read([path])}
            return self._keys.get(kid)

    def _shared(self, name: str) -> SealingKey:
        """The key called ``name`` that was shared beforehand. Raises BrokenSeal."""
        try:
            return kept(shared_path(self._state, name))
        except (OSError, NotSealingKey) as error:
            raise BrokenSeal("sealed to a key that was not shared") from error


@implementer(ISeals)
class Seals:
    """``keys`` for a branch: all that takes time is done in ``pool``, in turns."""

    def __init__(self, keys: SealingKeys, pool: Turns, clock: IReactorTime) -> None:
        self._keys = keys
        self._pool = pool
        self._loop = LoopingCall(self._renew)
        self._loop.clock = clock

    def open(self) -> None:
        """See to the keys from now on, at once and then every LOOK_SECONDS."""
        self._loop.start(LOOK_SECONDS)

    def close(self) -> None:
        """See to them no more."""
        if self._loop.running:
            self._loop.stop()

    def published(self, comer: Comer) -> Deferred[str]:
        """The signed set of keys."""
        return self._pool(comer, self._keys.published)

    def unseal(self, jwe: str, comer: Comer) -> Deferred[Sealed]:
        """What is sealed in ``jwe``."""
        return self._pool(comer, self._unseal, jwe)

    def _unseal(self, jwe: str) -> Sealed:
        try:
            return self._keys.unseal(jwe)
        except BrokenSeal as error:
            raise Refused(codes.BROKEN_SEAL) from error

    def _renew(self) -> Deferred[None]:
        return self._pool(THE_BANK, self._keys.renew).addErrback(
            lambda why: _log.warn("the keys of seals could not be renewed: {why}", why=why.getErrorMessage())
        )
