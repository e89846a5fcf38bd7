"""How rough the network of a simulated world is, and what becomes of each of its connections."""

from dataclasses import dataclass

from bankd.simulation.world import World


@dataclass(slots=True)
class Weather:
    """How rough the network is: shares of connections that are cut, that go dead, and that never come about; the
    longest time that a piece usually takes, in seconds; and what becomes of datagrams.
    """

    cut: float = 0.0
    dead: float = 0.0
    refused: float = 0.0
    slow_seconds: float = 0.05
    lost: float = 0.0
    doubled: float = 0.0
    forged: float = 0.0


@dataclass(slots=True)
class Fate:
    """What becomes of a connection: after how many pieces, counted on both ways together, it is cut or goes dead, and
    how much of that piece still arrives.
    """

    pieces: int
    share: float = 1.0
    cuts: bool = False
    is_dead: bool = False

    @classmethod
    def drawn(cls, world: World, weather: Weather, reliable: bool) -> "Fate":
        """A fate by chance."""
        chance = world.chance
        luck, pieces, share = chance.random(), int(chance.expovariate(1 / 20)) + 1, chance.random()
        if reliable or luck >= weather.cut + weather.dead:
            return cls(-1)
        return cls(pieces, share, cuts=luck < weather.cut)

    def counts(self) -> bool:
        """Count a piece; whether it is the one that does not arrive whole."""
        self.pieces -= 1
        return self.pieces == 0
