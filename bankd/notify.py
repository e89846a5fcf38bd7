"""Live notices by UDP: one socket for all, and who listens for what.

1. A datagram brings hints (``wire.notice``): it says that there are notices, never what is in them.
2. It goes only to the address that a session's own connection comes from, and only once the session has told what a
   probe brought there (``wire.paths``). A probe answers a request of the session's, is no longer than 64 octets, and
   there are few: so nobody can have the bank send to others.
3. Nothing that happens to a datagram is the business of whoever moved the money: errors of the network are swallowed.
4. Nothing is read that comes by UDP. So there is nothing that a stranger could say to this socket.
"""

import hmac
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from twisted.internet.error import MessageLengthError
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger
from zope.interface import implementer

from bankd import codes
from bankd.codes import Refused
from bankd.ibank import INoticeBoard
from bankd.records import Event, Listening, Wait
from bankd.wire import notice, paths
from bankd.wire.notice import Hint, Sealing
from bankd.wire.paths import Path, Ration, Step

LISTENER_OCTETS = 16


@dataclass(slots=True, eq=False)
class _Listener:
    """A terminal that listens for events on one account, since ``probed_at``; ``proof`` is what its probe brings."""

    id: str
    account_id: int
    address: tuple[str, int]
    sealing: Sealing = field(repr=False)
    proof: str = field(repr=False)
    probed_at: float
    path: Path = Path.PROBED


@implementer(INoticeBoard)
class Notices(DatagramProtocol):
    """The UDP service. ``random_octets`` gives as many as asked, ``seconds`` is a clock that only goes forward.

    ``on_delay`` is called for each datagram of hints, with the seconds from the commit until it had left.
    """

    log = Logger()

    def __init__(self, random_octets: Callable[[int], bytes], seconds: Callable[[], float]) -> None:
        self.on_delay: Callable[[float], object] = lambda seconds: None
        self._random_octets = random_octets
        self._seconds = seconds
        self._by_id: dict[str, _Listener] = {}
        self._proven: defaultdict[int, list[_Listener]] = defaultdict(list)
        self._of_account = Ration(*paths.PROBES_OF_ACCOUNT)
        self._to_host = Ration(*paths.PROBES_TO_HOST)

    def listen(self, account_id: int, host: str, port: int) -> Listening:
        """Probe a terminal's address."""
        now = self._seconds()
        self._ration(account_id, host, now)
        listener, key = self._random_octets(LISTENER_OCTETS).hex(), self._random_octets(notice.KEY_OCTETS)
        proof, sealing = self._random_octets(notice.PROOF_OCTETS), Sealing(listener, key)
        self._by_id[listener] = _Listener(listener, account_id, (host, port), sealing, proof.hex(), now)
        self._send(sealing.probe(proof), (host, port))
        return Listening(listener, notice.spell_key(key), self._own_port())

    def confirm(self, listener: str, proof: str) -> bool:
        """Tell a terminal of events on an account, now that its address is proven."""
        told = self._by_id.get(listener)
        if told is None:
            return False
        if not hmac.compare_digest(told.proof, proof):
            step = Step.FALSE_PROOF
        else:
            step = Step.PROOF if self._seconds() < told.probed_at + paths.PROBE_SECONDS else Step.LATE_PROOF
        self._take(told, step)
        return told.path is Path.PROVEN and step is not Step.FALSE_PROOF

    def silence(self, listener: str) -> None:
        """Tell a terminal nothing more."""
        told = self._by_id.get(listener)
        if told is not None:
            self._take(told, Step.SILENCED)

    def tell(self, events: Iterable[Event], committed_at: float) -> None:
        """Tell whoever listens. What one listener is told of goes into as few datagrams as hold it, in its order."""
        if not self._proven:
            return
        hints: dict[_Listener, list[Hint]] = {}
        for event in events:
            for listener in self._proven.get(event.account_id, ()):
                hints.setdefault(listener, []).append(Hint(event.number, event.kind))
        for listener, some in hints.items():
            for datagram in listener.sealing.hints(some):
                self._send(datagram, listener.address)
                self.on_delay(self._seconds() - committed_at)

    def datagramReceived(self, datagram: bytes, addr: object) -> None:
        """Nobody has anything to say to the bank by UDP; a terminal sends to open its own network's way in."""

    def _ration(self, account_id: int, host: str, now: float) -> None:
        """Take one probe off what the account and the host may have. Refused: WAIT, and nothing is taken."""
        rations = ((self._of_account, account_id), (self._to_host, host))
        wait = max(ration.wait(key, now) for ration, key in rations)
        if wait:
            raise Refused(codes.WAIT, about=Wait(wait))
        for ration, key in rations:
            ration.take(key, now)

    def _take(self, listener: _Listener, step: Step) -> None:
        """Take a step on a listener's path. At its end the listener and its key are forgotten."""
        before, listener.path = listener.path, paths.NEXT[listener.path, step]
        if listener.path is before:
            return
        if listener.path is Path.PROVEN:
            self._proven[listener.account_id].append(listener)
            return
        del self._by_id[listener.id]
        if before is Path.PROVEN:
            self._proven[listener.account_id].remove(listener)
            if not self._proven[listener.account_id]:
                del self._proven[listener.account_id]

    def _own_port(self) -> int:
        """The port that datagrams come from."""
        return int(self.transport.getHost().port) if self.transport is not None else 0

    def _send(self, datagram: bytes, address: tuple[str, int]) -> None:
        if self.transport is None:
            return
        try:
            self.transport.write(datagram, address)
        except (OSError, ValueError, MessageLengthError):
            self.log.debug("no datagram reached {host}", host=address[0])
