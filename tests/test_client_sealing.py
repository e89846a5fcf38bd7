"""The client seals, and for whom: against a bank of its own, and somebody in between who does what they can."""

import json
import os
from pathlib import Path

from joserfc.jwk import OctKey
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.client import words
from bankd.client.address import Address
from bankd.client.bank import Bank
from bankd.client.conversation import Conversation
from bankd.client.errors import Cause, Loss, LostBank, NoBank
from bankd.client.keys import key_maker
from bankd.client.known_banks import Acquaintance, Introduced, KnownBanks, default_path, introduced_by
from bankd.client.sealing import OPEN, Extent, Sealing, shared_key
from bankd.records import Payee, PublishedKeys
from bankd.sealing_keys import DAY, shared_path
from bankd.signing import NotKey
from bankd.testing import PracticeBank
from bankd.wire import codec, key_set, messages
from bankd.wire.seal import NotSealingKey
from tests.middleman import Change, Middleman, as_it_is
from tests.sealing import bank_key, identity

ADDRESS = Address("bank.example", 1)


class ClientCase(SynchronousTestCase):
    """A bank with a customer, and a client who knows its identity."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.bank = PracticeBank(self.folder)
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice", deposit_minor=100_00)
        self.bob = self.bank.add_customer("bob")
        self.told: list[str] = []
        self.introduced = Introduced(self.bank.branch.signer.fingerprint)

    def reach(
        self,
        sealing: Sealing | None = None,
        to_bank: Change = as_it_is,
        to_client: Change = as_it_is,
    ) -> Deferred[Bank]:
        """The bank, reached through somebody in between."""
        conversation = Conversation(self.bank.clock)
        self.middle = Middleman(self.bank, conversation, to_bank, to_client)
        wanted = sealing or Sealing(Extent.SESSION, self.introduced)

        async def begin() -> Bank:
            greeting = await conversation.greeted
            await wanted.begin(conversation, ADDRESS, self.bank.clock.seconds(), self.told.append)
            return Bank(conversation, greeting, key_maker(self.bank.clock, os.urandom))

        return Deferred.fromCoroutine(begin())

    def log_in(self, bank: Bank) -> None:
        """Log alice in."""
        login = messages.Login(account=self.alice.account, pin=self.alice.pin)
        self.successResultOf(Deferred.fromCoroutine(bank.log_in(login)))

    def balance(self, bank: Bank) -> int:
        """What alice has."""
        return int(self.successResultOf(Deferred.fromCoroutine(bank.balance())).balance_minor)

    def assertNoBank(self, reached: Deferred[Bank], cause: Cause) -> NoBank:
        """There is no bank, for this cause, and the middleman saw nothing that was to be sealed."""
        error = self.failureResultOf(reached, NoBank).value
        assert isinstance(error, NoBank)
        self.assertEqual(error.cause, cause)
        self.assertNotIn("SEALED", " ".join(self.middle.seen))
        return error


class Sealed(ClientCase):
    """What goes by when all is well."""

    def work(self, bank: Bank) -> None:
        """Log in, pay, pay many, list and change the PIN."""
        self.log_in(bank)
        run = Deferred.fromCoroutine
        self.successResultOf(run(bank.transfer(self.bob.account, 1_00, "canary for bob")))
        self.successResultOf(run(bank.transfer_all([Payee(self.bob.account, 5, None)] * 3, together=True)))
        self.assertEqual(len(self.successResultOf(run(bank.statement())).lines), 5)
        self.successResultOf(run(bank.change(messages.ChangePin(new="791382", pin=self.alice.pin))))
        self.assertEqual(self.balance(bank), 98_85)
        self.successResultOf(run(bank.log_out()))

    def test_session(self) -> None:
        """In a sealed session the middleman sees the greeting, the keys, and nothing else that has a meaning."""
        self.work(self.successResultOf(self.reach()))
        seen = self.middle.seen
        self.assertEqual([line.split()[1] for line in seen[:4]], ["200", "KEYS", "200", "SEALED"])
        self.assertTrue(all(" " not in line for line in seen[4:]))
        self.assertGreater(len(seen), 20)

    def test_secrets(self) -> None:
        """With secrets alone sealed the middleman sees payments, and no PIN."""
        self.work(self.successResultOf(self.reach(Sealing(Extent.SECRETS, self.introduced))))
        seen = "\n".join(self.middle.seen)
        self.assertIn("canary", seen)
        self.assertNotIn(self.alice.pin, seen)
        self.assertNotIn("791382", seen)

    def test_off(self) -> None:
        """Without sealing everything is as it was, and nothing is asked beforehand."""
        self.work(self.successResultOf(self.reach(OPEN)))
        self.assertIn(self.alice.pin, self.middle.seen[1])

    def test_shared_key(self) -> None:
        """With a key shared beforehand nobody needs to know the bank's identity."""
        key = OctKey.generate_key(256)
        path = shared_path(self.folder, "till-1")
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({**key.as_dict(), "kid": "till-1"}))
        sealing = Sealing(Extent.SESSION, Introduced("0" * 64), shared_key(path))
        self.work(self.successResultOf(self.reach(sealing)))
        self.assertNotIn(self.alice.pin, "\n".join(self.middle.seen))

    def test_each_session_has_another_secret(self) -> None:
        """The same requests in two sessions look different."""
        for _ in range(2):
            self.log_in(self.successResultOf(self.reach()))
            last = self.middle.seen[-2]
            self.middle.loseConnection()
            self.assertNotEqual(last, getattr(self, "before", None))
            self.before = last

    def test_too_long_by_itself(self) -> None:
        """What does not fit into one seal is not sent in the clear either."""
        bank = self.successResultOf(self.reach(Sealing(Extent.SECRETS, self.introduced)))
        long = messages.SignUp(
            username="zoe", password="\U0001f3e6" * 128, mobile="+12025550000", name="\U0001f3e6" * 100, email="a@b"
        )
        signed_up = Deferred.fromCoroutine(bank.sign_up(long))
        lost = self.failureResultOf(signed_up, LostBank).value
        assert isinstance(lost, LostBank)
        self.assertIs(lost.loss, Loss.TOO_LONG)
        self.assertNotIn("zoe", "\n".join(self.middle.seen))
        self.assertIn("--seal session", words.lost(lost))


