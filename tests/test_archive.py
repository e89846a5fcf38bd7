"""The file that a backup is: written whole or not at all, and refused when anything in it changed."""

import errno
import gzip
import json
import os
import stat
import zlib
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bankd.store import archive
from bankd.store.archive import BackupError, Batch, Header

HEADER = Header("Bank of Zoë", "2026-11-20T14:05:00.123456Z", 7, "0001")
BATCHES = [
    Batch("customers", ("id", "name"), ()),
    Batch("customers", ("id", "name"), [(1, "Zoë €\n"), (2, None)]),
    Batch("customers", ("id", "name"), [(3, "[]")]),
    Batch("empty", ("id",), ()),
    Batch("empty_too", ("id",), ()),
    Batch("journal", ("id", "hash"), ()),
    Batch("journal", ("id", "hash"), [(2**63 - 1, b"\0\xff"), (-(2**63), b"")]),
]
LINES = [
    {
        "format": "bankd backup",
        "version": 1,
        "bank": "Bank of Zoë",
        "at": "2026-11-20T14:05:00.123456Z",
        "newest_entry": 7,
        "revision": "0001",
    },
    {"table": "customers", "columns": ["id", "name"]},
    [1, "Zoë €\n"],
    [2, None],
    [3, "[]"],
    {"table": "empty", "columns": ["id"]},
    {"table": "empty_too", "columns": ["id"]},
    {"table": "journal", "columns": ["id", "hash"]},
    [2**63 - 1, {"hex": "00ff"}],
    [-(2**63), {"hex": ""}],
    {"rows": {"customers": 3, "empty": 0, "empty_too": 0, "journal": 2}},
]


def silent(_rows: int) -> None:
    """Hear how many rows are done."""


