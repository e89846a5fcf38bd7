"""What can go wrong between a customer's program and the bank, other than a refusal in the bank's own codes.

NoBank      no conversation could be opened
LostBank    it ended before the answer came
Denied      the bank's refusal, with what it said besides the code
InDoubt     it could not be learnt whether money was moved
"""

from collections.abc import Mapping
from enum import Enum, auto

from twisted.python.failure import Failure

from bankd.client.address import Address
from bankd.codes import Code, Refused
from bankd.wire.messages import Message


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


class NoBank(Exception):
    """No conversation could be opened at ``address``; ``warning`` is the code of a bank that refused it.

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


class LostBank(Exception):
    """The conversation is over. A request that fails so has no answer: whether it was carried out is not known.

    Except where ``loss`` is UNSENT: then it was not.
    ``warning`` is the code that the bank gave before it closed, where it gave one; ``reason`` is the network's own.
    """

    def __init__(self, loss: Loss, warning: Code | None = None, reason: Failure | None = None) -> None:
        super().__init__(loss, warning)
        self.loss = loss
        self.warning = warning
        self.reason = reason


class Denied(Refused):
    """The bank refused, with ``code``; ``incident`` is the number to tell the bank where the fault is its own, and
    ``seconds`` for how long it refuses.
    """

    def __init__(
        self,
        code: Code,
        field: str | None = None,
        incident: str | None = None,
        place: int | None = None,
        seconds: int | None = None,
    ) -> None:
        super().__init__(code, field, place)
        self.incident = incident
        self.seconds = seconds


class InDoubt(Exception):
    """Whether ``request`` moved money is not known, because of ``why``: its key is how the bank finds it."""

    def __init__(self, request: Message, why: LostBank | Denied) -> None:
        super().__init__(request.verb, why)
        self.request = request
        self.why = why
