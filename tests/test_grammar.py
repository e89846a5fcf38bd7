"""Kinds of values, one by one: what is read, what is refused, what is written."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bankd.money import MAX_AMOUNT_MINOR, MAX_BALANCE_MINOR
from bankd.wire import grammar
from bankd.wire.grammar import Kind

steady = settings(derandomize=True, database=None, deadline=None)

NOT_NUMBERS = (
    "",
    " ",
    "+5",
    "-0",
    "00",
    "05",
    "1_000",
    "5\n",
    "\n5",
    " 5",
    "5 ",
    "1e3",
    "1.0",
    "0x1",
    "١٢٣",
    "５",
    "²",
    "NaN",
)
"""What `int` or `float` let through, and the wire must not."""

CONTROLS = "\x00\n\r\t\x1b\x7f\x80\x9b\x9f\u2028\u2029\u202a\u202e\u2066\u2069\ud800\udfff"
"""Characters that act on a screen instead of being seen, and halves of none."""


class KindCase(SynchronousTestCase):
    """What the tests of kinds share."""

    def assertReads(self, kind: Kind, *texts: str) -> None:
        """Fail unless every text is of a kind."""
        for text in texts:
            kind.parse(text)

    def assertRefuses(self, kind: Kind, *texts: str) -> None:
        """Fail unless no text is of a kind, and the error names the kind's rule."""
        for text in texts:
            error = self.assertRaises(ValueError, kind.parse, text)
            self.assertEqual(str(error), kind.rule, repr(text))


class NumberTests(KindCase):
    """Amounts, balances, counts, pages and ports."""

    def test_amount(self) -> None:
        """An amount is 1 to 15 digits of ASCII without a leading zero or a sign."""
        self.assertEqual(grammar.AMOUNT.parse("1"), 1)
        self.assertEqual(grammar.AMOUNT.parse("999999999999999"), 10**15 - 1)
        self.assertRefuses(grammar.AMOUNT, *NOT_NUMBERS, "0", "-5", "1000000000000000")

    def test_signed(self) -> None:
        """A balance may be zero or negative, has one spelling, and fits into 64 bits."""
        for text, number in (("0", 0), ("-5", -5), ("9" * 18, 10**18 - 1), ("-" + "9" * 18, 1 - 10**18)):
            self.assertEqual(grammar.SIGNED.parse(text), number)
            self.assertEqual(grammar.SIGNED.write(number), text)
        self.assertRefuses(grammar.SIGNED, *NOT_NUMBERS, "--5", "-05", "1" + "0" * 18)

    def test_money(self) -> None:
        """The wire can carry every amount and every balance that the ledger can have, and nothing beyond."""
        for kind, most in ((grammar.AMOUNT, MAX_AMOUNT_MINOR), (grammar.SIGNED, MAX_BALANCE_MINOR)):
            self.assertEqual(kind.parse(str(most)), most)
            self.assertRefuses(kind, str(most + 1))
        self.assertEqual(grammar.SIGNED.parse(str(-MAX_BALANCE_MINOR)), -MAX_BALANCE_MINOR)
        self.assertLess(MAX_BALANCE_MINOR + MAX_AMOUNT_MINOR, 2**63)

    def test_count(self) -> None:
        """A count is zero or more, and fits into 64 bits."""
        self.assertEqual(grammar.COUNT.parse("0"), 0)
        self.assertEqual(grammar.COUNT.parse("9" * 18), 10**18 - 1)
        self.assertRefuses(grammar.COUNT, *NOT_NUMBERS, "-5", "1" + "0" * 18)

    def test_page(self) -> None:
        """A page has 1 to 100 lines."""
        self.assertEqual([grammar.PAGE.parse(text) for text in ("1", "99", "100")], [1, 99, 100])
        self.assertRefuses(grammar.PAGE, *NOT_NUMBERS, "0", "101", "1000")

    def test_port(self) -> None:
        """A port is 1 to 65535."""
        self.assertEqual([grammar.PORT.parse(text) for text in ("1", "65432", "65535")], [1, 65432, 65535])
        self.assertRefuses(grammar.PORT, *NOT_NUMBERS, "0", "65536", "70000", "100000")


