"""An operator of the bank: asks for money and PINs to be set right, and for what the bank has on record.

1. What changes anything, and every look at a customer's data, is one errand on the lane together with its record.
2. A new PIN is made and hashed before that, and sent to the customer's device after it; no operator sees it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Concatenate, ParamSpec, TypeVar

from twisted.logger import Logger
from zope.interface import implementer

from bankd import codes
from bankd.bank import access, accounts, broadcasts, enquiries, lockout, operators, pins, proposals
from bankd.bank.operators import Badge, Performed
from bankd.bank.proposals import CLOSE_ACCOUNT, CREDIT, RESET_PIN, REVERSE_ENTRY, UNFREEZE_ACCOUNT, NewPin
from bankd.codes import Code, Refused
from bankd.ibank import NotDelivered
from bankd.ioperator import IOperator
from bankd.perspectives.branch import Branch
from bankd.perspectives.turns import THE_BANK
from bankd.records import (
    AccountFile,
    Act,
    BroadcastView,
    Contact,
    CustomerFile,
    Decision,
    EntryFile,
    OpenSession,
    OperatorView,
    Parcel,
    Proposal,
)
from bankd.store import directory
from bankd.store import operators as operator_rows
from bankd.store import proposals as proposal_rows
from bankd.store import sessions as session_rows
from bankd.store.engines import Connection, Transaction
from bankd.store.operators import Deed, OperatorRow
from bankd.store.proposals import Order
from bankd.wire import acts
from bankd.wire.message import Message

P = ParamSpec("P")
T = TypeVar("T")

NEW_PIN = "Your new PIN is {pin}. The one before is void. If you did not ask for this, tell your bank."
"""What is sent to a customer whose PIN was reset."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A PIN on its way to a customer."""

    contact: Contact
    pin: str = field(repr=False)
    kept: NewPin


