"""Looking out for notices while a session lasts: by datagrams where they arrive, and by a light question where not.

1. The bank is asked to send datagrams to a port here, and told what its probe brought. A probe can be lost: then it is
   asked again, a few times, and after that no more. There are networks that let no datagram through.
2. About as often as the session must be kept anyway, the bank is asked in the same breath for the number of its newest
   notice. So a notice whose datagram was lost is late, and not missing; it needs no port.
3. This only tells that there are notices; who is told asks for them, and knows what it has.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from bankd import codes
from bankd.client.bank import KEPT_ALIVE, Bank
from bankd.client.errors import LostBank
from bankd.client.inbox import Inbox, open_port
from bankd.codes import Refused
from bankd.records import Listening
from bankd.wire.notice import Hint

PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0)
"""How long to wait for each probe; with 30 % of datagrams lost, one of a hundred terminals hears none of four."""

LOOK_SECONDS = 10.0
"""How often the bank is asked for the number of its newest notice, where it has no leases."""

SHARE = 0.9
"""A question comes so much before the line would keep the session by itself, and is then in the place of that."""


class Lookout:
    """Calls ``on_hint`` for each notice of ``bank``'s session that ``inbox`` or the bank tells of, until closed."""

    def __init__(self, clock: IReactorTime, bank: Bank, on_hint: Callable[[Hint], None]) -> None:
        self.inbox = Inbox(bank.there, on_hint, self._on_probe)
        self._clock = clock
        self._bank = bank
        self._on_hint = on_hint
        self._pauses = iter(PAUSES_SECONDS)
        self._port = 0
        self._proven = False
        self._closed = False
        self._calls: list[IDelayedCall] = []
        lease = bank.welcome.lease_seconds if bank.welcome else 0
        self._look_seconds = SHARE * lease / KEPT_ALIVE if lease else LOOK_SECONDS

    async def listen(self) -> None:
        """Ask for datagrams, and expect a probe; where none comes, ask again. Raises Refused and LostBank."""
        self.inbox.await_key()
        try:
            listening = await self._bank.listen(self.inbox.port)
        except Refused as refused:
            if refused.code != codes.WAIT:
                raise
        else:
            self._expect(listening)
        self._later(next(self._pauses, None), self._listen_again)

    def look_on(self) -> None:
        """Ask for the newest notice from now on."""
        self._later(self._look_seconds, self._look)

    def close(self) -> None:
        """Look out no more."""
        self._closed = True
        self.inbox.close()
        for call in self._calls:
            if call.active():
                call.cancel()

    def _expect(self, listening: Listening) -> None:
        if not self._closed:
            self._port = listening.port
            self.inbox.greet(self._port)
            self.inbox.expect(listening)

    async def _listen_again(self) -> None:
        """Ask for another probe, if none has come."""
        if self._proven:
            return
        with suppress(Refused, LostBank):  # with the next connection everything begins anew
            await self.listen()

    def _on_probe(self, proof: str) -> None:
        self._begin(lambda: self._confirm(proof))

    async def _confirm(self, proof: str) -> None:
        """Tell the bank what its probe brought, and ask for what it did not tell of before that."""
        try:
            await self._bank.confirm(proof)
        except (Refused, LostBank):
            return
        self._proven = True
        await self._ask()

    async def _look(self) -> None:
        if await self._ask():
            if self._port:
                self.inbox.greet(self._port)  # or the way in may close again
            self.look_on()

    async def _ask(self) -> bool:
        """Ask for the number of the newest notice, and tell of it; whether it is worth asking again."""
        try:
            newest = await self._bank.newest_notice()
        except Refused as refused:
            return refused.code not in (codes.BAD_FIELD, codes.OVER)
        except LostBank:
            return self._bank.over is None
        if newest and not self._closed:
            self._on_hint(Hint(newest))
        return True

    def _later(self, seconds: float | None, do: Callable[[], Any]) -> None:
        """Do something after so many seconds, unless closed before; None is never."""
        if seconds is not None and not self._closed:
            self._calls = [call for call in self._calls if call.active()]
            self._calls.append(self._clock.callLater(seconds, self._begin, do))

    def _begin(self, do: Callable[[], Any]) -> None:
        if not self._closed:
            Deferred.fromCoroutine(do())


async def look_out(reactor: Any, bank: Bank, on_hint: Callable[[Hint], None]) -> Lookout:
    """Have ``on_hint`` called for the notices of the session that is open.

    The port is on the address that the connection to the bank uses, where that can be had. Raises Refused, LostBank,
    and CannotListenError when this machine gives no port.
    """
    lookout = Lookout(reactor, bank, on_hint)
    try:
        open_port(reactor, lookout.inbox, bank.here, bank.there)
        await lookout.listen()
    except BaseException:
        lookout.close()
        raise
    lookout.look_on()
    return lookout
