"""What a customer can do at the menu, one function for each line of it, from the first question to the last word.

Each asks by the dialog, does one thing at the bank and says how it went. ``Back`` means that the person thought better
of it; a refusal is left to the menu to say.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from bankd import codes
from bankd.client import days, forms, prompts, slips, words
from bankd.client.bank import Bank
from bankd.client.dialog import Back, Dialog
from bankd.client.export import Export, export, form_of
from bankd.client.files.new_file import NotWritten, new_file
from bankd.client.forms import Form, Way
from bankd.client.news import month
from bankd.client.noticeboard import Noticeboard
from bankd.codes import Refused
from bankd.records import ALWAYS, Period, SignedReceipt, period_of
from bankd.wire import messages
from bankd.wire.grammar import COUNT

STATEMENT_LINES = 10
"""Entries on the screen at once."""

NOTICES_SHOWN = 10
"""Notices of before that are listed where none waits."""

NAMELESS = (codes.WAIT, codes.BUSY, codes.BAD_VERB)
"""Why a payee's name is not shown, though the account can be paid: too many questions, or a bank that is older."""


@dataclass(frozen=True, slots=True)
class Session:
    """A customer at the counter, and the way of the log-in, whose secret is asked again where that is needed."""

    dialog: Dialog
    bank: Bank
    board: Noticeboard
    way: Way


async def view_details(session: Session) -> None:
    """Show the customer's details and accounts."""
    session.dialog.say(slips.details(await session.bank.details()))
    for account in await session.bank.accounts():
        session.dialog.say(slips.account(account))


async def check_balance(session: Session) -> None:
    """Show the balance."""
    session.dialog.say(slips.balance(await session.bank.balance()))


async def deposit(session: Session) -> None:
    """Pay cash in."""
    amount_minor = await session.dialog.ask_amount(session.bank.currency)
    session.dialog.done(slips.deposited(await session.bank.deposit(amount_minor)))


async def withdraw(session: Session) -> None:
    """Pay cash out."""
    amount_minor = await session.dialog.ask_amount(session.bank.currency)
    session.dialog.done(slips.withdrawn(await session.bank.withdraw(amount_minor)))


async def transfer(session: Session) -> None:
    """Pay another account, once the person has confirmed it."""
    talk, bank = session.dialog, session.bank
    payee, name = await _ask_payee(session, forms.PAYEE)
    amount_minor = await talk.ask_amount(bank.currency)
    reference = await talk.ask_optional(forms.REFERENCE)
    talk.say(prompts.before_transfer(name, amount_minor, await bank.balance(), await bank.limits()))
    if not await talk.confirm(prompts.confirm_transfer(amount_minor, bank.currency, payee)):
        raise Back
    talk.done(slips.transferred(await bank.transfer(payee, amount_minor, reference), payee))


async def statement(session: Session, period: Period = ALWAYS) -> None:
    """Show entries of a period, newest first, page by page."""
    page = await session.bank.statement(STATEMENT_LINES, None, period)
    session.dialog.say(slips.statement(page))
    while page.end.cursor is not None and await session.dialog.confirm(prompts.OLDER):
        page = await session.bank.statement(STATEMENT_LINES, page.end.cursor, period)
        session.dialog.say(slips.statement(page))


async def export_statement(session: Session) -> None:
    """Write the entries of some days, or all, to a file."""
    talk = session.dialog
    file = await talk.ask_read(prompts.FILE, prompts.HINT_FILE, _file_to_write)
    if file is None:
        raise Back
    path, form = file
    wanted = Export(path, form, await _ask_period(talk))
    try:
        count = await export(session.bank, wanted, lambda entries: talk.progress(slips.exporting(entries)))
    except NotWritten as error:
        talk.warn(f"{words.NOT_WRITTEN}: {error}.")
    else:
        talk.done(slips.exported(count, str(path)))
    finally:
        talk.progress("")


async def save_receipt(session: Session) -> None:
    """Write a signed receipt to a file of its own."""
    talk = session.dialog
    receipt = await ask_receipt(session, prompts.RECEIPT_NUMBER)
    path = await talk.ask_read(prompts.RECEIPT_FILE, "", lambda name: Path(os.path.expanduser(name)))
    if path is None:
        raise Back
    try:
        with new_file(path) as file:
            file.write(receipt.signed + "\n")
    except NotWritten as error:
        talk.warn(f"{words.NOT_WRITTEN}: {error}.")
    else:
        talk.done(slips.kept(receipt.receipt, str(path)))


async def view_limits(session: Session) -> None:
    """Show what the account may spend, and what that costs."""
    session.dialog.say(slips.allowance(await session.bank.limits()))


async def update_contact(session: Session) -> None:
    """Change name, e-mail address or mobile number, or confirm those on record."""
    talk = session.dialog
    talk.say(slips.details(await session.bank.details()))
    name = await talk.ask_optional(forms.CONTACT_NAME)
    email = await talk.ask_optional(forms.CONTACT_EMAIL)
    mobile = await talk.ask_optional(forms.CONTACT_MOBILE)
    if name or email or mobile or await talk.confirm(prompts.CONFIRM_CONTACT):
        talk.done(slips.contact(await session.bank.update_contact(name=name, email=email, mobile=mobile)))
    else:
        raise Back


