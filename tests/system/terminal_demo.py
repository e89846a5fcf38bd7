"""A small conversation for the terminal tests: a name, a PIN, then commands until the input ends.

    python terminal_demo.py NOTICES RECORD

Each line that arrives on the FIFO ``NOTICES`` is said at once, but for ``cancel``, which withdraws the open
question. Each answer, or how a question failed, is appended to the file ``RECORD`` as one line of JSON.
"""

import json
import os
import sys
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ReactorNotRunning
from twisted.internet.protocol import connectionDone
from twisted.internet.stdio import StandardIO
from twisted.protocols.basic import LineOnlyReceiver
from twisted.python.failure import Failure

from bankd.client.opening import open_terminal
from bankd.client.screen import EndOfInput, Interrupted, Screen


class Notices(LineOnlyReceiver):
    """Says every line that arrives."""

    delimiter = b"\n"

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def lineReceived(self, line: bytes) -> None:
        """One notice, or the order to withdraw the question."""
        if line == b"cancel":
            self._screen.cancel()
        else:
            self._screen.say(line.decode())

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """We have ended."""


async def talk(screen: Screen, record: Path) -> None:
    """Ask for a name and a PIN, then for commands, until the input ends."""
    prompts = [("Name: ", False), ("PIN: ", True)]
    while True:
        prompt, hidden = prompts.pop(0) if prompts else ("> ", False)
        try:
            outcome = await screen.ask(prompt, hidden=hidden)
        except (Interrupted, CancelledError) as error:
            outcome = type(error).__name__
        except EndOfInput:
            return
        with record.open("a") as file:
            file.write(json.dumps(outcome) + "\n")
        if outcome == "hide":
            prompts = [("PIN: ", True)]


def main() -> None:
    """Talk until the input ends or a signal does."""
    notices, record = sys.argv[1:]
    screen = open_terminal(reactor)
    fifo = os.open(notices, os.O_RDWR | os.O_NONBLOCK)
    StandardIO(Notices(screen), fifo, fifo, reactor)  # type: ignore[call-arg]
    talking = Deferred.fromCoroutine(talk(screen, Path(record)))
    talking.addCallback(lambda _: screen.close())
    talking.addCallback(lambda _: reactor.stop())
    talking.addErrback(lambda failure: failure.trap(ReactorNotRunning))  # A signal was first.
    reactor.run()


if __name__ == "__main__":
    main()
