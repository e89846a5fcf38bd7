"""Requests in the order in which they came, and their answers in the same order.

1. A request begins when everything before it is answered. Those that ``may_overlap`` begin beside others of their kind:
   the bank carries them out in the order in which they begin.
2. Answers leave in the order of the requests, whichever is ready first.
3. Nothing begins after ``close``; what had begun is carried out, and its answer dropped.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred

A = TypeVar("A")
R = TypeVar("R")


@dataclass(slots=True, eq=False)
class _Turn(Generic[R, A]):
    """A request: whether others of its kind may be under way beside it, and its answer once there is one."""

    request: R
    overlaps: bool
    answer: A | None = None


class Queue(Generic[R, A]):
    """One connection's requests.

    ``begin`` carries one out, and fires its Deferred with the answer; it never fails. ``deliver`` is given each answer.
    """

    def __init__(
        self,
        begin: Callable[[R], Deferred[A]],
        may_overlap: Callable[[R], bool],
        deliver: Callable[[A], None],
    ) -> None:
        self._begin = begin
        self._may_overlap = may_overlap
        self._deliver = deliver
        self._waiting: list[_Turn[R, A]] = []  # a deque, empty, would take ten times as much
        self._begun: list[_Turn[R, A]] = []
        self._closed = False
        self._held = False

    def __len__(self) -> int:
        """How many requests are not answered."""
        return len(self._waiting) + len(self._begun)

    def add(self, request: R) -> None:
        """Take ``request`` in, and begin it when its turn has come."""
        self._waiting.append(_Turn(request, self._may_overlap(request)))
        self._advance()

    def hold(self, held: bool) -> None:
        """Begin nothing from now on, or go on."""
        self._held = held
        self._advance()

    def close(self) -> None:
        """Begin and deliver nothing more."""
        self._closed = True
        self._waiting.clear()

    def _advance(self) -> None:
        while self._waiting and not self._closed and not self._held:
            turn = self._waiting[0]
            if self._begun and not (turn.overlaps and self._begun[-1].overlaps):
                return
            self._begun.append(self._waiting.pop(0))
            self._begin(turn.request).addCallback(self._answered, turn)

    def _answered(self, answer: A, turn: _Turn[R, A]) -> None:
        turn.answer = answer
        while self._begun and not self._closed and (ready := self._begun[0].answer) is not None:
            self._begun.pop(0)
            self._deliver(ready)
        self._advance()