async def notices(session: Session) -> None:
    """Show all notices that wait, or else the newest of those before, and have them acknowledged as the person says.

    Where a statement is ready among them the newest of these is offered.
    """
    talk, board = session.dialog, session.board
    await board.show_all(lambda count: talk.confirm(prompts.next_notices(count)))
    if not board.waiting:
        earlier = await board.earlier(NOTICES_SHOWN)
        talk.say("\n".join([prompts.NO_NOTICES, *([prompts.EARLIER, slips.notices(earlier)] if earlier else [])]))
        return
    upto = await talk.ask_read(prompts.UPTO_NOTICE, prompts.HINT_NOTICE, _all_or_number)
    if upto is None:
        raise Back
    ready = [notice.period for notice in board.waiting if notice.period and notice.number <= (upto or notice.number)]
    talk.done(prompts.acknowledged(await board.acknowledge(upto or None)))
    board.remind()
    if ready and await talk.confirm(prompts.SHOW_MONTH.format(month=month(ready[-1]))):
        await statement(session, period_of(ready[-1]))


async def change_pin(session: Session) -> None:
    """Set a new PIN."""
    secret = await secret_again(session)
    new = await session.dialog.ask_twice(forms.NEW_PIN)
    await session.bank.change(messages.ChangePin(new=new, **secret))
    session.dialog.done(prompts.PIN_CHANGED)


async def change_password(session: Session) -> None:
    """Set a new password."""
    secret = await secret_again(session)
    new = await session.dialog.ask_twice(forms.NEW_PASSWORD)
    await session.bank.change(messages.ChangePassword(new=new, **secret))
    session.dialog.done(prompts.PASSWORD_CHANGED)


async def open_account(session: Session) -> None:
    """Open another account."""
    currency = await session.dialog.ask_optional(forms.CURRENCY)
    session.dialog.done(slips.opened(await session.bank.open_account(currency)))


async def delete_account(session: Session) -> None:
    """Close the session's account for good, and pay out what it holds."""
    talk, bank = session.dialog, session.bank
    account = await bank.balance()
    payout, _name = await _ask_payee(session, forms.PAYOUT) if account.balance_minor > 0 else (None, None)
    if not await talk.confirm(prompts.confirm_deletion(account, payout)):
        raise Back
    secret = await secret_again(session)
    await bank.delete_account(messages.DeleteAccount(payout=payout, **secret))
    talk.done(prompts.closed(account.account))


async def leave(session: Session) -> None:
    """Log out."""
    await session.bank.log_out()
    session.dialog.say(prompts.LOGGED_OUT)


async def ask_receipt(session: Session, question: str) -> SignedReceipt:
    """The receipt whose number the person gives, signed, once it was shown. Raises Back."""
    number = await session.dialog.ask_read(question, prompts.HINT_RECEIPT, COUNT.parse)
    if number is None:
        raise Back
    try:
        receipt = await session.bank.certify(int(number))
    except Refused as error:
        if error.code != codes.BAD_FIELD:
            raise
        session.dialog.warn(prompts.NO_RECEIPT)
        raise Back from None
    session.dialog.say(slips.certifies(receipt))
    return receipt


def _file_to_write(name: str) -> tuple[Path, str]:
    """A file and the form that its ending stands for. Raises ValueError where it stands for none."""
    path = Path(os.path.expanduser(name))
    form = form_of(path)
    if form is None:
        raise ValueError(name)
    return path, form


async def _ask_period(talk: Dialog) -> Period:
    """From which day to which."""
    since_us = await talk.ask_read(prompts.SINCE, prompts.HINT_DAY, days.begins)
    while True:
        period = Period(since_us, await talk.ask_read(prompts.UPTO, prompts.HINT_DAY, days.ends))
        if not days.wrong_way(period):
            return period
        talk.warn(prompts.WRONG_WAY)


async def _ask_payee(session: Session, form: Form) -> tuple[str, str | None]:
    """An account that can be paid, and what the bank shows of its owner's name, if anything. Raises Back."""
    talk = session.dialog
    while True:
        number = await talk.ask(form)
        try:
            name = (await session.bank.payee(number)).name
        except Refused as error:
            if error.code in (codes.NO_ACCOUNT, codes.SAME_ACCOUNT):
                talk.warn(words.refused(error))
                continue
            if error.code not in NAMELESS:
                raise
            talk.warn(prompts.NO_MORE_NAMES if error.code == codes.WAIT else prompts.NAME_NOT_SHOWN)
            return number, None
        talk.say(prompts.belongs_to(number, name))
        return number, name


def _all_or_number(typed: str) -> int:
    """The number of a notice, or 0 for all. Raises ValueError."""
    return 0 if typed.casefold() == prompts.ALL else int(COUNT.parse(typed))


async def secret_again(session: Session) -> dict[str, str]:
    """The field with the secret that the session was opened with, asked again. Raises Back."""
    form = forms.PRESENT_PASSWORD if session.way.secret is forms.PASSWORD else forms.PRESENT_PIN
    return {session.way.secret_field: await session.dialog.ask(form)}
