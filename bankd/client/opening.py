"""Which screen a person has: a terminal that can be drawn on, or plain lines."""

import os
import signal
from typing import Any

from bankd.client.device import Descriptors, Keyboard
from bankd.client.screen import PlainLines, Screen
from bankd.client.terminal import Terminal
from bankd.client.tone import wanted


def open_terminal(reactor: Any, stdin_fd: int = 0, stdout_fd: int = 1, *, captive: bool = False) -> Screen:
    """The screen of whoever holds these descriptors, open until the reactor stops or ``close()``.

    A ``Terminal`` where both are terminals and TERM names one that can move its cursor; otherwise
    ``PlainLines``. Takes the signals SIGWINCH, SIGTSTP and SIGCONT for the one and none for the other.
    ``captive``, no key leads out of the program. ``reactor`` provides IReactorCore, IReactorTime, IReactorFDSet and
    IReactorFromThreads.
    """
    device = Descriptors(reactor, stdin_fd, stdout_fd)
    screen: Terminal | PlainLines
    if os.isatty(stdin_fd) and os.isatty(stdout_fd) and os.environ.get("TERM", "") not in ("", "dumb"):
        screen = terminal = Terminal(device, wanted(os.environ), captive=captive)
        device.connect(Keyboard(lambda: terminal))
        device.watch(signal.SIGWINCH, terminal.redraw)
        device.watch(signal.SIGTSTP, terminal.suspend)
        device.watch(signal.SIGCONT, terminal.resume)
    else:
        screen = PlainLines(device)
        device.connect(screen)
    reactor.addSystemEventTrigger("before", "shutdown", screen.close)
    return screen
