"""The file that a backup is: plain lines, packed, and sealed so that a change of any octet shows.

1. It is gzip (RFC 1952) of two members, so that ``zcat`` prints it. The first holds all lines but the last; the second
   is the seal, of a fixed size: one line with the SHA-256 (FIPS 180-4) of every octet before it.
2. Lines are JSON (RFC 8259) in ASCII. Objects are the header, then for each table its name and columns, then the
   trailer with the count of rows of each table, then the seal. Between them each row of a table is an array of its
   values: integers, texts, null, and ``{"hex": ...}`` for octets.
3. Tables stand so that none refers to a later one, and rows in the order of their primary keys.
4. A file is written whole or not at all, over no other file, and for its owner alone.
5. The seal tells what was damaged, not what was forged: whoever can write the file can seal it anew.
"""

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import groupby, islice
from pathlib import Path
from struct import pack
from tempfile import mkstemp
from typing import Any, BinaryIO

FORMAT, VERSION = "bankd backup", 1

_LONGEST_LINE = 1 << 20
"""Octets of a line, at most; a row is some hundreds."""

_STRETCH = 1000
"""Rows taken together."""

_PIECE = 1 << 20
"""Octets that are digested at a time."""

_GZIP = 31
"""How zlib is told to write gzip."""

_LEVEL = 1
"""How hard gzip tries: at 3 a file is a fiftieth smaller, and takes a third longer."""

Value = int | str | bytes | None
Row = Sequence[Value]
Tell = Callable[[int], None]
"""Is told, now and then, how many rows are done."""


class BackupError(Exception):
    """A backup cannot be made or used; the message is a line that says why."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a backup is of: the bank by name, at which moment (RFC 3339), up to which entry, in which schema."""

    bank: str
    at: str
    newest_entry: int
    revision: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows of a table. A table's first batch is without rows, so that a table without any is told of too."""

    table: str
    columns: tuple[str, ...]
    rows: Sequence[Row]


def write(path: Path, header: Header, batches: Iterable[Batch], tell: Tell) -> None:
    """Write the new file ``path``. Raises OSError, and whatever ``batches`` raises; there is then no such file."""
    with _new_file(path) as file:
        packer, digest = zlib.compressobj(_LEVEL, wbits=_GZIP), sha256()
        for lines in _written(header, batches, tell):
            packed = packer.compress(lines)
            digest.update(packed)
            file.write(packed)
        packed = packer.flush()
        digest.update(packed)
        file.write(packed + seal(digest.hexdigest()))


@contextmanager
def read(path: Path) -> Iterator["Archive"]:
    """The backup in ``path``, of which no octet is changed or missing. Raises OSError and BackupError."""
    with path.open("rb") as file:
        archive = Archive(path, file)
        archive.check_seal()
        yield archive


