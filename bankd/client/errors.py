"""What can go wrong between a customer's program and the bank. Whatever the client raises is one of these.

BankError       any of them
  Unusable      what was given cannot be used; the bank was not called
  NoBank        no conversation could be opened
  LostBank      it ended before the answer came
  Denied        the bank's refusal, in its own codes, with what it said besides
  InDoubt       it could not be learnt whether money was moved

The text of each is what a person at the terminal would be told; it holds no secret.
"""

from collections.abc import Mapping
from enum import Enum, auto

from twisted.python.failure import Failure

from bankd.client.address import Address
from bankd.client.keys import key_of
from bankd.codes import Code, Refused
from bankd.wire.messages import Message


class BankError(Exception):
    """Something went wrong between this program and the bank; ``str`` of it says what, in a sentence or two."""

    def __str__(self) -> str:
        from bankd.client import words  # which knows these errors

        return words.trouble(self)


class Unusable(BankError):
    """What was given cannot be used: an address, a file or an option. The bank was not called."""

    def __str__(self) -> str:
        return str(self.args[0])


class Cause(Enum):
    """Why there is no bank to talk to."""

    UNKNOWN_HOST = auto()
    UNREACHABLE = auto()
    UNTRUSTED = auto()
    WRONG_NAME = auto()
    WRONG_TERMINAL = auto()  # whose certificate the bank does not accept
    NOT_A_BANK = auto()
    TURNED_AWAY = auto()  # a bank, which refused with a code
    OTHER_IDENTITY = auto()  # not the identity that was given
    CHANGED_IDENTITY = auto()  # not the identity that was remembered
    UNREADABLE_BANKS = auto()  # the file of known banks cannot be read
    BAD_KEYS = auto()  # the key to seal to is not signed by the bank, or not of today
    NOT_SEALING = auto()  # it does not seal


class NoBank(BankError):
    """No conversation could be opened with the bank, so nothing was asked of it and nothing has changed.

    ``cause`` says why. Where that is that what answers may be another than the bank, it was told nothing.
    ``address`` is where it was looked for, and ``warning`` the code of a bank that refused the conversation.
    ``about`` is what else is to be told, by the name that the words for ``cause`` have for it.
    """

    def __init__(
        self, address: Address, cause: Cause, warning: Code | None = None, about: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(str(address), cause)
        self.address = address
        self.cause = cause
        self.warning = warning
        self.about = about or {}


class Loss(Enum):
    """How a conversation with the bank ended."""

    ENDED = auto()  # the bank closed it, or the network did
    SILENT = auto()  # an answer was due and did not come
    NONSENSE = auto()  # what came is not BANK/1
    LEFT = auto()  # this side closed it
    BROKEN_SEAL = auto()  # what came was not sealed as it should have been
    TOO_LONG = auto()  # a request could not be sealed by itself
    UNSENT = auto()  # it was over before the request could be sent


class LostBank(BankError):
    """The conversation is over, before the answer came: whether the bank did what was asked is not known.

    Except where ``loss`` is UNSENT: then it did not. Of what moves money this is said by InDoubt, and all else can be
    looked up in another conversation. By ``connect`` it comes only once the bank could not be reached again, or has
    itself ended the session.
    ``warning`` is the code that the bank gave before it closed, where it gave one; ``reason`` is the network's own.
    """

    def __init__(self, loss: Loss, warning: Code | None = None, reason: Failure | None = None) -> None:
        super().__init__(loss, warning)
        self.loss = loss
        self.warning = warning
        self.reason = reason


class Denied(BankError, Refused):
    """The bank refused, with ``code``, and nothing has changed: ``error.code == codes.NO_FUNDS`` asks for one reason.

    ``field`` names what of the request was at fault, where something was; ``incident`` is the number to tell the bank
    where the fault is its own, and ``seconds`` for how long it refuses.
    """

    def __init__(
        self,
        code: Code,
        field: str | None = None,
        incident: str | None = None,
        place: int | None = None,
        seconds: int | None = None,
        *,
        about: object = None,
    ) -> None:
        super().__init__(code, field, place, about=about)
        self.incident = incident
        self.seconds = seconds


class InDoubt(BankError):
    """Whether money was moved is not known. Ask again with the same ``key``: it is then done once, or was done before.

    ``request`` is what was asked, and ``why`` what came in place of an answer.
    """

    def __init__(self, request: Message, why: LostBank | Denied) -> None:
        super().__init__(request.verb, why)
        self.request = request
        self.why = why

    @property
    def key(self) -> str:
        """The key by which the bank knows the request."""
        return key_of(self.request) or ""
