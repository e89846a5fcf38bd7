"""What travels about the customer's own device: a challenge, an authenticator app's secret, codes to fall back on."""

from dataclasses import dataclass, field

from bankd.wire.grammar import Challenge, Count, Passcode, Seed, Text, Time, Uri, Word


@dataclass(frozen=True, slots=True)
class Challenged:
    """That a one-time password is needed: for which challenge, ``by`` which kind of device or service it is had,
    ``to`` which address it was sent, most of it hidden, and until when it will do.
    """

    challenge: Challenge
    by: Word
    expires_us: Time
    to: Text | None = None


@dataclass(frozen=True, slots=True)
class TriesLeft:
    """How many more one-time passwords may be tried for a challenge."""

    left: Count


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app needs: its ``secret`` in base32 (RFC 4648), and all of it as an ``otpauth`` URI."""

    secret: Seed = field(repr=False)
    uri: Uri = field(repr=False)


@dataclass(frozen=True, slots=True)
class RecoveryCode:
    """A code that is taken in place of a one-time password, once."""

    code: Passcode = field(repr=False)
