"""Memory is kept small: what is over is found soon, and what a crowd leaves behind goes back to the system.

1. A connection that is over, and what served it, let go of each other and are freed at once. What does know itself
   Python frees only when it looks at every object there is (a full collection), which it does the more seldom the more
   there are. What the bank began with, over 100,000 objects, is therefore not looked at again: full collections come
   soon, and are short.
2. What is freed the C library keeps for itself. After 10,000 connections that would be 200 MiB until the next crowd;
   and what comes and goes leaves holes between what stays, some more every hour.
"""

import ctypes
import gc
from collections.abc import Callable
from typing import Any

from twisted.internet.task import LoopingCall

SECONDS = 10.0
"""How often the crowd is looked at."""

CROWD = 500
"""Connections that are worth the trouble, which takes some tenths of a second: they hold some 15 MiB."""

AFTERWARDS = 6
"""At how many looks after that memory is given back again: for those who were just going, and because what lies
scattered where the crowd was is replaced only piece by piece.
"""

TIDYING_SECONDS = 60.0
"""How often free pages go back to the system, crowd or not, which takes some milliseconds."""


def settle() -> None:
    """Free what nobody can reach, and take all the rest for what will stay."""
    gc.collect()
    gc.freeze()


def give_back() -> None:
    """Free what nobody can reach any more, and tidy up."""
    gc.collect()
    tidy()


def tidy() -> None:
    """Give the system the pages that are free, where the C library can."""
    getattr(ctypes.CDLL(None), "malloc_trim", _keep)(0)


def _keep(_pad: int) -> None:
    """What is freed is kept for later, as C libraries other than glibc have it."""


class Thrift:
    """Gives memory back when of a crowd of ``connections`` no more than half are left, and tidies up all the time."""

    def __init__(
        self,
        connections: Callable[[], int],
        clock: Any,
        settle: Callable[[], None] = settle,
        give_back: Callable[[], None] = give_back,
        tidy: Callable[[], None] = tidy,
    ) -> None:
        self._connections = connections
        self._settle = settle
        self._give_back = give_back
        self._most = 0
        self._again = 0
        self._loops = {LoopingCall(self._look): SECONDS, LoopingCall(tidy): TIDYING_SECONDS}
        for loop in self._loops:
            loop.clock = clock

    def begin(self) -> None:
        """Look from now on, and do not look any more at what there is already."""
        self._settle()
        for loop, seconds in self._loops.items():
            loop.start(seconds)

    def end(self) -> None:
        """Look no more."""
        for loop in self._loops:
            if loop.running:
                loop.stop()

    def _look(self) -> None:
        now = self._connections()
        self._most = max(self._most, now)
        has_gone = self._most >= CROWD and now <= self._most // 2
        if has_gone:
            self._most = now
            self._again = 1 + AFTERWARDS
        if self._again:
            self._again -= 1
            self._give_back()
