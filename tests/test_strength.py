"""Which passwords and PINs are too easy to guess to be chosen."""

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

from bankd import codes
from bankd.bank import strength
from bankd.codes import Refused

KNOWN = ("maria-huber", "+4915112345678", "María  Huber-Köhler", "huber1987@mail.example", "10000042", None)
"""What others may know of a customer."""


class Strength(SynchronousTestCase):
    """What may be chosen, and what not."""

    def assert_weak(self, kind: str, secrets: dict[str, bool]) -> None:
        """Check for each new secret whether it is refused."""
        for secret, weak in secrets.items():
            try:
                strength.check(kind, secret, KNOWN)
            except Refused as refused:
                self.assertEqual((refused.code, refused.field), (codes.WEAK_SECRET, kind))
                self.assertTrue(weak, ascii(secret))
            else:
                self.assertFalse(weak, ascii(secret))

    def test_length(self) -> None:
        """A password has eight characters once it is in normalization form C, however many octets they are."""
        self.assert_weak(
            "password", {"kvzlpqm": True, "kvzlpqmw": False, "na\u00efvet\u00e9!": False, "nai\u0308vete\u0301": True}
        )

    def test_repeated(self) -> None:
        """A password is not one character repeated, in whatever case or kind of space."""
        self.assert_weak(
            "password",
            {"        ": True, " \u00a0 \u3000 \u2003 \u00a0": True, "xXxXxxxxXX": True, "zzzzzzzzzzzq": False},
        )

    def test_common(self) -> None:
        """A password is none of those that many have, in whatever case."""
        self.assert_weak(
            "password",
            dict.fromkeys(("password", "Password1", "QWERTYUIOP", "12345678", "1q2w3e4r", "iloveyou", "TrustNo1"), True)
            | {"password of maria": False, "qwertyuiop-42": False},
        )

    def test_known(self) -> None:
        """A password is not the user name, and nothing else that others may know, nor a part of it, nor it reversed."""
        self.assert_weak(
            "password",
            {
                **dict.fromkeys(("maria-huber", "Maria-Huber", "rebuh-airam", "15112345678", "87654321151"), True),
                **dict.fromkeys(("huber1987", "HUBER-KO\u0308HLER", "mail.example"), True),
                "maria-huber-2": False,
            },
        )

    def test_pins(self) -> None:
        """A PIN is neither one digit repeated nor digits in a row, up, down, or past nine."""
        self.assert_weak(
            "pin",
            dict.fromkeys(("0000", "77777", "1234", "8901", "54321", "2109", "234567890123"), True)
            | dict.fromkeys(("1235", "1357", "1212", "24680", "0199"), False),
        )

    def test_pins_of_numbers(self) -> None:
        """A PIN is not digits in order of the mobile number or an account's, from either end, nor of anything known."""
        self.assert_weak(
            "pin",
            dict.fromkeys(("4915", "5112", "15112", "2115", "1000", "0042", "2400", "1987"), True)
            | dict.fromkeys(("4951", "5187", "42100"), False),
        )

    def test_field_at_fault(self) -> None:
        """The field that held the weak secret is named as the caller calls it."""
        for kind, weak in (("password", "short"), ("pin", "1111")):
            with self.assertRaises(Refused) as caught:
                strength.check(kind, weak, (), "new")
            self.assertEqual((caught.exception.code, caught.exception.field), (codes.WEAK_SECRET, "new"))

    def test_list(self) -> None:
        """The list of common passwords has thousands of entries, none of them shorter than a password may be."""
        common = strength._common_passwords()
        self.assertGreater(len(common), 10_000)
        self.assertLessEqual({word for word in common if len(word) < strength.MIN_PASSWORD}, set())
        self.assertEqual({word for word in common if word != word.casefold()}, set())

    def test_loaded_when_needed(self) -> None:
        """The list is not loaded with the bank, and not for a PIN."""
        code = (
            "import sys; from bankd.bank import strength; strength.check('pin', '4951', [])\n"
            "assert 'zxcvbn' not in sys.modules; strength.check('password', 'kvzlpqmw', [])\n"
            "assert 'zxcvbn' in sys.modules"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
