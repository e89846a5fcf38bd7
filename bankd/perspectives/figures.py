"""What anybody who watches the bank may see."""

from zope.interface import implementer

from bankd.ibank import IFigures
from bankd.perspectives.branch import Tally


@implementer(IFigures)
class Figures:
    """The counts of one branch."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def connections(self) -> int:
        """How many connections are open."""
        return self._tally.connections

    def tasks_processed(self) -> int:
        """How many tasks were answered."""
        return self._tally.tasks_processed
