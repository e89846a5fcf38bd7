"""The UNIX socket on which operators speak BANK/1: made anew at each start, where no daemon lives at it.

Who is at the other end is a user of this system, and what that user is called stands here too.
"""

import os
import pwd
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.internet.error import CannotListenError

from bankd.wire import grammar

MODE = 0o660
"""Who may connect: the bank's user and group. Who of them is an operator is asked once they have."""

LONGEST = 107
"""The octets of the longest path that a socket's address holds, on Linux (unix(7))."""


def listen(reactor: Any, path: Path, factory: Any) -> Any:
    """The port that serves ``factory`` at ``path``. Raises OSError, saying why not."""
    if _is_stale(path):
        path.unlink()
    try:
        return reactor.listenUNIX(address(path), factory, mode=MODE)
    except CannotListenError as error:
        raise OSError(f"cannot listen on {path}: {error.socketError}; operator_socket names another") from error


def _is_stale(path: Path) -> bool:
    """Whether a daemon that was killed has left its socket behind; what is no socket nobody takes away."""
    if not path.is_socket():
        return False
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        try:
            probe.connect(address(path))
        except ConnectionRefusedError:
            return True
    return False


def address(path: Path) -> str:
    """What the socket at ``path`` is bound and connected to, however deep its folder is.

    An address has room for LONGEST octets. That of a longer path leads through the folder's descriptor, which stays
    open as long as the process lives: the socket is removed by that name too. Raises OSError.
    """
    if len(os.fsencode(path)) <= LONGEST:
        return str(path)
    return f"/proc/self/fd/{os.open(path.parent, os.O_PATH | os.O_DIRECTORY)}/{path.name}"


def user_name(uid: int) -> str:
    """What the system calls its user ``uid``, or where that could be no operator's name, the number."""
    try:
        return str(grammar.USERNAME.parse(pwd.getpwuid(uid).pw_name))
    except (KeyError, ValueError):
        return f"uid-{uid}"
