"""What codes and notices mean, in English: every number that the bank answers as a sentence for a person.

All words for people stand here, in ``slips``, ``payment_slips`` and ``app_slips`` (what the bank hands over), in
``prompts`` and ``atm_prompts`` (what the terminal asks) and in ``no_banks``; another language is another seven such
modules. Text that came from the bank or from other customers is only quoted: the screen and the script remove what
could command a terminal.
"""

from collections import defaultdict

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
from bankd.wire.messages import Message

INVALID = "Invalid Request"
NOT_WRITTEN = "The file was not written"

CODES: dict[Code, str] = {
    codes.IDLE_SOON: "The session will end soon, because nothing was asked for a while.",
    codes.DONE: "Done.",
    codes.CREATED: "Done; something new was made.",
    codes.PROPOSED: "This waits until another operator approves it.",
    codes.BROKEN_LINE: "The bank received a broken line and closed the connection.",
    codes.LONG_LINE: "The request was too long, and the bank closed the connection.",
    codes.BROKEN_SEAL: "What was sealed for the bank arrived broken, so the bank closed the connection.",
    codes.IDLE: "Nothing was asked for a while, so the bank ended the session.",
    codes.SLOW: "A request took too long to arrive, so the bank closed the connection.",
    codes.SESSION_TIME: "The session has lasted as long as one may. Please log in again.",
    codes.CROWDED: "The bank is crowded right now. Please try again in a moment.",
    codes.STOPPING: "The bank is closing for now. Please come back later.",
    codes.BUSY: "The bank is busy. Please try again in a moment.",
    codes.INCIDENT: "The bank made a mistake of its own. Please report it.",
    codes.BAD_LINE: INVALID,
    codes.BAD_VERB: INVALID,
    codes.NEEDS_LOGIN: "Please log in first.",
    codes.BAD_STATE: "This is not possible while you are logged in.",
    codes.NEEDS_SEAL: "The bank takes this under seal only. Start again without --seal off.",
    codes.BAD_ITEMS: INVALID,
    codes.BAD_FIELD: INVALID,
    codes.OVER: "The session is over: the account was opened at another terminal, or closed.",
    codes.ENDED: "The bank ended the session. Ask whoever runs it why.",
    codes.CHANGE_FIRST: "Your PIN has to be changed first: log in at a terminal, which asks for another one.",
    codes.NEEDS_TERMINAL: "The bank takes PINs only at its own terminals. Please log in with your password.",
    codes.NO_OPERATOR: "You are no operator of this bank.",
    codes.NOT_YOURS: "Your role does not include this.",
    codes.LOCKED: "Too many tries to log in have failed, so the bank looks at none for a while.",
    codes.WAIT: "There were several tries. Please wait a while before the next one.",
    codes.ONE_TIME: "The bank wants a one-time password for this, and none was given.",
    codes.WRONG_CODE: "This is not the one-time password.",
    codes.NO_CHALLENGE: "It is too late for this one-time password, or it was tried too often. Please begin again.",
    codes.NO_DEVICE: "This needs a one-time password, and the bank cannot reach a device of yours to send it to.",
    codes.NO_APP: "The bank knows of no authenticator app of yours that this could be about.",
    codes.WRONG_SECRET: "The bank does not accept these credentials.",
    codes.IN_USE: "This account is in use at another terminal. Please log out there, or try again later.",
    codes.WEAK_SECRET: "This is too easy to guess; please choose another.",
    codes.TAKEN: "This already belongs to another customer.",
    codes.OTHER_CONTENT: "This was asked before with other content, so it was not done again.",
    codes.NO_PROPOSAL: "There is no such open proposal; it was decided, or a day has passed.",
    codes.OWN_PROPOSAL: "You proposed this yourself; another operator has to approve it.",
    codes.TOO_MANY: "You have as many open accounts as one customer may have.",
    codes.NO_ACCOUNT: "There is no such account.",
    codes.SAME_ACCOUNT: "This is your own account; please name another.",
    codes.OTHER_CURRENCY: "The accounts are not kept in the same currency.",
    codes.NO_HOLD: "There is no such open hold; it may have ended.",
    codes.NO_ENTRY: "There is no such payment to this account.",
    codes.NOT_PAYEE: "Only the account that was to be paid may release this hold.",
    codes.MORE_THAN_LEFT: "This is more than is left of it.",
    codes.FROZEN: "The account that the money would come from is frozen: the bank lets none go from it for now.",
    codes.PAYMENT_LIMIT: "This is more than the account may pay at once.",
    codes.DAY_LIMIT: "This is more than the account may still pay today.",
    codes.HELD: "Money on the account is still held; this must be paid or released first.",
    codes.NO_FUNDS: "Not enough money in the account.",
    codes.TOO_MUCH: "A balance would become larger than the bank can keep.",
    codes.NOT_EMPTY: "The account still holds money; please name an account to pay it out to.",
    codes.NO_DEVICE: "Nothing can be sent to the customer, who would be left without a way in.",
}

