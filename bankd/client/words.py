"""What codes and notices mean, in English: every number that the bank answers as a sentence for a person.

All words for people stand here, in ``slips``, ``payment_slips`` and ``app_slips`` (what the bank hands over), in
``prompts`` and ``atm_prompts`` (what the terminal asks) and in ``no_banks``; another language is another seven such
modules. Text that came from the bank or from other customers is only quoted: the screen and the script remove what
could command a terminal.
"""

from collections import defaultdict
from pathlib import Path

from bankd import codes
from bankd.client import lockout, news
from bankd.client.errors import BankError, Denied, InDoubt, Loss, LostBank, NoBank
from bankd.client.keys import key_of
from bankd.client.news import kind_alone as kind_alone
from bankd.client.news import moment as moment
from bankd.client.news import notice as notice
from bankd.client.no_banks import NO_BANKS as NO_BANKS
from bankd.client.no_banks import STRANGERS
from bankd.codes import Code
from bankd.language import _
from bankd.records import Allowance
from bankd.wire.messages import Message

INVALID = _("Invalid Request")
NOT_WRITTEN = _("The file was not written")

NO_CAMT = _("CAMT.053 needs what is installed by: pip install 'bankd[camt]'")

CODES: dict[Code, str] = {
    codes.IDLE_SOON: _("The session will end soon, because nothing was asked for a while."),
    codes.DONE: _("Done."),
    codes.CREATED: _("Done; something new was made."),
    codes.PROPOSED: _("This waits until another operator approves it."),
    codes.BROKEN_LINE: _("The bank received a broken line and closed the connection."),
    codes.LONG_LINE: _("The request was too long, and the bank closed the connection."),
    codes.BROKEN_SEAL: _("What was sealed for the bank arrived broken, so the bank closed the connection."),
    codes.IDLE: _("Nothing was asked for a while, so the bank ended the session."),
    codes.SLOW: _("A request took too long to arrive, so the bank closed the connection."),
    codes.SESSION_TIME: _("The session has lasted as long as one may. Please log in again."),
    codes.CROWDED: _("The bank is crowded right now. Please try again in a moment."),
    codes.STOPPING: _("The bank is closing for now. Please come back later."),
    codes.BUSY: _("The bank is busy. Please try again in a moment."),
    codes.INCIDENT: _("The bank made a mistake of its own. Please report it."),
    codes.BAD_LINE: INVALID,
    codes.BAD_VERB: INVALID,
    codes.NEEDS_LOGIN: _("Please log in first."),
    codes.BAD_STATE: _("This is not possible while you are logged in."),
    codes.NEEDS_SEAL: _("The bank takes this under seal only. Start again without --seal off."),
    codes.BAD_ITEMS: INVALID,
    codes.BAD_FIELD: INVALID,
    codes.OVER: _("The session is over: the account was opened at another terminal, or closed."),
    codes.ENDED: _("The bank ended the session. Ask whoever runs it why."),
    codes.CHANGE_FIRST: _("Your PIN has to be changed first: log in at a terminal, which asks for another one."),
    codes.NEEDS_TERMINAL: _("The bank takes PINs only at its own terminals. Please log in with your password."),
    codes.NO_OPERATOR: _("You are no operator of this bank."),
    codes.NOT_YOURS: _("Your role does not include this."),
    codes.LOCKED: _("Too many tries to log in have failed, so the bank looks at none for a while."),
    codes.WAIT: _("There were several tries. Please wait a while before the next one."),
    codes.ONE_TIME: _("The bank wants a one-time password for this, and none was given."),
    codes.WRONG_CODE: _("This is not the one-time password."),
    codes.NO_PROBE: _("The bank does not know this proof of where notices arrive, or it is too old."),
    codes.NO_CHALLENGE: _("It is too late for this one-time password, or it was tried too often. Please begin again."),
    codes.NO_DEVICE: _("This needs a one-time password, and the bank cannot reach a device of yours to send it to."),
    codes.NO_APP: _("The bank knows of no authenticator app of yours that this could be about."),
    codes.WRONG_SECRET: _("The bank does not accept these credentials."),
    codes.IN_USE: _("This account is in use at another terminal. Please choose Exit there, or try again later."),
    codes.WEAK_SECRET: _("This is too easy to guess; please choose another."),
    codes.TAKEN: _("This already belongs to another customer."),
    codes.OTHER_CONTENT: _("This was asked before with other content, so it was not done again."),
    codes.NO_PROPOSAL: _("There is no such open proposal; it was decided, or a day has passed."),
    codes.OWN_PROPOSAL: _("You proposed this yourself; another operator has to approve it."),
    codes.TOO_MANY: _("You have as many open accounts as one customer may have."),
    codes.NO_ACCOUNT: _("There is no such account."),
    codes.SAME_ACCOUNT: _("This is your own account; please name another."),
    codes.OTHER_CURRENCY: _("The accounts are not kept in the same currency."),
    codes.NO_HOLD: _("There is no such open hold; it may have ended."),
    codes.NO_ENTRY: _("There is no such payment to this account."),
    codes.NOT_PAYEE: _("Only the account that was to be paid may release this hold."),
    codes.MORE_THAN_LEFT: _("This is more than is left of it."),
    codes.FROZEN: _("Your account is frozen: the bank lets no money go from it for now."),
    codes.PAYMENT_LIMIT: _("This is more than the account may pay at once."),
    codes.DAY_LIMIT: _("This is more than the account may still pay today."),
    codes.HELD: _("Money on the account is still held; this must be paid or released first."),
    codes.NO_FUNDS: _("Not enough money in the account."),
    codes.TOO_MUCH: _("A balance would become larger than the bank can keep."),
    codes.NOT_EMPTY: _("The account still holds money; please name an account to pay it out to."),
    codes.NO_DEVICE: _("Nothing can be sent to the customer, who would be left without a way in."),
}

