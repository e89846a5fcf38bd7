"""What the terminal itself asks and says, in English: menus, questions, hints."""

from itertools import zip_longest

from bankd.client import amounts
from bankd.language import _, plural
from bankd.records import AccountView, Allowance, Challenged, HoldView

# The menus, in the order of the screen.

SIGN_UP, LOG_IN, EXIT = _("Sign Up"), _("Log In"), _("Exit")
BY_USER, BY_ACCOUNT, BY_MOBILE, BACK = (
    _("User name and password"),
    _("Account number and PIN"),
    _("Mobile number and PIN"),
    _("Back"),
)
DETAILS, TRANSFER, DEPOSIT = _("View Account Details"), _("Transfer Funds"), _("Deposit")
WITHDRAW, BALANCE, STATEMENT = _("Withdraw"), _("Check Balance"), _("Statement")
CONTACT, NOTICES, CHANGE_PIN = _("Update Contact Information"), _("Notices"), _("Change PIN")
CHANGE_PASSWORD, OPEN_ACCOUNT, DELETE = _("Change Password"), _("Open Account..."), _("Delete Account")
APP, ENROL_APP, REMOVE_APP = _("Authenticator App..."), _("Set Up an App"), _("Remove the App")
EXPORT, RECEIPT, PAY_FILE = _("Export Statement..."), _("Save a Receipt..."), _("Pay a File...")
TAKE_OVER = _("In use at another terminal. End that session by a one-time password? (y/N) ")
TELLING = _("Choose Notices...")
HOLDS, GIVE_BACK, LIMITS = _("Holds..."), _("Give a Payment Back..."), _("View Limits")
HOLD, CAPTURE, RELEASE = _("Set Money Aside"), _("Have a Hold Paid"), _("Release a Hold")

LONGEST_COLUMN = 12
"""Lines of a menu below each other."""

CHOICE = _("Your choice: ")

# Questions; an empty answer goes back, unless the question says otherwise.

USERNAME = _("User name: ")
PASSWORD = _("Password: ")
ACCOUNT = _("Account number: ")
PIN = _("PIN: ")
MOBILE = _("Mobile number: ")
NEW_PASSWORD = _("New password: ")
NEW_PIN = _("New PIN: ")
OPTIONAL_PIN = _("PIN for log-in by account or mobile number (empty for none): ")
PRESENT_PASSWORD = _("Your present password: ")
PRESENT_PIN = _("Your present PIN: ")
ONCE_MORE = _("Once more: ")
PASSCODE = _("One-time password: ")
APP_CODE = _("The six digits that the app shows now: ")
PAYEE = _("Transfer to account: ")
REFERENCE = _("Reference (may be empty): ")
NAME_OR_EMPTY = _("Name (empty keeps it): ")
EMAIL_OR_EMPTY = _("E-mail (empty keeps it): ")
MOBILE_OR_EMPTY = _("Mobile (empty keeps it): ")
CONFIRM_CONTACT = _("Nothing is to change. Confirm what is on record? (y/N) ")
CURRENCY = _("Currency (empty for the bank's own): ")
PAYOUT = _("The account holds money. Pay it out to account: ")
HOLD_FOR = _("Set aside for account (empty for cash): ")
HOLD_DAYS = _("For how many days, 1 to 99 (empty for a week): ")
HOLD_NUMBER = _("Number of the hold: ")
RECEIVED = _("Number of the receipt for the payment: ")
RECEIPT_NUMBER = _("Number of the receipt: ")
RECEIPT_FILE = _("New file to write it to: ")
YES = _("y yes").split()
"""Answers that mean yes."""

ALL = _("all")
UPTO_NOTICE = _("Acknowledge up to which number, or all (empty keeps them): ")
PAYMENTS_FILE = _("File of payments, with lines of account,amount,reference: ")
RUN = _("Name, such as 2026-12, where this file was paid before (may be empty): ")
EACH = _("Pay each by itself, also where others are refused? (y/N) ")
OLDER = _("Show older entries? (y/N) ")
SHOW_MONTH = _("Show the statement of {month}? (y/N) ")
FILE = _("File to write (its name ends in .csv, .json or .xml): ")
SINCE = _("From which day, such as 2026-11-01 (empty for the first): ")
UPTO = _("To which day, included (empty for today): ")

# Hints after an answer that will not do.

