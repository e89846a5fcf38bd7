"""The file of checkpoints, who writes it, the keys beside it, and the sealing of a journal from before the chain."""

import fcntl
import os
import stat
from pathlib import Path
from typing import Any

from sqlalchemy import update
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from bankd import keyring, signing
from bankd.keyring import KeysMissing
from bankd.ledger import chain
from bankd.ledger.checkpoint import Checkpoint
from bankd.ledger.commands import Deposit, Transfer
from bankd.notary import Notary
from bankd.signing import Kind, PrivateKey
from bankd.store import audit, checkpoints, schema
from bankd.store.checkpoints import CheckpointFile, Line
from bankd.testing import AtOnce, Stepped
from tests.test_store import START_US, LedgerCase

KEY = PrivateKey(signing.new_key())


def checkpoint(entry: int) -> Checkpoint:
    """A checkpoint that names an entry."""
    return Checkpoint(START_US, entry, bytes(32), {"USD": -entry})


class FileCase(SynchronousTestCase):
    """A test with a file that is not there yet."""

    def setUp(self) -> None:
        self.file = CheckpointFile(Path(self.mktemp()))

    def add(self, *entries: int) -> None:
        """Add checkpoints."""
        for entry in entries:
            self.file.add(KEY, lambda entry=entry: checkpoint(entry))  # type: ignore[misc]

    def lines(self) -> list[Line]:
        """What is in the file."""
        return list(self.file.read(KEY))


