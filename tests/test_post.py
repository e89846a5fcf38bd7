"""The post: which delivery a message takes, how often it is tried, and what is said of that and where."""

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from bankd import codes
from bankd.codes import Refused
from bankd.delivery import conformance, post
from bankd.delivery.address import is_email, is_loopback, masked
from bankd.delivery.post import PAUSES, Post, Postage, hire
from bankd.ibank import IPost, NotDelivered
from bankd.idelivery import ICourier, IDelivery, Unusable
from bankd.plugin import DeliveryMaker
from bankd.records import Contact, Parcel, Route
from bankd.wire.grammar import TEXT

ALICE = Contact("Alice", "+12025550123", "alice@example.org")
CODE = Parcel("Your code", "canary-4711")


@implementer(ICourier)
class Pigeons:
    """Couriers that a test opens the hands of: what ``flies`` gives is what becomes of a message."""

    def __init__(self, way: str = "sms", flies: Callable[[], Deferred[None]] = lambda: succeed(None)) -> None:
        self.way = way
        self.flies = flies
        self.sent: list[tuple[Contact, Parcel]] = []

    def address(self, contact: Contact) -> str | None:
        """The mobile number, or for e-mail the address."""
        return contact.email if self.way == "email" else contact.mobile

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Keep it."""
        self.sent.append((contact, parcel))
        return self.flies()


@implementer(IDelivery)
class Loft:
    """A delivery by pigeons, as others would write it."""

    name = "pigeon"

    def __init__(self, courier: Any = None) -> None:
        self.made = courier or Pigeons()

    def courier(self, settings: Mapping[str, Any], reactor: Any) -> Any:
        """The pigeons."""
        if "loft" not in settings:
            raise Unusable("loft: it takes where the pigeons are")
        if settings["loft"] == "file":
            raise FileNotFoundError(2, "No such file or directory", "/loft")
        return self.made


class PostCase(SynchronousTestCase):
    """A test with a clock, and ears for the log."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.events: list[LogEvent] = []
        observer: Any = self.events.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def post(self, *couriers: Pigeons, **postage: Any) -> Post:
        """A post with these couriers."""
        return Post([(f"{courier.way}-service", courier) for courier in couriers], Postage(**postage), self.clock)

    def logged(self) -> str:
        """All that the log says."""
        return "\n".join(str(formatEvent(event)) for event in self.events)

    def assertNotDelivered(self, sending: Deferred[None], why: str) -> None:
        """It failed, and so."""
        self.assertEqual(str(self.failureResultOf(sending, NotDelivered).value), why)


class Choosing(PostCase):
    """By which way a message goes."""

    def test_first_that_reaches(self) -> None:
        """The first courier in the settings' order that has an address is told to the customer, and takes it."""
        sms, email = Pigeons("sms"), Pigeons("email")
        post = self.post(email, sms)
        verifyObject(IPost, post)
        self.assertEqual(post.route(ALICE), Route("email", "a…e@example.org"))
        self.assertIsNone(self.successResultOf(post.send(ALICE, CODE)))
        mobile = Contact(None, "+12025550123")
        self.assertEqual(post.route(mobile), Route("sms", "+1202…23"))
        self.assertIsNone(self.successResultOf(post.send(mobile, CODE)))
        self.assertEqual((email.sent, sms.sent), ([(ALICE, CODE)], [(mobile, CODE)]))

    def test_nobody_reaches(self) -> None:
        """Where no courier has an address, or there is none at all, there is no route and nothing is sent."""
        bob = Contact("Bob", "+12025550147")
        for nobody in (self.post(Pigeons("email")), self.post(), Post()):
            self.assertIsNone(nobody.route(bob))
            self.assertNotDelivered(nobody.send(bob, CODE), "no delivery reaches this customer")

    def test_other_way_is_not_taken(self) -> None:
        """A message that its way failed does not go another, of which the customer was not told."""
        email, sms = Pigeons("email", lambda: fail(NotDelivered("no such mailbox"))), Pigeons("sms")
        self.assertNotDelivered(self.post(email, sms).send(ALICE, CODE), "no such mailbox")
        self.assertEqual(sms.sent, [])

    def test_address_without_meaning(self) -> None:
        """A courier to whom addresses mean nothing has a route without one."""
        self.assertEqual(self.post(Pigeons("console")).route(Contact(None, "")), Route("console", None))


