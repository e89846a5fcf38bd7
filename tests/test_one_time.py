"""The rules of one-time passwords: what is kept of them, when one will do, and the app that makes them."""

import base64
from threading import Barrier, Thread

import pyotp
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank import access, authenticator, letters, one_time
from bankd.bank.authenticator import taken_step
from bankd.bank.codebook import Codebook
from bankd.bank.one_time import AT_LOGIN, CHALLENGE_SECONDS, MAX_TRIES, MOST_AN_HOUR, Asked, Given, Purpose, Question
from bankd.codes import Refused
from bankd.ledger.commands import Bulk, Hold, Transfer, Withdrawal
from bankd.records import RecoveryCode, Route, Session, Wait
from bankd.store import schema
from bankd.store.engines import Store
from bankd.testing import Known, PracticeBank
from tests.databases import DatabaseCase, on_every_engine

RFC_SECRET = b"12345678901234567890"
"""The secret of RFC 6238's test vectors for HMAC-SHA-1 (appendix B)."""

RFC_VECTORS = {
    59: "287082",
    1_111_111_109: "081804",
    1_111_111_111: "050471",
    1_234_567_890: "005924",
    2_000_000_000: "279037",
    20_000_000_000: "353130",
}
"""Seconds since 1970, and the last six digits of the eight that the RFC has for them."""

SMS = Route("sms", "…01")


class KeptOfCodes(SynchronousTestCase):
    """What is kept of codes, and the secrets of apps."""

    def test_digests(self) -> None:
        """A digest is of just these values under just this key."""
        book = Codebook(b"pepper")
        self.assertEqual(book.digest("a", 1), Codebook(b"pepper").digest("a", 1))
        others = [book.digest(*said) for said in (("a", "1"), ("a1",), ("a", 1, ""), ("a", 11), ())]
        others.append(Codebook(b"salt").digest("a", 1))
        self.assertEqual(len({*others, book.digest("a", 1)}), len(others) + 1)

    def test_sealed(self) -> None:
        """A sealed secret is its customer's, is different each time, and shows nothing."""
        book = Codebook(b"pepper")
        sealed = book.seal(7, RFC_SECRET)
        self.assertEqual(book.unseal(7, sealed), RFC_SECRET)
        self.assertNotEqual(sealed, book.seal(7, RFC_SECRET))
        self.assertNotIn(RFC_SECRET[:4], sealed)

    def test_not_to_be_unsealed(self) -> None:
        """Another customer's secret, one that was changed, and one under another pepper are none."""
        book = Codebook(b"pepper")
        sealed = book.seal(7, RFC_SECRET)
        self.assertIsNone(book.unseal(8, sealed))
        self.assertIsNone(book.unseal(7, sealed[:-1] + bytes([sealed[-1] ^ 1])))
        self.assertIsNone(Codebook(b"salt").unseal(7, sealed))


