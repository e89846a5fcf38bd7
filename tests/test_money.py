"""Money: what is read as an amount, what is refused, and how amounts are written."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from bankd import money
from bankd.money import MAX_AMOUNT_MINOR, NotMoney

steady = settings(derandomize=True, database=None, deadline=None)

NOT_AMOUNTS = (
    *("", " ", "1 ", " 1", "1\n", "\n1", "1\x00", "$", "€", "$ 5", "5$", "$$5", "-$5", "$-5"),
    *("+5", "-5", "-0", "0", "0.00", "00", "05", "007", "1_000", "1,000", "1.000", "1.", ".5", ".", "1.2.3", "1..2"),
    *("1e3", "1E3", "0x10", "NaN", "nan", "Infinity", "inf", "-inf", "1/2", "ten", "1O"),
    *("١٢٣", "１２", "৫", "²", "½", "1٫5", "１"),
    *("999999999999999999", "1000000000000000", "9999999999999999.99"),
)
"""What `int`, `float` or `Decimal` let through, or a person may type, and a bank must not take for an amount."""


class ParseTests(SynchronousTestCase):
    """Reading an amount as a person writes it."""

    def test_plain(self) -> None:
        """Whole and broken amounts are read into minor units."""
        for text, amount_minor in (("100", 10000), ("99.50", 9950), ("99.5", 9950), ("0.01", 1), ("0.10", 10)):
            self.assertEqual(money.parse(text, "USD"), amount_minor)

    def test_sign(self) -> None:
        """A currency's sign may stand before the amount."""
        for text, currency in (("$100", "USD"), ("$100", "CAD"), ("€100", "EUR"), ("£100", "GBP")):
            self.assertEqual(money.parse(text, currency), 10000)
        self.assertEqual(money.parse("¥100", "JPY"), 100)

    def test_other_sign(self) -> None:
        """Another currency's sign is refused, and the account's currency is named."""
        error = self.assertRaises(NotMoney, money.parse, "$100", "EUR")
        self.assertIn("EUR", str(error))

    def test_refused(self) -> None:
        """Nothing that is not plain digits is an amount, whatever Python would make of it."""
        for text in NOT_AMOUNTS:
            for currency in ("USD", "JPY"):
                self.assertRaises(NotMoney, money.parse, text, currency)

    def test_decimals(self) -> None:
        """A currency has the decimals that ISO 4217 gives it, and an amount with more is refused."""
        for currency, right, wrong in (("USD", "1.25", "1.255"), ("KWD", "1.255", "1.2555"), ("JPY", "1", "1.2")):
            self.assertEqual(money.parse(right, currency), int(right.replace(".", "")))
            error = self.assertRaises(NotMoney, money.parse, wrong, currency)
            self.assertIn(money.example(currency), str(error))

    def test_most(self) -> None:
        """The largest amount is read, and one minor unit more is refused."""
        self.assertEqual(money.parse("9999999999999.99", "USD"), MAX_AMOUNT_MINOR)
        self.assertRaises(NotMoney, money.parse, "10000000000000.00", "USD")
        self.assertEqual(money.parse("999999999999999", "JPY"), MAX_AMOUNT_MINOR)

    @steady
    @given(st.integers(1, MAX_AMOUNT_MINOR), st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
    def test_round_trip(self, amount_minor: int, currency: str) -> None:
        """What is written plainly is read as the same amount."""
        self.assertEqual(money.parse(money.plain(amount_minor, currency), currency), amount_minor)

    @steady
    @given(st.text(max_size=8))
    def test_any_text(self, text: str) -> None:
        """Any text is an amount of ASCII digits, or refused."""
        try:
            amount_minor = money.parse(text, "USD")
        except NotMoney:
            return
        self.assertTrue(text.lstrip("$").replace(".", "", 1).isascii() and 0 < amount_minor <= MAX_AMOUNT_MINOR)


class WriteTests(SynchronousTestCase):
    """Writing amounts, plainly and for people."""

    def test_plain(self) -> None:
        """Minor units are written with the currency's decimals, a sign where there is one, and no separators."""
        for amount_minor, currency, text in (
            (0, "USD", "0.00"),
            (5, "USD", "0.05"),
            (-5, "USD", "-0.05"),
            (123450, "USD", "1234.50"),
            (-123450, "USD", "-1234.50"),
            (5, "JPY", "5"),
            (-1234, "JPY", "-1234"),
            (5, "KWD", "0.005"),
            (12345, "CLF", "1.2345"),
        ):
            self.assertEqual(money.plain(amount_minor, currency), text)

    def test_written(self) -> None:
        """For people thousands are set apart, and the currency is named."""
        for amount_minor, currency, text in (
            (123450, "USD", "1,234.50 USD"),
            (-123450, "USD", "-1,234.50 USD"),
            (-5, "USD", "-0.05 USD"),
            (1234567, "JPY", "1,234,567 JPY"),
            (999, "KWD", "0.999 KWD"),
        ):
            self.assertEqual(money.written(amount_minor, currency), text)

    def test_example(self) -> None:
        """The example of an amount is an amount."""
        for currency, text in (("USD", "12.50"), ("JPY", "12"), ("KWD", "12.500")):
            self.assertEqual(money.example(currency), text)
            money.parse(text, currency)


class CurrencyTests(SynchronousTestCase):
    """Which codes are currencies, and their decimals."""

    def test_currencies(self) -> None:
        """Codes of ISO 4217 in capitals are currencies, with the standard's decimals and not CLDR's."""
        for code, places in (("USD", 2), ("EUR", 2), ("JPY", 0), ("KWD", 3), ("IQD", 3), ("RSD", 2), ("CLF", 4)):
            self.assertTrue(money.is_currency(code))
            self.assertEqual(money.exponent(code), places)

    def test_others(self) -> None:
        """Gold, no currency, codes for testing, other spellings and made-up codes are none."""
        for code in ("XAU", "XXX", "XTS", "usd", "Usd", "ZZZ", "", "US", "USDD", "840", "$"):
            self.assertFalse(money.is_currency(code), code)

    def test_no_code(self) -> None:
        """What is no code has no decimals to tell of."""
        self.assertRaises(ValueError, money.exponent, "ZZZ")