HINT_CHOICE = _("Please type one of the numbers, or the words beside it.")
HINT_USERNAME = _("A user name has 3 to 32 letters a to z, digits, '_' or '-'.")
HINT_PASSWORD = _("A password has at most 128 characters.")
HINT_ACCOUNT = _("An account number has at most 32 letters, digits or '-'.")
HINT_PIN = _("A PIN has 4 to 12 digits.")
HINT_MOBILE = _("A mobile number has 4 to 15 digits, with '+' and the country's code before them.")
HINT_PASSCODE = _("A one-time password has six or eight digits; a recovery code looks like abcde-fghjk.")
HINT_TEXT = _("At most 140 characters, please.")
HINT_NAME = _("At most 100 characters, please.")
HINT_EMAIL = _("An e-mail address looks like somebody@example.org.")
HINT_FILE = _("The name of a new file that ends in .csv, .json or .xml (CAMT.053), please.")
HINT_DAYS = _("A number of days from 1 to 99, please.")
HINT_HOLD = _("Please type the number of one of the holds above.")
HINT_RECEIPT = _("A receipt has a number of at most 18 digits; the statement shows what was paid.")
HINT_RUN = _("A name has no spaces.")
HINT_NOTICE = _("Please type the number of a notice above, or all.")
HINT_DAY = _("A day is written year-month-day, such as 2026-11-30.")
WRONG_WAY = _("The period ends before it begins.")
HINT_CURRENCY = _("A currency is one that ISO 4217 knows, such as EUR.")
NOT_THE_SAME = _("The two were not the same; please try again.")

# What is said.

DONE = _("Done.")
NOTHING_DONE = _("Nothing was done.")
CHANGE_FIRST = _("Your PIN is too easy to guess: the bank wants another one before anything else.")
PIN_CHANGED = _("Your PIN was changed.")
PASSWORD_CHANGED = _("Your password was changed.")
GOODBYE = _("Goodbye.")
LOGGED_OUT = _("You are logged out.")
EARLIER = _("The newest that you have acknowledged:")
NO_NOTICES = _("There are no notices that wait for you.")
APP_CONFIRMED = _("Your app is set up: from now on it makes your one-time passwords.")
APP_REMOVED = _("Your app is removed: from now on one-time passwords are sent to you.")
RECOVERY = (
    _("Each of these recovery codes does once in place of a one-time password."),
    _("Write them down, and keep them away from your phone; they are not shown again:"),
)
SCAN = _("Scan this with your authenticator app, or type the secret into it:")
TOO_SMALL = _("This terminal is too small for a QR code. Type this secret into your authenticator app:")
NO_RECEIPT = _("Your account has no receipt with this number.")
NO_MORE_NAMES = _("The bank shows no more payees' names today. Please compare the number with care.")
NAME_NOT_SHOWN = _("The bank does not show the payee's name. Please compare the number with care.")
NO_HINTS = _("Notices cannot be received while you work here; choose Notices to see them.")


def passcode(challenge: Challenged) -> str:
    """The question for a one-time password, with where it is to be found."""
    if challenge.by == "app":
        return _("One-time password (from your authenticator app): ")
    return _("One-time password (sent to {to}): ").format(to=challenge.to) if challenge.to else PASSCODE


def wrong_passcode(left: int) -> str:
    """What is said of a one-time password that is wrong."""
    return plural(
        "This is not the one-time password. {count} try is left.",
        "This is not the one-time password. {count} tries are left.",
        left,
    )


def hello(bank: str) -> str:
    """The first line on the screen."""
    return _("Connected to {bank}.").format(bank=bank)


