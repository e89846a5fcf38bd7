"""Messages by a program of the operator's own, started for each.

It is told everything on its standard input, as one JSON object with ``name``, ``mobile``, ``email``, ``subject`` and
``text``, each a text or null: arguments and variables of a process can be read by others on the machine. What it prints
is thrown away, for it could be the text. Exit status 0 says that the message was handed over, 75 that trying again may
help (EX_TEMPFAIL of sysexits.h, as mailers use it), any other that it does not.
"""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import psutil
from twisted.internet.defer import Deferred, fail
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd.delivery.file import as_json
from bankd.ibank import NotDelivered
from bankd.idelivery import ICourier, Unusable
from bankd.records import Contact, Parcel

TRY_AGAIN = 75
"""EX_TEMPFAIL."""

STDIN, STDOUT, STDERR = range(3)

ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}
"""All that the program finds in its environment; the bank's own may hold what is none of its business."""


@implementer(ICourier)
class Script:
    """Starts a program for each parcel, without a shell. It reaches whoever has a mobile number or e-mail address."""

    way = "script"

    def __init__(self, settings: Mapping[str, Any], reactor: Any) -> None:
        self._command: Sequence[str] = settings["command"]
        if not self._command:
            raise Unusable("command: it takes the program to start, and its arguments")
        program = shutil.which(self._command[0])
        if program is None:
            raise Unusable(f"command: {self._command[0]} is no program that can be started")
        self._command = (os.path.abspath(program), *self._command[1:])
        self._reactor = reactor

    def address(self, contact: Contact) -> str | None:
        """The mobile number or e-mail address."""
        return contact.mobile or contact.email

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Start the program; cancelling kills it, and what it has started."""
        run = _Run(json.dumps(as_json(contact, parcel)).encode() + b"\n")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            self._reactor.spawnProcess(
                *(run, self._command[0], self._command, ENVIRONMENT),
                childFDs={STDIN: "w", STDOUT: nowhere, STDERR: nowhere},
            )
        except OSError as error:
            return fail(NotDelivered(f"the program cannot be started: {error.strerror}", transient=True))
        finally:
            os.close(nowhere)
        return run.ended


class _Run(ProcessProtocol):
    """The program while it runs."""

    transport: Any

    def __init__(self, said: bytes) -> None:
        self._said = said
        self.ended: Deferred[None] = Deferred(self._kill)

    def connectionMade(self) -> None:
        self._pid = self.transport.pid  # the process is not waited for before it exits, so this stays its own
        self.transport.write(self._said)
        self.transport.closeStdin()

    def processExited(self, reason: Failure) -> None:
        if self.ended.called:
            return
        end: Any = reason.value  # ProcessDone or ProcessTerminated
        if end.exitCode == 0:
            self.ended.callback(None)
        elif end.signal is None:
            why = f"the program ended with status {end.exitCode}"
            self.ended.errback(NotDelivered(why, transient=end.exitCode == TRY_AGAIN))
        else:
            self.ended.errback(NotDelivered(f"the program was killed by signal {end.signal}"))

    def _kill(self, _ended: Deferred[None]) -> None:
        """Kill the program, and what it waits for: a shell that is killed alone leaves its children behind."""
        with suppress(psutil.NoSuchProcess):
            program = psutil.Process(self._pid)
            for process in (program, *program.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
