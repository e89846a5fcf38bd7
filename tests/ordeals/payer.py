"""A process that carries out operations on a bank's real store and lane, and may be killed on the way.

It is a fork of its parent, so it begins at once. It says `open` on its pipe when it has opened the database, an answer
in a line for each operation, and `end`. It goes on only when its parent lets it: before it opens, and before it begins.
When the parent lets go it ends, without closing the database.
"""

import ctypes
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NoReturn

from twisted.python.failure import Failure

from bankd.bank import payments
from bankd.lane import Lane
from bankd.ledger.books import Outcome
from bankd.store import journal
from bankd.store.engines import Store
from bankd.testing import Stepped
from bench.banks import Made
from tests.ordeals.operations import Operation, spoken
from tests.ordeals.witness import Witness
from tests.ordeals.wrong import Wrong

Burst = Sequence[Operation]
"""Operations that are posted together: the first makes a batch, the others the next."""

PR_SET_PTRACER = 0x59616D61
PTRACER_ANY = ctypes.c_ulong(2**64 - 1)


class Payer:
    """The process, as its parent sees it; ``pages`` in the log of SQLite make a checkpoint, where they are given."""

    def __init__(self, made: Made, bursts: Sequence[Burst], pages: int | None) -> None:
        self._operations = [operation for burst in bursts for operation in burst]
        said, says = os.pipe()
        hears, tells = os.pipe()
        self.process = os.fork()
        if self.process == 0:
            os.close(said)
            os.close(tells)
            _live(made, bursts, pages, says, hears)
        os.close(says)
        os.close(hears)
        self._said = os.fdopen(said, "r", encoding="ascii")
        self._tells = tells

    def go_on(self, times: int = 1) -> None:
        """Let it go on."""
        os.write(self._tells, b"g" * times)

    def told(self, witness: Witness) -> int:
        """Tell ``witness`` of every answer until it says that it is open, or to its end; how many there were."""
        count = 0
        for line in self._said:
            place, _, words = line.rstrip("\n").partition(" ")
            if not line.endswith("\n") or place in ("open", "end"):
                break
            count += 1
            if words.startswith("!"):
                raise Wrong(f"{self._operations[int(place)].request} failed: {words}")
            witness.answered(self._operations[int(place)], words)
        return count

    def wait(self) -> int:
        """Let go of it, and wait for its end; its exit status, negative for the signal that ended it."""
        os.close(self._tells)
        self._said.close()
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])


def begun(bursts: Sequence[Burst], answers: int) -> Iterator[Burst]:
    """The bursts that were begun when so many answers had come in order."""
    for burst in bursts:
        yield burst
        answers -= len(burst)
        if answers < 0:
            return


def _live(made: Made, bursts: Sequence[Burst], pages: int | None, says: int, hears: int) -> NoReturn:
    """All that the process does."""
    status = 1
    try:
        # Where only a parent may trace (Yama), strace is let in.
        ctypes.CDLL(None).prctl(PR_SET_PTRACER, PTRACER_ANY, 0, 0, 0)
        _carry_out(made, bursts, pages, partial(_say, says), partial(_wait, hears))
        status = 0
    except SystemExit:
        status = 0
    except BaseException as error:
        print(f"payer: {error!r}", file=sys.stderr, flush=True)
    finally:
        os._exit(status)


def _carry_out(
    made: Made,
    bursts: Sequence[Burst],
    pages: int | None,
    say: Callable[[str], None],
    wait: Callable[[], None],
) -> None:
    wait()
    store = Store(made.settings.database, made.chain_key)
    with store.writing() as tx:
        journal.newest(tx.connection)
        if pages is not None:
            tx.connection.exec_driver_sql(f"PRAGMA wal_autocheckpoint={pages}")
    say("open")
    wait()
    pool, place = Stepped(), 0
    lane = Lane(store.writing, payments.apply, pool, lambda events, at: None)
    for burst in bursts:
        for operation in burst:
            posted = lane.post(operation.command)
            posted.addCallbacks(partial(_answer, say, place, operation), partial(_fail, say, place))
            place += 1
        pool.drain()
    say("end")
    wait()


def _wait(hears: int) -> None:
    if not os.read(hears, 1):
        raise SystemExit  # the parent has let go


def _say(says: int, line: str) -> None:
    os.write(says, f"{line}\n".encode("ascii"))


def _answer(say: Callable[[str], None], place: int, operation: Operation, outcome: Outcome) -> None:
    say(f"{place} {spoken(operation, outcome)}")


def _fail(say: Callable[[str], None], place: int, failure: Failure) -> None:
    say(f"{place} !{failure.value!r}".encode("ascii", "replace").decode().replace("\n", " "))