class Trying(PostCase):
    """How often, and for how long."""

    def test_again(self) -> None:
        """What failed for now is tried again after each pause, and is delivered when it succeeds."""
        results = [fail(NotDelivered("away", transient=True)) for _ in PAUSES] + [succeed(None)]
        pigeons = Pigeons(flies=lambda: results.pop(0))
        sending = self.post(pigeons).send(ALICE, CODE)
        for tries, pause in enumerate(PAUSES, 1):
            self.assertEqual(len(pigeons.sent), tries)
            self.clock.advance(pause - 0.1)
            self.assertNoResult(sending)
            self.assertEqual(len(pigeons.sent), tries)
            self.clock.advance(0.1)
        self.assertIsNone(self.successResultOf(sending))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_given_up(self) -> None:
        """After the last pause nothing more is tried."""
        pigeons = Pigeons(flies=lambda: fail(NotDelivered("away", transient=True)))
        sending = self.post(pigeons).send(ALICE, CODE)
        self.clock.pump((*PAUSES, 100))
        self.assertNotDelivered(sending, "away")
        self.assertEqual(len(pigeons.sent), len(PAUSES) + 1)

    def test_for_good(self) -> None:
        """What failed for good is not tried again."""
        pigeons = Pigeons(flies=lambda: fail(NotDelivered("no such number")))
        self.assertNotDelivered(self.post(pigeons).send(ALICE, CODE), "no such number")
        self.assertEqual((len(pigeons.sent), self.clock.getDelayedCalls()), (1, []))

    def test_too_slow(self) -> None:
        """A try that takes too long is cancelled and made again, also where the courier does not heed that."""
        cancelled: list[object] = []

        def heeds_not(ended: Deferred[None]) -> None:
            ended.errback(ValueError("cancelled"))

        for canceller in (cancelled.append, heeds_not):
            waiting: list[Deferred[None]] = [Deferred(canceller), succeed(None)]
            pigeons = Pigeons(flies=lambda waiting=waiting: waiting.pop(0))  # type: ignore[misc]
            sending = self.post(pigeons, try_seconds=7).send(ALICE, CODE)
            self.clock.advance(7)
            self.assertNoResult(sending)
            self.clock.advance(PAUSES[0])
            self.assertIsNone(self.successResultOf(sending))
            self.assertIn("was not delivered: it was not done within 7 seconds", self.logged())
        self.assertEqual(len(cancelled), 1)

    def test_within_the_life_of_a_code(self) -> None:
        """Even the slowest tries and all pauses together are shorter than the five minutes that a code lives."""
        self.assertLess((len(PAUSES) + 1) * post.MOST_SECONDS + sum(PAUSES), 300)

    def test_most_under_way(self) -> None:
        """So many messages may be under way, those that wait to be tried again among them; more are refused: BUSY."""
        hands: list[Deferred[None]] = []

        def fly() -> Deferred[None]:
            hands.append(Deferred())
            return hands[-1]

        office = self.post(Pigeons(flies=fly), most_under_way=2)
        first, _second = office.send(ALICE, CODE), office.send(ALICE, CODE)
        hands[0].errback(NotDelivered("away", transient=True))
        self.assertIs(self.failureResultOf(office.send(ALICE, CODE), Refused).value.code, codes.BUSY)
        hands[1].callback(None)
        third = office.send(ALICE, CODE)
        self.assertNoResult(third)
        self.assertNoResult(first)

    def test_cancelled_and_closed(self) -> None:
        """A message that is cancelled, or that a closing bank gives up, ends at once, in a try or between two."""
        in_a_try: list[Callable[[], Deferred[None]]] = [Deferred]
        for flies in (*in_a_try, lambda: fail(NotDelivered("away", transient=True))):
            for closes in (False, True):
                office = self.post(Pigeons(flies=flies))
                sending = office.send(ALICE, CODE)
                self.assertNoResult(sending)
                (office.close if closes else sending.cancel)()
                self.assertNotDelivered(sending, "it was given up")
                self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertNotDelivered(office.send(ALICE, CODE), "the bank is closing")


