"""What the bank hands over, in English: receipts, balances, statements and details as lines for a person to read."""

from collections.abc import Callable
from typing import Any

from bankd import money
from bankd.client import lockout, prompts, words
from bankd.client.words import moment
from bankd.records import (
    AccountView,
    Allowance,
    CustomerView,
    Held,
    HoldView,
    Notice,
    Receipt,
    SignedReceipt,
    Statement,
    StatementLine,
    Welcome,
)
from bankd.wire import messages
from bankd.wire.messages import Message

ENTRIES = {
    "deposit": "cash paid in",
    "withdrawal": "cash paid out",
    "transfer": "transfer",
    "fee": "fee",
    "reversal": "given back",
    "paid": "paid",
    "received": "received",
    "payout": "paid out at closing",
}
"""What a line of a statement calls its entry, by kind; other kinds are shown as they are."""

PAID_IN_CASH = "paid in cash"
"""What it calls an entry of the kind ``paid`` without another account: a hold for cash that was paid."""

NOT_TOLD = "(not told)"

HEADINGS = ("Time", "Receipt", "Amount", "Balance", "")
CLOSING, OPENING, FORWARD = "Closing balance", "Opening balance", "Brought forward"
NO_ENTRIES = "There are no entries."


def welcome(welcome: Welcome, registered: bool) -> str:
    """What a customer reads at log-in."""
    hello = f"Welcome. This is account {welcome.account}, kept in {welcome.currency}."
    if registered:
        return f"{hello}\nYour mobile number was not known before, so you are now registered with it."
    if welcome.last_login_us is None:
        return f"{hello} This is your first log-in.{lockout.failed(welcome.failed)}"
    return f"{hello} Your last log-in was {moment(welcome.last_login_us)}.{lockout.failed(welcome.failed)}"


def signed_up(account: AccountView) -> str:
    """What a new customer reads."""
    return f"Welcome to the bank. Your account is {account.account}, kept in {account.currency}. You can log in now."


def opened(account: AccountView) -> str:
    """What a customer reads of another account just opened."""
    return f"Account {account.account} was opened, kept in {account.currency}."


def balance(account: AccountView) -> str:
    """The balance of an account, now or at the instant that was asked for."""
    at = "" if account.at_us is None else f" at {moment(account.at_us)}"
    told = f"Balance of account {account.account}{at}: {money.written(account.balance_minor, account.currency)}"
    if account.available_minor in (None, account.balance_minor):
        return told
    return f"{told}; available: {money.written(account.available_minor or 0, account.currency)}"


def account(account: AccountView) -> str:
    """One line of a list of accounts."""
    amount = money.written(account.balance_minor, account.currency)
    return f"Account {account.account}: {amount}, opened {moment(account.opened_us)}"


def deposited(receipt: Receipt) -> str:
    """The receipt for cash paid in."""
    return f"Success: {_amount(receipt)} paid in. {_after(receipt)}"


def withdrawn(receipt: Receipt) -> str:
    """The receipt for cash paid out."""
    return f"Success: {_amount(receipt)} paid out. {_after(receipt)}"


def transferred(receipt: Receipt, to: str) -> str:
    """The receipt for a transfer to the account ``to``."""
    return f"Success: {_amount(receipt)} transferred to account {to}. {_after(receipt)}"


def captured(receipt: Receipt) -> str:
    """The receipt for a payment out of a hold."""
    return f"Success: {_amount(receipt)} paid out of the hold. {_after(receipt)}"


def released(receipt: Receipt) -> str:
    """The receipt for a hold that was given up."""
    return f"Success: {_amount(receipt)} is no longer held. Receipt {receipt.receipt}."


def given_back(receipt: Receipt) -> str:
    """The receipt for a payment that was given back."""
    return f"Success: {_amount(receipt)} given back. {_after(receipt)}"


def held(hold: Held) -> str:
    """The receipt for money that was set aside."""
    amount = money.written(hold.amount_minor, hold.currency)
    return f"Success: {amount} is held until {moment(hold.expires_us)}. Hold {hold.hold}."


def holds(views: list[HoldView]) -> str:
    """Open holds, one line each."""
    return "\n".join(map(_hold, views)) or "Nothing is held."


def _hold(hold: HoldView) -> str:
    amount = money.written(abs(hold.amount_minor), hold.currency)
    other = hold.counterparty or "cash"
    whose = f"for {other}" if hold.amount_minor < 0 else f"for you by {other}"
    reference = f" ({hold.reference})" if hold.reference else ""
    return f"Hold {hold.hold}: {amount} {whose} until {moment(hold.expires_us)}{reference}"


def allowance(allowance: Allowance) -> str:
    """What an account may spend, a line each."""

    def amount(minor: int | None) -> str:
        return "no limit" if minor is None else money.written(minor, allowance.currency)

    return "\n".join(
        (
            f"Available now:     {amount(allowance.available_minor)}",
            f"At once:           {amount(allowance.payment_minor)}",
            f"In a day:          {amount(allowance.day_minor)}",
            f"Left today (UTC):  {amount(allowance.left_minor)}",
            f"Overdraft:         {amount(allowance.overdraft_minor)}",
            f"Fee for transfers: {amount(allowance.transfer_fee_minor)}",
            f"Fee for cash out:  {amount(allowance.withdrawal_fee_minor)}",
        )
    )


def _amount(receipt: Receipt) -> str:
    return money.written(abs(receipt.amount_minor), receipt.currency)


