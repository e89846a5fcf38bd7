"""Addresses: which e-mail addresses a message can go to, and how much of an address is shown."""

import re
from ipaddress import ip_address

# RFC 5321, section 4.1.2, without quoted local parts and address literals, which could hold other parts of a message.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = re.compile(rf"(?=.{{1,64}}@.{{1,253}}\Z){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})*")

_LONG = 11
"""Characters that a mobile number has at least of which seven may be shown."""

_MOST_SHOWN = 140
"""Characters of a text in a reply (``wire.grammar.TEXT``)."""


def is_email(text: str) -> bool:
    """Whether ``text`` is an e-mail address, and nothing that a header or a command could take for more than that."""
    return _EMAIL.fullmatch(text) is not None


def masked(address: str) -> str:
    """``address`` with its middle hidden: enough for its owner to know it, too little for others to use it."""
    local, at, domain = address.rpartition("@")
    if at:
        shown = f"{local[0]}…{local[-1]}@{domain}" if len(local) > 2 else f"…@{domain}"
        return shown if len(shown) <= _MOST_SHOWN else f"…{shown[-_MOST_SHOWN + 1 :]}"
    return f"{address[:5]}…{address[-2:]}" if len(address) >= _LONG else f"…{address[-2:]}"


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine itself, so that what goes there crosses no network."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
