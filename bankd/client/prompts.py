"""What the terminal itself asks and says, in English: menus, questions, hints."""

from bankd import money
from bankd.records import AccountView, Allowance, Challenged, HoldView

# The menus, in the order of the screen.

SIGN_UP, LOG_IN, EXIT = "Sign Up", "Log In", "Exit"
BY_USER, BY_ACCOUNT, BY_MOBILE, BACK = (
    "User name and password",
    "Account number and PIN",
    "Mobile number and PIN",
    "Back",
)
DETAILS, TRANSFER, DEPOSIT = "View Account Details", "Transfer Funds", "Deposit"
WITHDRAW, BALANCE, STATEMENT = "Withdraw", "Check Balance", "Statement"
CONTACT, NOTICES, CHANGE_PIN = "Update Contact Information", "Notices", "Change PIN"
CHANGE_PASSWORD, OPEN_ACCOUNT, DELETE = "Change Password", "Open Account...", "Delete Account"
APP, ENROL_APP, REMOVE_APP = "Authenticator App...", "Set Up an App", "Remove the App"
EXPORT, RECEIPT = "Export Statement...", "Save a Receipt..."
TAKE_OVER = "In use at another terminal. End that session by a one-time password? (y/N) "
HOLDS, GIVE_BACK, LIMITS = "Holds...", "Give a Payment Back...", "View Limits"
HOLD, CAPTURE, RELEASE = "Set Money Aside", "Have a Hold Paid", "Release a Hold"

CHOICE = "Your choice: "

# Questions; an empty answer goes back, unless the question says otherwise.

USERNAME = "User name: "
PASSWORD = "Password: "
ACCOUNT = "Account number: "
PIN = "PIN: "
MOBILE = "Mobile number: "
NEW_PASSWORD = "New password: "
NEW_PIN = "New PIN: "
OPTIONAL_PIN = "PIN for log-in by account or mobile number (empty for none): "
PRESENT_PASSWORD = "Your present password: "
PRESENT_PIN = "Your present PIN: "
ONCE_MORE = "Once more: "
PASSCODE = "One-time password: "
APP_CODE = "The six digits that the app shows now: "
PAYEE = "Transfer to account: "
REFERENCE = "Reference (may be empty): "
NAME_OR_EMPTY = "Name (empty keeps it): "
EMAIL_OR_EMPTY = "E-mail (empty keeps it): "
MOBILE_OR_EMPTY = "Mobile (empty keeps it): "
CONFIRM_CONTACT = "Nothing is to change. Confirm what is on record? (y/N) "
CURRENCY = "Currency (empty for the bank's own): "
PAYOUT = "The account holds money. Pay it out to account: "
HOLD_FOR = "Set aside for account (empty for cash): "
HOLD_DAYS = "For how many days, 1 to 99 (empty for a week): "
HOLD_NUMBER = "Number of the hold: "
RECEIVED = "Number of the receipt for the payment: "
RECEIPT_NUMBER = "Number of the receipt: "
RECEIPT_FILE = "New file to write it to: "
ALL = "all"
UPTO_NOTICE = "Acknowledge up to which number, or all (empty keeps them): "
OLDER = "Show older entries? (y/N) "
FILE = "File to write (its name ends in .csv, .json or .xml): "
SINCE = "From which day, such as 2026-11-01 (empty for the first): "
UPTO = "To which day, included (empty for today): "

# Hints after an answer that will not do.

HINT_CHOICE = "Please type one of the numbers, or the words beside it."
HINT_USERNAME = "A user name has 3 to 32 letters a to z, digits, '_' or '-'."
HINT_PASSWORD = "A password has at most 128 characters."
HINT_ACCOUNT = "An account number has at most 32 letters, digits or '-'."
HINT_PIN = "A PIN has 4 to 12 digits."
HINT_MOBILE = "A mobile number has 4 to 15 digits, with '+' and the country's code before them."
HINT_PASSCODE = "A one-time password has six or eight digits; a recovery code looks like abcde-fghjk."
HINT_TEXT = "At most 140 characters, please."
HINT_NAME = "At most 100 characters, please."
HINT_EMAIL = "An e-mail address looks like somebody@example.org."
HINT_FILE = "The name of a new file that ends in .csv, .json or .xml (CAMT.053), please."
HINT_DAYS = "A number of days from 1 to 99, please."
HINT_HOLD = "Please type the number of one of the holds above."
HINT_RECEIPT = "A receipt has a number of at most 18 digits; the statement shows what was paid."
HINT_NOTICE = "Please type the number of a notice above, or all."
HINT_DAY = "A day is written year-month-day, such as 2026-11-30."
HINT_CURRENCY = "A currency has three letters, such as EUR."
NOT_THE_SAME = "The two were not the same; please try again."

# What is said.

