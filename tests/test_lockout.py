"""Lockout: what is counted, who waits and who is locked, on every engine; and that no stranger locks a customer out."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import event
from twisted.internet.defer import Deferred

from bankd import codes
from bankd.bank import lockout
from bankd.bank.lockout import SINCE, Tried
from bankd.bank.terms import LockoutRules
from bankd.bank.tokens import TokenKeys
from bankd.codes import Code, Refused
from bankd.credentials import AccountPin, MobilePin, NamePassword, Origin
from bankd.ibank import ICustomer
from bankd.perspectives.turns import Turns
from bankd.records import NoticeKind, Wait
from bankd.store import attempts, claims, terminals
from bankd.store.claims import Found, Identity
from bankd.testing import Known, PracticeBank, Stepped
from tests.databases import DatabaseCase, on_every_engine, on_servers
from tests.test_perspectives import Terminal

RULES = LockoutRules()
HOME, SHOP = Origin("192.0.2.1"), Origin("198.51.100.7")
WRONG = "00000"
NOW_US = 1_790_000_000_000_000


class LockoutCase(DatabaseCase):
    """A test with a practice bank on the engine of its class, at which Alice and Bob are customers."""

    def setUp(self) -> None:
        self.bank = PracticeBank(url=self.database())
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice")
        self.bob = self.bank.add_customer("bob")

    def log_in(self, credentials: Any) -> Deferred[Any]:
        """What the portal gives for credentials."""
        return self.bank.portal.login(credentials, Terminal(), ICustomer)

    def enter(self, known: Known, origin: Origin = HOME) -> Any:
        """The welcome of a customer who logs in by account and PIN, and leaves again."""
        _, customer, log_out = self.successResultOf(self.log_in(AccountPin(known.account, known.pin, origin)))
        log_out()
        return customer.session.welcome

    def refusal(self, credentials: Any) -> Refused:
        """How a log-in is refused."""
        refused = self.failureResultOf(self.log_in(credentials), Refused).value
        assert isinstance(refused, Refused)
        return refused

    def fail_as(self, known: Known, times: int, origin: Origin = HOME) -> Code:
        """Give a wrong PIN so many times, each as soon as it may be; the answer to the last."""
        for _ in range(times):
            self.bank.clock.advance(70)
            code = self.refusal(AccountPin(known.account, WRONG, origin)).code
        return code

    def wait(self, known: Known, origin: Origin = HOME) -> tuple[Code, int]:
        """How a log-in with the right PIN is refused, and for how long."""
        refused = self.refusal(AccountPin(known.account, known.pin, origin))
        assert isinstance(refused.about, Wait)
        return refused.code, refused.about.seconds

    def counts(self, known: Known | None = None) -> dict[str, int]:
        """How many failures count against a customer, or all, by source."""
        now_us = int(self.bank.clock.seconds() * 1_000_000)
        with self.bank.store.reading() as connection:
            rows = lockout.counted(connection, known.customer_id if known else None, now_us, 1000)
        return {row.source: row.failures for row in rows}

    def told(self, known: Known) -> list[str]:
        """The kinds of notices that a customer got, in order."""
        return [event.kind for event in self.bank.board.events if event.account_id == known.account_id]


@on_every_engine
class Counting(LockoutCase):
    """What becomes of wrong secrets, one after the other."""

    def test_pauses_double(self) -> None:
        """After the third failure it has to wait a second, then twice as long each time; a refusal is no failure."""
        for _ in range(3):
            self.assertIs(self.refusal(AccountPin(self.alice.account, WRONG, HOME)).code, codes.WRONG_SECRET)
        waits = []
        for _ in range(4):
            code, seconds = self.wait(self.alice)
            self.assertIs(code, codes.WAIT)
            waits.append(seconds)
            self.bank.clock.advance(seconds)
            self.refusal(AccountPin(self.alice.account, WRONG, HOME))
        self.assertEqual(waits, [1, 2, 4, 8])

    def test_locked(self) -> None:
        """After the tenth it is locked for an hour, also to who is right; then one more failure locks it again."""
        self.assertIs(self.fail_as(self.alice, 10), codes.WRONG_SECRET)
        self.assertEqual(self.wait(self.alice), (codes.LOCKED, 3600))
        self.bank.clock.advance(3599.5)
        self.assertEqual(self.wait(self.alice), (codes.LOCKED, 1))
        self.bank.clock.advance(0.5)
        self.refusal(AccountPin(self.alice.account, WRONG, HOME))
        self.assertEqual(self.wait(self.alice), (codes.LOCKED, 3600))
        self.bank.clock.advance(3600)
        self.assertEqual(self.enter(self.alice).failed, 11)

    def test_only_there_and_only_this_customer(self) -> None:
        """Who is locked out of one account is not of another, and its owner not elsewhere."""
        self.fail_as(self.alice, 10)
        self.enter(self.bob)
        self.enter(self.alice, SHOP)

    def test_right_secret_begins_anew(self) -> None:
        """A right secret forgets what its source did, and takes nothing off what strangers did but itself."""
        self.fail_as(self.alice, 4)
        self.fail_as(self.alice, 2, SHOP)
        self.bank.clock.advance(70)
        self.assertEqual(self.enter(self.alice).failed, 6)
        self.assertEqual(self.counts(self.alice), {"pin network 198.51.100.0/24": 2, "pin strangers": 6})
        self.assertIsNone(self.enter(self.alice).failed)

    def test_in_use_is_no_failure(self) -> None:
        """Who has the right secret for an account that is in use waits for that alone."""
        self.successResultOf(self.log_in(AccountPin(self.alice.account, self.alice.pin, HOME)))
        for _ in range(12):
            self.assertIs(self.refusal(AccountPin(self.alice.account, self.alice.pin, HOME)).code, codes.IN_USE)
        self.assertEqual(self.counts(self.alice), {})

    def test_strangers_together(self) -> None:
        """From many networks no more is tried in all than the limit, and each is told the same."""
        tried = 0
        for network in range(120):
            origin = Origin(f"10.0.{network}.9")
            for _ in range(3):
                tried += self.refusal(AccountPin(self.alice.account, WRONG, origin)).code is codes.WRONG_SECRET
        self.assertEqual(tried, RULES.lock_strangers_after)
        self.assertEqual(self.wait(self.alice, Origin("203.0.113.1"))[0], codes.LOCKED)
        self.assertEqual(self.counts(self.alice)["pin strangers"], RULES.lock_strangers_after)

    def test_strangers_together_do_not_pause(self) -> None:
        """A few failures elsewhere keep nobody waiting here."""
        self.fail_as(self.alice, 9)
        self.assertEqual(self.enter(self.alice, SHOP).failed, 9)

    def test_all_ways_to_a_secret_count_together(self) -> None:
        """The PIN is guessed by account and by mobile number, the password is another secret."""
        terms = replace(self.bank.branch.terms, registers_mobiles=False)
        self.bank.branch.terms = terms
        for _ in range(2):
            self.refusal(AccountPin(self.alice.account, WRONG, HOME))
        self.refusal(MobilePin(self.alice.mobile, WRONG, None, HOME))
        self.assertIs(self.refusal(MobilePin(self.alice.mobile, WRONG, None, HOME)).code, codes.WAIT)
        self.successResultOf(self.log_in(NamePassword("alice", self.alice.password, None, HOME)))

    def test_forgotten(self) -> None:
        """A few failures are forgotten after an hour, more after a day; the owner is still told of all."""
        self.fail_as(self.alice, 2)
        self.fail_as(self.bob, 9)
        self.bank.clock.advance(3600)
        self.assertEqual(self.counts(self.alice), {SINCE: 2})
        self.assertEqual(len(self.counts(self.bob)), 3)
        self.bank.clock.advance(86_400)
        self.assertEqual(self.counts(self.bob), {SINCE: 9})
        self.fail_as(self.bob, 1)
        self.assertEqual(self.counts(self.bob), {"pin network 192.0.2.0/24": 1, "pin strangers": 1, SINCE: 10})

    def test_swept(self) -> None:
        """What is forgotten is swept away with later tries, faster than they add to it."""
        for number in range(40):
            self.refusal(AccountPin(f"9{number:07}", WRONG, HOME))
        self.bank.clock.advance(lockout.SINCE_US // 1_000_000)
        sizes = []
        for number in range(30):
            self.refusal(AccountPin(f"8{number:07}", WRONG, HOME))
            with self.bank.store.reading() as connection:
                sizes.append(attempts.count(connection))
        self.assertEqual((sizes[0], sizes[-1]), (120 + 3 - lockout.SWEPT, 90))

    def test_nobody_is_forgotten(self) -> None:
        """Of tries to be many whom the bank does not know nothing counts after an hour: made-up names fill no disk."""
        for number in range(3):
            self.refusal(AccountPin(f"9{number:07}", WRONG, HOME))
        self.assertEqual(sorted(self.counts()), ["pin network 192.0.2.0/24", "pin strangers", SINCE])
        self.bank.clock.advance(3600)
        self.assertEqual(self.counts(), {})

    def test_nobody_is_counted_alike(self) -> None:
        """A name, number or mobile that is nobody's waits and is locked as a customer's, and is not written down."""
        self.bank.branch.terms = replace(self.bank.branch.terms, registers_mobiles=False)
        for known, unknown in (
            (NamePassword("alice", "x", None, HOME), NamePassword("eve", "x", None, HOME)),
            (AccountPin(self.bob.account, WRONG, HOME), AccountPin("77777777", WRONG, HOME)),
            (MobilePin(self.alice.mobile, WRONG, None, HOME), MobilePin("+12025550199", WRONG, None, HOME)),
        ):
            answers: list[list[tuple[Code, object]]] = []
            for credentials in (known, unknown):
                answers.append([])
                for pause in (0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 1):
                    self.bank.clock.advance(pause)
                    refused = self.refusal(credentials)
                    answers[-1].append((refused.code, refused.about))
            self.assertEqual(*answers)
            self.assertIs(answers[0][-1][0], codes.LOCKED)
        with self.bank.store.reading() as connection:
            written = str(attempts.all_counted(connection, None, NOW_US, 1000))
        for claimed in ("eve", "77777777", "2025550199"):
            self.assertNotIn(claimed, written)

    def test_lifted(self) -> None:
        """An operator lets everybody try again, for one customer or all; the owner is still told."""
        for known in (self.alice, self.bob):
            self.fail_as(known, 10)
        with self.bank.store.writing() as tx:
            self.assertEqual(lockout.lift(tx, self.alice.customer_id), 2)
        self.assertEqual(self.enter(self.alice).failed, 10)
        self.assertIs(self.wait(self.bob)[0], codes.LOCKED)
        with self.bank.store.writing() as tx:
            self.assertGreaterEqual(lockout.lift(tx, None), 2)
        self.assertEqual(self.enter(self.bob).failed, 10)

    def test_told(self) -> None:
        """The owner is told once that tries fail, and once of each lock; nobody of tries to be nobody."""
        self.fail_as(self.alice, 2)
        self.assertEqual(self.told(self.alice), [])
        self.fail_as(self.alice, 8)
        self.assertEqual(self.told(self.alice), [NoticeKind.FAILED, NoticeKind.LOCKOUT])
        for _ in range(3):
            self.bank.clock.advance(3600)
            self.fail_as(self.alice, 1)
        self.assertEqual(self.told(self.alice), [NoticeKind.FAILED, NoticeKind.LOCKOUT])
        events = len(self.bank.board.events)
        for _ in range(10):
            self.bank.clock.advance(70)
            self.refusal(AccountPin("77777777", WRONG, HOME))
        self.assertEqual(len(self.bank.board.events), events)


@on_every_engine
class Trusting(LockoutCase):
    """Terminals that the customer has logged in at."""

    def token(self, known: Known, origin: Origin = HOME) -> str:
        """What a terminal is given that asks for a token."""
        token: str | None = self.enter(known, replace(origin, token="new")).terminal
        assert token is not None
        return token

    def test_given(self) -> None:
        """A token is given to who asks for one and has none that is right, and to nobody else."""
        self.assertIsNone(self.enter(self.alice).terminal)
        token = self.token(self.alice)
        self.assertIsNone(self.enter(self.alice, replace(SHOP, token=token)).terminal)
        self.assertNotIn(self.token(self.alice, replace(HOME, token="stale.token")), (token, None))
        self.assertNotIn(token, repr(replace(HOME, token=token)))

    def test_registered(self) -> None:
        """Who is registered by a mobile number can have one at once."""
        credentials = MobilePin("+12025550190", "24681", None, replace(HOME, token="new"))
        welcome = self.successResultOf(self.log_in(credentials))[1].session.welcome
        self.assertIsNotNone(welcome.terminal)

    def test_strangers_do_not_touch_it(self) -> None:
        """While all strangers are locked out, in its own network too, the trusted terminal gets in."""
        trusted = replace(HOME, token=self.token(self.alice))
        for network in range(12):
            self.fail_as(self.alice, 5, Origin(f"10.0.{network}.9"))
        self.fail_as(self.alice, 10)
        self.assertIs(self.wait(self.alice)[0], codes.LOCKED)
        self.assertEqual(self.enter(self.alice, trusted).failed, 50)

    def test_stolen(self) -> None:
        """Who has stolen a token gets that terminal's tries and no more, and nobody else is touched."""
        trusted = replace(HOME, token=self.token(self.alice))
        self.fail_as(self.alice, 10, trusted)
        for origin in (trusted, replace(SHOP, token=trusted.token)):
            self.assertIs(self.wait(self.alice, origin)[0], codes.LOCKED)
        self.assertEqual(self.enter(self.alice).failed, 10)

    def test_others(self) -> None:
        """A token of Bob's, or one that somebody made up, is none of Alice's: it is a stranger that shows it."""
        bobs = self.token(self.bob)
        for number, token in enumerate((bobs, "new", "x.y", f"{bobs[:22]}.{bobs[22:]}", bobs.lower())):
            origin = Origin(f"10.1.{number}.1", token=token)
            self.fail_as(self.alice, 1, origin)
        self.assertEqual(self.counts(self.alice)["pin strangers"], 5)

    def test_voided(self) -> None:
        """An operator makes strangers of all of a customer's terminals; each may become trusted again."""
        trusted, other = replace(HOME, token=self.token(self.alice)), replace(HOME, token=self.token(self.bob))
        with self.bank.store.writing() as tx:
            lockout.void_tokens(tx, self.alice.customer_id)
        self.assertIsNotNone(self.enter(self.alice, trusted).terminal)
        self.assertIsNone(self.enter(self.bob, other).terminal)

    def test_certificate(self) -> None:
        """A terminal that has a certificate of the bank's is a source of its own too."""
        machine = replace(HOME, certificate="ab" * 32)
        with self.bank.store.writing() as tx:
            terminals.add(tx, "ATM 1", "ab" * 32, NOW_US * 2)
        self.fail_as(self.alice, 10)
        self.enter(self.alice, machine)
        self.fail_as(self.alice, 10, machine)
        self.assertIs(self.wait(self.alice, machine)[0], codes.LOCKED)
        self.assertEqual(self.counts(self.alice)["pin strangers"], 10)

    def test_revoked(self) -> None:
        """A terminal that the bank has not enrolled, or trusts no more, is a stranger whatever it shows."""
        with self.bank.store.writing() as tx:
            terminals.add(tx, "ATM 1", "ab" * 32, NOW_US * 2)
            terminals.revoke(tx, "ATM 1")
        for certificate in ("ab" * 32, "cd" * 32):
            self.fail_as(self.alice, 1, replace(HOME, certificate=certificate))
        self.assertEqual(self.counts(self.alice)["pin strangers"], 2)


