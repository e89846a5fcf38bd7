"""What is printed of values, errors and failures has no secret in it. That nothing else has is seen in tests/system."""

import traceback
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path
from pkgutil import walk_packages
from typing import Any

from twisted.internet import defer
from twisted.logger import Logger, LogPublisher, textFileLogObserver
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

import bankd
from bankd.log import LogFile
from bankd.protocols.asked import Reader
from bankd.wire import codec

SECRET = {"password", "pin", "new", "secret", "hashed", "renewed", "pepper", "chain", "pairs"}
SECRET |= {"passcode", "totp", "offered", "uri"}
"""What fields that hold secrets, or whatever a peer sent, are called; a new kind of secret adds its name."""

PLAIN = {"bankd.client.forms.Way.secret"}
"""Fields of these names that hold none: here the question for one."""


def dataclasses() -> Iterator[type[Any]]:
    """Every dataclass of the bank, the client and the operator's command."""
    for module in walk_packages(bankd.__path__, "bankd."):
        if ".migrations" not in module.name:
            for value in vars(import_module(module.name)).values():
                if isinstance(value, type) and is_dataclass(value) and value.__module__ == module.name:
                    yield value


class Values(SynchronousTestCase):
    """What is printed of values."""

    def test_every_field(self) -> None:
        """No dataclass prints a field that holds a secret."""
        printed, held = set(), 0
        for value in dataclasses():
            prints: Any = value
            for field in fields(value):
                name = f"{value.__module__}.{value.__name__}.{field.name}"
                if field.name in SECRET and name not in PLAIN:
                    held += 1
                    if field.repr and prints.__dataclass_params__.repr:
                        printed.add(name)
        self.assertEqual(printed, set())
        self.assertGreater(held, 20)


class Errors(SynchronousTestCase):
    """What is printed of errors."""

    LINES = (
        b"a LOGIN username=s3cret password=s3cret",
        b"a LOGIN username=S3CRET password=s3cret",
        b"a LOGIN username=alice password=s3cret%ff",
        b"a LOGIN account=1 pin=s3cret",
        b"a LOGIN account=1 pin=1234%s3cret",
        b"a LOGIN username=alice password=s3cret pin=s3cret",
        b"a CHANGE_PASSWORD new=s3cret",
        b"a DEPOSIT amount=s3cret currency=USD key=k",
        b"a BALANCE at=s3cret",
        b"a BALANCE at=2026-02-31T10:15:00.000000Z",
        b"a - to=s3cret amount=s3cret",
        b"s3cret-of-alice",  # letters and digits alone would be a tag, which is told to who chose it
        b"a s3cret",
        b"a LOGIN password=\xc3\xa9s3cret",
    )

    def test_lines(self) -> None:
        """What is read of a line, and the error that refuses it with all behind it, show nothing of the line."""
        refused = 0
        for line in self.LINES:
            for asked in Reader().read(line, True):
                self.assertNotIn("s3cret", repr(asked).lower(), line)
                if asked.refused is not None:
                    refused += 1
                    self.assertNotIn("s3cret", "".join(traceback.format_exception(asked.refused)).lower(), line)
        self.assertGreater(refused, 9)

    def test_replies(self) -> None:
        """A request that was split prints without its fields."""
        self.assertNotIn("s3cret", repr(codec.split(b"a LOGIN username=s3cret password=s3cret")))


def mistake(password: str) -> None:
    """A mistake in the bank, with a secret among its values."""
    peppered = {"password": password}
    raise LookupError(len(peppered))


class Failures(SynchronousTestCase):
    """What is logged of failures."""

    def failure(self) -> Failure:
        """A failure in whose frames a secret is."""
        failure: Failure = self.failureResultOf(defer.execute(mistake, "s3cret"))
        return failure

    def logged(self, failure: Failure) -> str:
        """A failure as the log of twistd, and the bank's own, have it."""
        printed, path = StringIO(), Path(self.mktemp())
        file = LogFile(path)
        self.addCleanup(file.close)
        log = Logger(observer=LogPublisher(textFileLogObserver(printed), file))
        log.failure("incident {incident}", failure, incident="1")
        self.assertEqual(printed.getvalue().count("Traceback"), 1)
        return printed.getvalue() + path.read_text(encoding="utf-8")

    def test_no_values(self) -> None:
        """The log has the lines of the program that failed, and none of the values in them."""
        said = self.logged(self.failure())
        self.assertIn("in mistake", said)
        self.assertNotIn("s3cret", said)

    def test_no_values_where_they_are_kept(self) -> None:
        """Nor has it where Twisted keeps the values, because somebody looks for a fault (`twistd --debug`)."""
        self.addCleanup(defer.setDebugging, defer.getDebugging())
        defer.setDebugging(True)
        failure = self.failure()
        self.assertNotIn("s3cret", self.logged(failure))
