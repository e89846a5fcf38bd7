"""The bank without a person: a list of tasks in, a line or an object for each out, and an exit status.

As text, an answer is a line or a few. As JSON, it is one object on one line:

    task    the words as they were given; "Log In" where the log-in itself was refused
    code    the bank's number; null where the connection was lost and no answer could be had
    ok      whether the task was carried out
    reason  the bank's fixed word for a refusal, "lost" for a lost connection, "part" for a payment file of which the
            bank refused some lines, null otherwise
    words   the answer as the text form prints it
    items   for lists: the fields of each line
    key     where money is in doubt: the key by which the bank finds what became of it
            for a payment file: the key by which the bank knows it
    line    where a payment file was refused for one of its lines: its number
    ...     every field of the answer by its own name, as text, as the bank sent it (amounts in minor units)
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from bankd import codes
from bankd.client import exits, payment_slips, refusals, slips, words
from bankd.client.answers import ITEMS, Answer, Fields, body_of, denied, items_of, unanswered
from bankd.client.bank import Bank
from bankd.client.editor import printable_lines
from bankd.client.errors import Denied, InDoubt, Loss, LostBank
from bankd.client.export import Export, export
from bankd.client.feed import Feed
from bankd.client.files.new_file import NotWritten
from bankd.client.files.payments import NotPayments
from bankd.client.payment_file import Paid, PayFile, line_at_fault, pay, to_pay
from bankd.client.tasks import Context, NotTask, Verb, read_task
from bankd.client.whole_page import whole_page
from bankd.codes import Code
from bankd.wire import messages
from bankd.wire.codec import NotReply
from bankd.wire.messages import Login, Message

Write = Callable[[str], None]
"""Writes whole lines."""

LOG_IN = "Log In"


def _unseen(text: str) -> None:
    """Shows nobody anything."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one task went: ``code`` is None where the connection was lost before the answer.

    ``whole`` is false where a part of it was refused.
    """

    task: str
    code: Code | None
    words: str
    fields: Fields
    items: tuple[Fields, ...] | None = None
    whole: bool = True

    @property
    def ok(self) -> bool:
        """Whether the task was carried out."""
        return self.code is not None and not self.code.refuses and self.whole

    @property
    def reason(self) -> str | None:
        """Why it was not, as a fixed word."""
        if self.code is None:
            return "lost"
        if not self.whole:
            return "part"
        return self.fields.get("reason", self.code.reason) if self.code.refuses else None

    def as_text(self) -> str:
        """The answer for a person, without anything that a terminal would obey."""
        return "\n".join(printable_lines(self.words))

    def as_json(self) -> str:
        """The answer for a program, on one line."""
        number = self.code.number if self.code else None
        told = {"task": self.task, "code": number, "ok": self.ok, "reason": self.reason, "words": self.words}
        listed = {} if self.items is None else {"items": self.items}
        return json.dumps(told | {name: value for name, value in self.fields.items() if name not in told} | listed)


class Script:
    """Runs tasks at ``bank``. Answers go to ``write``, and what ends the script early to ``complain``.

    ``progress`` is told how far long work has come, and empty text when it is done.
    """

    def __init__(
        self, bank: Bank, write: Write, complain: Write, *, progress: Write = _unseen, as_json: bool = False
    ) -> None:
        self._bank = bank
        self._write = write
        self._complain = complain
        self._progress = progress
        self._as_json = as_json

    async def run(self, login: Login, feed: Feed) -> int:
        """Log in, do every task in order and log out; the exit status. Raises Unreadable."""
        try:
            await self._bank.log_in(login)
        except Denied as error:
            told = {"field": error.field, "seconds": error.seconds}
            fields = {name: str(value) for name, value in told.items() if value is not None}
            self._tell(Outcome(LOG_IN, error.code, words.refused(error), fields))
            self._bank.close()
            return exits.REFUSED
        except LostBank as error:
            self._complain(words.lost(error))
            return exits.NO_BANK
        if self._bank.registered and self._bank.welcome and not self._as_json:
            self._write(slips.welcome(self._bank.welcome, registered=True))
        close_when_lost(feed, self._bank)
        return await self._run_all(feed)

    async def _run_all(self, feed: Feed) -> int:
        status, last = exits.SUCCESS, None
        while (task := await feed.next()) is not None:
            outcome = await self._run(task)
            self._tell(outcome)
            if outcome.code is None:
                self._complain(outcome.words)
                self._bank.close()
                return exits.NO_BANK
            if not outcome.ok:
                status = exits.REFUSED
            last = outcome.code
        if self._bank.over is None:
            await self._bank.log_out()
        elif self._bank.over.loss is not Loss.LEFT:
            if self._bank.over.warning is not last:
                self._complain(words.lost(self._bank.over))
            status = exits.NO_BANK
        return status

    async def _run(self, task: str) -> Outcome:
        """Do one task."""
        try:
            request = read_task(task, Context(self._bank.currency, self._bank.new_key))
        except NotTask as error:
            return _not_a_task(task, error)
        if isinstance(request, Export):
            return await self._export(task, request)
        if isinstance(request, PayFile):
            return await self._pay(task, request)
        try:
            if isinstance(request, Verb):
                answer = await self._bank.answer_verb(request.name)
                return Outcome(task, answer.code, _words(request, answer), answer.fields)
            if isinstance(request, messages.Statement):
                answer = await whole_page(self._bank.answer, request)
            else:
                answer = await self._bank.answer(request)
            if isinstance(request, messages.Logout):
                self._bank.close()
            items = answer.items if type(request) in ITEMS else None
            if answer.code.refuses:
                said = await refusals.told(self._bank, denied(answer), request)
                return Outcome(task, answer.code, said, answer.fields, items)
            return Outcome(task, answer.code, _words(request, answer), answer.fields, items)
        except (LostBank, InDoubt) as error:
            return _unanswered(task, error)
        except NotReply:
            what = request.name if isinstance(request, Verb) else request
            return _unanswered(task, unanswered(what, LostBank(Loss.NONSENSE)))

    async def _export(self, task: str, wanted: Export) -> Outcome:
        """Write a statement to a file; ``field`` is ``file`` where the file, and not the bank, is at fault."""
        try:
            count = await export(self._bank, wanted, lambda entries: self._progress(slips.exporting(entries)))
        except NotWritten as error:
            return Outcome(task, codes.BAD_FIELD, f"{words.NOT_WRITTEN}: {error}.", {"field": "file"})
        except LostBank as error:
            return _unanswered(task, error)
        except NotReply:
            return _unanswered(task, LostBank(Loss.NONSENSE))
        except Denied as error:
            return Outcome(task, error.code, words.refused(error), {"field": error.field} if error.field else {})
        finally:
            self._progress("")
        told = {"file": str(wanted.path), "form": wanted.form, "entries": str(count)}
        return Outcome(task, codes.DONE, slips.exported(count, str(wanted.path)), told)

    async def _pay(self, task: str, wanted: PayFile) -> Outcome:
        """Pay a file; ``field`` is ``file`` where the file, and not the bank, is at fault."""
        try:
            payments = to_pay(self._bank, wanted)
        except NotPayments as error:
            return Outcome(task, codes.BAD_FIELD, payment_slips.unreadable(error), {"field": "file"})
        answered = 0

        def tell(count: int) -> None:
            nonlocal answered
            answered = count
            self._progress(payment_slips.paying(count, len(payments)))

        try:
            return _paid(task, await pay(self._bank, wanted, payments, tell))
        except Denied as error:
            line = None if answered else line_at_fault(error, payments)
            told = {} if line is None else {"line": str(line)}
            if answered:
                said = payment_slips.denied_part(error)
            else:
                refused = await refusals.told(self._bank, error)
                said = payment_slips.denied(error, refused, payments, wanted.each)
            return Outcome(task, error.code, said, told)
        except (LostBank, InDoubt) as error:
            outcome = _unanswered(task, error)
            return replace(outcome, words=f"{outcome.words} {payment_slips.AGAIN}")
        finally:
            self._progress("")

    def _tell(self, outcome: Outcome) -> None:
        if self._as_json:
            self._write(outcome.as_json())
        elif outcome.code is not None:
            self._write(outcome.as_text())


def close_when_lost(feed: Feed, bank: Bank) -> None:
    """Have ``feed`` end as soon as ``bank`` is lost: nothing could be done with what it brings."""

    def close(why: LostBank) -> LostBank:
        feed.close()
        return why

    bank.lost.addCallback(close)


def _not_a_task(task: str, error: NotTask) -> Outcome:
    """The client's own answer to words that it need not send."""
    if error.why is None:
        return Outcome(task, codes.BAD_VERB, words.INVALID, {})
    return Outcome(task, codes.BAD_FIELD, f"{words.INVALID}: {error.why}", {"field": error.field or ""})


