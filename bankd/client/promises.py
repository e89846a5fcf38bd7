"""Promises at the menu: money set aside, and payments given back.

As at the ``counter``, each function goes from the first question to the last word. Whatever moves or binds money is
shown with its amount first, and that amount is what the bank is asked for.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from bankd import codes
from bankd.client import days, forms, prompts, slips, words
from bankd.client.counter import Session, ask_receipt
from bankd.client.dialog import Back, Option
from bankd.codes import Refused
from bankd.records import HoldView
from bankd.wire.grammar import COUNT

WEEK_DAYS = 7

WithHolds = Callable[[Session, list[HoldView]], Coroutine[Any, Any, None]]


async def holds(session: Session) -> None:
    """Show what is set aside, and do what the person then chooses."""
    views = await session.bank.holds()
    session.dialog.say(slips.holds(views))
    chosen = await session.dialog.choose(HOLDS_MENU)
    if chosen is not None:
        await chosen(session, views)


async def hold(session: Session, _views: list[HoldView]) -> None:
    """Set an amount aside, once the person has confirmed it."""
    talk, bank = session.dialog, session.bank
    payee = await talk.ask_optional(forms.HOLD_FOR)
    amount_minor = await talk.ask_amount(bank.currency)
    span = await talk.ask_read(prompts.HOLD_DAYS, prompts.HINT_DAYS, _days) or WEEK_DAYS
    reference = await talk.ask_optional(forms.REFERENCE)
    if not await talk.confirm(prompts.confirm_hold(amount_minor, bank.currency, payee, span)):
        raise Back
    talk.done(slips.held(await bank.hold(amount_minor, payee, span * days.SECONDS, reference)))


async def capture(session: Session, views: list[HoldView]) -> None:
    """Have a hold paid, in whole or in part."""
    talk = session.dialog
    view = await _one_of(session, views)
    amount_minor = await talk.ask_amount(view.currency, abs(view.amount_minor))
    if not await talk.confirm(prompts.confirm_capture(amount_minor, view)):
        raise Back
    try:
        talk.done(slips.captured(await session.bank.capture(view.hold, amount_minor)))
    except Refused as error:
        if error.code != codes.FROZEN or view.amount_minor < 0:
            raise
        talk.warn(words.PAYER_FROZEN)
        raise Back from None


async def release(session: Session, views: list[HoldView]) -> None:
    """End a hold without payment."""
    view = await _one_of(session, views)
    if not await session.dialog.confirm(prompts.confirm_release(view)):
        raise Back
    session.dialog.done(slips.released(await session.bank.release(view.hold)))


async def give_back(session: Session) -> None:
    """Give back a payment that the account received, in whole or in part."""
    talk, bank = session.dialog, session.bank
    payment = await ask_receipt(session, prompts.RECEIVED)
    if payment.kind != "received" or payment.counterparty is None:
        talk.warn(words.code(codes.NO_ENTRY))
        raise Back
    amount_minor = await talk.ask_amount(payment.currency, payment.amount_minor)
    reference = await talk.ask_optional(forms.REFERENCE)
    if not await talk.confirm(prompts.confirm_give_back(amount_minor, payment.currency, payment.counterparty)):
        raise Back
    talk.done(slips.given_back(await bank.give_back(payment.receipt, amount_minor, reference)))


HOLDS_MENU: tuple[Option[WithHolds | None], ...] = (
    Option(prompts.HOLD, hold),
    Option(prompts.CAPTURE, capture),
    Option(prompts.RELEASE, release),
    Option(prompts.BACK, None),
)


async def _one_of(session: Session, views: list[HoldView]) -> HoldView:
    """One of the holds that were shown. Raises Back, also where there is none."""
    by_number = {str(view.hold): view for view in views}

    def read(typed: str) -> HoldView:
        if typed not in by_number:
            raise ValueError(typed)
        return by_number[typed]

    view = await session.dialog.ask_read(prompts.HOLD_NUMBER, prompts.HINT_HOLD, read) if views else None
    if view is None:
        raise Back
    return view


def _days(typed: str) -> int:
    """A number of days that a hold may last. Raises ValueError."""
    span = int(COUNT.parse(typed))
    if not 1 <= span <= days.MOST_HELD:
        raise ValueError(typed)
    return span
