"""One-time passwords as a terminal sees them: what asks for one, what it opens, and what it does not."""

import re
from dataclasses import replace
from pathlib import Path

import pyotp
from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank import access, lockout
from bankd.bank.hashing import Hasher
from bankd.bank.terms import OneTime, Terms
from bankd.codes import Refused
from bankd.delivery.post import Post
from bankd.ibank import NotDelivered
from bankd.ledger.tariff import Tariff
from bankd.perspectives.second_factor import HANDOVER_SECONDS
from bankd.records import Contact, Limits, Parcel
from bankd.testing import PRACTICE_TERMS, Known, PracticeBank, PracticePost, Wire

AT_RISK = replace(PRACTICE_TERMS, one_time=OneTime.RISK, one_time_above={"USD": 10_000})


class BrokenPost(PracticePost):
    """A post that knows a way, on which everything is lost."""

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Lose ``parcel``."""
        return fail(NotDelivered("the gateway is away"))


class SlowPost(PracticePost):
    """A post that has handed nothing over until ``sending`` fires."""

    sending: Deferred[None]

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Begin to send ``parcel``."""
        self.sending = Deferred()
        return self.sending


class SecondFactorCase(SynchronousTestCase):
    """A test with a bank of two customers that asks for one-time passwords as ``terms`` say."""

    terms: Terms = AT_RISK

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder, self.terms)
        self.addCleanup(self.bank.close)
        self.alice, self.bob = self.bank.add_customer("alice", 100_000), self.bank.add_customer("bob", 5_000)

    def password(self) -> str:
        """The one-time password that was sent last."""
        return self.bank.post.sent[-1][1].text[:8]

    def ask(self, wire: Wire, request: str) -> str:
        """The one line that answers a request."""
        (answer,) = wire.ask(f"a {request}")
        return answer.removeprefix("a ")

    def challenge(self, answer: str) -> str:
        """The challenge that a refusal names."""
        form = r"\A401 reason=one_time challenge=[0-9a-f]{32} by=\w+ expires=\S+Z( to=%E2%80%A6\d\d)?\Z"
        self.assertRegex(answer, form)
        return answer.split("challenge=")[1][:32]

    def give(self, wire: Wire, answer: str, password: str | None = None) -> str:
        """What is answered to the one-time password for the challenge in a refusal."""
        return self.ask(wire, f"ONE_TIME challenge={self.challenge(answer)} code={password or self.password()}")

    def confirmed(self, wire: Wire, request: str) -> str:
        """What is answered to a request that is asked for a one-time password, and gets it."""
        self.assertEqual(self.give(wire, self.ask(wire, request)), "200")
        return self.ask(wire, request)

    def log_in(self, known: Known) -> Wire:
        """A session."""
        wire = self.bank.connect()
        self.assertEqual(self.give(wire, self.ask(wire, f"LOGIN account={known.account} pin={known.pin}"))[:3], "200")
        return wire

    def enrol(self, wire: Wire, known: Known) -> pyotp.TOTP:
        """An app that counts."""
        told = self.confirmed(wire, f"ENROL_APP pin={known.pin}")
        app = pyotp.TOTP(told.split("secret=")[1].split(" ")[0])
        wire.ask(f"a CONFIRM_APP code={app.at(self.bank.clock.seconds())}")
        self.bank.clock.advance(30)
        return app


