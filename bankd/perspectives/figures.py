"""What anybody who watches the bank may see."""

from zope.interface import implementer

from bankd import figures
from bankd.figures import Snapshot
from bankd.ibank import IFigures
from bankd.perspectives.branch import Branch


@implementer(IFigures)
class Figures:
    """The figures of one branch."""

    def __init__(self, branch: Branch) -> None:
        self._branch = branch

    def snapshot(self) -> Snapshot:
        """How the branch is now."""
        return figures.snapshot(self._branch.tally, self._branch.process(), self._branch.clock.seconds())
