"""What a customer wants to be told of, in words for people."""

from bankd.client import amounts
from bankd.language import _
from bankd.records import OPTIONAL, NoticeKind, PreferencesView

KINDS = {
    NoticeKind.PAID: _("Payments that you make"),
    NoticeKind.RECEIVED: _("Payments that reach you"),
    NoticeKind.DEPOSIT: _("Cash paid in"),
    NoticeKind.WITHDRAWAL: _("Cash withdrawn"),
    NoticeKind.FEE: _("Fees"),
    NoticeKind.HOLD: _("Money set aside by you"),
    NoticeKind.PROMISED: _("Money set aside for you"),
    NoticeKind.RELEASED: _("Your money that is free again"),
    NoticeKind.WITHDRAWN: _("Money no longer set aside for you"),
    NoticeKind.REVERSAL: _("Payments given back"),
    NoticeKind.STATEMENT: _("Statements that are ready"),
}
"""What each kind that can be switched off is called."""

TOLD, NOT_TOLD = _("told"), _("not told")
EVERY, FROM = _("Amounts: every amount"), _("Amounts: from {amount}")
ALWAYS = _("What protects your account is always told.")
DONE, AMOUNT, EVERY_AMOUNT = _("Done"), _("Only amounts from..."), _("Every amount")


def told(chosen: PreferencesView) -> str:
    """What was chosen."""
    lines = [f"{KINDS[kind]}: {NOT_TOLD if kind in chosen.kinds else TOLD}" for kind in OPTIONAL]
    return "\n".join([*lines, _amounts(chosen), ALWAYS])


def _amounts(chosen: PreferencesView) -> str:
    if not chosen.least_minor:
        return EVERY
    return FROM.format(amount=amounts.written(chosen.least_minor, chosen.currency))
