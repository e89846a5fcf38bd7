"""The result codes: what makes each one, and their order."""

from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.codes import Code, Refused


class CodeTests(SynchronousTestCase):
    """Every code, and the whole of them."""

    def test_all(self) -> None:
        """Every code that the module names stands once in the order of precedence."""
        named = [code for code in vars(codes).values() if isinstance(code, Code)]
        self.assertEqual(sorted(named, key=codes.ALL.index), list(codes.ALL))

    def test_distinct(self) -> None:
        """Number and reason together tell every code apart."""
        self.assertEqual(len(codes.BY_WIRE), len(codes.ALL))
        for code in codes.ALL:
            self.assertIs(codes.BY_WIRE[code.number, code.reason], code)

    def test_wire(self) -> None:
        """Numbers have three digits, reasons are words of the wire, meanings are whole sentences."""
        for code in codes.ALL:
            self.assertRegex(f"{code.number} {code.reason}", r"^[1-5][0-9]{2} [a-z_]{1,32}$")
            self.assertTrue(code.meaning.endswith("."))

    def test_refuses(self) -> None:
        """Codes from 400 on refuse, and only what refuses can close; with success no reason is given."""
        granting = [codes.IDLE_SOON, codes.DONE, codes.CREATED, codes.PROPOSED]
        self.assertEqual([code for code in codes.ALL if not code.refuses], granting)
        self.assertEqual([code for code in codes.ALL if not code.gives_reason], granting[1:])
        self.assertEqual(
            {code for code in codes.ALL if code.closes},
            {
                *(codes.BROKEN_LINE, codes.LONG_LINE, codes.BROKEN_SEAL, codes.IDLE, codes.SLOW),
                *(codes.SESSION_TIME, codes.CROWDED, codes.STOPPING, codes.OVER, codes.ENDED, codes.NO_OPERATOR),
            },
        )

    def test_order(self) -> None:
        """What is wrong with a line comes first, then what is wrong with the session, then what the ledger says."""
        for earlier, later in (
            (codes.BROKEN_LINE, codes.BAD_LINE),
            (codes.BAD_LINE, codes.BAD_VERB),
            (codes.BAD_VERB, codes.NEEDS_LOGIN),
            (codes.NEEDS_LOGIN, codes.BAD_FIELD),
            (codes.BAD_STATE, codes.BAD_ITEMS),
            (codes.BAD_ITEMS, codes.BAD_FIELD),
            (codes.BAD_FIELD, codes.OVER),
            (codes.WRONG_SECRET, codes.IN_USE),
            (codes.OVER, codes.OTHER_CONTENT),
            (codes.OTHER_CONTENT, codes.NO_ACCOUNT),
            (codes.NO_ACCOUNT, codes.NO_FUNDS),
        ):
            self.assertLess(codes.ALL.index(earlier), codes.ALL.index(later))


class RefusedTests(SynchronousTestCase):
    """A refusal on its way through the bank."""

    def test_says(self) -> None:
        """It carries its code and the field at fault, and tells number and reason to a log."""
        refused = Refused(codes.TAKEN, "mobile")
        self.assertEqual((refused.code, refused.field), (codes.TAKEN, "mobile"))
        self.assertIn("409", str(refused))
        self.assertIn("taken", str(refused))

    def test_no_field(self) -> None:
        """Where no field is at fault there is none."""
        self.assertIsNone(Refused(codes.NO_FUNDS).field)
