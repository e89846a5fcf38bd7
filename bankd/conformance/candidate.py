"""The server that is graded: connections to it, and customers of its own that sign up there."""

import random
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bankd.client.address import Address
from bankd.conformance.line import Answer, Line, Stream
from bankd.conformance.rule import Broken, NotGraded, demand

PATIENCE_SECONDS = 30.0
"""How long an answer may take before the server counts as silent."""

MAX_SIGN_UPS = 20
"""How often a customer is tried to be made, where numbers are taken or a PIN is too easy to guess."""

_AREAS = (202, 212, 213, 303, 305, 312, 313, 404, 415, 503, 512, 602, 617, 702, 713, 801, 804, 901, 907, 919)
"""Area codes of cities; 555-0100 to 555-0199 belong to nobody in any of them."""


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of the server, made to grade it."""

    username: str
    password: str = field(repr=False)
    pin: str = field(repr=False)
    mobile: str
    account: str


class Candidate:
    """A server that claims to speak BANK/1. ``open_stream`` opens a new connection, with TLS under it."""

    def __init__(self, open_stream: Callable[[], Stream], open_old: Callable[[], None] | None = None) -> None:
        self._open = open_stream
        self._open_old = open_old
        self._random = random.SystemRandom()
        self._lines: list[Line] = []

    def connect(self) -> Line:
        """A new connection, on which the server has greeted."""
        line = Line(self._open())
        self._lines.append(line)
        return line

    def connect_by_old_tls(self) -> None:
        """Try TLS 1.2. Raises OSError when the server refuses it, NotGraded where that cannot be tried."""
        if self._open_old is None:
            raise NotGraded("there is no TLS here")
        self._open_old()

    def hang_up(self) -> None:
        """Close all connections."""
        for line in self._lines:
            line.close()
        self._lines.clear()

    def new_person(self) -> Person:
        """Somebody who has signed up. Raises Broken when that is refused."""
        line = self.connect()
        try:
            for _ in range(MAX_SIGN_UPS):
                person = self._somebody()
                answer = line.ask(sign_up(person))
                if answer.code == "201":
                    account = answer.end.fields["account"]
                    return Person(person.username, person.password, person.pin, person.mobile, account)
                demand(answer.code in ("409 taken", "422 weak", "503 busy"), f"nobody can sign up: {answer}")
            raise Broken(f"nobody could sign up in {MAX_SIGN_UPS} tries; the last one: {answer}")
        finally:
            line.close()

    def log_in(self, person: Person) -> Line:
        """A session of ``person`` on their account."""
        line = self.connect()
        answer = line.ask(f"LOGIN username={person.username} password={person.password}")
        demand(answer.code == "200", f"a new customer cannot log in: {answer}")
        return line

    def new_session(self, deposit_minor: int = 0) -> tuple[Person, Line]:
        """A session of somebody new, who pays ``deposit_minor`` in."""
        person = self.new_person()
        line = self.log_in(person)
        if deposit_minor:
            answer = move(line, "DEPOSIT", deposit_minor)
            demand(answer.code == "200", f"a deposit is refused: {answer}")
        return person, line

    def _somebody(self) -> Person:
        serial = f"{self._random.getrandbits(48):012x}"
        pin = "".join(self._random.sample("0123456789", 5))
        mobile = f"+1{self._random.choice(_AREAS)}55501{self._random.randrange(100):02}"
        return Person(f"graded-{serial}", f"Quince.{self._random.getrandbits(64):016x}.fig", pin, mobile, "")


def sign_up(person: Person) -> str:
    """The request by which ``person`` signs up."""
    who = f"username={person.username} password={person.password} mobile={person.mobile} pin={person.pin}"
    return f"SIGNUP {who} name=Graded"


def new_key() -> str:
    """A key for one movement of money (section 10)."""
    return f"{random.SystemRandom().getrandbits(128):032x}"


def currency(line: Line) -> str:
    """The currency that the server greeted with."""
    return line.greeting.fields.get("currency", "")


def order(line: Line, verb: str, amount: int | str, key: str = "", more: str = "") -> str:
    """A request that moves money in the server's currency, under ``key`` or a new one."""
    return f"{verb} amount={amount} currency={currency(line)} key={key or new_key()}{more and ' ' + more}"


def move(line: Line, verb: str, amount: int | str, key: str = "", more: str = "") -> Answer:
    """Ask for what ``order`` says."""
    return line.ask(order(line, verb, amount, key, more))


def balance(line: Line, name: str = "balance") -> int:
    """What the session's account has, or has available, in minor units."""
    return line.ask("BALANCE").end.amount(name)


class TlsStream:
    """A connection by TLS over TCP."""

    def __init__(self, address: Address, context: ssl.SSLContext) -> None:
        plain = socket.create_connection((address.host, address.port), PATIENCE_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket = context.wrap_socket(plain, server_hostname=address.host)
        except BaseException:
            plain.close()
            raise

    def send(self, octets: bytes) -> None:
        """See ``Stream.send``."""
        try:
            self._socket.sendall(octets)
        except OSError:
            return  # what the server said before it closed is still to be read

    def receive(self) -> bytes:
        """See ``Stream.receive``. A connection that is cut has ended as well."""
        try:
            return self._socket.recv(65536)
        except TimeoutError:
            raise
        except OSError:
            return b""

    def close(self) -> None:
        """See ``Stream.close``."""
        self._socket.close()


def by_tls(address: Address, authorities: Path | None) -> Candidate:
    """The server at ``address``, whose certificate is signed by ``authorities``. Raises OSError for no such file."""
    context, old = (ssl.create_default_context(cafile=authorities) for _ in range(2))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    return Candidate(lambda: TlsStream(address, context), lambda: TlsStream(address, old).close())