WITH_FIELD: dict[Code, str] = {
    codes.BAD_FIELD: INVALID + ": {field} is missing or not of the right form.",
    codes.WEAK_SECRET: "Too easy to guess: {field}. Please choose another. {wanted}",
    codes.TAKEN: "Another customer has this already: {field}.",
}
"""What is said instead where the bank names the field at fault."""

STRONG = {
    "password": "A password has at least 8 characters, is not a common one, and not what others know of you.",
    "pin": "A PIN is not one digit repeated, not digits in a row, and not part of your mobile or account number.",
}
"""What the bank wants of a new secret, by its field."""

NEWER = defaultdict(
    lambda: "The bank answered {number} ({reason}), which this client does not know.",
    {
        2: "Done.",
        4: "The bank refused this ({number} {reason}).",
        5: "The bank cannot do this now ({number} {reason}).",
        400: INVALID + " ({number} {reason}).",
        401: "Who you are does not entitle you to this ({number} {reason}).",
        409: "This does not go together with what the bank has on record ({number} {reason}).",
        422: "The bank cannot accept what was given ({number} {reason}).",
    },
)
"""What is said of codes that this client does not know, by their number or else its first digit."""

LOSSES = {
    Loss.ENDED: "The connection to the bank was lost.",
    Loss.SILENT: "The bank does not answer any more.",
    Loss.NONSENSE: "What came from the bank could not be understood, so the connection was closed.",
    Loss.BROKEN_SEAL: "What came from the bank was altered on its way, or did not come from it, so the connection was "
    "closed.",
    Loss.TOO_LONG: "This is too long to be sealed by itself, so it was not sent. Start again with --seal session.",
    Loss.LEFT: "The connection to the bank was closed.",
    Loss.UNSENT: "The connection to the bank was lost before this was sent, so nothing was done.",
}

FIELDS = {
    "amount": "the amount",
    "before": "the end of the period",
    "account": "the account number",
    "to": "the account number",
    "payout": "the account for the payout",
    "currency": "the currency",
    "hold": "the number of the hold",
    "email": "the e-mail address",
    "mobile": "the mobile number",
    "name": "the name",
    "new": "the new one",
    "password": "the password",
    "pin": "the PIN",
    "receipt": "the receipt number",
    "reference": "the reference",
    "username": "the user name",
}
"""What a person calls the fields of a request; others are named as they travel."""

MOVEMENTS = {
    "DEPOSIT": "deposit",
    "WITHDRAW": "withdrawal",
    "TRANSFER": "transfer",
    "BULK": "set of payments",
    "CAPTURE": "payment of the hold",
    "RELEASE": "release of the hold",
    "REVERSE": "repayment",
}
"""What a person calls what moves money, by its verb; others are called by the verb itself."""

CONNECTING_AGAIN = "Connection lost. Connecting again ..."
CONNECTED_AGAIN = "Connected again."
ASKING = "Connection lost. Asking the bank whether the {movement} was made ... (Ctrl-C to stop)"
BUSY = "The bank is busy. Asking it again for the {movement} ... (Ctrl-C to stop)"
STILL_HELD = "The bank still keeps the account for the connection that was lost. Waiting until it is free ..."
NOT_THE_BANK = (
    "What answers in the bank's place has no certificate that is trusted, and is told nothing. Trying again ..."
)
STILL_AWAY = "The bank does not answer yet. Trying again ..."
IN_DOUBT = (
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
        return f"The bank made a mistake of its own. Please report it with the number {incident}."
    newer = NEWER[code.number if code.number in NEWER else code.number // 100]
    return CODES.get(code) or newer.format(number=code.number, reason=code.reason)


def reason(word: str) -> str:
    """What a reason alone says, as in the lines of a list."""
    found = next((code for code in codes.ALL if code.refuses and code.reason == word), None)
    return code(found) if found else f"The bank refused this ({word})."


def refused(error: codes.Refused) -> str:
    """Why the bank refused."""
    if isinstance(error, Denied):
        return code(error.code, error.field, error.incident, error.seconds)
    return code(error.code, error.field)


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
    return f"You will be logged out in {seconds} seconds, as nothing was asked for a while. Press a key to stay."


def movement(request: Message | str) -> str:
    """What a person calls what ``request`` does with money."""
    verb = request if isinstance(request, str) else request.verb
    return MOVEMENTS.get(verb, verb.lower().replace("_", " "))


def connecting_again(in_doubt: Message | str | None) -> str:
    """What is going on once the connection was lost, with or without money in doubt."""
    return ASKING.format(movement=movement(in_doubt)) if in_doubt else CONNECTING_AGAIN


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
    named = {"movement": movement(request), "amount": amount and f" of {amount}", "key": key_of(request)}
    return IN_DOUBT.format(**named)
