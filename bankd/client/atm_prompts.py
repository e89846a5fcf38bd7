"""What a cash machine asks and says."""

from bankd.client import amounts
from bankd.language import _

HELLO = _("Welcome. This machine pays cash out and in.")
WHO = _("Account number, or mobile number with +: ")
HINT_WHO = _("An account number is on your card; a mobile number begins with + and the country's code.")
KEY = _("Press a key: ")
ANOTHER = _("Would you like anything else?")
YES, NO = _("Yes"), _("No")
OTHER = _("Another amount")
AMOUNT_OUT = _("How much would you like?")
AMOUNT_IN = _("How much have you put in?")
GO_ON = _("Press Enter to go on: ")
FAREWELL = _("Please take your card.\n\nThank you, and goodbye.")
OUT_OF_SERVICE = _("This machine is out of service for the moment.")
TRYING_AGAIN = _("It tries again by itself.")


def heading(bank: str) -> str:
    """The top of every page."""
    return f"\n  {bank}\n  {'=' * max(len(bank), 20)}\n"


def big(names: list[str]) -> str:
    """Choices as they stand on the screen, each beside the key for it."""
    return "\n".join(f"   [ {number} ]   {name}\n" for number, name in enumerate(names, 1))


def cash(amount_minor: int, currency: str) -> str:
    """An amount among the choices."""
    return amounts.written(amount_minor, currency)
