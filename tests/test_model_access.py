"""Secrets, lockout and one-time passwords against a dictionary that is obviously right, through BANK/1.

One customer, two kinds of secret, a stranger's guesses from the same network, and an operator who lifts a lock.
``MODEL_EXAMPLES=n`` plays so many stories, as for ``tests/test_model``.
"""

from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from bankd.bank.one_time import CHALLENGE_SECONDS, MAX_TRIES, MOST_AN_HOUR
from bankd.bank.terms import LockoutRules, OneTime
from bankd.testing import PRACTICE_TERMS, PracticeBank, Wire
from bankd.wire.roles import Role
from tests.databases import POSTGRESQL, SQLITE, DatabaseCase
from tests.test_model import ADA, EXAMPLES, OK, PATIENT, STEADY, code_of, fields_of

LOCKS_AFTER, LOCK_SECONDS, HOUR = 5, 600, 3600
RULES = LockoutRules(
    tries_before_wait=3, lock_after=LOCKS_AFTER, lock_strangers_after=10_000, lock_seconds=LOCK_SECONDS
)
TERMS = replace(PRACTICE_TERMS, one_time=OneTime.LOGIN, lockout=RULES)

OFTEN = settings(STEADY, max_examples=EXAMPLES or 25)
BRIEF = settings(STEADY, max_examples=EXAMPLES // 4 or 3)

kinds = st.sampled_from(["pin", "password"])


@dataclass
class Tries:
    """How often a kind of secret was wrong, and until when none is looked at."""

    wrong: int = 0
    until: float = 0.0


@dataclass
class Challenge:
    """A one-time password that was sent: on which connection, until when it will do, and how often it was wrong."""

    kind: str
    number: str
    code: str
    wire: Wire
    until: float
    wrong: int = 0


class AccessMachine(RuleBasedStateMachine):
    """Alice, who knows her secrets, somebody who does not, and an operator."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.bank = PracticeBank(url=url, terms=TERMS, limits=PATIENT)
        self.bank.add_operator("ada", Role.ADMINISTRATOR, uid=ADA)
        self.ada = self.bank.operate(ADA)
        self.alice = self.bank.add_customer("alice", 100)
        self.secrets = {"pin": self.alice.pin, "password": self.alice.password}
        self.tries = {"pin": Tries(), "password": Tries(), "code": Tries()}
        self.sent: list[float] = []
        self.waiting: Challenge | None = None
        self.spent: list[Challenge] = []
        self.session: Wire | None = None
        self.made = 0

    @property
    def now(self) -> float:
        """The bank's time."""
        return self.bank.clock.seconds()

    def ask(self, wire: Wire, request: str) -> str:
        """The one line that answers."""
        (answer,) = wire.ask(f"a {request}")
        return answer

    def login(self, kind: str, secret: str) -> str:
        """A request to log in."""
        way = f"account={self.alice.account}" if kind == "pin" else f"username={self.alice.username}"
        return f"LOGIN {way} {kind}={secret.replace(' ', '%20')}"

    @rule(kind=kinds)
    def guess(self, kind: str) -> None:
        """Somebody tries a secret that is wrong: from some on they have to wait, then it is locked."""
        tries, wire = self.tries[kind], self.bank.connect()
        answer = self.ask(wire, self.login(kind, "00000000"))
        wire.drop()
        assert code_of(answer) == (self.obstacle(kind) or "401 reason=credentials"), answer
        if self.now >= tries.until:
            self.fail(tries)

    def obstacle(self, kind: str) -> str:
        """What is answered, whatever the secret; nothing where it is looked at."""
        tries = self.tries[kind]
        if self.now >= tries.until:
            return ""
        return "429 reason=locked" if tries.wrong >= LOCKS_AFTER else "429 reason=wait"

    def fail(self, tries: Tries) -> None:
        """Count a wrong secret."""
        tries.wrong += 1
        if tries.wrong >= LOCKS_AFTER:
            tries.until = self.now + LOCK_SECONDS
        elif tries.wrong >= RULES.tries_before_wait:
            tries.until = self.now + 2 ** (tries.wrong - RULES.tries_before_wait)

    @precondition(lambda self: self.session is None)
    @rule(kind=kinds)
    def log_in(self, kind: str) -> None:
        """Alice gives the right secret, and is sent a one-time password, which voids the one before."""
        if len([at for at in self.sent if self.now < at + HOUR]) >= MOST_AN_HOUR:
            return
        wire = self.bank.connect()
        answer = self.ask(wire, self.login(kind, self.secrets[kind]))
        assert code_of(answer) == (self.obstacle(kind) or "401 reason=one_time"), answer
        if self.now < self.tries[kind].until:
            return
        self.sent.append(self.now)
        if self.waiting is not None:
            self.spent.append(self.waiting)
        code = self.bank.post.sent[-1][1].text[:8]
        self.waiting = Challenge(kind, fields_of(answer)["challenge"], code, wire, self.now + CHALLENGE_SECONDS)
        if self.tries[kind].wrong >= RULES.tries_before_wait:
            self.give(True)  # until then the secret's own wrong tries count on

    @precondition(lambda self: self.waiting is not None)
    @rule(right=st.sampled_from([True, True, False]))
    def give(self, right: bool) -> None:
        """The one-time password is given, or another."""
        challenge = self.waiting
        assert challenge is not None
        code = challenge.code if right else f"{(int(challenge.code) + 1) % 10**8:08}"
        answer = self.ask(challenge.wire, f"ONE_TIME challenge={challenge.number} code={code}")
        if self.obstacle("code"):
            assert code_of(answer) == self.obstacle("code"), answer
            return
        if self.now >= challenge.until:
            assert code_of(answer) == "404 reason=challenge", answer
        elif right:
            assert code_of(answer) == OK, answer
            self.session = challenge.wire
            self.tries[challenge.kind] = self.tries["code"] = Tries()
        else:
            assert code_of(answer) == "401 reason=code", answer
            challenge.wrong += 1
            self.fail(self.tries["code"])
            assert int(fields_of(answer)["left"]) == MAX_TRIES - challenge.wrong, answer
        if self.session is not None or self.now >= challenge.until or challenge.wrong == MAX_TRIES:
            self.spent.append(challenge)
            self.waiting = None

    @precondition(lambda self: self.spent)
    @rule(place=st.integers(0, 9))
    def give_again(self, place: int) -> None:
        """A one-time password that was used, replaced, tried too often or too late opens nothing."""
        challenge, wire = self.spent[-1 - place % len(self.spent)], self.bank.connect()
        answer = self.ask(wire, f"ONE_TIME challenge={challenge.number} code={challenge.code}")
        assert code_of(answer) in ("404 reason=challenge", self.obstacle("code")), answer
        assert self.ask(wire, "BALANCE") == "a 401 reason=login"
        wire.drop()

    @precondition(lambda self: self.session is not None)
    @rule(kind=kinds)
    def change(self, kind: str) -> None:
        """Alice changes a secret; from then on only the new one will do."""
        assert self.session is not None
        self.made += 1
        new = f"{81_530_000 + 7 * self.made}" if kind == "pin" else f"quite another secret {self.made}"
        old, spelt = (secret.replace(" ", "%20") for secret in (self.secrets[kind], new))
        answer = self.ask(self.session, f"CHANGE_{kind.upper()} new={spelt} {kind}={old}")
        assert code_of(answer) == OK, answer
        before, self.secrets[kind] = self.secrets[kind], new
        if not self.obstacle(kind):
            assert code_of(self.ask(self.bank.connect(), self.login(kind, before))) == "401 reason=credentials"
            self.fail(self.tries[kind])

    @precondition(lambda self: self.session is not None)
    @rule()
    def log_out(self) -> None:
        """Alice leaves."""
        assert self.session is not None
        assert self.ask(self.session, "LOGOUT") == "a 200"
        self.session = None

    @rule()
    def lift(self) -> None:
        """An operator lifts the locks: secrets are looked at again, as if none had been wrong."""
        answer = self.ask(self.ada, f"UNLOCK_CUSTOMER username={self.alice.username} reason=Story")
        assert code_of(answer) == OK, answer
        self.tries = {"pin": Tries(), "password": Tries(), "code": Tries()}
        if self.waiting is not None:
            self.spent.append(self.waiting)
            self.waiting = None
        self.sent.clear()

    @rule(seconds=st.sampled_from([1, 2, CHALLENGE_SECONDS - 1, CHALLENGE_SECONDS, LOCK_SECONDS]))
    def wait(self, seconds: int) -> None:
        """Time passes; a session that is open asks something meanwhile."""
        self.bank.clock.advance(seconds)
        self.bank.make_rounds()

    @invariant()
    def only_who_may_is_in(self) -> None:
        """A session is open if, and only if, secret and one-time password were given."""
        if self.waiting is not None:
            assert self.ask(self.waiting.wire, "BALANCE") == "a 401 reason=login"
        if self.session is not None:
            assert code_of(self.ask(self.session, "BALANCE")) == OK

    def teardown(self) -> None:
        """Close the bank."""
        self.bank.close()


class AccessModel(DatabaseCase):
    """The bank and the dictionary."""

    def test_says_the_same(self) -> None:
        """Whoever tries what, the bank lets in whom the dictionary lets in, and nobody else."""
        run_state_machine_as_test(
            lambda: AccessMachine(self.database()),  # type: ignore[arg-type]  # any factory will do, says its docstring
            settings=OFTEN if self.engine is SQLITE else BRIEF,
        )


class AccessModelOnPostgreSQL(AccessModel):
    """The same on PostgreSQL."""

    engine = POSTGRESQL
