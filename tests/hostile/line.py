"""One connection to a bank, made by hand: octets go out as they are given, and lines come back.

It shares nothing with the bank that it talks to, so it can say what no client of ours would.
"""

import socket
import ssl
from collections.abc import Sequence

PATIENCE_SECONDS = 30
"""How long anything may take on a machine that is slow and busy."""

LOOPBACK = "127.0.0.1"


class Silence(AssertionError):
    """The bank did not say in time what was waited for; the text has what it did say."""


def reach(port: int, source: str = LOOPBACK) -> socket.socket:
    """A TCP connection to a port of this machine, from one of its loopback addresses."""
    plain = socket.create_connection((LOOPBACK, port), PATIENCE_SECONDS, (source, 0))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain


class Line:
    """A TLS connection on which the bank has greeted. Whatever it said is in ``heard``, line by line."""

    def __init__(self, port: int, trust: ssl.SSLContext, source: str = LOOPBACK) -> None:
        self.heard: list[str] = []
        self._unread = b""
        self._greet(reach(port, source), trust, "localhost")

    @classmethod
    def over(cls, plain: socket.socket, context: ssl.SSLContext, host: str | None) -> "Line":
        """The same over a TCP connection that is there, asking for ``host``."""
        line = cls.__new__(cls)
        line.heard, line._unread = [], b""
        line._greet(plain, context, host)
        return line

    @classmethod
    def bare(cls, plain: socket.socket) -> "Line":
        """The same without TLS, on which nothing was read yet."""
        line = cls.__new__(cls)
        line.heard, line._unread, line.socket = [], b"", plain  # type: ignore[assignment]
        return line

    def _greet(self, plain: socket.socket, context: ssl.SSLContext, host: str | None) -> None:
        try:
            self.socket = context.wrap_socket(plain, server_hostname=host, suppress_ragged_eofs=False)
        except BaseException:
            plain.close()
            raise
        self.until("* 200 ")

    def send(self, octets: bytes) -> None:
        """Send octets as they are; a bank that has closed meanwhile does not hear them."""
        try:
            self.socket.sendall(octets)
        except OSError:
            return

    def say(self, *lines: str) -> None:
        """Send whole lines, together."""
        self.send("".join(f"{line}\r\n" for line in lines).encode())

    def ask(self, request: str) -> str:
        """Ask one thing; its answer without the tag. Of a list, the line that ends it."""
        return self.ask_whole(request)[-1]

    def ask_whole(self, request: str) -> Sequence[str]:
        """Ask one thing; all lines of its answer, without the tag."""
        self.say(f"q {request}")
        return [line.removeprefix("q ") for line in self.until("q ", then_not="q - ") if line.startswith("q ")]

    def until(self, start: str, then_not: str = "\n") -> Sequence[str]:
        """The lines from now on, up to the first that begins with ``start``, and not with ``then_not``.

        Raises Silence when the bank closes, or says nothing for long.
        """
        lines: list[str] = []
        while not (lines and lines[-1].startswith(start) and not lines[-1].startswith(then_not)):
            line = self._next()
            if line is None:
                raise Silence(f"the bank closed, or was silent, instead of {start!r}; it said {lines}")
            lines.append(line)
        return lines

    def to_the_end(self) -> Sequence[str]:
        """The lines up to the end of the connection. Raises Silence when the bank does not close."""
        lines: list[str] = []
        while (line := self._next()) is not None:
            lines.append(line)
        if not self.closed:
            raise Silence(f"the bank does not close; it said {lines}")
        return lines

    closed = False
    """Whether the bank has closed, or cut the connection."""

    clean = False
    """Whether it closed as TLS has it, with a close_notify, rather than cut the connection."""

    def _next(self) -> str | None:
        """The next line; None at the end, or when nothing comes for long."""
        while b"\r\n" not in self._unread:
            try:
                octets = self.socket.recv(65536)
            except TimeoutError:
                return None
            except OSError:
                octets = b""
            else:
                self.clean = not octets
            if not octets:
                self.closed = True
                return None
            self._unread += octets
        line, self._unread = self._unread.split(b"\r\n", 1)
        self.heard.append(line.decode("ascii", "backslashreplace"))
        return self.heard[-1]

    def close(self) -> None:
        """Go away without a word."""
        self.socket.close()

    def leave(self) -> None:
        """End the session, so that its account is free at once, and go."""
        self.say("q LOGOUT")
        self.to_the_end()
        self.close()
