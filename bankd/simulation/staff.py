"""Somebody of a simulated bank's own, on its machine, who speaks BANK/1 by its socket."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.task import deferLater
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from bankd.simulation.host import Host
from bankd.simulation.scene import Scene
from bankd.simulation.site import Person
from bankd.wire import acts, codec
from bankd.wire.messages import Message

MOST_MINOR = 100_00
"""The most that the bank pays of its own."""


class Operator:
    """Freezes accounts and thaws them, ends sessions, gives money back, pays it, and tells everybody."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.host = Host(scene.world, scene.network, "operator", "10.0.0.1")
        self._count = 0
        self._chance = scene.world.chance

    def begin(self) -> Deferred[None]:
        """Live, until all is calm and no account is frozen."""
        return Deferred.fromCoroutine(self._live())

    async def _live(self) -> None:
        people = self.scene.ground.people
        while not self.scene.calm:
            await deferLater(self.host, self._chance.expovariate(1 / 20))
            await self._act(lambda: self._wish(self._chance.choice(people)))
        for person in people:
            while not await self._act(lambda person=person: self._thaw(person)):  # type: ignore[misc]
                await deferLater(self.host, 5)

    async def _act(self, wish: Callable[[], Message]) -> bool:
        """Ask for one thing; whether it was answered, be it with a refusal."""
        desk = Desk()
        self.host.connectUNIX(str(self.scene.ground.settings.operator_socket), _Calling(desk))
        try:
            await desk.greeted
            message = wish()
            if isinstance(message, (acts.Credit, acts.ReverseEntry)):
                self.scene.witness.acts[message.reason] = message
            number = await desk.ask(message)
        except (ConnectError, ConnectionLost, ConnectionDone):
            return False
        finally:
            desk.close()
        self.scene.world.note(f"operator {message.verb} {number}")
        return number < 500

    def _wish(self, person: Person) -> Message:
        self._count += 1
        about: dict[str, Any] = {"account": person.account, "reason": f"reason {self._count}"}
        key = f"act-{self._count}"
        kind = self._chance.randrange(6)
        if kind == 0:
            return acts.FreezeAccount(**about)
        if kind == 1:
            return self._thaw(person)
        if kind == 2:
            return acts.EndSession(account=self._busy(person).account, reason=about["reason"])
        if kind == 3:
            return acts.Broadcast(words=f"News {self._count}", key=key, reason=about["reason"])
        if kind == 4 and self.scene.witness.seen:
            receipt = self._chance.randrange(1, self.scene.witness.seen + 1)
            return acts.ReverseEntry(receipt=receipt, key=key, reason=about["reason"])
        return acts.Credit(**about, amount=self._chance.randrange(1, MOST_MINOR), currency="USD", key=key)

    def _busy(self, person: Person) -> Person:
        """Mostly somebody of whom an order is under way, where there is one: it may wait while their session ends."""
        waiting = self.scene.witness.unanswered()
        return self._chance.choice(waiting).person if waiting and self.scene.world.happens(0.8) else person

    def _thaw(self, person: Person) -> Message:
        self._count += 1
        return acts.UnfreezeAccount(account=person.account, key=f"thaw-{self._count}", reason="it is all right")


class Desk(LineReceiver):
    """An operator's conversation with the bank: one request, and the number of its answer."""

    def __init__(self) -> None:
        self.greeted: Deferred[int] = Deferred()
        self._waiting: Deferred[int] | None = self.greeted

    def ask(self, message: Message) -> Deferred[int]:
        """The number of the code that the bank answers with."""
        self._waiting = answered = Deferred[int]()
        self.sendLine(codec.write_request("a1", message))
        return answered

    def close(self) -> None:
        """Go."""
        self._waiting = None
        if self.transport is not None:
            self.transport.loseConnection()

    def lineReceived(self, line: bytes) -> None:
        """Take a line of the bank's in."""
        reply = codec.read_reply(line)
        waiting = self._waiting
        if reply.number is not None and waiting is not None:
            self._waiting = None
            waiting.callback(reply.number)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The bank is gone."""
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.errback(reason)


class _Calling(Factory):
    """Connects a desk, once."""

    noisy = False

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def startedConnecting(self, connector: Any) -> None:
        """It is being tried."""

    def buildProtocol(self, addr: Any) -> Desk:
        """The desk."""
        return self._desk

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """Nobody serves there."""
        self._desk.greeted.errback(reason)
