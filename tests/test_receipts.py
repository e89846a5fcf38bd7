"""Signed receipts: how a customer gets one, and how anybody checks it."""

import sys
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

from bankd import codes, signing
from bankd.bank import receipts
from bankd.codes import Refused
from bankd.ledger.commands import Deposit, Payment, Transfer
from bankd.records import Session, SignedReceipt
from bankd.signing import Kind, PrivateKey, PublicKey
from bankd.store import journal
from bankd.wire import codec, grammar
from bankd.wire.grammar import write_time
from tests.test_bank_reports import AT_US, ReportsCase
from tests.test_ctl import CtlCase, Done

WIDE = "\U0001f600"
"""A character that takes most octets in UTF-8, and twelve when it is percent-encoded."""


class Certifying(ReportsCase):
    """What the bank certifies."""

    def certify(self, session: Session, entry_id: int, bank: str = "Practice Bank") -> SignedReceipt:
        """A signed receipt."""
        with self.bank.store.reading() as connection:
            return receipts.certify(connection, session, entry_id, bank, self.bank.branch.signer)

    def claims(self, made: SignedReceipt) -> object:
        """What was signed, as somebody reads it who has only the public key."""
        return PublicKey(self.bank.branch.signer.pem).read(Kind.RECEIPT, made.signed)

    def test_both_sides(self) -> None:
        """Payer and payee get each their own view of the entry, and the signed text says the same."""
        self.carry_out(Deposit, 500)
        self.carry_out(Transfer, 300, payee=self.bob.account, reference="Café, May")
        paid, received = self.certify(self.session, 2), self.certify(self.bobs, 2)
        signed = paid.signed
        self.assertEqual(paid, SignedReceipt(2, AT_US, "paid", -300, 200, "USD", signed, self.bob.account, "Café, May"))
        with self.bank.store.reading() as connection:
            link = journal.link(connection, 2).hex()
        self.assertEqual(
            self.claims(paid),
            {
                "bank": "Practice Bank",
                "receipt": 2,
                "at": write_time(AT_US),
                "account": self.alice.account,
                "kind": "paid",
                "amount": -300,
                "balance": 200,
                "currency": "USD",
                "counterparty": self.bob.account,
                "reference": "Café, May",
                "link": link,
            },
        )
        self.assertEqual((received.kind, received.amount_minor, received.balance_minor), ("received", 300, 300))
        self.assertEqual(received.counterparty, self.alice.account)

    def test_cash(self) -> None:
        """Cash has no other account, and what there is not is not signed either."""
        self.carry_out(Deposit, 500)
        made = self.certify(self.session, 1)
        self.assertEqual((made.kind, made.counterparty, made.reference), ("deposit", None, None))
        claims = self.claims(made)
        assert isinstance(claims, dict)
        self.assertEqual({"counterparty", "reference"} & set(claims), set())

    def test_entries_of_others(self) -> None:
        """An entry of another account, and one that there is not, are refused alike."""
        self.carry_out(Deposit, 500)
        for session, entry_id in ((self.bobs, 1), (self.session, 2), (self.session, 0)):
            error = self.assertRaises(Refused, self.certify, session, entry_id)
            self.assertEqual((error.code, error.field), (codes.BAD_FIELD, "receipt"))

    def test_longest(self) -> None:
        """The longest receipt there can be fits its kind, and its line."""
        reference, bank = WIDE * 140, WIDE * 64
        longest = (
            "UPDATE accounts SET number = substr('99999999999999999999999999999999', 2) || id WHERE kind = 'current'"
        )
        with self.bank.store.writing() as tx:
            tx.connection.exec_driver_sql(longest)
        bob = f"{'9' * 31}{self.bob.account_id}"
        self.carry_out(Deposit, 999_999_999_999_999)
        self.carry_out(Transfer, 999_999_999_999_999, payee=bob, reference=reference)
        made = self.certify(self.session, 2, bank)
        self.assertLess(len(made.signed), 2048)
        line = codec.write_reply("abcdefghijklmnop", codes.DONE, made)
        self.assertLess(len(line), grammar.MAX_LINE)
        self.assertEqual(codec.read_fields(SignedReceipt, codec.read_reply(line).fields), made)

    def test_asked_for(self) -> None:
        """A customer asks in a session, for an entry of the session's account; a visitor does not."""
        carol = self.bank.add_customer("carol", deposit_minor=500)
        wire = self.bank.log_in(carol)
        (answer,) = wire.ask("a1 CERTIFY receipt=1")
        made = codec.read_fields(SignedReceipt, codec.read_reply(answer.encode()).fields)
        claims = self.claims(made)
        assert isinstance(claims, dict)
        self.assertEqual((claims["bank"], claims["account"]), ("Practice Bank", carol.account))
        self.assertEqual(wire.ask("a2 CERTIFY receipt=2"), ["a2 400 reason=field field=receipt"])
        self.assertEqual(self.bank.connect().ask("a1 CERTIFY receipt=1"), ["a1 401 reason=login"])

    def carry_out(self, kind: type[Payment], amount_minor: int, **more: str) -> None:
        """Carry out a command of Alice's."""
        (outcome,) = self.apply(self.command(kind, amount_minor, None, **more))
        self.assertIs(outcome.code, codes.DONE)