class Attacks(ClientCase):
    """What somebody in between tries, and how far they get."""

    def assertRefused(self, change: Change, loss: Loss, code: codes.Code | None, inward: bool) -> None:
        """``change``, made to the lines of a session in one direction, ends it and moves no money."""
        bank = self.successResultOf(self.reach(to_client=change) if inward else self.reach(to_bank=change))
        self.log_in(bank)
        self.armed = True
        paid = Deferred.fromCoroutine(bank.transfer(self.bob.account, 1_00))
        self.failureResultOf(paid)
        self.armed = False
        assert bank.over is not None
        self.assertEqual((bank.over.loss, bank.over.warning), (loss, code))
        self.assertEqual(self.bank.faults(), [])

    def armed_only(self, change: Change) -> Change:
        """``change`` once the session is open."""
        self.armed = False
        return lambda line: change(line) if self.armed else [line]

    def test_altered_request(self) -> None:
        """A line to the bank with any octet altered is refused by it, and it says so under seal."""
        for place in (0, 1, 50, -1):

            def alter(line: str, place: int = place) -> list[str]:
                other = "A" if line[place] != "A" else "B"
                return [line[:place] + other + line[place:][1:]]

            self.assertRefused(self.armed_only(alter), Loss.ENDED, codes.BROKEN_SEAL, inward=False)
        self.assertEqual(self.money(), (100_00, 0))

    def test_replayed_request(self) -> None:
        """A payment that is sent twice is made once; the second closes the connection."""
        self.assertRefused(self.armed_only(lambda line: ["A" * 107, line]), Loss.ENDED, codes.BROKEN_SEAL, inward=False)
        self.assertEqual(self.money(), (100_00, 0))
        bank = self.successResultOf(self.reach(to_bank=self.armed_only(lambda line: [line, line])))
        self.log_in(bank)
        self.armed = True
        self.successResultOf(Deferred.fromCoroutine(bank.transfer(self.bob.account, 1_00)))
        self.assertIsNotNone(bank.over)
        self.assertEqual(self.money(), (99_00, 1_00))

    def test_answers(self) -> None:
        """An answer that is altered, repeated, left out, or made up is not believed."""
        changes: list[Change] = [
            lambda line: ["B" + line[1:] if line[0] != "B" else "C" + line[1:]],
            lambda line: ["a4 200 receipt=1"],
            lambda line: ["* 503 reason=stopping"],
            lambda line: ["A" * 107],
            lambda line: [line[:-4]],
        ]
        for change in changes:
            self.assertRefused(self.armed_only(change), Loss.BROKEN_SEAL, None, inward=True)

    def test_sent_back(self) -> None:
        """A request that is sent back to the client is no answer."""
        sent: list[str] = []

        def note(line: str) -> list[str]:
            sent.append(line)
            return [line]

        echo: Change = lambda line: [sent.pop()] if sent else [line]  # noqa: E731
        bank = self.successResultOf(self.reach(to_bank=self.armed_only(note), to_client=echo))
        self.log_in(bank)
        self.armed = True
        self.failureResultOf(Deferred.fromCoroutine(bank.balance()), LostBank)

    def test_own_key(self) -> None:
        """A key of the middleman's own is refused, however it is offered, before anything is sealed to it."""
        now = int(self.bank.clock.seconds())
        mallory = identity(7)
        forged = key_set.sign(mallory, "Practice Bank", bank_key(), now, now + 2 * DAY)

        def swapped(**others: str) -> Change:
            def change(line: str) -> list[str]:
                if " keys=" not in line:
                    return [line]
                fields = dict(codec.read_reply(line.encode()).fields) | others
                return [codec.write_reply("a1", codes.DONE, codec.read_fields(PublishedKeys, fields)).decode()]

            return change

        self.assertNoBank(self.reach(to_client=swapped(keys=forged)), Cause.BAD_KEYS)
        reached = self.reach(to_client=swapped(keys=forged, identity=mallory.x))
        self.assertIn(mallory.fingerprint, words.no_bank(self.assertNoBank(reached, Cause.OTHER_IDENTITY)))
        self.assertNoBank(self.reach(to_client=swapped(identity=mallory.x)), Cause.OTHER_IDENTITY)
        self.assertNoBank(self.reach(to_client=swapped(identity="A" * 42 + "B")), Cause.BAD_KEYS)

    def test_altered_keys(self) -> None:
        """A set of keys with any octet altered is refused."""

        def altered(place: int) -> Change:
            def alter(line: str) -> list[str]:
                before, keys, after = line.partition(" keys=")
                if not keys:
                    return [line]
                at = place % after.index(" ")
                return [before + keys + after[:at] + ("A" if after[at] != "A" else "B") + after[at + 1 :]]

            return alter

        for place in range(0, 1400, 31):
            self.assertNoBank(self.reach(to_client=altered(place)), Cause.BAD_KEYS)

    def test_old_keys(self) -> None:
        """A set of keys whose time has passed, or has not come, is refused."""
        sealing = Sealing(Extent.SESSION, self.introduced)
        (kept,) = (line for line in self.seen_of(sealing) if " keys=" in line)
        old = kept.partition(" keys=")[2].split(" ")[0]

        def change(line: str) -> list[str]:
            return [line.replace(line.partition(" keys=")[2].split(" ")[0], old)] if " keys=" in line else [line]

        self.bank.clock.advance(2 * DAY)
        self.assertNoBank(self.reach(to_client=change), Cause.BAD_KEYS)

    def seen_of(self, sealing: Sealing) -> list[str]:
        """What goes by of a conversation that is only begun."""
        self.successResultOf(self.reach(sealing))
        return list(self.middle.seen)

    def test_downgrade(self) -> None:
        """A bank that is said not to seal, or not to open the seal, is told nothing in the clear."""
        refusals: list[tuple[str, Cause]] = [
            ("a1 400 reason=verb", Cause.NOT_SEALING),
            ("a1 503 reason=busy", Cause.TURNED_AWAY),
            ("a1 200", Cause.BAD_KEYS),
        ]
        for answer, cause in refusals:
            self.assertNoBank(self.reach(to_client=self.instead_of("a1 ", answer)), cause)
        for answer in ("a2 200", "a2 - x=1", "* 200 protocol=BANK/1 bank=x currency=USD"):
            reached = self.reach(to_bank=lambda line: [line], to_client=self.after_keys(answer))
            self.assertIs(self.loss_of(reached), Loss.BROKEN_SEAL)
        reached = self.reach(to_client=self.after_keys("* 400 reason=seal"))
        self.middle.loseConnection()
        self.assertIs(self.loss_of(reached), Loss.ENDED)
        reached = self.reach(to_client=self.after_keys("a2 503 reason=busy"))
        error = self.failureResultOf(reached, NoBank).value
        assert isinstance(error, NoBank)
        self.assertEqual((error.cause, error.warning), (Cause.TURNED_AWAY, codes.BUSY))

    def instead_of(self, start: str, answer: str) -> Change:
        """``answer`` in place of what begins so."""
        return lambda line: [answer] if line.startswith(start) else [line]

    def after_keys(self, answer: str) -> Change:
        """``answer`` in place of the first sealed line."""
        return lambda line: [line] if " " in line else [answer]

    def loss_of(self, reached: Deferred[Bank]) -> Loss:
        """How it ended."""
        lost = self.failureResultOf(reached, LostBank).value
        assert isinstance(lost, LostBank)
        return lost.loss

    def money(self) -> tuple[int, int]:
        """What alice and bob have."""
        found = []
        for known in (self.alice, self.bob):
            wire = self.bank.log_in(known)
            found.append(int(codec.read_reply(wire.ask("a BALANCE")[0].encode()).fields["balance"]))
            wire.ask("b LOGOUT")
        return found[0], found[1]


