"""The contract between the bank and what its operators use; no logic. Coroutines are as ``ibank`` says."""

from collections.abc import Awaitable

from zope.interface import Attribute, Interface

from bankd.records import AccountFile, Act, BroadcastView, CustomerFile, Decision, EntryFile, OpenSession, Proposal


class IOperator(Interface):
    """An operator of the bank, in a role (``wire.roles``), which is looked up again for each act.

    Besides what is listed, every coroutine may be refused with NO_OPERATOR, when the operator was removed meanwhile,
    NOT_YOURS, when the role does not include it, and BUSY. What is no mere reading of the bank's own books is recorded,
    also when it is refused.
    """

    view = Attribute("The ``records.OperatorView``: name and role when the connection began.")

    def find_account(account: str | None, username: str | None, mobile: str | None) -> Awaitable[list[AccountFile]]:
        """A coroutine of the account with a number, or of the open ones of a customer; the others are None.

        Refused: NO_ACCOUNT, BAD_FIELD (mobile).
        """

    def list_accounts(after: str | None) -> Awaitable[list[AccountFile]]:
        """A coroutine of a page of customers' accounts with a number after ``after``, in the order of the numbers."""

    def list_customers(since: int | None) -> Awaitable[list[CustomerFile]]:
        """A coroutine of a page of customers with a number above ``since``, oldest first."""

    def find_customer(account: str | None, username: str | None, mobile: str | None) -> Awaitable[CustomerFile]:
        """A coroutine of the customer who has an account, or a name; the others are None.

        Refused: NO_ACCOUNT, BAD_FIELD (mobile).
        """

    def unlock_customer(
        account: str | None, username: str | None, mobile: str | None, reason: str
    ) -> Awaitable[CustomerFile]:
        """Forget the tries that failed to be a customer, and void the one-time passwords that were sent.

        A coroutine of the customer afterwards. Refused: NO_ACCOUNT, BAD_FIELD (mobile).
        """

    def find_entry(receipt: int) -> Awaitable[EntryFile]:
        """A coroutine of an ``EntryFile``. Refused: NO_ENTRY."""

    def credit(account: str, amount_minor: int, currency: str, key: str, reason: str) -> Awaitable[Decision]:
        """Pay an amount from the till into an account, once for each ``key``.

        A coroutine of the ``Decision``: it waits for a second person where the bank has the rule of two. Refused:
        OTHER_CONTENT, NO_PROPOSAL, NO_ACCOUNT, OTHER_CURRENCY, TOO_MUCH.
        """

    def reverse_entry(receipt: int, amount_minor: int | None, key: str, reason: str) -> Awaitable[Decision]:
        """Give back ``amount_minor``, or all that is left, of what an entry moved, once for each ``key``.

        A coroutine of the ``Decision``. Refused: OTHER_CONTENT, NO_PROPOSAL, NO_ENTRY, NO_ACCOUNT, MORE_THAN_LEFT,
        NO_FUNDS, TOO_MUCH.
        """

    def reset_pin(account: str, key: str, reason: str) -> Awaitable[Decision]:
        """Void a customer's PIN, and send a new one to the customer's device, once for each ``key``.

        A coroutine of the ``Decision``, whose ``by`` is None where no PIN was sent. Refused: OTHER_CONTENT,
        NO_PROPOSAL, NO_ACCOUNT, NO_DEVICE.
        """

    def freeze_account(account: str, reason: str) -> Awaitable[None]:
        """Let no money leave an account, but by what operators do, and tell its owner. One person is enough.

        A coroutine of None. Refused: NO_ACCOUNT.
        """

    def unfreeze_account(account: str, key: str, reason: str) -> Awaitable[Decision]:
        """Let money leave an account again, and tell its owner.

        A coroutine of the ``Decision``. Refused: OTHER_CONTENT, NO_PROPOSAL, NO_ACCOUNT.
        """

    def close_account(account: str, payout: str | None, key: str, reason: str) -> Awaitable[Decision]:
        """Close an account for ever, also a frozen one, after paying what is on it to the account ``payout``.

        A coroutine of the ``Decision``. Refused: OTHER_CONTENT, NO_PROPOSAL, NO_ACCOUNT, HELD, NO_FUNDS, NOT_EMPTY, and
        what may refuse a transfer.
        """

    def sessions(after: str | None) -> Awaitable[list[OpenSession]]:
        """A coroutine of a page of the open sessions on accounts with a number after ``after``, in their order."""

    def end_session(account: str, reason: str) -> Awaitable[list[OpenSession]]:
        """End the session on an account, on whichever node it is; its client is told ENDED.

        A coroutine of what was ended: one session, or none. Refused: NO_ACCOUNT.
        """

    def proposals(since: int | None) -> Awaitable[list[Proposal]]:
        """A coroutine of a page of open proposals with a number above ``since``, oldest first."""

    def approve(proposal: int) -> Awaitable[Decision]:
        """Carry out what another operator proposed. A coroutine of the ``Decision``.

        Refused: NO_PROPOSAL, OWN_PROPOSAL, and what may refuse the order itself, which then stays open.
        """

    def reject(proposal: int, reason: str) -> Awaitable[None]:
        """Have a proposal never carried out. A coroutine of None. Refused: NO_PROPOSAL, NOT_YOURS."""

    def broadcast(words: str, key: str, reason: str) -> Awaitable[BroadcastView]:
        """Have ``words`` told to every customer, by a notice on each account that is open, once for each ``key``.

        A coroutine of how far that has come: it goes on by itself, and asked again under its key tells how far.
        Refused: OTHER_CONTENT.
        """

    def acts(since: int | None) -> Awaitable[list[Act]]:
        """A coroutine of a page of acts with a number above ``since``, or of the newest; oldest first."""
