"""A try to prove who one is: looked up, counted, and only then checked (``bank.lockout``).

What is refused at the look-up costs no writing and no hash, so that whoever goes on trying in vain is in nobody's way.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from bankd.bank import access, lockout
from bankd.bank.lockout import Tried
from bankd.codes import Refused
from bankd.credentials import Origin
from bankd.perspectives.branch import Branch
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
        enrolled = origin if access.is_enrolled(connection, origin.certificate) else replace(origin, certificate=None)
        tried = lockout.at_log_in(branch.tokens, identity, found, enrolled)
        lockout.check(connection, tried, _now_us(branch))
        return found, tried

    return branch.read(look)


def look_again(branch: Branch, tried: Tried) -> Deferred[None]:
    """Refused: LOCKED and WAIT while ``tried`` may not be made."""
    return branch.read(lockout.check, tried, _now_us(branch))


async def make(branch: Branch, tried: Tried, check: Callable[[], Awaitable[T]]) -> T:
    """What ``check`` gives, which is falsy for a wrong secret; it is called once the try is counted.

    A try that was right stays counted until ``lockout.succeeded`` or ``lockout.passed``. Raises Refused: LOCKED and
    WAIT where others were counted meanwhile, and what ``check`` raises; the try then does not count.
    """
    rules = branch.terms.lockout
    news = await branch.lane.run(lambda tx: lockout.count(tx, tried, rules))
    try:
        right = await check()
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


def _now_us(branch: Branch) -> int:
    return int(branch.clock.seconds() * 1_000_000)