class Archive:
    """A backup that is open to be read: its header at once, and its rows from first to last."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self.header = self._read_header()

    def batches(self, tell: Tell) -> Iterator[Batch]:
        """Every table and its rows. Raises BackupError where they are not as the trailer counts them."""
        lines = self._lines()
        next(lines)  # the header
        counted: dict[str, int] = {}
        table: Batch | None = None
        for are_rows, run in groupby(lines, lambda line: isinstance(line, list)):
            if are_rows and table is not None:
                while rows := [self._row(line, table) for line in islice(run, _STRETCH)]:
                    counted[table.table] += len(rows)
                    tell(sum(counted.values()))
                    yield Batch(table.table, table.columns, rows)
                continue
            for line in run:
                if line == {"rows": counted}:
                    return
                table = self._table(line)
                counted[table.table] = 0
                yield table
        raise self.fault("its rows are not those that it counts")

    def check_seal(self) -> None:
        """Raises BackupError where any octet is not as it was written."""
        size = os.fstat(self._file.fileno()).st_size
        digest, left = sha256(), size - _SEAL_OCTETS
        self._file.seek(0)
        while left > 0 and (piece := self._file.read(min(left, _PIECE))):
            digest.update(piece)
            left -= len(piece)
        if self._file.read() != seal(digest.hexdigest()):
            raise self.fault("it was cut off or changed since it was written: its checksum does not match")

    def fault(self, why: str) -> BackupError:
        """What to raise where the file cannot be used."""
        return BackupError(f"{self._path}: {why}")

    def _read_header(self) -> Header:
        """The first line. That of any version says ``format`` and ``version``."""
        try:
            line = next(self._lines(), None)
        except BackupError:
            line = None
        if not isinstance(line, dict) or line.pop("format", None) != FORMAT:
            raise self.fault("this is no backup of a bank")
        if (version := line.pop("version", None)) != VERSION:
            raise self.fault(
                f"this is a backup in format {version}, and this bankd knows {VERSION}; restore it with a newer one"
            )
        try:
            return Header(**line)
        except TypeError:
            raise self.fault("its first line is not that of a backup") from None

    def _lines(self) -> Iterator[Any]:
        """What each line holds, from the first."""
        self._file.seek(0)
        try:
            with gzip.open(self._file, "rb") as unpacked:
                while line := unpacked.readline(_LONGEST_LINE):
                    yield json.loads(line)
        except (EOFError, zlib.error, gzip.BadGzipFile, ValueError) as error:
            raise self.fault("it holds what is no line of a backup") from error

    def _table(self, line: Any) -> Batch:
        match line:
            case {"table": str(name), "columns": [*columns]} if all(isinstance(column, str) for column in columns):
                return Batch(name, tuple(columns), ())
        raise self.fault("its rows are not those that it counts")

    def _row(self, line: list[Any], table: Batch) -> Row:
        if len(line) != len(table.columns):
            raise self.fault(f"a row of {table.table} has {len(line)} values")
        return [bytes.fromhex(value["hex"]) if isinstance(value, dict) else value for value in line]


def seal(digest: str) -> bytes:
    """The second member, for a first with this ``digest``. It has no octet that could as well be another."""
    line = f'{{"sha256":"{digest}"}}\n'.encode()
    header = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # RFC 1952, 2.3: deflate, no name, no time, any system
    stored = pack("<BHH", 1, len(line), len(line) ^ 0xFFFF)  # RFC 1951, 3.2.4: a last block, not compressed
    return header + stored + line + pack("<II", zlib.crc32(line), len(line))


_SEAL_OCTETS = len(seal("0" * 64))


def _written(header: Header, batches: Iterable[Batch], tell: Tell) -> Iterator[bytes]:
    """All lines but the seal, many at a time."""
    encode = json.JSONEncoder(separators=(",", ":"), default=_octets).encode
    counted: dict[str, int] = {}
    yield f"{encode({'format': FORMAT, 'version': VERSION, **asdict(header)})}\n".encode()
    for batch in batches:
        if batch.table not in counted:
            counted[batch.table] = 0
            yield f"{encode({'table': batch.table, 'columns': batch.columns})}\n".encode()
        yield "".join(f"{encode(row)}\n" for row in batch.rows).encode()
        counted[batch.table] += len(batch.rows)
        tell(sum(counted.values()))
    yield f"{encode({'rows': counted})}\n".encode()


def _octets(value: Any) -> dict[str, str]:
    """How octets are written; JSON knows none."""
    return {"hex": bytes(value).hex()}


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """A file that is there under its name only once it is whole and on the disk, and readable only by its owner."""
    _refuse_to_overwrite(path)
    if not path.parent.is_dir():
        raise BackupError(f"{path.parent} is no folder that there is")
    handle, name = mkstemp(prefix=f"{path.name}.", suffix=".new", dir=path.parent)
    draft = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _refuse_to_overwrite(path)  # it took a while
        draft.rename(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _refuse_to_overwrite(path: Path) -> None:
    if os.path.lexists(path):
        raise BackupError(f"{path} is there already, and a backup overwrites nothing")


def _sync_folder(folder: Path) -> None:
    """Make the name durable too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
