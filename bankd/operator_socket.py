"""The UNIX socket on which operators speak BANK/1: made anew at each start, where no daemon lives at it.

Who is at the other end is a user of this system, and what that user is called stands here too.
"""

import pwd
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

from twisted.internet.error import CannotListenError

from bankd.wire import grammar

MODE = 0o660
"""Who may connect: the bank's user and group. Who of them is an operator is asked once they have."""


def listen(reactor: Any, path: Path, factory: Any) -> Any:
    """The port that serves ``factory`` at ``path``. Raises OSError, saying why not."""
    if _is_stale(path):
        path.unlink()
    try:
        return reactor.listenUNIX(str(path), factory, mode=MODE)
    except CannotListenError as error:
        raise OSError(f"cannot listen on {path}: {error.socketError}; operator_socket names another") from error


def _is_stale(path: Path) -> bool:
    """Whether a daemon that was killed has left its socket behind; what is no socket nobody takes away."""
    if not path.is_socket():
        return False
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            return True
    return False


def user_name(uid: int) -> str:
    """What the system calls its user ``uid``, or where that could be no operator's name, the number."""
    try:
        return str(grammar.USERNAME.parse(pwd.getpwuid(uid).pw_name))
    except (KeyError, ValueError):
        return f"uid-{uid}"