class LogIn(SecondFactorCase):
    """A log-in that needs a one-time password."""

    terms = replace(PRACTICE_TERMS, one_time=OneTime.LOGIN)

    def test_each_way(self) -> None:
        """Whatever the way, the secret is not enough; the password then earns what the log-in would have."""
        for way in (
            f"username=alice password={self.alice.password.replace(' ', '%20')}",
            f"account={self.alice.account} pin={self.alice.pin}",
            f"mobile={self.alice.mobile} pin={self.alice.pin}",
        ):
            wire = self.bank.connect()
            asked = self.ask(wire, f"LOGIN {way}")
            self.assertEqual(self.ask(wire, "BALANCE"), "401 reason=login")
            contact, parcel = self.bank.post.sent[-1]
            self.assertEqual(contact.mobile, self.alice.mobile)
            self.assertEqual(parcel.subject, "Practice Bank: your one-time password")
            self.assertIn(" is your one-time password to log in. ", parcel.text)
            welcome = self.give(wire, asked)
            self.assertTrue(welcome.startswith(f"200 account={self.alice.account} currency=USD lease=30"), welcome)
            self.assertEqual(self.ask(wire, "BALANCE")[:3], "200")
            self.assertEqual(self.ask(wire, f"LOGIN {way}"), "403 reason=state")
            wire.ask("a LOGOUT")

    def test_wrong_secret(self) -> None:
        """Who has not the secret is sent nothing."""
        wire = self.bank.connect()
        for way in (f"account={self.alice.account} pin=99887", "username=nobody password=nothing"):
            self.assertEqual(self.ask(wire, f"LOGIN {way}"), "401 reason=credentials")
        self.assertEqual(self.bank.post.sent, [])

    def test_wrong_password(self) -> None:
        """Three wrong ones, and the challenge is gone; another log-in brings another."""
        wire = self.bank.connect()
        way = f"LOGIN account={self.alice.account} pin={self.alice.pin}"
        asked = self.ask(wire, way)
        wrong = "00000000" if self.password() != "00000000" else "11111111"
        said = [self.give(wire, asked, wrong) for _ in range(4)]
        self.assertEqual(said, [*(f"401 reason=code left={left}" for left in (2, 1, 0)), "429 reason=wait seconds=1"])
        self.bank.clock.advance(1)
        self.assertEqual(self.give(wire, asked), "404 reason=challenge")
        self.bank.clock.advance(10)
        self.assertEqual(self.give(wire, self.ask(wire, way))[:3], "200")

    def test_begins_anew(self) -> None:
        """Wrong secrets before a log-in that succeeds in both steps count no more for who made them by mistake."""
        way = f"LOGIN account={self.alice.account} pin="
        for _ in range(4):
            self.assertEqual(self.ask(self.bank.connect(), f"{way}00000"), "401 reason=credentials")
            self.bank.clock.advance(10)
        wire = self.bank.connect()
        asked = self.ask(wire, way + self.alice.pin)
        self.assertEqual(self.sources(), {"pin network 192.0.2.0/24": 4, "pin strangers": 4, "since": 4})
        self.assertTrue(self.give(wire, asked).endswith(" failed=4"))
        self.assertEqual(self.sources(), {"pin strangers": 4})

    def sources(self) -> dict[str, int]:
        """How many failures count against Alice, by source."""
        now_us = int(self.bank.clock.seconds() * 1_000_000)
        with self.bank.store.reading() as connection:
            rows = lockout.counted(connection, self.alice.customer_id, now_us, 10)
        return {row.source: row.failures for row in rows}

    def test_another_connection(self) -> None:
        """The password may come over another connection; over two, one opens a session."""
        first, second = self.bank.connect(), self.bank.connect()
        asked = self.ask(first, f"LOGIN account={self.alice.account} pin={self.alice.pin}")
        self.assertEqual(self.give(second, asked)[:3], "200")
        self.assertEqual(self.give(first, asked), "404 reason=challenge")

    def test_no_log_in_before(self) -> None:
        """Without a log-in before it, or for what a session was asked, a visitor's password is for nothing."""
        wire = self.bank.connect()
        self.assertEqual(self.ask(wire, f"ONE_TIME challenge={'0' * 32} code=12345678"), "404 reason=challenge")
        session = self.log_in(self.alice)
        asked = self.ask(session, f"ENROL_APP pin={self.alice.pin}")
        self.assertEqual(self.give(wire, asked), "404 reason=challenge")
        self.assertEqual(self.give(session, asked), "200")

    def test_wrong_ones_count(self) -> None:
        """Wrong passwords lock out whoever gives them, as wrong secrets do; the owner is told at the next log-in."""
        way = f"LOGIN account={self.alice.account} pin={self.alice.pin}"
        said: list[str] = []
        while len(said) < 10:
            asked = self.ask(self.bank.connect(), way)
            for _ in range(min(3, 10 - len(said))):
                said.append(self.give(self.bank.connect(), asked, "recovery-code").split(" left")[0])
                self.bank.clock.advance(70)
        self.assertEqual(said, ["401 reason=code"] * 10)
        asked = self.ask(self.bank.connect(), way)
        self.assertTrue(self.give(self.bank.connect(), asked).startswith("429 reason=locked seconds="))
        self.bank.clock.advance(3600)
        wire = self.bank.connect()
        self.assertIn(" failed=10", self.give(wire, self.ask(wire, way)))

    def test_secret_changed_meanwhile(self) -> None:
        """A password for a log-in by a PIN that is another by now opens nothing."""
        session, wire = self.log_in(self.alice), self.bank.connect()
        self.ask(session, "OPEN_ACCOUNT")
        (other,) = [line for line in session.ask("a ACCOUNTS")[:-1] if self.alice.account not in line]
        number = re.findall(r"account=(\d+)", other)[0]
        asked = self.ask(wire, f"LOGIN account={number} pin={self.alice.pin}")
        password = self.password()
        self.assertEqual(self.ask(session, f"CHANGE_PIN new=80512 pin={self.alice.pin}"), "200")
        self.assertEqual(self.give(wire, asked, password), "401 reason=credentials")

    def test_hash_with_other_costs(self) -> None:
        """A hash that is to be renewed is, once the secret was right; the session opens all the same."""
        self.bank.branch.hasher = Hasher(b"practice", passes=2, memory_kib=8)
        wire = self.bank.connect()
        asked = self.ask(wire, f"LOGIN account={self.alice.account} pin={self.alice.pin}")
        self.assertIn("t=2", self.bank.claim(self.alice).hashed or "")
        self.assertEqual(self.give(wire, asked)[:3], "200")

    def test_secret_changed_at_that_moment(self) -> None:
        """A log-in whose secret was changed while it was checked asks for nothing."""
        stale = replace(self.bank.claim(self.alice), hashed="another")
        with self.bank.store.writing() as tx:
            self.assertIs(self.assertRaises(Refused, access.half_open, tx, stale).code, codes.WRONG_SECRET)

    def test_in_use(self) -> None:
        """Where the account is in use nothing is sent; where it was taken meanwhile the password opens nothing."""
        wire, rival = self.bank.connect(), self.bank.connect()
        way = f"LOGIN account={self.alice.account} pin={self.alice.pin}"
        session = self.log_in(self.alice)
        sent = len(self.bank.post.sent)
        self.assertEqual(self.ask(wire, way), "423 reason=in_use")
        self.assertEqual(len(self.bank.post.sent), sent)
        session.ask("a LOGOUT")
        asked = self.ask(wire, way)
        password = self.password()
        with self.bank.store.writing() as tx:
            tx.connection.exec_driver_sql("UPDATE leases SET expires_us = 9999999999999999")
        self.assertEqual(self.give(wire, asked, password), "423 reason=in_use")
        self.assertEqual(self.ask(rival, way), "423 reason=in_use")

    def test_new_customer(self) -> None:
        """Who is registered by the log-in shows first that the number is theirs, however long it takes."""
        wire = self.bank.connect()
        asked = self.ask(wire, "LOGIN mobile=+12025550199 pin=80512")
        self.challenge(asked)
        wire.drop()
        wire = self.bank.connect()
        welcome = self.give(wire, self.ask(wire, "LOGIN mobile=+12025550199 pin=80512"))
        self.assertEqual(welcome[:12], "201 account=")
        wire.ask("a LOGOUT")
        wire = self.bank.connect()
        welcome = self.give(wire, self.ask(wire, "LOGIN mobile=+12025550199 pin=80512"))
        self.assertEqual(welcome[:12], "200 account=")

    def test_no_device(self) -> None:
        """Who cannot be reached, and whoever a message cannot be sent to now, is told so."""
        wire = self.bank.connect()
        way = f"LOGIN account={self.alice.account} pin={self.alice.pin}"

        for post in (BrokenPost(), Post()):
            self.bank.branch.post = post
            self.assertEqual(self.ask(wire, way), "403 reason=device")

    def test_slow_post(self) -> None:
        """A message that takes its time is not waited for; nor is it known what becomes of it after that."""
        post = SlowPost()
        self.bank.branch.post = post
        wire = self.bank.connect()
        way = f"a LOGIN account={self.alice.account} pin={self.alice.pin}"
        for well in (True, False):
            self.assertEqual(wire.ask(way), [])
            self.bank.clock.advance(HANDOVER_SECONDS)
            self.challenge(wire.received()[0].removeprefix("a "))
            post.sending.callback(None) if well else post.sending.errback(NotDelivered("the gateway is away"))

    def test_flood(self) -> None:
        """Somebody with the secret cannot have more than ten messages an hour sent."""
        wire = self.bank.connect()
        way = f"LOGIN account={self.alice.account} pin={self.alice.pin}"
        for _ in range(10):
            self.challenge(self.ask(wire, way))
        self.assertEqual(self.ask(wire, way), "429 reason=wait seconds=3600")
        self.assertEqual(len(self.bank.post.sent), 10)

    def test_time_to_look_at_a_phone(self) -> None:
        """Whose secret was right has the time for a log-in anew; nobody has it for ever."""
        wire = self.bank.connect()
        self.bank.clock.advance(Limits().login_seconds - 1)
        self.challenge(self.ask(wire, f"LOGIN account={self.alice.account} pin={self.alice.pin}"))
        self.bank.clock.advance(Limits().login_seconds - 1)
        self.assertTrue(wire.connected)
        self.bank.clock.advance(1)
        self.assertEqual(wire.received(), ["* 408 reason=idle"])

    def test_enrolled_terminal(self) -> None:
        """At a terminal that the bank knows a PIN is enough, and a password is not."""
        self.patch(access, "is_enrolled", lambda connection, certificate: True)
        wire = self.bank.connect()
        self.challenge(self.ask(wire, f"LOGIN username=alice password={self.alice.password.replace(' ', '%20')}"))
        self.assertEqual(self.ask(wire, f"LOGIN account={self.alice.account} pin={self.alice.pin}")[:3], "200")

    def test_money(self) -> None:
        """Once logged in, nothing else is asked where the terms want it at log-in only."""
        wire = self.log_in(self.alice)
        pay = f"TRANSFER to={self.bob.account} amount=90000 currency=USD key=k"
        self.assertEqual(self.ask(wire, pay)[:3], "200")
        self.assertEqual(self.ask(wire, f"CHANGE_PIN new=80512 pin={self.alice.pin}"), "200")
        self.assertEqual(self.ask(wire, "UPDATE_CONTACT email=a@example.com")[:3], "200")


