"""Accounts from a text file: which lines are good, and what the bank makes of them."""

import re
from dataclasses import replace
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd.bank import account_file, openings
from bankd.bank.account_file import BadLine, Listed
from bankd.bank.openings import Opening
from bankd.bank.terms import OneTime
from bankd.store import customers, journal
from bankd.testing import PRACTICE_TERMS, PracticeBank, Wire

PAGE = Path(__file__).resolve().parent.parent / "docs" / "operators.md"


def read(text: str | bytes, currency: str = "USD") -> list[Listed | BadLine]:
    """What a file says."""
    octets = text.encode() if isinstance(text, str) else text
    return list(account_file.read(octets.splitlines(), currency))


class Lines(SynchronousTestCase):
    """The form of a file."""

    def test_accounts(self) -> None:
        """Number, PIN and balance; neither spaces nor letters' case matter, and comments and empty lines are none."""
        text = "\ufeff# accounts\n zz-99999 , 99 99,1 50.5 \n\n  \t\nAb-00001,0000,0#poor\n12345,123456789012,0.00"
        self.assertEqual(
            read(text),
            [
                Listed(2, "ZZ-99999", "9999", 150_50),
                Listed(5, "AB-00001", "0000", 0),
                Listed(6, "12345", "123456789012", 0),
            ],
        )

    def test_bad_lines(self) -> None:
        """Each is told with its number and what is wrong, and never with a PIN."""
        for line, why in (
            ("zz-99999,1234", "it is not number, PIN and balance"),
            ("zz-99999,1234,1,000.00", "it is not number, PIN and balance"),
            ("zz_99999,1234,1", "the number is not"),
            ("till-usd,1234,1", "the number is not"),
            (f"{'1' * 33},1234,1", "the number is not"),
            (",1234,1", "the number is not"),
            ("zz-99999,123,1", "the PIN of account ZZ-99999 is not 4 to 12 digits"),
            ("zz-99999,١٢٣٤,1", "the PIN of account ZZ-99999 is not"),
            ("1234,zz-99999,1", "the PIN of account 1234 is not"),
            ("zz-99999,1234,", "the balance of account ZZ-99999 will not do"),
            ("zz-99999,1234,-5", "will not do: an amount is digits with at most 2 decimals"),
            ("zz-99999,1234,5.005", "will not do"),
            ("zz-99999,1234,0.", "will not do"),
            ("zz-99999,1234,1e3", "will not do"),
            ("zz-99999,1234,10000000000000", "will not do: an amount is more than zero and at most"),
            ("zz-99999,1234,1" + " " * 600, "it is too long, or no text"),
        ):
            [found] = read(line)
            assert isinstance(found, BadLine), line
            self.assertEqual(found.line, 1)
            self.assertIn(why, found.what)
            self.assertNotIn("4321", found.what)
        self.assertIsInstance(read(b"zz-99999,1234,\xff")[0], BadLine)
        self.assertEqual(read("zz-99999,1234,1 #" + "-" * 600), [Listed(1, "ZZ-99999", "1234", 100)])

    def test_currencies(self) -> None:
        """Balances have as many decimals as their currency."""
        self.assertEqual([each.line for each in read("A1,1234,0.0\nA2,1234,5", "JPY") if isinstance(each, Listed)], [2])
        self.assertEqual(read("A1,1234,0.000\n", "KWD"), [Listed(1, "A1", "1234", 0)])

    def test_duplicates(self) -> None:
        """The first of two counts; the other is told with the line of the first."""
        first, bad, other = read("zz-99999,1234,1\nZZ-99999,4321,2\nzz-99998,1234,1")
        self.assertEqual([first.line, other.line], [1, 3])
        self.assertEqual(bad, BadLine(2, "account ZZ-99999 stands in line 1 already"))

    def test_page(self) -> None:
        """The example of the operators' page is such a file."""
        (example,) = re.findall(r"^```accounts\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
        self.assertEqual([each.line for each in read(example) if isinstance(each, Listed)], [2, 3])

    def test_secrecy(self) -> None:
        """A PIN is in no representation."""
        self.assertNotIn("4821", repr(read("zz-99999,4821,1")))
        self.assertNotIn("4821", repr(Opening(Listed(1, "A1", "1", 0), "4821", True)))


class OpeningsCase(SynchronousTestCase):
    """A test with a practice bank that has Bob."""

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder)
        self.addCleanup(self.bank.close)
        self.bob = self.bank.add_customer("bob")

    def open(self, text: str, must_change: bool | None = None) -> list[Listed]:
        """Open the accounts of a file."""
        prepared = [
            Opening(
                listed,
                self.bank.branch.hasher.hash(listed.pin),
                openings.is_weak(listed) if must_change is None else must_change,
            )
            for listed in read(text)
            if isinstance(listed, Listed)
        ]
        with self.bank.store.writing() as tx:
            return openings.open_all(tx, self.bank.random.randrange, "USD", prepared)

    def log_in(self, number: str, pin: str) -> tuple[Wire, str]:
        """A connection, and what its log-in was answered."""
        wire = self.bank.connect()
        [answer] = wire.ask(f"l LOGIN account={number} pin={pin}")
        return wire, answer


