"""Cases played against one bank, one after another, with a look at everything after each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from time import monotonic

from bench.programs import scratch
from tests.hostile import traces
from tests.hostile.case import Case, Subject
from tests.hostile.line import Line
from tests.hostile.scene import CAST, Scene, Stage, fields
from tests.hostile.target import PIN, Target, target

WARMING = 12
"""Sessions that are opened beside each other before anything counts, so that all threads of the bank are there."""


@dataclass(frozen=True, slots=True)
class Played:
    """A case that was played: what was wrong, and between which moments it was acted."""

    subject: str
    case: Case
    complaints: Sequence[str]
    began: float
    ended: float


class Siege:
    """A bank under attack, and its witness."""

    def __init__(self, bank: Target) -> None:
        self.stage = Stage(bank)
        self._bank = bank
        self._warm()
        self._witness = self.stage.log_in(self.stage.witness)
        self._balance = self._asked_balance()
        self._held = traces.held(bank.process)

    def play(self, subject: Subject, case: Case) -> Played:
        """Play one case, with no wrong tries counted before it, and see what came of it."""
        wrong: list[str] = []
        self._bank.forget_tries()
        with self._bank.opened() as store:
            with store.reading() as connection:
                before = traces.look(self._bank, connection)
            scene, began = Scene(self.stage), monotonic()
            try:
                case.act(scene)
            except (AssertionError, OSError, ValueError) as error:
                wrong.append(f"{type(error).__name__}: {error}")
            finally:
                ended = monotonic()
                scene.end()
            wrong += traces.settle(self._bank, self._held)
            if (balance := self._asked_balance()) != self._balance:
                wrong.append(f"the witness has {balance}, and should have {self._balance}")
            with store.reading() as connection:
                after = traces.look(self._bank, connection)
            wrong += traces.complaints(self._bank, before, after, case, scene)
        return Played(subject.name, case, wrong, began, ended)

    def end(self) -> None:
        """Have the witness leave, and the operator add everything up. Raises BenchError when it is not right."""
        self._witness.leave()
        self._bank.bankctl("ledger", "verify")

    def _asked_balance(self) -> int:
        return int(fields(self._witness.ask("BALANCE"))["balance"])

    def _warm(self) -> None:
        people = list(self.stage.hostile)[:WARMING]
        together = [self._bank.call() for _ in people]
        for line, person in zip(together, people, strict=True):
            line.say(f"w LOGIN account={person.account} pin={PIN}")
        for line in together:
            line.until("w ")
            line.close()
        lines: list[Line] = [self.stage.log_in(person) for person in people]
        for line in lines:
            line.say(*["w BALANCE"] * 20, "w LOGOUT")
        for line in lines:
            line.to_the_end()
            line.close()


@contextmanager
def siege(bank: Target) -> Iterator[Siege]:
    """A siege of a bank that is being served; its books are checked at the end."""
    laid = Siege(bank)
    yield laid
    laid.end()


def cases_of(subjects: Sequence[Subject], wanted: Callable[[Subject, Case], bool]) -> list[tuple[Subject, Case]]:
    """The cases that are wanted, in their order, those that need the same settings together."""
    found = [(subject, case) for subject in subjects for case in subject.cases if wanted(subject, case)]
    settings = [subject.settings for subject in subjects]
    return sorted(found, key=lambda one: settings.index(one[0].settings))


def play(found: Sequence[tuple[Subject, Case]], tell: Callable[[Played], object] = lambda _: None) -> list[Played]:
    """Play cases, those that need the same settings against one bank; ``tell`` is told of each."""
    played = []
    for settings, group in groupby(found, key=lambda one: one[0].settings):
        with scratch() as folder, target(folder / "bank", CAST, settings) as bank, siege(bank) as laid:
            for subject, case in group:
                played.append(laid.play(subject, case))
                tell(played[-1])
    return played
