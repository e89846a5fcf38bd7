"""The world of a simulation: one time, one source of chance, and everything that happens in it, one step after another.

1. Whatever happens is a step that was put down for a time. The earliest is taken first; of two at the same time the one
   that was put down first. Nothing else happens, and no time passes otherwise.
2. All chance comes from ``chance``, which the seed begins. So the same seed makes the same world, step by step.
3. The trace is a hash over what every step noted. Two runs with the same trace took the same steps. What is noted must
   not hold what cryptography makes, which is never the same twice.
"""

import heapq
from collections import deque
from collections.abc import Callable
from hashlib import blake2b
from random import Random

OPENED = 1_790_000_000.0
"""When a world begins, seconds since 1970: in September 2026."""

TOLD = 40
"""How many of the last notes a world remembers."""


class Step:
    """Something that will happen, unless it is called off."""

    __slots__ = ("do",)

    def __init__(self, do: Callable[[], object]) -> None:
        self.do: Callable[[], object] | None = do

    def call_off(self) -> None:
        """Let it not happen."""
        self.do = None


class World:
    """The world that ``seed`` makes. ``steps`` counts what has happened; ``now`` is seconds since 1970."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = Random(seed)
        self.now = OPENED
        self.steps = 0
        self.told: deque[str] = deque(maxlen=TOLD)
        self.on_note: Callable[[str], object] | None = None
        self._trace = blake2b(digest_size=16)
        self._agenda: list[tuple[float, int, Step]] = []
        self._put_down = 0

    @property
    def seconds(self) -> float:
        """For how long the world has been there."""
        return self.now - OPENED

    @property
    def trace(self) -> str:
        """The hash over all that happened, in hex."""
        return self._trace.hexdigest()

    def put_down(self, seconds: float, do: Callable[[], object]) -> Step:
        """Have something happen in so many ``seconds``."""
        step = Step(do)
        self._put_down += 1
        heapq.heappush(self._agenda, (self.now + max(seconds, 0.0), self._put_down, step))
        return step

    def step(self) -> bool:
        """Have the next thing happen; whether there was one."""
        while self._agenda:
            time, _, step = heapq.heappop(self._agenda)
            if step.do is None:
                continue
            do, step.do = step.do, None
            self.now = max(self.now, time)
            self.steps += 1
            do()
            return True
        return False

    def note(self, what: str) -> None:
        """Put ``what`` happened into the trace."""
        line = f"{self.seconds:.6f} {what}"
        self._trace.update(line.encode())
        self.told.append(line)
        if self.on_note is not None:
            self.on_note(f"{self.steps:>7} {line}")

    def happens(self, share: float) -> bool:
        """Whether something happens that does so in this ``share`` of all cases."""
        return self.chance.random() < share