class Secrets(PostCase):
    """What is said of a message."""

    def test_log(self) -> None:
        """The log tells how every try went, with the delivery and the masked address, and no more of either."""
        for flies in (
            lambda: succeed(None),
            lambda: fail(NotDelivered("no such number")),
            lambda: fail(ValueError(f"cannot send {CODE.text} to {ALICE.mobile}")),
        ):
            self.post(Pigeons(flies=flies)).send(ALICE, CODE).addErrback(lambda failure: failure.trap(NotDelivered))
        lines = self.logged().splitlines()
        self.assertEqual(lines[0], "sms-service: a message for +1202…23 was handed over")
        self.assertEqual(lines[1], "sms-service: a message for +1202…23 was not delivered: no such number")
        self.assertIn("was not delivered: a fault of the delivery: ValueError at ", lines[2])
        everything = f"{self.logged()} {self.events}"
        for secret in (CODE.text, ALICE.mobile, "Alice", "alice@"):
            self.assertNotIn(str(secret), everything)

    def test_fault(self) -> None:
        """A delivery that raises is at fault, which is no secret, and what it says is."""

        def flies() -> Deferred[None]:
            raise ValueError(CODE.text)

        failure = self.failureResultOf(self.post(Pigeons(flies=flies)).send(ALICE, CODE), NotDelivered)
        self.assertIn("a fault of the delivery: ValueError at ", str(failure.value))
        self.assertNotIn(CODE.text, failure.getTraceback())

    def test_repr(self) -> None:
        """A parcel does not show its text."""
        self.assertNotIn(CODE.text, repr(CODE))


class Hiring(PostCase):
    """From settings to couriers."""

    def hire(self, order: tuple[str, ...], sections: Mapping[str, Mapping[str, Any]], loft: Any = None) -> Any:
        """The couriers where pigeons are the only plugin."""
        self.patch(post, "getPlugins", lambda interface: [loft or Loft()])
        return hire(Postage(order, sections=sections), self.clock)

    def assertUnusable(self, order: tuple[str, ...], sections: Mapping[str, Mapping[str, Any]], why: str) -> None:
        """These settings are refused so."""
        self.assertEqual(str(self.assertRaises(Unusable, self.hire, order, sections)), why)

    def test_hired(self) -> None:
        """A delivery is made of its own section, under its name."""
        loft = Loft()
        self.assertEqual(self.hire(("pigeon",), {"pigeon": {"loft": "north"}}, loft), [("pigeon", loft.made)])
        self.assertEqual(self.hire((), {}), [])

    def test_refused(self) -> None:
        """What the settings should say and do not is told with the section, and so is a delivery that there is not."""
        self.assertUnusable(("pigeon",), {}, "[pigeon] loft: it takes where the pigeons are")
        self.assertUnusable(("pigeon",), {"pigeon": {"loft": "file"}}, "[pigeon] /loft: No such file or directory")
        self.assertUnusable(("dove",), {}, "[delivery] order: there is no delivery 'dove'; there are pigeon")

    def test_named(self) -> None:
        """Those that come with bankd are found as plugins, and nothing of them is imported before they are used."""
        found: list[Any] = [plugin for plugin in getPlugins(IDelivery) if isinstance(plugin, DeliveryMaker)]
        self.assertLessEqual({"console", "file", "smtp", "sms", "script"}, {plugin.name for plugin in found})
        for plugin in found:
            verifyObject(IDelivery, plugin)


