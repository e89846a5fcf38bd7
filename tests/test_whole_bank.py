"""The whole bank against a dictionary of balances: random steps and mishaps, and nothing is lost or invented.

Every step goes through BANK/1, as a client's would; the dictionary is so simple that it is right.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy.exc import OperationalError
from twisted.internet.defer import Deferred

from bankd.records import Limits
from bankd.store.engines import Transaction
from bankd.testing import PRACTICE_TERMS, AtOnce, PracticeBank, Stepped, Wire
from tests.databases import SQLITE, DatabaseCase, on_every_engine

PATIENT = Limits(login_seconds=86_400, idle_seconds=86_400, session_seconds=86_400)
LEASE = PRACTICE_TERMS.lease_seconds
NOWHERE = "77777777"

# Without Phase.shrink a failure is told at once; add it to have the shortest way there, which takes minutes.
STEADY = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=25,
    stateful_step_count=25,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
BRIEF = settings(STEADY, max_examples=6)
"""For engines on which a step takes longer; what they share with SQLite has been seen there."""

who = st.integers(0, 2)
amounts = st.integers(1, 250)
keys = st.integers(0, 15).map("k{}".format)
kinds = st.sampled_from(["DEPOSIT", "DEPOSIT", "WITHDRAW", "TRANSFER", "TRANSFER"])
payees = st.integers(0, 4)
movements = st.tuples(who, kinds, amounts, keys, payees)

Movement = tuple[int, str, int, str, int]
Answer = tuple[str, str | None]
"""The code, with its reason, and the balance after a movement of money."""


@dataclass
class Person:
    """A customer as the dictionary knows them: what they have, what happened to them, what each key came to."""

    name: str
    pin: str
    account: str
    wire: Wire
    balance: int = 0
    events: int = 0
    acknowledged: int = 0
    keys: dict[str, tuple[str, Answer]] = field(default_factory=dict)


class BankMachine(RuleBasedStateMachine):
    """Three people with a session each, and what may happen to them."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.pool = Stepped()
        self.stepped = False
        self.made = 0
        self.closed: list[str] = []
        self.bank = self.open_bank()
        self.people = [self.sign_up() for _ in range(3)]

    def open_bank(self) -> PracticeBank:
        """The bank in its database."""
        return PracticeBank(url=self.url, limits=PATIENT, lane_pool=self.in_lane)

    def in_lane(self, function: Callable[[], Any]) -> Deferred[Any]:
        """The lane's thread: at once, or in a burst when all of it was sent."""
        return self.pool(function) if self.stepped else AtOnce()(function)

    def sign_up(self) -> Person:
        """A new customer with an open session."""
        self.made += 1
        name, pin = f"person{self.made}", f"{24_680 + self.made}"
        wire = self.bank.connect()
        asked = f"s SIGNUP username={name} password=password-of-{name} mobile=202555{1000 + self.made} pin={pin}"
        (answer,) = wire.ask(asked)
        person = Person(name, pin, answer.split("account=")[1].split()[0], wire)
        assert self.log_in(person, wire) == "200"
        return person

    def log_in(self, person: Person, wire: Wire) -> str:
        """Log in; the code."""
        (answer,) = wire.ask(f"l LOGIN account={person.account} pin={person.pin}")
        return answer.split()[1]

    def payee(self, number: int) -> str:
        """One of the three, or an account that is closed or never was."""
        if number < len(self.people):
            return self.people[number].account
        return self.closed[-1] if self.closed and number == 3 else NOWHERE

    def request(self, movement: Movement) -> str:
        """A movement as it is asked for."""
        _, kind, amount, key, payee = movement
        to = f"to={self.payee(payee)} " if kind == "TRANSFER" else ""
        return f"{kind} {to}amount={amount} currency=USD key={key}"

    def expected(self, movement: Movement) -> Answer:
        """What the dictionary says to a movement, which it then has carried out."""
        who, kind, amount, key, number = movement
        person, content = self.people[who], self.request(movement)
        if key in person.keys:
            before, answer = person.keys[key]
            return answer if content == before else ("409 reason=key", None)
        payee = self.people[number] if number < len(self.people) else None
        answer = self.decided(person, kind, amount, payee)
        person.keys[key] = content, answer
        return answer

    def decided(self, person: Person, kind: str, amount: int, payee: Person | None) -> Answer:
        """What the dictionary says to a movement under a new key."""
        if kind == "TRANSFER" and payee is None:
            return "404 reason=account", None
        if kind == "TRANSFER" and payee is person:
            return "422 reason=same_account", None
        if kind != "DEPOSIT" and person.balance < amount:
            return "402 reason=funds", None
        person.balance += amount if kind == "DEPOSIT" else -amount
        person.events += 1
        if kind == "TRANSFER" and payee is not None:
            payee.balance += amount
            payee.events += 1
        return "200", str(person.balance)

    @rule(movement=movements)
    def move(self, movement: Movement) -> None:
        """Somebody moves money."""
        (answer,) = self.people[movement[0]].wire.ask(f"m {self.request(movement)}")
        assert read(answer) == self.expected(movement), answer

    @rule(who=who, parts=st.lists(st.tuples(amounts, payees), min_size=1, max_size=4), all_=st.booleans(), key=keys)
    def move_many(self, who: int, parts: list[tuple[int, int]], all_: bool, key: str) -> None:
        """Somebody pays several in one request."""
        person, mode = self.people[who], "all" if all_ else "each"
        lines = [f"m - to={self.payee(payee)} amount={amount}" for amount, payee in parts]
        lines.append(f"m BULK count={len(lines)} mode={mode} currency=USD key={key}")
        *listed, end = person.wire.ask(*lines)
        told = [*(line.partition("reason=")[2] for line in listed), end.partition(" ")[2]]
        assert told == self.expected_of_many(person, parts, all_, key, "\n".join(lines)), (told, lines)

    def expected_of_many(
        self, person: Person, parts: list[tuple[int, int]], all_: bool, key: str, content: str
    ) -> list[str]:
        """What the dictionary says to several payments: the reasons of those refused, and the end."""
        if key in person.keys:
            before, (answer, _) = person.keys[key]
            return answer.split("|") if content == before else ["409 reason=key"]
        had = [(one.balance, one.events) for one in self.people]
        told, paid = [], []
        for amount, number in parts:
            payee = self.people[number] if number < len(self.people) else None
            code, _ = self.decided(person, "TRANSFER", amount, payee)
            told.append(code.partition("reason=")[2])
            paid += [amount] * (code == "200")
            if all_ and code != "200":
                for one, (balance, events) in zip(self.people, had, strict=True):
                    one.balance, one.events = balance, events
                told = [f"{code} place={len(told)}"]
                break
        else:
            told.append(f"200 made={len(paid)} refused={len(parts) - len(paid)} amount={sum(paid)} currency=USD")
        person.keys[key] = content, ("|".join(told), None)
        return told

    @rule(burst=st.lists(movements, min_size=2, max_size=12))
    def move_at_once(self, burst: list[Movement]) -> None:
        """Several move money at the same moment, each perhaps several times, before the bank has decided anything."""
        for person in self.people:
            person.wire.ask("n NOOP")
        self.stepped = True
        requests = [self.request(movement) for movement in burst]
        for movement, request in zip(burst, requests, strict=True):
            self.people[movement[0]].wire.send(f"b {request}")
        self.pool.drain()
        self.stepped = False
        answers = [iter(person.wire.received()) for person in self.people]
        for movement in burst:
            answer = next(answers[movement[0]])
            assert read(answer) == self.expected(movement), answer

    @rule(movement=movements)
    def move_and_hang_up(self, movement: Movement) -> None:
        """Somebody moves money, goes away before the answer comes, and asks again with the same key."""
        person = self.people[movement[0]]
        person.wire.ask("n NOOP")
        self.stepped = True
        person.wire.send(f"m {self.request(movement)}")
        person.wire.drop()
        self.pool.drain()
        self.stepped = False
        expected = self.expected(movement)
        person.wire = self.bank.connect()
        assert self.log_in(person, person.wire) == "200"
        (answer,) = person.wire.ask(f"m {self.request(movement)}")
        assert read(answer) == expected, answer

    @rule(movement=movements)
    def move_while_the_disk_fails(self, movement: Movement) -> None:
        """The database fails when it should commit; nobody is told that it is done, and it is not."""
        person = self.people[movement[0]]
        person.wire.ask("n NOOP")
        writing = self.bank.lane._writing

        @contextmanager
        def failing() -> Iterator[Transaction]:
            with writing() as tx:
                yield tx
                raise OperationalError("COMMIT", None, Exception("disk I/O error"))

        self.bank.lane._writing = failing
        (answer,) = person.wire.ask(f"m {self.request(movement)}")
        self.bank.lane._writing = writing
        assert answer == "m 503 reason=busy", answer

    @rule(who=who, name=st.sampled_from(["Zo%C3%AB", "Ann"]))
    def update_contact(self, who: int, name: str) -> None:
        """Somebody has another name, or the one that they had."""
        person = self.people[who]
        (before,) = person.wire.ask("v VIEW_DETAILS")
        (answer,) = person.wire.ask(f"u UPDATE_CONTACT name={name}")
        assert f"name={name}" in answer, answer
        person.events += f"name={name}" not in before

    @rule(who=who, upto=st.integers(0, 60))
    def acknowledge(self, who: int, upto: int) -> None:
        """Somebody has seen notices, of which there may not be so many."""
        person = self.people[who]
        (answer,) = person.wire.ask(f"a ACKNOWLEDGE upto={upto}")
        assert answer == ("a 200" if upto <= person.events else "a 400 reason=field field=upto")
        if upto <= person.events:
            person.acknowledged = max(person.acknowledged, upto)

    @rule(who=who)
    def log_out_and_in(self, who: int) -> None:
        """Somebody leaves and comes back."""
        person = self.people[who]
        assert self.log_in(person, self.bank.connect()) == "423"
        assert person.wire.ask("o LOGOUT") == ["o 200"]
        person.wire = self.bank.connect()
        assert self.log_in(person, person.wire) == "200"

    @rule(movement=movements)
    def take_over(self, movement: Movement) -> None:
        """A terminal dies, its customer goes to another, and the first wakes up and wants to move money."""
        person = self.people[movement[0]]
        asleep, person.wire = person.wire, self.bank.connect()
        self.bank.clock.advance(LEASE)
        assert self.log_in(person, person.wire) == "200"
        assert asleep.ask(f"z {self.request(movement)}") == ["z 410 reason=session"]
        assert not asleep.connected

    @rule(who=who, number=payees)
    def leave_for_good(self, who: int, number: int) -> None:
        """Somebody has the account closed and what is on it paid out; a newcomer takes the place."""
        person, payee = self.people[who], self.people[number] if number < len(self.people) else None
        (answer,) = person.wire.ask(f"d DELETE_ACCOUNT pin={person.pin} payout={self.payee(number)}")
        if person.balance and (payee is None or payee is person):
            assert answer == ("d 404 reason=account" if payee is None else "d 422 reason=same_account"), answer
            return
        assert answer == "d 200", answer
        if person.balance and payee is not None:
            payee.balance += person.balance
            payee.events += 1
        self.closed.append(person.account)
        self.people[who] = self.sign_up()

    @rule()
    def restart(self) -> None:
        """The bank is killed and opened again; once the leases have run out everybody comes back."""
        seconds = self.bank.clock.seconds()
        self.bank.close()
        self.bank = self.open_bank()
        self.bank.clock.advance(seconds - self.bank.clock.seconds() + LEASE)
        for person in self.people:
            person.wire = self.bank.connect()
            assert self.log_in(person, person.wire) == "200"

    @rule(seconds=st.integers(1, 2 * LEASE))
    def wait(self, seconds: int) -> None:
        """Nothing happens for a while."""
        self.bank.clock.advance(seconds)

    @precondition(lambda self: self.closed)
    @rule()
    def come_back_to_a_closed_account(self) -> None:
        """A closed account is nobody's any more."""
        answer = self.bank.connect().ask(f"l LOGIN account={self.closed[-1]} pin=24681")
        assert answer == ["l 401 reason=credentials"], answer

    @invariant()
    def ledger_is_right(self) -> None:
        """Every balance is its entries, and all add up to zero."""
        assert self.bank.faults() == []

    @invariant()
    def nobody_has_less_or_more(self) -> None:
        """Everybody has what the dictionary says, and a notice of everything, numbered without gaps."""
        for person in self.people:
            (balance,) = person.wire.ask("q BALANCE")
            assert f" balance={person.balance} " in balance, (person, balance)
            *notices, end = person.wire.ask("n NOTICES since=0")
            numbers = [int(line.split("number=")[1].split()[0]) for line in notices]
            assert numbers == list(range(1, min(person.events, 100) + 1)), (person, numbers)
            assert end == f"n 200 acknowledged={person.acknowledged}", (person, end)

    @invariant()
    def statements_lead_to_the_balance(self) -> None:
        """Each line of a statement has the balance of the line below it, and its amount added."""
        for person in self.people:
            *lines, end = person.wire.ask("t STATEMENT limit=100")
            found = [dict(word.split("=") for word in line.split()[2:]) for line in lines]
            if "cursor=" in end:
                continue
            after = 0
            for line in reversed(found):
                after += int(line["amount"])
                assert int(line["balance"]) == after, (person, line)
            assert after == person.balance

    def teardown(self) -> None:
        """Close the bank."""
        self.bank.close()


def read(answer: str) -> Answer:
    """An answer to a movement of money, as the dictionary gives it."""
    words = answer.split()[1:]
    code = " ".join(word for word in words if "=" not in word or word.startswith("reason="))
    balances = [word.removeprefix("balance=") for word in words if word.startswith("balance=")]
    return code, balances[0] if balances else None


@on_every_engine
class WholeBank(DatabaseCase):
    """The bank and the dictionary."""

    def test_nothing_is_lost_or_invented(self) -> None:
        """Whatever people do and whatever happens to them, the bank says what the dictionary says."""
        run_state_machine_as_test(
            lambda: BankMachine(self.database()),  # type: ignore[arg-type]  # any factory will do, says its docstring
            settings=STEADY if self.engine is SQLITE else BRIEF,
        )
        self.assertNotEqual(self.flushLoggedErrors(OperationalError), [])