class TheFile(FileCase):
    """Writing and reading it."""

    def test_in_order(self) -> None:
        """Checkpoints come back in order, numbered from 1; the file is for the owner alone, and only grows."""
        self.assertFalse(self.file.begun())
        self.add(1, 2)
        self.assertTrue(self.file.begun())
        before = self.file.path.read_bytes()
        self.add(3)
        self.assertTrue(self.file.path.read_bytes().startswith(before))
        self.assertEqual(self.lines(), [Line(number, checkpoint(number)) for number in (1, 2, 3)])
        self.assertEqual(stat.S_IMODE(self.file.path.stat().st_mode), 0o600)

    def test_torn(self) -> None:
        """A last line that was never finished is told to be so, wherever it was torn, and the next takes its place."""
        self.add(1, 2)
        whole = self.file.path.read_bytes()
        first = whole.index(b"\n") + 1
        for cut in (first + 1, first + 100, len(whole) - 1):
            self.file.path.write_bytes(whole[:cut])
            self.assertEqual(self.lines(), [Line(1, checkpoint(1)), Line(2, torn=True)])
        self.add(3)
        self.assertEqual(self.lines(), [Line(1, checkpoint(1)), Line(2, checkpoint(3))])

    def test_torn_first(self) -> None:
        """A file without a whole line begins anew; so does one with far more of a line than there ever is."""
        for torn in (b"", b"eyJ", b"x" * 9000):
            self.file.path.write_bytes(torn)
            self.assertFalse(self.file.begun())
            self.add(1)
            self.assertEqual(self.lines(), [Line(1, checkpoint(1))])
        self.file.path.write_bytes(self.file.path.read_bytes() + b"x" * 9000)
        self.add(2)
        self.assertEqual([line.number for line in self.lines() if line.checkpoint], [1, 2])

    def test_altered(self) -> None:
        """A line that was altered, is of another kind, or signed by somebody else is not believed; the others are."""
        self.add(1)
        other = PrivateKey(signing.new_key())
        for text in (
            KEY.sign(Kind.RECEIPT, checkpoint(2).claims()),
            KEY.sign(Kind.CHECKPOINT, {}),
            other.sign(Kind.CHECKPOINT, checkpoint(2).claims()),
            "checkpoint",
            "\x00é",
            "",
        ):
            self.file.path.write_bytes(self.file.path.read_bytes() + text.encode() + b"\n")
        self.add(3)
        lines = self.lines()
        self.assertEqual([line.number for line in lines if line.checkpoint], [1, 8])
        self.assertTrue(all(line.wrong for line in lines[1:-1]))

    def test_as_it_was(self) -> None:
        """Who began to read sees what there was then."""
        self.add(1)
        lines = self.file.read(KEY)
        self.add(2)
        self.assertEqual([line.number for line in lines], [1])

    def test_one_at_a_time(self) -> None:
        """A checkpoint is taken while nobody else can add one."""
        other = CheckpointFile(self.file.path)

        def take() -> Checkpoint:
            with other.path.open("rb") as file, self.assertRaises(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return checkpoint(1)

        self.file.add(KEY, take)

    def test_durable(self) -> None:
        """The line is flushed to the disk, and so is the name of a new file."""
        flushed: list[str] = []
        flush = os.fsync

        def note(handle: int) -> None:
            flushed.append(os.readlink(f"/proc/self/fd/{handle}"))
            flush(handle)

        self.patch(os, "fsync", note)
        self.add(1, 2)
        path = self.file.path.resolve()
        self.assertEqual(flushed, [str(path), str(path.parent), str(path)])

    def test_cannot_be_written(self) -> None:
        """A folder that is not there is an error."""
        self.assertRaises(OSError, CheckpointFile(self.file.path / "x").add, KEY, lambda: checkpoint(1))


class Sealing(LedgerCase):
    """Entries from before the chain, and checkpoints of what there is."""

    def test_take(self) -> None:
        """A checkpoint has the newest entry, its link and what each till holds, by the database's clock."""
        with self.store.reading() as connection:
            self.assertEqual(checkpoints.take(self.store, connection), Checkpoint(START_US, 0, chain.START, {"USD": 0}))
        self.add_till("EUR")
        self.ledger.deposit(10, 20)
        with self.store.reading() as connection:
            taken = checkpoints.take(self.store, connection)
            self.assertEqual(taken, Checkpoint(START_US, 2, taken.head, {"USD": -30, "EUR": 0}))
            self.assertEqual(list(audit.faults(connection, self.store.chain_key, [Line(1, taken)])), [])

    def test_seal(self) -> None:
        """Entries without a link get the one they would have had; those that have one keep it."""
        self.patch(checkpoints, "_STRETCH", 2)
        self.ledger.deposit(10, 20, 30, 40)
        with self.store.writing() as tx:
            self.assertEqual(checkpoints.seal(tx), 0)
            tx.connection.execute(update(schema.journal).values(hash=None))
            self.assertEqual(checkpoints.seal(tx), 4)
            self.assertEqual(checkpoints.seal(tx), 0)
            tx.connection.execute(update(schema.journal).where(schema.journal.c.id > 2).values(hash=None))
            self.assertEqual(checkpoints.seal(tx), 2)
        self.ledger.carry_out(self.ledger.command(Transfer, 3, "t", payee="A2"))
        with self.store.reading() as connection:
            self.assertEqual(list(audit.faults(connection, self.store.chain_key)), [])

    def test_an_unsealed_bank_takes_no_money(self) -> None:
        """Nothing is linked to an entry that has no link itself."""
        self.ledger.deposit(10)
        with self.store.writing() as tx:
            tx.connection.execute(update(schema.journal).values(hash=None))
        self.assertRaises(TypeError, self.ledger.carry_out, self.ledger.command(Deposit, 1, "k"))
        self.assertEqual(self.balance(self.ledger.one), 10)


class NotaryCase(LedgerCase):
    """A test with a notary, whose time and thread are the test's to move."""

    def setUp(self) -> None:
        super().setUp()
        self.file = CheckpointFile(Path(self.mktemp()))
        self.clock, self.pool = Clock(), Stepped()
        self.notary = Notary(self.file, KEY, self.store, self.pool, self.clock)

    def entries(self) -> list[int]:
        """The entries that the checkpoints name."""
        if not self.file.path.exists():
            return []
        return [line.checkpoint.entry for line in self.file.read(KEY) if line.checkpoint]

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and do what comes of it."""
        self.clock.advance(seconds)
        self.pool.drain()


class TheNotary(NotaryCase):
    """When checkpoints are taken."""

    def test_at_an_interval(self) -> None:
        """There is one after each interval with new entries, and none after one without."""
        self.notary.open(60)
        self.pass_time(59)
        self.assertEqual(self.entries(), [])
        self.ledger.deposit(10, 20)
        self.pass_time(1)
        self.assertEqual(self.entries(), [2])
        self.pass_time(60)
        self.assertEqual(self.entries(), [2])
        self.ledger.carry_out(self.ledger.command(Deposit, 1, "k"))
        self.pass_time(60)
        self.assertEqual(self.entries(), [2, 3])

    def test_at_the_end(self) -> None:
        """The last one says what the ledger came to, after one that was under way, and then there are no more."""
        self.notary.open(60)
        self.ledger.deposit(10)
        self.clock.advance(60)
        closed = Deferred.fromCoroutine(self.notary.close())
        self.pool.step()
        self.ledger.carry_out(self.ledger.command(Deposit, 1, "k"))
        self.assertNoResult(closed)
        self.pool.step()
        self.successResultOf(closed)
        self.assertEqual(self.entries(), [1, 2])
        self.assertEqual((self.clock.getDelayedCalls(), list(self.pool.waiting)), ([], []))

    def test_never_opened(self) -> None:
        """A notary that was never opened still signs at the end."""
        notary = Notary(self.file, KEY, self.store, AtOnce(), self.clock)
        self.successResultOf(Deferred.fromCoroutine(notary.close()))
        self.assertEqual(self.entries(), [0])

    def test_cannot_be_written(self) -> None:
        """A checkpoint that cannot be written is logged, and the next one is tried all the same."""
        self.notary.open(60)
        self.file.path.mkdir()
        self.pass_time(60)
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.file.path.rmdir()
        self.pass_time(60)
        self.assertEqual(self.entries(), [0])


class Keys(SynchronousTestCase):
    """The keys in the state folder."""

    def setUp(self) -> None:
        self.state = Path(self.mktemp())
        self.state.mkdir()

    def assertMissing(self, wanted: str, call: Any = keyring.load) -> None:
        """Fail unless the keys are told to be missing, in words that hold those wanted."""
        self.assertIn(wanted, str(self.assertRaises(KeysMissing, call, self.state)))

    def test_made_once(self) -> None:
        """Keys are made where there are none, each only for the owner but for the public one, and stay."""
        made = keyring.ensure(self.state)
        again = keyring.ensure(self.state)
        self.assertEqual((again.pepper, again.chain), (made.pepper, made.chain))
        self.assertEqual(again.signer.fingerprint, made.signer.fingerprint)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in self.state.iterdir()}
        self.assertEqual(modes, {"pepper": 0o600, "chain.key": 0o600, "receipts.key": 0o600, "receipts.pem": 0o644})
        self.assertEqual(keyring.public_key(self.state / "receipts.pem").fingerprint, made.signer.fingerprint)

    def test_the_public_key_follows(self) -> None:
        """A public key that is not the private one's is put right."""
        made = keyring.ensure(self.state)
        (self.state / "receipts.pem").write_bytes(signing.new_key())
        keyring.ensure(self.state)
        self.assertEqual((self.state / "receipts.pem").read_bytes(), made.signer.pem)

    def test_lost(self) -> None:
        """A key that something was made with is not made anew: the chain would break, and signatures be nobody's."""
        keyring.ensure(self.state)
        CheckpointFile(self.state / "checkpoints").add(KEY, lambda: checkpoint(0))
        for name in ("chain.key", "receipts.key"):
            lost = (self.state / name).read_bytes()
            (self.state / name).unlink()
            self.assertMissing(f"{name} is lost", keyring.ensure)
            self.assertMissing(f"no {self.state / name}")
            (self.state / name).write_bytes(lost)

    def test_not_whole(self) -> None:
        """A key that lost a part is told to have."""
        keyring.ensure(self.state)
        for name, wanted in (
            ("receipts.key", "receipts.key cannot be used"),
            ("chain.key", "chain.key is not whole"),
            ("pepper", "pepper is not whole"),
        ):
            (self.state / name).write_bytes((self.state / name).read_bytes()[:-1])
            if name == "receipts.key":
                (self.state / name).write_bytes(b"-----BEGIN")
            self.assertMissing(wanted)
        (self.state / "receipts.pem").write_bytes(b"")
        self.assertRaises(KeysMissing, keyring.public_key, self.state / "receipts.pem")

    def test_not_shown(self) -> None:
        """Keys are not shown where a keyring is."""
        keys = keyring.ensure(self.state)
        for secret in (keys.pepper, keys.chain):
            self.assertNotIn(repr(secret), repr(keys))
