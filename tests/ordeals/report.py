"""What an ordeal tells whoever watches: its seed first, how far it is, what it saw, and whether it passed."""

import argparse
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from time import monotonic

from bench.programs import BenchError
from tests.ordeals.crowd import Gone
from tests.ordeals.wrong import Wrong

BETWEEN_SECONDS = 10
"""How long to be silent between two lines of progress."""

SEEDS = 1_000_000


def numbers(parser: argparse.ArgumentParser, **defaults: int) -> None:
    """Options for counts, and for the seed, from which a failed run can be repeated as nearly as can be."""
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=f"how many {name} ({default})")
    parser.add_argument("--seed", type=int, metavar="N", help="what all random choices come from (a new one)")


def seed_of(options: argparse.Namespace) -> int:
    """The seed that was asked for, or a new one."""
    return int(options.seed if options.seed is not None else random.SystemRandom().randrange(SEEDS))


class Report:
    """The lines of one ordeal."""

    def __init__(self, name: str, seed: int) -> None:
        self.seed = seed
        self.status = 1
        self._name = name
        self._began = self._said = monotonic()
        self.say(f"seed {seed}")

    def say(self, *lines: str) -> None:
        """Print lines under the ordeal's name."""
        for line in lines:
            print(f"{self._name}: {line}", flush=True)

    def progress(self, done: int, of: int, what: str) -> None:
        """Say how far it is, now and then."""
        if monotonic() - self._said >= BETWEEN_SECONDS:
            self._said = monotonic()
            self.say(f"{done} of {of} {what}")

    @contextmanager
    def verdict(self) -> Iterator[None]:
        """Whether what is done inside passed; ``status`` is then what to exit with.

        SIGTERM and Ctrl-C end it, after all that it started.
        """
        for ending in (signal.SIGTERM, signal.SIGINT):
            signal.signal(ending, lambda number, _: sys.exit(128 + number))
        try:
            yield
        except (Wrong, Gone, BenchError) as wrong:
            print(f"{self._name}: FAILED: {wrong}\n{self._name}: seed {self.seed}", file=sys.stderr, flush=True)
        else:
            self.status = 0
            self.say(f"passed in {monotonic() - self._began:.0f} s")


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one ordeal, which is gone at the end; what broke a promise is left there to be looked into."""
    place = Path(mkdtemp(prefix="bankd-ordeal-"))
    try:
        yield place
    except Wrong:
        print(f"the bank is left as it was in {place}", file=sys.stderr, flush=True)
        raise
    except BaseException:
        rmtree(place)
        raise
    rmtree(place)