class Off(SecondFactorCase):
    """A bank that does not ask, but for what is about the app itself."""

    terms = PRACTICE_TERMS

    def test_app(self) -> None:
        """An app can be set up without a password; its own are then needed to replace or remove it."""
        wire = self.bank.log_in(self.alice)
        enrol, remove = (f"{verb} pin={self.alice.pin}" for verb in ("ENROL_APP", "REMOVE_APP"))
        self.assertEqual(self.ask(wire, remove), "404 reason=app")
        self.assertEqual(self.ask(wire, "ENROL_APP pin=99887"), "401 reason=credentials")
        app = pyotp.TOTP(self.ask(wire, enrol).split("secret=")[1].split(" ")[0])
        self.assertEqual(self.ask(wire, "CONFIRM_APP code=recovery"), "401 reason=code")
        *recovery, end = wire.ask(f"a CONFIRM_APP code={app.at(self.bank.clock.seconds())}")
        self.assertEqual((len(recovery), end), (10, "a 200"))
        self.assertIn(" by=app ", self.ask(wire, enrol))
        asked = self.ask(wire, remove)
        self.bank.clock.advance(20)
        wire.ask("a NOOP")
        self.bank.clock.advance(10)
        self.assertEqual(self.give(wire, asked, app.at(self.bank.clock.seconds())), "200")
        self.assertEqual(self.ask(wire, remove), "200")
        self.assertEqual(self.bank.post.sent, [])

    def test_money(self) -> None:
        """A payment goes as ever."""
        wire = self.bank.log_in(self.alice)
        pay = f"TRANSFER to={self.bob.account} amount=90000 currency=USD key=k"
        self.assertEqual(self.ask(wire, pay)[:3], "200")
        self.assertEqual(self.ask(wire, f"ONE_TIME challenge={'0' * 32} code=123456"), "404 reason=challenge")