CLAIMS: dict[str, object] = {
    "bank": "Practice Bank",
    "receipt": 4,
    "at": "2026-11-20T10:19:00.000000Z",
    "account": "10000042",
    "kind": "paid",
    "amount": -2500,
    "balance": 97500,
    "currency": "USD",
    "counterparty": "10000059",
    "reference": "For the tickets",
    "link": "5e" * 32,
}


class Checking(CtlCase):
    """``bankctl receipt verify``."""

    def setUp(self) -> None:
        super().setUp()
        self.key = PrivateKey(signing.new_key())
        self.pem, self.path = Path(self.mktemp()), Path(self.mktemp())
        self.pem.write_bytes(self.key.pem)

    def check(self, claims: dict[str, object], kind: Kind = Kind.RECEIPT) -> Done:
        """Check a receipt that says what ``claims`` do."""
        self.path.write_text(self.key.sign(kind, claims) + "\n")
        return self.bankctl("receipt", "verify", str(self.path), "--key", str(self.pem))

    def test_genuine(self) -> None:
        """A receipt is told in words, with nothing but the file and the public key."""
        done = self.check(CLAIMS)
        told = f"""the receipt is genuine; the bank certifies:
  bank           Practice Bank
  receipt        4
  account        10000042
  at             2026-11-20T10:19:00.000000Z
  what           paid: 25.00 USD to account 10000059
  reference      For the tickets
  balance after  975.00 USD
  entry's link   {"5e" * 32}
  signed with    {self.key.fingerprint}
"""
        self.assertEqual(done, Done(0, told, ""))

    def test_kinds(self) -> None:
        """Cash has no other account; money that came came from somewhere; a kind that is new is told as it is."""
        cash = {name: value for name, value in CLAIMS.items() if name not in ("counterparty", "reference")}
        for claims, wanted in (
            (cash | {"kind": "deposit", "amount": 500}, "what           cash paid in: 5.00 USD\n"),
            (CLAIMS | {"kind": "received", "amount": 500}, "received: 5.00 USD from account 10000059\n"),
            (cash | {"kind": "fee"}, "fee: 25.00 USD\n"),
        ):
            self.assertIn(wanted, self.check(claims).printed)

    def test_altered(self) -> None:
        """A receipt with any octet altered is refused plainly, with status 1."""
        self.check(CLAIMS)
        text = self.path.read_text().strip()
        for at in range(0, len(text), 7):
            self.path.write_text(text[:at] + ("A" if text[at] != "A" else "B") + text[at + 1 :])
            done = self.bankctl("receipt", "verify", str(self.path), "--key", str(self.pem))
            self.assertEqual((done.status, done.complaints), (1, ""))
            self.assertTrue(done.printed.startswith("this is no receipt of the bank with this key: "))
            self.assertNotIn("Practice", done.printed)

    def test_no_receipt(self) -> None:
        """A checkpoint, an empty file and a huge one are no receipts."""
        self.assertEqual(self.check(CLAIMS, Kind.CHECKPOINT).status, 1)
        for octets in (b"", b"\xff\x00", b"A" * 1_000_000):
            self.path.write_bytes(octets)
            self.assertEqual(self.bankctl("receipt", "verify", str(self.path), "--key", str(self.pem)).status, 1)

    def test_of_another_version(self) -> None:
        """A receipt that is genuine and not understood is told to be so, with status 2."""
        for claims in ({}, CLAIMS | {"currency": "???"}, CLAIMS | {"amount": "1"}):
            done = self.check(claims)
            self.assertEqual((done.status, done.printed), (2, ""))
            self.assertIn("genuine, but of a form", done.complaints)

    def test_nothing_for_the_terminal(self) -> None:
        """What would command a terminal is shown, and not obeyed."""
        self.assertIn("reference      a\\x1b[2Jb\n", self.check(CLAIMS | {"reference": "a\x1b[2Jb"}).printed)

    def test_own_key(self) -> None:
        """Without --key the bank's own is taken; where there is none, or no file, a line says so."""
        self.init("")
        key = PrivateKey((self.state / "receipts.key").read_bytes())
        self.path.write_text(key.sign(Kind.RECEIPT, CLAIMS))
        self.assertEqual(self.bankctl("receipt", "verify", str(self.path), "--state", str(self.state)).status, 0)
        for arguments in (
            (str(self.path), "--state", "nowhere"),
            ("nowhere", "--key", str(self.pem)),
            (str(self.path), "--key", str(self.path)),
        ):
            done = self.bankctl("receipt", "verify", *arguments)
            self.assertEqual((done.status, done.printed, len(done.complaints.splitlines())), (2, "", 1))
            self.assertNotIn("Errno", done.complaints)

    def test_standard_input(self) -> None:
        """A dash is standard input."""
        self.check(CLAIMS)
        self.patch(sys, "stdin", SimpleNamespace(buffer=BytesIO(self.path.read_bytes())))
        self.assertEqual(self.bankctl("receipt", "verify", "-", "--key", str(self.pem)).status, 0)