class NameTests(KindCase):
    """User names, PINs, mobile numbers, account numbers, currencies, keys, words and listeners."""

    def test_username(self) -> None:
        """A user name is lower-case ASCII, so that no two look alike."""
        self.assertReads(grammar.USERNAME, "abc", "a" * 32, "a_b-9")
        self.assertRefuses(grammar.USERNAME, "", "ab", "a" * 33, "Anna", "аnna", "an na", "anna\n", "zoë", "a.b")

    def test_pin(self) -> None:
        """A PIN is 4 to 12 digits of ASCII, and keeps its leading zeros."""
        self.assertEqual(grammar.PIN.parse("0042"), "0042")
        self.assertReads(grammar.PIN, "1" * 12)
        self.assertRefuses(grammar.PIN, "", "123", "1" * 13, "12a4", "１２３４", "1234\n", "-1234")

    def test_mobile(self) -> None:
        """A mobile number is digits, with a plus sign before them or not."""
        self.assertReads(grammar.MOBILE, "+14155550101", "07700900123", "1" * 15)
        self.assertRefuses(
            grammar.MOBILE, "", "+", "+123", "1" * 16, "++1415555", "1+415555", "+1 415 555", "+1415555\n"
        )

    def test_account(self) -> None:
        """An account's number may be typed in either case, and is one in capitals."""
        self.assertEqual(grammar.ACCOUNT.parse("zz-99999"), "ZZ-99999")
        self.assertReads(grammar.ACCOUNT, "1", "A" * 32)
        self.assertRefuses(grammar.ACCOUNT, "", "A" * 33, "zz_99999", "zz 99999", "10000042\n", "１")

    def test_currency(self) -> None:
        """A currency is three capitals."""
        self.assertReads(grammar.CURRENCY, "USD")
        self.assertRefuses(grammar.CURRENCY, "", "usd", "US", "USDX", "US\u0412", "USD\n")

    def test_key(self) -> None:
        """A key is 1 to 64 characters that are never percent-encoded, so that one key has one spelling."""
        self.assertReads(grammar.KEY, "a", "6f1c-._~Z9", "k" * 64)
        self.assertRefuses(grammar.KEY, "", "k" * 65, "a:b", "a b", "a%20b", "a/b", "é")

    def test_word(self) -> None:
        """A word is lower-case letters, digits and underscores."""
        self.assertReads(grammar.WORD, "paid", "in_use", "w" * 32, "a0_9")
        self.assertRefuses(grammar.WORD, "", "w" * 33, "Paid", "in use", "in-use")

    def test_listener(self) -> None:
        """A listener is 32 hexadecimal digits in lower case."""
        self.assertReads(grammar.LISTENER, "0123456789abcdef" * 2)
        self.assertRefuses(grammar.LISTENER, "", "0" * 31, "0" * 33, "A" * 32, "g" * 32)


class TextTests(KindCase):
    """Passwords, names, references and e-mail addresses: what people choose."""

    def test_lengths(self) -> None:
        """Length is counted in characters, whatever octets they take."""
        for kind, longest in ((grammar.PASSWORD, 128), (grammar.PERSON, 100), (grammar.TEXT, 140)):
            self.assertReads(kind, "x", "é" * longest, "😀" * longest)
            self.assertRefuses(kind, "", "x" * (longest + 1), "😀" * (longest + 1))

    def test_visible(self) -> None:
        """Controls, line breaks, characters that turn a line round and halves of characters are refused."""
        for kind in (grammar.PASSWORD, grammar.PERSON, grammar.TEXT):
            self.assertReads(kind, "Zoë Ωμέγα 東京 שלום 😀 a+b/c:d@e ~", "\u200f\u00a0\ufeff")
            for control in CONTROLS:
                self.assertRefuses(kind, control, f"a{control}", f"{control}a")

    def test_email(self) -> None:
        """An e-mail address is visible ASCII with one at-sign and something on both sides."""
        self.assertReads(grammar.EMAIL, "a@b", "anna.berg+bank@example.com", "a" * 64 + "@" + "b" * 189)
        self.assertRefuses(grammar.EMAIL, "", "@", "a@", "@b", "a@b@c", "ab", "a b@c", "a@b\n", "zoë@example.com")
        self.assertRefuses(grammar.EMAIL, "a" * 65 + "@b", "a@" + "b" * 190, "a\r\nBcc:x@y")


class TimeTests(KindCase):
    """Moments, as RFC 3339 in UTC and as microseconds since 1970."""

    def test_known(self) -> None:
        """Moments are read and written to the microsecond."""
        for text, at_us in (
            ("1970-01-01T00:00:00.000000Z", 0),
            ("1969-12-31T23:59:59.999999Z", -1),
            ("2026-11-20T10:15:00.123456Z", 1_795_169_700_123_456),
            ("2000-02-29T00:00:00.000001Z", 951_782_400_000_001),
        ):
            self.assertEqual(grammar.TIME.parse(text), at_us)
            self.assertEqual(grammar.TIME.write(at_us), text)

    def test_form(self) -> None:
        """Only UTC with six decimals is a moment's form."""
        self.assertRefuses(
            grammar.TIME,
            *("", "2026-11-20", "2026-11-20T10:15:00Z", "2026-11-20T10:15:00.123Z", "2026-11-20T10:15:00.123456"),
            *("2026-11-20T10:15:00.123456+00:00", "2026-11-20 10:15:00.123456Z", "2026-11-20t10:15:00.123456z"),
            *("2026-13-01T00:00:00.000000Z", "2026-00-01T00:00:00.000000Z", "2026-01-32T00:00:00.000000Z"),
            *("2026-01-01T24:00:00.000000Z", "2026-01-01T00:60:00.000000Z", "2026-01-01T00:00:60.000000Z"),
            *("0999-01-01T00:00:00.000000Z", "2026-11-20T10:15:00.123456Z\n", "٢٠٢٦-11-20T10:15:00.123456Z"),
        )

    def test_no_such_day(self) -> None:
        """A day that no calendar has is refused."""
        for day in ("2026-02-29", "2026-02-30", "2026-04-31", "2100-02-29"):
            self.assertRaises(ValueError, grammar.TIME.parse, f"{day}T00:00:00.000000Z")

    @steady
    @given(st.datetimes().map(lambda moment: moment.replace(year=max(moment.year, 1000))))
    def test_round_trip(self, moment: object) -> None:
        """Every moment of the calendar from the year 1000 on is read as it is written."""
        text = str(moment).replace(" ", "T")
        text = (text if "." in text else f"{text}.000000") + "Z"
        self.assertEqual(grammar.write_time(grammar.read_time(text)), text)
