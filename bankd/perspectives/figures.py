"""What anybody who watches the bank may see."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd import __version__, figures
from bankd.codes import Refused
from bankd.figures import LedgerView, Snapshot
from bankd.ibank import IFigures
from bankd.metrics import Watched
from bankd.perspectives.branch import Branch
from bankd.store import totals

PATIENCE_SECONDS = 2
"""How long a database may take to tell what the ledger comes to."""

FRESH_SECONDS = 1
"""How long that is good: however many watch, the database is asked no more than once in this time."""

BATCH_SECONDS = 10
"""How long a batch may take, before the bank is said to be stuck."""


@implementer(IFigures)
class Figures:
    """The figures of one branch."""

    log = Logger()

    def __init__(self, branch: Branch) -> None:
        self._branch = branch
        self.names = tuple(branch.names)
        self._known: tuple[float, LedgerView] | None = None
        self._waiting: set[Deferred[LedgerView | None]] = set()
        self._looking = False

    def snapshot(self) -> Snapshot:
        """How the branch is now."""
        return figures.snapshot(self._branch.tally, self._branch.process(), self._branch.clock.seconds())

    async def watch(self) -> Watched:
        """Everything; without the ledger where the database does not answer."""
        ledger = await self._ledger()
        branch = self._branch
        return Watched(
            version=__version__,
            now=branch.clock.seconds(),
            snapshot=self.snapshot(),
            tally=branch.tally,
            waiting=branch.lane.waiting,
            hashes=branch.hash_pool.waiting(),
            ledger=ledger,
        )

    async def obstacles(self) -> Sequence[str]:
        """What keeps the bank from serving."""
        ledger, lane = await self._ledger(), self._branch.lane
        found = {
            "the bank does not listen": not self._branch.tally.serving,
            "the database does not answer": ledger is None,
            "the database failed what was last to be written": lane.fails,
            f"a batch has been under way for more than {BATCH_SECONDS} seconds": lane.busy_seconds > BATCH_SECONDS,
        }
        return [words for words, is_so in found.items() if is_so]

    def _ledger(self) -> Deferred[LedgerView | None]:
        """What the ledger came to within the last FRESH_SECONDS; None where the database does not tell in time."""
        now = self._branch.clock.seconds()
        if self._known is not None and 0 <= now - self._known[0] < FRESH_SECONDS:
            return succeed(self._known[1])
        waiting: Deferred[LedgerView | None] = Deferred(self._waiting.discard)
        self._waiting.add(waiting)
        waiting.addTimeout(PATIENCE_SECONDS, self._branch.clock, lambda _cancelled, _seconds: None)
        if not self._looking:  # or it is being looked up for others
            self._looking = True
            self._branch.read(totals.look).addBoth(self._looked)
        return waiting

    def _looked(self, result: LedgerView | Failure) -> None:
        """Tell all who wait, but for those whose time is over."""
        self._looking = False
        waiting, self._waiting = self._waiting, set()
        found = None
        if isinstance(result, LedgerView):
            found = result
            self._known = self._branch.clock.seconds(), result
        elif not result.check(Refused):
            self.log.failure("what the ledger comes to could not be looked up", result)
        for one in waiting:
            one.callback(found)
