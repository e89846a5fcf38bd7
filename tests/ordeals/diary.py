"""A diary: what the customers of one process asked and heard, on disk before anything of it is sent.

Each line is a mark, the number of an account, and what there is to say, with tabs between:

    ?  an operation that is about to be sent for the first time, as it travels
    ~  a key whose answer did not come
    !  a key, and what was answered
    *  a notice, as it was told
    #  a word about something that happened, to be counted

A process that was killed finds in it what it has to ask again. Its last line may then be cut short; nothing of it was
sent, so it is taken off.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from threading import Lock

from bankd.store.customers import AccountRow
from tests.ordeals.operations import BETWEEN, Operation, read

ASKED, DOUBTED, ANSWERED, TOLD, COUNTED = "?~!*#"

Line = tuple[str, str, str]
"""A mark, an account's number, and the rest."""


class Diary:
    """The diary in ``path`` of customers with ``accounts``, by their numbers; several threads may write it.

    By account, ``open`` has what was asked and not answered, by key; ``asked`` counts what ever was, and ``seen`` has
    the number of the newest notice.
    """

    def __init__(self, path: Path, accounts: Mapping[str, AccountRow]) -> None:
        self.open: dict[str, dict[str, Operation]] = {number: {} for number in accounts}
        self.asked: Counter[str] = Counter()
        self.seen: dict[str, int] = {}
        self._lock = Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        text = path.read_text()
        os.truncate(self._file, whole := text.rfind("\n") + 1)
        for mark, number, rest in lines_of(text[:whole]):
            if mark == ASKED:
                self._note(read(accounts[number], rest.split(BETWEEN), accounts))
            elif mark == ANSWERED:
                self.open[number].pop(rest.partition(BETWEEN)[0], None)
            elif mark == TOLD:
                self.seen[number] = int(rest.split(" ", 1)[0].removeprefix("number="))
        self.doubt([operation for mine in self.open.values() for operation in mine.values()])

    def ask(self, operations: Iterable[Operation]) -> None:
        """Operations are about to be sent for the first time."""
        with self._lock:
            for operation in operations:
                self._note(operation)
        self._write((ASKED, operation.row.number, operation.request) for operation in operations)

    def answer(self, answered: Iterable[tuple[Operation, str]]) -> None:
        """Operations were answered."""
        self._write((ANSWERED, operation.row.number, operation.key, answer) for operation, answer in answered)
        for operation, _ in answered:
            self.open[operation.row.number].pop(operation.key, None)

    def doubt(self, operations: Iterable[Operation]) -> None:
        """The answers to operations did not come; it is written of each once."""
        new = [operation for operation in operations if not operation.doubted]
        for operation in new:
            operation.doubted = True
        self._write((DOUBTED, operation.row.number, operation.key) for operation in new)

    def tell(self, number: str, notices: Iterable[str]) -> None:
        """The owner of an account was told notices."""
        self._write((TOLD, number, notice) for notice in notices)

    def count(self, number: str, word: str) -> None:
        """Something happened."""
        self._write([(COUNTED, number, word)])

    def _note(self, operation: Operation) -> None:
        self.asked[operation.row.number] += 1
        self.open[operation.row.number][operation.key] = operation

    def _write(self, lines: Iterable[tuple[str, ...]]) -> None:
        if written := "".join(BETWEEN.join(line) + "\n" for line in lines):
            os.write(self._file, written.encode())


def lines_of(text: str) -> Iterator[Line]:
    """The lines of a diary."""
    for line in text.splitlines():
        mark, number, rest = line.split(BETWEEN, 2)
        yield mark, number, rest


class Reader:
    """Reads a diary while it is being written; each whole line once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._at = 0

    def read(self) -> list[Line]:
        """What was written since the last time."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._at)
            octets = file.read()
        whole = octets[: octets.rfind(b"\n") + 1]
        self._at += len(whole)
        return [*lines_of(whole.decode())]
