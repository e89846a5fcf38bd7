"""Feeding one target: inputs are counted and timed, and one that fails is told so that it can be fed again."""

import sys
import traceback
from collections.abc import Callable, Sequence
from random import Random
from time import perf_counter

from tests.fuzz.mutation import Mutator
from tests.fuzz.target import Target

BETWEEN_SECONDS = 10
"""How long to be silent between two lines of progress where nobody watches."""

BAR = 24
"""Characters of the bar where somebody does."""


class Failed(Exception):
    """An input made a target fail; ``inputs`` are it and those before it that are needed for that."""

    def __init__(self, inputs: Sequence[bytes], why: str) -> None:
        super().__init__(why)
        self.inputs = inputs
        self.why = why


class Feeding:
    """Feeds ``target``, at most ``most`` inputs or for ``seconds``, whichever ends first."""

    def __init__(self, name: str, make: Callable[[], Target], most: int, seconds: float | None = None) -> None:
        self.name, self.target = name, make()
        self.fed = 0
        self.slowest_seconds = 0.0
        self._make, self._most, self._seconds = make, most, seconds
        self._since: list[bytes] = []
        self._began = self._said = perf_counter()

    @property
    def done(self) -> bool:
        """Whether that was all."""
        late = self._seconds is not None and perf_counter() - self._began >= self._seconds
        return self.fed >= self._most or late

    def feed(self, data: bytes) -> None:
        """Feed one input. Raises Failed."""
        self._since.append(data)
        began = perf_counter()
        try:
            self.target.feed(data)
            if len(self._since) >= self.target.crowd:
                if self.target.crowd:
                    self.target.fresh()
                self._since.clear()
        except Exception:
            raise self._failed(traceback.format_exc()) from None
        ended = perf_counter()
        self.slowest_seconds = max(self.slowest_seconds, ended - began)
        self.fed += 1
        self._show(ended)

    def end(self) -> str:
        """Feed nothing more; what is to be said of it. Raises Failed."""
        try:
            self.target.fresh()
        except Exception:
            raise self._failed(traceback.format_exc()) from None
        seconds = perf_counter() - self._began
        rate, slowest = self.fed / max(seconds, 1e-9), self.slowest_seconds * 1000
        return f"{self.name}: {self.fed:,} inputs in {seconds:.0f} s, {rate:,.0f} a second, slowest {slowest:.0f} ms"

    def made(self, seed: int) -> None:
        """Feed what is made by ``seed`` from the target's own seeds, until it is done. Raises Failed."""
        seeds = self.target.seeds()
        for data in seeds:
            if not self.done:
                self.feed(data)
        mutator = Mutator(Random(f"{seed} {self.name}"), seeds, self.target.words())
        while not self.done:
            self.feed(mutator.made())

    def _failed(self, why: str) -> Failed:
        """What failed, with as few of the inputs before it as need be."""
        since, count = self._since, 1
        while count < len(since) and not self._fails(since[-count:]):
            count *= 2
        return Failed(since[-count:], why)

    def _fails(self, inputs: Sequence[bytes]) -> bool:
        target = self._make()
        try:
            for data in inputs:
                target.feed(data)
            target.fresh()
        except Exception:
            return True
        return False

    def _show(self, now: float) -> None:
        """Tell now and then how far it is."""
        watched = sys.stderr.isatty()
        if now - self._said < (0.2 if watched else BETWEEN_SECONDS):
            return
        self._said = now
        part = self.fed / self._most
        if self._seconds is not None:
            part = max(part, (now - self._began) / self._seconds)
        rate = self.fed / (now - self._began)
        told = f"{self.name} {part:4.0%} {self.fed:,} inputs, {rate:,.0f} a second"
        bar = "#" * int(BAR * min(part, 1))
        print(
            f"\r\x1b[K[{bar:{BAR}}] {told}" if watched else told,
            end="" if watched else "\n",
            file=sys.stderr,
            flush=True,
        )


def clear() -> None:
    """Take the bar away."""
    if sys.stderr.isatty():
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def replay(make: Callable[[], Target], inputs: Sequence[bytes]) -> None:
    """Feed ``inputs`` to a new target, one after another. Whatever comes out of it is the failure."""
    target = make()
    for data in inputs:
        target.feed(data)
    target.fresh()