@implementer(IOperator)
class Operator:
    """The perspective of one operator's connection."""

    log = Logger()

    def __init__(self, branch: Branch, shown: Badge, dismiss: Callable[[int, Code], None]) -> None:
        self.view = OperatorView(shown.operator.name, shown.operator.role.value)
        self._branch = branch
        self._badge = shown
        self._dismiss = dismiss

    async def find_account(self, account: str | None, username: str | None, mobile: str | None) -> list[AccountFile]:
        """Look an account up, or a customer's."""
        tried = Deed("find_account", account, details=f"customer {username or mobile}" if account is None else None)

        def find(tx: Transaction, _operator: OperatorRow) -> Performed[list[AccountFile]]:
            region = self._branch.terms.region
            return Performed(enquiries.account_files(tx.connection, region, account, username, mobile), tried)

        return (await self._perform(acts.FindAccount, tried, find)).value

    async def list_accounts(self, after: str | None) -> list[AccountFile]:
        """A page of accounts."""
        tried = Deed("list_accounts", details=f"after {after}" if after else None)

        def look(tx: Transaction, _operator: OperatorRow) -> Performed[list[AccountFile]]:
            return Performed(directory.accounts_after(tx.connection, after, operator_rows.PAGE), tried)

        return (await self._perform(acts.ListAccounts, tried, look)).value

    async def list_customers(self, since: int | None) -> list[CustomerFile]:
        """A page of customers."""
        tried = Deed("list_customers", details=f"since {since}" if since else None)

        def look(tx: Transaction, _operator: OperatorRow) -> Performed[list[CustomerFile]]:
            return Performed(directory.customers_after(tx.connection, tx.at_us, since, operator_rows.PAGE), tried)

        return (await self._perform(acts.ListCustomers, tried, look)).value

    async def find_customer(self, account: str | None, username: str | None, mobile: str | None) -> CustomerFile:
        """Look a customer up."""
        tried = Deed("find_customer", account, details=f"customer {username or mobile}" if account is None else None)

        def find(tx: Transaction, _operator: OperatorRow) -> Performed[CustomerFile]:
            found = enquiries.customer_of(tx.connection, self._branch.terms.region, account, username, mobile)
            return Performed(directory.customer_file(tx.connection, tx.at_us, found), tried)

        return (await self._perform(acts.FindCustomer, tried, find)).value

    async def unlock_customer(
        self, account: str | None, username: str | None, mobile: str | None, reason: str
    ) -> CustomerFile:
        """Let a customer try again."""
        details = f"customer {username or mobile}" if account is None else None
        tried = Deed("unlock_customer", account, details=details, reason=reason)

        def unlock(tx: Transaction, _operator: OperatorRow) -> Performed[CustomerFile]:
            found = enquiries.customer_of(tx.connection, self._branch.terms.region, account, username, mobile)
            lockout.unlock(tx, found)
            return Performed(directory.customer_file(tx.connection, tx.at_us, found), tried)

        return (await self._perform(acts.UnlockCustomer, tried, unlock)).value

    async def find_entry(self, receipt: int) -> EntryFile:
        """Look an entry up."""
        return await self._read(acts.FindEntry, enquiries.entry_file, receipt)

    async def credit(self, account: str, amount_minor: int, currency: str, key: str, reason: str) -> Decision:
        """Pay in from the till."""
        order = Order(CREDIT, key, reason, account=account, amount_minor=amount_minor, currency=currency)
        return await self._propose(acts.Credit, order)

    async def reverse_entry(self, receipt: int, amount_minor: int | None, key: str, reason: str) -> Decision:
        """Give back what an entry moved."""
        order = Order(REVERSE_ENTRY, key, reason, receipt=receipt, amount_minor=amount_minor)
        return await self._propose(acts.ReverseEntry, order)

    async def reset_pin(self, account: str, key: str, reason: str) -> Decision:
        """Give a customer a new PIN."""
        return await self._propose(acts.ResetPin, Order(RESET_PIN, key, reason, account=account))

    async def freeze_account(self, account: str, reason: str) -> None:
        """Let no money leave an account."""
        tried = Deed("freeze_account", account, reason=reason)

        def freeze(tx: Transaction, _operator: OperatorRow) -> Performed[None]:
            return Performed(None, tried if accounts.freeze(tx, account) else None)

        await self._perform(acts.FreezeAccount, tried, freeze)

    async def unfreeze_account(self, account: str, key: str, reason: str) -> Decision:
        """Let money leave an account again."""
        return await self._propose(acts.UnfreezeAccount, Order(UNFREEZE_ACCOUNT, key, reason, account=account))

    async def close_account(self, account: str, payout: str | None, key: str, reason: str) -> Decision:
        """Close an account for ever."""
        return await self._propose(acts.CloseAccount, Order(CLOSE_ACCOUNT, key, reason, account=account, payout=payout))

    async def sessions(self, after: str | None) -> list[OpenSession]:
        """Who is there."""
        tried = Deed("sessions", details=f"after {after}" if after else None)

        def look(tx: Transaction, _operator: OperatorRow) -> Performed[list[OpenSession]]:
            return Performed(session_rows.open_after(tx.connection, tx.at_us, after, operator_rows.PAGE), tried)

        return (await self._perform(acts.Sessions, tried, look)).value

    async def end_session(self, account: str, reason: str) -> list[OpenSession]:
        """End the session on an account."""
        tried = Deed("end_session", account, reason=reason)

        def end(tx: Transaction, _operator: OperatorRow) -> Performed[tuple[int, list[OpenSession]]]:
            return Performed(access.end_whatever(tx, account), tried)

        account_id, ended = (await self._perform(acts.EndSession, tried, end)).value
        self._dismiss(account_id, codes.ENDED)
        return ended

    async def proposals(self, since: int | None) -> list[Proposal]:
        """What waits for a second person."""
        return await self._read(acts.Proposals, proposal_rows.waiting, self._now_us(), since)

    async def approve(self, proposal: int) -> Decision:
        """Carry out what another has proposed."""
        row = await self._branch.read(proposal_rows.numbered, proposal)
        letter = await self._letter(row.order) if row is not None else None
        tried = Deed("approve", row.order.account if row is not None else None, of_id=proposal)

        def approve(tx: Transaction, operator: OperatorRow) -> Performed[Decision]:
            return proposals.approve(tx, operator, proposal, letter.kept if letter else None)

        performed = await self._perform(acts.Approve, tried, approve)
        return await self._send(letter, performed)

    async def reject(self, proposal: int, reason: str) -> None:
        """Have a proposal never carried out."""

        def reject(tx: Transaction, operator: OperatorRow) -> Performed[None]:
            return proposals.reject(tx, operator, proposal, reason)

        await self._perform(acts.Reject, Deed("reject", reason=reason, of_id=proposal), reject)

    async def broadcast(self, words: str, key: str, reason: str) -> BroadcastView:
        """Say something to every customer; the bank's rounds then take it to them."""
        tried = Deed("broadcast", details=words, reason=reason)

        def begin(tx: Transaction, operator: OperatorRow) -> Performed[BroadcastView]:
            return broadcasts.begin(tx, operator, words, key, tried)

        return (await self._perform(acts.Broadcast, tried, begin)).value

    async def acts(self, since: int | None) -> list[Act]:
        """What operators did."""
        return await self._read(acts.Acts, operator_rows.acts_after, since)

    async def _propose(self, message: type[Message], order: Order) -> Decision:
        two_people = self._branch.terms.two_people
        letter = None if two_people else await self._letter(order)

        def propose(tx: Transaction, operator: OperatorRow) -> Performed[Decision]:
            return proposals.propose(tx, operator, order, two_people, letter.kept if letter else None)

        return await self._send(letter, await self._perform(message, proposals.deed_of(order), propose))

    async def _letter(self, order: Order) -> Letter | None:
        """A new PIN for the customer whom ``order`` is to give one; None where nothing reaches that customer."""
        branch = self._branch
        if order.verb != RESET_PIN:
            return None
        contact = await branch.read(enquiries.contact_of, order.account or "")
        route = branch.post.route(contact) if contact is not None else None
        if contact is None or route is None:
            return None
        pin = pins.new_pin(branch.random_below, contact.mobile)
        return Letter(contact, pin, NewPin(await branch.hash(THE_BANK, pin), route))

    async def _send(self, letter: Letter | None, performed: Performed[Decision]) -> Decision:
        """What became of an order, after the PIN that came of it was sent."""
        decision = performed.value
        if letter is None or decision.by is None:
            return decision
        try:
            await self._branch.post.send(letter.contact, Parcel("Your new PIN", NEW_PIN.format(pin=letter.pin)))
        except (NotDelivered, Refused) as failure:  # the PIN of before is void all the same
            self.log.warn("a new PIN was not sent: {why}", why=str(failure))
            return replace(decision, by=None, to=None)
        return decision

    async def _perform(
        self, message: type[Message], tried: Deed, act: Callable[[Transaction, OperatorRow], Performed[T]]
    ) -> Performed[T]:
        """Carry out and record an act. Raises Refused once its record is written."""

        def perform(tx: Transaction) -> Performed[T] | Refused:
            return operators.perform(tx, self._badge, message, tried, lambda operator: act(tx, operator))

        performed = await self._branch.lane.run(perform)
        if isinstance(performed, Refused):
            raise performed
        return performed

    async def _read(
        self, message: type[Message], report: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """What ``report`` finds, for an operator who may see it."""

        def look_up(connection: Connection) -> T:
            operators.check(connection, self._badge, message)
            return report(connection, *args, **kwargs)

        return await self._branch.read(look_up)

    def _now_us(self) -> int:
        return int(self._branch.clock.seconds() * 1_000_000)
