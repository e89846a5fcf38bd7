"""A customer in an exclusive session on one account: what the customer can do, and be told."""

from collections.abc import Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd import codes
from bankd.bank import (
    access,
    accounts,
    authenticator,
    contact,
    letters,
    payees,
    payments,
    receipts,
    reports,
    risk,
    strength,
)
from bankd.bank.one_time import Purpose, Unanswered
from bankd.bank.terms import OneTime
from bankd.codes import Refused
from bankd.ibank import ICustomer
from bankd.ledger.books import Outcome
from bankd.ledger.commands import Bulk, Capture, Command, Deposit, Hold, Release, Reversal, Transfer, Withdrawal
from bankd.perspectives import second_factor, turns
from bankd.perspectives.branch import Branch
from bankd.perspectives.told import Told
from bankd.records import (
    ALWAYS,
    AccountView,
    Allowance,
    BulkResult,
    CustomerView,
    Enrolment,
    Held,
    HoldView,
    Payee,
    PayeeView,
    Period,
    Receipt,
    RecoveryCode,
    Session,
    SignedReceipt,
    Statement,
)

T = TypeVar("T")

HOLD_SECONDS = 7 * 86_400
"""How long a hold lasts where the customer does not say: a week, as it is for cards."""


@implementer(ICustomer)
class Customer(Told):
    """The perspective of one session; ``mind`` tells where its terminal is."""

    def __init__(self, branch: Branch, session: Session, mind: Any) -> None:
        super().__init__(branch, session, mind)
        self._whose: dict[str, Any] = {
            "customer_id": session.customer_id,
            "account_id": session.account_id,
            "fence": session.fence,
        }
        self._freed: Deferred[None] | None = None
        branch.tally.sessions += 1
        self._asks = branch.terms.one_time is OneTime.RISK
        self._carry_out = self._pay if self._asks else branch.lane.post

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

    async def payee(self, number: str) -> PayeeView:
        """Whose an account is; to have asked counts, whatever comes of it."""
        looked = await self._write(lambda tx: payees.look(tx, self.session, number))
        if isinstance(looked, Refused):
            raise looked
        return looked

    async def holds(self, since: int | None) -> list[HoldView]:
        """Open holds that the session's account has part in."""
        return await self._read(reports.open_holds, since)

    async def balance(self, at_us: int | None = None) -> AccountView:
        """The session's account, with its balance now or at an instant."""
        return await self._read(reports.balance, at_us)

    async def statement(self, limit: int | None, cursor: int | None, period: Period = ALWAYS) -> Statement:
        """A page of entries of the session's account."""
        return await self._read(reports.statement, limit, cursor, period)

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
        asks = self._asks and not (email is None and mobile is None)
        return await self._confirmed(
            lambda tx: accounts.update_contact(tx, self.session, details),
            asks and self._question(Purpose.CONTACT, letters.contact(email, details.get("mobile")), details),
        )

    async def change_secret(self, kind: str, new: str, password: str | None, pin: str | None) -> None:
        """Set a new password or PIN, to which a one-time password is not bound: no quick digest of it is kept.

        None is asked for where the secret has to be changed: the customer may have no device yet.
        """
        await self._prove_again(password, pin, kind)
        known = await self._branch.read(strength.known_of, self.session.customer_id)
        strength.check(kind, new, known, "new")
        hashed = await self._branch.hash(turns.customer(self.session.customer_id), new)
        what = letters.TO_CHANGE_PASSWORD if kind == "password" else letters.TO_CHANGE_PIN
        await self._confirmed(
            lambda tx: accounts.set_secret(tx, self.session, kind, hashed),
            self._asks and self._owed is None and self._question(Purpose.SECRET, what, kind),
            kind,
        )
        self._owed = None

    async def one_time(self, challenge: str, password: str) -> None:
        """Give a one-time password, or a recovery code."""
        await self.keep()
        given = await second_factor.give(self._branch, challenge, password, self.session)
        if not given:
            raise second_factor.wrong(given)

    async def enrol_app(self, password: str | None, pin: str | None) -> Enrolment:
        """Offer an authenticator app a secret."""
        await self._prove_again(password, pin)
        branch = self._branch
        asks = branch.terms.one_time is not OneTime.OFF or await branch.read(
            authenticator.counts, branch.codebook, self.session.customer_id
        )
        return await self._confirmed(
            lambda tx: authenticator.offer(tx, branch.codebook, branch.random_below, self.session, branch.terms.name),
            asks and self._question(Purpose.DEVICE, letters.TO_ENROL_APP, "enrol"),
        )

    async def confirm_app(self, code: str) -> list[RecoveryCode]:
        """Have the app count."""
        branch = self._branch
        return await self._write(
            lambda tx: authenticator.confirm(tx, branch.codebook, branch.random_below, self.session, code)
        )

    async def remove_app(self, password: str | None, pin: str | None) -> None:
        """Have no app count."""
        await self._prove_again(password, pin)
        question = self._question(Purpose.DEVICE, letters.TO_REMOVE_APP, "remove")
        await self._confirmed(lambda tx: authenticator.remove(tx, self._branch.codebook, self.session), question)

    async def delete_account(self, password: str | None, pin: str | None, payout: str | None) -> None:
        """Close the session's account for ever."""
        await self._prove_again(password, pin)
        what = letters.closing(self.session.welcome.account, payout)
        await self._confirmed(
            lambda tx: accounts.delete_account(tx, self.session, payout),
            self._asks and self._question(Purpose.CLOSING, what, payout),
        )
        self._over = True

    def log_out(self) -> Deferred[None]:
        """End the session, and free the account once what was asked before is done."""
        self._over = True
        self._silence()
        self._forget_choice()
        if self._freed is None:
            self._branch.tally.sessions -= 1
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
        if self._owed is not None:
            return fail(Refused(codes.CHANGE_FIRST))
        if self._renewal_is_due():
            # Not awaited: what is posted before another command stays before it. The fence refuses it, if need be.
            self._renew().addErrback(lambda _: None)
        return self._carry_out(command)

    def _pay(self, command: Command) -> Deferred[Outcome]:
        """Carry ``command`` out, with a one-time password where it needs one."""
        branch = self._branch
        if not risk.is_looked_at(command):
            return branch.lane.post(command)
        paid = branch.lane.run(lambda tx: risk.pay(tx, branch.codebook, command, branch.terms))

        def ask(failure: Failure) -> Deferred[Outcome]:
            failure.trap(Unanswered)
            return Deferred.fromCoroutine(self._ask(risk.question(command)))

        return paid.addErrback(ask)
