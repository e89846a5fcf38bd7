"""Every result code of the bank: its number, its fixed word, its meaning, in order of precedence.

1. When several codes apply to one request, the one that stands first in ``ALL`` is the answer.
2. A number keeps HTTP's meaning where HTTP has one; ``reason`` tells apart what shares a number.
3. Words for people are made from a code by the client; no prose crosses the wire.
4. The table in docs/protocol.md is made from ``ALL``.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """One result: ``number`` and ``reason`` travel; ``meaning`` documents; ``closes`` ends the connection.

    ``stored`` says that it is what the ledger decided, which the request's key has from then on.
    """

    number: int
    reason: str
    meaning: str
    closes: bool = False
    stored: bool = False

    @property
    def gives_reason(self) -> bool:
        """Whether ``reason`` travels: with success there is nothing to tell apart."""
        return not 200 <= self.number < 400

    @property
    def refuses(self) -> bool:
        """Whether the request was not carried out, so that nothing has changed."""
        return self.number >= 400


class Refused(Exception):
    """A request is refused with ``code``; nothing was changed. ``field`` names the field at fault, where one is, and
    ``place`` the line, counted from 1, where the request has several. ``about`` is a record whose fields travel too.
    """

    def __init__(self, code: Code, field: str | None = None, place: int | None = None, *, about: object = None) -> None:
        super().__init__(code.number, code.reason)
        self.code = code
        self.field = field
        self.place = place
        self.about = about


IDLE_SOON = Code(100, "idle_soon", "The session ends in `seconds` unless something other than `NOOP` is asked.")
DONE = Code(200, "done", "Carried out, and stored durably.", stored=True)
CREATED = Code(201, "created", "Carried out, and something new exists: a customer or an account.")

PROPOSED = Code(202, "proposed", "Kept, and carried out once another operator approves it.")

BROKEN_LINE = Code(400, "framing", "The line holds a NUL, a bare CR or a bare LF, or is empty.", closes=True)
LONG_LINE = Code(413, "length", "The line is longer than 4096 octets.", closes=True)
BROKEN_SEAL = Code(
    400,
    "seal",
    "What is sealed does not open, or was not sealed for this place on this connection.",
    closes=True,
)
IDLE = Code(408, "idle", "Nothing was asked for too long, or log-in took too long.", closes=True)
SLOW = Code(408, "slow", "A line was begun, and not ended in time.", closes=True)
SESSION_TIME = Code(408, "session_time", "The session has lasted as long as one may.", closes=True)
CROWDED = Code(503, "crowded", "There are too many connections, and this one had not logged in.", closes=True)
STOPPING = Code(503, "stopping", "The bank is shutting down.", closes=True)

BAD_LINE = Code(400, "line", "Not `tag SP verb *(SP field)`; answered without a tag when none could be read.")
BAD_VERB = Code(400, "verb", "The bank does not know this verb.")
NEEDS_LOGIN = Code(401, "login", "This verb is for who has logged in.")
BAD_STATE = Code(
    403, "state", "This verb is not for a connection that has logged in, or not for who has logged in on it."
)
NEEDS_SEAL = Code(403, "sealed", "The bank takes this under seal only.")
BAD_ITEMS = Code(
    400,
    "items",
    "The items before `BULK` are none, more than 1000, not as many as `count`, cut off by another line, or the one at "
    "`place` has not the form of an item.",
)
BAD_FIELD = Code(400, "field", "`field` is unknown to the verb, given twice, missing, or its value has the wrong form.")

BUSY = Code(503, "busy", "The bank cannot take this on now; try again later with the same key.")
INCIDENT = Code(500, "incident", "A fault of the bank's own; `incident` is the number under which it was logged.")

OVER = Code(410, "session", "The session is over: the account was taken over, or closed.", closes=True)
ENDED = Code(410, "ended", "The session is over: an operator of the bank ended it.", closes=True)
CHANGE_FIRST = Code(
    403, "change", "The PIN is one that the bank has from a file, and has to be changed first, by `CHANGE_PIN`."
)
NEEDS_TERMINAL = Code(403, "terminal", "The bank takes PINs only at terminals that it has enrolled.")
NO_OPERATOR = Code(
    403, "operator", "Who is at the other end is no operator of the bank, or is none any more.", closes=True
)
NOT_YOURS = Code(403, "role", "The operator's role does not include this.")
LOCKED = Code(429, "locked", "Too many tries with a wrong secret; from here none is looked at for `seconds`.")
WAIT = Code(
    429,
    "wait",
    "Several tries with a wrong secret, or too many one-time passwords, questions for payees or probes; the next may "
    "come after `seconds`.",
)
WRONG_SECRET = Code(401, "credentials", "The credentials are refused; which part was wrong is not said.")
WRONG_CODE = Code(401, "code", "This is not the one-time password; `left` tells how many more may be tried.")
NO_CHALLENGE = Code(
    404,
    "challenge",
    "There is no such challenge that waits: it was answered, replaced or tried too often, or it is too old.",
)
NO_PROBE = Code(
    404, "probe", "The session's last `LISTEN` has sent no such proof, or it is too old; `LISTEN` sends another."
)
NO_APP = Code(404, "app", "The customer has no authenticator app that could be confirmed or removed.")
IN_USE = Code(423, "in_use", "Another session is open on this account.")
WEAK_SECRET = Code(422, "weak", "The new password or PIN in `field` is too easy to guess.")
TAKEN = Code(409, "taken", "The user name or mobile number in `field` belongs to another customer.")
OTHER_CONTENT = Code(409, "key", "This key was used before, for something else.")
NO_PROPOSAL = Code(404, "proposal", "There is no such proposal that is open: it was decided, or a day has passed.")
OWN_PROPOSAL = Code(403, "own", "Another operator has to approve what this one has proposed.")
NO_ACCOUNT = Code(404, "account", "There is no such account, or it is closed.", stored=True)
SAME_ACCOUNT = Code(422, "same_account", "Payer and payee are the same account.", stored=True)
OTHER_CURRENCY = Code(422, "currency", "An account involved is kept in another currency.", stored=True)
NO_HOLD = Code(404, "hold", "The account has part in no such hold that is open; it may have ended.", stored=True)
NO_ENTRY = Code(404, "entry", "There is no such payment that this account received.", stored=True)
NOT_PAYEE = Code(403, "payee", "Only the account that was to be paid may release this hold.", stored=True)
MORE_THAN_LEFT = Code(
    422, "left", "This is more than is left of the hold, or of the payment to be given back.", stored=True
)
FROZEN = Code(423, "frozen", "The account that the money would come from is frozen.", stored=True)
PAYMENT_LIMIT = Code(422, "payment_limit", "The amount is more than the account may pay at once.", stored=True)
DAY_LIMIT = Code(422, "day_limit", "The amount is more than the account may still pay today.", stored=True)
NO_FUNDS = Code(402, "funds", "The account does not have this much available.", stored=True)
TOO_MUCH = Code(422, "balance_limit", "A balance would pass the largest that the bank can keep.", stored=True)
TOO_MANY = Code(409, "accounts", "The customer has as many open accounts as one may have.")
HELD = Code(409, "holds", "Money of the account is set aside by an open hold.")
NOT_EMPTY = Code(409, "balance", "The account holds money, and no account to pay it out to was named.")
ONE_TIME = Code(
    401, "one_time", "All else is right, and a one-time password is needed: that for `challenge`, given by `ONE_TIME`."
)
NO_DEVICE = Code(
    403, "device", "A one-time password or a new PIN is to be sent, and no device of the customer's can be reached."
)

ALL = (
    IDLE_SOON,
    DONE,
    CREATED,
    PROPOSED,
    BROKEN_LINE,
    LONG_LINE,
    BROKEN_SEAL,
    IDLE,
    SLOW,
    SESSION_TIME,
    CROWDED,
    STOPPING,
    BAD_LINE,
    BAD_VERB,
    NEEDS_LOGIN,
    BAD_STATE,
    NEEDS_SEAL,
    BAD_ITEMS,
    BAD_FIELD,
    BUSY,
    INCIDENT,
    OVER,
    ENDED,
    CHANGE_FIRST,
    NEEDS_TERMINAL,
    NO_OPERATOR,
    NOT_YOURS,
    LOCKED,
    WAIT,
    WRONG_SECRET,
    WRONG_CODE,
    NO_CHALLENGE,
    NO_PROBE,
    NO_APP,
    IN_USE,
    WEAK_SECRET,
    TAKEN,
    OTHER_CONTENT,
    NO_PROPOSAL,
    OWN_PROPOSAL,
    NO_HOLD,
    NO_ENTRY,
    NOT_PAYEE,
    NO_ACCOUNT,
    SAME_ACCOUNT,
    OTHER_CURRENCY,
    MORE_THAN_LEFT,
    FROZEN,
    PAYMENT_LIMIT,
    DAY_LIMIT,
    NO_FUNDS,
    TOO_MUCH,
    TOO_MANY,
    HELD,
    NOT_EMPTY,
    ONE_TIME,
    NO_DEVICE,
)

BY_WIRE = {(code.number, code.reason): code for code in ALL}
"""Each code by what travels of it."""
