"""One-time passwords of a customer of a simulated bank: read where the bank sends them, given, and given once more."""

from twisted.internet.task import deferLater

from bankd.client.answers import Answer
from bankd.client.lifeline import Lifeline
from bankd.records import Challenged
from bankd.simulation.host import Host
from bankd.simulation.orders import Wrong
from bankd.simulation.scene import Scene
from bankd.simulation.site import Person
from bankd.wire.messages import OneTime


class Passcodes:
    """Those of ``person``, at the terminal ``host``."""

    def __init__(self, scene: Scene, host: Host, person: Person) -> None:
        self._scene = scene
        self._host = host
        self._person = person
        self._given: OneTime | None = None
        self._taken: set[str] = set()

    async def ask(self, challenge: Challenged, left: int | None) -> str | None:
        """The newest one-time password that was sent to this customer, seldom another, and sometimes none."""
        chance = self._scene.world.chance
        await deferLater(self._host, chance.expovariate(1 / 2))
        luck = chance.random()
        sent = self._scene.ground.sent_to(self._person)
        if luck < 0.05 or not sent:
            return None
        code = "00000000" if luck < 0.1 else sent[-1]
        self._given = OneTime(challenge=challenge.challenge, code=code)
        return code

    async def give_again(self, line: Lifeline) -> None:
        """Give the last one-time password once more: it must not do."""
        given, self._given = self._given, None
        if given is None:
            return
        answer = await line.ask(given)
        self._scene.world.note(f"{self._host.name} gives a one-time password again: {answer.code.number}")

    def note(self, answer: Answer, given: OneTime) -> None:
        """A one-time password was answered. Raises Wrong where it did, and had done before."""
        if answer.code.refuses:
            return
        if given.challenge in self._taken:
            raise Wrong(f"{self._host.name} gave a one-time password twice, and it did")
        self._taken.add(given.challenge)
