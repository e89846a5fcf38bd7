"""What the bank writes to customers' devices, in English: one-time passwords, and what each is for."""

from bankd import money
from bankd.ledger.commands import Bulk, Command, Payment
from bankd.records import Parcel

TO_LOG_IN = "to log in"
TO_TAKE_OVER = "to log in and end the session that is open elsewhere"
TO_CHANGE_PIN = "to change your PIN"
TO_CHANGE_PASSWORD = "to change your password"
TO_ENROL_APP = "to set up an authenticator app"
TO_REMOVE_APP = "to remove your authenticator app"


def password(bank: str, digits: str, what: str, seconds: int) -> Parcel:
    """The message with a one-time password, which tells first what it is for."""
    minutes = seconds // 60
    return Parcel(
        f"{bank}: your one-time password",
        f"{digits} is your one-time password {what}. It is good for {minutes} minutes. If you did not ask for it, give"
        f" it to nobody, and tell {bank}.",
    )


def payment(command: Command) -> str:
    """What a password for ``command`` is for: how much is paid, and to whom."""
    if isinstance(command, Bulk):
        total_minor = sum(transfer.amount_minor for transfer in command.transfers)
        amount = money.written(total_minor, command.transfers[0].currency)
        return f"to make {len(command.transfers)} payments, {amount} in all: {_payees(command)}"
    assert isinstance(command, Payment)
    amount = money.written(command.amount_minor, command.currency)
    match command.kind, command.payee:
        case "transfer", payee:
            return f"to pay {amount} to account {payee}"
        case "hold", str(payee):
            return f"to set {amount} aside for account {payee}"
        case "hold", None:
            return f"to set {amount} aside for cash"
        case _:
            return f"to take out {amount} in cash"


def contact(email: str | None, mobile: str | None) -> str:
    """What a password for new contact information is for."""
    told = (("e-mail address", email), ("mobile number", mobile))
    return "to change your " + " and your ".join(f"{name} to {value}" for name, value in told if value)


def closing(account: str, payout: str | None) -> str:
    """What a password for the end of an account is for."""
    return f"to close account {account} for good" + (f" and pay what it holds to account {payout}" if payout else "")


MOST_NAMED = 3
"""Payees of a set that are named in a message."""


def _payees(bulk: Bulk) -> str:
    """The first payees of a set, each with its amount."""
    named = [
        f"{money.written(each.amount_minor, each.currency)} to account {each.payee}"
        for each in bulk.transfers[:MOST_NAMED]
    ]
    rest = len(bulk.transfers) - len(named)
    return ", ".join(named) + (f", and {rest} more" if rest else "")
