"""The gate: how many connections there may be, and who has to leave when there are too many.

1. A peer is a stranger until its protocol says that it has logged in, by calling ``admit`` of its transport, once.
2. Three numbers are limited: connections in all, those of one network, and strangers. Who comes when one is reached
   takes the place of a stranger, or is turned away where there is none. Who has logged in is never dropped.
3. Strangers leave early, at random: from half of their limit on a newcomer may cost one of them the place, with a
   probability that grows to 1 at the limit (as sshd's MaxStartups, which drops the newcomer, and as routers drop
   packets: Floyd and Jacobson, 1993). So who holds many places loses many, and who is about to log in seldom its own.
4. The one dropped is the oldest of a few chosen at random, and of those whose network has the most strangers.
5. One dropped before its TLS handshake is cut off; after it, it is told why, and closed without waiting for it.

This room has numbers and places only; ``entrance.py`` has the connections.
"""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from enum import Enum, auto
from ipaddress import IPv6Address

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from bankd.figures import GateTally

CHOICES = 4
"""Strangers among whom the one to be dropped is sought. Of one alone, a log-in that takes a second in a flood of 1,000
connections a second would fail four times in ten; of four, one time in fourteen."""

CLOSING = 64
"""Connections that may be closing when others have taken their places already."""

CALM_SECONDS = 60
"""How long nobody must have been dropped before the crowd is said to be over."""

