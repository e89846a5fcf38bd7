"""Somebody between client and bank who has ended TLS: what they hear, and what comes of what they do.

The real bank, and the client's own way to it over real TLS. ``SESSIONS`` in the environment says how many sessions are
listened to: `make sealed SESSIONS=1000`.
"""

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from time import monotonic, time
from typing import Any, cast

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.internet.tcp import Client
from twisted.trial.unittest import TestCase

from bankd import codes
from bankd.client.address import Address
from bankd.client.bank import Bank as Conversation
from bankd.client.errors import Cause, InDoubt, Loss, LostBank, NoBank
from bankd.client.known_banks import introduced_by
from bankd.client.reach import reach, trust_from
from bankd.client.sealing import Extent, Sealing
from bankd.records import PublishedKeys
from bankd.signing import PrivateKey, new_key
from bankd.wire import codec, key_set, messages
from tests.sealing import bank_key
from tests.system.support import BIN, Customer, Done, SystemTestCase, run
from tests.system.wiretap import Wiretap

SESSIONS = int(os.environ.get("SESSIONS") or 50)


class TappedCase(SystemTestCase, TestCase):
    """A bank whose customers reach it by a line that is tapped."""

    timeout = 120 + SESSIONS

    def setUp(self) -> None:
        """Open the bank, and tap the line."""
        super().setUp()
        self.bank = self.open_bank()
        self.tap = Wiretap(self.bank)
        self.addCleanup(self.tap.close)
        self.trust = trust_from(self.bank.state / "ca.pem")
        self.introduced = introduced_by(str(self.bank.state / "receipts.pem"))
        self.random = random.Random(4)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.closed()))

    async def closed(self) -> None:
        """Wait until the client's end of every connection is closed."""
        from twisted.internet import reactor

        while any(isinstance(reader, Client) for reader in reactor.getReaders()):
            await deferLater(cast(IReactorTime, reactor), 0.01)

    async def reach(self, extent: Extent = Extent.SESSION) -> Conversation:
        """A conversation with the bank, by the line that is tapped."""
        from twisted.internet import reactor

        sealing = Sealing(extent, self.introduced)
        conversation = await reach(reactor, Address("localhost", self.tap.port), self.trust, sealing=sealing)
        self.addCleanup(conversation.close)
        return conversation

    async def log_in(self, customer: Customer, extent: Extent = Extent.SESSION) -> Conversation:
        """A session of a customer's."""
        conversation = await self.reach(extent)
        await conversation.log_in(messages.Login(account=customer.account, pin=customer.pin))
        return conversation

    async def balance(self, customer: Customer) -> int:
        """What a customer has."""
        conversation = await self.log_in(customer)
        balance = (await conversation.balance()).balance_minor
        await conversation.log_out()
        return int(balance)


