"""A channel as strangers get it: the time for its handshake is limited, and the gate may have it closed."""

import ssl
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.python.failure import Failure

from bankd.channel import HANDSHAKE, OPEN, Channel
from bankd.codes import Code


class GuardedChannel(Channel):
    """A channel that is cut off when its handshake is not done within ``handshake_seconds``."""

    def __init__(
        self,
        context: ssl.SSLContext,
        clock: IReactorTime,
        call_soon: Callable[[Channel], None],
        protocol: Any,
        handshake_seconds: float,
    ) -> None:
        super().__init__(context, clock, call_soon, protocol)
        self._limit: IDelayedCall | None = clock.callLater(handshake_seconds, self.abortConnection)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Watch no more."""
        self._end_limit()
        super().connectionLost(reason)

    def admit(self) -> None:
        """The protocol's peer has logged in; the gate, where there is one, is to know."""
        getattr(self.transport, "admit", _nobody)()

    def dismiss(self, code: Code) -> None:
        """Close without waiting for the peer; after the handshake the protocol, if it can, tells it ``code`` first."""
        dismiss = getattr(self.protocol, "dismiss", None)
        if self._stage is OPEN and dismiss is not None:
            dismiss(code)
            self.transport.loseConnection()
        else:
            self.abortConnection()

    def _shake_hands(self) -> None:
        super()._shake_hands()
        if self._stage is not HANDSHAKE:
            self._end_limit()

    def _end_limit(self) -> None:
        limit, self._limit = self._limit, None
        if limit is not None and limit.active():
            limit.cancel()


def _nobody() -> None:
    """There is no gate."""
