"""What notices say, in English: what happened on an account, and when."""

from datetime import UTC, datetime, tzinfo

from bankd.client import amounts
from bankd.language import _
from bankd.records import Notice, NoticeKind

NOTICES: dict[str, tuple[str, str]] = {
    NoticeKind.PAID: (_("You paid {amount} to {other}"), _("A payment left your account")),
    NoticeKind.RECEIVED: (_("You received {amount} from {other}"), _("A payment reached your account")),
    NoticeKind.DEPOSIT: (_("{amount} was paid in"), _("Cash was paid in")),
    NoticeKind.WITHDRAWAL: (_("{amount} was withdrawn"), _("Cash was withdrawn")),
    NoticeKind.FEE: (_("You paid a fee of {amount}"), _("A fee was charged")),
    NoticeKind.HOLD: (_("{amount} was set aside for {other}"), _("Money was set aside")),
    NoticeKind.PROMISED: (_("{amount} was set aside for you by {other}"), _("Money was set aside for you")),
    NoticeKind.RELEASED: (_("{amount} that was set aside is free again"), _("Money that was set aside is free again")),
    NoticeKind.WITHDRAWN: (_("{amount} is no longer set aside for you"), _("Money is no longer set aside for you")),
    NoticeKind.REVERSAL: (_("{amount} came back to you from {other}"), _("A payment was given back")),
    NoticeKind.DELETION: (_("Your account was closed"), _("Your account was closed")),
    NoticeKind.SECRET: (_("Your PIN or password was changed"),) * 2,
    NoticeKind.FAILED: (_("Somebody has tried several times to log in to your account, and failed"),) * 2,
    NoticeKind.LOCKOUT: (
        _("Too many tries to log in to your account have failed, and whoever made them is locked out"),
    )
    * 2,
    NoticeKind.UNUSUAL: (_("More cash than usual was withdrawn at once"),) * 2,
    NoticeKind.DEVICE: (_("Your authenticator app was set up or removed"),) * 2,
    NoticeKind.RECOVERY: (_("One of your recovery codes was used"),) * 2,
    NoticeKind.FROZEN: (_("Your account was frozen by the bank: no money can leave it"),) * 2,
    NoticeKind.UNFROZEN: (_("Your account is no longer frozen"),) * 2,
    NoticeKind.CONTACT: (_("Your contact information was changed"),) * 2,
    NoticeKind.PREFERENCES: (_("What you are told of was changed"),) * 2,
    NoticeKind.STATEMENT: (_("Your statement of {month} is ready"), _("A statement of yours is ready")),
    NoticeKind.BROADCAST: (_("Your bank says: {words}"), _("Your bank has something to say")),
}
"""Each kind of notice without its full stop: with what the bank tells of it, and where only the kind is known."""

WITHOUT_OTHER: dict[str, str] = {
    NoticeKind.PAID: _("You paid {amount} in cash"),
    NoticeKind.HOLD: _("{amount} was set aside for cash"),
    NoticeKind.REVERSAL: _("{amount} was given back to you"),
}
"""What is told instead where no other account is named."""

WENT_BACK = (_("{amount} went back to {other}"), _("{amount} was taken back"))
"""What is told of a reversal that the account paid for, with another account and without.

Who reversed it, the customer or the bank, is not told, so nobody is said to have done it.
"""


MONTHS = (
    *(_("January"), _("February"), _("March"), _("April"), _("May"), _("June")),
    *(_("July"), _("August"), _("September"), _("October"), _("November"), _("December")),
)


def month(period: str) -> str:
    """A month, which travels as ``2026-10``, as people write it."""
    return f"{MONTHS[int(period[5:]) - 1]} {period[:4]}"


def moment(at_us: int, zone: tzinfo | None = None) -> str:
    """A time as people write it, in ``zone`` or this computer's own."""
    at = datetime.fromtimestamp(at_us // 1_000_000, UTC)
    return at.astimezone(zone).strftime(_("%d %b %Y %H:%M"))


def kind_alone(kind: str) -> str:
    """A notice of which only the kind is known."""
    known = NOTICES.get(kind)
    return (known[1] if known else _("There is news of the kind '{kind}'").format(kind=kind)) + "."


def notice(notice: Notice, between: str = ", ") -> str:
    """A notice as a sentence: what happened, then ``between``, then when and the balance after it."""
    told, alone = NOTICES.get(notice.kind, ("", kind_alone(notice.kind)[:-1]))
    if notice.kind == NoticeKind.REVERSAL and (notice.amount_minor or 0) < 0:
        told = WENT_BACK[notice.counterparty is None]
    elif notice.counterparty is None:
        told = WITHOUT_OTHER.get(notice.kind, told)
    amount, balance = written(notice.amount_minor, notice.currency), written(notice.balance_minor, notice.currency)
    other = (
        _("account {counterparty}").format(counterparty=notice.counterparty)
        if notice.counterparty
        else _("another account")
    )
    of = month(notice.period) if notice.period else ""
    known = amount or notice.words or of or "{" not in told
    happened = told.format(amount=amount.removeprefix("-"), other=other, words=notice.words, month=of)
    reference = f" ({notice.reference})" if notice.reference else ""
    after = balance and _("; balance {balance}").format(balance=balance)
    return f"{(known and happened) or alone}{reference}{between}{moment(notice.at_us)}{after}."


def written(amount_minor: int | None, currency: str | None) -> str:
    """An amount with its currency; empty where either is not known."""
    return amounts.written(amount_minor, currency) if amount_minor is not None and currency else ""
