"""The deliveries that come with bankd, without a network: their settings, and what they make of a message.

What they say to real servers and programs is in tests/system/test_deliveries.py.
"""

import email
import json
import os
import stat
from email.policy import default
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd.config import KEYS
from bankd.delivery import conformance
from bankd.delivery.console import Console
from bankd.delivery.file import File
from bankd.delivery.script import Script
from bankd.delivery.sms import Sms
from bankd.delivery.smtp import Smtp
from bankd.ibank import NotDelivered
from bankd.idelivery import ICourier, Unusable
from bankd.plugin import DeliveryMaker
from bankd.records import Contact, Parcel
from bankd.testing import AtOnce

ALICE = Contact("Alice", "+12025550123", "alice@example.org")

HOSTILE = 'x"}\r\n.\r\nBcc: eve@example.org\r\n\r\n{to}{text}%0d&To=+1;$(reboot)\u2028\x00\x1b[2J'
"""What a name, a subject or a text may hold when somebody means ill."""


class DeliveryCase(SynchronousTestCase):
    """A test with a folder, and a delivery with its settings' defaults but for what the test says."""

    maker: Any

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.reactor = MemoryReactorClock()
        self.reactor.advance(1_790_000_000)

    def courier(self, **settings: Any) -> Any:
        """A courier."""
        section = self.maker.__name__.lower()
        defaults = {key.name: key.read(key.default) for key in KEYS if key.section == section}
        courier = self.maker({**defaults, **settings}, self.reactor)
        verifyObject(ICourier, courier)
        return courier

    def file(self, content: str | bytes) -> Path:
        """A file that holds this."""
        path = self.folder / "file"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def assertUnusable(self, why: str, **settings: Any) -> None:
        """These settings are refused so."""
        self.assertEqual(str(self.assertRaises(Unusable, self.courier, **settings)), why)


class TheConsole(DeliveryCase):
    """Messages on the terminal."""

    maker = Console

    def test_printed(self) -> None:
        """A message is printed with its address, without what a terminal would obey; everybody is reached."""
        printed = StringIO()
        self.patch(__import__("sys"), "__stdout__", printed)
        courier = self.courier()
        self.assertEqual([courier.address(who) for who in (ALICE, Contact())], ["+12025550123", ""])
        self.successResultOf(courier.send(Contact(), Parcel("Your\x1b[2J code", "It is 1234.\nThat is all.")))
        self.assertEqual(printed.getvalue(), "--- to a customer: Your\\x1b[2J code\nIt is 1234.\nThat is all.\n---\n")
        printed.close()
        self.failureResultOf(courier.send(ALICE, Parcel("a", "b")), NotDelivered)


class TheFile(DeliveryCase):
    """Messages as lines of a file."""

    maker = File

    def file_courier(self, path: Path) -> File:
        """A courier that writes at once."""
        return File({"path": path}, self.reactor, AtOnce())

    def test_lines(self) -> None:
        """Each message is one line of JSON, whatever is in it, in a file for the owner alone that only grows."""
        path = self.folder / "messages"
        courier = self.file_courier(path)
        hostile = Contact(HOSTILE, "+12025550123")
        for contact, text in ((ALICE, "It is 1234."), (hostile, HOSTILE)):
            self.successResultOf(courier.send(contact, Parcel("Your code", text)))
        first, second = path.read_text(encoding="ascii").splitlines()
        self.assertEqual(
            json.loads(first),
            {
                "at": "2026-09-21T14:13:20.000000Z",
                "name": "Alice",
                "mobile": "+12025550123",
                "email": "alice@example.org",
                "subject": "Your code",
                "text": "It is 1234.",
            },
        )
        self.assertEqual([json.loads(second)[name] for name in ("name", "text")], [HOSTILE, HOSTILE])
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)

    def test_moved_away(self) -> None:
        """A file that another program takes away is made anew."""
        path = self.folder / "messages"
        courier = self.file_courier(path)
        for _ in range(2):
            self.successResultOf(courier.send(ALICE, Parcel("a", "b")))
            path.rename(self.folder / "taken")
        self.assertFalse(path.exists())

    def test_cannot_be_written(self) -> None:
        """Where it cannot be written the message is not handed over; it may be later."""
        failure = self.failureResultOf(self.file_courier(self.folder).send(ALICE, Parcel("a", "b")), NotDelivered)
        self.assertEqual(str(failure.value), f"{self.folder}: Is a directory")
        self.assertTrue(failure.value.transient)

    def test_half_a_line(self) -> None:
        """On a disk that takes a part of a line, or loses it, the file is left as it was."""
        path = self.file("before\n")
        courier = self.file_courier(path)

        def fails(_number: int) -> None:
            raise OSError(28, "No space left on device")

        self.patch(os, "fsync", fails)
        failure = self.failureResultOf(courier.send(ALICE, Parcel("a", "b")), NotDelivered)
        self.assertIn("No space left on device", str(failure.value))
        self.assertEqual(path.read_text(), "before\n")

    def test_settings(self) -> None:
        """The file is needed, and its folder must be there."""
        self.assertUnusable("path: it takes the file to append messages to")
        self.assertUnusable("path: there is no folder /nowhere", path=Path("/nowhere/messages"))

    def test_contract(self) -> None:
        """It keeps the contract."""
        plugin = DeliveryMaker("file", f"{__name__}.file_at_once")
        checked = conformance.complaints(plugin, {"path": self.folder / "messages"}, self.reactor, ALICE)
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(checked)), [])


