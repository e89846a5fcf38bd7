"""What the bank hands over, in English: receipts, balances, statements and details as lines for a person to read."""

from collections.abc import Callable
from typing import Any

from bankd.client import amounts, lockout, preference_words, prompts, words
from bankd.client.statement_slips import exported as exported
from bankd.client.statement_slips import exporting as exporting
from bankd.client.statement_slips import statement as statement
from bankd.client.statement_slips import what
from bankd.client.words import moment
from bankd.language import _
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
    Welcome,
)
from bankd.wire import messages
from bankd.wire.messages import Message

NOT_TOLD = _("(not told)")

FIRST_LOG_IN = _("This is your first log-in.")
REGISTERED = _("Your mobile number was not known before, so you are now registered with it.")


def welcome(welcome: Welcome, registered: bool) -> str:
    """What a customer reads at log-in."""
    hello = _("Welcome. This is account {account}, kept in {currency}.").format(
        account=welcome.account, currency=welcome.currency
    )
    if registered:
        return f"{hello}\n{REGISTERED}"
    if welcome.last_login_us is None:
        return f"{hello} {FIRST_LOG_IN}{lockout.failed(welcome.failed)}"
    last = _("Your last log-in was {time}.").format(time=moment(welcome.last_login_us))
    return f"{hello} {last}{lockout.failed(welcome.failed)}"


def signed_up(account: AccountView) -> str:
    """What a new customer reads."""
    return _("Welcome to the bank. Your account is {account}, kept in {currency}. You can log in now.").format(
        account=account.account, currency=account.currency
    )


def opened(account: AccountView) -> str:
    """What a customer reads of another account just opened."""
    return _("Account {account} was opened, kept in {currency}.").format(
        account=account.account, currency=account.currency
    )


def balance(account: AccountView) -> str:
    """The balance of an account, now or at the instant that was asked for."""
    amount = amounts.written(account.balance_minor, account.currency)
    if account.at_us is not None:
        return _("Balance of account {account} at {time}: {amount}").format(
            account=account.account, time=moment(account.at_us), amount=amount
        )
    told = _("Balance of account {account}: {amount}").format(account=account.account, amount=amount)
    if account.available_minor in (None, account.balance_minor):
        return told
    available = amounts.written(account.available_minor or 0, account.currency)
    return told + _("; available: {amount}").format(amount=available)


def account(account: AccountView) -> str:
    """One line of a list of accounts."""
    amount = amounts.written(account.balance_minor, account.currency)
    return _("Account {account}: {amount}, opened {time}").format(
        account=account.account, amount=amount, time=moment(account.opened_us)
    )


def deposited(receipt: Receipt) -> str:
    """The receipt for cash paid in."""
    return _("Success: {amount} paid in. {after}").format(amount=_amount(receipt), after=_after(receipt))


def withdrawn(receipt: Receipt) -> str:
    """The receipt for cash paid out."""
    return _("Success: {amount} paid out. {after}").format(amount=_amount(receipt), after=_after(receipt))


def transferred(receipt: Receipt, to: str) -> str:
    """The receipt for a transfer to the account ``to``."""
    return _("Success: {amount} transferred to account {to}. {after}").format(
        amount=_amount(receipt), to=to, after=_after(receipt)
    )


def captured(receipt: Receipt) -> str:
    """The receipt for a payment out of a hold."""
    return _("Success: {amount} paid out of the hold. {after}").format(amount=_amount(receipt), after=_after(receipt))


def released(receipt: Receipt) -> str:
    """The receipt for a hold that was given up."""
    return _("Success: {amount} is no longer held. Receipt {receipt}.").format(
        amount=_amount(receipt), receipt=receipt.receipt
    )


def given_back(receipt: Receipt) -> str:
    """The receipt for a payment that was given back."""
    return _("Success: {amount} given back. {after}").format(amount=_amount(receipt), after=_after(receipt))


def held(hold: Held) -> str:
    """The receipt for money that was set aside."""
    amount = amounts.written(hold.amount_minor, hold.currency)
    return _("Success: {amount} is held until {time}. Hold {hold}.").format(
        amount=amount, time=moment(hold.expires_us), hold=hold.hold
    )


