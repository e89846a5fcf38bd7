"""One-time passwords: a challenge is made, answered with one, and spent by just what it was made for.

1. A challenge is bound to customer, account, purpose and content. Another amount or payee is another content.
2. It will do for CHALLENGE_SECONDS, MAX_TRIES times, and once. A new one voids that before it for the same purpose.
3. Of a password that was sent only an HMAC is kept (``Codebook``), over the challenge's id, account, purpose and
   content. One of an authenticator app is checked by ``authenticator``; a recovery code stands for either.
4. A try counts when its transaction commits, so whoever refuses a wrong one does that afterwards.
5. A customer gets MOST_AN_HOUR challenges an hour. Those that an app has answered, and that were spent, do not count.
"""

import hmac
import json
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sqlalchemy import Connection

from bankd import codes
from bankd.bank import access, authenticator
from bankd.bank.access import Claim
from bankd.bank.accounts import RandomBelow
from bankd.bank.codebook import Codebook
from bankd.codes import Refused
from bankd.records import Challenged, Contact, Route, Session, Wait
from bankd.store import challenges, customers, devices
from bankd.store.challenges import ChallengeRow, State
from bankd.store.claims import Found
from bankd.store.engines import Transaction

DIGITS = 8
"""Digits of a password that is sent."""

CHALLENGE_SECONDS = 300
MAX_TRIES = 3

MOST_AN_HOUR = 10
"""Challenges of one customer in an hour; so nobody can flood a phone, or try an app's six digits for long."""

HOUR_US = 3_600_000_000

BY_APP = "app"
"""How the one-time passwords of an authenticator app are had."""


class Purpose(StrEnum):
    """What a challenge is for."""

    LOGIN = "login"
    TAKEOVER = "takeover"
    PAYMENT = "payment"
    SECRET = "secret"
    CONTACT = "contact"
    DEVICE = "device"
    CLOSING = "closing"


AT_LOGIN = frozenset({Purpose.LOGIN, Purpose.TAKEOVER})
"""What somebody asks who has not logged in; the right password then is what opens the session."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a one-time password is needed for: whose, on which account, the purpose and the content it is bound to.

    ``what`` ends the sentence 'a one-time password ...' in the message to the customer.
    """

    customer_id: int
    account_id: int
    purpose: Purpose
    content: str = field(repr=False)
    what: str

    def digest(self, codebook: Codebook) -> bytes:
        """What is kept of all this."""
        return codebook.digest("content", self.customer_id, self.account_id, self.purpose, self.content)


class Unanswered(Refused):
    """A one-time password is needed first; whoever can ask the customer for it makes a challenge of the refusal."""

    def __init__(self) -> None:
        super().__init__(codes.ONE_TIME)


@dataclass(frozen=True, slots=True)
class Asked:
    """A challenge that was made, and the password to send for it; None where the customer's app has it."""

    challenged: Challenged
    password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Given:
    """What became of a password: whether it was ``right``, and how many more may be tried where it was not.

    It is falsy for a wrong one.
    """

    challenge: ChallengeRow
    right: bool
    left: int

    def __bool__(self) -> bool:
        return self.right


def whose(connection: Connection, challenge_id: str) -> Found:
    """Whose log-in a challenge is for; nobody's where it is for none."""
    row = challenges.find(connection, challenge_id)
    if row is None or row.purpose not in AT_LOGIN:
        return Found()
    return Found(row.customer_id, customers.generation(connection, row.customer_id), row.account_id)


def contact(connection: Connection, customer_id: int) -> Contact:
    """Where a customer can be reached."""
    who = customers.customer(connection, customer_id)
    return Contact(who.name, who.mobile, who.email)


def log_in_question(claim: Claim, purpose: Purpose, what: str) -> Question:
    """What a log-in by ``claim`` needs a password for; it is bound to the secret that was checked."""
    content = json.dumps([claim.kind, claim.hashed])
    return Question(claim.customer_id, claim.account_id, purpose, content, what)


def answered_claim(connection: Connection, codebook: Codebook, challenge: ChallengeRow) -> Claim:
    """The claim that a log-in's challenge was made for. Raises Refused: WRONG_SECRET where the secret was changed."""
    for kind in ("password", "pin"):
        hashed = access.kept_hash(connection, challenge.customer_id, kind)
        claim = Claim(challenge.customer_id, challenge.account_id, kind, hashed)
        question = log_in_question(claim, Purpose(challenge.purpose), "")
        if hmac.compare_digest(question.digest(codebook), challenge.content):
            return claim
    raise Refused(codes.WRONG_SECRET)


