"""What a cash machine asks and says, in English."""

from bankd import money

HELLO = "Welcome. This machine pays cash out and in."
WHO = "Account number, or mobile number with +: "
HINT_WHO = "An account number is on your card; a mobile number begins with + and the country's code."
KEY = "Press a key: "
ANOTHER = "Would you like anything else?"
YES, NO = "Yes", "No"
OTHER = "Another amount"
AMOUNT_OUT = "How much would you like?"
AMOUNT_IN = "How much have you put in?"
GO_ON = "Press Enter to go on: "
FAREWELL = "Please take your card.\n\nThank you, and goodbye."
OUT_OF_SERVICE = "This machine is out of service for the moment."
TRYING_AGAIN = "It tries again by itself."


def heading(bank: str) -> str:
    """The top of every page."""
    return f"\n  {bank}\n  {'=' * max(len(bank), 20)}\n"


def big(names: list[str]) -> str:
    """Choices as they stand on the screen, each beside the key for it."""
    return "\n".join(f"   [ {number} ]   {name}\n" for number, name in enumerate(names, 1))


def cash(amount_minor: int, currency: str) -> str:
    """An amount among the choices."""
    return money.written(amount_minor, currency)
