"""Messages on the terminal of whoever runs the bank, for trying it out; the settings refuse it without ``demo``."""

import sys
from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred, execute
from zope.interface import implementer

from bankd.ibank import NotDelivered
from bankd.idelivery import ICourier
from bankd.records import Contact, Parcel


@implementer(ICourier)
class Console:
    """Prints parcels where the daemon was started; not into the log, which is kept. It reaches everybody."""

    way = "console"

    def __init__(self, settings: Mapping[str, Any], reactor: Any) -> None:
        self._stdout = sys.__stdout__  # ``sys.stdout`` is the log under twistd

    def address(self, contact: Contact) -> str:
        """The mobile number or e-mail address, where the bank knows one."""
        return contact.mobile or contact.email or ""

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Print ``parcel``, without what a terminal would obey."""
        return execute(self._print, self.address(contact), parcel)

    def _print(self, address: str, parcel: Parcel) -> None:
        lines = (f"--- to {address or 'a customer'}: {parcel.subject}", *parcel.text.splitlines(), "---")
        try:
            print(*(_printable(line) for line in lines), sep="\n", file=self._stdout, flush=True)
        except (OSError, ValueError) as error:  # the terminal is gone
            raise NotDelivered(f"cannot print: {type(error).__name__}") from None


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