OVER_LIMIT: dict[Code, str] = {
    codes.PAYMENT_LIMIT: _("This is more than the account may pay at once: {amount} at most."),
    codes.DAY_LIMIT: _("This is more than the account may still pay today: {amount} at most, until midnight in UTC."),
}
"""What is said instead where the limit is known."""

PAYER_FROZEN = _("The account that the money would come from is frozen: the bank lets none go from it for now.")

WITH_FIELD: dict[Code, str] = {
    codes.BAD_FIELD: _("Invalid Request: {field} is missing or not of the right form."),
    codes.WEAK_SECRET: _("Too easy to guess: {field}. Please choose another. {wanted}"),
    codes.TAKEN: _("Another customer has this already: {field}."),
}
"""What is said instead where the bank names the field at fault."""

STRONG = {
    "password": _("A password has at least 8 characters, is not a common one, and not what others know of you."),
    "pin": _("A PIN is not one digit repeated, not digits in a row, and not part of your mobile or account number."),
}
"""What the bank wants of a new secret, by its field."""

NEWER = defaultdict(
    lambda: _("The bank answered {number} ({reason}), which this client does not know."),
    {
        2: _("Done."),
        4: _("The bank refused this ({number} {reason})."),
        5: _("The bank cannot do this now ({number} {reason})."),
        400: _("Invalid Request ({number} {reason})."),
        401: _("Who you are does not entitle you to this ({number} {reason})."),
        409: _("This does not go together with what the bank has on record ({number} {reason})."),
        422: _("The bank cannot accept what was given ({number} {reason})."),
    },
)
"""What is said of codes that this client does not know, by their number or else its first digit."""

LOSSES = {
    Loss.ENDED: _("The connection to the bank was lost."),
    Loss.SILENT: _("The bank does not answer any more."),
    Loss.NONSENSE: _("What came from the bank could not be understood, so the connection was closed."),
    Loss.BROKEN_SEAL: _(
        "What came from the bank was altered on its way, or did not come from it, so the connection was closed."
    ),
    Loss.TOO_LONG: _("This is too long to be sealed by itself, so it was not sent. Start again with --seal session."),
    Loss.LEFT: _("The connection to the bank was closed."),
    Loss.UNSENT: _("The connection to the bank was lost before this was sent, so nothing was done."),
}

FIELDS = {
    "amount": _("the amount"),
    "before": _("the end of the period"),
    "account": _("the account number"),
    "to": _("the account number"),
    "payout": _("the account for the payout"),
    "currency": _("the currency"),
    "hold": _("the number of the hold"),
    "email": _("the e-mail address"),
    "mobile": _("the mobile number"),
    "name": _("the name"),
    "new": _("the new one"),
    "password": _("the password"),
    "pin": _("the PIN"),
    "receipt": _("the receipt number"),
    "reference": _("the reference"),
    "username": _("the user name"),
}
"""What a person calls the fields of a request; others are named as they travel."""

MOVEMENTS = {
    "DEPOSIT": _("deposit"),
    "WITHDRAW": _("withdrawal"),
    "TRANSFER": _("transfer"),
    "BULK": _("set of payments"),
    "CAPTURE": _("payment of the hold"),
    "RELEASE": _("release of the hold"),
    "REVERSE": _("repayment"),
}
"""What a person calls what moves money, by its verb; others are called by the verb itself."""

CONNECTING_AGAIN = _("Connection lost. Connecting again ...")
CLOSING = _("The bank is closing. Connecting again as soon as it is back ...")
CONNECTED_AGAIN = _("Connected again.")
ASKING = _("Connection lost. Asking the bank whether the {movement} was made ... (Ctrl-C to stop)")
BUSY = _("The bank is busy. Asking it again for the {movement} ... (Ctrl-C to stop)")
STILL_HELD = _("The bank still keeps the account for the connection that was lost. Waiting until it is free ...")
NOT_THE_BANK = _(
    "What answers in the bank's place has no certificate that is trusted, and is told nothing. Trying again ..."
)
STILL_AWAY = _("The bank does not answer yet. Trying again ...")
IN_DOUBT = _(
    "It is not known whether the {movement}{amount} was made. Look at your statement before you do it again; "
    "the bank finds it by the key {key}."
)