def ask(
    tx: Transaction, codebook: Codebook, random_below: RandomBelow, question: Question, route: Route | None
) -> Asked:
    """Make a challenge, to be answered by the customer's app, or else with a password that is sent by ``route``.

    Raises Refused: NO_DEVICE without either, WAIT where there were too many.
    """
    devices.lock(tx, question.customer_id)
    by_app = authenticator.counts(tx.connection, codebook, question.customer_id)
    if not by_app and route is None:
        raise Refused(codes.NO_DEVICE)
    _check_flood(tx, question.customer_id)
    challenges.void(tx, question.customer_id, question.purpose)
    password = None if by_app else f"{random_below(10**DIGITS):0{DIGITS}}"
    way, to = (BY_APP, None) if by_app or route is None else (route.by, route.to)
    challenge_id, content = f"{random_below(1 << 128):032x}", question.digest(codebook)
    row = ChallengeRow(
        id=challenge_id,
        customer_id=question.customer_id,
        account_id=question.account_id,
        purpose=question.purpose,
        content=content,
        way=way,
        hash=None,
        state=State.OPEN,
        tries=0,
        made_us=tx.at_us,
        expires_us=tx.at_us + CHALLENGE_SECONDS * 1_000_000,
    )
    challenges.add(tx, row if password is None else replace(row, hash=_kept(codebook, row, password)))
    return Asked(Challenged(row.id, row.way, row.expires_us, to), password)


def give(
    tx: Transaction, codebook: Codebook, challenge_id: str, password: str, session: Session | None = None
) -> Given:
    """Try ``password`` for a challenge of ``session``, or without one for a log-in's.

    Raises Refused: NO_CHALLENGE for one that does not wait, or not here; a wrong password is no exception, for it must
    be counted.
    """
    row = challenges.to_answer(tx, challenge_id)
    if row is None or row.state != State.OPEN or row.expires_us <= tx.at_us or not _is_for(row, session):
        raise Refused(codes.NO_CHALLENGE)
    right = _is_right(tx, codebook, row, password)
    left = MAX_TRIES - row.tries - 1
    state = State.OPEN if left else State.VOID
    if right:
        state = State.SPENT if row.purpose in AT_LOGIN else State.ANSWERED
    challenges.note(tx, row.id, state, row.tries + 1)
    return Given(row, right, left)


def spend(tx: Transaction, codebook: Codebook, question: Question) -> bool:
    """Spend the challenge that was answered for just this; whether there was one."""
    return challenges.spend(tx, question.customer_id, question.account_id, question.purpose, question.digest(codebook))


def _check_flood(tx: Transaction, customer_id: int) -> None:
    """Forget challenges of more than an hour ago, and raise Refused: WAIT where there are too many younger ones."""
    challenges.forget(tx, customer_id, tx.at_us - HOUR_US)
    made = [row.made_us for row in challenges.recent(tx.connection, customer_id, tx.at_us - HOUR_US) if _counts(row)]
    if len(made) >= MOST_AN_HOUR:
        free_us = made[MOST_AN_HOUR - 1] + HOUR_US
        raise Refused(codes.WAIT, about=Wait(-(-(free_us - tx.at_us) // 1_000_000)))


def _counts(row: ChallengeRow) -> bool:
    return row.way != BY_APP or row.state in (State.OPEN, State.VOID)


def _is_for(row: ChallengeRow, session: Session | None) -> bool:
    """Whether a challenge may be answered here: a log-in's by a visitor, any other in a session on its account."""
    if session is None:
        return row.purpose in AT_LOGIN
    return row.purpose not in AT_LOGIN and (row.customer_id, row.account_id) == (
        session.customer_id,
        session.account_id,
    )


def _is_right(tx: Transaction, codebook: Codebook, row: ChallengeRow, password: str) -> bool:
    if row.hash is not None:
        right = hmac.compare_digest(row.hash, _kept(codebook, row, password))
    else:
        right = authenticator.takes(tx, codebook, row.customer_id, password)
    return right or authenticator.recovers(tx, codebook, row.customer_id, password)


def _kept(codebook: Codebook, row: ChallengeRow, password: str) -> bytes:
    """What is kept of a password that is sent for a challenge."""
    return codebook.digest("password", row.id, row.account_id, row.purpose, row.content.hex(), password)