def _after(receipt: Receipt) -> str:
    return f"Balance: {money.written(receipt.balance_minor, receipt.currency)}. Receipt {receipt.receipt}."


def certified(receipt: SignedReceipt) -> str:
    """A signed receipt as it is kept: the signed text alone, so that it can be put into a file as it is printed."""
    return receipt.signed


def certifies(receipt: SignedReceipt) -> str:
    """What a signed receipt is about, in a line."""
    amount = money.written(abs(receipt.amount_minor), receipt.currency)
    preposition = "to" if receipt.amount_minor < 0 else "from"
    other = f" {preposition} account {receipt.counterparty}" if receipt.counterparty else ""
    what = f"{_what(receipt)}: {amount}{other}"
    return f"Receipt {receipt.receipt} of {moment(receipt.at_us)}, {what}"


def kept(receipt: int, file: str) -> str:
    """Where a signed receipt was written to."""
    return f"Receipt {receipt} written to {file}. Anybody who has the bank's public key can check it."


def details(customer: CustomerView) -> str:
    """A customer's details, one line each."""
    return "\n".join(
        (
            f"User name:   {customer.username or NOT_TOLD}",
            f"Name:        {customer.name or NOT_TOLD}",
            f"Mobile:      {customer.mobile or NOT_TOLD}",
            f"E-mail:      {customer.email or NOT_TOLD}",
            f"Customer since {moment(customer.opened_us)}; contact information as of {moment(customer.contact_us)}",
        )
    )


def contact(customer: CustomerView) -> str:
    """The confirmation of the contact information on record."""
    told = (("name", customer.name), ("mobile", customer.mobile), ("e-mail", customer.email))
    on_record = ", ".join(f"{name} {value}" for name, value in told if value)
    return f"Confirmed. Your contact information on record: {on_record or 'none'}."


def statement(page: Statement) -> str:
    """A page of a statement as a table between closing and opening balance, newest first, and the balance now."""
    end = page.end
    rows = [
        HEADINGS,
        (CLOSING, "", "", money.plain(end.closing_minor, end.currency), ""),
        *(_row(line, end.currency) for line in page.lines),
        (OPENING if end.cursor is None else FORWARD, "", "", money.plain(end.opening_minor, end.currency), ""),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    table = [
        f"{when:<{widths[0]}}  {receipt:>{widths[1]}}  {amount:>{widths[2]}}  {after:>{widths[3]}}  {what}".rstrip()
        for when, receipt, amount, after, what in rows
    ]
    if end.cursor is not None and end.period_opening_minor is not None:
        opening = money.written(end.period_opening_minor, end.currency)
        table.append(f"There are older entries; the opening balance is {opening}.")
    balance = f"Balance now: {money.written(end.balance_minor, end.currency)}"
    return "\n".join([*([] if page.lines else [NO_ENTRIES]), *table, balance])


def exporting(entries: int) -> str:
    """How far a long export has come."""
    return f"{entries:,} entries so far"


def exported(entries: int, file: str) -> str:
    """What was written to a file."""
    return f"{entries:,} {'entry' if entries == 1 else 'entries'} written to {file}."


def _row(line: StatementLine, currency: str) -> tuple[str, str, str, str, str]:
    """When, the number of the receipt, how much, the balance after it, and what for."""
    preposition = "to" if line.amount_minor < 0 else "from"
    other = f" {preposition} {line.counterparty}" if line.counterparty else ""
    reference = f" ({line.reference})" if line.reference else ""
    sign = "+" if line.amount_minor > 0 else ""
    return (
        moment(line.at_us),
        str(line.receipt),
        sign + money.plain(line.amount_minor, currency),
        money.plain(line.balance_minor, currency),
        f"{_what(line)}{other}{reference}",
    )


def _what(entry: StatementLine | SignedReceipt) -> str:
    if entry.kind == "paid" and entry.counterparty is None:
        return PAID_IN_CASH
    return ENTRIES.get(entry.kind, entry.kind)


def notices(notices: list[Notice]) -> str:
    """A list of notices, one line each."""
    return "\n".join(f"[{notice.number}] {words.notice(notice)}" for notice in notices) or prompts.NO_NOTICES


OF_BODY: dict[type[Message], Callable[[Any], str]] = {
    messages.Balance: balance,
    messages.ViewDetails: details,
    messages.UpdateContact: contact,
    messages.OpenAccount: opened,
    messages.Deposit: deposited,
    messages.Withdraw: withdrawn,
    messages.Hold: held,
    messages.Capture: captured,
    messages.Release: released,
    messages.Reverse: given_back,
    messages.Limits: allowance,
    messages.Certify: certified,
}
"""What to read of the record that answers a request."""

OF_ITEMS: dict[type[Message], Callable[[list[Any]], str]] = {
    messages.Accounts: lambda accounts: "\n".join(map(account, accounts)),
    messages.Holds: holds,
    messages.Notices: notices,
}
"""What to read of the list that answers a request."""


def answer(request: Message, body: Any, items: list[Any]) -> str:
    """What to read after ``request`` was carried out; ``body`` and ``items`` are the records of its answer."""
    kind = type(request)
    if kind in OF_BODY:
        return OF_BODY[kind](body)
    if kind in OF_ITEMS:
        return OF_ITEMS[kind](items)
    match request:
        case messages.Transfer():
            return transferred(body, request.to)
        case messages.Statement():
            return statement(Statement(tuple(items), body))
        case messages.Logout():
            return prompts.LOGGED_OUT
        case _:
            return prompts.DONE