class Again(LockoutCase):
    """Secrets that are given again in a session."""

    def session(self) -> Any:
        """Alice's session."""
        return self.successResultOf(self.log_in(AccountPin(self.alice.account, self.alice.pin, HOME)))[1]

    def change(self, customer: Any, pin: str) -> Refused | None:
        """Change the PIN by giving ``pin`` again; the refusal, if it is one."""
        result: list[Any] = []
        changed = Deferred.fromCoroutine(customer.change_secret("pin", "86420", None, pin))
        changed.addBoth(result.append)
        return None if result[0] is None else result[0].value

    def test_counted(self) -> None:
        """They count, wait and lock as at log-in, for sessions alone; strangers cannot lock a session out of it."""
        for network in range(12):
            self.fail_as(self.alice, 5, Origin(f"10.0.{network}.9"))
        customer = self.session_of_password()
        seen = []
        for _ in range(11):
            self.bank.clock.advance(70)
            refused = self.change(customer, WRONG)
            assert refused is not None
            seen.append(refused.code)
        self.assertEqual(seen, [codes.WRONG_SECRET] * 10 + [codes.LOCKED])
        refused = self.change(customer, self.alice.pin)
        self.assertIs(refused and refused.code, codes.LOCKED)
        self.bank.clock.advance(3600)
        self.assertIsNone(self.change(customer, self.alice.pin))
        self.assertNotIn("pin session", self.counts(self.alice))

    def session_of_password(self) -> Any:
        """Alice's session by her password."""
        return self.successResultOf(self.log_in(NamePassword("alice", self.alice.password, None, SHOP)))[1]

    def test_wait(self) -> None:
        """After three the next has to wait, in account deletion too."""
        customer = self.session()
        for _ in range(3):
            self.change(customer, WRONG)
        deleted = Deferred.fromCoroutine(customer.delete_account(None, self.alice.pin, None))
        self.assertIs(self.failureResultOf(deleted, Refused).value.code, codes.WAIT)


