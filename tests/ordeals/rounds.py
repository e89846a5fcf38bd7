"""The rounds of a witness through a storm: what customers wrote down against what the journal has, while both go on.

What stands in the journal was asked for before; what was answered, or told of, stood in the journal before. So a round
reads the diaries, then the journal, then the diaries again. Of the second reading only what was asked counts in this
round, and the rest in the next.
"""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import Connection

from tests.ordeals.diary import ANSWERED, ASKED, DOUBTED, TOLD, Line, Reader
from tests.ordeals.operations import BETWEEN, fields, read
from tests.ordeals.plan import Plan
from tests.ordeals.witness import Witness


class Rounds:
    """Tells ``witness`` what is in the diaries of ``plan``; ``words`` counts what customers found worth a word."""

    def __init__(self, plan: Plan, witness: Witness) -> None:
        self.words: Counter[str] = Counter()
        self.witness = witness
        self._accounts = plan.accounts
        self._readers = [Reader(plan.diary(crew)) for crew in range(len(plan.crews))]
        self._late: list[Line] = []

    def look(self, connection: Connection) -> None:
        """One round. Raises Wrong, and what the database raises when it is away; then nothing was missed."""
        notices: list[Line] = []
        late, self._late = self._late, []
        self._hear([*late, *self._read()], notices)
        try:
            entries = self.witness.read(connection)
        except BaseException:
            self._late = notices
            raise
        again = self._read()
        self._hear((line for line in again if line[0] == ASKED), [])
        self._late += [line for line in again if line[0] != ASKED]
        self.witness.take(entries)
        for _, number, notice in notices:
            self.witness.listeners.told(self._accounts[number], fields(notice))
        self.witness.forget()

    def _read(self) -> list[Line]:
        return [line for reader in self._readers for line in reader.read()]

    def _hear(self, lines: Iterable[Line], notices: list[Line]) -> None:
        """Take lines in; ``notices`` are put there, for later."""
        for line in lines:
            mark, number, rest = line
            row = self._accounts[number]
            if mark == ASKED:
                self.witness.asked(read(row, rest.split(BETWEEN), self._accounts))
            elif mark == ANSWERED:
                key, _, answer = rest.partition(BETWEEN)
                self.witness.heard(row, key, answer)
            elif mark == DOUBTED:
                self.witness.doubted(row, rest)
            elif mark == TOLD:
                notices.append(line)
            else:
                self.words[rest] += 1
