"""Tasks as people write them, ``Transfer $100 to Account XYZ``, and the requests that they become.

1. Letters' case and the number of spaces do not matter. ``SHAPES`` holds every form, and ``--help`` prints it.
2. What stands in their places is read by ``task_values``.
3. Words of another form are sent to the bank as a verb where they can be, so that the answer is the bank's own; but
   never as a verb that exists, for that would do something else than what is written.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from bankd.client import days, forms, task_values
from bankd.client.export import FORMS, Export, form_of
from bankd.client.payment_file import PayFile
from bankd.client.task_values import Context as Context
from bankd.client.task_values import Found
from bankd.client.task_values import NotTask as NotTask
from bankd.records import NOTHING
from bankd.wire import grammar, messages
from bankd.wire.messages import BY_VERB, Message


@dataclass(frozen=True, slots=True)
class Verb:
    """Words that only the bank can judge, as the verb that they would be."""

    name: str


@dataclass(frozen=True, slots=True)
class Shape:
    """One form of task: how ``--help`` writes it, its pattern, and the request that it becomes."""

    usage: str
    pattern: str
    build: Callable[[Found, Context], Message | Export | PayFile]

    def match(self, text: str) -> re.Match[str] | None:
        """The parts of ``text``, if it has this form."""
        return re.fullmatch(self.pattern, text, re.IGNORECASE)


def _deposit(found: Found, context: Context) -> Message:
    return messages.Deposit(amount=task_values.amount(found, context), currency=context.currency, key=context.new_key())


def _withdraw(found: Found, context: Context) -> Message:
    return messages.Withdraw(
        amount=task_values.amount(found, context), currency=context.currency, key=context.new_key()
    )


def _transfer(found: Found, context: Context) -> Message:
    return messages.Transfer(
        to=task_values.value("to", forms.PAYEE, found),
        amount=task_values.amount(found, context),
        currency=context.currency,
        key=context.new_key(),
        reference=task_values.value_if_given("reference", forms.REFERENCE, found),
    )


def _hold(found: Found, context: Context) -> Message:
    return messages.Hold(
        to=task_values.value_if_given("to", forms.PAYEE, found),
        amount=task_values.amount(found, context),
        currency=context.currency,
        seconds=task_values.hold_seconds(found),
        key=context.new_key(),
        reference=task_values.value_if_given("reference", forms.REFERENCE, found),
    )


def _capture(found: Found, context: Context) -> Message:
    amount = task_values.amount_if_given(found, context)
    return messages.Capture(hold=int(found["hold"] or ""), amount=amount, key=context.new_key())


def _release(found: Found, context: Context) -> Message:
    return messages.Release(hold=int(found["hold"] or ""), key=context.new_key())


def _reverse(found: Found, context: Context) -> Message:
    return messages.Reverse(
        receipt=int(found["receipt"] or ""),
        amount=task_values.amount_if_given(found, context),
        key=context.new_key(),
        reference=task_values.value_if_given("reference", forms.REFERENCE, found),
    )


def _contact(found: Found, context: Context) -> Message:
    return messages.UpdateContact(
        email=task_values.value_if_given("email", forms.CONTACT_EMAIL, found),
        mobile=task_values.value_if_given("mobile", forms.CONTACT_MOBILE, found),
        name=task_values.value_if_given("name", forms.CONTACT_NAME, found),
    )


def _statement(found: Found, context: Context) -> Message:
    period = task_values.period(found)
    return messages.Statement(limit=task_values.entries(found), since_us=period.since_us, before_us=period.before_us)


def _balance_at(found: Found, context: Context) -> Message:
    """The balance when the clock showed the time of that day, or else at the day's end, its last entries included."""
    day_ended_us = task_values.day("at", days.ends, found) or 0
    if found["time"] is None:
        return messages.Balance(at_us=day_ended_us - 1)
    try:
        return messages.Balance(at_us=days.at(found["at"] or "", found["time"]))
    except ValueError:
        raise NotTask("at", days.HINT_TIME) from None


def _export(found: Found, context: Context) -> Export:
    path = task_values.path(found)
    form = (found["form"] or form_of(path) or "").lower()
    if form not in FORMS:
        raise NotTask("file", NO_FORM)
    return Export(path, form, task_values.period(found))


def _pay_file(found: Found, context: Context) -> PayFile:
    return PayFile(task_values.path(found), found["each"] is not None, found["name"] or "")


NO_FORM = "a file's name ends in .csv, .json or .xml, or 'as csv', 'as json' or 'as camt' follows it"

_DAYS = r"(?: from (?P<since>\S+))?(?: to (?P<before>\S+))?"