@on_every_engine
class AtOnce(LockoutCase):
    """Many tries that are under way at the same time."""

    def setUp(self) -> None:
        self.pools = [Stepped() for _ in range(3)]
        lane, read, hashes = self.pools
        self.bank = PracticeBank(lane_pool=lane, read_pool=read, hash_pool=hashes, url=self.database())
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice")

    def drain(self) -> None:
        """Have all pools do all that waits."""
        while any(pool.waiting for pool in self.pools):
            for pool in self.pools:
                pool.drain()

    def codes_of(self, tries: Iterable[Deferred[Any]]) -> list[Code]:
        """How tries were refused."""
        return [self.failureResultOf(one, Refused).value.code for one in tries]

    def test_no_more_than_one_by_one(self) -> None:
        """Of thirty at once three are checked, and all others have to wait; no hash is made for them."""
        waiting = [self.log_in(AccountPin(self.alice.account, WRONG, HOME)) for _ in range(30)]
        read = self.pools[1]
        read.drain()
        self.pools[0].drain()
        self.assertEqual(len(self.pools[2].waiting), 3)
        self.drain()
        found = self.codes_of(waiting)
        self.assertEqual((found.count(codes.WRONG_SECRET), found.count(codes.WAIT)), (3, 27))

    def test_from_many_networks(self) -> None:
        """Of two hundred from as many networks no more are checked than strangers have together."""
        waiting = [self.log_in(AccountPin(self.alice.account, WRONG, Origin(f"10.0.{n}.1"))) for n in range(200)]
        self.drain()
        found = self.codes_of(waiting)
        self.assertEqual((found.count(codes.WRONG_SECRET), found.count(codes.LOCKED)), (50, 150))

    def test_right_among_wrong(self) -> None:
        """One that is right among three gets in, and the wrong ones count."""
        secrets = (WRONG, self.alice.pin, WRONG)
        waiting = [self.log_in(AccountPin(self.alice.account, secret, HOME)) for secret in secrets]
        self.drain()
        self.assertEqual(self.successResultOf(waiting[1])[1].session.welcome.failed, 2)
        self.codes_of([waiting[0], waiting[2]])

    def test_hash_not_made(self) -> None:
        """A try that the bank was too busy to check is not counted."""
        self.bank.branch.hash_pool = Turns(self.pools[2], 1, 0)
        waiting = [self.log_in(AccountPin(self.alice.account, WRONG, HOME)) for _ in range(3)]
        self.drain()
        self.assertEqual(self.codes_of(waiting), [codes.BUSY] * 3)
        self.assertEqual(self.counts(self.alice), {})


