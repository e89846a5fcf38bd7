"""``bankctl receipt``: is a signed receipt genuine, and what does it certify? It asks no bank and no database."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bankd import keyring, money
from bankd.ctl.command import DONE, FAULT, UNUSABLE, Command, Unusable, printable, settings_of
from bankd.signing import Kind, NotSigned

MOST_OCTETS = 10_000
"""A file that holds more is no receipt, and is not read to its end."""

KINDS = {
    "deposit": "cash paid in",
    "withdrawal": "cash paid out",
    "paid": "paid",
    "received": "received",
}
"""What each kind of entry is called; others are shown as they are."""


def _verify(options: Namespace) -> int:
    key = keyring.public_key(options.key or settings_of(options).state / keyring.PUBLIC)
    try:
        claims = key.read(Kind.RECEIPT, _read(options.receipt))
    except NotSigned as error:
        print(f"this is no receipt of the bank with this key: {error}")
        return FAULT
    try:
        rows = _rows(claims)
    except (KeyError, TypeError, ValueError):
        raise Unusable("the receipt is genuine, but of a form that this version does not know") from None
    print("the receipt is genuine; the bank certifies:")
    for name, value in (*rows, ("signed with", key.fingerprint)):
        print(printable(f"  {name:<14} {value}"))
    return DONE


def _read(path: Path) -> str:
    """The text of the receipt, without what stands around it in a file. Raises OSError."""
    if str(path) == "-":
        octets = sys.stdin.buffer.read(MOST_OCTETS)
    else:
        with path.open("rb") as file:
            octets = file.read(MOST_OCTETS)
    return octets.decode("ascii", "replace").strip()


def _rows(claims: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is certified, by what a person calls it."""
    amount, currency = claims["amount"], claims["currency"]
    preposition = "to" if amount < 0 else "from"
    other = f" {preposition} account {claims['counterparty']}" if "counterparty" in claims else ""
    what = KINDS.get(claims["kind"], claims["kind"])
    return [
        ("bank", claims["bank"]),
        ("receipt", str(claims["receipt"])),
        ("account", claims["account"]),
        ("at", claims["at"]),
        ("what", f"{what}: {money.written(abs(amount), currency)}{other}"),
        *([("reference", claims["reference"])] if "reference" in claims else []),
        ("balance after", money.written(claims["balance"], currency)),
        ("entry's link", claims["link"]),
    ]


def _verify_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("receipt", type=Path, metavar="FILE", help="the signed receipt; - for standard input")
    parser.add_argument(
        "--key", type=Path, metavar="PEM", help="the bank's public key; without, receipts.pem in the state folder"
    )


VERIFY = Command(
    "receipt verify",
    "check a signed receipt, and say what it certifies; exit 1 when it is not the bank's, or was altered",
    _verify,
    _verify_arguments,
    failed=UNUSABLE,
)
