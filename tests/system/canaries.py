"""Canaries: secrets that nobody could mistake for anything else, and a search for places where they turn up.

A canary is found in whatever spelling it gets about: as it is, in the other case, percent-encoded (RFC 3986), in
hexadecimal, or in base64 (RFC 4648), alone or amid other octets.
"""

import gzip
import secrets
import string
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

PIN_DIGITS = 12
WORD_LETTERS = 20

IN_ENVIRONMENT = "BANKD_SECRET"
"""The variable in which the client may be given a secret, as its help says; only its user and root can read it."""


def spellings(secret: str) -> Iterator[tuple[bytes, bool]]:
    """Each spelling of a secret that a search looks for, and whether capitals matter in it."""
    octets = secret.encode()
    yield octets.lower(), False
    yield "".join(f"%{octet:02x}" for octet in octets).encode(), False
    yield octets.hex().encode(), False
    for encode in (b64encode, urlsafe_b64encode):
        for before in range(3):  # what comes before it shifts how its bits fall into letters
            letters = encode(bytes(before) + octets)
            yield letters[-(-before * 8 // 6) : (before + len(octets)) * 8 // 6], True


class Canaries:
    """All canaries of a test, by what each is for, and what was seen of places that are no files."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.seen: dict[str, bytes] = {}

    def word(self, what: str, letters: int = WORD_LETTERS) -> str:
        """A new word that is one."""
        return self.keep(what, "".join(secrets.choice(string.ascii_lowercase) for _ in range(letters)))

    def password(self, what: str) -> str:
        """A new password that holds one, beside characters that do not travel as they are."""
        return f"{self.word(what)}é %1"

    def pin(self, what: str) -> str:
        """A new PIN that is one."""
        return self.keep(what, "".join(secrets.choice(string.digits) for _ in range(PIN_DIGITS)))

    def keep(self, what: str, secret: str) -> str:
        """Take a secret as a canary that something else made; the same."""
        self.secrets[f"{len(self.secrets) + 1}: {what}"] = secret
        return secret

    def see(self, place: str, text: str | bytes) -> None:
        """Note what was seen at a place where no secret may be."""
        self.seen[place] = self.seen.get(place, b"") + (text.encode() if isinstance(text, str) else text) + b"\n"

    def see_processes(self) -> None:
        """Note the arguments and the environments of all processes that this one has started and that still run."""
        for process in psutil.Process().children(recursive=True):
            try:
                self.see("the arguments of a process", "\0".join(process.cmdline()))
                variables: Mapping[str, str] = process.environ()
            except psutil.Error:
                continue  # it has ended; or is not ours to look into, and so not anybody else's
            own = (f"{name}={value}" for name, value in variables.items() if name != IN_ENVIRONMENT)
            self.see("the environment of a process", "\0".join(own))

    def leaks(self, folder: Path) -> list[str]:
        """Where canaries are: in files below ``folder``, their names included, and in what was seen; a line each."""
        places = dict(self.seen)
        for path in folder.rglob("*"):
            places[str(path)] = str(path).encode() + b"\n" + (_content(path) if path.is_file() else b"")
        wanted = [(what, *spelt) for what, secret in self.secrets.items() for spelt in spellings(secret)]
        found = []
        for place, octets in places.items():
            folded = octets.lower()
            for what, spelling, exact in wanted:
                if spelling in (octets if exact else folded):
                    found.append(f"{what} is in {place}, as {spelling!r}")
        return found


def _content(path: Path) -> bytes:
    """What a file holds, unpacked where it is packed."""
    octets = path.read_bytes()
    return gzip.decompress(octets) if octets.startswith(b"\x1f\x8b") else octets
