"""Ways out for events: what goes out, in which order, how often, and what becomes of it when something fails."""

import json
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from bankd import codes
from bankd.bank import broadcasts, payments, preferences
from bankd.codes import Refused
from bankd.delivery.post import Postage
from bankd.forwarding import email
from bankd.forwarding.email import Email, letter
from bankd.forwarding.hiring import hire_forwarders
from bankd.forwarding.pump import MOST_PAUSE_SECONDS, MOST_TRIES, Pump
from bankd.forwarding.webhook import Webhook
from bankd.happenings import Happening
from bankd.ibank import NotDelivered
from bankd.idelivery import Unusable
from bankd.iforwarding import IForwarder, IForwarding
from bankd.ledger.commands import Transfer
from bankd.notices import Notice, NoticeKind
from bankd.records import Contact, Session, Welcome
from bankd.store import forwarding, outbox, schema
from bankd.store.operators import Deed, OperatorRow
from bankd.testing import Known, PracticeBank
from bankd.wire.roles import Role
from tests.databases import DatabaseCase, on_every_engine

SECONDS = 20.0


@implementer(IForwarder)
class Pigeons:
    """A way out that keeps what it took; ``flies`` is what becomes of what it is sent next, and of all after that."""

    def __init__(self, to_customers: bool = False) -> None:
        self.to_customers = to_customers
        self.taken: list[Happening] = []
        self.tried = 0
        self.closed = False
        self.flies: Any = lambda: succeed(None)

    def send(self, happening: Happening) -> Deferred[None]:
        """Try to take it."""
        self.tried += 1
        flown: Deferred[None] = self.flies()
        return flown.addCallback(lambda _: self.taken.append(happening))

    def close(self) -> None:
        """Fly no more."""
        self.closed = True


class ForwardingCase(DatabaseCase):
    """A bank with Alice and Bob, who have a hundred dollars each, and one way out to where pigeons fly."""

    to_customers = False

    def setUp(self) -> None:
        self.bank = PracticeBank(url=self.database())
        self.addCleanup(self.bank.close)
        self.alice, self.bob = (self.bank.add_customer(name, deposit_minor=100_00) for name in ("alice", "bob"))
        self.pigeons = Pigeons(self.to_customers)
        self.pump = self.begin()
        self.keys = 0

    def begin(self, name: str = "pigeon", pigeons: Pigeons | None = None) -> Pump:
        """A pump, begun."""
        bank = self.bank
        pump = Pump(name, pigeons or self.pigeons, bank.lane, bank.branch.read, bank.clock, SECONDS)
        pump.begin()
        self.addCleanup(self.end, pump)
        return pump

    def end(self, pump: Pump) -> None:
        """Close a pump."""
        self.successResultOf(Deferred.fromCoroutine(pump.close()))

    def pay(self, amount_minor: int = 500, reference: str | None = None) -> None:
        """Alice pays Bob."""
        self.keys += 1
        order = Transfer(
            customer_id=self.alice.customer_id,
            account_id=self.alice.account_id,
            fence=None,
            key=f"k{self.keys}",
            amount_minor=amount_minor,
            currency="USD",
            payee=self.bob.account,
            reference=reference,
        )
        self.bank.run(lambda tx: payments.apply(tx, [order]))

    def note(self, known: Known, kind: NoticeKind = NoticeKind.SECRET) -> None:
        """Something that moves no money happens."""
        self.bank.run(lambda tx: outbox.add(tx, known.account_id, kind))

    def wait(self, seconds: float = 1) -> None:
        """Let time pass."""
        self.bank.clock.advance(seconds)

    def taken(self, pigeons: Pigeons | None = None) -> list[str]:
        """What was taken: whose, which number, of what kind."""
        names = {self.alice.account: "alice", self.bob.account: "bob"}
        found = (pigeons or self.pigeons).taken
        return [f"{names[each.account]} {each.notice.number} {each.notice.kind}" for each in found]

    def way(self) -> forwarding.Way:
        """Where the way stands."""
        with self.bank.store.reading() as connection:
            return next(way for way in forwarding.ways(connection) if way.name == "pigeon")


