"""Hashes of secrets, the one spelling of mobile numbers, and the demo customers that have both."""

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank import access, contact, demo
from bankd.bank.hashing import Hasher
from bankd.codes import Refused
from bankd.store import customers
from bankd.testing import PRACTICE_TERMS, PracticeBank


def hasher(pepper: bytes = b"pepper") -> Hasher:
    """A hasher that is quick, for a secret that nobody has."""
    return Hasher(pepper, passes=1, memory_kib=8)


class Hashes(SynchronousTestCase):
    """What is kept of a secret, and what it matches."""

    def test_matches(self) -> None:
        """A hash matches the secret that it was made from, and no other."""
        hashed = hasher().hash("päßword 😀")
        self.assertTrue(hasher().matches(hashed, "päßword 😀"))
        for other in ("", "päßword", "päßword 😀 ", "PÄSSWORD 😀"):
            self.assertFalse(hasher().matches(hashed, other), other)

    def test_nobody(self) -> None:
        """Nobody's hash matches nothing, not even what it was made from."""
        for secret in ("nobody's", ""):
            self.assertIs(hasher().matches(None, secret), False)

    def test_nobody_costs_the_same_work(self) -> None:
        """A secret for nobody is checked against a hash with the same costs as anybody's."""
        costs = hasher()
        seen: list[str] = []
        verify = costs._argon2.verify

        def note(hashed: str, secret: bytes) -> bool:
            seen.append(hashed)
            return bool(verify(hashed, secret))

        self.patch(costs, "_argon2", type("Argon2", (), {"verify": staticmethod(note)}))
        for hashed in (hasher().hash("1234"), None):
            costs.matches(hashed, "4321")
        settings = [hashed.split("$")[:4] for hashed in seen]
        self.assertEqual(settings[0], settings[1])

    def test_pepper(self) -> None:
        """Without the pepper a hash matches nothing."""
        self.assertFalse(hasher(b"salt").matches(hasher().hash("1234"), "1234"))

    def test_salted(self) -> None:
        """One secret has a new hash each time, and the secret is in none."""
        first, second = hasher().hash("1234567"), hasher().hash("1234567")
        self.assertNotEqual(first, second)
        self.assertNotIn("1234567", first)

    def test_costs(self) -> None:
        """By default it is argon2id with 19 MiB, two passes and one lane, as OWASP asks for."""
        self.assertTrue(Hasher(b"pepper").hash("1234").startswith("$argon2id$v=19$m=19456,t=2,p=1$"))

    def test_broken_hash(self) -> None:
        """What is no hash matches nothing."""
        for hashed in ("", "x", "$argon2id$v=19$m=8,t=1,p=1$AAAA", "$2b$12$abcdefghijklmnopqrstuv"):
            self.assertFalse(hasher().matches(hashed, "1234"), hashed)

    def test_fits_the_column(self) -> None:
        """A hash fits into the column that keeps it."""
        self.assertLessEqual(len(Hasher(b"pepper").hash("x" * 128)), 255)


class Mobiles(SynchronousTestCase):
    """The one spelling of mobile numbers."""

    def test_spellings(self) -> None:
        """International and national spellings of a number are one number."""
        for spelt, region, number in (
            ("+12025550123", "DE", "+12025550123"),
            ("2025550123", "US", "+12025550123"),
            ("12025550123", "US", "+12025550123"),
            ("015112345678", "DE", "+4915112345678"),
            ("+4915112345678", "US", "+4915112345678"),
        ):
            self.assertEqual(contact.e164(spelt, region), number, spelt)

    def test_no_number(self) -> None:
        """What no network could dial is refused, and the field is named."""
        for spelt in ("", "+", "12", "+999123456789", "123456789012345", "abc", "+1202555012345"):
            with self.assertRaises(Refused) as caught:
                contact.e164(spelt, "US")
            self.assertEqual((caught.exception.code, caught.exception.field), (codes.BAD_FIELD, "mobile"), spelt)


class Demo(SynchronousTestCase):
    """The demo customers."""

    MOBILES = ("+12025550123", "+12025550147", "+12025550181")

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder)
        self.addCleanup(self.bank.close)

    def open_demo(self) -> list[demo.DemoCustomer]:
        """Make them."""
        with self.bank.store.writing() as tx:
            return demo.open_demo(tx, PRACTICE_TERMS, self.bank.random.randrange, hasher(), self.MOBILES)

    def test_made(self) -> None:
        """Each can log in by each way, and has play money; the ledger is right."""
        made = self.open_demo()
        self.assertEqual([customer.username for customer in made], list(demo.NAMES))
        for customer in made:
            with self.bank.store.reading() as connection:
                ways = [
                    (access.claim_by_name(connection, customer.username, None), customer.password),
                    (access.claim_by_account(connection, customer.account), customer.pin),
                    (access.claim_by_mobile(connection, customer.mobile, None), customer.pin),
                ]
                for claim, secret in ways:
                    assert claim is not None
                    self.assertTrue(hasher().matches(claim.hashed, secret))
                    balance_minor = customers.account(connection, claim.account_id).balance_minor
                    self.assertEqual(balance_minor, demo.OPENING_MINOR)
        self.assertEqual(self.bank.faults(), [])

    def test_secrets(self) -> None:
        """Passwords and PINs are different, have their form, pass the bank's own checks, and are in no repr."""
        made = self.open_demo()
        syllables = "(?:[bdfgklmnprstvz][aeiou]){2}"
        for customer in made:
            self.assertTrue(re.fullmatch(rf"{syllables}-{syllables}-{syllables}-[1-9][0-9]", customer.password))
            self.assertTrue(re.fullmatch(r"[0-9]{5}", customer.pin))
            access.check_password(customer.password)
            access.check_pin(customer.pin)
            self.assertNotIn(customer.password, repr(customer))
            self.assertNotIn(customer.pin, repr(customer))
        self.assertEqual(len({secret for one in made for secret in (one.password, one.pin)}), 6)

    def test_weak_pins_are_drawn_again(self) -> None:
        """A drawn PIN that is too easy to guess is not used; leading zeros are kept."""
        drawn = iter([11111, 12345, 42])
        self.assertEqual(demo._pin(lambda _below: next(drawn)), "00042")

    def test_again(self) -> None:
        """When they are there already nothing is made."""
        self.open_demo()
        with self.assertRaises(Refused) as caught:
            self.open_demo()
        self.assertIs(caught.exception.code, codes.TAKEN)
