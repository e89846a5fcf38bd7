"""The values that a person gives, each with its question, its kind in the wire's grammar and a hint; the log-ins."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bankd import money
from bankd.client import days, prompts
from bankd.wire import grammar
from bankd.wire.grammar import Kind
from bankd.wire.messages import Login


@dataclass(frozen=True, slots=True)
class Form:
    """A question for one kind of value, and the hint when the answer is not of that kind."""

    prompt: str
    kind: Kind
    hint: str
    hidden: bool = False
    dropped: str = ""  # characters that people write for the eye, such as the spaces in a number
    recased: Callable[[str], str] = str
    free: bool = False  # takes any words

    def read(self, typed: str) -> str:
        """The value that was ``typed``. Raises ValueError when it is not of the form's kind."""
        return str(self.kind.parse(self.bare(typed)))

    def bare(self, typed: str) -> str:
        """What was typed, without what people write for the eye; a secret is left as it is."""
        if self.hidden:
            return typed
        return self.recased(typed.strip().translate({ord(character): None for character in self.dropped}))


def _known(currency: str) -> str:
    """A currency that ISO 4217 knows, and in which an account can be kept. Raises ValueError."""
    if not money.is_currency(currency):
        raise ValueError(currency)
    return currency


USERNAME = Form(prompts.USERNAME, grammar.USERNAME, prompts.HINT_USERNAME, recased=str.lower)
PASSWORD = Form(prompts.PASSWORD, grammar.PASSWORD, prompts.HINT_PASSWORD, hidden=True)
ACCOUNT = Form(prompts.ACCOUNT, grammar.ACCOUNT, prompts.HINT_ACCOUNT, dropped=" ")
PIN = Form(prompts.PIN, grammar.PIN, prompts.HINT_PIN, hidden=True)
MOBILE = Form(prompts.MOBILE, grammar.MOBILE, prompts.HINT_MOBILE, dropped=" -()")

PRESENT_PASSWORD = replace(PASSWORD, prompt=prompts.PRESENT_PASSWORD)
PRESENT_PIN = replace(PIN, prompt=prompts.PRESENT_PIN)
NEW_PASSWORD = replace(PASSWORD, prompt=prompts.NEW_PASSWORD)
NEW_PIN = replace(PIN, prompt=prompts.NEW_PIN)
OPTIONAL_PIN = replace(PIN, prompt=prompts.OPTIONAL_PIN)

PASSCODE = Form(prompts.PASSCODE, grammar.PASSCODE, prompts.HINT_PASSCODE, dropped=" ")
PAYEE = replace(ACCOUNT, prompt=prompts.PAYEE)
PAYOUT = replace(ACCOUNT, prompt=prompts.PAYOUT)
HOLD_FOR = replace(ACCOUNT, prompt=prompts.HOLD_FOR)
REFERENCE = Form(prompts.REFERENCE, grammar.TEXT, prompts.HINT_TEXT, free=True)
CURRENCY = Form(prompts.CURRENCY, replace(grammar.CURRENCY, read=_known), prompts.HINT_CURRENCY, recased=str.upper)

MONTH = Form("", grammar.PERIOD, days.HINT_MONTH)

CONTACT_NAME = Form(prompts.NAME_OR_EMPTY, grammar.PERSON, prompts.HINT_NAME, free=True)
CONTACT_EMAIL = Form(prompts.EMAIL_OR_EMPTY, grammar.EMAIL, prompts.HINT_EMAIL)
CONTACT_MOBILE = replace(MOBILE, prompt=prompts.MOBILE_OR_EMPTY)


@dataclass(frozen=True, slots=True)
class Way:
    """A way to log in: the fields of LOGIN that say who and prove it, and the questions for them."""

    identity_field: str
    identity: Form
    secret_field: str
    secret: Form

    def login(self, identity: str, secret: str) -> Login:
        """The request that logs in this way."""
        return Login(**{self.identity_field: identity, self.secret_field: secret})


WAYS = {
    "user": Way("username", USERNAME, "password", PASSWORD),
    "account": Way("account", ACCOUNT, "pin", PIN),
    "mobile": Way("mobile", MOBILE, "pin", PIN),
}
"""Each way by the word for it on the command line, in the order of the screen."""
