"""Why the bank refused, with what it tells besides only when it is asked: the limit that was passed."""

from bankd import codes
from bankd.client import prompts, words
from bankd.client.bank import Bank
from bankd.client.errors import LostBank
from bankd.codes import Refused
from bankd.wire.messages import Capture, Certify, Message

UNPROVEN = (codes.ONE_TIME, codes.WRONG_CODE, codes.NO_CHALLENGE)
"""What comes in place of a request's own answer, where no one-time password was right."""


async def told(bank: Bank | None, error: Refused, request: Message | None = None) -> str:
    """Why ``bank`` refused, in words; ``request`` is what it refused, where that is known. Raises nothing.

    Whose account is frozen is known of all but a hold that is to be paid, which may be another's.
    """
    if isinstance(request, Certify) and error.code == codes.BAD_FIELD:
        return prompts.NO_RECEIPT
    if isinstance(request, Capture) and error.code == codes.FROZEN:
        return words.PAYER_FROZEN
    if error.code in UNPROVEN and bank is not None and bank.welcome is not None:
        return f"{words.refused(error)} {prompts.NOTHING_DONE}"
    if bank is None or bank.over or error.code not in words.OVER_LIMIT:
        return words.refused(error)
    try:
        return words.over_limit(error.code, await bank.limits())
    except (Refused, LostBank):
        return words.refused(error)