RandomBelow = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many connections may be open: in all, of one network, and of strangers.

    In the settings 0 ``connections`` are as many as the system has descriptors for.
    """

    connections: int
    per_network: int
    strangers: int


def network_of(host: str) -> Hashable:
    """The network that an address belongs to: IPv4's first 24 bits, IPv6's first 56; IPv4 inside IPv6 is IPv4."""
    if ":" not in host:
        return host.rpartition(".")[0]
    address = IPv6Address(host.partition("%")[0])
    if address.ipv4_mapped is not None:
        return network_of(str(address.ipv4_mapped))
    return int(address) >> 72


class Standing(Enum):
    """What a connection is to the gate."""

    STRANGER = auto()
    KNOWN = auto()
    DROPPED = auto()


class Crowd:
    """Strangers. To add, to discard and to choose one takes the same time however many there are."""

    def __init__(self) -> None:
        self._list: list[Place] = []
        self._places: dict[Place, int] = {}

    def __len__(self) -> int:
        """How many they are."""
        return len(self._list)

    def add(self, stranger: "Place") -> None:
        """Take one in."""
        self._places[stranger] = len(self._list)
        self._list.append(stranger)

    def discard(self, stranger: "Place") -> None:
        """Let one go, whose place the last one takes."""
        place, last = self._places.pop(stranger), self._list.pop()
        if last is not stranger:
            self._list[place] = last
            self._places[last] = place

    def choose(self, random_below: RandomBelow) -> "Place":
        """The one to be dropped."""
        chosen = [self._list[random_below(len(self._list))] for _ in range(CHOICES)]
        return max(chosen, key=lambda stranger: (len(stranger.network.strangers), -stranger.number))


@dataclass(slots=True)
class Network:
    """The connections of one network that have not been dropped, and those of them that are strangers."""

    name: Hashable
    count: int = 0
    strangers: Crowd = field(default_factory=Crowd)


@dataclass(slots=True, eq=False)
class Place:
    """One connection at the gate; ``number`` counts them, and ``drop`` closes it for another to come in."""

    network: Network
    number: int
    drop: Callable[[], None]
    standing: Standing = Standing.STRANGER


class Gate:
    """Lets connections in as ``capacity`` says. ``random_below`` is where numbers nobody can guess come from.

    Who is dropped or turned away is counted in ``tally``.
    """

    log = Logger()

    def __init__(
        self, capacity: Capacity, clock: IReactorTime, random_below: RandomBelow, tally: GateTally | None = None
    ) -> None:
        self._capacity = capacity
        self._clock = clock
        self._random_below = random_below
        self._networks: dict[Hashable, Network] = {}
        self._strangers = Crowd()
        self._numbered = self._open = self._closing = 0
        self._tally = tally or GateTally()
        self._dropped = self._turned_away = self._noticed = 0
        self._watch: IDelayedCall | None = None

    def set_capacity(self, capacity: Capacity) -> None:
        """Let as many in as ``capacity`` says from now on; nobody who is in has to leave for that."""
        self._capacity = capacity

    def enter(self, host: str, drop: Callable[[], None]) -> Place | None:
        """A place for a new connection from ``host``, which ``drop`` closes; None where there is no room for it."""
        name = network_of(host)
        network = self._networks.get(name) or Network(name)
        if not self._make_room(network):
            self._turned_away += 1
            self._tally.turned_away += 1
            self._tell()
            return None
        self._numbered += 1
        place = Place(network, self._numbered, drop)
        self._networks[name] = network
        network.count += 1
        self._open += 1
        network.strangers.add(place)
        self._strangers.add(place)
        return place

    def admit(self, place: Place) -> None:
        """The peer has logged in."""
        if place.standing is Standing.STRANGER:
            self._part(place, Standing.KNOWN)

    def leave(self, place: Place) -> None:
        """The connection is closed."""
        self._open -= 1
        if place.standing is Standing.DROPPED:
            self._closing -= 1
        else:
            if place.standing is Standing.STRANGER:
                self._part(place, Standing.KNOWN)
            self._vacate(place.network)

    def close(self) -> None:
        """Watch no more, and tell what there is left to tell."""
        if self._watch is not None:
            self._watch.cancel()
            self._end()

    def _make_room(self, network: Network) -> bool:
        """See that a connection of ``network`` can be let in; whether it can."""
        capacity, strangers = self._capacity, self._strangers
        if self._open >= capacity.connections + CLOSING:
            return False
        if network.count >= capacity.per_network:
            return self._drop_of(network.strangers)
        if self._open - self._closing >= capacity.connections:
            return self._drop_of(strangers)
        early = capacity.strangers // 2
        if len(strangers) > early and self._random_below(capacity.strangers - early) < len(strangers) - early:
            self._drop_of(strangers)
        return True

    def _drop_of(self, crowd: Crowd) -> bool:
        """Drop one of ``crowd``; whether there was one."""
        if not len(crowd):
            return False
        place = crowd.choose(self._random_below)
        self._part(place, Standing.DROPPED)
        self._vacate(place.network)
        self._closing += 1
        self._dropped += 1
        self._tally.dropped += 1
        self._tell()
        place.drop()
        return True

    def _part(self, place: Place, standing: Standing) -> None:
        """A stranger is none any more."""
        place.standing = standing
        place.network.strangers.discard(place)
        self._strangers.discard(place)

    def _vacate(self, network: Network) -> None:
        """One connection less."""
        network.count -= 1
        if not network.count:
            self._networks.pop(network.name, None)

    def _tell(self) -> None:
        """Log once that it is crowded, and have the end of it looked for."""
        if self._watch is None:
            told = {"open": self._open, "strangers": len(self._strangers), "networks": len(self._networks)}
            self.log.warn("it is crowded: {open} connections of {networks} networks, {strangers} strangers", **told)
            self._watch = self._clock.callLater(CALM_SECONDS, self._look)

    def _look(self) -> None:
        so_far = self._dropped + self._turned_away
        if so_far == self._noticed:
            self._end()
        else:
            self._noticed = so_far
            self._watch = self._clock.callLater(CALM_SECONDS, self._look)

    def _end(self) -> None:
        told = {"dropped": self._dropped, "away": self._turned_away}
        self.log.warn("it is crowded no more: {dropped} strangers were dropped, {away} newcomers turned away", **told)
        self._watch = None
        self._dropped = self._turned_away = self._noticed = 0
