"""The process's own terminal as a device: its descriptors, modes, flags and signals, all given back at the end."""

import atexit
import fcntl
import os
import signal
import termios
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

from twisted.conch.insults.insults import ServerProtocol
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol
from twisted.internet.stdio import StandardIO

from bankd.client.screen import Wire

CLOSE_SECONDS = 1.0
"""How long closing waits for a terminal to take what was still to be written."""


class Descriptors:
    """The process's own standard input and output as a ``Device``."""

    def __init__(self, reactor: Any, stdin_fd: int, stdout_fd: int) -> None:
        self._reactor = reactor
        self._stdin_fd, self._stdout_fd = stdin_fd, stdout_fd
        self._flags = {fd: fcntl.fcntl(fd, fcntl.F_GETFL) for fd in (stdin_fd, stdout_fd)}
        self._modes = termios.tcgetattr(stdin_fd) if os.isatty(stdin_fd) else None
        self._released: Deferred[None] = Deferred()
        self._borrowed = ExitStack()
        self._borrowed.callback(self._give_back)
        # For an end that is no reactor's, such as an exception before it ran.
        atexit.register(self.release)
        self._borrowed.callback(atexit.unregister, self.release)

    def connect(self, protocol: IProtocol) -> None:
        """Join ``protocol`` to the descriptors, which are non-blocking from now on."""
        # mypy reads the StandardIO of Windows.
        self._transport = StandardIO(  # type: ignore[call-arg]
            protocol, self._stdin_fd, self._stdout_fd, self._reactor
        )

    def watch(self, number: signal.Signals, call: Callable[[], object]) -> None:
        """From now until ``release``, ``call`` on the reactor's turn whenever this signal arrives."""
        before = signal.signal(number, lambda *_: self._reactor.callFromThread(call))
        self._borrowed.callback(signal.signal, number, before)

    @property
    def keyboard(self) -> bool:
        """See ``Device.keyboard``."""
        return self._modes is not None

    def size(self) -> tuple[int, int]:
        """See ``Device.size``; 80 by 24 where the terminal does not know."""
        try:
            columns, rows = os.get_terminal_size(self._stdout_fd)
        except OSError:
            return 80, 24
        return columns or 80, rows or 24

    def raw(self) -> None:
        """See ``Device.raw``. Output modes stay, so that a stray line on standard error looks right."""
        self._set_modes(
            off_input=termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON | termios.ISTRIP,
            off_local=termios.ECHO | termios.ICANON | termios.ISIG | termios.IEXTEN,
        )
        for fd in self._flags:
            os.set_blocking(fd, False)

    def hush(self) -> None:
        """See ``Device.hush``."""
        self._set_modes(off_local=termios.ECHO)

    def unhush(self) -> None:
        """See ``Device.unhush``."""
        self._set_modes()

    def forget_typed(self) -> None:
        """See ``Device.forget_typed``."""
        if self._modes is not None:
            termios.tcflush(self._stdin_fd, termios.TCIFLUSH)

    def interrupt(self) -> None:
        """See ``Device.interrupt``."""
        signal.raise_signal(signal.SIGINT)

    def stop(self) -> None:
        """See ``Device.stop``. The default handlers make it one call, which returns when we are continued."""
        self._give_back()
        jobs = (signal.SIGTSTP, signal.SIGCONT)
        ours = [signal.signal(number, signal.SIG_DFL) for number in jobs]
        os.kill(0, signal.SIGTSTP)
        for number, handler in zip(jobs, ours, strict=True):
            signal.signal(number, handler)

    def close(self) -> Deferred[None]:
        """See ``Device.close``."""
        closed: Deferred[None] = Deferred()
        if not self._released.called:
            deadline = self._reactor.callLater(CLOSE_SECONDS, self.release)
            self._borrowed.callback(lambda: deadline.active() and deadline.cancel())
            self._transport.loseConnection()
        self._released.chainDeferred(closed)
        return closed

    def release(self) -> None:
        """See ``Device.release``."""
        self._borrowed.close()
        if not self._released.called:
            self._released.callback(None)

    def _give_back(self) -> None:
        self._set_modes()
        for fd, flags in self._flags.items():
            with suppress(OSError):
                fcntl.fcntl(fd, fcntl.F_SETFL, flags)

    def _set_modes(self, off_input: int = 0, off_local: int = 0) -> None:
        """Set the modes as they were found, less these; a terminal that has gone away needs none."""
        if self._modes is None:
            return
        input_modes, output_modes, control_modes, local_modes, *rest = self._modes
        modes = [input_modes & ~off_input, output_modes, control_modes, local_modes & ~off_local, *rest]
        with suppress(termios.error):
            # Not TCSAFLUSH, which drops what was typed ahead; nor TCSADRAIN, which waits for a slow terminal.
            termios.tcsetattr(self._stdin_fd, termios.TCSANOW, modes)


class Keyboard(ServerProtocol):
    """insults for its parsing of keys only: what we write goes out as it is, and closing resets nothing."""

    transport: Wire  # type: ignore[assignment]
    terminalProtocol: Any

    def dataReceived(self, data: bytes) -> None:
        """Some keys; the screen is redrawn once after all of them."""
        self.terminalProtocol.on_key()
        super().dataReceived(data.replace(b"\r\n", b"\r"))  # type: ignore[no-untyped-call]
        self.terminalProtocol.redraw()

    def write(self, data: bytes) -> None:
        """Write what is already meant for the terminal."""
        self.transport.write(data)

    def loseConnection(self) -> None:
        """Close without the reset that insults would send, which clears the person's screen."""
        self.transport.loseConnection()
