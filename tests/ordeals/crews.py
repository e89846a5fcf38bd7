"""The processes of customers in a storm, as who started them sees them."""

import subprocess
import sys
from time import monotonic

from bench.programs import ROOT
from tests.ordeals.plan import Plan
from tests.ordeals.wrong import Wrong
from tests.system.support import environment


class CrewProcess:
    """The process number ``number``, which may be killed and started again until it ends by itself."""

    def __init__(self, plan: Plan, number: int) -> None:
        self._kind = "programs" if number in plan.programs else "customers"
        self._words = (str(plan.folder), str(number))
        self._log = plan.folder / f"log-{self._kind}-{number}"
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"tests.ordeals.{self._kind}", *self._words],
                cwd=ROOT,
                env=environment({"XDG_DATA_HOME": self._words[0]}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it at once; whether it had not ended by itself."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @property
    def has_ended(self) -> bool:
        """Whether it did all that it had to. Raises Wrong when it ended otherwise."""
        status = None if self._process is None else self._process.poll()
        if status:
            raise Wrong(f"a process of {self._kind} ended with {status}: {self._log.read_text()[-2000:]}")
        return status == 0

    def wait(self, seconds: float) -> None:
        """Wait for its end. Raises Wrong when it does not come."""
        ends = monotonic() + seconds
        while not self.has_ended:
            try:
                assert self._process is not None
                self._process.wait(max(0.0, ends - monotonic()))
            except subprocess.TimeoutExpired:
                raise Wrong(f"a process of {self._kind} does not end") from None