class Payments(SecondFactorCase):
    """Payments that need a one-time password, and those that need none."""

    def pay(self, amount_minor: int, key: str, to: str | None = None) -> str:
        """A request to pay Bob, or somebody else."""
        return f"TRANSFER to={to or self.bob.account} amount={amount_minor} currency=USD key={key}"

    def test_new_payee(self) -> None:
        """Somebody who was not paid before is paid with a password once, and then without."""
        wire = self.log_in(self.alice)
        self.assertIn(" amount=-100 ", self.confirmed(wire, self.pay(100, "a")))
        text = self.bank.post.sent[-1][1].text
        self.assertIn(f" is your one-time password to pay 1.00 USD to account {self.bob.account}. ", text)
        self.assertIn(" amount=-101 ", self.ask(wire, self.pay(101, "b")))
        hold = f"HOLD to={self.bob.account} amount=102 currency=USD key=c"
        self.assertIn(" amount=102 ", self.ask(wire, hold))
        self.assertEqual(self.bank.faults(), [])

    def test_large_amount(self) -> None:
        """More than the terms allow needs a password whoever is paid, each time."""
        wire = self.log_in(self.alice)
        self.confirmed(wire, self.pay(1, "a"))
        self.assertEqual(self.ask(wire, self.pay(10_000, "b"))[:3], "200")
        for key in ("c", "d"):
            self.assertIn(" amount=-10001 ", self.confirmed(wire, self.pay(10_001, key)))
        self.assertEqual(self.ask(wire, "WITHDRAW amount=10000 currency=USD key=e")[:3], "200")
        self.assertIn(" amount=-10001 ", self.confirmed(wire, "WITHDRAW amount=10001 currency=USD key=f"))

    def test_bound(self) -> None:
        """With another amount, payee, reference or kind of request it is another payment."""
        carol = self.bank.add_customer("carol")
        wire = self.log_in(self.alice)
        for other in (
            self.pay(101, "a"),
            self.pay(100, "a", carol.account),
            self.pay(100, "a") + " reference=Rent",
            f"HOLD to={self.bob.account} amount=100 currency=USD key=a",
        ):
            self.assertEqual(self.give(wire, self.ask(wire, self.pay(100, "a"))), "200")
            self.challenge(self.ask(wire, other))
            self.challenge(self.ask(wire, self.pay(100, "a")))
            with self.bank.store.writing() as tx:
                tx.connection.exec_driver_sql("DELETE FROM challenges")
        with self.bank.store.reading() as connection:
            self.assertEqual(connection.exec_driver_sql("SELECT count(*) FROM journal").scalar(), 2)

    def test_sent_again(self) -> None:
        """A payment that was made is answered with its receipt, and asked for nothing; it is made once."""
        wire = self.log_in(self.alice)
        receipt = self.confirmed(wire, self.pay(50_000, "a"))
        sent = len(self.bank.post.sent)
        self.assertEqual(self.ask(wire, self.pay(50_000, "a")), receipt)
        self.assertEqual(self.ask(wire, self.pay(50_001, "a")), "409 reason=key")
        self.assertEqual(len(self.bank.post.sent), sent)

    def test_refused_by_the_ledger(self) -> None:
        """What the ledger refuses is refused as ever, also when sent again, and nothing is sent."""
        wire = self.log_in(self.alice)
        sent = len(self.bank.post.sent)
        for _ in range(2):
            self.assertEqual(self.ask(wire, self.pay(200_000, "a")), "402 reason=funds")
            self.assertEqual(self.ask(wire, self.pay(100, "b", "99999999")), "404 reason=account")
        self.assertEqual(len(self.bank.post.sent), sent)

    def test_nothing_happens_without(self) -> None:
        """Until the password was given no money moved, nobody is told, and the key is free."""
        wire = self.log_in(self.alice)
        self.bank.board.events.clear()
        self.challenge(self.ask(wire, self.pay(100, "a")))
        self.assertIn(" balance=100000 ", self.ask(wire, "BALANCE"))
        self.assertEqual(self.bank.board.events, [])
        self.assertEqual(self.ask(wire, "DEPOSIT amount=5 currency=USD key=a")[:3], "200")

    def test_own_accounts(self) -> None:
        """Money from one's own account to one's own is at no risk."""
        wire = self.log_in(self.alice)
        own = re.findall(r"account=(\d+)", self.ask(wire, "OPEN_ACCOUNT"))[0]
        self.assertEqual(self.ask(wire, self.pay(50_000, "a", own))[:3], "200")

    def test_not_at_risk(self) -> None:
        """Cash paid in, small sums in cash, and what comes of a hold need none; neither do questions."""
        wire = self.log_in(self.alice)
        held = self.confirmed(wire, f"HOLD to={self.bob.account} amount=20000 currency=USD key=a")
        hold = re.findall(r"hold=(\d+)", held)[0]
        for request in (
            "DEPOSIT amount=50000 currency=USD key=b",
            "WITHDRAW amount=100 currency=USD key=c",
            f"CAPTURE hold={hold} key=d",
        ):
            self.assertEqual(self.ask(wire, request)[:3], "200", request)

    def test_sets(self) -> None:
        """A set needs one password, for all its payees and its sum; what the ledger refuses of it does not count."""
        wire = self.log_in(self.alice)
        bulk = (
            f"a - to={self.bob.account} amount=6000",
            f"a - to={self.bob.account} amount=6001",
            "a - to=99999999 amount=70000",
            "a BULK count=3 mode=each currency=USD key=s",
        )
        (asked,) = wire.ask(*bulk)
        self.assertEqual(self.give(wire, asked.removeprefix("a ")), "200")
        self.assertEqual(wire.ask(*bulk)[-1], "a 200 made=2 refused=1 amount=12001 currency=USD")
        self.assertEqual(wire.ask(*bulk)[-1], "a 200 made=2 refused=1 amount=12001 currency=USD")
        (asked,) = wire.ask(*(line.replace("key=s", "key=t") for line in bulk))
        self.challenge(asked.removeprefix("a "))
        small = (f"a - to={self.bob.account} amount=1", "a BULK count=1 mode=all currency=USD key=u")
        self.assertEqual(wire.ask(*small)[-1], "a 200 made=1 refused=0 amount=1 currency=USD")

    def test_order(self) -> None:
        """Requests that are sent together are decided in their order, whether or not they need a password."""
        wire = self.log_in(self.alice)
        self.confirmed(wire, self.pay(1, "a"))
        said = wire.ask(
            "b " + self.pay(1, "b"), "c DEPOSIT amount=7 currency=USD key=c", "d " + self.pay(50_000, "d"), "e BALANCE"
        )
        self.assertEqual([line[:5] for line in said], ["b 200", "c 200", "d 401", "e 200"])
        self.assertIn(" balance=99998 ", said[0])
        self.assertIn(" balance=100005 ", said[1])

    def test_several_sessions(self) -> None:
        """A password given in one session will do in the next one on the same account, and in none on another."""
        wire = self.log_in(self.alice)
        own = re.findall(r"account=(\d+)", self.ask(wire, "OPEN_ACCOUNT"))[0]
        self.ask(wire, self.pay(9_000, "own", own))
        self.assertEqual(self.give(wire, self.ask(wire, self.pay(100, "a"))), "200")
        other = self.bank.connect()
        self.assertEqual(self.give(other, self.ask(other, f"LOGIN account={own} pin={self.alice.pin}"))[:3], "200")
        wire.drop()
        again = self.log_in(self.alice)
        self.assertEqual(self.ask(again, self.pay(100, "a"))[:3], "200")

    def test_taken_over(self) -> None:
        """A session that is over neither pays nor has anything sent."""
        wire = self.log_in(self.alice)
        self.bank.clock.advance(31)
        self.log_in(self.alice)
        sent = len(self.bank.post.sent)
        self.assertEqual(self.ask(wire, self.pay(50_000, "a")), "410 reason=session")
        self.assertEqual(len(self.bank.post.sent), sent)

    def test_app(self) -> None:
        """With an app nothing is sent, and its code is taken."""
        wire = self.log_in(self.alice)
        app = self.enrol(wire, self.alice)
        sent = len(self.bank.post.sent)
        asked = self.ask(wire, self.pay(100, "a"))
        self.assertIn(" by=app ", asked)
        self.assertEqual(self.give(wire, asked, app.at(self.bank.clock.seconds())), "200")
        self.assertIn(" amount=-100 ", self.ask(wire, self.pay(100, "a")))
        self.assertEqual(len(self.bank.post.sent), sent)