DONE = "Done."
NOTHING_DONE = "Nothing was done."
CHANGE_FIRST = "Your PIN is too easy to guess: the bank wants another one before anything else."
PIN_CHANGED = "Your PIN was changed."
PASSWORD_CHANGED = "Your password was changed."
GOODBYE = "Goodbye."
LOGGED_OUT = "You are logged out."
EARLIER = "The newest that you have acknowledged:"
NO_NOTICES = "There are no notices that wait for you."
APP_CONFIRMED = "Your app is set up: from now on it makes your one-time passwords."
APP_REMOVED = "Your app is removed: from now on one-time passwords are sent to you."
RECOVERY = (
    "Each of these recovery codes does once in place of a one-time password.",
    "Write them down, and keep them away from your phone; they are not shown again:",
)
SCAN = "Scan this with your authenticator app, or type the secret into it:"
TOO_SMALL = "This terminal is too small for a QR code. Type this secret into your authenticator app:"
NO_RECEIPT = "Your account has no receipt with this number."
NO_MORE_NAMES = "The bank shows no more payees' names today. Please compare the number with care."
NAME_NOT_SHOWN = "The bank does not show the payee's name. Please compare the number with care."
NO_HINTS = "Notices cannot be received while you work here; choose Notices to see them."


def passcode(challenge: Challenged) -> str:
    """The question for a one-time password, with where it is to be found."""
    if challenge.by == "app":
        return "One-time password (from your authenticator app): "
    return f"One-time password (sent to {challenge.to}): " if challenge.to else PASSCODE


def wrong_passcode(left: int) -> str:
    """What is said of a one-time password that is wrong."""
    return f"This is not the one-time password. {left} {'try is' if left == 1 else 'tries are'} left."


def hello(bank: str) -> str:
    """The first line on the screen."""
    return f"Connected to {bank}."


def menu(names: list[str]) -> str:
    """A menu as it stands on the screen."""
    return "\n".join(["", *(f"{number:>3}  {name}" for number, name in enumerate(names, 1))])


def amount(currency: str, all_minor: int | None = None) -> str:
    """The question for an amount of money, with what an empty answer means."""
    return f"Amount in {currency}{'' if all_minor is None else f' (empty for {money.plain(all_minor, currency)})'}: "


def not_an_amount(why: str) -> str:
    """The hint after something that is no amount."""
    return f"That will not do: {why}."


def belongs_to(account: str, name: str | None) -> str:
    """Whose an account is, as far as the bank tells."""
    return f"Account {account} belongs to {name}." if name else f"The bank knows no name for account {account}."


def before_transfer(name: str | None, amount_minor: int, account: AccountView, allowance: Allowance) -> str:
    """What a transfer would come to: whom it is for, the fee, and the balance after both."""
    fee_minor = allowance.transfer_fee_minor
    if amount_minor + fee_minor > allowance.available_minor:
        available = money.written(allowance.available_minor, account.currency)
        return f"{_payee(name)}Available: {available}, which is less than this."
    after = money.written(account.balance_minor - amount_minor - fee_minor, account.currency)
    fee = f", with a fee of {money.written(fee_minor, account.currency)}" if fee_minor else ""
    return f"{_payee(name)}Balance afterwards{fee}: {after}."


def _payee(name: str | None) -> str:
    return f"Payee: {name}. " if name else ""


def confirm_transfer(amount_minor: int, currency: str, payee: str) -> str:
    """The question before money leaves."""
    return f"Transfer {money.written(amount_minor, currency)} to account {payee}? (y/N) "


def confirm_hold(amount_minor: int, currency: str, payee: str | None, days: int) -> str:
    """The question before money is set aside."""
    whom = f"account {payee}" if payee else "cash"
    time = "a day" if days == 1 else f"{days} days"
    return f"Set {money.written(amount_minor, currency)} aside for {whom}, for {time}? (y/N) "


def confirm_capture(amount_minor: int, hold: HoldView) -> str:
    """The question before a hold is paid, with what becomes of its rest."""
    amount, rest_minor = money.written(amount_minor, hold.currency), abs(hold.amount_minor) - amount_minor
    if hold.counterparty is None:
        how = "out in cash"
    elif hold.amount_minor < 0:
        how = f"to account {hold.counterparty}"
    else:
        how = f"to you by account {hold.counterparty}"
    rest = f", and the other {money.written(rest_minor, hold.currency)} freed" if rest_minor else ""
    return f"Have {amount} of hold {hold.hold} paid {how}{rest}? (y/N) "


def confirm_release(hold: HoldView) -> str:
    """The question before a hold is ended without payment."""
    return f"Release hold {hold.hold} of {money.written(abs(hold.amount_minor), hold.currency)}? (y/N) "


def confirm_give_back(amount_minor: int, currency: str, payer: str) -> str:
    """The question before a payment is given back."""
    return f"Give {money.written(amount_minor, currency)} back to account {payer}? (y/N) "


def confirm_deletion(account: AccountView, payout: str | None) -> str:
    """The question before an account is closed for good, with who is paid what it holds."""
    amount = money.written(account.balance_minor, account.currency)
    paid = f", and {amount} paid to account {payout}" if payout else ""
    return f"Account {account.account} will be closed for good{paid}. Go on? (y/N) "


def closed(account: str) -> str:
    """What remains to be said of an account that was closed."""
    return f"Account {account} is closed. Thank you for having banked with us."


def waiting(count: int) -> str:
    """What the bar says of notices that wait; nothing where none do."""
    if count == 1:
        return "1 unread notice. Type ok at a menu to acknowledge it."
    return f"{count} unread notices. Type ok at a menu to acknowledge them." if count else ""


def acknowledged(count: int) -> str:
    """The answer to ok."""
    return f"{count} notice{'s' if count > 1 else ''} acknowledged." if count else NO_NOTICES
