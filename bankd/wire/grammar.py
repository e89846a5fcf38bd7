"""The grammar of BANK/1: each kind of value with its ABNF (RFC 5234), its pattern, and how it is read and written.

1. Patterns match whole values; ``int`` sees only ASCII digits that they let through.
2. Words that people choose travel percent-encoded as UTF-8 (RFC 3986, section 2): their pattern is over what was
   decoded, their ABNF over what travels. Values of every other kind have one spelling, and no percent sign in it.
3. docs/protocol.md prints this ABNF and the rules that it names; a test drives it against the codec, both ways.
4. The longest request that the ABNF allows fits into MAX_LINE; a test holds that too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Annotated, Any

MAX_LINE = 4096
"""Octets in a line, without its CRLF."""

TAG = rb"[A-Za-z0-9]{1,16}"  # tag = 1*16(ALPHA / DIGIT)
VERB = rb"[A-Z_]{1,32}"  # verb = 1*32(%x41-5A / "_")
NAME = rb"[a-z0-9_]{1,32}"  # name = 1*32(%x61-7A / DIGIT / "_")
VALUE = rb"[A-Za-z0-9._~:@+/-]*(?:%[0-9A-Fa-f]{2}[A-Za-z0-9._~:@+/-]*)*"  # value = *(plain / "@" / pct-encoded)
SAFE = ":@+/"  # may stand as they are besides RFC 3986's unreserved, so that times and addresses read well

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: ``rule`` and ``abnf`` document it, ``pattern`` admits it, ``read`` and ``write`` turn it.

    ``encoded`` says that it travels percent-encoded. What a ``write`` other than ``str`` gives needs no encoding, ever.
    """

    rule: str
    abnf: str
    pattern: re.Pattern[str]
    read: Callable[[str], Any] = str
    write: Callable[[Any], str] = str
    encoded: bool = False

    def parse(self, text: str) -> Any:
        """The value that ``text`` spells. Raises ValueError when it spells none."""
        if self.pattern.fullmatch(text) is None:
            raise ValueError(self.rule)
        return self.read(text)


def _kind(rule: str, abnf: str, pattern: str, read: Any = str, write: Any = None) -> Kind:
    """A kind with one spelling for each value; what is no number is not written where one should be."""
    write = write or (int.__repr__ if read is int else str)
    return Kind(rule, abnf, re.compile(pattern, re.ASCII), read, write)


def _words(rule: str, abnf: str, pattern: str) -> Kind:
    """A kind that travels percent-encoded."""
    return Kind(rule, abnf, re.compile(pattern, re.ASCII), encoded=True)


def read_time(text: str) -> int:
    """Microseconds since 1970 of an RFC 3339 time in UTC. Raises ValueError for a time that no calendar has."""
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)


def write_time(at_us: int) -> str:
    """The RFC 3339 time in UTC, with six decimals, of microseconds since 1970."""
    second, microsecond = divmod(at_us, 1_000_000)
    return f"{_write_second(second)}.{microsecond:06}Z"


@lru_cache(8)  # most of what is written in a second is of that second
def _write_second(second: int) -> str:
    """The date and time, without fraction and zone, of seconds since 1970."""
    return (_EPOCH + timedelta(seconds=second)).replace(tzinfo=None).isoformat()


def _visible(longest: int) -> str:
    """A pattern for 1 to ``longest`` characters: no controls, and nothing that breaks or turns round a line.

    U+2028 and U+2029 break lines; U+202A to U+202E and U+2066 to U+2069 make what follows read backwards. Half of a
    surrogate pair is no character, and UTF-8 has no spelling for it.
    """
    return rf"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]{{1,{longest}}}"