def holds(views: list[HoldView]) -> str:
    """Open holds, one line each."""
    return "\n".join(map(_hold, views)) or _("Nothing is held.")


def _hold(hold: HoldView) -> str:
    amount = amounts.written(abs(hold.amount_minor), hold.currency)
    other = hold.counterparty or _("cash")
    whose = (
        _("for {other}").format(other=other) if hold.amount_minor < 0 else _("for you by {other}").format(other=other)
    )
    reference = f" ({hold.reference})" if hold.reference else ""
    return _("Hold {hold}: {amount} {whose} until {time}{reference}").format(
        hold=hold.hold, amount=amount, whose=whose, time=moment(hold.expires_us), reference=reference
    )


def allowance(allowance: Allowance) -> str:
    """What an account may spend, a line each."""

    def amount(minor: int | None) -> str:
        return _("no limit") if minor is None else amounts.written(minor, allowance.currency)

    return _labelled(
        (
            (_("Available now"), amount(allowance.available_minor)),
            (_("At once"), amount(allowance.payment_minor)),
            (_("In a day"), amount(allowance.day_minor)),
            (_("Left today (UTC)"), amount(allowance.left_minor)),
            (_("Overdraft"), amount(allowance.overdraft_minor)),
            (_("Fee for transfers"), amount(allowance.transfer_fee_minor)),
            (_("Fee for cash out"), amount(allowance.withdrawal_fee_minor)),
        )
    )


def _labelled(rows: tuple[tuple[str, str], ...], gap: int = 1) -> str:
    """Lines of a label and a value, with the values below each other."""
    width = max(len(label) for label, _value in rows) + 1 + gap
    return "\n".join(f"{label + ':':<{width}}{value}" for label, value in rows)


def _amount(receipt: Receipt) -> str:
    return amounts.written(abs(receipt.amount_minor), receipt.currency)


def _after(receipt: Receipt) -> str:
    return _("Balance: {amount}. Receipt {receipt}.").format(
        amount=amounts.written(receipt.balance_minor, receipt.currency), receipt=receipt.receipt
    )


def certified(receipt: SignedReceipt) -> str:
    """A signed receipt as it is kept: the signed text alone, so that it can be put into a file as it is printed."""
    return receipt.signed


def certifies(receipt: SignedReceipt) -> str:
    """What a signed receipt is about, in a line."""
    amount = amounts.written(abs(receipt.amount_minor), receipt.currency)
    account, preposition = "", _("to") if receipt.amount_minor < 0 else _("from")
    if receipt.counterparty:
        account = _(" {preposition} account {account}").format(preposition=preposition, account=receipt.counterparty)
    return _("Receipt {receipt} of {time}, {what}").format(
        receipt=receipt.receipt, time=moment(receipt.at_us), what=f"{what(receipt)}: {amount}{account}"
    )


def kept(receipt: int, file: str) -> str:
    """Where a signed receipt was written to."""
    return _("Receipt {receipt} written to {file}. Anybody who has the bank's public key can check it.").format(
        receipt=receipt, file=file
    )


def details(customer: CustomerView) -> str:
    """A customer's details, one line each."""
    told = (
        (_("User name"), customer.username or NOT_TOLD),
        (_("Name"), customer.name or NOT_TOLD),
        (_("Mobile"), customer.mobile or NOT_TOLD),
        (_("E-mail"), customer.email or NOT_TOLD),
    )
    since = _("Customer since {time}; contact information as of {changed}").format(
        time=moment(customer.opened_us), changed=moment(customer.contact_us)
    )
    return f"{_labelled(told, gap=3)}\n{since}"


def contact(customer: CustomerView) -> str:
    """The confirmation of the contact information on record."""
    told = ((_("name"), customer.name), (_("mobile"), customer.mobile), (_("e-mail"), customer.email))
    on_record = ", ".join(f"{name} {value}" for name, value in told if value)
    return _("Confirmed. Your contact information on record: {on_record}.").format(on_record=on_record or _("none"))


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
    messages.Preferences: preference_words.told,
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