class Acquaintances(ClientCase):
    """How the client knows who the bank is."""

    def known(self) -> Path:
        """The file of known banks."""
        return self.folder / "share" / "bankd" / "known_banks"

    def meet(self, bank: Acquaintance | None = None) -> Deferred[Bank]:
        """Reach a bank whose identity was not given."""
        return self.reach(Sealing(Extent.SESSION, bank or KnownBanks(self.known())))

    def test_first_time(self) -> None:
        """The first time the fingerprint is told and remembered; after that nothing is said."""
        fingerprint = self.bank.branch.signer.fingerprint
        self.successResultOf(self.meet())
        (told,) = self.told
        self.assertIn(f"\n  {fingerprint}\n", told)
        self.assertIn(str(ADDRESS), told)
        self.successResultOf(self.meet())
        self.assertEqual(len(self.told), 1)
        self.assertEqual(self.known().stat().st_mode & 0o777, 0o600)
        self.assertEqual(self.known().read_text().splitlines()[1:], [f"{ADDRESS} {self.bank.branch.signer.x}"])

    def test_changed(self) -> None:
        """An identity that has changed is refused, with what to do; other banks' lines do not matter."""
        self.known().parent.mkdir(parents=True)
        self.known().write_text(f"# mine\nelse:1 {identity(2).x}\n\n{ADDRESS} {identity(1).x}\n")
        error = self.assertNoBank(self.meet(), Cause.CHANGED_IDENTITY)
        said = words.no_bank(error)
        for part in (self.bank.branch.signer.fingerprint, str(self.known()), str(ADDRESS)):
            self.assertIn(part, said)
        self.assertEqual(self.told, [])
        self.assertEqual(words.waiting(error), words.NOT_THE_BANK)

    def test_broken_line(self) -> None:
        """Where a line is not whole nobody is believed: it could be this bank's, which would pass for a new one."""
        self.known().parent.mkdir(parents=True)
        for line in (str(ADDRESS), f"{ADDRESS} {identity(1).x} of mine"):
            self.known().write_text(f"# mine\n{line}\n")
            self.assertNoBank(self.meet(), Cause.UNREADABLE_BANKS)

    def test_not_remembered_unless_proved(self) -> None:
        """An identity without a signature of its own is not remembered."""
        mine, other = self.bank.branch.signer.x, identity(1).x
        sealing = Sealing(Extent.SESSION, KnownBanks(self.known()))
        reached = self.reach(sealing, to_client=lambda line: [line.replace(mine, other)])
        self.assertNoBank(reached, Cause.BAD_KEYS)
        self.assertFalse(self.known().exists())

    def test_file_that_cannot_be_used(self) -> None:
        """Where the file cannot be read nobody is believed; where it cannot be written that is said."""
        self.known().mkdir(parents=True)
        self.assertNoBank(self.meet(), Cause.UNREADABLE_BANKS)
        nowhere = KnownBanks(Path("/proc/nowhere/known_banks"))
        self.successResultOf(self.meet(nowhere))
        self.assertIn("cannot be remembered", self.told[-1])

    def test_introduced(self) -> None:
        """An identity is given as a file, or as its fingerprint in either case, with colons or without."""
        signer = self.bank.branch.signer
        (self.folder / "receipts.pem").write_bytes(signer.pem)
        for text in (str(self.folder / "receipts.pem"), signer.fingerprint, signer.fingerprint.upper()):
            self.assertEqual(introduced_by(text), self.introduced)
        (self.folder / "other").write_text("no key")
        self.assertRaises(NotKey, introduced_by, str(self.folder / "other"))
        self.assertRaises(OSError, introduced_by, signer.fingerprint[:-1])

    def test_where(self) -> None:
        """Known banks are where the environment says, or below the home folder."""
        self.assertEqual(default_path({"XDG_DATA_HOME": "/data"}), Path("/data/bankd/known_banks"))
        for environment in ({}, {"XDG_DATA_HOME": ""}, {"XDG_DATA_HOME": "relative"}):
            self.assertEqual(default_path(environment), Path.home() / ".local/share/bankd/known_banks")

    def test_shared_key_file(self) -> None:
        """A file with a shared key is read, and any other is refused."""
        path = self.folder / "key"
        for text in ("", "{}", json.dumps({**bank_key().key.as_dict(), "kid": "k"})):
            path.write_text(text)
            self.assertRaises(NotSealingKey, shared_key, path)
        self.assertRaises(OSError, shared_key, self.folder / "none")
