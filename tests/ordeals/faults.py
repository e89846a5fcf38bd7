"""What befalls a storm: faults of the bank, of its server, of the network and of the clients, drawn from a seed."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import sleep

from tests.databases import Server
from tests.ordeals.crews import CrewProcess
from tests.ordeals.daemon import Daemon
from tests.ordeals.strait import CALM, Blow, Strait, Weather

LEASE_SECONDS = 3
"""For how long a session that nobody ended keeps its account in a storm."""


@dataclass
class Scene:
    """All that can be struck: ``nodes`` of one bank, the ``server`` of its database if it has one, the ``strait``
    between them and the ``crews``. ``wait`` lets so many seconds pass.
    """

    nodes: Sequence[Daemon]
    server: Server | None
    strait: Strait
    crews: Sequence[CrewProcess]
    chance: random.Random
    wait: Callable[[float], None] = sleep

    def pass_seconds(self, least: float, most: float) -> None:
        """Let a while pass."""
        self.wait(self.chance.uniform(least, most))


def bank_killed(scene: Scene) -> None:
    """SIGKILL of a node, which is started again; now and then of one that is just starting."""
    node = scene.chance.choice(scene.nodes)
    while True:
        node.kill()
        scene.pass_seconds(0, 1)
        node.launch()
        if scene.chance.random() < 0.7:
            break
        scene.pass_seconds(0, 1)
    node.first_answer()


def bank_frozen(scene: Scene) -> None:
    """SIGSTOP of a node for longer than a lease: it wakes, and others may have its accounts."""
    node = scene.chance.choice(scene.nodes)
    node.freeze()
    scene.pass_seconds(LEASE_SECONDS + 1, LEASE_SECONDS + 3)
    node.thaw()


def server_killed(scene: Scene) -> None:
    """PostgreSQL stopped at once (immediate), and started again."""
    assert scene.server is not None
    scene.server.kill()
    scene.pass_seconds(0, 2)
    scene.server.start()


def server_frozen(scene: Scene) -> None:
    """SIGSTOP of PostgreSQL and all its processes."""
    assert scene.server is not None
    scene.server.freeze()
    scene.pass_seconds(1, LEASE_SECONDS + 2)
    scene.server.thaw()


def server_wounded(scene: Scene) -> None:
    """SIGKILL of one of PostgreSQL's processes for clients, whereupon it ends all and recovers."""
    assert scene.server is not None
    scene.server.wound()


def crew_killed(scene: Scene) -> None:
    """SIGKILL of a process of clients, which is started again."""
    if under_way := [crew for crew in scene.crews if not crew.has_ended]:
        crew = scene.chance.choice(under_way)
        crew.kill()
        scene.pass_seconds(0, 1)
        crew.launch()


def _weather(weather: Weather) -> Callable[[Scene], None]:
    def fault(scene: Scene) -> None:
        scene.strait.weather = weather
        scene.pass_seconds(0.5, 2)
        scene.strait.weather = CALM

    return fault


Fault = Callable[[Scene], None]

EVERYWHERE: Mapping[str, tuple[int, Fault]] = {
    "bank killed": (4, bank_killed),
    "bank frozen": (2, bank_frozen),
    "clients killed": (3, crew_killed),
    "delays": (1, _weather(Weather(delay_seconds=0.2))),
    "cuts": (2, _weather(Weather(0.02, Blow.CUT, 0.02))),
    "black holes": (2, _weather(Weather(0, Blow.SWALLOW, 0.02))),
    "half closed": (2, _weather(Weather(0, Blow.HALF_CLOSE, 0.02))),
}
"""Faults by their names: how often of all, and what is done; each is over when it returns."""

OF_SERVERS: Mapping[str, tuple[int, Fault]] = {
    "server killed": (2, server_killed),
    "server frozen": (2, server_frozen),
    "server's process killed": (2, server_wounded),
}
"""Those that only a bank on PostgreSQL can meet."""


class Faults:
    """Strikes ``scene``, with ``only`` some faults where they are named; ``struck`` counts how often by what.

    The first ones are one of each kind, in an order by chance.
    """

    def __init__(self, scene: Scene, only: Sequence[str] = ()) -> None:
        self.struck: Counter[str] = Counter()
        self._scene = scene
        known = dict(EVERYWHERE) | (dict(OF_SERVERS) if scene.server is not None else {})
        self._known = {name: fault for name, fault in known.items() if name in (only or known)}
        self._first = list(self._known)
        scene.chance.shuffle(self._first)

    @property
    def each_was(self) -> bool:
        """Whether each kind has struck."""
        return not self._first

    def strike(self) -> str:
        """Do one fault, from its begin to its end; its name."""
        names = list(self._known)
        weights = [self._known[name][0] for name in names]
        name = self._first.pop() if self._first else self._scene.chance.choices(names, weights)[0]
        self._known[name][1](self._scene)
        self.struck[name] += 1
        return name
