"""Turns: a pool whose calls wait by whom they are for, so that nobody keeps others waiting by asking much.

1. Each comer's calls are made in their order, and those of different comers in turns: who comes waits for one call of
   each of the others, however many these have waiting.
2. Comers that the bank knows, its *acquaintances*, and strangers take turns too, so that any number of strangers are as
   one to an acquaintance. Neither can keep the other from ever having one.
3. Who would have more places than a tenth of those that are still free on their side of that is refused. So nobody has
   more than a tenth of all, many have fewer each, and who has none is let in as long as any is free.
4. A place is held from before anything is done for a call until the call has ended.

Fair queueing (J. Nagle, RFC 970), with the dynamic thresholds of A. K. Choudhury and E. L. Hahne (1998).
"""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from bankd import codes
from bankd.bank.lockout import Tried, network_of
from bankd.codes import Refused
from bankd.credentials import Origin

P = ParamSpec("P")
T = TypeVar("T")

MOST = 400
"""Log-ins of strangers, and of acquaintances, that may be under way: five seconds' hashes, and one network has 37."""

SHARE = 10
"""A comer may have a place more while it has fewer than one in so many of those that are free."""


class Pool(Protocol):
    """Calls a function in some other thread, and gives its result on the reactor's."""

    def __call__(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]: ...


@dataclass(frozen=True, slots=True)
class Comer:
    """Whom a call is for; ``known`` to the bank, or a stranger."""

    name: str
    known: bool = False


THE_BANK = Comer("the bank", known=True)
"""The bank itself, and its operators."""


def visitor(host: str, certificate: str | None) -> Comer:
    """Who has not said who they are: a terminal with a certificate that is proved, or else a network."""
    return Comer(f"certificate {certificate}", known=True) if certificate else Comer(f"network {network_of(host)}")


def at_the_door(origin: Origin) -> Comer:
    """Who wants to log in, before it is known what the token they show is worth.

    Those of a network that show one are apart from those that do not; whoever shows false ones is in nobody else's way.
    """
    comer = visitor(origin.host, origin.certificate)
    return replace(comer, known=True) if origin.token else comer


def customer(customer_id: int) -> Comer:
    """A customer in a session, or at a trusted terminal: one comer, as one may have as many as they like of both."""
    return Comer(f"customer {customer_id}", known=True)


def trying(tried: Tried) -> Comer:
    """Who tries to log in: a network, or a terminal that the bank trusts."""
    where = tried.source.partition(" ")[2]
    if tried.strangers is not None:
        return Comer(where)
    if tried.customer_id is None:  # at a terminal with a certificate
        return Comer(where, known=True)
    return customer(tried.customer_id)


@dataclass(slots=True)
class _Side:
    """Strangers, or acquaintances: the places that each has, and the calls that wait, by whose turn is next."""

    places: Counter[str] = field(default_factory=Counter)
    waiting: dict[str, deque["_Call"]] = field(default_factory=dict)

    def add(self, name: str, call: "_Call") -> None:
        self.waiting.setdefault(name, deque()).append(call)

    def take(self) -> "_Call":
        """The call whose turn it is; its comer's next turn is after everybody else's."""
        name = next(iter(self.waiting))
        calls = self.waiting.pop(name)
        call = calls.popleft()
        if calls:
            self.waiting[name] = calls
        return call

    def drop(self, name: str, call: "_Call") -> None:
        """Have a call that waits wait no more."""
        calls = self.waiting.get(name)
        if calls is not None and call in calls:
            calls.remove(call)
            if not calls:
                del self.waiting[name]


@dataclass(slots=True, eq=False)
class _Call:
    """A call that waits for its turn: what begins it, and what is told of its end."""

    begin: Callable[[], Deferred[Any]]
    done: Deferred[Any]


class Turns:
    """A pool for comers, who take turns at ``pool``: so many calls ``at_once``, and ``most`` places on each side."""

    def __init__(self, pool: Pool, at_once: int, most: int = MOST) -> None:
        self._pool = pool
        self._at_once = at_once
        self._most = most
        self._under_way = 0
        self._strangers, self._acquaintances = _Side(), _Side()
        self._next, self._after = self._acquaintances, self._strangers

    def __call__(self, comer: Comer, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Call ``function`` in its turn. Refused: BUSY where ``comer`` has too many places."""

        async def call() -> T:
            with self.place(comer) as pool:
                return await pool(function, *args, **kwargs)

        return Deferred.fromCoroutine(call())

    def waiting(self) -> tuple[int, int]:
        """How many calls wait for their turn: those of strangers, and those of acquaintances."""
        strangers, acquaintances = (
            sum(len(calls) for calls in side.waiting.values()) for side in (self._strangers, self._acquaintances)
        )
        return strangers, acquaintances

    @contextmanager
    def place(self, comer: Comer) -> Iterator[Pool]:
        """A place of ``comer``'s: a pool for one call after another. Raises Refused: BUSY, and nothing after that."""
        places = self._side(comer).places
        if places[comer.name] * SHARE >= self._most - places.total():
            raise Refused(codes.BUSY)
        places[comer.name] += 1
        try:
            yield partial(self._wait, comer)
        finally:
            places[comer.name] -= 1
            if not places[comer.name]:
                del places[comer.name]

    def _wait(self, comer: Comer, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        side = self._side(comer)
        done: Deferred[T] = Deferred(lambda _: side.drop(comer.name, call))
        call = _Call(partial(self._pool, function, *args, **kwargs), done)
        side.add(comer.name, call)
        self._begin()
        return done

    def _begin(self) -> None:
        """Begin as many calls as may be, in their turns."""
        while self._under_way < self._at_once and (self._next.waiting or self._after.waiting):
            if not self._next.waiting:
                self._next, self._after = self._after, self._next
            call = self._next.take()
            self._next, self._after = self._after, self._next
            self._under_way += 1
            call.begin().addBoth(self._end, call.done)

    def _end(self, result: Any, done: Deferred[Any]) -> None:
        self._under_way -= 1
        if not done.called:  # or it was cancelled
            (done.errback if isinstance(result, Failure) else done.callback)(result)
        self._begin()

    def _side(self, comer: Comer) -> _Side:
        return self._acquaintances if comer.known else self._strangers
