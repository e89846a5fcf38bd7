"""What a peer is held to by time."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer is held to, in seconds.

    For its handshake; from connecting to log-in; from a line's first octet to its last; to read what it is sent;
    between requests other than keeping alive, and before the end of that, when it is warned; for the whole session.
    """

    handshake_seconds: int = 10
    login_seconds: int = 120
    line_seconds: int = 30
    stall_seconds: int = 60
    idle_seconds: int = 300
    idle_warning_seconds: int = 60
    session_seconds: int = 43_200
