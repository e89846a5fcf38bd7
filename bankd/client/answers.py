"""What the bank answers, from fields as they travelled to the records that the rest of the client works with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bankd import codes, money
from bankd.client.errors import Denied, InDoubt, Loss, LostBank
from bankd.client.keys import key_of
from bankd.codes import Code, Refused
from bankd.records import (
    AccountView,
    Allowance,
    BulkEnd,
    BulkLine,
    BulkResult,
    Challenged,
    CustomerView,
    Enrolment,
    Held,
    HoldView,
    Listening,
    Newest,
    Notice,
    PayeeView,
    PreferencesView,
    Receipt,
    RecoveryCode,
    SignedReceipt,
    StatementEnd,
    StatementLine,
    TriesLeft,
    Welcome,
)
from bankd.wire import messages
from bankd.wire.codec import NotReply, Reply, read_fields
from bankd.wire.grammar import COUNT
from bankd.wire.messages import Message

T = TypeVar("T")

Fields = Mapping[str, str]
"""Names and values as they travelled, without their percent-encoding."""

BODIES: dict[type[Message], type[Any]] = {
    messages.SignUp: AccountView,
    messages.Login: Welcome,
    messages.ViewDetails: CustomerView,
    messages.OpenAccount: AccountView,
    messages.Balance: AccountView,
    messages.Statement: StatementEnd,
    messages.Deposit: Receipt,
    messages.Withdraw: Receipt,
    messages.Transfer: Receipt,
    messages.Bulk: BulkEnd,
    messages.Hold: Held,
    messages.Capture: Receipt,
    messages.Release: Receipt,
    messages.Reverse: Receipt,
    messages.Limits: Allowance,
    messages.Payee: PayeeView,
    messages.Preferences: PreferencesView,
    messages.Certify: SignedReceipt,
    messages.UpdateContact: CustomerView,
    messages.EnrolApp: Enrolment,
    messages.Listen: Listening,
    messages.Noop: Newest,
}
"""The record that the last line of an answer carries; requests that are not here are answered by a code alone."""

ITEMS: dict[type[Message], type[Any]] = {
    messages.Accounts: AccountView,
    messages.Statement: StatementLine,
    messages.Bulk: BulkLine,
    messages.Holds: HoldView,
    messages.Notices: Notice,
    messages.ConfirmApp: RecoveryCode,
}
"""The record that each line of a list carries."""

REFUSALS: dict[Code, type[Any]] = {
    codes.ONE_TIME: Challenged,
    codes.WRONG_CODE: TriesLeft,
}
"""The record that a refusal may carry."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The bank's whole answer to one request: its code, the fields of its last line, and of each line before that."""

    code: Code
    fields: Fields = field(repr=False)  # a secret for an app may be among them, or a recovery code
    items: tuple[Fields, ...] = field(default=(), repr=False)


def code_of(reply: Reply) -> Code:
    """The code of a reply's last line; one that this client does not know still has its number and reason."""
    unknown = Code(reply.number or 0, reply.fields.get("reason", "unknown"), "Newer than this client.")
    return reply.code or unknown


def read(record: type[T], fields: Fields) -> T:
    """The ``record`` that ``fields`` spell. Raises NotReply for a field that is missing or has the wrong form.

    It does so for a currency that is not known too: nobody could tell how many decimals its amounts have.
    """
    try:
        value = read_fields(record, fields)
        money.exponent(getattr(value, "currency", None) or "XXX")
    except Refused as error:
        raise NotReply(f"{record.__name__}: {error.field}") from error
    except ValueError as error:
        raise NotReply(f"{record.__name__}: currency") from error
    return value


def body_of(message: type[Message], answer: Answer) -> Any:
    """The record in an answer to ``message``; None where that is answered by a code alone. Raises NotReply."""
    record = BODIES.get(message)
    return read(record, answer.fields) if record else None


def items_of(message: type[Message], answer: Answer) -> list[Any]:
    """The records in the list that answers ``message``. Raises NotReply."""
    return [read(ITEMS[message], fields) for fields in answer.items]


def bulk_of(message: type[Message], answer: Answer, count: int) -> BulkResult:
    """What became of ``count`` transfers that ``answer`` tells of, each in its place. Raises NotReply."""
    lines = items_of(message, answer)
    if [line.place for line in lines] != list(range(1, count + 1)):
        raise NotReply("lines for other transfers")
    return BulkResult(tuple(lines), body_of(message, answer))


def denied(answer: Answer) -> Denied:
    """The refusal that ``answer`` is."""

    def number(name: str) -> int | None:
        spelt = answer.fields.get(name, "")
        return int(spelt) if COUNT.pattern.fullmatch(spelt) else None

    fields = answer.fields
    told = fields.get("field"), fields.get("incident"), number("place"), number("seconds")
    return Denied(answer.code, *told, about=_about(answer))


def _about(answer: Answer) -> Any:
    """What a refusal tells besides its code, as a record; None where it tells nothing that can be read."""
    try:
        return read(REFUSALS[answer.code], answer.fields) if answer.code in REFUSALS else None
    except NotReply:
        return None


def unanswered(request: Message | str, lost: LostBank) -> LostBank | InDoubt:
    """What to raise where ``request`` has no answer: that money is in doubt, if it is."""
    if isinstance(request, str) or key_of(request) is None or lost.loss is Loss.UNSENT:
        return lost
    return InDoubt(request, lost)
