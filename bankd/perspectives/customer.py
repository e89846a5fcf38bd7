"""A customer in an exclusive session on one account.

1. Whatever reads or writes first makes sure that the account is still the session's: by the lease while it runs, by
   asking the database once it may have run out. Money is checked again by the fence, in the transaction that moves it.
2. After log-out nothing is done any more, also not what was asked before and had not begun.
"""

from collections.abc import Callable, Sequence
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd import codes
from bankd.bank import access, accounts, contact, lockout, payments, receipts, reports, strength
from bankd.codes import Refused
from bankd.ibank import ICustomer
from bankd.ledger.books import Outcome
from bankd.ledger.commands import Bulk, Capture, Command, Deposit, Hold, Release, Reversal, Transfer, Withdrawal
from bankd.perspectives import tries
from bankd.perspectives.branch import Branch
from bankd.records import (
    ALWAYS,
    AccountView,
    Allowance,
    BulkResult,
    CustomerView,
    Held,
    HoldView,
    Inbox,
    Listening,
    Payee,
    Period,
    Receipt,
    Session,
    SignedReceipt,
    Statement,
)
from bankd.store.engines import Connection, Transaction

P = ParamSpec("P")
T = TypeVar("T")

HOLD_SECONDS = 7 * 86_400
"""How long a hold lasts where the customer does not say: a week, as it is for cards."""

RENEWALS = 3
"""A lease is renewed when a third of it has passed, so that two renewals may fail before it runs out."""