@on_servers
class TwoBanks(DatabaseCase):
    """Two banks on one database."""

    def test_one_count(self) -> None:
        """What one counts the other knows, and first counts at the same moment are both counted."""
        url = self.database()
        first = PracticeBank(url=url)
        self.addCleanup(first.close)
        alice = first.add_customer("alice")
        second = PracticeBank(url=url)
        self.addCleanup(second.close)
        refused = []
        for number in range(4):
            bank = (first, second)[number % 2]
            waiting = bank.portal.login(AccountPin(alice.account, WRONG, HOME), Terminal(), ICustomer)
            refused.append(self.failureResultOf(waiting, Refused).value.code)
        self.assertEqual(refused, [codes.WRONG_SECRET] * 3 + [codes.WAIT])

    def test_first_row_at_the_same_moment(self) -> None:
        """Who finds no row, and that another has made it meanwhile, is done again and counts on."""
        url = self.database()
        banks = [PracticeBank(url=url) for _ in range(2)]
        for bank in banks:
            self.addCleanup(bank.close)
        tried = Tried("nobody", None, "pin network 192.0.2.0/24", "pin strangers")
        held, other, rounds = attempts.held, banks[1], []

        def interrupted(tx: Any, subject: str, sources: Any) -> Any:
            found = held(tx, subject, sources)
            rounds.append(len(found))
            if len(rounds) == 1:
                self.successResultOf(other.lane.run(lambda tx: lockout.count(tx, tried, RULES)))
            return found

        self.patch(attempts, "held", interrupted)
        self.successResultOf(banks[0].lane.run(lambda tx: lockout.count(tx, tried, RULES)))
        self.assertEqual(rounds, [0, 0, 3])
        with banks[0].store.reading() as connection:
            rows = attempts.counted(connection, "nobody", tried.sources, NOW_US)
        self.assertEqual([row.failures for row in rows], [2, 2, 2])

    def test_sweeps_past_each_other(self) -> None:
        """Who sweeps waits for nobody: a row that another bank counts in is left to that one."""
        url = self.database()
        first, second = (PracticeBank(url=url) for _ in range(2))
        for bank in (first, second):
            self.addCleanup(bank.close)
        names = [Tried(name, None, "pin network 192.0.2.0/24", "pin strangers") for name in ("eve", "mallory")]
        with first.store.writing() as tx:
            for tried in names:
                lockout.count(tx, tried, RULES)
        first.clock.advance(3600)
        second.clock.advance(3600)
        with first.store.writing() as tx:
            attempts.held(tx, "eve", names[0].sources)
            with second.store.writing() as other:
                lockout.count(other, names[1], RULES)
        with first.store.reading() as connection:
            self.assertEqual(attempts.count(connection), 6)


