"""Hashes of secrets, the one spelling of mobile numbers, and the demo customers that have both."""

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank import access, contact, demo, pins, strength
from bankd.bank.hashing import Hasher
from bankd.codes import Refused
from bankd.store import customers
from bankd.store.claims import Identity
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

    def test_spellings(self) -> None:
        """A secret is the same in every normalization form, and with every kind of space; capitals are not folded."""
        hashed = hasher().hash("caf\u00e9 au lait")
        for spelt in ("cafe\u0301 au lait", "caf\u00e9\u00a0au\u3000lait"):
            self.assertTrue(hasher().matches(hashed, spelt), ascii(spelt))
        for other in ("cafe au lait", "Caf\u00e9 au lait", "caf\u00e9au lait", "\uff43af\u00e9 au lait"):
            self.assertFalse(hasher().matches(hashed, other), ascii(other))

    def test_as_it_came(self) -> None:
        """A hash of a secret as it came, from before secrets were prepared, still matches it, and is renewed."""
        old = hasher()._argon2.hash(hasher()._peppered("cafe\u0301 au lait"))
        self.assertTrue(hasher().matches(old, "cafe\u0301 au lait"))
        self.assertFalse(hasher().matches(old, "caf\u00e9 au lait"))
        new = hasher().proven(old, "cafe\u0301 au lait")
        assert new is not None
        self.assertNotEqual(new, old)
        for spelt in ("cafe\u0301 au lait", "caf\u00e9 au lait"):
            self.assertEqual(hasher().proven(new, spelt), new)

    def test_renewed(self) -> None:
        """What is proven of a hash with other costs is a new one with today's; of one with today's, it itself."""
        for passes, memory_kib in ((1, 8), (3, 8), (2, 16)):
            old = Hasher(b"pepper", passes, memory_kib).hash("1234567")
            today = Hasher(b"pepper", passes=2, memory_kib=8)
            new = today.proven(old, "1234567")
            assert new is not None
            self.assertIn("$m=8,t=2,p=1$", new)
            self.assertEqual(today.proven(new, "1234567"), new)

    def test_nothing_proven(self) -> None:
        """Of a wrong secret, and for nobody, nothing is proven, however the hash was made."""
        old = Hasher(b"pepper", passes=2, memory_kib=8).hash("1234567")
        for hashed, secret in ((old, "1234568"), (hasher().hash("1234567"), "1234568"), (None, "nobody's")):
            self.assertIsNone(hasher().proven(hashed, secret))

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
                    (Identity("username", customer.username, "password"), customer.password),
                    (Identity("account", customer.account, "pin"), customer.pin),
                    (Identity("mobile", customer.mobile, "pin"), customer.pin),
                ]
                for identity, secret in ways:
                    claim = access.claim(connection, identity)
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
            known = [customer.username, customer.mobile, customer.account]
            strength.check("password", customer.password, known)
            strength.check("pin", customer.pin, known)
            self.assertNotIn(customer.password, repr(customer))
            self.assertNotIn(customer.pin, repr(customer))
        self.assertEqual(len({secret for one in made for secret in (one.password, one.pin)}), 6)

    def test_weak_pins_are_drawn_again(self) -> None:
        """A drawn PIN that is too easy to guess is not used; leading zeros are kept."""
        drawn = iter([11111, 12345, 55501, 42])
        self.assertEqual(pins.new_pin(lambda _below: next(drawn), self.MOBILES[0]), "00042")

    def test_again(self) -> None:
        """When they are there already nothing is made."""
        self.open_demo()
        with self.assertRaises(Refused) as caught:
            self.open_demo()
        self.assertIs(caught.exception.code, codes.TAKEN)