@on_every_engine
class GoingOut(ForwardingCase):
    """Everything that happens goes out once, in order."""

    def test_in_order(self) -> None:
        """Both sides of an entry, and what moved no money, in the order in which it happened; nothing from before."""
        self.pay(reference="Rent")
        self.note(self.alice)
        self.bank.clock.advance(0.01)
        self.pay()
        self.wait()
        paid = ["alice 2 paid", "bob 2 received", "alice 3 secret", "alice 4 paid", "bob 3 received"]
        self.assertEqual(self.taken(), paid)
        first = self.pigeons.taken[0]
        self.assertEqual(
            first.as_json()["data"],
            {
                "account": self.alice.account,
                "number": 2,
                "kind": "paid",
                "amount": -500,
                "balance": 9500,
                "currency": "USD",
                "counterparty": self.bob.account,
                "reference": "Rent",
            },
        )
        self.assertEqual(first.as_json()["type"], "account.paid")
        self.wait(5)
        self.assertEqual(len(self.taken()), 5)

    def test_tills(self) -> None:
        """The bank's own side of an entry goes to nobody, and is no counterparty."""
        self.bank.run(lambda tx: payments.apply(tx, [self.bank.deposit(self.alice, 700, "d")]))
        self.wait()
        self.assertEqual(self.taken(), ["alice 2 deposit"])
        self.assertIsNone(self.pigeons.taken[0].notice.counterparty)

    def test_words(self) -> None:
        """A broadcast has its words, and goes out for every account."""
        operator, said = OperatorRow(1, "ben", Role.ADMINISTRATOR), "Closed on Sunday"
        self.bank.run(lambda tx: broadcasts.begin(tx, operator, said, "k", Deed("broadcast")))
        self.bank.make_rounds()
        self.wait()
        self.assertEqual(self.taken(), ["alice 2 broadcast", "bob 2 broadcast"])
        self.assertEqual(self.pigeons.taken[0].as_json()["data"]["words"], said)

    def test_in_one_transaction(self) -> None:
        """What one transaction makes of one account goes out by its numbers."""

        def both(tx: Any) -> None:
            outbox.add(tx, self.alice.account_id, NoticeKind.CONTACT)
            payments.apply(tx, [self.bank.deposit(self.alice, 700, "d")])
            outbox.add(tx, self.alice.account_id, NoticeKind.UNUSUAL)

        self.bank.run(both)
        self.wait()
        self.assertEqual(self.taken(), ["alice 2 contact", "alice 3 deposit", "alice 4 unusual"])

    def test_pages(self) -> None:
        """Where one queue is longer than a page nothing is overtaken."""
        self.patch(forwarding, "PAGE", 2)
        for _ in range(3):
            self.pay(1)
        self.bank.clock.advance(0.01)
        for _ in range(5):
            self.note(self.bob)
        self.bank.clock.advance(0.01)
        self.pay(1)
        self.wait(5)
        numbers = [each.notice.number for each in self.pigeons.taken if each.account == self.bob.account]
        self.assertEqual(numbers, list(range(2, 11)))
        self.assertEqual(len(self.taken()), 13)

    def test_ids_follow_commits(self) -> None:
        """Notices are numbered for the whole bank, in the order in which they came."""
        for known in (self.bob, self.alice, self.bob):
            self.note(known)
        table = schema.notices.c
        with self.bank.store.reading() as connection:
            rows = connection.execute(select(table.account_id).order_by(table.id)).scalars()
            found = [self.bob.account_id, self.alice.account_id, self.bob.account_id]
            self.assertEqual(list(rows), found)


