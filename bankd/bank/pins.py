"""New PINs that the bank makes itself."""

from bankd import codes
from bankd.bank import strength
from bankd.bank.accounts import RandomBelow
from bankd.codes import Refused


def new_pin(random_below: RandomBelow, mobile: str | None) -> str:
    """Five digits that are not too easy to guess of who has the number ``mobile``."""
    while True:
        pin = f"{random_below(100_000):05}"
        try:
            strength.check("pin", pin, [mobile])
        except Refused as refused:
            assert refused.code is codes.WEAK_SECRET
        else:
            return pin
