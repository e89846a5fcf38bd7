"""Files of payments at the menu: what a file comes to is shown before anything is paid, and what became of it after."""

import os
from pathlib import Path

from bankd.client import payment_slips, prompts, refusals
from bankd.client.counter import Session
from bankd.client.dialog import Back
from bankd.client.errors import Denied, InDoubt, LostBank
from bankd.client.files.payments import NotPayments, Payment
from bankd.client.payment_file import PayFile, pay, to_pay


async def pay_file(session: Session) -> None:
    """Pay what a file says, together or each by itself, once the person has confirmed it."""
    talk, bank = session.dialog, session.bank
    path = await talk.ask_read(prompts.PAYMENTS_FILE, "", lambda name: Path(os.path.expanduser(name)))
    if path is None:
        raise Back
    name = await talk.ask_read(prompts.RUN, prompts.HINT_RUN, _name) or ""
    wanted = PayFile(path, await talk.confirm(prompts.EACH), name)
    try:
        payments = to_pay(bank, wanted)
    except NotPayments as error:
        talk.warn(payment_slips.unreadable(error))
        return
    amount_minor = sum(payment.payee.amount_minor for payment in payments)
    if not await talk.confirm(payment_slips.confirm(len(payments), amount_minor, bank.currency)):
        raise Back
    await _pay(session, wanted, payments)


async def _pay(session: Session, wanted: PayFile, payments: tuple[Payment, ...]) -> None:
    """Pay, and say what became of it. Raises LostBank and InDoubt."""
    talk, answered = session.dialog, 0

    def tell(count: int) -> None:
        nonlocal answered
        answered = count
        talk.progress(payment_slips.paying(count, len(payments)))

    try:
        paid = await pay(session.bank, wanted, payments, tell)
    except Denied as error:
        if answered:
            talk.warn(payment_slips.denied_part(error))
        else:
            said = await refusals.told(session.bank, error)
            talk.warn(payment_slips.denied(error, said, payments, wanted.each))
    except (LostBank, InDoubt):
        talk.warn(payment_slips.AGAIN)
        raise
    else:
        (talk.warn if paid.refused else talk.done)(payment_slips.paid(paid))
    finally:
        talk.progress("")


def _name(typed: str) -> str:
    """The name of a run, which has no spaces. Raises ValueError."""
    if len(typed.split()) != 1:
        raise ValueError(typed)
    return typed
