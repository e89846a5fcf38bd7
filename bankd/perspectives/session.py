"""What requests in a session need first: that the account is still the session's, and for some a secret or two.

1. Whatever reads or writes makes sure of that: by the lease while it runs, by asking the database once it may have run
   out. Money is checked again by the fence, in the transaction that moves it.
2. After log-out nothing is done any more, also not what was asked before and had not begun.
3. What needs a one-time password is done, found not to stand without one, and undone: so a password is asked for only
   where all else is right.
4. While a secret has to be changed nothing else is done but to keep the session and to end it.
"""

import json
from collections.abc import Callable
from typing import Concatenate, Literal, NoReturn, ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from bankd import codes
from bankd.bank import access, lockout, one_time
from bankd.bank.one_time import Purpose, Question, Unanswered
from bankd.codes import Refused
from bankd.perspectives import second_factor, tries
from bankd.perspectives.branch import Branch
from bankd.records import Session
from bankd.store.engines import Connection, Transaction

P = ParamSpec("P")
T = TypeVar("T")

RENEWALS = 3
"""A lease is renewed when a third of it has passed, so that two renewals may fail before it runs out."""


class InSession:
    """Somebody in an exclusive session on one account of ``branch``."""

    def __init__(self, branch: Branch, session: Session) -> None:
        self.session = session
        self._branch = branch
        self._over = False
        self._owed = session.welcome.change
        self._renew_at = 0.0
        self._set_renewal()

    async def keep(self) -> None:
        """Renew the lease when it is due."""
        self._check_open()
        if self._renewal_is_due():
            try:
                await self._renew()
            except Refused as refused:
                if refused.code is not codes.BUSY:
                    raise
                # What cannot be written may still be read; nor can anybody else take the account meanwhile.
                await self._branch.read(access.check_session, self.session)
            self._check_open()  # the terminal may have left meanwhile; what follows would take the lease back

    async def _read(
        self, report: Callable[Concatenate[Connection, Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        await self._begin()
        return await self._branch.read(report, self.session, *args, **kwargs)

    async def _begin(self, settled: str | None = None) -> None:
        """Begin something; ``settled`` is the kind of secret that it changes. Raises Refused: CHANGE_FIRST."""
        self._check_owed(settled)
        await self.keep()

    async def _write(self, errand: Callable[[Transaction], T], settled: str | None = None) -> T:
        """Carry out ``errand`` in a transaction that first makes sure of the lease, and renews it."""
        await self._begin(settled)

        def guarded(tx: Transaction) -> T:
            access.renew_session(tx, self.session)
            return errand(tx)

        return await self._branch.lane.run(guarded)

    async def _confirmed(
        self, errand: Callable[[Transaction], T], question: Question | Literal[False], settled: str | None = None
    ) -> T:
        """As ``_write``; where there is a ``question``, with the one-time password that was given for it.

        The password is spent before ``errand``, which may end all that there is of the customer.
        """
        if not question:
            return await self._write(errand, settled)

        def answered(tx: Transaction) -> T:
            spent = one_time.spend(tx, self._branch.codebook, question)
            result = errand(tx)
            if not spent:
                raise Unanswered
            return result

        try:
            return await self._write(answered, settled)
        except Unanswered:
            return await self._ask(question)

    async def _ask(self, question: Question) -> NoReturn:
        """Ask for a one-time password. Raises Refused."""
        raise await second_factor.refusal(self._branch, question)

    def _question(self, purpose: Purpose, what: str, content: object) -> Question:
        """What a one-time password is needed for in this session."""
        return Question(self.session.customer_id, self.session.account_id, purpose, json.dumps(content), what)

    async def _prove_again(self, password: str | None, pin: str | None, settled: str | None = None) -> None:
        """Raises Refused: WRONG_SECRET unless the secret given is the customer's, LOCKED and WAIT after many such."""
        kind, secret = ("password", password) if password is not None else ("pin", pin or "")
        await self._begin(settled)
        branch, customer_id = self._branch, self.session.customer_id
        tried = lockout.in_session(customer_id, kind)
        await tries.look_again(branch, tried)
        hashed = await branch.read(access.kept_hash, customer_id, kind)
        if not await tries.make(branch, tried, lambda place: branch.matches(place, hashed, secret)):
            raise Refused(codes.WRONG_SECRET)
        await branch.lane.run(lambda tx: lockout.passed(tx, tried, branch.terms.lockout))

    def _check_open(self) -> None:
        if self._over:
            raise Refused(codes.OVER)

    def _check_owed(self, settled: str | None = None) -> None:
        if self._owed not in (None, settled):
            raise Refused(codes.CHANGE_FIRST)

    def _renewal_is_due(self) -> bool:
        return self._branch.clock.seconds() >= self._renew_at

    def _renew(self) -> Deferred[None]:
        """Renew the lease; once is enough while it is under way."""
        due_since = self._renew_at
        self._set_renewal()
        renewed = self._branch.lane.run(lambda tx: access.renew_session(tx, self.session))

        def failed(failure: Failure) -> Failure:
            self._renew_at = due_since
            return failure

        return renewed.addErrback(failed)

    def _set_renewal(self) -> None:
        self._renew_at = self._branch.clock.seconds() + self.session.welcome.lease_seconds / RENEWALS
