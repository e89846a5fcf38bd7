"""A try to prove who one is: looked up, counted, and only then checked (``bank.lockout``).

What is refused at the look-up, or finds no place in the queue, costs no writing and no hash, so that whoever goes on
trying in vain is in nobody's way.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from bankd import codes
from bankd.bank import access, lockout, one_time
from bankd.bank.lockout import Tried
from bankd.codes import Refused
from bankd.credentials import Origin
from bankd.perspectives import turns
from bankd.perspectives.branch import Branch
from bankd.perspectives.turns import Pool
from bankd.records import NoticeKind
from bankd.store import claims
from bankd.store.claims import Found, Identity
from bankd.store.engines import Connection

T = TypeVar("T")

_log = Logger()


def look_up(branch: Branch, identity: Identity, origin: Origin) -> Deferred[tuple[Found, Tried]]:
    """What the bank knows of ``identity``, and the try to be it. Refused: LOCKED and WAIT while none may be made."""

    def look(connection: Connection) -> tuple[Found, Tried]:
        found = claims.find(connection, identity)
        tried = _at_log_in(branch, connection, identity, found, origin)
        lockout.check(connection, tried, _now_us(branch))
        return found, tried

    return branch.read(look)


def look_up_challenge(branch: Branch, challenge: str, origin: Origin) -> Deferred[Tried]:
    """The try to answer a log-in's challenge. Refused: NO_CHALLENGE, and LOCKED and WAIT while none may be made."""

    def look(connection: Connection) -> Tried:
        found = one_time.whose(connection, challenge)
        if found.customer_id is None:
            raise Refused(codes.NO_CHALLENGE)
        tried = _at_log_in(branch, connection, Identity("challenge", challenge, "code"), found, origin)
        lockout.check(connection, tried, _now_us(branch))
        return tried

    return branch.read(look)


def look_again(branch: Branch, tried: Tried) -> Deferred[None]:
    """Refused: LOCKED and WAIT while ``tried`` may not be made."""
    return branch.read(lockout.check, tried, _now_us(branch))


async def make(branch: Branch, tried: Tried, check: Callable[[Pool], Awaitable[T]]) -> T:
    """What ``check`` gives, which is falsy for a wrong secret; it is called once the try is counted, with its place
    among those who have something hashed.

    A try that was right stays counted until ``lockout.succeeded`` or ``lockout.passed``. Raises Refused: BUSY where
    there is no place, before anything is counted; LOCKED and WAIT where others were counted meanwhile; and what
    ``check`` raises. The try then does not count.
    """
    rules = branch.terms.lockout
    with branch.hash_pool.place(turns.trying(tried)) as place:
        news = await branch.lane.run(lambda tx: lockout.count(tx, tried, rules))
        try:
            right = await check(place)
        except Refused:
            await branch.lane.run(lambda tx: lockout.give_back(tx, tried, rules))
            raise
    if not right:
        _tell(branch, tried, news)
    return right


def _tell(branch: Branch, tried: Tried, news: tuple[NoticeKind, ...]) -> None:
    """Tell the owner, without keeping whoever tried waiting for it."""
    if news:
        told = branch.lane.run(lambda tx: lockout.tell(tx, tried, news))
        told.addErrback(lambda failure: failure.trap(Refused))  # the bank is closing, or its database fails
        told.addErrback(lambda failure: _log.failure("an owner was not told of failed tries", failure))


def _at_log_in(branch: Branch, connection: Connection, identity: Identity, found: Found, origin: Origin) -> Tried:
    enrolled = origin if access.is_enrolled(connection, origin.certificate) else replace(origin, certificate=None)
    return lockout.at_log_in(branch.tokens, identity, found, enrolled)


def _now_us(branch: Branch) -> int:
    return int(branch.clock.seconds() * 1_000_000)