class Failing(ForwardingCase):
    """What cannot be handed over waits, and is told."""

    def setUp(self) -> None:
        super().setUp()
        self.events: list[LogEvent] = []
        observer: Any = self.events.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def fail(self, why: str = "the loft is closed", transient: bool = True) -> None:  # type: ignore[override]
        """Let nothing fly from now on."""
        self.pigeons.flies = lambda: fail(NotDelivered(why, transient))

    def test_tried_again(self) -> None:
        """It is tried again with pauses that double, up to a longest one, and goes on where it was."""
        self.fail(transient=False)
        self.pay()
        self.pay()
        self.wait()
        for seconds in (1, 2, 4, 8, 16, 32, 64, 128, 256, MOST_PAUSE_SECONDS, MOST_PAUSE_SECONDS):
            before = self.pigeons.tried
            self.wait(seconds - 0.5)
            self.assertEqual(self.pigeons.tried, before, seconds)
            self.wait(0.5)
            self.assertEqual(self.pigeons.tried, before + 1, seconds)
        self.assertEqual((self.way().failure, self.taken()), ("the loft is closed", []))
        self.pigeons.flies = lambda: succeed(None)
        self.wait(MOST_PAUSE_SECONDS)
        self.assertEqual(self.taken(), ["alice 2 paid", "bob 2 received", "alice 3 paid", "bob 3 received"])
        way = self.way()
        self.assertEqual((way.failure, way.failed_us, way.given_up), (None, None, 0))
        said = [formatEvent(event) for event in self.events if "pigeon" in formatEvent(event)]
        self.assertEqual(said, ["events wait for pigeon: the loft is closed", "events go out by pigeon again"])

    def test_others_go_on(self) -> None:
        """A destination that is dead, or never answers, holds up no other, nor the bank."""
        others = Pigeons()
        self.begin("raven", others)
        self.pigeons.flies = Deferred
        self.pay()
        self.wait()
        self.pay()
        self.wait()
        self.assertEqual((len(self.taken()), len(self.taken(others))), (0, 4))
        self.wait(SECONDS)
        self.assertIn("it was not done within 20.0 seconds", str(self.way().failure))

    def test_fault(self) -> None:
        """A way that does what it must not is one that failed; its words, which may quote the event, are not told."""
        self.pigeons.flies = lambda: fail(ValueError("canary"))
        self.pay()
        self.wait()
        self.assertIn("a fault of the delivery: ValueError", str(self.way().failure))
        self.assertNotIn("canary", str(self.way().failure))

    def test_restart(self) -> None:
        """A bank that is stopped keeps where it was; one that was killed sends again what it sent last, and no more."""
        self.pay()
        self.wait()
        self.fail()
        self.pay()
        self.wait()
        self.end(self.pump)
        self.assertEqual(len(self.taken()), 2)
        self.pigeons.flies = lambda: succeed(None)
        self.begin()
        self.assertEqual(self.taken()[2:], ["alice 3 paid", "bob 3 received"])

    def test_killed(self) -> None:
        """What was not kept as sent goes out again, under the same id."""
        with self.bank.store.reading() as connection:
            before = forwarding.ways(connection)[0]
        self.pay()
        self.wait()
        with self.bank.store.writing() as tx:
            forwarding.keep(tx, before)
        again = Pigeons()
        self.begin("pigeon", again)
        self.assertEqual([each.id for each in again.taken], [each.id for each in self.pigeons.taken])
        self.assertEqual(again.taken[0].id, f"{self.alice.account}_2")

    def test_stopped_between(self) -> None:
        """A bank that is stopped in the middle of a page begins behind the last step that was done."""
        for _ in range(2):
            self.pay()
        flown: list[Deferred[None]] = [succeed(None), succeed(None), Deferred()]
        self.pigeons.flies = lambda: flown.pop(0)
        self.wait()
        self.end(self.pump)
        again = Pigeons()
        self.begin("pigeon", again)
        self.assertEqual(self.taken(again), ["alice 3 paid", "bob 3 received"])

    def test_database_fails(self) -> None:
        """While the database fails nothing goes out, and it goes on by itself afterwards."""
        real = self.bank.branch.reading
        self.patch(self.bank.branch, "reading", _busy)
        self.pay()
        self.wait()
        self.patch(self.bank.branch, "reading", real)
        self.wait()
        self.assertEqual(len(self.taken()), 2)

    def test_bug(self) -> None:
        """A fault of the bank's own is logged; the bank goes on, and after a while so does this way."""
        real = forwarding.following
        self.patch(forwarding, "following", _failing)
        self.wait()
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)
        self.pay()
        self.patch(forwarding, "following", real)
        self.wait(MOST_PAUSE_SECONDS)
        self.assertEqual(len(self.taken()), 2)


class ToCustomers(ForwardingCase):
    """What goes to customers heeds what they chose, and does not wait for ever."""

    to_customers = True

    def session(self, known: Known) -> Session:
        """A session of a customer."""
        return Session(known.customer_id, known.account_id, 1, False, Welcome(known.account, "USD", 30))

    def test_preferences(self) -> None:
        """Of what a customer does not want to be told nothing is sent; the others are told."""
        self.bank.run(lambda tx: preferences.choose(tx, self.session(self.bob), "received", None))
        self.pay()
        self.wait()
        self.assertEqual(self.taken(), ["bob 2 preferences", "alice 2 paid"])

    def test_given_up(self) -> None:
        """What will never be taken is given up at once, what is not taken for now after some tries."""
        flown = [NotDelivered("no such address"), *[NotDelivered("not now", transient=True)] * MOST_TRIES]
        self.pigeons.flies = lambda: fail(flown.pop(0)) if flown else succeed(None)
        self.pay()
        self.pay()
        self.wait()
        for _ in range(MOST_TRIES):
            self.wait(128)
        self.assertEqual(self.taken(), ["alice 3 paid", "bob 3 received"])
        self.assertEqual((self.way().given_up, self.way().failure), (2, None))


def _busy() -> Any:
    raise Refused(codes.BUSY)


def _failing(*_arguments: Any) -> Any:
    raise OSError("no")