def file_at_once(settings: Any, reactor: Any) -> File:
    """The file, without a thread."""
    return File(settings, reactor, AtOnce())


class TheScript(DeliveryCase):
    """Messages by a program: its settings."""

    maker = Script

    def test_settings(self) -> None:
        """The program is needed, and must be one."""
        self.assertUnusable("command: it takes the program to start, and its arguments")
        self.assertUnusable(
            "command: /nowhere/send is no program that can be started", command=["/nowhere/send", "--now"]
        )
        self.assertUnusable(f"command: {self.file('')} is no program that can be started", command=[str(self.file(""))])
        courier = self.courier(command=["sh"])
        self.assertEqual([courier.address(who) for who in (ALICE, Contact("Bob"))], ["+12025550123", None])


class TheMail(DeliveryCase):
    """Messages by e-mail: settings, and the mail itself."""

    maker = Smtp
    GOOD = {"host": "mail.example", "from": "Demo Bänk <bank@example.org>"}

    def test_settings(self) -> None:
        """Host and sender are needed, a user needs a password, and only this machine is spoken to in the clear."""
        sender = "from: it takes the sender's address, such as bank@example.org or Bank <bank@example.org>"
        clear = "security: none is for a server on this machine only (localhost, 127.0.0.1 or ::1)"
        self.assertUnusable("host: it takes the name of the mail server")
        for text in ("", "bank", "Bank <bank>", "a@b, c@d <e", "Bank <a b@c>"):
            self.assertUnusable(sender, **{**self.GOOD, "from": text})
        self.assertUnusable(clear, **self.GOOD, security="none")
        missing = "password_file: it takes the file with the password of the user"
        self.assertUnusable(missing, **self.GOOD, user="bank")
        for content in ("", "\n", "sécret", "a\x00b", "a" * 5000):
            self.assertUnusable(
                f"{self.file(content)} must hold one line, in ASCII, with the secret",
                **self.GOOD,
                user="bank",
                password_file=self.file(content),
            )
        empty = self.file("nothing")
        self.assertUnusable(f"ca_file: {empty} holds no certificate", **self.GOOD, ca_file=empty)
        self.assertRaises(OSError, self.courier, **self.GOOD, ca_file=self.folder / "missing")
        self.courier(**self.GOOD, user="bank", password_file=self.file("two words\n"))
        self.courier(**{**self.GOOD, "host": "localhost"}, security="none")

    def test_mail(self) -> None:
        """A mail says who, to whom, what and when, and that nobody's absence is to answer it."""
        octets = self.courier(**self.GOOD).message("alice@example.org", Parcel("Ihr Schlüssel", "Er ist 1234.\n"))
        self.assertTrue(octets.isascii())
        mail = email.message_from_bytes(octets, policy=default)
        self.assertEqual(
            {name: mail[name] for name in ("From", "To", "Subject", "Date", "Auto-Submitted")},
            {
                "From": "Demo Bänk <bank@example.org>",
                "To": "alice@example.org",
                "Subject": "Ihr Schlüssel",
                "Date": "Mon, 21 Sep 2026 14:13:20 -0000",
                "Auto-Submitted": "auto-generated",
            },
        )
        self.assertRegex(mail["Message-ID"], r"^<[^<>@]+@example\.org>$")
        self.assertEqual(mail.get_content(), "Er ist 1234.\n")

    def test_hostile(self) -> None:
        """No subject and no text makes a header, an address or an end of its own."""
        courier = self.courier(**self.GOOD)
        octets = courier.message("alice@example.org", Parcel(HOSTILE, HOSTILE))
        self.assertNotIn(b"\r", octets)
        self.assertNotRegex(octets, rb"[\x00-\x08\x0b-\x1f]")
        mail = email.message_from_bytes(octets, policy=default)
        self.assertEqual(mail["Bcc"], None)
        self.assertEqual(sorted(set(mail.keys())), sorted(mail.keys()), "no header is there twice")
        self.assertEqual(mail["To"], "alice@example.org")

    def test_who_is_reached(self) -> None:
        """An address that could be more than an address is none."""
        courier = self.courier(**self.GOOD)
        self.assertEqual(courier.address(ALICE), "alice@example.org")
        for odd in (None, "", "a@b\r\nBcc: c@d", '"a"@b', "a,b@c", "a@b>"):
            self.assertIsNone(courier.address(Contact("Eve", "+12025550199", odd)), odd)