class Opened(OpeningsCase):
    """What is opened."""

    def test_account(self) -> None:
        """It has its number, whatever the case, its PIN and its balance, which came from the till."""
        self.open("zz-99999,4821,150.50\nzz-99998,4821,0")
        wire, answer = self.log_in("zz-99999", "4821")
        self.assertEqual(answer, "l 200 account=ZZ-99999 currency=USD lease=30")
        self.assertIn(" balance=15050 ", wire.ask("b BALANCE")[0])
        self.assertIn(" reference=Opening%20balance", wire.ask("s STATEMENT")[0])
        self.assertEqual(wire.ask("t TRANSFER to=zz-99998 amount=50 currency=USD key=k")[0].split()[1], "200")
        self.assertEqual(self.bank.faults(), [])
        with self.bank.store.reading() as connection:
            till = customers.numbers_taken(connection, ["TILL-USD", "ZZ-99999", "XX-00000"])
            [entry] = journal.banks_own(connection, [":import:ZZ-99999", ":import:ZZ-99998"])
        self.assertEqual((till, entry.amount_minor), ({"TILL-USD", "ZZ-99999"}, 150_50))

    def test_again(self) -> None:
        """What was opened is passed over, whatever happened since; another opening balance is told."""
        text = "zz-99999,4821,150.50\nzz-99998,4821,0"
        self.assertEqual(len(self.open(text)), 2)
        wire, _ = self.log_in("zz-99999", "4821")
        wire.ask("w WITHDRAW amount=15050 currency=USD key=k")
        self.assertEqual(self.open(text), [])
        listed = [each for each in read(f"{text}\nzz-99997,1,0") if isinstance(each, Listed)]
        listed.append(Listed(4, self.bob.account, "1234", 5))
        with self.bank.store.reading() as connection:
            wanted, others = openings.missing(connection, [replace(listed[0], balance_minor=1), *listed[1:]])
        self.assertEqual([each.number for each in wanted], [])
        self.assertEqual([each.line for each in others], [1, 4])
        self.assertIn("the bank has an account ZZ-99999 already", others[0].what)
        self.assertEqual(self.bank.faults(), [])

    def test_weak(self) -> None:
        """A PIN that could not be chosen is found."""
        for pin, weak in (("1111", True), ("1234", True), ("9999", True), ("4821", False)):
            self.assertEqual(openings.is_weak(Listed(1, "ZZ-99999", pin, 0)), weak, pin)


class Changing(OpeningsCase):
    """A PIN that has to be changed first."""

    def setUp(self) -> None:
        super().setUp()
        self.open("zz-99999,9999,150.50")
        self.wire, self.answer = self.log_in("zz-99999", "9999")

    def test_nothing_else(self) -> None:
        """The log-in says so, and until then only NOOP, LOGOUT and CHANGE_PIN are no use of the account."""
        self.assertEqual(self.answer, "l 200 account=ZZ-99999 currency=USD lease=30 change=pin")
        for asked in (
            "BALANCE",
            "VIEW_DETAILS",
            "NOTICES",
            "LISTEN port=4000",
            "OPEN_ACCOUNT",
            "ACKNOWLEDGE upto=1",
            "UPDATE_CONTACT name=Zoe",
            "WITHDRAW amount=100 currency=USD key=k",
            f"TRANSFER to={self.bob.account} amount=100 currency=USD key=k",
            "CHANGE_PASSWORD new=long-enough-1 pin=9999",
            f"DELETE_ACCOUNT pin=9999 payout={self.bob.account}",
            "ENROL_APP pin=9999",
        ):
            self.assertEqual(self.wire.ask(f"x {asked}"), ["x 403 reason=change"], asked)
        self.assertEqual(self.wire.ask("n NOOP"), ["n 200"])

    def test_changed(self) -> None:
        """Another PIN, which must be a good one, opens the account, now and from then on."""
        self.assertEqual(self.wire.ask("c CHANGE_PIN new=1111 pin=9999"), ["c 422 reason=weak field=new"])
        self.assertEqual(self.wire.ask("c CHANGE_PIN new=4821 pin=9998"), ["c 401 reason=credentials"])
        self.assertEqual(self.wire.ask("b BALANCE"), ["b 403 reason=change"])
        self.assertEqual(self.wire.ask("c CHANGE_PIN new=4821 pin=9999"), ["c 200"])
        self.assertTrue(self.wire.ask("b BALANCE")[0].startswith("b 200 "))
        self.wire.ask("o LOGOUT")
        self.assertNotIn("change=", self.log_in("zz-99999", "4821")[1])

    def test_without_a_device(self) -> None:
        """A bank that wants a one-time password for a new PIN wants none for this one: it could not be sent."""
        self.bank.branch.terms = replace(PRACTICE_TERMS, one_time=OneTime.RISK)
        self.wire.ask("o LOGOUT")
        self.open("zz-99998,9999,0")
        self.bank.branch.terms = replace(PRACTICE_TERMS, one_time=OneTime.OFF)
        wire, _ = self.log_in("zz-99998", "9999")
        wire.protocol._standing.perspective._asks = True
        self.assertEqual(wire.ask("c CHANGE_PIN new=4821 pin=9999"), ["c 200"])
