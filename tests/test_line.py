"""BANK/1 from the bank's side: codes and their precedence, order, limits, and how connections end."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank import access, accounts, payments
from bankd.bank.one_time import MOST_AN_HOUR
from bankd.bank.terms import OneTime
from bankd.codes import Code
from bankd.delivery.post import Post
from bankd.ledger.commands import Hold
from bankd.money import MAX_HOLDING_MINOR
from bankd.perspectives.customer import Customer
from bankd.perspectives.turns import Turns
from bankd.protocols.line import MAX_UNREAD, PIPELINE, TURN
from bankd.records import AccountView, Limits, Sealing
from bankd.store import customers
from bankd.testing import PRACTICE_TERMS, AtOnce, Known, PracticeBank, PracticePost, Stepped, Wire
from bankd.wire import codec
from bankd.wire.roles import Role

LIMITS = Limits(login_seconds=60, idle_seconds=300)
LEASE = 30
GREETING = "* 200 protocol=BANK/1 bank=Practice%20Bank currency=USD"


class LineCase(SynchronousTestCase):
    """A test with a practice bank, at which Alice has 100 dollars and Bob nothing."""

    limits = LIMITS

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.lane_pool, self.hash_pool = Stepped(), Stepped()
        self.stepped = False
        self.bank = PracticeBank(folder, limits=self.limits, lane_pool=self.in_lane)
        self.addCleanup(self.bank.close)
        self.alice = self.bank.add_customer("alice", deposit_minor=100_00)
        self.bob = self.bank.add_customer("bob")

    def in_lane(self, function: Callable[[], Any]) -> Deferred[Any]:
        """The lane's thread: at once, or once ``stepped`` is set when the test says so."""
        return self.lane_pool(function) if self.stepped else AtOnce()(function)

    def hash_when_stepped(self) -> None:
        """Have secrets hashed when the test says so."""
        self.bank.branch.hash_pool = Turns(self.hash_pool, 1)

    def log_in(self, known: Known | None = None) -> Wire:
        """A connection on which a customer has logged in; by default Alice."""
        wire = self.bank.log_in(known or self.alice)
        self.assertTrue(wire.connected)
        return wire

    def balance(self, known: Known) -> int:
        """What an account holds."""
        with self.bank.store.reading() as connection:
            return customers.account(connection, known.account_id).balance_minor

    def assertFree(self, known: Known) -> None:
        """Nobody has a session on a customer's account."""
        wire = self.bank.connect()
        self.assertEqual(codes_of(wire.ask(f"free LOGIN account={known.account} pin={known.pin}")), ["200"])
        wire.ask("out LOGOUT")


def codes_of(answers: list[str]) -> list[str]:
    """What stands in the place of the code in each line, with the reason where there is one."""
    return [
        " ".join(word for word in line.split()[1:] if word[0] in "0123456789-" or word[:7] == "reason=")
        for line in answers
    ]


def spelt(code: Code) -> str:
    """A code as ``codes_of`` gives it."""
    return f"{code.number} reason={code.reason}" if code.gives_reason else str(code.number)