SHAPES = (
    Shape("Check Balance", r"check balance", lambda found, context: messages.Balance()),
    Shape("Balance at DAY [TIME]", r"(?:check )?balance at (?P<at>\S+)(?: (?P<time>\S+))?", _balance_at),
    Shape("View Account Details", r"view account details", lambda found, context: messages.ViewDetails()),
    Shape("View Accounts", r"view accounts", lambda found, context: messages.Accounts()),
    Shape(
        "Receipt NUMBER",
        r"receipt (?P<receipt>\d{1,18})",
        lambda found, context: messages.Certify(receipt=int(found["receipt"] or "")),
    ),
    Shape("Statement [ENTRIES] [from DAY] [to DAY]", r"statement(?: (?P<limit>\d+))?" + _DAYS, _statement),
    Shape("Statement of MONTH [ENTRIES]", r"statement of (?P<month>\S+)(?: (?P<limit>\d+))?", _statement),
    Shape(
        "Export Statement to FILE [as FORM] [from DAY] [to DAY]",
        r"export statement to (?P<file>.+?)(?: as (?P<form>\w+))?" + _DAYS,
        _export,
    ),
    Shape("Deposit AMOUNT", r"deposit (?P<amount>\S+)", _deposit),
    Shape("Withdraw AMOUNT", r"withdraw (?P<amount>\S+)", _withdraw),
    Shape(
        "Transfer AMOUNT to Account NUMBER [reference WORDS ...]",
        r"transfer (?P<amount>\S+) to (?:account )?(?P<to>\S+)(?: reference (?P<reference>.+))?",
        _transfer,
    ),
    Shape(
        "Pay File FILE [each] [as NAME]",
        r"pay file (?P<file>.+?)(?P<each> each)?(?: as (?P<name>\S+))?",
        _pay_file,
    ),
    Shape(
        "Hold AMOUNT [for Account NUMBER] [days N] [reference WORDS ...]",
        r"hold (?P<amount>\S+)(?: for (?:account )?(?P<to>\S+))?(?: days (?P<days>\d+))?"
        r"(?: reference (?P<reference>.+))?",
        _hold,
    ),
    Shape("Capture Hold NUMBER [AMOUNT]", r"capture (?:hold )?(?P<hold>\d{1,18})(?: (?P<amount>\S+))?", _capture),
    Shape("Release Hold NUMBER", r"release (?:hold )?(?P<hold>\d{1,18})", _release),
    Shape("View Holds", r"view holds", lambda found, context: messages.Holds()),
    Shape(
        "Give Back Receipt NUMBER [AMOUNT] [reference WORDS ...]",
        r"give back (?:receipt )?(?P<receipt>\d{1,18})(?: (?P<amount>(?!reference )\S+))?"
        r"(?: reference (?P<reference>.+))?",
        _reverse,
    ),
    Shape("View Preferences", r"view preferences", lambda found, context: messages.Preferences()),
    Shape("Mute Nothing", r"mute nothing", lambda found, context: messages.Preferences(muted=NOTHING)),
    Shape(
        "Mute KIND [KIND ...]",
        r"mute (?P<kinds>[a-z]+(?: [a-z]+)*)",
        lambda found, context: messages.Preferences(muted=task_values.muted(found)),
    ),
    Shape(
        "Notices from AMOUNT",
        r"notices from (?P<amount>\S+)",
        lambda found, context: messages.Preferences(least=task_values.amount(found, context)),
    ),
    Shape("Notices of Every Amount", r"notices of every amount", lambda found, context: messages.Preferences(least=0)),
    Shape("View Limits", r"view limits", lambda found, context: messages.Limits()),
    Shape(
        "Update Contact Information [email ADDRESS] [mobile NUMBER] [name WORDS ...]",
        r"update contact information(?: email (?P<email>\S+))?(?: mobile (?P<mobile>\S+))?(?: name (?P<name>.+))?",
        _contact,
    ),
    Shape(
        "Open Account [CURRENCY]",
        r"open account(?: (?P<currency>[a-z]{3}))?",
        lambda found, context: messages.OpenAccount(
            currency=task_values.value_if_given("currency", forms.CURRENCY, found)
        ),
    ),
    Shape("Notices", r"notices", lambda found, context: messages.Notices()),
    Shape(
        "Acknowledge NUMBER",
        r"acknowledge (?P<upto>\d{1,18})",
        lambda found, context: messages.Acknowledge(upto=int(found["upto"] or "")),
    ),
    Shape("Exit", r"exit", lambda found, context: messages.Logout()),
)
"""Every form of task."""


def read_task(text: str, context: Context) -> Message | Export | PayFile | Verb:
    """The request, or what is done with a file, that the words of ``text`` become. Raises NotTask."""
    text = " ".join(text.split())
    for shape in SHAPES:
        found = shape.match(text)
        if found is not None:
            return shape.build(found.groupdict(), context)
    verb = text.upper().replace(" ", "_")
    if re.fullmatch(grammar.VERB, verb.encode(errors="replace")) and verb not in BY_VERB:
        return Verb(verb)
    raise NotTask