class Names(DatabaseCase):
    """Who is meant, and from where."""

    def test_networks(self) -> None:
        """A network is a /24 or a /56; an IPv4 address in IPv6 is itself; what is no address is nowhere."""
        for host, network in (
            ("192.0.2.77", "192.0.2.0/24"),
            ("::ffff:192.0.2.77", "192.0.2.0/24"),
            ("2001:db8:1:2ff::9", "2001:db8:1:200::/56"),
            ("fe80::1%eth0", "fe80::/56"),
            ("", "nowhere"),
            ("bank.example", "nowhere"),
        ):
            self.assertEqual(lockout.network_of(host), network)

    def test_fits_the_columns(self) -> None:
        """The longest subject and source fit into their columns."""
        keys = TokenKeys(b"pepper")
        token = keys.new(10**17, 1, lambda below: below - 1)
        longest = "2001:dbff:fff1:22ff:ffff:ffff:ffff:ffff"
        identity = Identity("username", "x" * 32, "password")
        for found, origin in (
            (Found(), Origin(longest)),
            (Found(10**17, 1), Origin(longest, "ab" * 32)),
            (Found(10**17, 1), Origin(longest, token=token)),
        ):
            tried = lockout.at_log_in(keys, identity, found, origin)
            self.assertLessEqual(len(tried.subject), 64)
            for source in tried.sources:
                self.assertLessEqual(len(source), 96)

    def test_keys(self) -> None:
        """Tokens and pseudonyms are of one bank: under another pepper they are others."""
        ours, theirs = TokenKeys(b"ours"), TokenKeys(b"theirs")
        token = ours.new(1, 0, lambda below: 7)
        self.assertRegex(token, r"^[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}$")
        self.assertEqual(ours.terminal(token, 1, 0), token[:22])
        for keys, customer_id, generation in ((theirs, 1, 0), (ours, 2, 0), (ours, None, 0), (ours, 1, 1)):
            self.assertIsNone(keys.terminal(token, customer_id, generation))
        self.assertIsNone(ours.terminal(None, 1, 0))
        self.assertNotEqual(ours.pseudonym("username eve"), theirs.pseudonym("username eve"))

    def test_found_in_one_statement(self) -> None:
        """Who is claimed to be somebody is looked up by one statement, whether it is anybody or not."""
        bank = PracticeBank(url=self.database())
        self.addCleanup(bank.close)
        alice = bank.add_customer("alice")
        statements: list[str] = []
        event.listen(bank.store.reader, "before_cursor_execute", lambda *args: statements.append(args[2]))
        for identity in (
            Identity("username", "alice", "password"),
            Identity("username", "eve", "password", alice.account),
            Identity("account", alice.account, "pin", alice.account),
            Identity("account", "77777777", "pin", "77777777"),
            Identity("mobile", "+12025550199", "pin"),
        ):
            before = len(statements)
            with bank.store.reading() as connection:
                claims.find(connection, identity)
            self.assertEqual(len([one for one in statements[before:] if one.startswith("SELECT")]), 1)
