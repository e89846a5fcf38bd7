"""The program ``bankd-client``: reads what it was told, and lets a script or a person talk to the bank.

Nothing else in the client knows the reactor by its global name.
"""

import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TextIO

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from bankd import core_files, output
from bankd.client import exits, passcodes, prompts, words
from bankd.client.arguments import Given, read_arguments
from bankd.client.atm import Atm
from bankd.client.bank import Bank
from bankd.client.connection import open_line
from bankd.client.errors import NoBank
from bankd.client.feed import Feed, Later, Lines, Unreadable
from bankd.client.forms import WAYS
from bankd.client.lookout import look_out
from bankd.client.menu import Menu
from bankd.client.opening import open_terminal
from bankd.client.passcodes import AskPasscode
from bankd.client.progress import Row
from bankd.client.script import Script
from bankd.records import Challenged

STDIN = 0
"""The descriptor of standard input."""


class Unwritable(Exception):
    """What the bank said cannot be shown; it says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the client with these arguments, or the program's own; the exit status."""
    core_files.forbid()
    output.escape()
    try:
        given = read_arguments(arguments, os.environ, _standard_input())
    except (KeyboardInterrupt, EOFError):  # at the question for the secret
        return exits.INTERRUPTED
    if given.kiosk:
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP):
            signal.signal(number, signal.SIG_IGN)
    from twisted.internet import reactor

    return drive(reactor, lambda: (run_tasks if given.tasks else run_terminal)(reactor, given))


def _standard_input() -> TextIO:
    """Standard input; where it is closed, one that is empty, lest its number become that of a connection."""
    return sys.stdin or os.fdopen(os.open(os.devnull, os.O_RDONLY), closefd=False)


def drive(reactor: Any, run: Callable[[], Coroutine[Any, Any, int]]) -> int:
    """Run the reactor for as long as ``run`` takes; its exit status. A signal that stops the reactor cancels it."""
    statuses: list[int] = []  # the first counts

    def start() -> None:
        running = Deferred.fromCoroutine(run())
        reactor.addSystemEventTrigger("before", "shutdown", stop, running)
        running.addBoth(end)

    def end(result: int | Failure) -> None:
        statuses.append(result if isinstance(result, int) else _status_of(result))
        if len(statuses) == 1:
            reactor.stop()

    def stop(running: Deferred[int]) -> None:
        statuses.append(exits.INTERRUPTED)
        running.cancel()

    reactor.callWhenRunning(start)
    reactor.run()
    return statuses[0]


def _status_of(failure: Failure) -> int:
    """The exit status after ``run`` failed, having said what is worth saying."""
    if failure.check(CancelledError):
        return exits.INTERRUPTED
    if failure.check(BrokenPipeError):
        output.abandon()
        return exits.BROKEN_PIPE
    if failure.check(Unwritable):
        output.abandon()
        _complain(f"standard output cannot be written: {failure.getErrorMessage()}")
        return exits.UNUSABLE
    sys.stderr.write(f"bankd-client: a fault of this program:\n{failure.getTraceback()}")
    return exits.FAULT


async def run_tasks(reactor: Any, given: Given) -> int:
    """Do the tasks that were given; the exit status."""
    assert given.login is not None and given.secret is not None
    way, identity = given.login
    try:
        bank = (await open_line(reactor, given.means, _complain)).bank
    except NoBank as error:
        _complain(words.no_bank(error))
        return exits.NO_BANK
    typed = Lines(reactor, STDIN)
    bank.ask_passcode = _passcodes(reactor, given, typed)
    script = Script(bank, _print, _complain, progress=_progress(given), as_json=given.as_json)
    try:
        return await script.run(WAYS[way].login(identity, given.secret), Feed(given.tasks, typed))
    except Unreadable as error:
        _complain(f"standard input cannot be read: {error}")
        return exits.UNUSABLE
    finally:
        bank.close()


def _passcodes(reactor: Any, given: Given, typed: Lines) -> AskPasscode:
    """Where one-time passwords come from: an app's secret, what was given once, or a person, if there is one."""
    if given.totp is not None:
        return passcodes.app(given.totp, reactor)
    if given.passcode is not None:
        return passcodes.once(given.passcode)
    if Later.TYPED in given.tasks or not os.isatty(STDIN):
        return passcodes.nobody

    async def ask(challenge: Challenged, left: int | None) -> str | None:
        if left is not None:
            _complain(prompts.wrong_passcode(left))
        print(prompts.passcode(challenge), end="", file=sys.stderr, flush=True)
        return ((await typed.next()) or "").strip() or None

    return ask


async def run_terminal(reactor: Any, given: Given) -> int:
    """Serve the person at the terminal; the exit status."""
    if given.plain:
        os.environ["TERM"] = "dumb"
    screen = open_terminal(reactor, captive=given.kiosk)

    async def call() -> Bank:
        lifeline = await open_line(reactor, given.means, screen.say)
        screen.on_interrupt = lifeline.stop
        return lifeline.bank

    try:
        if given.atm:
            return await Atm(screen, call, reactor, captive=given.kiosk).run()
        menu = Menu(screen, call, lambda bank, on_hint: look_out(reactor, bank, on_hint))
        return await menu.run(given.login, given.secret)
    finally:
        await screen.close()


def _progress(given: Given) -> Callable[[str], None]:
    """Shows how far long work has come: in place in a terminal for that, and otherwise by lines."""
    in_place = sys.stderr.isatty() and not given.plain and os.environ.get("TERM", "") not in ("", "dumb")
    return Row(sys.stderr, in_place, _complain).show


def _print(text: str) -> None:
    try:
        print(text, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritable(error.strerror) from None


def _complain(text: str) -> None:
    print(f"bankd-client: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