def code(code: Code, field: str | None = None, incident: str | None = None, seconds: int | None = None) -> str:
    """A code as a sentence, naming the field at fault, the incident or the time where there is one."""
    if seconds and (told := lockout.refused_for(code, seconds)):
        return told
    if field and code in WITH_FIELD:
        wanted = STRONG.get(field) or " ".join(STRONG.values())
        return WITH_FIELD[code].format(field=FIELDS.get(field, field), wanted=wanted)
    if incident and code == codes.INCIDENT:
        return _("The bank made a mistake of its own. Please report it with the number {incident}.").format(
            incident=incident
        )
    newer = NEWER[code.number if code.number in NEWER else code.number // 100]
    return CODES.get(code) or newer.format(number=code.number, reason=code.reason)


def reason(word: str) -> str:
    """What a reason alone says, as in the lines of a list."""
    found = next((code for code in codes.ALL if code.refuses and code.reason == word), None)
    return code(found) if found else _("The bank refused this ({word}).").format(word=word)


def refused(error: codes.Refused) -> str:
    """Why the bank refused."""
    if isinstance(error, Denied):
        return code(error.code, error.field, error.incident, error.seconds)
    return code(error.code, error.field)


def over_limit(code: Code, allowance: Allowance) -> str:
    """Which limit of ``allowance`` a code of OVER_LIMIT is about."""
    most_minor = allowance.payment_minor if code == codes.PAYMENT_LIMIT else allowance.left_minor
    most = news.written(most_minor, allowance.currency)
    return OVER_LIMIT[code].format(amount=most) if most else CODES[code]


def lost(error: LostBank) -> str:
    """Why the conversation is over: what the bank said, or what can be told without it."""
    return code(error.warning) if error.warning else LOSSES[error.loss]


def no_bank(error: NoBank) -> str:
    """Why no bank could be reached, and what to do."""
    warning = code(error.warning) if error.warning else ""
    named = {"host": error.address.host, "address": error.address, "warning": warning, **error.about}
    return NO_BANKS[error.cause].format(**named)


def why(error: codes.Refused | LostBank | NoBank) -> str:
    """Why the bank did not do what was asked, whatever it was."""
    if isinstance(error, NoBank):
        return no_bank(error)
    return refused(error) if isinstance(error, codes.Refused) else lost(error)


def trouble(error: BankError) -> str:
    """What went wrong, whatever it was, and what can be done."""
    if isinstance(error, InDoubt):
        return f"{why(error.why)} {in_doubt(error)}"
    return why(error) if isinstance(error, NoBank | LostBank | Denied) else str(error)


def idle_soon(seconds: int) -> str:
    """What is said ``seconds`` before the bank ends a session in which nothing was asked."""
    return _(
        "You will be logged out in {seconds} seconds, as nothing was asked for a while. Press a key to stay."
    ).format(seconds=seconds)


def exists(path: Path) -> str:
    """Why a file is not written where there is one."""
    return _("{file} exists already; please name another file").format(file=path)


def cannot_be_written(path: Path, why: str) -> str:
    """Why a file is not written where the system refuses."""
    return _("{file} cannot be written: {why}").format(file=path, why=why)


def movement(request: Message | str) -> str:
    """What a person calls what ``request`` does with money."""
    verb = request if isinstance(request, str) else request.verb
    return MOVEMENTS.get(verb, verb.lower().replace("_", " "))


def connecting_again(in_doubt: Message | str | None, warning: codes.Code | None = None) -> str:
    """What is going on once the connection was lost, by a ``warning`` or without one, with money in doubt or not."""
    if in_doubt:
        return ASKING.format(movement=movement(in_doubt))
    return CLOSING if warning == codes.STOPPING else CONNECTING_AGAIN


def waiting(error: codes.Refused | LostBank | NoBank) -> str:
    """Why there is no connection again yet."""
    if isinstance(error, NoBank) and error.cause in STRANGERS:
        return NOT_THE_BANK
    if isinstance(error, codes.Refused) and error.code == codes.WAIT:
        return CODES[codes.WAIT]
    return STILL_HELD if isinstance(error, codes.Refused) and error.code == codes.IN_USE else STILL_AWAY


def asking_again(request: Message | str) -> str:
    """What is going on while a bank that is busy is asked again."""
    return BUSY.format(movement=movement(request))


def in_doubt(error: InDoubt) -> str:
    """What is not known, and how to learn it later."""
    request = error.request
    amount = news.written(getattr(request, "amount", None), getattr(request, "currency", None))
    named = {
        "movement": movement(request),
        "amount": amount and _(" of {amount}").format(amount=amount),
        "key": key_of(request),
    }
    return IN_DOUBT.format(**named)
