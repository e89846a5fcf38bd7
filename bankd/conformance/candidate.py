"""The server that is graded: connections to it, and customers of its own that sign up there."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import time

from bankd.conformance.conversation import Conversation
from bankd.conformance.line import Answer, Line, Stream
from bankd.conformance.rule import Broken, NotGraded, Silent, Unready, demand

PATIENCE_SECONDS = 10.0
"""How long an answer may take before the server counts as silent, where nothing else is said."""

MAX_SIGN_UPS = 20
"""How often a customer is tried to be made, where numbers are taken or a PIN is too easy to guess."""

_AREAS = (202, 212, 213, 303, 305, 312, 313, 404, 415, 503, 512, 602, 617, 702, 713, 801, 804, 901, 907, 919)
"""Area codes of cities; 555-0100 to 555-0199 belong to nobody in any of them."""

_TAGS = re.compile(r"(?<=[\"'])\w+(?= )")
_VALUES = re.compile(r"(?<!reason)=[^ \"']*")
"""What differs between two answers by which a server does the same."""


@dataclass(frozen=True, slots=True)
class Person:
    """A customer of the server, made to grade it."""

    username: str
    password: str = field(repr=False)
    pin: str = field(repr=False)
    mobile: str
    account: str


class Candidate:
    """A server that claims to speak BANK/1.

    ``open_stream`` opens a new connection, with TLS under it; ``now`` tells the server's time, in seconds since 1970.
    """

    def __init__(
        self,
        open_stream: Callable[[], Stream],
        open_old: Callable[[], None] | None = None,
        now: Callable[[], float] = time,
    ) -> None:
        self.now = now
        self._open = open_stream
        self._open_old = open_old
        self._random = random.SystemRandom()
        self._lines: list[Line] = []
        self.conversation = Conversation()

    def connect(self) -> Line:
        """A new connection, on which the server has greeted. Raises Unready when it does not."""
        with _needed("nobody is greeted"):
            stream = self._open()
            try:
                line = Line(stream, self.conversation)
            except BaseException:
                stream.close()
                raise
        self._lines.append(line)
        return line

    def connect_by_old_tls(self) -> None:
        """Try TLS 1.2. Raises OSError when the server refuses it, NotGraded where that cannot be tried."""
        if self._open_old is None:
            raise NotGraded("there is no TLS here")
        self._open_old()

    def hang_up(self) -> None:
        """Close all connections, and forget what was said."""
        for line in self._lines:
            line.close()
        self._lines.clear()
        self.conversation = Conversation()

    def answers(self) -> bool:
        """Whether the server answers the least that can be asked."""
        try:
            return bool(self.connect().ask("NOOP").code)
        except (Broken, OSError):
            return False
        finally:
            self.hang_up()

    def new_person(self) -> Person:
        """Somebody who has signed up. Raises Unready when that is refused."""
        line = self.connect()
        try:
            with _needed("nobody can sign up"):
                return self._signed_up(line)
        finally:
            line.close()

    def log_in(self, person: Person) -> Line:
        """A session of ``person`` on their account. Raises Unready when that is refused."""
        line = self.connect()
        with _needed("a new customer cannot log in"):
            line.ask(f"LOGIN username={person.username} password={person.password}").expect("200")
        return line

    def new_session(self, deposit_minor: int = 0) -> tuple[Person, Line]:
        """A session of somebody new, who pays ``deposit_minor`` in. Raises Unready when anything of it is refused."""
        person = self.new_person()
        line = self.log_in(person)
        if deposit_minor:
            with _needed("nobody can pay in"):
                move(line, "DEPOSIT", deposit_minor).expect("200")
        return person, line

    def _signed_up(self, line: Line) -> Person:
        for _ in range(MAX_SIGN_UPS):
            person = self._somebody()
            answer = line.ask(sign_up(person))
            if answer.code not in ("409 taken", "422 weak", "503 busy"):
                break
        account = answer.expect("201").field("account")
        return Person(person.username, person.password, person.pin, person.mobile, account)

    def _somebody(self) -> Person:
        serial = f"{self._random.getrandbits(48):012x}"
        pin = "".join(self._random.sample("0123456789", 5))
        mobile = f"+1{self._random.choice(_AREAS)}55501{self._random.randrange(100):02}"
        return Person(f"graded-{serial}", f"Quince.{self._random.getrandbits(64):016x}.fig", pin, mobile, "")


@contextmanager
def _needed(what_fails: str) -> Iterator[None]:
    """Make of what is wrong in here what keeps a rule from being looked at: Unready, with a cause for each fault."""
    try:
        yield
    except (Broken, OSError) as error:
        why = f"{what_fails}: {error}"
        cause = _VALUES.sub("=", _TAGS.sub("", why))
        silent = isinstance(error, (Silent, TimeoutError))
        raise Unready(why, cause, silent=silent) from error


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
    return line.ask("BALANCE").expect("200").amount(name)


def demand_balance(line: Line, right: int, name: str = "balance") -> None:
    """Demand what an account has, or has ``available``, after all that was answered."""
    found = balance(line, name)
    demand(found == right, f"BALANCE tells {name}={found}, and by what was answered it has to be {right}")