class WithFees(SecondFactorCase):
    """A payment with a fee."""

    terms = replace(AT_RISK, tariff=Tariff(fees={"transfer": {"USD": 500}}, payment_limits={}, day_limits={}))

    def test_fee(self) -> None:
        """The fee is not counted as paid out, and is charged once."""
        wire = self.log_in(self.alice)
        self.confirmed(wire, f"TRANSFER to={self.bob.account} amount=1 currency=USD key=a")
        self.assertEqual(self.ask(wire, f"TRANSFER to={self.bob.account} amount=9900 currency=USD key=b")[:3], "200")
        self.assertIn(f" balance={100_000 - 1 - 9_900 - 1_000} ", self.ask(wire, "BALANCE"))
        self.assertEqual(self.bank.faults(), [])


class WithoutAmounts(SecondFactorCase):
    """Terms that name no amount."""

    terms = replace(PRACTICE_TERMS, one_time=OneTime.RISK)

    def test_any_amount(self) -> None:
        """Only a payee who is new needs a password."""
        wire = self.log_in(self.alice)
        self.confirmed(wire, f"TRANSFER to={self.bob.account} amount=1 currency=USD key=a")
        self.assertEqual(self.ask(wire, f"TRANSFER to={self.bob.account} amount=90000 currency=USD key=b")[:3], "200")
        self.assertEqual(self.ask(wire, "WITHDRAW amount=9000 currency=USD key=c")[:3], "200")