@implementer(ICustomer)
class Customer:
    """The perspective of one session; ``mind`` tells where its terminal is."""

    def __init__(self, branch: Branch, session: Session, mind: Any) -> None:
        self.session = session
        self._whose: dict[str, Any] = {
            "customer_id": session.customer_id,
            "account_id": session.account_id,
            "fence": session.fence,
        }
        self._branch = branch
        self._mind = mind
        self._listener: str | None = None
        self._over = False
        self._freed: Deferred[None] | None = None
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

    async def view_details(self) -> CustomerView:
        """The customer's details."""
        return await self._read(reports.details)

    async def accounts(self) -> list[AccountView]:
        """The customer's open accounts."""
        return await self._read(reports.accounts)

    async def allowance(self) -> Allowance:
        """What the session's account may spend."""
        now_us = int(self._branch.clock.seconds() * 1_000_000)
        return await self._read(reports.allowance, self._branch.terms, now_us)

    async def holds(self, since: int | None) -> list[HoldView]:
        """Open holds that the session's account has part in."""
        return await self._read(reports.open_holds, since)

    async def balance(self, at_us: int | None = None) -> AccountView:
        """The session's account, with its balance now or at an instant."""
        return await self._read(reports.balance, at_us)

    async def statement(self, limit: int | None, cursor: int | None, period: Period = ALWAYS) -> Statement:
        """A page of entries of the session's account."""
        return await self._read(reports.statement, limit, cursor, period)

    async def notices(self, since: int | None) -> Inbox:
        """A page of notices to the session's account."""
        return await self._read(reports.inbox, since)

    async def acknowledge(self, upto: int) -> None:
        """Take notices as seen."""
        await self._write(lambda tx: reports.acknowledge(tx, self.session, upto))

    async def open_account(self, currency: str | None) -> AccountView:
        """Open another account."""
        branch, customer_id = self._branch, self.session.customer_id
        wanted = currency or branch.terms.currency
        return await self._write(lambda tx: accounts.open_account(tx, branch.random_below, customer_id, wanted).view())

    def deposit(self, amount_minor: int, currency: str, key: str) -> Deferred[Receipt]:
        """Pay cash in."""
        return self._move(Deposit, key, amount_minor=amount_minor, currency=currency)

    def withdraw(self, amount_minor: int, currency: str, key: str) -> Deferred[Receipt]:
        """Pay cash out."""
        return self._move(Withdrawal, key, amount_minor=amount_minor, currency=currency)

    def transfer(self, to: str, amount_minor: int, currency: str, key: str, reference: str | None) -> Deferred[Receipt]:
        """Pay another account."""
        return self._move(Transfer, key, payee=to, amount_minor=amount_minor, currency=currency, reference=reference)

    def transfer_all(self, payees: Sequence[Payee], currency: str, together: bool, key: str) -> Deferred[BulkResult]:
        """Pay many accounts under one key."""
        transfers = tuple(
            Transfer(
                **self._whose,
                key=f"{key}:{place}",
                currency=currency,
                payee=payee.payee,
                amount_minor=payee.amount_minor,
                reference=payee.reference,
            )
            for place, payee in enumerate(payees, 1)
        )
        posted = self._post(Bulk(**self._whose, key=key, transfers=transfers, together=together))
        return posted.addCallback(payments.bulk_result, currency)

    def hold(
        self, to: str | None, amount_minor: int, currency: str, seconds: int | None, key: str, reference: str | None
    ) -> Deferred[Held]:
        """Set an amount aside."""
        lasts = HOLD_SECONDS if seconds is None else seconds
        details: dict[str, Any] = {"amount_minor": amount_minor, "currency": currency, "reference": reference}
        posted = self._post(Hold(**self._whose, key=key, payee=to, seconds=lasts, **details))
        return posted.addCallback(payments.held, currency)

    def capture(self, hold: int, amount_minor: int | None, key: str, reference: str | None) -> Deferred[Receipt]:
        """Pay out of a hold."""
        return self._move(Capture, key, of_id=hold, amount_minor=amount_minor, reference=reference)

    def release(self, hold: int, key: str) -> Deferred[Receipt]:
        """End a hold without payment."""
        return self._move(Release, key, of_id=hold)

    def reverse(self, receipt: int, amount_minor: int | None, key: str, reference: str | None) -> Deferred[Receipt]:
        """Give a payment back."""
        return self._move(Reversal, key, of_id=receipt, amount_minor=amount_minor, reference=reference)

    async def certify(self, receipt: int) -> SignedReceipt:
        """A signed receipt."""
        return await self._read(receipts.certify, receipt, self._branch.terms.name, self._branch.signer)

    async def update_contact(self, name: str | None, email: str | None, mobile: str | None) -> CustomerView:
        """Change what is given, confirm the rest."""
        given = {"name": name, "email": email, "mobile": mobile}
        details = {field: value for field, value in given.items() if value is not None}
        if mobile is not None:
            details["mobile"] = contact.e164(mobile, self._branch.terms.region)
        return await self._write(lambda tx: accounts.update_contact(tx, self.session, details))

    async def change_secret(self, kind: str, new: str, password: str | None, pin: str | None) -> None:
        """Set a new password or PIN."""
        await self._prove_again(password, pin)
        known = await self._branch.read(strength.known_of, self.session.customer_id)
        strength.check(kind, new, known, "new")
        hashed = await self._branch.hash(new)
        await self._write(lambda tx: accounts.set_secret(tx, self.session, kind, hashed))

    async def delete_account(self, password: str | None, pin: str | None, payout: str | None) -> None:
        """Close the session's account for ever."""
        await self._prove_again(password, pin)
        await self._write(lambda tx: accounts.delete_account(tx, self.session, payout))
        self._over = True

    def listen(self, port: int) -> Listening:
        """Have notices sent to the terminal."""
        self._silence()
        self._listener = self._branch.board.listen(self.session.account_id, self._mind.host, port)
        return Listening(self._listener)

    def log_out(self) -> Deferred[None]:
        """End the session, and free the account once what was asked before is done."""
        self._over = True
        self._silence()
        if self._freed is None:
            self._freed = self._branch.lane.run(lambda tx: access.end_session(tx, self.session))
            self._freed.addErrback(lambda _: None)  # the lease then ends by itself
        freed: Deferred[None] = Deferred()
        self._freed.chainDeferred(freed)
        return freed

    def _move(self, command: type[Command], key: str, **details: Any) -> Deferred[Receipt]:
        """Carry out a command of this session that is answered with a receipt."""
        posted = self._post(command(**self._whose, key=key, **details))
        return posted.addCallback(payments.receipt, self.session.account_id, self.session.welcome.currency)

    def _post(self, command: Command) -> Deferred[Outcome]:
        if self._over:
            return fail(Refused(codes.OVER))
        if self._renewal_is_due():
            # Not awaited: what is posted before another command stays before it. The fence refuses it, if need be.
            self._renew().addErrback(lambda _: None)
        return self._branch.lane.post(command)

    async def _read(
        self, report: Callable[Concatenate[Connection, Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        await self.keep()
        return await self._branch.read(report, self.session, *args, **kwargs)

    async def _write(self, errand: Callable[[Transaction], T]) -> T:
        """Carry out ``errand`` in a transaction that first makes sure of the lease, and renews it."""
        await self.keep()

        def guarded(tx: Transaction) -> T:
            access.renew_session(tx, self.session)
            return errand(tx)

        return await self._branch.lane.run(guarded)

    async def _prove_again(self, password: str | None, pin: str | None) -> None:
        """Raises Refused: WRONG_SECRET unless the secret given is the customer's, LOCKED and WAIT after many such."""
        kind, secret = ("password", password) if password is not None else ("pin", pin or "")
        await self.keep()
        branch, customer_id = self._branch, self.session.customer_id
        tried = lockout.in_session(customer_id, kind)
        await tries.look_again(branch, tried)
        hashed = await branch.read(access.kept_hash, customer_id, kind)
        if not await tries.make(branch, tried, lambda: branch.matches(hashed, secret)):
            raise Refused(codes.WRONG_SECRET)
        await branch.lane.run(lambda tx: lockout.passed(tx, tried, branch.terms.lockout))

    def _check_open(self) -> None:
        if self._over:
            raise Refused(codes.OVER)

    def _silence(self) -> None:
        if self._listener is not None:
            self._branch.board.silence(self._listener)

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