class Ways(SynchronousTestCase):
    """The ways that come with bankd."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1614265330)
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def file(self, text: str) -> Path:
        """A file that holds ``text``."""
        path = self.folder / "secret"
        path.write_text(text)
        return path

    def webhook(self, **changes: Any) -> Webhook:
        """A webhook with these settings."""
        secret = self.file("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n")
        return Webhook({"url": "https://x.example/", "secret_file": secret, "ca_file": None} | changes, self.clock)

    def test_contracts(self) -> None:
        """Each is a plugin that makes a forwarder."""
        found = {plugin.name: plugin for plugin in getPlugins(IForwarding)}
        self.assertEqual({*found}, {"webhook", "mqtt", "email"})
        for plugin in found.values():
            verifyObject(IForwarding, plugin)
        verifyObject(IForwarder, self.webhook())
        self.assertEqual((found["webhook"].section, found["email"].section), ("webhook", "smtp"))

    def test_signature(self) -> None:
        """Events are signed as the specification's own example is."""
        headers = self.webhook().headers("msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}')
        self.assertEqual(headers["webhook-timestamp"], "1614265330")
        self.assertEqual(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")

    def test_unusable(self) -> None:
        """Settings that will not do are told of, and no secret is in what is told."""
        for octets in (23, 65):
            error = self.assertRaises(Unusable, self.webhook, secret_file=self._file(octets))
            self.assertNotIn("Y2Nj", str(error))
        self.assertRaises(Unusable, self.webhook, secret_file=None)
        self.assertRaises(Unusable, self.webhook, url="http://bank.example/")
        self.assertRaises(Unusable, self.webhook, url="https://user:canary@bank.example/")

    def _file(self, octets: int) -> Path:
        path = self.folder / f"secret{octets}"
        path.write_text(b64encode(b"c" * octets).decode())
        return path

    def test_hired(self) -> None:
        """Ways are made in the order of the settings; one that there is not, or that will not do, stops the start."""
        secret = self.file(b64encode(b"c" * 32).decode())
        section = {"url": "http://localhost/", "secret_file": secret, "ca_file": None}
        [(name, made)] = hire_forwarders(Postage(events=("webhook",), sections={"webhook": section}), self.clock)
        self.assertEqual((name, type(made)), ("webhook", Webhook))
        for events, sections, complaint in (
            (("raven",), {}, "[delivery] events: there is no way out 'raven'; there are email, mqtt, webhook"),
            (("webhook",), {"webhook": section | {"secret_file": None}}, "[webhook] secret_file: it takes the file"),
            (
                ("webhook",),
                {"webhook": section | {"secret_file": Path("/no")}},
                "[webhook] /no: No such file",
            ),
        ):
            asked: Mapping[str, Any] = sections
            error = self.assertRaises(Unusable, hire_forwarders, Postage(events=events, sections=asked), self.clock)
            self.assertTrue(str(error).startswith(complaint), error)

    def test_email(self) -> None:
        """A mail says of what kind it is, and which account by its last digits; no amount and no name."""
        told = Notice(7, "paid", 0, -2500, 97500, "USD", "10000059", "Rent")
        parcel = letter(Happening("10000042", told))
        self.assertEqual(parcel.subject, "A payment left your account")
        self.assertIn("Account ending in 0042, 1970-01-01 00:00 UTC.", parcel.text)
        for canary in ("10000042", "10000059", "Rent", "25", "975"):
            self.assertNotIn(canary, parcel.subject + parcel.text)
        said = letter(Happening("10000042", Notice(8, "broadcast", 0, words="Closed on Sunday")))
        self.assertIn("It says: Closed on Sunday", said.text)
        self.assertEqual(letter(Happening("1", Notice(1, "new", 0))).subject, email.NEWS)
        self.assertEqual({*email.SUBJECTS}, {*NoticeKind})

    def test_no_address(self) -> None:
        """Who has no e-mail address, or an odd one, is passed over."""
        settings = {"host": "localhost", "port": 25, "security": "none", "from": "b@example.org", "user": ""}
        mail = Email(settings | {"password_file": None, "ca_file": None}, self.clock)
        verifyObject(IForwarder, mail)
        for address in (None, '"x y"@example.org'):
            event = Happening("1", Notice(1, "paid", 0), Contact(None, None, address))
            self.successResultOf(mail.send(event))
        self.assertTrue(mail.to_customers)

    def test_json(self) -> None:
        """What there is not is left out."""
        told = json.dumps(Happening("7", Notice(1, "secret", 0)).as_json())
        self.assertEqual(
            told,
            '{"type": "account.secret", "timestamp": "1970-01-01T00:00:00.000000Z",'
            ' "data": {"account": "7", "number": 1, "kind": "secret"}}',
        )