class Conformance(PostCase):
    """What the check that comes with bankd says of others' deliveries."""

    def complaints(self, courier: Any, **changes: Any) -> list[str]:
        """What it says of a loft with ``courier``."""
        loft = Loft(courier)
        vars(loft).update(changes)
        return self.successResultOf(
            Deferred.fromCoroutine(conformance.complaints(loft, {"loft": "north"}, self.clock, ALICE))
        )

    def test_good(self) -> None:
        """Nothing is said of a delivery that keeps the contract."""
        self.assertEqual(self.complaints(Pigeons()), [])

    def test_bad(self) -> None:
        """Each breach of the contract is named."""

        class Talkative(Pigeons):
            """Tells the log."""

            def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
                """Tell."""
                post.Post.logger.info("sent {text}", text=parcel.text)
                return super().send(contact, parcel)

        class Thick(Pigeons):
            """Stumbles over what is odd."""

            def address(self, contact: Contact) -> str | None:
                """Stumble."""
                assert contact.mobile is not None
                return contact.mobile

        class Rude(Pigeons):
            """Quotes in errors."""

            def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
                """Quote."""
                return fail(ValueError(parcel.text))

        class Elsewhere(Pigeons):
            """Gives no Deferred."""

            def send(self, contact: Contact, parcel: Parcel) -> Any:
                """Give None."""

        for courier, changes, said in (
            (Pigeons(), {"name": "Carrier Pigeon"}, "name 'Carrier Pigeon' is not one lower-case word"),
            (Pigeons("by air"), {}, "way 'by air' is not one lower-case word"),
            (Talkative(), {}, "the text of a message is in the log"),
            (Thick(), {}, "address raises AssertionError() for Contact(name=None, mobile=None, email=None)"),
            (Rude(), {}, "ValueError('The text is canary-4711.'), which is not NotDelivered"),
            (Rude(), {}, "the text or the address is in ValueError"),
            (Elsewhere(), {}, "send gives None, which is no Deferred"),
            (object(), {}, "has failed to implement interface bankd.idelivery.ICourier"),
        ):
            self.assertIn(said, "\n".join(self.complaints(courier, **changes)))


class Addresses(SynchronousTestCase):
    """What an address is, and how much of it is shown."""

    def test_masked(self) -> None:
        """Owners know their address again; nobody else learns it, and it fits into a reply."""
        for address, shown in (
            ("+12025550123", "+1202…23"),
            ("+4917612345678", "+4917…78"),
            ("+290221234", "…34"),
            ("alice@example.org", "a…e@example.org"),
            ("al@example.org", "…@example.org"),
            ("a@b@example.org", "a…b@example.org"),
        ):
            self.assertEqual(masked(address), shown)
        for address in ("+" + 15 * "1", 64 * "a" + "@" + 189 * "b", "@" + 250 * "b"):
            self.assertTrue(TEXT.pattern.fullmatch(masked(address)), address)

    def test_emails(self) -> None:
        """What could be more than one address, or another command, is none."""
        for address in ("alice@example.org", "a.b+c@x", "o'neil@mail.example.org", "a" * 64 + "@b"):
            self.assertTrue(is_email(address), address)
        for address in (
            *("", "alice", "@b", "a@", "a@b@c", "a b@c", "a@b\n", "a@b\r\nBcc: c@d", "a,b@c", "<a@b>", '"a"@b', ".a@b"),
            *("a..b@c", "a@-b", "a@b_c", "a@[127.0.0.1]", "ä@b", "a@b.", "a" * 65 + "@b", "a@" + "b" * 254),
        ):
            self.assertFalse(is_email(address), address)

    def test_loopback(self) -> None:
        """Only this machine is this machine."""
        for host in ("localhost", "127.0.0.1", "127.1.2.3", "::1"):
            self.assertTrue(is_loopback(host), host)
        for host in ("", "mail.example", "localhost.example", "10.0.0.1", "0.0.0.0", "::"):
            self.assertFalse(is_loopback(host), host)
