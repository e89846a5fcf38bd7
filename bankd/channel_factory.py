"""Where channels come from: TLS is put under the protocols of another factory, and all channels share one timer."""

import ssl
from typing import Any

from twisted.internet.interfaces import IProtocolFactory, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from bankd.channel import Channel
from bankd.guarded_channel import GuardedChannel
from bankd.records import Limits


@implementer(IProtocolFactory)
class ChannelFactory:
    """Puts TLS, as ``context`` says, under the protocols of ``factory``; who connects has to shake hands in time."""

    log = Logger()

    def __init__(
        self,
        context: ssl.SSLContext,
        factory: Any,
        clock: IReactorTime,
        handshake_seconds: float = Limits().handshake_seconds,
    ) -> None:
        self._context = context
        self._factory = factory
        self._clock = clock
        self.handshake_seconds = handshake_seconds
        self._waiting: list[Channel] = []

    def doStart(self) -> None:
        """A port listens for us."""
        self._factory.doStart()

    def doStop(self) -> None:
        """A port listens no more."""
        self._factory.doStop()

    def buildProtocol(self, addr: Any) -> Any:
        """A channel for a new connection, or None when the other factory wants none."""
        protocol = self._factory.buildProtocol(addr)
        if protocol is None:
            return None
        return GuardedChannel(self._context, self._clock, self._call_soon, protocol, self.handshake_seconds)

    def _call_soon(self, channel: Channel) -> None:
        """One timer serves all that write in a turn of the reactor; one each would cost more than TLS."""
        if not self._waiting:
            self._clock.callLater(0, self._call)
        self._waiting.append(channel)

    def _call(self) -> None:
        waiting, self._waiting = self._waiting, []
        for channel in waiting:
            try:
                channel.work()
            except Exception:  # or the fault of one would keep the others waiting
                self.log.failure("{peer} is cut off", peer=channel.getPeer())
                channel.abortConnection()
