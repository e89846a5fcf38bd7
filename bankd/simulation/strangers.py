"""People who connect to a simulated bank and mean no good."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater

from bankd.client.address import Address
from bankd.client.bank import Bank
from bankd.client.conversation import Conversation
from bankd.client.errors import BankError
from bankd.client.reach import reach
from bankd.codes import Refused
from bankd.simulation.ends import End
from bankd.simulation.host import Host
from bankd.simulation.scene import Scene
from bankd.simulation.site import PORT
from bankd.wire.messages import Login


class Nuisance:
    """Somebody who connects and does not behave: says nothing, nonsense or half a line, guesses, or never reads."""

    def __init__(self, scene: Scene, number: int) -> None:
        self.scene = scene
        self.name = f"nuisance{number}"
        self.host = Host(scene.world, scene.network, self.name, f"172.16.{number}.9")
        self._chance = scene.world.chance

    def begin(self) -> Deferred[None]:
        """Bother the bank now and then, until all is calm."""
        return Deferred.fromCoroutine(self._live())

    async def _live(self) -> None:
        while not self.scene.calm:
            await deferLater(self.host, self._chance.expovariate(1 / 20))
            try:
                bank = await reach(self.host, Address("localhost", PORT), self.scene.trust, self._chance.randbytes)
            except BankError:
                continue
            try:
                await self._bother(bank)
            except (BankError, Refused):
                self.scene.world.note(f"{self.name} is thrown out")
            finally:
                bank.close()

    async def _bother(self, bank: Bank) -> None:
        chance, line = self._chance, bank.line
        assert isinstance(line, Conversation) and line.transport is not None
        tls: Any = line.transport
        kind = chance.randrange(4)
        if kind == 0:
            await deferLater(self.host, chance.uniform(0, 200))
        elif kind == 1:
            tls.write(chance.choice([b"a1 NOOP", b"\x00\r\n", b"a1 LOGIN account=1\r\n\r\n", b"x" * 5000]))
            await deferLater(self.host, chance.uniform(0, 60))
        elif kind == 2:
            person = chance.choice(self.scene.ground.people)
            await bank.log_in(Login(account=person.account, pin="123456"))
        else:
            end = tls.transport
            assert isinstance(end, End)
            end.pauseProducing()
            for _ in range(3):
                tls.write(b"a1 NOOP\r\n" * 400)
                await deferLater(self.host, chance.uniform(0, 60))