USERNAME = _kind("username", '3*32(%x61-7A / DIGIT / "_" / "-")', r"[a-z0-9_-]{3,32}")
PASSWORD = _words("password", "1*128visible", _visible(128))
PIN = _kind("pin", "4*12DIGIT", r"[0-9]{4,12}")
MOBILE = _kind("mobile", '["+"] 4*15DIGIT', r"\+?[0-9]{4,15}")
ACCOUNT = _kind("account", '1*32(ALPHA / DIGIT / "-")', r"[A-Za-z0-9-]{1,32}", str.upper)
AMOUNT = _kind("amount", "%x31-39 *14DIGIT", r"[1-9][0-9]{0,14}", int)
SIGNED = _kind("signed", '"0" / ["-"] %x31-39 *17DIGIT', r"0|-?[1-9][0-9]{0,17}", int)
COUNT = _kind("count", '"0" / %x31-39 *17DIGIT', r"0|[1-9][0-9]{0,17}", int)
PAGE = _kind("page", '%x31-39 [DIGIT] / "100"', r"[1-9][0-9]?|100", int)
SECONDS = _kind("seconds", "%x31-39 *6DIGIT", r"[1-9][0-9]{0,6}", int)
PORT = _kind(
    "port",
    '%x31-39 *3DIGIT / %x31-35 4DIGIT / "6" %x30-34 3DIGIT / "65" %x30-34 2DIGIT'
    ' / "655" %x30-32 DIGIT / "6553" %x30-35',
    r"[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]",
    int,
)
CURRENCY = _kind("currency", "3(%x41-5A)", r"[A-Z]{3}")
KEY = _kind("key", "1*64unreserved", r"[A-Za-z0-9._~-]{1,64}")
WORD = _kind("word", '1*32(%x61-7A / DIGIT / "_")', r"[a-z0-9_]{1,32}")
KINDS = _kind("kinds", '1*16(%x61-7A / "_") *15("+" 1*16(%x61-7A / "_"))', r"[a-z_]{1,16}(\+[a-z_]{1,16}){0,15}")
SUBJECT = _kind("subject", '1*32(ALPHA / DIGIT / "-" / "_")', r"[A-Za-z0-9_-]{1,32}")
MODE = _kind("mode", "%x61.6C.6C / %x65.61.63.68", r"all|each")
YES = _kind("yes", "%x79.65.73", r"yes")
LISTENER = _kind("listener", "32(DIGIT / %x61-66)", r"[0-9a-f]{32}")
NOTICE_KEY = _kind("notice-key", '43(ALPHA / DIGIT / "-" / "_")', r"[A-Za-z0-9_-]{43}")
PROOF = _kind("proof", "32(DIGIT / %x61-66)", r"[0-9a-f]{32}")
CHALLENGE = _kind("challenge", "32(DIGIT / %x61-66)", r"[0-9a-f]{32}")
PASSCODE = _kind("passcode", '6*16(ALPHA / DIGIT / "-")', r"[A-Za-z0-9-]{6,16}")
SEED = _kind("seed", "16*64(%x41-5A / %x32-37)", r"[A-Z2-7]{16,64}")
TEXT = _words("text", "1*140visible", _visible(140))
PERSON = _words("person", "1*100visible", _visible(100))
NONCE = _kind("nonce", "32(DIGIT / %x61-66)", r"[0-9a-f]{32}")
IDENTITY = _kind("identity", '43(ALPHA / DIGIT / "-" / "_")', r"[A-Za-z0-9_-]{43}")
JWE = _kind("jwe", '1*4064(ALPHA / DIGIT / "-" / "_" / ".")', r"[A-Za-z0-9_.-]{1,4064}")
JWS = _kind("jws", '1*2048(ALPHA / DIGIT / "-" / "_" / ".")', r"[A-Za-z0-9_.-]{1,2048}")
TOKEN = _kind("token", '1*128(ALPHA / DIGIT / "-" / "_" / ".")', r"[A-Za-z0-9_.-]{1,128}")
URI = _words("uri", "1*1024uri-char", r"[!-~]{1,1024}")
# The lengths are those of RFC 5321, section 4.5.3.1.
EMAIL = _words("email", '1*64email-char ("@" / "%40") 1*189email-char', r"[!-?A-~]{1,64}@[!-?A-~]{1,189}")
TIME = _kind(
    "time",
    'year "-" month "-" day %x54 hour ":" sixty ":" sixty "." 6DIGIT %x5A',
    r"[1-9]\d{3}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z",
    read_time,
    write_time,
)
PERIOD = _kind("period", 'year "-" month', r"[1-9]\d{3}-(0[1-9]|1[0-2])")


Username = Annotated[str, USERNAME]
Yes = Annotated[str, YES]
Password = Annotated[str, PASSWORD]
Pin = Annotated[str, PIN]
Mobile = Annotated[str, MOBILE]
AccountNumber = Annotated[str, ACCOUNT]
Amount = Annotated[int, AMOUNT]
Signed = Annotated[int, SIGNED]
Count = Annotated[int, COUNT]
Page = Annotated[int, PAGE]
Seconds = Annotated[int, SECONDS]
Port = Annotated[int, PORT]
Currency = Annotated[str, CURRENCY]
Key = Annotated[str, KEY]
Word = Annotated[str, WORD]
Kinds = Annotated[str, KINDS]
Subject = Annotated[str, SUBJECT]
Mode = Annotated[str, MODE]
Listener = Annotated[str, LISTENER]
NoticeKey = Annotated[str, NOTICE_KEY]
Proof = Annotated[str, PROOF]
Text = Annotated[str, TEXT]
Person = Annotated[str, PERSON]
Email = Annotated[str, EMAIL]
Time = Annotated[int, TIME]
Month = Annotated[str, PERIOD]
Jws = Annotated[str, JWS]
Token = Annotated[str, TOKEN]
Jwe = Annotated[str, JWE]
Nonce = Annotated[str, NONCE]
Identity = Annotated[str, IDENTITY]
Challenge = Annotated[str, CHALLENGE]
Passcode = Annotated[str, PASSCODE]
Seed = Annotated[str, SEED]
Uri = Annotated[str, URI]
