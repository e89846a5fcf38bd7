"""A well-behaved customer beside those who are not: a request every few milliseconds, and how long each answer took.

It runs in a process of its own, so that what it waits for is the bank and not whoever attacks it. Where the bank wants
a one-time password of it, it says ``code`` and reads one. It ends when its input does, and then tells the moments at
which it asked, and how long it waited, in seconds, as JSON.

    python -m tests.hostile.bystander PORT AUTHORITY ACCOUNT PIN
"""

import json
import selectors
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from bench.programs import ROOT
from tests.hostile.line import PATIENCE_SECONDS, Line
from tests.hostile.scene import proved
from tests.hostile.target import PIN, Target
from tests.system.support import environment

PAUSE_SECONDS = 0.003
"""How long after an answer the next request is sent."""

Waits = list[tuple[float, float]]
"""Moments of asking, by ``time.monotonic``, and how long the answer took, in seconds."""


class Bystander:
    """The process, for those who start it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.waits: Waits = []

    def end(self) -> None:
        """Have it leave; from then on ``waits`` is what it told."""
        told, _ = self._process.communicate(timeout=PATIENCE_SECONDS)
        self.waits = [(moment, wait) for moment, wait in json.loads(told)]


@contextmanager
def beside(bank: Target) -> Iterator[Bystander]:
    """A bystander who has a session with a bank until the end."""
    place = bank.customers[4]
    command = [sys.executable, "-m", "tests.hostile.bystander", bank.port, bank.state / "ca.pem", place.account, PIN]
    with subprocess.Popen(
        list(map(str, command)),
        cwd=ROOT,
        env=environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin is not None and process.stdout is not None
            said = process.stdout.readline()
            if said == "code\n":
                process.stdin.write(bank.sent_to(place) + "\n")
                process.stdin.flush()
                said = process.stdout.readline()
            assert said == "begun\n", "the bystander was not let in"
            yield Bystander(process)
        finally:
            process.kill()


def asked_code() -> str:
    """The one-time password that whoever started this tells."""
    print("code", flush=True)
    return sys.stdin.readline().strip()


def stand_by(line: Line) -> Waits:
    """Ask until the input ends."""
    waits: Waits = []
    with selectors.DefaultSelector() as selector:
        selector.register(sys.stdin, selectors.EVENT_READ)
        while not selector.select(PAUSE_SECONDS):
            began = monotonic()
            answer = line.ask("BALANCE")
            waits.append((began, monotonic() - began))
            assert answer.startswith("200 "), answer
    return waits


def main(argv: Sequence[str]) -> int:
    """Stand by; the exit status."""
    port, authority, account, pin = argv
    line = Line(int(port), ssl.create_default_context(cafile=authority))
    answer = proved(line, line.ask(f"LOGIN account={account} pin={pin}"), asked_code)
    assert answer.startswith("200 "), answer
    print("begun", flush=True)
    json.dump(stand_by(line), sys.stdout)
    line.leave()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