class Listening(TappedCase):
    """What is heard."""

    async def test_no_secret_is_heard(self) -> None:
        """In many sessions no PIN, no password and no marked word goes by that can be read."""
        customers = self.bank.customers
        self.secrets: set[str] = set()
        self.canaries: set[str] = set()
        began = monotonic()
        shares = [range(start, SESSIONS, len(customers)) for start in range(len(customers))]
        await gatherResults(
            [
                Deferred.fromCoroutine(self.bank_on(customer, customers[0].account, share))
                for customer, share in zip(customers, shares, strict=True)
            ]
        )
        heard = self.tap.heard
        told = f"{self.tap.connections} connections, {len(heard)} octets heard, {monotonic() - began:.1f} s"
        print(f"\n{SESSIONS} sealed sessions: {told}, {len(self.secrets)} secrets", end=" ")
        self.assertEqual(self.tap.connections, SESSIONS)
        self.assertGreater(len(heard), SESSIONS * 1000)
        for secret in self.secrets:
            self.assertNotIn(secret.encode(), heard)
        self.assertNotIn(b"canary-sealed", heard)
        # What was not to be sealed shows that this would have been seen.
        self.assertTrue(all(canary.encode() in heard for canary in self.canaries))
        self.assert_right(self.bank)

    async def bank_on(self, customer: Customer, payee: str, numbers: range) -> None:
        """Sessions of one customer, one after another: log in one way or another, pay, change a secret, leave."""
        for number in numbers:
            extent = Extent.SECRETS if number % 5 == 4 else Extent.SESSION
            conversation = await self.reach(extent)
            await conversation.log_in(self.login(customer, number))
            canary = f"canary-{'open' if extent is Extent.SECRETS else 'sealed'}-{number}"
            if extent is Extent.SECRETS:
                self.canaries.add(canary)
            if customer.account != payee:
                await conversation.transfer(payee, 1, canary)
            await conversation.update_contact(name=canary)
            new = f"{self.random.randrange(10**11, 10**12)}"
            self.secrets |= {customer.password, new}
            await conversation.change(messages.ChangePin(new=new, password=customer.password))
            customer = replace(customer, pin=new)
            await conversation.log_out()

    def login(self, customer: Customer, number: int) -> messages.Login:
        """A log-in by one of the ways there are, once the PIN is a long one."""
        ways = (
            messages.Login(username=customer.username, password=customer.password),
            messages.Login(account=customer.account, pin=customer.pin),
            messages.Login(mobile=customer.mobile, pin=customer.pin),
        )
        return ways[number // 3 % 3]


class Meddling(TappedCase):
    """What comes of it when lines are changed."""

    async def test_altered_requests(self) -> None:
        """A request that is altered in any octet, sent twice, held back or swapped is not carried out."""
        alice, bob = self.bank.customers[:2]
        before = await self.balance(alice)
        for tried, meddle in enumerate(self.meddlings()):
            conversation = await self.log_in(alice)
            self.tap.meddle = meddle
            paid = conversation.transfer(bob.account, 1_00)
            with self.assertRaises((LostBank, InDoubt)):
                await paid
            self.tap.meddle = lambda _to, _number, line: [line]
            assert conversation.over is not None
            self.assertEqual((conversation.over.loss, conversation.over.warning), (Loss.ENDED, codes.BROKEN_SEAL))
            self.assertEqual(await self.balance(alice), before, tried)
        self.assert_right(self.bank)

    def meddlings(self) -> Iterator[Any]:
        """Ways to change the client's line: octets altered all over it, a line of one's own, and others' lines."""
        kept: list[bytes] = []

        def altered(place: float) -> Any:
            def meddle(to: str, _number: int, line: bytes) -> list[bytes]:
                at = int(place * (len(line) - 2))
                other = b"A" if line[at : at + 1] != b"A" else b"B"
                return [line[:at] + other + line[at + 1 :]] if to == "bank" else [line]

            return meddle

        def replayed(to: str, _number: int, line: bytes) -> list[bytes]:
            if to != "bank":
                return [line]
            kept.append(line)
            return [kept[0] if len(kept) > 1 else line[:-12] + b"\r\n"]

        yield from (altered(self.random.random()) for _ in range(12))
        yield lambda to, _number, line: [b"A" * 171 + b"\r\n", line] if to == "bank" else [line]
        yield lambda to, _number, line: [b"w WITHDRAW amount=100 currency=USD key=k\r\n"] if to == "bank" else [line]
        yield replayed
        yield replayed

    async def test_altered_log_in(self) -> None:
        """A sealed request that is altered, or replayed on another connection, logs nobody in."""
        alice = self.bank.customers[0]
        for extent in (Extent.SECRETS, Extent.SESSION):
            seals: list[bytes] = []

            def keep(to: str, _number: int, line: bytes, seals: list[bytes] = seals) -> list[bytes]:
                if b" SEALED " not in line:
                    return [line]
                seals.append(line)
                return [seals[0] if len(seals) > 1 else line]

            self.tap.meddle = keep
            await (await self.log_in(alice, extent)).log_out()
            with self.assertRaises((LostBank, NoBank)):
                await self.log_in(alice, extent)
            self.assertEqual(len(seals), 2)

            def alter(to: str, _number: int, line: bytes) -> list[bytes]:
                if b" SEALED " not in line:
                    return [line]
                at = self.random.randrange(20, len(line) - 2)
                other = b"A" if line[at : at + 1] != b"A" else b"B"
                return [line[:at] + other + line[at + 1 :]]

            self.tap.meddle = alter
            for _ in range(5):
                with self.assertRaises((LostBank, NoBank)):
                    await self.log_in(alice, extent)

    async def test_own_key(self) -> None:
        """A key of the meddler's own is refused, signed by whomever, before anything is sealed to it."""
        mallory, now = PrivateKey(new_key()), int(time())
        own = key_set.sign(mallory, "bankd", bank_key(), now, now + 172_800)
        for told, cause in (
            ({"keys": own}, Cause.BAD_KEYS),
            ({"keys": own, "identity": mallory.x}, Cause.OTHER_IDENTITY),
        ):
            self.tap.meddle = swap(**told)
            for extent in (Extent.SECRETS, Extent.SESSION):
                with self.assertRaises(NoBank) as caught:
                    await self.log_in(self.bank.customers[0], extent)
                self.assertEqual(caught.exception.cause, cause)
        self.assertNotIn(b"SEALED", self.tap.heard)


def swap(**others: str) -> Any:
    """Put other things in place of what the bank publishes."""

    def meddle(to: str, _number: int, line: bytes) -> list[bytes]:
        if to != "client" or b" keys=" not in line:
            return [line]
        fields = dict(codec.read_reply(line[:-2]).fields) | others
        return [codec.write_reply("a1", codes.DONE, codec.read_fields(PublishedKeys, fields)) + b"\r\n"]

    return meddle


class Program(TappedCase):
    """The program that people run."""

    def client(self, *options: str) -> Done:
        """Run it with a task, by the line that is tapped, for somebody who was told no identity."""
        alice = self.bank.customers[0]
        own = {"BANKD_SECRET": alice.password, "BANKD_IDENTITY": "", "XDG_DATA_HOME": str(self.folder / "data")}
        command = [str(BIN / "bankd-client"), "--login", "user:alice", "--task", "Check Balance", *options]
        return run(command, self.tap.environment | own, self.folder)

    def test_first_time_and_changed(self) -> None:
        """The first time the fingerprint is told; then nothing; and another identity is refused, with what to do."""
        fingerprint = self.introduced.fingerprint
        first, second = self.client(), self.client()
        self.assertEqual((first.status, second.status), (0, 0), (first.complaints, second.complaints))
        self.assertIn(fingerprint, first.complaints)
        self.assertEqual(second.complaints, "")
        mallory, now = PrivateKey(new_key()), int(time())
        own = key_set.sign(mallory, "bankd", bank_key(), now, now + 172_800)
        self.tap.meddle = swap(keys=own, identity=mallory.x)
        changed = self.client()
        self.assertEqual(changed.status, 3)
        for part in ("has changed", mallory.fingerprint, "known_banks"):
            self.assertIn(part, changed.complaints)
        self.assertNotIn(self.bank.customers[0].password.encode(), self.tap.heard)

    def test_shared_key(self) -> None:
        """A key that was shared beforehand is enough, whatever identity is shown."""
        self.assertEqual(
            self.bank.bankctl("key", "share", "till-1", "--out", str(self.folder / "till-1.jwk")).status, 0
        )
        mallory, now = PrivateKey(new_key()), int(time())
        self.tap.meddle = swap(keys=key_set.sign(mallory, "bankd", bank_key(), now, now + 60), identity=mallory.x)
        done = self.client("--shared-key", str(self.folder / "till-1.jwk"))
        self.assertEqual((done.status, done.complaints), (0, ""))
        self.assertNotIn(self.bank.customers[0].password.encode(), self.tap.heard)
        self.assertEqual(self.bank.bankctl("key", "revoke", "till-1").status, 0)
        self.assertEqual(self.client("--shared-key", str(self.folder / "till-1.jwk")).status, 3)