class ArchiveCase(SynchronousTestCase):
    """A test with a folder for backups."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.path = self.folder / "bank.backup"

    def write(self) -> bytes:
        """Write the backup; its octets."""
        archive.write(self.path, HEADER, BATCHES, silent)
        return self.path.read_bytes()

    def forge(self, *lines: object) -> None:
        """Write a file of these lines, with a seal that is right."""
        packed = gzip.compress("".join(f"{json.dumps(line)}\n" for line in lines).encode())
        self.path.write_bytes(packed + archive.seal(sha256(packed).hexdigest()))

    def read(self) -> list[Batch]:
        """Everything in the file."""
        with archive.read(self.path) as found:
            return list(found.batches(silent))

    def refusal(self) -> str:
        """Why the file is refused."""
        error = self.assertRaises(BackupError, self.read)
        self.assertEqual(len(str(error).splitlines()), 1)
        return str(error).removeprefix(f"{self.path}: ")


class Writing(ArchiveCase):
    """A new file, or none."""

    def test_as_documented(self) -> None:
        """Any gzip shows the lines, the last of which has the digest of the member before it."""
        octets = self.write()
        *lines, seal = [json.loads(line) for line in gzip.decompress(octets).splitlines()]
        self.assertEqual(lines, LINES)
        first = zlib.decompressobj(wbits=31)
        first.decompress(octets)
        self.assertEqual(seal, {"sha256": sha256(octets.removesuffix(first.unused_data)).hexdigest()})

    def test_for_the_owner_alone(self) -> None:
        """Nobody else can read it, whatever the umask."""
        self.addCleanup(os.umask, os.umask(0))
        self.write()
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o600)

    def test_told(self) -> None:
        """How many rows are done is told as it goes."""
        told: list[int] = []
        archive.write(self.path, HEADER, BATCHES, told.append)
        self.assertEqual(told, [0, 2, 3, 3, 3, 3, 5])

    def test_overwrites_nothing(self) -> None:
        """What has the name already stays as it is, be it a file or a link that leads nowhere."""
        self.path.write_text("mine")
        self.assertRaises(BackupError, self.write)
        self.assertEqual(self.path.read_text(), "mine")
        self.path.unlink()
        self.path.symlink_to("nowhere")
        self.assertRaises(BackupError, self.write)
        self.assertEqual(os.listdir(self.folder), ["bank.backup"])

    def test_overwrites_nothing_that_came_meanwhile(self) -> None:
        """A file that got the name while the backup was written stays too."""

        def batches() -> Iterator[Batch]:
            yield from BATCHES
            self.path.write_text("mine")

        self.assertRaises(BackupError, archive.write, self.path, HEADER, batches(), silent)
        self.assertEqual(self.path.read_text(), "mine")
        self.assertEqual(os.listdir(self.folder), ["bank.backup"])

    def test_interrupted(self) -> None:
        """Whatever ends the writing leaves no file, also no draft."""

        def batches() -> Iterator[Batch]:
            yield BATCHES[0]
            raise KeyboardInterrupt

        self.assertRaises(KeyboardInterrupt, archive.write, self.path, HEADER, batches(), silent)
        self.assertEqual(os.listdir(self.folder), [])

    def test_full_disk(self) -> None:
        """A disk that cannot keep the file leaves none."""

        def full(_handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        self.patch(os, "fsync", full)
        self.assertRaises(OSError, self.write)
        self.assertEqual(os.listdir(self.folder), [])

    def test_no_folder(self) -> None:
        """A folder that there is not is named."""
        self.path = self.folder / "elsewhere" / "bank.backup"
        error = self.assertRaises(BackupError, self.write)
        self.assertEqual(str(error), f"{self.path.parent} is no folder that there is")


class Reading(ArchiveCase):
    """A file as it was written, and no other."""

    def test_as_written(self) -> None:
        """Header, tables and rows come back, and tables without rows are told of."""
        self.write()
        with archive.read(self.path) as found:
            self.assertEqual(found.header, HEADER)
            batches = list(found.batches(silent))
        rows = {name: [tuple(row) for b in batches if b.table == name for row in b.rows] for name in ("customers",)}
        self.assertEqual(rows["customers"], [(1, "Zoë €\n"), (2, None), (3, "[]")])
        self.assertEqual([b.table for b in batches if not b.rows], ["customers", "empty", "empty_too", "journal"])
        self.assertEqual([list(row) for row in batches[-1].rows], [[2**63 - 1, b"\0\xff"], [-(2**63), b""]])

    def test_in_stretches(self) -> None:
        """A large table comes in parts, and how many rows are done is told."""
        rows = [(number,) for number in range(2500)]
        archive.write(self.path, HEADER, [Batch("t", ("id",), ()), Batch("t", ("id",), rows)], silent)
        told: list[int] = []
        with archive.read(self.path) as found:
            batches = list(found.batches(told.append))
        self.assertEqual([len(batch.rows) for batch in batches], [0, 1000, 1000, 500])
        self.assertEqual(told, [1000, 2000, 2500])

    @given(st.data())
    def test_a_changed_octet(self, data: st.DataObject) -> None:
        """Whichever octet is changed, to whatever, the file is refused."""
        self.path.unlink(missing_ok=True)
        octets = bytearray(self.write())
        octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
        self.path.write_bytes(octets)
        self.refusal()

    @given(st.data())
    def test_cut_off(self, data: st.DataObject) -> None:
        """Wherever the file is cut off, it is refused."""
        self.path.unlink(missing_ok=True)
        octets = self.write()
        self.path.write_bytes(octets[: data.draw(st.integers(0, len(octets) - 1))])
        self.refusal()

    @given(st.binary(min_size=1))
    def test_more_than_was_written(self, more: bytes) -> None:
        """Whatever stands behind the seal, the file is refused."""
        self.path.unlink(missing_ok=True)
        self.path.write_bytes(self.write() + more)
        self.assertIn("checksum", self.refusal())

    def test_another_kind_of_file(self) -> None:
        """Text, nothing, another gzip, and JSON of another kind are no backups."""
        for octets in (b"", b"SQLite format 3\0", gzip.compress(b"hello\n"), gzip.compress(b"[]\n" * 9)):
            self.path.write_bytes(octets)
            self.assertEqual(self.refusal(), "this is no backup of a bank")
        self.forge({"format": "other"}, {"rows": {}})
        self.assertEqual(self.refusal(), "this is no backup of a bank")

    def test_newer_format(self) -> None:
        """A format of the future is named, whatever else is in it."""
        self.forge({"format": "bankd backup", "version": 2, "surprise": True})
        self.assertEqual(
            self.refusal(), "this is a backup in format 2, and this bankd knows 1; restore it with a newer one"
        )

    def test_missing_file(self) -> None:
        """A file that is not there is an error of the system's."""
        self.assertRaises(FileNotFoundError, self.read)

    def test_sealed_but_wrong(self) -> None:
        """Lines that no backup has are refused, also under a seal that is right."""
        header, table, trailer = LINES[0], LINES[1], LINES[-1]
        for lines, why in (
            ([{"format": "bankd backup", "version": 1}], "its first line is not that of a backup"),
            ([header], "its rows are not those that it counts"),
            ([header, table, [1, "a"]], "its rows are not those that it counts"),
            ([header, table, [1, "a"], trailer], "its rows are not those that it counts"),
            ([header, [1, "a"]], "its rows are not those that it counts"),
            ([header, {"table": "t", "columns": [1]}], "its rows are not those that it counts"),
            ([header, table, [1]], "a row of customers has 1 values"),
        ):
            self.forge(*lines)
            self.assertEqual(self.refusal(), why)
        packed = gzip.compress(json.dumps(header).encode() + b"\n{")
        self.path.write_bytes(packed + archive.seal(sha256(packed).hexdigest()))
        self.assertEqual(self.refusal(), "it holds what is no line of a backup")