class Changes(SecondFactorCase):
    """What changes how the customer is known, or ends an account."""

    def test_secrets(self) -> None:
        """A new PIN or password needs the old one, and then a one-time password."""
        wire = self.log_in(self.alice)
        self.assertEqual(self.ask(wire, "CHANGE_PIN new=80512 pin=99887"), "401 reason=credentials")
        self.assertEqual(self.ask(wire, f"CHANGE_PIN new=11111 pin={self.alice.pin}"), "422 reason=weak field=new")
        self.assertEqual(self.confirmed(wire, f"CHANGE_PIN new=80512 pin={self.alice.pin}"), "200")
        self.assertEqual(self.confirmed(wire, "CHANGE_PASSWORD new=amber-Kettle-40 pin=80512"), "200")
        self.assertIn(" to change your password. ", self.bank.post.sent[-1][1].text)

    def test_contact(self) -> None:
        """A new number or address does, and the message goes to the old one; a name, or confirming, does not."""
        wire = self.log_in(self.alice)
        for request in ("UPDATE_CONTACT", "UPDATE_CONTACT name=Alice"):
            self.assertEqual(self.ask(wire, request)[:3], "200")
        self.assertEqual(self.ask(wire, f"UPDATE_CONTACT mobile={self.bob.mobile}"), "409 reason=taken field=mobile")
        self.assertIn("mobile=+12025550188", self.confirmed(wire, "UPDATE_CONTACT mobile=2025550188"))
        contact, parcel = self.bank.post.sent[-1]
        self.assertEqual(contact.mobile, self.alice.mobile)
        self.assertIn(" to change your mobile number to +12025550188. ", parcel.text)
        self.assertEqual(self.give(wire, self.ask(wire, "UPDATE_CONTACT email=a@example.com")), "200")
        self.challenge(self.ask(wire, "UPDATE_CONTACT email=b@example.com"))

    def test_deletion(self) -> None:
        """So does the end of an account, whose payout it names; nothing of the customer is left after it."""
        wire = self.log_in(self.alice)
        self.enrol(wire, self.alice)
        app_or = f"DELETE_ACCOUNT pin={self.alice.pin}"
        self.assertEqual(self.ask(wire, app_or), "409 reason=balance")
        wire.drop()
        other = self.log_in(self.bob)
        self.assertEqual(self.confirmed(other, f"DELETE_ACCOUNT pin={self.bob.pin} payout={self.alice.account}"), "200")
        self.assertFalse(other.connected)
        with self.bank.store.reading() as connection:
            for table in ("challenges", "apps", "recovery_codes", "payees"):
                count = f"SELECT count(*) FROM {table} WHERE customer_id = {self.bob.customer_id}"
                self.assertEqual(connection.exec_driver_sql(count).scalar(), 0, table)
        self.assertEqual(self.bank.faults(), [])