def _unanswered(task: str, error: LostBank | InDoubt) -> Outcome:
    """The client's own answer where the bank's did not come, or was that it does not know."""
    if isinstance(error, LostBank):
        return Outcome(task, None, words.lost(error), {})
    code = error.why.code if isinstance(error.why, Denied) else None
    return Outcome(task, code, words.trouble(error), {"key": error.key})


def _paid(task: str, paid: Paid) -> Outcome:
    """What became of a payment file, whose lines are told by their numbers in the file."""
    fields = {
        "key": paid.key,
        "made": str(len(paid.made)),
        "before": str(paid.before),
        "refused": str(len(paid.refused)),
        "amount": str(paid.amount_minor),
        "currency": paid.currency,
    }
    became = sorted((*paid.made, *paid.refused), key=lambda one: one[0].line)
    items = tuple(
        {"line": str(payment.line), "to": payment.payee.payee, "amount": str(payment.payee.amount_minor)}
        | ({"receipt": str(line.receipt)} if line.receipt is not None else {"reason": line.reason or ""})
        for payment, line in became
    )
    return Outcome(task, codes.DONE, payment_slips.paid(paid), fields, items, whole=not paid.refused)


def _words(request: Message | Verb, answer: Answer) -> str:
    """The answer in words. Raises NotReply when it is no answer to ``request``."""
    if answer.code.refuses:
        return words.refused(denied(answer))
    if isinstance(request, Verb):
        return words.code(answer.code)
    message = type(request)
    items: list[Any] = items_of(message, answer) if message in ITEMS else []
    return slips.answer(request, body_of(message, answer), items)