class Codes(LineCase):
    """Every code of the protocol, provoked."""

    def answer(self, wire: Wire, request: str) -> str:
        """What a request is answered, without its tag."""
        (line,) = wire.ask(f"q {request}")
        self.assertTrue(line.startswith("q "), line)
        return line[2:]

    def visitors(self) -> Iterator[tuple[Code, str, str]]:
        """Codes, requests of a visitor that they answer, and what else is answered."""
        sign_up = "SIGNUP username=carol password=carol-is-here mobile=2025550177"
        yield codes.DONE, "NOOP", ""
        yield codes.BAD_LINE, "noop", ""
        yield codes.BAD_VERB, "DANCE", ""
        yield codes.NEEDS_LOGIN, "BALANCE", ""
        yield codes.BAD_FIELD, "NOOP x=1", "field=x"
        yield codes.BAD_FIELD, "LOGIN username=alice", "field=password"
        yield codes.BAD_FIELD, sign_up.replace("2025550177", "1234"), "field=mobile"
        yield codes.WRONG_SECRET, f"LOGIN account={self.alice.account} pin=0000", ""
        yield codes.WEAK_SECRET, sign_up.replace("carol-is-here", "carol"), "field=password"
        yield codes.WEAK_SECRET, f"{sign_up} pin=1234", "field=pin"
        yield codes.TAKEN, sign_up.replace("username=carol", "username=alice"), "field=username"
        yield codes.WEAK_SECRET, "LOGIN mobile=2025550178 pin=1111", "field=pin"

    def customers(self) -> Iterator[tuple[Code, str, str]]:
        """The same for a customer's requests: Alice's."""
        euros, bob = self.answer(self.log_in(self.bob), "OPEN_ACCOUNT currency=EUR").split()[1], self.bob.account
        yield codes.BAD_STATE, f"LOGIN account={bob} pin={self.bob.pin}", ""
        yield codes.BAD_STATE, "SIGNUP", ""
        yield codes.BAD_ITEMS, "BULK count=1 mode=all currency=USD key=k0", ""
        yield codes.BAD_FIELD, "OPEN_ACCOUNT currency=XXX", "field=currency"
        yield codes.BAD_FIELD, "STATEMENT cursor=99", "field=cursor"
        yield codes.BAD_FIELD, "ACKNOWLEDGE upto=99", "field=upto"
        yield codes.WRONG_SECRET, "CHANGE_PIN new=24689 pin=0000", ""
        yield codes.WEAK_SECRET, f"CHANGE_PIN new=1234 pin={self.alice.pin}", "field=new"
        yield codes.TAKEN, f"UPDATE_CONTACT mobile={self.bob.mobile}", "field=mobile"
        yield codes.NO_ACCOUNT, "TRANSFER to=77777777 amount=1 currency=USD key=k1", ""
        yield codes.SAME_ACCOUNT, f"TRANSFER to={self.alice.account} amount=1 currency=USD key=k2", ""
        yield codes.OTHER_CURRENCY, "DEPOSIT amount=1 currency=EUR key=k3", ""
        yield codes.OTHER_CURRENCY, f"TRANSFER to={euros.removeprefix('account=')} amount=1 currency=USD key=k4", ""
        yield codes.NO_FUNDS, "WITHDRAW amount=10001 currency=USD key=k5", ""
        yield codes.NOT_EMPTY, f"DELETE_ACCOUNT pin={self.alice.pin}", ""
        yield codes.OTHER_CONTENT, "WITHDRAW amount=10002 currency=USD key=k5", ""
        yield codes.NO_HOLD, "CAPTURE hold=99 key=k6", ""
        yield codes.NO_ENTRY, "REVERSE receipt=99 key=k7", ""
        yield codes.NO_CHALLENGE, f"ONE_TIME challenge={'0' * 32} code=123456", ""
        yield codes.NO_PROBE, f"CONFIRM proof={'0' * 32}", ""
        yield codes.NO_APP, "CONFIRM_APP code=123456", ""

    def about_a_hold(self) -> Iterator[tuple[Code, list[str]]]:
        """Codes that take a hold of Alice's, or limits on her account."""
        hold, wire = self.hold_for_bob(), self.log_in()
        yield codes.NOT_PAYEE, wire.ask(f"q RELEASE hold={hold} key=k8")
        yield codes.MORE_THAN_LEFT, wire.ask(f"q CAPTURE hold={hold} amount=2 key=k9")
        yield codes.HELD, wire.ask(f"q DELETE_ACCOUNT pin={self.alice.pin}")
        self.limit(payment_limit_minor=5, day_limit_minor=1)
        yield codes.PAYMENT_LIMIT, wire.ask("q WITHDRAW amount=6 currency=USD key=k10")
        yield codes.DAY_LIMIT, wire.ask("q WITHDRAW amount=1 currency=USD key=k11")
        wire.drop()

    def by_the_bank(self) -> Iterator[tuple[Code, list[str]]]:
        """Codes that take an act of the bank's: freezing an account, ending a session, a PIN that is to be changed."""
        wire, number = self.log_in(), self.alice.account
        with self.bank.store.writing() as tx:
            accounts.freeze(tx, number)
        yield codes.FROZEN, wire.ask("q WITHDRAW amount=1 currency=USD key=k12")
        with self.bank.store.writing() as tx:
            accounts.unfreeze(tx, number)
            access.end_whatever(tx, number)
        self.bank.clock.advance(PRACTICE_TERMS.lease_seconds / 2)
        yield codes.ENDED, wire.ask("q BALANCE")
        pin = self.bank.branch.hasher.hash(self.bob.pin)
        with self.bank.store.writing() as tx:
            customers.set_secret(tx, self.bob.customer_id, "pin", pin, must_change=True)
        wire = self.log_in(self.bob)
        yield codes.CHANGE_FIRST, wire.ask("q BALANCE")
        wire.drop()
        with self.bank.store.writing() as tx:
            customers.set_secret(tx, self.bob.customer_id, "pin", pin)

    def wrong_pins(self) -> Iterator[tuple[Code, list[str]]]:
        """Codes that take several wrong PINs, and how long they are said to hold."""
        wire, wrong = self.bank.connect(), "q LOGIN account=77777777 pin=0000"
        wire.ask(*[wrong] * 3)
        self.assertEqual(wire.ask(wrong), ["q 429 reason=wait seconds=1"])
        yield codes.WAIT, wire.ask(wrong)
        for _ in range(7):
            self.bank.clock.advance(64)
            wire = self.bank.connect()
            wire.ask(wrong)
        self.assertEqual(wire.ask(wrong), ["q 429 reason=locked seconds=3600"])
        yield codes.LOCKED, wire.ask(wrong)

    def hold_for_bob(self) -> int:
        """The number of a hold of Alice's for Bob."""
        command = Hold(
            customer_id=self.alice.customer_id,
            account_id=self.alice.account_id,
            fence=None,
            key="for bob",
            amount_minor=1,
            currency="USD",
            payee=self.bob.account,
            seconds=60,
        )
        with self.bank.store.writing() as tx:
            entry = payments.apply(tx, [command])[0].entry
        assert entry is not None
        return entry.id

    def limit(self, **limits: int) -> None:
        """Give Alice's account limits of its own."""
        with self.bank.store.writing() as tx:
            customers.change_account(tx, self.alice.account_id, **limits)

    def others(self) -> Iterator[tuple[Code, list[str]]]:
        """Codes that take more than a request, and the answers in which they are seen."""
        yield from self.about_a_hold()
        yield from self.about_time()
        yield from self.by_the_bank()
        wire = self.bank.connect()
        yield codes.CREATED, wire.ask("q LOGIN mobile=2025550179 pin=24689")
        yield codes.IN_USE, self.bank.connect().ask("q LOGIN mobile=2025550179 pin=24689")
        yield codes.TOO_MANY, wire.ask(*["q OPEN_ACCOUNT"] * accounts.MAX_ACCOUNTS)[-1:]
        yield from self.wrong_pins()
        yield codes.BROKEN_LINE, self.bank.connect().ask("")
        yield codes.LONG_LINE, self.bank.connect().ask("q NOOP" + " x" * 4096)
        yield codes.BROKEN_SEAL, self.bank.connect().ask("q SEALED jwe=x")
        needing = self.patch(self.bank.branch, "sealing", Sealing.SECRETS)
        yield codes.NEEDS_SEAL, self.bank.connect().ask("q LOGIN account=1 pin=1234")
        needing.restore()
        self.patch(self.bank.branch, "hash_pool", Turns(AtOnce(), 1, 0))
        yield codes.BUSY, self.bank.connect().ask("q LOGIN username=alice password=x")
        yield codes.TOO_MUCH, self.deposit_too_much()
        terms, self.bank.branch.terms = self.bank.branch.terms, replace(self.bank.branch.terms, pin_terminals=True)
        yield codes.NEEDS_TERMINAL, self.bank.connect().ask(f"q LOGIN account={self.bob.account} pin={self.bob.pin}")
        self.bank.branch.terms = terms
        yield from self.one_time()
        yield from self.operators()
        quiet = self.bank.connect()
        self.bank.clock.advance(LIMITS.login_seconds)
        yield codes.IDLE, quiet.received()
        yield codes.OVER, self.taken_over().ask("q BALANCE")
        self.patch(Customer, "balance", lambda *_: 1 / 0)
        wire = self.bank.connect()
        self.patch(self.bank.branch, "hash_pool", Turns(AtOnce(), 1))
        yield codes.INCIDENT, wire.ask(f"q LOGIN account={self.bob.account} pin={self.bob.pin}", "r BALANCE")[1:]
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        idle = self.bank.connect()
        self.bank.factory.hang_up()
        yield codes.STOPPING, idle.received()

    def one_time(self) -> Iterator[tuple[Code, list[str]]]:
        """Codes of a bank that asks for one-time passwords."""
        terms, self.bank.branch.terms = self.bank.branch.terms, replace(self.bank.branch.terms, one_time=OneTime.LOGIN)
        known, wire = self.bank.add_customer("dora"), self.bank.connect()
        way = f"q LOGIN account={known.account} pin={known.pin}"
        pool, self.bank.branch.hash_pool = self.bank.branch.hash_pool, Turns(AtOnce(), 1)
        asked = wire.ask(way)
        yield codes.ONE_TIME, asked
        yield codes.WRONG_CODE, wire.ask(f"q ONE_TIME challenge={asked[0].split('challenge=')[1][:32]} code=notthis")
        for _ in range(MOST_AN_HOUR):
            refused = wire.ask(way)
        yield codes.WAIT, refused
        self.bank.branch.post = Post()
        yield codes.NO_DEVICE, wire.ask(way)
        self.bank.branch.terms, self.bank.branch.hash_pool = terms, pool
        wire.drop()

    def operators(self) -> Iterator[tuple[Code, list[str]]]:
        """What only operators are told."""
        self.bank.add_operator("amy", Role.TELLER, 1001)
        amy, root = self.bank.operate(1001), self.bank.operate(0)
        credit = f"q CREDIT account={self.bob.account} amount=1 currency=USD key=k reason=x"
        yield codes.NO_OPERATOR, self.bank.connect().ask("q OPERATE")
        yield codes.NOT_YOURS, amy.ask("q APPROVE proposal=1")
        yield codes.PROPOSED, root.ask(credit)
        yield codes.OWN_PROPOSAL, root.ask("q APPROVE proposal=1")
        yield codes.NO_PROPOSAL, root.ask("q APPROVE proposal=9")
        self.bank.connect().ask("l LOGIN mobile=+12025550177 pin=59371")
        [found, _] = amy.ask("q FIND_ACCOUNT mobile=+12025550177")
        number = found.split("account=")[1].split(" ")[0]
        amy.ask(f"q RESET_PIN account={number} key=m reason=x")
        self.patch(PracticePost, "route", lambda _post, _contact: None)
        yield codes.NO_DEVICE, root.ask("q APPROVE proposal=2")

    def about_time(self) -> Iterator[tuple[Code, list[str]]]:
        """Codes of who takes too long, and of a stranger for whom there is no room."""
        slow, idle, stranger = self.bank.connect(), self.log_in(), self.bank.connect()
        slow.send_octets(b"q")
        self.bank.clock.advance(LIMITS.line_seconds)
        yield codes.SLOW, slow.received()
        stranger.protocol.dismiss(codes.CROWDED)
        yield codes.CROWDED, stranger.received()
        self.bank.clock.advance(LIMITS.idle_seconds - LIMITS.idle_warning_seconds - LIMITS.line_seconds)
        yield codes.IDLE_SOON, [line.replace(" seconds=60", "") for line in idle.received()]
        for _ in range(LIMITS.session_seconds // 200 - 1):
            idle.ask("q BALANCE")
            self.bank.clock.advance(200)
        yield codes.SESSION_TIME, idle.received()

    def deposit_too_much(self) -> list[str]:
        """Fill an account as far as possible, and pay once more in."""
        rich = self.bank.add_customer("rich")
        wire = self.bank.connect()
        self.patch(self.bank.branch, "hash_pool", Turns(AtOnce(), 1))
        wire.ask(f"l LOGIN account={rich.account} pin={rich.pin}")
        with self.bank.store.writing() as tx:
            payments.apply(tx, [self.bank.deposit(rich, MAX_HOLDING_MINOR, "fill")])
        return wire.ask("q DEPOSIT amount=1 currency=USD key=k")

    def taken_over(self) -> Wire:
        """A session whose account another terminal has taken."""
        wire = self.log_in()
        self.bank.clock.advance(LEASE)
        self.log_in()
        return wire

    def test_every_code(self) -> None:
        """Every code answers something, with its reason where it refuses, and the field where one is at fault."""
        seen = set()
        visitor = self.bank.connect()
        for code, request, more in self.visitors():
            self.assertEqual(self.answer(visitor, request), f"{spelt(code)} {more}".strip(), request)
            seen.add(code)
        alice = self.log_in()
        for code, request, more in self.customers():
            self.assertEqual(self.answer(alice, request), f"{spelt(code)} {more}".strip(), request)
            seen.add(code)
        alice.drop()
        for code, lines in self.others():
            self.assertEqual(codes_of(lines), [spelt(code)], lines)
            seen.add(code)
        self.assertEqual(seen, set(codes.ALL))

    def test_precedence_of_a_line(self) -> None:
        """Where several things are wrong with a line, the code that comes first in the specification answers."""
        visitor = self.bank.connect()
        for request, code in (
            ("dance x", codes.BAD_LINE),
            ("DANCE x=1", codes.BAD_VERB),
            ("BALANCE x=1", codes.NEEDS_LOGIN),
            ("TRANSFER", codes.NEEDS_LOGIN),
            ("LOGIN pin=x account=77777777", codes.BAD_FIELD),
        ):
            self.assertEqual(codes_of(visitor.ask(f"q {request}")), [spelt(code)], request)
        alice = self.log_in()
        self.assertEqual(codes_of(alice.ask("q LOGIN pin=x")), [spelt(codes.BAD_STATE)])

    def test_precedence_of_money(self) -> None:
        """A transfer that is wrong in every way is told of one thing after the other, as each is put right."""
        wire = self.log_in()
        wire.ask("a OPEN_ACCOUNT currency=EUR", "b WITHDRAW amount=10001 currency=EUR key=used")
        other = self.log_in(self.bob).ask("a OPEN_ACCOUNT currency=EUR")[0].split()[2].removeprefix("account=")
        for fields, code in (
            ("to=77777777 amount=10001 currency=EUR key=used", codes.OTHER_CONTENT),
            ("to=77777777 amount=10001 currency=EUR key=k1", codes.NO_ACCOUNT),
            (f"to={self.alice.account} amount=10001 currency=EUR key=k2", codes.SAME_ACCOUNT),
            (f"to={other} amount=10001 currency=USD key=k3", codes.OTHER_CURRENCY),
            (f"to={self.bob.account} amount=10001 currency=EUR key=k4", codes.OTHER_CURRENCY),
            (f"to={self.bob.account} amount=10001 currency=USD key=k5", codes.NO_FUNDS),
            (f"to={self.bob.account} amount=10000 currency=USD key=k6", codes.DONE),
        ):
            self.assertEqual(codes_of(wire.ask(f"q TRANSFER {fields}")), [spelt(code)], fields)

    def test_refusals_change_nothing(self) -> None:
        """After any number of refusals the customer is who they were, and has what they had."""
        wire = self.log_in()
        before = wire.ask("a VIEW_DETAILS", "b ACCOUNTS", "c NOTICES")
        for _, request, _ in self.customers():
            wire.ask(f"q {request}")
        self.assertEqual(wire.ask("a VIEW_DETAILS", "b ACCOUNTS", "c NOTICES"), before)
        self.assertEqual(self.bank.faults(), [])


class Lines(LineCase):
    """Lines that are none."""

    def test_greeting(self) -> None:
        """The bank speaks first."""
        self.assertEqual(self.bank.connect().greeting, [GREETING])

    def test_bad_lines(self) -> None:
        """A line that is no request is refused under its tag, or under none, and the connection goes on."""
        wire = self.bank.connect()
        for line, tag in (
            (b"q", "q"),
            (b"q ", "q"),
            (b"q noop", "q"),
            (b"q  NOOP", "q"),
            (b"q NOOP ", "q"),
            (b"q NOOP  x=1", "q"),
            (b"q NOOP x", "q"),
            (b"q NOOP =x", "q"),
            (b"q NOOP X=1", "q"),
            (b"q NOOP x=%", "q"),
            (b"q NOOP x=%4", "q"),
            (b"q NOOP x=%zz", "q"),
            (b"q NOOP x=a,b", "q"),
            (b"q NOOP\tx=1", "q"),
            (b"q " + b"V" * 33, "q"),
            (b"q NOOP " + b"n" * 33 + b"=", "q"),
            (b"q \xc3\xa9", "q"),
            (b"q NOOP x=\xff", "q"),
            (b" NOOP", "*"),
            (b"-q NOOP", "*"),
            (b"* NOOP", "*"),
            (b"q" * 17 + b" NOOP", "*"),
            (b"\xc3\xa9 NOOP", "*"),
            (b"GET / HTTP/1.1", "GET"),
            (b"\x16\x03\x01\x02", "*"),
            (bytes(octet for octet in range(256) if octet not in b"\r\n\0"), "*"),
            (b"\x1b[2J", "*"),
        ):
            wire.send_octets(line + b"\r\n")
            self.assertEqual(wire.received(), [f"{tag} 400 reason=line"], line)
        self.assertEqual(wire.ask("q NOOP"), ["q 200"])

    def test_bad_fields(self) -> None:
        """A field of the wrong form is named, and nothing of the request is done."""
        wire = self.log_in()
        good = {"to": self.bob.account, "amount": "1", "currency": "USD", "key": "k", "reference": "rent"}
        for name, values in {
            "to": ("", "-" * 33, "a_b", "%31"),
            "amount": ("", "0", "01", "-1", "+1", "1.0", "1e3", "0x1", "1_0", "%31", "1" * 16, "%D9%A1"),
            "currency": ("", "usd", "US", "USDX", "%55SD"),
            "key": ("", "k" * 65, "a:b", "a%20b"),
            "reference": ("", "%00", "%0A", "%0d", "%1b", "%7F", "%C2%85", "%E2%80%AE", "%FF", "%ED%A0%80", "x" * 141),
            "unknown": ("x",),
        }.items():
            for value in values:
                fields = " ".join(f"{field}={text}" for field, text in {**good, name: value}.items())
                self.assertEqual(wire.ask(f"q TRANSFER {fields}"), [f"q 400 reason=field field={name}"], value)
        for name in ("to", "amount", "currency", "key"):
            fields = " ".join(f"{field}={text}" for field, text in good.items() if field != name)
            self.assertEqual(wire.ask(f"q TRANSFER {fields}"), [f"q 400 reason=field field={name}"])
        self.assertEqual((self.balance(self.alice), self.balance(self.bob)), (100_00, 0))

    def test_closing_lines(self) -> None:
        """A bare CR, a bare LF, a NUL and an empty line close the connection, and nothing after them is read."""
        for octets in (
            b"\r\n",
            b"q NOOP\rx\r\n",
            b"q NOOP\nx\r\n",
            b"\0\r\n",
            b"q NOOP x=\0\r\n",
            b"\n\r\n",
            b"\r\r\n",
        ):
            wire = self.bank.connect()
            wire.send_octets(b"p NOOP\r\n" + octets + b"r NOOP\r\n" * 3)
            self.assertEqual(wire.received(), ["p 200", "* 400 reason=framing"], octets)
            self.assertFalse(wire.connected)

    def test_bare_line_feed(self) -> None:
        """A peer that ends its lines with LF alone is told at once, rather than when it gives up waiting."""
        for octets in (b"q NOOP\n", b"\n", b"p NOOP\r\nq NOOP\n"):
            wire = self.bank.connect()
            wire.send_octets(octets)
            self.assertEqual(wire.received()[-1], "* 400 reason=framing", octets)
            self.assertFalse(wire.connected)

    def test_length(self) -> None:
        """4096 octets are a line, and one more closes the connection, whether its end ever comes or not."""
        wire = self.bank.connect()
        longest = "q NOOP x=" + "x" * (4096 - 9)
        self.assertEqual(len(longest), 4096)
        self.assertEqual(wire.ask(longest), ["q 400 reason=field field=x"])
        self.assertEqual(wire.ask(longest + "x", "r NOOP"), ["* 413 reason=length"])
        self.assertFalse(wire.connected)
        wire = self.bank.connect()
        wire.send_octets(b"x" * 4097)
        self.assertEqual(wire.received(), [])
        wire.send_octets(b"x")
        self.assertEqual(wire.received(), ["* 413 reason=length"])
        self.assertFalse(wire.connected)

    def test_octet_by_octet(self) -> None:
        """Lines that come in pieces, and many lines in one piece, are the same lines."""
        wire = self.bank.connect()
        lines = b"a NOOP\r\nb DANCE\r\nc NOOP x=1\r\n"
        for octet in lines:
            wire.send_octets(bytes([octet]))
        piecemeal = wire.received()
        wire.send_octets(lines)
        self.assertEqual(wire.received(), piecemeal)

    def test_tags(self) -> None:
        """An answer has its request's tag, also when two requests have the same."""
        wire = self.bank.connect()
        self.assertEqual(wire.ask("A1b2 NOOP", "0 NOOP", "0 NOOP"), ["A1b2 200", "0 200", "0 200"])


class Order(LineCase):
    """Requests that are sent before the ones before them are answered."""

    def test_pipelined(self) -> None:
        """A whole session in one piece is answered in order, each request seeing what those before it did."""
        wire = self.bank.connect()
        answers = wire.ask(
            "a BALANCE",
            f"b LOGIN account={self.alice.account} pin={self.alice.pin}",
            "c WITHDRAW amount=2500 currency=USD key=k1",
            "d BALANCE",
            f"e TRANSFER to={self.bob.account} amount=7500 currency=USD key=k2",
            "f WITHDRAW amount=1 currency=USD key=k3",
            "g BALANCE",
            "h LOGOUT",
        )
        self.assertEqual([line.split()[0] for line in answers], list("abcdefgh"))
        self.assertEqual(
            codes_of(answers), ["401 reason=login", "200", "200", "200", "200", "402 reason=funds", "200", "200"]
        )
        self.assertIn("balance=7500 ", answers[3])
        self.assertIn("balance=0 ", answers[6])
        self.assertFalse(wire.connected)

    def test_overlapping(self) -> None:
        """Movements of money that follow each other share a commit, and are decided and answered in their order."""
        wire = self.log_in()
        self.stepped = True
        wire.send(*(f"t{number} WITHDRAW amount=3000 currency=USD key=k{number}" for number in range(5)))
        self.assertEqual(len(self.lane_pool.waiting), 1)
        self.lane_pool.step()
        self.assertEqual([line.split()[0] for line in wire.received()], ["t0"])
        self.lane_pool.step()
        answers = wire.received()
        self.assertEqual([line.split()[0] for line in answers], ["t1", "t2", "t3", "t4"])
        self.assertEqual(codes_of(answers), ["200", "200", "402 reason=funds", "402 reason=funds"])
        self.assertEqual(len(self.lane_pool.waiting), 0)

    def test_order_while_the_lease_is_renewed(self) -> None:
        """Movements of money keep their order also where some of them come before the lease is renewed, some after."""
        wire = self.log_in()
        self.stepped = True
        self.bank.clock.advance(LEASE / 3)
        wire.send("a WITHDRAW amount=6000 currency=USD key=k1")
        wire.send("b WITHDRAW amount=4000 currency=USD key=k2")
        self.lane_pool.step()
        wire.send("c WITHDRAW amount=4000 currency=USD key=k3")
        self.lane_pool.drain()
        self.assertEqual(codes_of(wire.received()), ["200", "200", "402 reason=funds"])

    def test_others_wait(self) -> None:
        """What is no movement of money waits for all before it, and they for it."""
        wire = self.log_in()
        self.stepped = True
        wire.send(
            "a WITHDRAW amount=1000 currency=USD key=k1",
            "b BALANCE",
            "c WITHDRAW amount=1000 currency=USD key=k2",
        )
        self.assertEqual(wire.received(), [])
        self.lane_pool.step()
        answers = wire.received()
        self.assertEqual([line.split()[0] for line in answers], ["a", "b"])
        self.assertIn("balance=9000 ", answers[1])
        self.lane_pool.step()
        self.assertEqual(codes_of(wire.received()), ["200"])

    def test_bad_line_waits_for_its_turn(self) -> None:
        """What is wrong with a line is told in its turn, not before what was asked earlier."""
        wire = self.log_in()
        self.stepped = True
        wire.send("a WITHDRAW amount=1000 currency=USD key=k1", "b nonsense", "c DANCE", "d BALANCE x=1")
        self.assertEqual(wire.received(), [])
        self.lane_pool.drain()
        self.assertEqual([line.split()[0] for line in wire.received()], list("abcd"))

    def test_connections_do_not_wait_for_each_other(self) -> None:
        """One customer's slow request holds nobody else up."""
        self.hash_when_stepped()
        slow = self.bank.connect()
        slow.send(f"a LOGIN account={self.alice.account} pin={self.alice.pin}")
        self.assertEqual(codes_of(self.bank.connect().ask("b NOOP", "c BALANCE")), ["200", "401 reason=login"])
        self.hash_pool.drain()
        self.assertEqual(codes_of(slow.received()), ["200"])

    def test_closing_line_overtakes(self) -> None:
        """A line that closes does so at once: what had begun is carried out unanswered, the rest is not begun."""
        wire = self.log_in()
        self.stepped = True
        wire.send("a WITHDRAW amount=1000 currency=USD key=k1", "b BALANCE", "")
        self.assertEqual(wire.received(), ["* 400 reason=framing"])
        self.lane_pool.drain()
        self.assertEqual(wire.received(), [])
        self.assertEqual(self.balance(self.alice), 90_00)


class SameContent(LineCase):
    """What makes two requests the same one sent twice."""

    def test_spelling(self) -> None:
        """Values are compared and not their spelling; fields may stand in another order."""
        wire, to = self.log_in(), self.bob.account
        first = wire.ask(f"a TRANSFER to={to} amount=5 currency=USD key=k reference=Caf%C3%A9-1")
        self.assertEqual(wire.ask(f"a TRANSFER reference=Caf%c3%a9%2d1 key=k currency=USD amount=5 to={to}"), first)
        self.assertEqual(codes_of(wire.ask(f"a TRANSFER to={to} amount=5 currency=USD key=k")), ["409 reason=key"])

    def test_left_out(self) -> None:
        """A hold without seconds is the same as one for a week; an amount left out is not the one that is meant."""
        wire = self.log_in()
        first = wire.ask("a HOLD amount=5 currency=USD key=h")
        self.assertEqual(wire.ask("a HOLD amount=5 currency=USD key=h seconds=604800"), first)
        number = codec.read_reply(first[0].encode()).fields["hold"]
        self.assertEqual(codes_of(wire.ask(f"a CAPTURE hold={number} key=c")), ["200"])
        self.assertEqual(codes_of(wire.ask(f"a CAPTURE hold={number} key=c amount=5")), ["409 reason=key"])

    def test_capture(self) -> None:
        """The words of a hold are not those of its capture, and cash that is captured was paid to nobody."""
        wire = self.log_in()
        (held,) = wire.ask("a HOLD amount=5 currency=USD key=h reference=Cash")
        wire.ask(f"b CAPTURE hold={codec.read_reply(held.encode()).fields['hold']} key=c")
        fields = codec.read_reply(wire.ask("c STATEMENT limit=1")[0].encode()).fields
        self.assertEqual((fields["kind"], fields["amount"]), ("paid", "-5"))
        self.assertFalse({"counterparty", "reference"} & fields.keys())


class BackPressure(LineCase):
    """What a peer may cost."""

    def test_pipeline(self) -> None:
        """A peer with 64 requests waiting is not read from until some are answered; all are, and in order."""
        wire = self.log_in()
        self.stepped = True
        count = 3 * PIPELINE
        wire.send(*(f"t{number} DEPOSIT amount=1 currency=USD key=k{number}" for number in range(count)))
        self.assertEqual(wire.transport.producerState, "paused")
        self.assertEqual(len(wire.protocol._queue), PIPELINE)
        self.lane_pool.step()
        self.assertEqual(len(wire.protocol._queue), PIPELINE)
        self.lane_pool.drain()
        self.assertEqual(wire.transport.producerState, "producing")
        self.assertEqual([line.split()[0] for line in wire.received()], [f"t{number}" for number in range(count)])
        self.assertEqual(self.balance(self.alice), 100_00 + count)

    def test_long_pipeline_of_everything(self) -> None:
        """Thousands of lines behind one slow request are answered when it is, each once."""
        self.hash_when_stepped()
        wire = self.bank.connect()
        wire.send(f"a LOGIN account={self.alice.account} pin={self.alice.pin}")
        wire.send(*(f"t{number} NOOP" for number in range(9000)))
        self.hash_pool.drain()
        self.bank.clock.advance(0)
        tags = [line.split()[0] for line in wire.received()]
        self.assertEqual(tags, ["a", *(f"t{number}" for number in range(9000))])

    def test_turns(self) -> None:
        """After so many lines of one peer it is not read from until others had theirs, however fast it is answered."""
        wire = self.bank.connect()
        wire.protocol.dataReceived(b"t NOOP\r\n" * (TURN + 1))
        self.assertEqual(len(wire.received()), TURN)
        self.assertEqual(wire.transport.producerState, "paused")
        wire.protocol.dataReceived(b"u NOOP\r\n")
        self.assertEqual(wire.received(), [])
        self.bank.clock.advance(0)
        self.assertEqual(wire.transport.producerState, "producing")
        self.assertEqual(wire.received(), ["t 200", "u 200"])

    def test_turn_that_never_comes(self) -> None:
        """A peer that goes away before its next turn leaves nothing behind."""
        wire = self.bank.connect()
        wire.protocol.dataReceived(b"t NOOP\r\n" * (TURN + 1))
        wire.drop()
        self.assertEqual(self.bank.clock.getDelayedCalls(), [])

    def test_nothing_is_begun_for_who_does_not_read(self) -> None:
        """What a peer had sent before it stopped reading is not begun until it reads again."""
        wire = self.log_in()
        self.stepped = True
        valve: Any = wire.transport.producer
        wire.send("a DEPOSIT amount=1 currency=USD key=k1", "b BALANCE", "c DEPOSIT amount=1 currency=USD key=k2")
        valve.pauseProducing()
        self.lane_pool.drain()
        self.assertEqual([line.split()[0] for line in wire.received()], ["a"])
        valve.resumeProducing()
        self.lane_pool.drain()
        self.assertEqual([line.split()[0] for line in wire.received()], ["b", "c"])

    def test_unread(self) -> None:
        """A peer that goes on sending while it is not read from is closed once that is too much."""
        wire = self.log_in()
        self.stepped = True
        wire.send(*(f"t{number} DEPOSIT amount=1 currency=USD key=k{number}" for number in range(PIPELINE)))
        self.assertEqual(wire.transport.producerState, "paused")
        kept = len(wire.protocol._buffer)
        wire.send_octets(b"x" * (MAX_UNREAD - kept))
        self.assertTrue(wire.connected)
        wire.send_octets(b"x")
        self.assertFalse(wire.connected)
        self.assertEqual(wire.received(), ["* 413 reason=length"])
        self.lane_pool.drain()
        self.assertEqual(self.balance(self.alice), 100_00 + PIPELINE)
        self.stepped = False
        self.assertFree(self.alice)

    def test_peer_that_does_not_read(self) -> None:
        """A peer that does not read its answers is not read from; when it reads again it is, and nothing is lost."""
        wire = self.log_in()
        valve = wire.transport.producer
        assert valve is not None
        valve.pauseProducing()
        self.assertEqual(wire.transport.producerState, "paused")
        self.assertEqual(wire.ask("a NOOP", "b BALANCE"), [])
        valve.resumeProducing()
        self.assertEqual([line.split()[0] for line in wire.received()], ["a", "b"])
        self.assertEqual(wire.transport.producerState, "producing")

    def test_transport_that_is_full_for_a_moment(self) -> None:
        """A transport that is full and empty again while an answer is written disturbs nothing."""
        wire = self.log_in()
        valve: Any = wire.transport.producer
        write: Any = wire.transport.write

        def write_and_stutter(octets: bytes) -> None:
            write(octets)
            valve.pauseProducing()
            valve.resumeProducing()

        self.patch(wire.transport, "write", write_and_stutter)
        self.assertEqual(wire.ask("a NOOP", "b DANCE", "c NOOP"), ["a 200", "b 400 reason=verb", "c 200"])

    def test_both_at_once(self) -> None:
        """A peer that neither reads nor waits is read from again only when both are over."""
        wire = self.log_in()
        self.stepped = True
        valve = wire.transport.producer
        assert valve is not None
        wire.send(*(f"t{number} DEPOSIT amount=1 currency=USD key=k{number}" for number in range(PIPELINE)))
        valve.pauseProducing()
        self.lane_pool.drain()
        self.assertEqual(wire.transport.producerState, "paused")
        valve.resumeProducing()
        self.assertEqual(wire.transport.producerState, "producing")

    def test_flood_of_empty_lines(self) -> None:
        """A flood of empty lines is closed on the first of them."""
        wire = self.bank.connect()
        wire.send_octets(b"\r\n" * 500_000)
        self.assertEqual(wire.received(), ["* 400 reason=framing"])
        self.assertFalse(wire.connected)

    def test_one_write_for_each_answer(self) -> None:
        """A list leaves as one write, with the line that ends it."""
        wire = self.log_in()
        written: list[bytes] = []
        self.patch(wire.transport, "write", written.append)
        wire.send("a ACCOUNTS", "b STATEMENT")
        self.assertEqual([octets.count(b"\r\n") for octets in written], [2, 2])


class Ends(LineCase):
    """How a connection ends, and what is then not done."""

    def test_log_out(self) -> None:
        """LOGOUT is answered once the account is free, the connection closes, and nothing after it is begun."""
        wire = self.log_in()
        self.stepped = True
        wire.send("a LOGOUT", "b WITHDRAW amount=1000 currency=USD key=k1", "c BALANCE")
        self.assertEqual(wire.received(), [])
        self.lane_pool.drain()
        self.assertEqual(wire.received(), ["a 200"])
        self.assertFalse(wire.connected)
        self.stepped = False
        self.assertEqual(self.balance(self.alice), 100_00)
        self.assertFree(self.alice)

    def test_visitor_logs_out(self) -> None:
        """A visitor may log out too."""
        wire = self.bank.connect()
        self.assertEqual(wire.ask("a LOGOUT", "b NOOP"), ["a 200"])
        self.assertFalse(wire.connected)

    def test_account_deleted(self) -> None:
        """DELETE_ACCOUNT is answered, the connection closes, and nothing after it is begun."""
        wire = self.log_in()
        answers = wire.ask(
            f"a DELETE_ACCOUNT pin={self.alice.pin} payout={self.bob.account}",
            "b DEPOSIT amount=1 currency=USD key=k1",
        )
        self.assertEqual(answers, ["a 200"])
        self.assertFalse(wire.connected)
        self.assertEqual((self.balance(self.alice), self.balance(self.bob)), (0, 100_00))
        answers = self.bank.connect().ask(f"c LOGIN account={self.alice.account} pin={self.alice.pin}")
        self.assertEqual(answers, ["c 401 reason=credentials"])

    def test_deletion_refused(self) -> None:
        """When the deletion is refused the session goes on."""
        wire = self.log_in()
        self.assertEqual(wire.ask("a DELETE_ACCOUNT pin=0000", "b NOOP"), ["a 401 reason=credentials", "b 200"])

    def test_taken_over(self) -> None:
        """A session that lost its account is told so once, whatever it asks, and closed."""
        proof, withdrawal = "0" * 32, "WITHDRAW amount=1 currency=USD key=k"
        asked = ("BALANCE", "NOOP", "NOOP notices=yes", "LISTEN port=4711", f"CONFIRM proof={proof}", withdrawal)
        for request in asked:
            wire = self.log_in()
            self.bank.clock.advance(LEASE)
            other = self.log_in()
            self.assertEqual(wire.ask(f"a {request}", "b NOOP"), ["a 410 reason=session"], request)
            self.assertFalse(wire.connected)
            self.assertEqual(self.bank.board.listeners, {})
            self.assertEqual(other.ask("c NOOP", "d LOGOUT"), ["c 200", "d 200"])

    def test_dropped(self) -> None:
        """A terminal that goes away leaves the account free and its listener silent."""
        wire = self.log_in()
        wire.ask("a LISTEN port=4711")
        self.assertEqual(len(self.bank.board.listeners), 1)
        wire.drop()
        self.assertEqual(self.bank.board.listeners, {})
        self.assertFree(self.alice)

    def test_dropped_with_money_under_way(self) -> None:
        """Money under way when the terminal goes away arrives; what had not begun is not begun; the account is free."""
        wire = self.log_in()
        self.stepped = True
        wire.send(
            "a WITHDRAW amount=1000 currency=USD key=k1",
            "b WITHDRAW amount=1000 currency=USD key=k2",
            "c BALANCE",
            "d WITHDRAW amount=1000 currency=USD key=k3",
        )
        wire.drop()
        self.lane_pool.drain()
        self.assertEqual(self.balance(self.alice), 80_00)
        self.stepped = False
        self.assertFree(self.alice)

    def test_dropped_while_logging_in(self) -> None:
        """A terminal that goes away while it logs in leaves the account free, however far the log-in had come."""
        self.hash_when_stepped()
        for lane_steps in (0, 1):
            wire = self.bank.connect()
            self.stepped = True
            wire.send(f"a LOGIN account={self.alice.account} pin={self.alice.pin}", "b BALANCE")
            if lane_steps:
                self.hash_pool.step()
            wire.drop()
            self.hash_pool.drain()
            self.lane_pool.drain()
            self.assertEqual(wire.received(), [])
            self.stepped = False
            self.patch(self.bank.branch, "hash_pool", Turns(AtOnce(), 1))
            self.assertFree(self.alice)
            self.hash_when_stepped()
        self.assertEqual(self.bank.branch.tally.connections, 0)

    def test_dropped_with_lines_left(self) -> None:
        """Lines that were read but not yet taken in when the terminal went away are forgotten."""
        wire = self.log_in()
        self.stepped = True
        wire.send(*(f"t{number} DEPOSIT amount=1 currency=USD key=k{number}" for number in range(2 * PIPELINE)))
        wire.drop()
        self.lane_pool.drain()
        self.assertEqual(self.balance(self.alice), 100_00 + PIPELINE)


class Timers(LineCase):
    """How long a peer may take."""

    def assertIdle(self, wire: Wire, why: str = "idle") -> None:
        """The bank said why, and closed."""
        self.assertEqual(wire.received(), [f"* 408 reason={why}"])
        self.assertFalse(wire.connected)

    def test_log_in(self) -> None:
        """A connection has its time to log in, however busy it is with other things."""
        wire = self.bank.connect()
        for _ in range(LIMITS.login_seconds - 1):
            self.bank.clock.advance(1)
            self.assertEqual(len(wire.ask("a NOOP", "b BALANCE")), 2)
        self.bank.clock.advance(1)
        self.assertIdle(wire)

    def test_half_a_line(self) -> None:
        """A peer that sends a line for ever is told that it is too slow, before the log-in and after."""
        for wire in (self.bank.connect(), self.log_in()):
            for _ in range(LIMITS.line_seconds):
                self.assertTrue(wire.connected)
                wire.send_octets(b"x")
                self.bank.clock.advance(1)
            self.assertIdle(wire, "slow")
        self.assertFree(self.alice)

    def test_halves_of_lines(self) -> None:
        """A peer whose every packet ends amid a line, but which ends them, is not."""
        wire = self.log_in()
        wire.send_octets(b"a NO")
        for _ in range(LIMITS.line_seconds):
            self.bank.clock.advance(2)
            wire.send_octets(b"OP\r\na NO")
        self.assertEqual(wire.received(), ["a 200"] * LIMITS.line_seconds)
        self.bank.clock.advance(LIMITS.line_seconds)
        self.assertIdle(wire, "slow")

    def test_half_a_line_that_is_not_read(self) -> None:
        """Time in which the bank does not read from a peer is not the peer's."""
        wire = self.log_in()
        self.stepped = True
        wire.send_octets(
            b"".join(b"a DEPOSIT amount=1 currency=USD key=k%d\r\n" % number for number in range(PIPELINE))
        )
        wire.send_octets(b"b NO")
        self.bank.clock.advance(LIMITS.line_seconds + 10)
        self.assertTrue(wire.connected)
        self.lane_pool.drain()
        self.assertEqual(len(wire.received()), PIPELINE)
        self.bank.clock.advance(LIMITS.line_seconds - 1)
        self.assertTrue(wire.connected)
        self.bank.clock.advance(1)
        self.assertIdle(wire, "slow")
        self.stepped = False

    def test_idle(self) -> None:
        """A session may ask nothing for its time, of whose end it is warned; a NOOP is not asking, a bad line is."""
        wire = self.log_in()
        for _ in range(LIMITS.idle_seconds // 10 - 7):
            self.bank.clock.advance(10)
            self.assertEqual(wire.ask("a NOOP"), ["a 200"])
        self.bank.clock.advance(10)
        self.assertEqual(wire.received(), ["* 100 reason=idle_soon seconds=60"])
        wire.ask("b nonsense")
        self.bank.clock.advance(60)
        self.assertTrue(wire.connected)
        for _ in range(LIMITS.idle_seconds // 10 - 7):
            wire.ask("c NOOP")
            self.bank.clock.advance(10)
        wire.received()
        self.bank.clock.advance(60)
        self.assertIdle(wire)
        self.assertFree(self.alice)

    def test_every_request_counts(self) -> None:
        """A session that asks something now and then is kept, and is not even warned."""
        wire = self.log_in()
        for _ in range(20):
            self.bank.clock.advance(LIMITS.idle_seconds - LIMITS.idle_warning_seconds - 1)
            self.assertEqual(codes_of(wire.ask("a BALANCE")), ["200"])

    def test_whole_session(self) -> None:
        """A session that has lasted long enough has its answers, and is over; nothing more is read."""
        wire = self.log_in()
        for _ in range(LIMITS.session_seconds // 200 - 1):
            self.bank.clock.advance(200)
            wire.ask("a BALANCE")
        self.stepped = True
        self.assertEqual(wire.ask("b WITHDRAW amount=100 currency=USD key=b"), [])
        self.bank.clock.advance(200)
        self.assertTrue(wire.connected)
        wire.send("c WITHDRAW amount=100 currency=USD key=c")
        self.lane_pool.drain()
        answer, last = wire.received()
        self.assertTrue(answer.startswith("b 200 "))
        self.assertEqual(last, "* 408 reason=session_time")
        self.assertFalse(wire.connected)
        self.lane_pool.drain()
        self.stepped = False
        self.assertEqual(self.balance(self.alice), 99_00)
        self.assertFree(self.alice)

    def test_peer_that_does_not_read(self) -> None:
        """A peer that takes nothing of what it is sent for too long is cut off; one that reads in between is not."""
        wire = self.log_in()
        valve: Any = wire.transport.producer
        valve.pauseProducing()
        self.bank.clock.advance(LIMITS.stall_seconds - 1)
        valve.resumeProducing()
        self.bank.clock.advance(1)
        valve.pauseProducing()
        self.bank.clock.advance(LIMITS.stall_seconds - 1)
        self.assertTrue(wire.connected)
        self.bank.clock.advance(1)
        self.assertEqual((wire.connected, wire.received()), (False, []))
        self.assertFree(self.alice)

    def test_dismissed(self) -> None:
        """A connection whose place the gate needs is told so, and closed; who logs in tells the gate, once."""
        told: list[str] = []
        wire = self.bank.connect()
        transport: Any = wire.transport
        transport.admit = lambda: told.append("admitted")
        wire.ask(f"a LOGIN account={self.alice.account} pin=99999")
        self.assertEqual(told, [])
        wire.ask(f"a LOGIN account={self.alice.account} pin={self.alice.pin}", "b NOOP", "c BALANCE")
        self.assertEqual(told, ["admitted"])
        stranger = self.bank.connect()
        stranger.protocol.dismiss(codes.CROWDED)
        self.assertEqual(stranger.received(), ["* 503 reason=crowded"])
        self.assertFalse(stranger.connected)

    def test_nothing_is_left(self) -> None:
        """A closed connection leaves no timer behind."""
        for end in (Wire.drop, lambda wire: wire.send("a LOGOUT"), lambda wire: wire.send("")):
            end(self.log_in())
            end(self.bank.connect())
        self.assertEqual(self.bank.clock.getDelayedCalls(), [])


class ShortTimers(LineCase):
    """A bank whose sessions may be idle for a shorter time than a log-in may take."""

    limits = Limits(login_seconds=60, idle_seconds=10)

    def test_idle(self) -> None:
        """The idle time counts from the log-in on, and not only once the time for it would have passed."""
        wire = self.log_in()
        self.bank.clock.advance(9)
        self.assertTrue(wire.connected)
        self.bank.clock.advance(1)
        self.assertEqual(wire.received(), ["* 408 reason=idle"])
        self.assertFalse(wire.connected)


class Incidents(LineCase):
    """Faults of the bank's own."""

    def setUp(self) -> None:
        super().setUp()
        self.logged: list[LogEvent] = []
        observer = cast(ILogObserver, self.logged.append)
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    def log(self) -> str:
        """All that was logged, as an operator reads it."""
        return "\n".join(formatEvent(event) for event in self.logged)

    def assertIncident(self, wire: Wire, request: str, error: type[Exception]) -> None:
        """A request is answered with the number of a logged incident and nothing else, and the session goes on."""
        (answer,) = wire.ask(f"q {request}")
        start = "q 500 reason=incident incident="
        self.assertTrue(answer.startswith(start), answer)
        number = answer.removeprefix(start)
        self.assertRegex(number, "^[0-9a-f]{12}$")
        self.assertEqual(len(self.flushLoggedErrors(error)), 1)
        self.assertIn(number, self.log())
        self.assertEqual(wire.ask("r NOOP"), ["r 200"])

    def test_perspective_fails(self) -> None:
        """Only the number of an incident goes out, none of what went wrong."""

        def fail(*_: object) -> None:
            raise KeyError("hush")

        async def fail_later(*_: object) -> None:
            raise ValueError("hush")

        wire = self.log_in()
        self.patch(Customer, "balance", fail)
        self.assertIncident(wire, "BALANCE", KeyError)
        self.patch(Customer, "balance", fail_later)
        self.assertIncident(wire, "BALANCE", ValueError)

    def test_answer_cannot_be_written(self) -> None:
        """An answer that cannot be spelled is an incident too, and those behind it are answered."""

        async def nonsense(*_: object) -> AccountView:
            return AccountView("1", "USD", 0, 10**40)

        wire = self.log_in()
        self.patch(Customer, "balance", nonsense)
        self.assertIncident(wire, "BALANCE", OverflowError)

    def test_log_in_fails(self) -> None:
        """A fault while somebody logs in is an incident, and the account is free."""

        def fail(*_: object) -> None:
            raise RuntimeError("hush")

        wire = self.bank.connect()
        with_patch = self.patch(self.bank.branch.hasher, "proven", fail)
        self.assertIncident(wire, f"LOGIN account={self.alice.account} pin={self.alice.pin}", RuntimeError)
        with_patch.restore()
        self.assertFree(self.alice)

    def test_numbers_differ(self) -> None:
        """Each incident has its own number."""
        self.patch(Customer, "balance", lambda *_: 1 / 0)
        answers = self.log_in().ask("a BALANCE", "b BALANCE")
        self.assertEqual(len({answer.split("incident=")[-1] for answer in answers}), 2)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 2)

    def test_log_tells_who_did_what(self) -> None:
        """Connecting, each request with its code, and closing are logged with the peer's address."""
        wire = self.log_in()
        wire.ask("a BALANCE", "b DANCE", "c nonsense", "d WITHDRAW amount=10001 currency=USD key=k")
        wire.ask("e LOGOUT")
        peer = f"192.0.2.1:{wire.transport.getPeer().port}"
        whose = f"account={self.alice.account}"
        words = [
            "connected",
            f"LOGIN 200 {whose}",
            f"BALANCE 200 {whose}",
            f"WITHDRAW 402 reason=funds {whose}",
            f"LOGOUT 200 {whose}",
            "closed after 6 answers",
        ]
        self.assertEqual(
            [line for line in self.log().splitlines() if peer in line], [f"{peer} {word}" for word in words]
        )

    def test_log_tells_of_money(self) -> None:
        """An entry of the journal is logged with its accounts, amount and balances, and then who asked for it."""
        alice, bob, wire = self.alice, self.bob, self.log_in()
        wire.ask(f"a TRANSFER to={bob.account} amount=2550 currency=USD key=k reference=hush")
        entry, request = self.log().splitlines()[-2:]
        said = f"transfer 25.50 USD from {alice.account} to {bob.account} debit_balance=74.50 credit_balance=25.50"
        self.assertRegex(entry, rf"^entry 2 {said} customer=1 at=2026-[0-9T:.-]+Z$")
        self.assertRegex(request, rf"^192\.0\.2\.1:\d+ TRANSFER 200 account={alice.account} receipt=2$")
        wire.ask(f"b TRANSFER to={bob.account} amount=2550 currency=USD key=k reference=hush")
        self.assertEqual(self.log().count("entry 2 "), 1)
        wire.ask("c REVERSE receipt=2 key=l")
        self.assertRegex(self.log().splitlines()[-1], r" REVERSE 4\d\d reason=")

    def test_log_holds_no_secret(self) -> None:
        """Whatever a client sends, right or wrong, no secret, amount or text of its choice is in the log."""
        alice, wire = self.alice, self.bank.connect()
        wire.ask(
            "a SIGNUP username=carol password=hush-hush-1 mobile=2025550177 pin=86420 name=hush-hush-2",
            "b SIGNUP username=carol password=hush-hush-3 mobile=2025550177 {log_source.pepper}",
            "c LOGIN username=alice password=hush-hush-4",
            f"d LOGIN account={alice.account} pin=86421",
            f"e LOGIN account={alice.account} pin=86422 pin=86423",
            f"f LOGIN account={alice.account} pin={alice.pin}",
            f"g CHANGE_PIN new=86424 pin={alice.pin}",
            "h TRANSFER to=hush-hush-5 amount=86425 currency=USD key=hush-hush-6 reference=hush-hush-7",
            "hush-hush-8 {log_source}",
            "i HUSH_HUSH",
        )
        self.patch(Customer, "change_secret", lambda *_: 1 / 0)
        wire.ask("j CHANGE_PASSWORD new=hush-hush-9 pin=86424")
        shown = self.log() + "\n".join(failure.getTraceback() for failure in self.flushLoggedErrors())
        self.assertIn("TRANSFER 404", shown)
        for secret in ("hush", "HUSH", "8642", alice.pin, alice.password, "{", "pepper"):
            self.assertNotIn(secret, self.log(), secret)
        for secret in ("hush-hush", "8642", alice.pin):
            self.assertNotIn(secret, shown, secret)


class Stopping(LineCase):
    """The end of the day."""

    def test_idle_connections(self) -> None:
        """Connections with nothing under way are told, and closed at once; sessions leave their accounts free."""
        visitor, wire = self.bank.connect(), self.log_in()
        self.successResultOf(self.bank.factory.hang_up())
        for one in (visitor, wire):
            self.assertEqual(one.received(), ["* 503 reason=stopping"])
            self.assertFalse(one.connected)
        self.assertFree(self.alice)

    def test_nobody(self) -> None:
        """A bank that nobody has called on has hung up at once."""
        self.bank.log_in(self.alice).drop()
        self.successResultOf(self.bank.factory.hang_up())

    def test_answers_first(self) -> None:
        """What was asked before is answered first, what was not read yet is not read, and then the bank closes."""
        wire = self.log_in()
        self.stepped = True
        wire.send("a WITHDRAW amount=1000 currency=USD key=k1", "b BALANCE", "c WITHDRAW amount=1 currency=USD key=k2")
        hung_up = self.bank.factory.hang_up()
        self.assertEqual(wire.transport.producerState, "paused")
        self.assertEqual(wire.received(), [])
        self.lane_pool.drain()
        answers = wire.received()
        self.assertEqual([line.split()[0] for line in answers], ["a", "b", "c", "*"])
        self.assertEqual(answers[-1], "* 503 reason=stopping")
        self.assertFalse(wire.connected)
        self.lane_pool.drain()
        self.successResultOf(hung_up)

    def test_peer_that_does_not_read(self) -> None:
        """A peer that does not read what it is sent is not waited for; what it asked is not begun any more."""
        wire = self.log_in()
        valve: Any = wire.transport.producer
        valve.pauseProducing()
        wire.send("a WITHDRAW amount=1000 currency=USD key=k1")
        self.successResultOf(self.bank.factory.hang_up())
        self.assertFalse(wire.connected)
        self.assertFree(self.alice)

    def test_peer_that_stops_reading(self) -> None:
        """Nor is a peer that stops reading while it is answered."""
        wire = self.log_in()
        self.stepped = True
        valve: Any = wire.transport.producer
        wire.send(
            "a WITHDRAW amount=1000 currency=USD key=k1", "b WITHDRAW amount=1000 currency=USD key=k2", "c BALANCE"
        )
        hung_up = self.bank.factory.hang_up()
        self.assertNoResult(hung_up)
        valve.pauseProducing()
        self.lane_pool.drain()
        self.successResultOf(hung_up)
        self.stepped = False
        self.assertFree(self.alice)

    def test_lane_is_closed(self) -> None:
        """A movement of money that comes when the lane is closed is told so, and the connection ends."""
        wire = self.log_in()
        self.successResultOf(self.bank.lane.close())
        self.assertEqual(wire.ask("a WITHDRAW amount=1 currency=USD key=k1", "b NOOP"), ["a 503 reason=stopping"])
        self.assertFalse(wire.connected)

    def test_log_in_under_way(self) -> None:
        """A log-in under way gets its answer, and leaves the account free."""
        self.hash_when_stepped()
        wire = self.bank.connect()
        wire.send(f"a LOGIN account={self.alice.account} pin={self.alice.pin}")
        hung_up = self.bank.factory.hang_up()
        self.hash_pool.drain()
        self.assertEqual(codes_of(wire.received()), ["200", "503 reason=stopping"])
        self.successResultOf(hung_up)
        self.patch(self.bank.branch, "hash_pool", Turns(AtOnce(), 1))
        self.assertFree(self.alice)


class Busy(LineCase):
    """A database that fails."""

    def test_busy(self) -> None:
        """Money is not acknowledged when the database fails, and the same key does it later, once."""
        wire = self.log_in()

        def fail(*_: object) -> None:
            raise OperationalError("COMMIT", None, Exception("disk I/O error"))

        broken = self.patch(self.bank.lane, "_together", fail)
        self.assertEqual(wire.ask("a WITHDRAW amount=1 currency=USD key=k1"), ["a 503 reason=busy"])
        self.assertEqual(self.balance(self.alice), 100_00)
        broken.restore()
        self.flushLoggedErrors(OperationalError)
        self.assertEqual(codes_of(wire.ask("a WITHDRAW amount=1 currency=USD key=k1")), ["200"])
        self.assertEqual(codes_of(wire.ask("a WITHDRAW amount=1 currency=USD key=k1")), ["200"])
        self.assertEqual(self.balance(self.alice), 99_99)
