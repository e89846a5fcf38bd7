"""Where channels come from: TLS is put under the protocols of another factory, and all channels share one timer."""

import ssl
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.protocols.policies import WrappingFactory

from bankd.channel import Channel


class ChannelFactory(WrappingFactory[Channel]):
    """Puts TLS, as ``context`` says, under the protocols of another factory."""

    protocol = Channel
    noisy = False
    log = Logger()

    def __init__(self, context: ssl.SSLContext, factory: Any, clock: IReactorTime) -> None:
        super().__init__(factory)  # type: ignore[no-untyped-call]
        self.context = context
        self.clock = clock
        self._waiting: list[Channel] = []

    def buildProtocol(self, addr: Any) -> Any:
        """A channel for a new connection, or None when the other factory wants none."""
        wrapped = self.wrappedFactory.buildProtocol(addr)
        return None if wrapped is None else Channel(self, wrapped)

    def call_soon(self, channel: Channel) -> None:
        """Have ``channel`` work before the turn of the reactor is over: one timer for all that write in it."""
        if not self._waiting:
            self.clock.callLater(0, self._call)
        self._waiting.append(channel)

    def _call(self) -> None:
        waiting, self._waiting = self._waiting, []
        for channel in waiting:
            try:
                channel.work()
            except Exception:  # or the fault of one would keep the others waiting
                self.log.failure("a connection broke")
                channel.abortConnection()
