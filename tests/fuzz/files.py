"""Text that people write: files of payments, of accounts and of settings, and tasks in words."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bankd import config, settings_file
from bankd.bank import account_file
from bankd.bank.account_file import BadLine, Listed
from bankd.client.amounts import NotAmount, parse
from bankd.client.files.payments import NotPayments, read_payments
from bankd.client.tasks import SHAPES, Context, NotTask, read_task
from bankd.config import SettingsError
from bankd.money import MAX_AMOUNT_MINOR
from bankd.wire import codec, grammar
from bankd.wire.message import Message
from bankd.wire.messages import BulkItem
from tests.fuzz.target import Stateless, ensure

ETC = Path(__file__).resolve().parents[2] / "etc"


class Filed(Stateless):
    """A target whose input is a file, which is in memory: the system's files are slow to be made anew."""

    def __init__(self) -> None:
        self._file = os.memfd_create("input")
        self.path = Path(f"/proc/self/fd/{self._file}")

    def write(self, data: bytes) -> None:
        """Have the file say ``data``."""
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, data, 0)


class Payments(Filed):
    """A file of payments: all of it can be sent, or every line that cannot is told."""

    weight = 25

    def seeds(self) -> Sequence[bytes]:
        """Files as the client's page has them."""
        whole = b"account,amount,reference\n# Salaries\n10000042,1250.00,November\n10000059,99.5\n"
        return (whole, b'10000042,$1250,"M\xc3\xa4rz, and ""more"""\r\n\r\n1,1,\r\n', b"\xef\xbb\xbf10000042,1\n")

    def feed(self, data: bytes) -> None:
        """Read it."""
        self.write(data)
        try:
            payments = read_payments(self.path, "USD")
        except NotPayments as wrong:
            ensure(wrong.faults and all(fault.why for fault in wrong.faults), "no reason was told")
            return
        ensure(payments, "nothing to pay")
        for payment in payments:
            payee = payment.payee
            item = BulkItem(to=payee.payee, amount=payee.amount_minor, reference=payee.reference)
            read = codec.read_item(BulkItem, codec.split(codec.write_item("a1", item)))
            ensure(read == item, "what cannot be sent", payment.line)


class Accounts(Stateless):
    """A file of accounts: for each line an account, or what is wrong with it, which never tells a PIN."""

    weight = 150

    def seeds(self) -> Sequence[bytes]:
        """Files as their first authors had them."""
        return (b"zz-99999, 1234, 100.00 # a comment\n\nAB-1,987654,0\n", b"1000042,0000,1.5\r\n1000042,0001,2\n#\n")

    def feed(self, data: bytes) -> None:
        """Read it."""
        seen = set()
        lines = data.split(b"\n")
        for found in account_file.read(lines, "USD"):
            ensure(1 <= found.line <= len(lines), "no such line", found.line)
            if isinstance(found, BadLine):
                ensure(found.what, "no reason was told")
            else:
                self._check(found)
                ensure(found.number not in seen, "twice", found.number)
                seen.add(found.number)

    def _check(self, found: Listed) -> None:
        ensure(grammar.ACCOUNT.parse(found.number) == found.number, "no number", found.number)
        ensure(grammar.PIN.parse(found.pin) == found.pin, "no PIN")
        ensure(0 <= found.balance_minor <= MAX_AMOUNT_MINOR, "no balance", found.balance_minor)


class Settings(Filed):
    """A file of settings: a value for every key, or faults with the lines they are on."""

    weight = 1

    def seeds(self) -> Sequence[bytes]:
        """Those that are shipped, without what they say in comments."""
        texts = [path.read_text() for path in sorted(ETC.glob("*.ini"))]
        bare = ["\n".join(line for line in text.split("\n") if line and line[0] not in "#;") for text in texts]
        return tuple(text.encode() for text in bare)

    def words(self) -> Sequence[bytes]:
        """What values may begin with."""
        return (b"~nobody-here", b"~/x", b"%(x)s", b"${x}", b"[DEFAULT]\n", b"[]\n", b"[bank]\n", b" = ", b"\n  ")

    def feed(self, data: bytes) -> None:
        """Read it, as text and as the settings of a bank."""
        text = data.decode("utf-8", "replace")
        values, faults = settings_file.read(text)
        most = text.count("\n") + 1
        ensure(all(1 <= value.line <= most for value in values.values()), "no such line")
        ensure(all(1 <= line <= most and why for line, why in faults), "no such line", faults)
        self.write(data)
        try:
            config.load(self.path, {})
        except SettingsError as wrong:
            ensure(str(wrong), "no reason was told")


class Tasks(Stateless):
    """A task in words: a request that can be sent, or no task; and an amount as it is typed at the menu."""

    weight = 40

    def seeds(self) -> Sequence[bytes]:
        """Every form, with something in each place."""
        spelt = {"ADDRESS": "zoe@example.org", "WORDS ...": "Zoë Meyer", "DAY": "2026-11-20", "CURRENCY": "EUR"}
        shapes = []
        for shape in SHAPES:
            usage = shape.usage.replace("[", "").replace("]", "")
            for place, value in {**spelt, "AMOUNT": "$100", "NUMBER": "7", "COUNT": "7", "ACCOUNT": "1000042"}.items():
                usage = usage.replace(place, value)
            shapes.append(usage.encode())
        return (*shapes, b"Transfer $100 to Account XYZ", b"1,234.50", "€ 5".encode())

    def words(self) -> Sequence[bytes]:
        """Digits that are none of ours, and days that no calendar has."""
        return ("٣".encode(), "ſ".encode(), "\u212a".encode(), b"2026-02-30", b"0000-01-01", b"9999-12-31", b"1000042")

    def feed(self, data: bytes) -> None:
        """Read it as a task, and as an amount."""
        text = data.decode("utf-8", "surrogateescape")
        try:
            asked = read_task(text, Context("USD", lambda: "k-1"))
        except NotTask:
            asked = None
        if isinstance(asked, Message):
            read = codec.read_message(type(asked), codec.split(codec.write_request("a1", asked)))
            ensure(read == asked, "what cannot be sent", asked)
        with suppress(NotAmount):
            ensure(0 < parse(text, "USD") <= MAX_AMOUNT_MINOR, "out of range")