class TheGateway(DeliveryCase):
    """Text messages: settings, and what the gateway is sent."""

    maker = Sms
    URL = "https://gateway.example/messages"

    def test_settings(self) -> None:
        """The URL is HTTPS unless the gateway is this machine, and holds no secret; the template has both places."""
        for url in (
            "",
            "gateway.example",
            "ftp://gateway.example/",
            "https://",
            "https://a b/",
            "https://[",
            "https://ä/",
        ):
            self.assertUnusable(
                "url: it takes the gateway's address, such as https://gateway.example/messages", url=url
            )
        only = "url: http is for a gateway on this machine only (localhost, 127.0.0.1 or [::1]); https does"
        self.assertUnusable(only, url="http://gateway.example/")
        self.assertUnusable(
            "url: a user and a password in it would be seen by all who see the settings",
            url="https://us:secret@gateway/",
        )
        for template in ("", "{", "{to}", '{"to": "{to}"}', "To={to}", '{"{to}": 1, "{text}": 2}', "[]"):
            self.assertUnusable(
                "template: it takes a JSON object or a form, with {to} and {text} in its values",
                url=self.URL,
                template=template,
            )
        self.assertUnusable("token_file: it takes the file with the password of the user", url=self.URL, user="us")
        for url in ("http://localhost:8080/", "http://127.0.0.1/", "http://[::1]/sms"):
            self.courier(url=url)

    def test_json(self) -> None:
        """Number and text are put into whatever values of the template have their places, and add nothing to it."""
        courier = self.courier(url=self.URL)
        self.assertEqual(json.loads(courier.body("+1", "It is 1.")), {"to": "+1", "text": "It is 1."})
        self.assertEqual(json.loads(courier.body("+1", HOSTILE)), {"to": "+1", "text": HOSTILE})
        template = '{"messages": [{"to": ["{to}"], "n": 1, "{to}": "Bank: {text} {text}", "x": "{other}"}]}'
        body = json.loads(self.courier(url=self.URL, template=template).body("+1", "{to}"))
        self.assertEqual(body, {"messages": [{"to": ["+1"], "n": 1, "{to}": "Bank: {to} {to}", "x": "{other}"}]})

    def test_form(self) -> None:
        """In a form too, of which encoded octets are read first."""
        courier = self.courier(url=self.URL, template="To={to}&Body=B%26B:+{text}&From=%2B1")
        for text in ("It is 1.", HOSTILE):
            found = parse_qsl(courier.body("+12", text).decode(), strict_parsing=True)
            self.assertEqual(found, [("To", "+12"), ("Body", f"B&B: {text}"), ("From", "+1")])

    def test_who_is_reached(self) -> None:
        """Whoever has a mobile number."""
        courier = self.courier(url=self.URL)
        self.assertEqual([courier.address(who) for who in (ALICE, Contact("Bob"))], ["+12025550123", None])
