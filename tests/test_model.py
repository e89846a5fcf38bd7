"""Holds, limits, fees, overdrafts, frozen accounts and reversals against a dictionary that is obviously right.

Every step goes through BANK/1, as a customer or an operator; ``tests/test_whole_bank`` does the same for bursts, lost
connections, failing disks and restarts. ``MODEL_EXAMPLES=n`` plays so many stories more, each another (``make model``).
"""

import os
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from bankd.bank import accounts
from bankd.ledger.tariff import Tariff
from bankd.records import Limits
from bankd.testing import PRACTICE_TERMS, PracticeBank, Wire
from bankd.wire.roles import Role
from tests.databases import POSTGRESQL, SQLITE, DatabaseCase

DAY = 86_400
PATIENT = Limits(login_seconds=99 * DAY, idle_seconds=99 * DAY, session_seconds=99 * DAY)
TRANSFER_FEE, CASH_FEE, AT_ONCE, A_DAY = 3, 5, 400, 700
TARIFF = Tariff(
    fees={"transfer": {"USD": TRANSFER_FEE}, "withdrawal": {"USD": CASH_FEE}},
    payment_limits={"USD": AT_ONCE},
    day_limits={"USD": A_DAY},
)
TERMS = replace(PRACTICE_TERMS, tariff=TARIFF, two_people=False)
LEASE = TERMS.lease_seconds
ADA = 1001
NOBODY = 3

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "0"))
STEADY = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=EXAMPLES or 15,
    stateful_step_count=30,
    derandomize=not EXAMPLES,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
BRIEF = settings(STEADY, max_examples=EXAMPLES // 4 or 2)

OK = "200"
NO_FUNDS, NO_HOLD, NO_ACCOUNT, FROZEN = "402 reason=funds", "404 reason=hold", "404 reason=account", "423 reason=frozen"
MORE_THAN_LEFT, NO_ENTRY, NOT_PAYEE = "422 reason=left", "404 reason=entry", "403 reason=payee"

who = st.integers(0, 2)
payees = st.sampled_from([None, None, 1, 1, 1, 2, 2, 2, 0, NOBODY])
"""Who is paid: the next of the three, or the one after that, oneself, or nobody; None is for cash."""
times = st.sampled_from([60, 3 * DAY, 3 * DAY])
amounts = st.one_of(st.integers(1, 80), st.integers(1, 450))
sums = st.one_of(amounts, st.sampled_from([0, -1, -3, -4, -5]))
"""What is paid: an amount, or what is available with a little less."""
parts = st.one_of(st.none(), amounts)
keys = st.sampled_from([*[""] * 6, "k1", "k2", "k3"])
"""The key of a request; the empty one is another each time."""
parties = st.sampled_from(["payer", "payee", "payer", "payee", "other"])
"""Who it is, of those that a hold or a payment is about."""
places = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, None])
"""Which of those that are known, the newest first; None is none of them."""


@dataclass(eq=False)
class Person:
    """A customer: what they have, may be overdrawn by, spent on which day, and what each key came to."""

    name: str
    pin: str
    account: str
    wire: Wire
    balance: int = 0
    overdraft: int = 0
    frozen: bool = False
    closed: bool = False
    day: int = 0
    spent: int = 0
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass
class Hold:
    """What ``payer`` has set aside, for ``payee`` or for cash, until a second of the clock."""

    payer: Person
    payee: Person | None
    amount: int
    until: float


@dataclass
class Payment:
    """A movement that can be given back, so much of it as is ``left``; None is the till."""

    kind: str
    payer: Person | None
    payee: Person | None
    left: int


def code_of(line: str) -> str:
    """The code of an answer, with its reason."""
    return " ".join(word for word in line.split()[1:] if "=" not in word or word.startswith("reason="))


def fields_of(line: str) -> dict[str, str]:
    """The fields of an answer."""
    return {name: unquote(value) for name, _, value in (word.partition("=") for word in line.split())}