class TimeBasedPasswords(SynchronousTestCase):
    """The passwords of an app (RFC 6238)."""

    def test_vectors(self) -> None:
        """The RFC's own vectors are taken at their times."""
        for seconds, code in RFC_VECTORS.items():
            self.assertEqual(taken_step(RFC_SECRET, code, seconds * 1_000_000, 0), seconds // 30)

    @settings(max_examples=200, deadline=None)
    @given(st.integers(0, 10**10), st.integers(-4, 4), st.integers(-4, 4))
    def test_window(self, seconds: int, off: int, newest_off: int) -> None:
        """A code is taken in its own step and those beside it, if that is newer than the newest taken."""
        seconds += 300
        step = seconds // 30 + off
        code = pyotp.TOTP(base64.b32encode(RFC_SECRET).decode()).at(step * 30)
        newest = seconds // 30 + newest_off
        near = {pyotp.TOTP(base64.b32encode(RFC_SECRET).decode()).at(seconds + 30 * by): by for by in (1, 0, -1)}
        wanted = seconds // 30 + near[code] if code in near else None
        taken = taken_step(RFC_SECRET, code, seconds * 1_000_000, newest)
        self.assertEqual(taken, wanted if wanted is not None and wanted > newest else None)

    def test_nonsense(self) -> None:
        """What is no code of six digits is taken at no time."""
        for code in ("", "28708", "0287082", "28708x", "recovery-code"):
            self.assertIsNone(taken_step(RFC_SECRET, code, 59_000_000, 0))


class Letters(SynchronousTestCase):
    """What the message with a one-time password says that it is for."""

    def transfer(self, amount_minor: int, payee: str) -> Transfer:
        """A transfer of dollars."""
        whose = {"customer_id": 1, "account_id": 1, "fence": 1, "key": "k", "currency": "USD"}
        return Transfer(**whose, amount_minor=amount_minor, payee=payee)  # type: ignore[arg-type]

    def test_payments(self) -> None:
        """How much goes where is told, of a set its sum and the first payees."""
        one = self.transfer(2500, "20000004")
        whose = {"customer_id": 1, "account_id": 1, "fence": 1, "key": "k", "currency": "USD", "amount_minor": 2500}
        self.assertEqual(letters.payment(one), "to pay 25.00 USD to account 20000004")
        self.assertEqual(letters.payment(Withdrawal(**whose)), "to take out 25.00 USD in cash")  # type: ignore[arg-type]
        for payee, told in ((None, "to set 25.00 USD aside for cash"), ("2", "to set 25.00 USD aside for account 2")):
            self.assertEqual(letters.payment(Hold(**whose, payee=payee, seconds=9)), told)  # type: ignore[arg-type]
        two = tuple(self.transfer(amount_minor, "20000004") for amount_minor in (100, 200))
        told = "to make 2 payments, 3.00 USD in all: 1.00 USD to account 20000004, 2.00 USD to account 20000004"
        bulk = {"customer_id": 1, "account_id": 1, "fence": 1, "key": "k", "together": True}
        self.assertEqual(letters.payment(Bulk(**bulk, transfers=two)), told)  # type: ignore[arg-type]
        many = letters.payment(Bulk(**bulk, transfers=(one,) * 1000))  # type: ignore[arg-type]
        self.assertIn("to make 1000 payments, 25,000.00 USD in all: ", many)
        self.assertTrue(many.endswith(", and 997 more"), many)

    def test_other_things(self) -> None:
        """What is to be changed, and to what, is told."""
        self.assertEqual(letters.contact("a@b", None), "to change your e-mail address to a@b")
        both = "to change your e-mail address to a@b and your mobile number to +1"
        self.assertEqual(letters.contact("a@b", "+1"), both)
        self.assertEqual(letters.closing("2", None), "to close account 2 for good")
        self.assertEqual(letters.closing("2", "3"), "to close account 2 for good and pay what it holds to account 3")

    def test_message(self) -> None:
        """The message has the password, what it is for and for how long, and shows none of it by mistake."""
        parcel = letters.password("My Bank", "12345678", "to log in", 300)
        told = "12345678 is your one-time password to log in. It is good for 5 minutes."
        self.assertEqual(parcel.text[: len(told)], told)
        self.assertNotIn("12345678", repr(parcel) + parcel.subject)


class OneTimeCase(DatabaseCase):
    """A test with a bank of two customers, whose post reaches both."""

    def setUp(self) -> None:
        self.url = self.database()
        self.bank = PracticeBank(url=self.url)
        self.addCleanup(self.bank.close)
        self.alice, self.bob = self.bank.add_customer("alice", 1000), self.bank.add_customer("bob")
        self.book = self.bank.branch.codebook

    def session(self, known: Known) -> Session:
        """A session of a customer."""
        with self.bank.store.writing() as tx:
            return access.open_session(tx, self.bank.claim(known), self.bank.branch.terms)

    def question(self, content: str = "25", known: Known | None = None, purpose: Purpose = Purpose.PAYMENT) -> Question:
        """Something that a one-time password is needed for."""
        whose = known or self.alice
        return Question(whose.customer_id, whose.account_id, purpose, content, "to pay")

    def ask(self, question: Question | None = None, route: Route | None = SMS) -> Asked:
        """A challenge."""
        with self.bank.store.writing() as tx:
            return one_time.ask(tx, self.book, self.bank.branch.random_below, question or self.question(), route)

    def give(self, asked: Asked, password: str | None, session: Session | None) -> Given:
        """Try a password."""
        with self.bank.store.writing() as tx:
            return one_time.give(tx, self.book, asked.challenged.challenge, password or "", session)

    def spend(self, question: Question | None = None) -> bool:
        """Spend what was answered."""
        with self.bank.store.writing() as tx:
            return one_time.spend(tx, self.book, question or self.question())

    def enrol(self, session: Session) -> tuple[pyotp.TOTP, list[RecoveryCode]]:
        """Have an app count."""
        with self.bank.store.writing() as tx:
            offered = authenticator.offer(tx, self.book, self.bank.branch.random_below, session, "Bank")
        app = pyotp.TOTP(offered.secret)
        with self.bank.store.writing() as tx:
            now = app.at(self.bank.clock.seconds())
            return app, authenticator.confirm(tx, self.book, self.bank.branch.random_below, session, now)

    def assertGone(self, asked: Asked, session: Session | None) -> None:
        """Nothing will do for a challenge any more, not even what it asks for."""
        refused = self.assertRaises(Refused, self.give, asked, asked.password, session)
        self.assertIs(refused.code, codes.NO_CHALLENGE)


@on_every_engine
class Challenges(OneTimeCase):
    """A challenge from its making to its use."""

    def test_right(self) -> None:
        """The password that was sent answers it once, and what it was made for spends it once."""
        session, asked = self.session(self.alice), self.ask()
        self.assertRegex(asked.password or "", r"\A[0-9]{8}\Z")
        self.assertFalse(self.spend())
        self.assertTrue(self.give(asked, asked.password, session).right)
        self.assertGone(asked, session)
        self.assertTrue(self.spend())
        self.assertFalse(self.spend())

    def test_bound(self) -> None:
        """An answer is worth nothing for another content, purpose, account or customer."""
        asked = self.ask()
        self.give(asked, asked.password, self.session(self.alice))
        with self.bank.store.writing() as tx:
            self.assertFalse(
                one_time.spend(tx, self.book, Question(self.alice.customer_id, 99, Purpose.PAYMENT, "25", ""))
            )
        for other in (
            self.question("26"),
            self.question(purpose=Purpose.CLOSING),
            self.question(known=self.bob),
        ):
            self.assertFalse(self.spend(other))
        self.assertTrue(self.spend())

    def test_wrong(self) -> None:
        """Three wrong ones void it, and each tells how many are left."""
        session, asked = self.session(self.alice), self.ask()
        wrong = "0" * 8 if asked.password != "0" * 8 else "1" * 8
        self.assertEqual([self.give(asked, wrong, session).left for _ in range(MAX_TRIES)], [2, 1, 0])
        self.assertGone(asked, session)
        self.assertFalse(self.spend())

    def test_too_late(self) -> None:
        """It can be answered, and an answer used, for five minutes."""
        session = self.session(self.alice)
        asked = self.ask()
        self.bank.clock.advance(CHALLENGE_SECONDS - 0.001)
        self.give(asked, asked.password, session)
        self.bank.clock.advance(0.001)
        self.assertFalse(self.spend())
        late = self.ask()
        self.bank.clock.advance(CHALLENGE_SECONDS)
        self.assertGone(late, session)

    def test_replaced(self) -> None:
        """A new one voids the one before of the same purpose, answered or not, and none of another."""
        session = self.session(self.alice)
        first, other = self.ask(), self.ask(self.question("PIN", purpose=Purpose.SECRET))
        self.give(first, first.password, session)
        second = self.ask(self.question("26"))
        self.assertFalse(self.spend())
        self.ask(self.question("27"))
        self.assertGone(second, session)
        self.assertTrue(self.give(other, other.password, session).right)

    def test_whose(self) -> None:
        """Nobody can answer another's, a visitor none of a session, and a session none of a log-in."""
        alice, bob = self.session(self.alice), self.session(self.bob)
        asked = self.ask()
        for elsewhere in (bob, None):
            self.assertGone(asked, elsewhere)
        for purpose in AT_LOGIN:
            self.assertGone(self.ask(self.question(purpose=purpose)), alice)
        self.assertTrue(self.give(asked, asked.password, alice).right)

    def test_no_such(self) -> None:
        """There is nothing to answer where nothing was asked."""
        asked = self.ask()
        with self.bank.store.writing() as tx:
            refused = self.assertRaises(Refused, one_time.give, tx, self.book, "0" * 32, asked.password)
        self.assertIs(refused.code, codes.NO_CHALLENGE)

    def test_log_in(self) -> None:
        """A log-in's is spent by its answer, and stands for the claim that it was made for."""
        claim = self.bank.claim(self.alice)
        for purpose in sorted(AT_LOGIN):
            question = one_time.log_in_question(claim, purpose, "to log in")
            asked = self.ask(question)
            tried = self.give(asked, asked.password, None)
            self.assertFalse(self.spend(question))
            with self.bank.store.reading() as connection:
                self.assertEqual(one_time.answered_claim(connection, self.book, tried.challenge), claim)

    def test_log_in_with_a_secret_that_was_changed(self) -> None:
        """It stands for nothing once the secret that was checked is another."""
        question = one_time.log_in_question(self.bank.claim(self.alice), Purpose.LOGIN, "to log in")
        asked = self.ask(question)
        tried = self.give(asked, asked.password, None)
        with self.bank.store.writing() as tx:
            tx.connection.execute(schema.secrets.update().values(hash="other"))
            refused = self.assertRaises(Refused, one_time.answered_claim, tx.connection, self.book, tried.challenge)
        self.assertIs(refused.code, codes.WRONG_SECRET)

    def test_nowhere_to_send(self) -> None:
        """Who cannot be reached is asked for nothing."""
        refused = self.assertRaises(Refused, self.ask, None, None)
        self.assertIs(refused.code, codes.NO_DEVICE)

    def test_flood(self) -> None:
        """Ten an hour are sent to a customer, and the refusal tells when there may be another."""
        for _ in range(MOST_AN_HOUR):
            self.ask()
            self.bank.clock.advance(60)
        refused = self.assertRaises(Refused, self.ask)
        self.assertEqual((refused.code, refused.about), (codes.WAIT, Wait(3600 - 60 * MOST_AN_HOUR)))
        self.ask(self.question(known=self.bob))
        self.bank.clock.advance(3600 - 60 * MOST_AN_HOUR)
        self.ask()
        self.assertRaises(Refused, self.ask)

    def test_nothing_to_read(self) -> None:
        """What is kept of a challenge is neither the password nor what it is for, and goes after an hour."""
        asked = self.ask(self.question("secret content"))
        self.bank.clock.advance(3600)
        self.ask(self.question("other"))
        with self.bank.store.reading() as connection:
            rows = connection.execute(select(schema.challenges)).all()
        self.assertEqual(len(rows), 1)
        self.assertNotIn(asked.challenged.challenge, repr(rows))
        self.assertNotIn("other", repr(rows))

    def test_fifty_at_once(self) -> None:
        """Of fifty threads that give the right password at once, on connections of their own, one is told so."""
        session, asked = self.session(self.alice), self.ask()
        self.assertEqual(self.at_once(asked, session, lambda _: asked.password or "", 50).count(True), 1)
        self.assertTrue(self.spend())

    def test_wrong_ones_at_once(self) -> None:
        """However many are given at once, three count, so that the right one among later ones is of no use."""
        session, asked = self.session(self.alice), self.ask()
        wrong = "0" * 8 if asked.password != "0" * 8 else "1" * 8
        became = self.at_once(asked, session, lambda _: wrong, 20)
        self.assertEqual((became.count(False), became.count(None)), (MAX_TRIES, 20 - MAX_TRIES))
        self.assertGone(asked, session)

    def at_once(self, asked: Asked, session: Session, password: object, count: int) -> list[bool | None]:
        """Have ``count`` threads try what ``password`` gives at once; whether each was right, None where refused."""
        became: list[bool | None] = []
        stores = [Store(self.url, bytes(32), self.bank.clock.seconds) for _ in range(5)]
        start = Barrier(count)

        def run(place: int) -> None:
            start.wait(10)
            for _ in range(20):
                try:
                    with stores[place % len(stores)].writing() as tx:
                        given = password(place)  # type: ignore[operator]
                        tried = one_time.give(tx, self.book, asked.challenged.challenge, given, session)
                    became.append(tried.right)
                    return
                except Refused:
                    became.append(None)
                    return
                except Exception:
                    continue

        threads = [Thread(target=run, args=(place,)) for place in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for store in stores:
            store.close()
        return became


@on_every_engine
class Apps(OneTimeCase):
    """The customer's authenticator app."""

    def test_enrolment(self) -> None:
        """An app that shows a code of its secret counts from then on, and brings ten recovery codes."""
        session = self.session(self.alice)
        app, recovery = self.enrol(session)
        self.assertEqual(len({each.code for each in recovery}), 10)
        asked = self.ask(route=None)
        self.assertEqual((asked.challenged.by, asked.challenged.to, asked.password), ("app", None, None))
        self.bank.clock.advance(30)
        self.assertTrue(self.give(asked, app.at(self.bank.clock.seconds()), session).right)
        self.assertTrue(self.spend())

    def test_uri(self) -> None:
        """The secret comes with a URI that names bank and customer."""
        session, name = self.session(self.alice), "My: Bank" + "x" * 60
        with self.bank.store.writing() as tx:
            offered = authenticator.offer(tx, self.book, self.bank.branch.random_below, session, name)
        read = pyotp.parse_uri(offered.uri)
        self.assertEqual((read.secret, read.name, len(read.issuer or "")), (offered.secret, "alice", 32))
        self.assertEqual(len(base64.b32decode(offered.secret)), authenticator.SECRET_OCTETS)

    def test_not_confirmed(self) -> None:
        """An app that was offered a secret, and shows nothing or something else, does not count."""
        session = self.session(self.alice)
        with self.bank.store.writing() as tx:
            refused = self.assertRaises(
                Refused, authenticator.confirm, tx, self.book, self.bank.branch.random_below, session, "123456"
            )
            self.assertIs(refused.code, codes.NO_APP)
            app = pyotp.TOTP(authenticator.offer(tx, self.book, self.bank.branch.random_below, session, "Bank").secret)
            wrong = app.at(self.bank.clock.seconds() + 3000)
            refused = self.assertRaises(
                Refused, authenticator.confirm, tx, self.book, self.bank.branch.random_below, session, wrong
            )
            self.assertIs(refused.code, codes.WRONG_CODE)
            self.assertFalse(authenticator.counts(tx.connection, self.book, self.alice.customer_id))
        self.assertIsNotNone(self.ask().password)

    def test_each_step_once(self) -> None:
        """A code is taken once, the one that confirmed the app included, and none of an earlier step after it."""
        session = self.session(self.alice)
        app, _ = self.enrol(session)
        now = self.bank.clock.seconds()
        asked = self.ask()
        self.assertFalse(self.give(asked, app.at(now), session).right)
        self.bank.clock.advance(30)
        self.assertTrue(self.give(asked, app.at(now + 60), session).right)
        asked = self.ask()
        self.assertFalse(self.give(asked, app.at(now + 60), session).right)
        self.assertFalse(self.give(asked, app.at(now + 30), session).right)

    def test_another_pepper(self) -> None:
        """Under another pepper there is no app: a password is sent, and no code of the app or recovery code will do."""
        session = self.session(self.alice)
        app, recovery = self.enrol(session)
        self.book = Codebook(b"another")
        asked = self.ask()
        self.bank.clock.advance(30)
        for wrong in (app.at(self.bank.clock.seconds()), recovery[0].code):
            self.assertFalse(self.give(asked, wrong, session).right)
        self.assertTrue(self.give(asked, asked.password, session).right)

    def test_a_new_app(self) -> None:
        """The app that counts goes on until the new one was confirmed, and then is worth nothing."""
        session = self.session(self.alice)
        old, old_codes = self.enrol(session)
        with self.bank.store.writing() as tx:
            offered = authenticator.offer(tx, self.book, self.bank.branch.random_below, session, "Bank")
        self.bank.clock.advance(30)
        asked = self.ask()
        self.assertTrue(self.give(asked, old.at(self.bank.clock.seconds()), session).right)
        new = pyotp.TOTP(offered.secret)
        with self.bank.store.writing() as tx:
            now = new.at(self.bank.clock.seconds())
            authenticator.confirm(tx, self.book, self.bank.branch.random_below, session, now)
        self.bank.clock.advance(30)
        asked = self.ask()
        for wrong in (old.at(self.bank.clock.seconds()), old_codes[0].code):
            self.assertFalse(self.give(asked, wrong, session).right)
        self.assertTrue(self.give(asked, new.at(self.bank.clock.seconds()), session).right)

    def test_removed(self) -> None:
        """Without the app passwords are sent again, its codes are worth nothing, and it cannot be removed again."""
        session = self.session(self.alice)
        app, recovery = self.enrol(session)
        with self.bank.store.writing() as tx:
            authenticator.remove(tx, self.book, session)
        asked = self.ask()
        self.bank.clock.advance(30)
        for wrong in (app.at(self.bank.clock.seconds()), recovery[0].code):
            self.assertFalse(self.give(asked, wrong, session).right)
        self.assertTrue(self.give(asked, asked.password, session).right)
        for whose in (session, self.session(self.bob)):
            with self.bank.store.writing() as tx:
                refused = self.assertRaises(Refused, authenticator.remove, tx, self.book, whose)
            self.assertIs(refused.code, codes.NO_APP)

    def test_recovery_codes(self) -> None:
        """Each is taken once, in place of the app's or of one that was sent, as people write it; the owner is told."""
        session = self.session(self.alice)
        _, recovery = self.enrol(session)
        for code in (recovery[0].code.upper(), recovery[1].code.replace("-", "")):
            self.bank.board.events.clear()
            self.assertTrue(self.give(self.ask(), code, session).right)
        self.assertFalse(self.give(self.ask(), recovery[0].code, session).right)
        asked = self.ask(self.question(known=self.bob))
        self.assertFalse(self.give(asked, recovery[2].code, self.session(self.bob)).right)
        with self.bank.store.reading() as connection:
            kinds = connection.execute(select(schema.notices.c.kind)).scalars().all()
        self.assertEqual(kinds, ["device", "recovery", "recovery"])

    def test_answered_ones_do_not_count(self) -> None:
        """Who answers by an app may be asked as often as need be; who does not, ten times in an hour."""
        session = self.session(self.alice)
        app, _ = self.enrol(session)
        for _ in range(MOST_AN_HOUR + 2):
            self.bank.clock.advance(30)
            self.assertTrue(self.give(self.ask(), app.at(self.bank.clock.seconds()), session).right)
            self.assertTrue(self.spend())
        for _ in range(MOST_AN_HOUR):
            self.ask()
        self.assertIs(self.assertRaises(Refused, self.ask).code, codes.WAIT)
