"""One simulation: the world that a seed makes, from the first step to the last, with its witness.

1. Half of what happens is rough: faults, by shares that the seed draws. Then all grows calm, and what is left unknown
   must become known. At last the bank is stopped in order, and its ledger is audited.
2. The first promise that is broken ends it: ``Broken`` tells the seed, the step, and what came before it.
"""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, formatEvent, globalLogPublisher
from twisted.python.failure import Failure

from bankd.bank import broadcasts
from bankd.client.reach import trust_from
from bankd.simulation.disk import FAULTS, Faults
from bankd.simulation.network import Network
from bankd.simulation.orders import Wrong
from bankd.simulation.scene import Scene
from bankd.simulation.site import Ground, Site
from bankd.simulation.staff import Operator
from bankd.simulation.strangers import Nuisance
from bankd.simulation.terminals import Terminal
from bankd.simulation.weather import Weather
from bankd.simulation.witness import Witness
from bankd.simulation.world import World
from bankd.store import audit

Settler = Callable[[Scene], Deferred[None]]
"""Has somebody live in a world; fires when they are done."""

ROUGH_SECONDS = 120
"""For how long things go wrong."""

BROADCAST_PIECE = 2
"""How many accounts a broadcast goes to at a time: fewer than there are, so that much may happen between."""

MOST_SECONDS = 20_000
"""After how long everything must be known."""

MOST_STEPS = 400_000
"""More steps than any world takes; one that does has got into a loop."""