def menu(names: list[str]) -> str:
    """A menu as it stands on the screen; a long one in two columns, so that what was said before it stays in sight."""
    lines = [f"{number:>3}  {name}" for number, name in enumerate(names, 1)]
    if len(lines) <= LONGEST_COLUMN:
        return "\n".join(["", *lines])
    rows = -(-len(lines) // 2)
    width = max(map(len, lines[:rows])) + 2
    pairs = zip_longest(lines[:rows], lines[rows:], fillvalue="")
    return "\n".join(["", *(f"{left:<{width}}{right}".rstrip() for left, right in pairs)])


def amount(currency: str, all_minor: int | None = None) -> str:
    """The question for an amount of money, with what an empty answer means."""
    if all_minor is None:
        return _("Amount in {currency}: ").format(currency=currency)
    all_of_it = amounts.plain_amount(all_minor, currency)
    return _("Amount in {currency} (empty for {amount}): ").format(currency=currency, amount=all_of_it)


def not_an_amount(why: str) -> str:
    """The hint after something that is no amount."""
    return _("That will not do: {why}.").format(why=why)


def belongs_to(account: str, name: str | None) -> str:
    """Whose an account is, as far as the bank tells."""
    if name is None:
        return _("The bank knows no name for account {account}.").format(account=account)
    return _("Account {account} belongs to {name}.").format(account=account, name=name)


def before_transfer(name: str | None, amount_minor: int, account: AccountView, allowance: Allowance) -> str:
    """What a transfer would come to: whom it is for, the fee, and the balance after both."""
    fee_minor = allowance.transfer_fee_minor
    if amount_minor + fee_minor > allowance.available_minor:
        available = amounts.written(allowance.available_minor, account.currency)
        return _("{payee}Available: {available}, which is less than this.").format(
            payee=_payee(name), available=available
        )
    after = amounts.written(account.balance_minor - amount_minor - fee_minor, account.currency)
    fee = _(", with a fee of {amount}").format(amount=amounts.written(fee_minor, account.currency)) if fee_minor else ""
    return _("{payee}Balance afterwards{fee}: {after}.").format(payee=_payee(name), fee=fee, after=after)


def _payee(name: str | None) -> str:
    return _("Payee: {name}. ").format(name=name) if name else ""


def confirm_transfer(amount_minor: int, currency: str, payee: str) -> str:
    """The question before money leaves."""
    return _("Transfer {amount} to account {payee}? (y/N) ").format(
        amount=amounts.written(amount_minor, currency), payee=payee
    )


def confirm_hold(amount_minor: int, currency: str, payee: str | None, days: int) -> str:
    """The question before money is set aside."""
    whom = _("account {payee}").format(payee=payee) if payee else _("cash")
    time = plural("a day", "{count} days", days)
    return _("Set {amount} aside for {whom}, for {time}? (y/N) ").format(
        amount=amounts.written(amount_minor, currency), whom=whom, time=time
    )


def confirm_capture(amount_minor: int, hold: HoldView) -> str:
    """The question before a hold is paid, with what becomes of its rest."""
    amount, rest_minor = amounts.written(amount_minor, hold.currency), abs(hold.amount_minor) - amount_minor
    if hold.counterparty is None:
        how = _("out in cash")
    elif hold.amount_minor < 0:
        how = _("to account {counterparty}").format(counterparty=hold.counterparty)
    else:
        how = _("to you by account {counterparty}").format(counterparty=hold.counterparty)
    rest = (
        _(", and the other {amount} freed").format(amount=amounts.written(rest_minor, hold.currency))
        if rest_minor
        else ""
    )
    return _("Have {amount} of hold {hold} paid {how}{rest}? (y/N) ").format(
        amount=amount, hold=hold.hold, how=how, rest=rest
    )


def confirm_release(hold: HoldView) -> str:
    """The question before a hold is ended without payment."""
    return _("Release hold {hold} of {amount}? (y/N) ").format(
        hold=hold.hold, amount=amounts.written(abs(hold.amount_minor), hold.currency)
    )


def confirm_give_back(amount_minor: int, currency: str, payer: str) -> str:
    """The question before a payment is given back."""
    return _("Give {amount} back to account {payer}? (y/N) ").format(
        amount=amounts.written(amount_minor, currency), payer=payer
    )


def confirm_deletion(account: AccountView, payout: str | None) -> str:
    """The question before an account is closed for good, with who is paid what it holds."""
    amount = amounts.written(account.balance_minor, account.currency)
    paid = _(", and {amount} paid to account {payout}").format(amount=amount, payout=payout) if payout else ""
    return _("Account {account} will be closed for good{paid}. Go on? (y/N) ").format(
        account=account.account, paid=paid
    )


def closed(account: str) -> str:
    """What remains to be said of an account that was closed."""
    return _("Account {account} is closed. Thank you for having banked with us.").format(account=account)


def waiting(count: int) -> str:
    """What the bar says of notices that wait; nothing where none do."""
    told = plural(
        "{count} unread notice. Type ok at a menu to acknowledge it.",
        "{count} unread notices. Type ok at a menu to acknowledge them.",
        count,
    )
    return told if count else ""


def more_notices(count: int) -> str:
    """What is said before the newest of many notices, of those that are not shown."""
    return plural(
        "{count} more notice came before these; Notices lists all.",
        "{count} more notices came before these; Notices lists all.",
        count,
    )


def next_notices(count: int) -> str:
    """The question before the list of notices goes on."""
    return plural("Show the one after these? (y/N) ", "Show more of the {count} after these? (y/N) ", count)


def acknowledged(count: int) -> str:
    """The answer to ok."""
    return plural("{count} notice acknowledged.", "{count} notices acknowledged.", count) if count else NO_NOTICES
