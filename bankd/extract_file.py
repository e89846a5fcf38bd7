"""client.csv or bank.csv: the whole journal as a file, to which rows are appended as entries are committed.

1. The file is what ``bankctl export csv`` would write, equal to the octet, or a beginning of that which ends with a
   line. Where it goes on is told by the file itself: it is counted, and its end compared with the journal.
2. What a crash left of a row is cut off. A file whose rows are not those of the journal is never changed: it is set
   aside under another name, and a new one begun. One that does not begin with the right header is not touched.
3. A write that fails is taken back, so that there is never half a row; what is missing is written later.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from twisted.logger import Logger

from bankd.store import extracts
from bankd.store.engines import Connection
from bankd.store.extracts import HEADERS, Place

LAST = 100
"""Entries at the end of a file that are compared with the journal before it is gone on with."""

_STRETCH = 1 << 20
"""Octets read at a time."""


class NotOurs(OSError):
    """The file is another than one of the bank's, and is left as it is."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A file as it was left: which it is, how long, and the place in the journal where it goes on."""

    device: int
    inode: int
    size: int
    place: Place


class ExtractFile:
    """The file ``path`` with the rows of ``kind``, one of ``extracts.HEADERS``."""

    log = Logger()

    def __init__(self, path: Path, kind: str) -> None:
        self.path = path
        self._kind = kind
        self._header = HEADERS[kind].encode()
        self._known: _Known | None = None

    def check(self) -> None:
        """See that it can be written, and is no other file. Raises OSError and NotOurs."""
        file = self._open()
        try:
            begin = os.pread(file, len(self._header), 0)
            if begin != self._header[: len(begin)]:
                raise NotOurs(f"{self.path} is no file of this kind: its first line is another")
        finally:
            os.close(file)

    def advance(self, connection: Connection) -> bool:
        """Append the rows of the next entries, and tell whether there may be more. Raises OSError and NotOurs.

        One that was moved away, or changed by others, is looked at anew.
        """
        self.check()
        file = self._open()
        try:
            known = self._known
            if known is None or (known.device, known.inode, known.size) != _identity(file):
                known = self._found(file, connection)
                if known is None:
                    self._set_aside()
                    return True
            page = extracts.rows(connection, known.place)
            if page:
                _append(file, "".join(row for rows in page for row in rows.of(self._kind)).encode())
            place = page[-1].after if page else known.place
            self._known = _Known(*_identity(file), place)
            return bool(page)
        except BaseException:
            self._known = None
            raise
        finally:
            os.close(file)

    def _found(self, file: int, connection: Connection) -> _Known | None:
        """The file as it is, without what is left of a row; None where its rows are not those of the journal."""
        lines, size = _whole_lines(file)
        if lines < 2:
            os.ftruncate(file, len(self._header) if lines else 0)
            _append(file, b"" if lines else self._header)
            return _Known(*_identity(file), Place(0, {}))
        last = extracts.entry_of(connection, lines - 1)
        if last is None:
            return None
        entry_id, upto = last
        place = extracts.place_after(connection, max(entry_id - LAST, 0))
        ended = [rows for rows in extracts.rows(connection, place) if rows.after.after_id <= entry_id]
        written = [row.encode() for rows in ended for row in rows.of(self._kind)]
        if upto > lines - 1:  # the second row of the last entry is not there
            written.pop()
        tail = b"".join(written)
        if os.pread(file, len(tail), max(size - len(tail), 0)) != tail:
            return None
        if upto > lines - 1:  # so both are written anew
            size -= len(written[-1])
            ended.pop()
        os.ftruncate(file, size)
        return _Known(*_identity(file), ended[-1].after if ended else place)

    def _set_aside(self) -> None:
        number = 1
        while (aside := self.path.with_name(f"{self.path.name}.{number}")).exists():
            number += 1
        self.path.rename(aside)
        self.log.warn("{path} is not what the journal says; it is now {aside}", path=str(self.path), aside=str(aside))

    def _open(self) -> int:
        return os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)


def _append(file: int, octets: bytes) -> None:
    """Write all of ``octets`` or nothing. Raises OSError."""
    size = os.fstat(file).st_size
    try:
        while octets:
            octets = octets[os.write(file, octets) :]
    except OSError:
        os.ftruncate(file, size)
        raise


def _identity(file: int) -> tuple[int, int, int]:
    status = os.fstat(file)
    return status.st_dev, status.st_ino, status.st_size


def _whole_lines(file: int) -> tuple[int, int]:
    """How many lines the file has that are whole, and where the last of them ends."""
    lines = end = offset = 0
    while stretch := os.pread(file, _STRETCH, offset):
        if b"\n" in stretch:
            lines += stretch.count(b"\n")
            end = offset + stretch.rindex(b"\n") + 1
        offset += len(stretch)
    return lines, end