class Broken(AssertionError):
    """A promise that the bank broke in the world that ``seed`` makes, at ``step``; the text tells what came before."""

    def __init__(self, seed: int, step: int, why: str) -> None:
        super().__init__(seed, step, why)
        self.seed = seed
        self.step = step
        self.why = why

    def __str__(self) -> str:
        return f"seed {self.seed}, step {self.step}: {self.why}"

    @classmethod
    def of(cls, world: World, why: str) -> "Broken":
        """One in ``world``, now."""
        return cls(world.seed, world.steps, "\n".join([why, *(f"    {line}" for line in world.told)]))


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a simulation that broke no promise."""

    seed: int
    trace: str
    steps: int
    seconds: float
    orders: int
    done: int
    crashes: int
    hints: int


def simulate(
    seed: int, ground: Ground, tell: Callable[[str], object] | None = None, others: Sequence[Settler] = ()
) -> Result:
    """Run the world that ``seed`` makes on ``ground``; ``tell`` is told of everything noted. Raises Broken.

    ``others`` make more who live in it, such as a client of a protocol of one's own; each gives a Deferred that
    fires when it has nothing more to do once all is calm, and fails with ``Wrong`` for a promise that was broken.
    """
    gc.disable()  # or what is left of a crash would be cleared away at some moment or other
    piece, broadcasts.PIECE = broadcasts.PIECE, BROADCAST_PIECE
    simulation = Simulation(seed, ground, tell, others)
    try:
        return simulation.run()
    finally:
        simulation.close()
        broadcasts.PIECE = piece
        gc.collect()
        gc.enable()


class Simulation:
    """The world that ``seed`` makes, with all that is in it."""

    def __init__(
        self,
        seed: int,
        ground: Ground,
        tell: Callable[[str], object] | None = None,
        others: Sequence[Settler] = (),
    ) -> None:
        ground.fresh()
        self.world = world = World(seed)
        world.on_note = tell
        self.network = Network(world)
        self.site = Site(world, self.network, ground)
        self.witness = Witness(ground)
        self.site.disk.on_commit = self._stored
        self.scene = Scene(world, self.network, ground, self.witness, trust_from(ground.state / "ca.pem"))
        self.crashes = 0
        self._others = others
        self._wrong: Exception | None = None
        self._ground = ground
        self._waiting: list[Deferred[None]] = []
        self._observer = cast(ILogObserver, self._log)
        globalLogPublisher.addObserver(self._observer)

    def close(self) -> None:
        """Leave nothing behind."""
        globalLogPublisher.removeObserver(self._observer)
        self.site.crash()
        self.witness.close()

    def run(self) -> Result:
        """Everything, to its end. Raises Broken."""
        try:
            self._populate()
            self._go_on(lambda: self.world.seconds > ROUGH_SECONDS)
            self._grow_calm()
            self._go_on(lambda: not self._waiting)
            if left := self.witness.unanswered():
                raise Wrong(f"it is not known what became of {left[0]}")
            self._close_bank()
        except Wrong as wrong:
            raise Broken.of(self.world, str(wrong)) from wrong
        except Exception as error:
            raise Broken.of(self.world, f"{type(error).__name__}: {error}\n{Failure().getBriefTraceback()}") from error
        orders = self.witness.orders.values()
        done = sum(order.is_done for order in orders)
        world = self.world
        return Result(
            world.seed, world.trace, world.steps, world.seconds, len(orders), done, self.crashes, self.witness.hinted
        )

    def _populate(self) -> None:
        """Let people in, and draw how rough it will be."""
        chance, people = self.world.chance, self._ground.people
        self._grow_rough()
        self.site.open()
        some = people[: chance.randrange(1, 4)]
        terminals = [Terminal(self.scene, chance.choice(some), number) for number in range(chance.randrange(2, 5))]
        inhabitants: list[Any] = [*terminals, Operator(self.scene)]
        if chance.random() < 0.5:
            inhabitants.append(Nuisance(self.scene, len(terminals)))
        self._waiting = [inhabitant.begin() for inhabitant in inhabitants]
        self._waiting += [settle(self.scene) for settle in self._others]
        for living in list(self._waiting):
            living.addCallbacks(self._ended, self._failed, (living,), errbackArgs=(living,))
        self._mishap()

    def _grow_rough(self) -> None:
        """Draw shares of everything that goes wrong; each is left out in half of all worlds."""
        chance = self.world.chance

        def share(most: float) -> float:
            drawn = most * chance.random() ** 2
            return drawn if chance.random() < 0.5 else 0.0

        self.network.weather = Weather(
            cut=share(0.6),
            dead=share(0.3),
            refused=share(0.2),
            slow_seconds=chance.choice([0.01, 0.05, 0.5]),
            lost=share(0.6),
            doubled=share(0.3),
            forged=share(0.5),
        )
        self.site.disk.faults = Faults(
            full=share(0.02),
            busy=share(0.02),
            before=share(0.1),
            after=share(0.1),
            crash=share(0.005),
            unreadable=share(0.02),
        )
        self.site.slow = share(0.1)
        self._crash_seconds = chance.choice([20, 60, 1000])
        self._jumps = chance.random() < 0.3

    def _mishap(self) -> None:
        """Something befalls the bank's machine, and in a while something else; a bank that is down is started again."""
        if self.scene.calm:
            return
        chance = self.world.chance
        if not self.site.is_open:
            self.crashes += 1
            self.site.open()
        elif chance.random() < 5 / self._crash_seconds:
            self.site.crash(unplugged=chance.random() < 0.3)
        elif self._jumps and chance.random() < 0.1:
            self.site.jump(chance.choice([-30, -2, 2, 10, 45, 3600]))
        self.world.put_down(chance.uniform(1, 9), self._mishap)

    def _grow_calm(self) -> None:
        """Nothing goes wrong any more."""
        self.world.note("all grows calm")
        self.scene.calm = True
        self.network.weather = Weather()
        self.site.disk.faults = Faults()
        self.site.slow = 0.0
        if not self.site.is_open:
            self.site.open()
        if not self.site.is_open:
            raise Wrong("the bank does not start")

    def _close_bank(self) -> None:
        """Stop the bank in order, and audit what it leaves."""
        stopped: list[object] = []
        self.site.stop().addBoth(stopped.append)
        self._go_on(lambda: bool(stopped))
        if isinstance(stopped[0], Failure):
            raise Wrong(f"the bank did not stop: {stopped[0].getErrorMessage()}")
        if self.site.is_open:
            raise Wrong("the bank did not stop in order")
        database = self._ground.database
        with database.reading() as connection:
            for fault in audit.faults(connection, self._ground.chain_key):
                raise Wrong(f"the audit finds: {fault}")
        database.close()

    def _go_on(self, until: Callable[[], bool]) -> None:
        """Take step after step, until it is so."""
        world = self.world
        while not until():
            if not world.step():
                raise Wrong("nothing happens any more, and it is not over")
            if self._wrong is not None:
                raise self._wrong
            if world.seconds > MOST_SECONDS or world.steps > MOST_STEPS:
                raise Wrong(f"it is not over after {world.seconds:.0f} seconds and {world.steps} steps")

    def _ended(self, _result: None, living: Deferred[None]) -> None:
        self._waiting.remove(living)

    def _failed(self, failure: Failure, living: Deferred[None]) -> None:
        self._wrong = failure.value if isinstance(failure.value, Exception) else Wrong(str(failure.value))

    def _stored(self) -> None:
        """Something was stored. What is wrong with it ends the simulation, whatever the bank makes of an error."""
        try:
            self.witness.stored()
        except Wrong as wrong:
            self._wrong = self._wrong or wrong

    def _log(self, event: Any) -> None:
        """What the bank logs: no fault of its own, and no secret."""
        try:
            text = formatEvent(event)
            self.witness.line(text)
            if "log_failure" in event and not _is_expected(event):
                raise Wrong(f"the bank logged a fault: {text}\n{event['log_failure'].getBriefTraceback()[-2000:]}")
        except Wrong as wrong:
            self._wrong = self._wrong or wrong


def _is_expected(event: Any) -> bool:
    """Whether what was logged with its traceback is only that the disk failed, as it was made to."""
    return any(fault in event["log_failure"].getErrorMessage() for fault in FAULTS)