class Money:
    """The dictionary: what a bank must say, in as few words as that can be told."""

    def __init__(self) -> None:
        self.holds: dict[str, Hold] = {}
        self.payments: dict[str, Payment] = {}
        self.now = 0.0

    def available(self, person: Person) -> int:
        """What somebody may spend, for all that limits say."""
        held = sum(hold.amount for hold in self.holds.values() if hold.payer is person)
        return person.balance - held + person.overdraft

    def left_today(self, person: Person) -> int:
        """What somebody may still spend today."""
        return A_DAY - (person.spent if person.day == self.now // DAY else 0)

    def may_spend(self, person: Person, amount: int, fee: int) -> str:
        """Whether somebody may spend so much."""
        if person.frozen:
            return FROZEN
        if amount > AT_ONCE:
            return "422 reason=payment_limit"
        if amount > self.left_today(person):
            return "422 reason=day_limit"
        return OK if self.available(person) >= amount + fee else NO_FUNDS

    def spend(self, person: Person, amount: int) -> None:
        """Count what was spent today."""
        person.spent, person.day = A_DAY - self.left_today(person) + amount, int(self.now // DAY)

    def may_pay(self, person: Person, payee: Person | None, amount: int, fee: int) -> str:
        """Whether somebody may pay another."""
        if payee is None or payee.closed:
            return NO_ACCOUNT
        return "422 reason=same_account" if payee is person else self.may_spend(person, amount, fee)

    def capture(self, person: Person, number: str, amount: int | None) -> str:
        """Pay a hold, or a part of it."""
        hold = self.holds.get(number)
        if hold is None or person not in (hold.payer, hold.payee):
            return NO_HOLD
        amount = hold.amount if amount is None else amount
        if hold.payee is not None and hold.payee.closed:
            return NO_ACCOUNT
        if amount > hold.amount:
            return MORE_THAN_LEFT
        if hold.payer.frozen:
            return FROZEN
        del self.holds[number]
        fee = CASH_FEE if hold.payee is None else TRANSFER_FEE
        hold.payer.balance -= amount + (fee if self.available(hold.payer) >= amount + fee else 0)
        if hold.payee is not None:
            hold.payee.balance += amount
        return OK

    def release(self, person: Person, number: str) -> str:
        """End a hold without payment."""
        hold = self.holds.get(number)
        if hold is None or person not in (hold.payer, hold.payee):
            return NO_HOLD
        if person is not hold.payee and hold.payee is not None and not hold.payee.closed:
            return NOT_PAYEE
        del self.holds[number]
        return OK

    def give_back(self, payment: Payment, amount: int | None, by_bank: bool) -> str:
        """Give back a payment, or a part of what is left of it."""
        amount = payment.left if amount is None else amount
        payer, payee = payment.payer, payment.payee
        if any(one is not None and one.closed for one in (payer, payee)):
            return NO_ACCOUNT
        if not 0 < amount <= payment.left:
            return MORE_THAN_LEFT
        if payee is not None and payee.frozen and not by_bank:
            return FROZEN
        if payee is not None and self.available(payee) < amount:
            return NO_FUNDS
        payment.left -= amount
        for one, sum_ in ((payer, amount), (payee, -amount)):
            if one is not None:
                one.balance += sum_
        return OK


class MoneyMachine(RuleBasedStateMachine):
    """Three customers and an operator, and what they do with money."""

    steps = 0

    def __init__(self, url: str) -> None:
        super().__init__()
        self.bank = PracticeBank(url=url, terms=TERMS, limits=PATIENT)
        self.bank.add_operator("ada", Role.ADMINISTRATOR, uid=ADA)
        self.ada = self.bank.operate(ADA)
        self.money, self.made = Money(), 0
        self.people = [self.sign_up() for _ in range(3)]

    @initialize()
    def begin(self) -> None:
        """From the first step on there is something to pay, to release and to give back."""
        for who in range(3):
            self.place_hold(who, 1, 40 + who, 3 * DAY, "")
            self.make_payment(who, 2, 50, "")
        self.place_hold(0, None, 20, 60, "")

    def sign_up(self) -> Person:
        """A new customer with an open session, and something on the account."""
        self.made += 1
        known = self.bank.add_customer(f"person{self.made}")
        person = Person(known.username, known.pin, known.account, self.bank.log_in(known))
        person.wire.received()
        self.money.now = self.bank.clock.seconds()
        self.do(person, "DEPOSIT amount=300 currency=USD", lambda: self.deposit(person, 300))
        return person

    def do(self, person: Person, request: str, decide: object, key: str = "") -> str:
        """Ask ``request`` with ``key``, or another, and hold the answer against what the dictionary decides."""
        self.made += 1
        key = key or f"new{self.made}"
        (answer,) = person.wire.ask(f"m {request} key={key}")
        if key in person.keys:
            before, same = person.keys[key]
            assert answer == same if before == request else code_of(answer) == "409 reason=key", (request, answer)
            return ""
        decided = decide()  # type: ignore[operator]
        assert code_of(answer) == decided, (request, answer, decided)
        person.keys[key] = request, answer
        return answer if decided == OK else ""

    def note(self, answer: str, payment: Payment) -> None:
        """Remember a payment that was made, by its receipt."""
        if answer:
            self.money.payments[fields_of(answer)["receipt"]] = payment

    def deposit(self, person: Person, amount: int) -> str:
        """Pay in."""
        person.balance += amount
        return OK

    @rule(who=who, amount=amounts, key=keys)
    def pay_in(self, who: int, amount: int, key: str) -> None:
        """Cash is paid in."""
        person = self.people[who]
        request = f"DEPOSIT amount={amount} currency=USD"
        answer = self.do(person, request, lambda: self.deposit(person, amount), key)
        self.note(answer, Payment("deposit", None, person, amount))

    @rule(who=who, to=payees, amount=sums, key=keys)
    def pay(self, who: int, to: int | None, amount: int, key: str) -> None:
        """Somebody takes cash, or pays another, with the fee for that."""
        self.make_payment(who, to, amount, key)

    def make_payment(self, who: int, to: int | None, amount: int, key: str) -> None:
        """Take cash, or pay another."""
        person, payee = self.people[who], self.payee(who, to)
        fee = CASH_FEE if to is None else TRANSFER_FEE
        amount = amount if amount > 0 else max(1, self.money.available(person) + amount)

        def decide() -> str:
            decided = (
                self.money.may_spend(person, amount, fee)
                if to is None
                else self.money.may_pay(person, payee, amount, fee)
            )
            if decided == OK:
                self.money.spend(person, amount)
                person.balance -= amount + fee
                if payee is not None:
                    payee.balance += amount
            return decided

        verb = "WITHDRAW" if to is None else f"TRANSFER to={self.number(who, to)}"
        answer = self.do(person, f"{verb} amount={amount} currency=USD", decide, key)
        self.note(answer, Payment("withdrawal" if to is None else "transfer", person, payee, amount))

    @rule(who=who, to=payees, amount=amounts, seconds=times, key=keys)
    def set_aside(self, who: int, to: int | None, amount: int, seconds: int, key: str) -> None:
        """Somebody sets money aside, for another or for cash."""
        self.place_hold(who, to, amount, seconds, key)

    def place_hold(self, who: int, to: int | None, amount: int, seconds: int, key: str) -> None:
        """Set money aside."""
        person, payee = self.people[who], self.payee(who, to)

        def decide() -> str:
            decided = (
                self.money.may_spend(person, amount, 0) if to is None else self.money.may_pay(person, payee, amount, 0)
            )
            if decided == OK:
                self.money.spend(person, amount)
            return decided

        request = (
            f"HOLD{'' if to is None else f' to={self.number(who, to)}'} amount={amount} currency=USD seconds={seconds}"
        )
        answer = self.do(person, request, decide, key)
        if answer:
            until = self.money.now + seconds
            self.money.holds[fields_of(answer)["hold"]] = Hold(person, payee, amount, until)

    @precondition(lambda self: self.money.holds)
    @rule(party=parties, place=places, amount=parts, key=keys)
    def capture(self, party: str, place: int | None, amount: int | None, key: str) -> None:
        """Somebody has a hold paid, in whole or in part, which may be none of theirs."""
        number = self.some(self.money.holds, place)
        person = self.party(self.money.holds.get(number), party)
        hold = self.money.holds.get(number)
        part = "" if amount is None else f" amount={amount}"
        had = hold.amount if hold is not None and amount is None else amount or 0
        answer = self.do(
            person, f"CAPTURE hold={number}{part}", lambda: self.money.capture(person, number, amount), key
        )
        if answer and hold is not None:
            kind = "withdrawal" if hold.payee is None else "capture"
            self.note(answer, Payment(kind, hold.payer, hold.payee, had))

    @precondition(lambda self: self.money.holds)
    @rule(party=parties, place=places, key=keys)
    def release(self, party: str, place: int | None, key: str) -> None:
        """Somebody gives a hold up."""
        number = self.some(self.money.holds, place)
        person = self.party(self.money.holds.get(number), party)
        self.do(person, f"RELEASE hold={number}", lambda: self.money.release(person, number), key)

    @precondition(lambda self: self.money.payments)
    @rule(party=parties, place=places, amount=parts, key=keys)
    def give_back(self, party: str, place: int | None, amount: int | None, key: str) -> None:
        """Somebody gives back what was received, in whole or in part."""
        number = self.some(self.money.payments, place)
        person = self.party(self.money.payments.get(number), party)

        def decide() -> str:
            payment = self.money.payments.get(number)
            if payment is None or payment.payee is not person or payment.kind not in ("transfer", "capture"):
                return NO_ENTRY
            return self.money.give_back(payment, amount, by_bank=False)

        part = "" if amount is None else f" amount={amount}"
        self.do(person, f"REVERSE receipt={number}{part}", decide, key)

    @precondition(lambda self: self.money.payments)
    @rule(place=places, amount=parts)
    def reverse(self, place: int | None, amount: int | None) -> None:
        """The operator gives back any payment, also from a frozen account."""
        number = self.some(self.money.payments, place)
        payment = self.money.payments.get(number)
        part = "" if amount is None else f" amount={amount}"
        answer = self.operate(f"REVERSE_ENTRY receipt={number}{part}")
        decided = NO_ENTRY if payment is None else self.money.give_back(payment, amount, by_bank=True)
        assert code_of(answer) == decided, (answer, decided, payment)

    @rule(who=who, frozen=st.sampled_from([True, False, False]))
    def freeze(self, who: int, frozen: bool) -> None:
        """The operator freezes an account, or lets its money go again."""
        person = self.people[who]
        verb = "FREEZE_ACCOUNT" if frozen else "UNFREEZE_ACCOUNT"
        assert code_of(self.operate(f"{verb} account={person.account}", keyed=not frozen)) == OK
        person.frozen = frozen

    @rule(who=who, overdraft=st.sampled_from([0, 0, 100, 300]))
    def grant(self, who: int, overdraft: int) -> None:
        """The bank grants an overdraft, or takes it back where it is not used."""
        person = self.people[who]
        if self.money.available(person) - person.overdraft + overdraft >= 0:
            self.bank.run(lambda tx: accounts.set_limits(tx, person.account, {"floor_minor": -overdraft}))
            person.overdraft = overdraft

    @rule(who=who, to=payees)
    def close(self, who: int, to: int | None) -> None:
        """Somebody has the account closed, and what is on it paid out; a newcomer takes the place."""
        person, payee = self.people[who], self.payee(who, to)
        payout = "" if to is None else f" payout={self.number(who, to)}"
        (answer,) = person.wire.ask(f"d DELETE_ACCOUNT pin={person.pin}{payout}")
        decided = self.closed(person, to, payee)
        assert code_of(answer) == decided, (answer, decided)
        if decided == OK:
            if payee is not None:
                payee.balance += person.balance
            person.balance, person.closed = 0, True
            self.people[who] = self.sign_up()

    def closed(self, person: Person, to: int | None, payee: Person | None) -> str:
        """Whether an account can be closed."""
        if person.frozen:
            return FROZEN
        if person.balance < 0:
            return NO_FUNDS
        if any(hold.payer is person for hold in self.money.holds.values()):
            return "409 reason=holds"
        if person.balance == 0:
            return OK
        if to is None:
            return "409 reason=balance"
        if payee is None or payee is person:
            return NO_ACCOUNT if payee is None else "422 reason=same_account"
        return OK

    @rule(seconds=st.sampled_from([1, 59, 60, 61, DAY]))
    def wait(self, seconds: int) -> None:
        """Time passes, and the holds whose time is over end."""
        self.bank.clock.advance(seconds)
        self.bank.make_rounds()
        self.money.now = self.bank.clock.seconds()
        self.money.holds = {number: hold for number, hold in self.money.holds.items() if hold.until > self.money.now}

    @rule(who=who, seconds=st.sampled_from([0, LEASE // 2, LEASE, LEASE + 1]))
    def come_in_elsewhere(self, who: int, seconds: int) -> None:
        """Somebody logs in at another terminal: not before the lease of the first, which is silent, has run out."""
        person, other = self.people[who], self.bank.connect()
        self.bank.clock.advance(seconds)
        self.wait(0)
        (answer,) = other.ask(f"l LOGIN account={person.account} pin={person.pin}")
        assert code_of(answer) == (OK if seconds >= LEASE else "423 reason=in_use"), (seconds, answer)
        if seconds >= LEASE:
            assert person.wire.ask("b BALANCE") == ["b 410 reason=session"]
            person.wire = other

    def operate(self, request: str, keyed: bool = True) -> str:
        """What the operator is answered; each request has a key of its own."""
        self.made += 1
        key = f" key=op{self.made}" if keyed else ""
        (answer,) = self.ada.ask(f"o {request}{key} reason=Story")
        return answer

    def payee(self, who: int, to: int | None) -> Person | None:
        """The one of the three who is so many after another; None for cash, and for an account that is nobody's."""
        return None if to is None or to == NOBODY else self.people[(who + to) % len(self.people)]

    def number(self, who: int, to: int) -> str:
        """The number of one of the three, or of nobody."""
        payee = self.payee(who, to)
        return "77777777" if payee is None else payee.account

    def party(self, known: Hold | Payment | None, party: str) -> Person:
        """Who pays, who is paid, or somebody else; the first of the three where that is nobody who has a session."""
        parties = {} if known is None else {"payer": known.payer, "payee": known.payee}
        others = [person for person in self.people if person not in parties.values()]
        return next(one for one in (parties.get(party), *others) if one is not None and not one.closed)

    def some(self, known: dict[str, Hold] | dict[str, Payment], place: int | None) -> str:
        """The number of something that is known, or of nothing."""
        numbers = list(known)
        return "999999" if place is None or not numbers else numbers[-1 - place % len(numbers)]

    @invariant()
    def everything_is_said(self) -> None:
        """Balance, what is available and what may be spent today are what the dictionary has; the ledger is right."""
        type(self).steps += 1
        assert self.bank.faults() == []
        for person in self.people:
            (answer,) = person.wire.ask("l LIMITS")
            told, available = fields_of(answer), self.money.available(person)
            assert int(told["available"]) == available, (person, answer, available)
            assert int(told["left"]) == max(0, self.money.left_today(person)), (person, answer)
            *holds, _ = person.wire.ask("h HOLDS")
            open_ = {number for number, hold in self.money.holds.items() if person in (hold.payer, hold.payee)}
            assert {fields_of(line)["hold"] for line in holds} == open_, (holds, open_)

    @rule()
    def read_statements(self) -> None:
        """A statement leads from nothing to the balance, and each line of it has one notice, numbered without gaps."""
        for person in self.people:
            *lines, end = person.wire.ask("s STATEMENT limit=100")
            entries = [fields_of(line) for line in reversed(lines)]
            after = 0
            for entry in entries if "cursor=" not in end else ():
                after += int(entry["amount"])
                assert int(entry["balance"]) == after, (person, entry)
            *lines, _ = person.wire.ask("n NOTICES since=0")
            notices = [fields_of(line) for line in lines]
            assert [int(notice["number"]) for notice in notices] == [*range(1, len(notices) + 1)], notices
            if "cursor=" not in end and len(notices) < 100:
                assert after == person.balance, (person, after)
                told = [notice["amount"] for notice in notices if notice["kind"] in MOVED]
                assert told == [entry["amount"] for entry in entries], (told, entries)

    def teardown(self) -> None:
        """Close the bank."""
        self.bank.close()


MOVED = ("deposit", "withdrawal", "paid", "received", "fee", "reversal")
"""Kinds of notices of what changed the balance."""


class MoneyModel(DatabaseCase):
    """The bank and the dictionary."""

    def test_says_the_same(self) -> None:
        """Whatever customers and the operator do, the bank says what the dictionary says."""
        run_state_machine_as_test(
            lambda: MoneyMachine(self.database()),  # type: ignore[arg-type]  # any factory will do, says its docstring
            settings=STEADY if self.engine is SQLITE else BRIEF,
        )
        if EXAMPLES:
            print(f"{self.engine.name}: {MoneyMachine.steps:,} steps so far")


class MoneyModelOnPostgreSQL(MoneyModel):
    """The same on PostgreSQL."""

    engine = POSTGRESQL
