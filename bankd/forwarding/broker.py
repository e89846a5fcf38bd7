"""A connection to an MQTT broker (MQTT 5.0, OASIS standard): the client of Eclipse Paho, on the reactor.

1. Paho connects and shakes hands in a call that waits. That is made in a thread of its own, of which there is one at a
   time; it holds nobody else up, and does not keep the process from ending. From then on the reactor watches the
   socket, and Paho reads and writes where that does not wait.
2. One message is under way at a time, with QoS 1. What is not acknowledged ends the connection, and who sends it again
   does so on a new one: nothing waits inside of Paho.
3. What a broker says is known by its reason code alone, whose words are the standard's.
"""

import ssl
from collections.abc import Callable
from functools import partial
from threading import Thread
from typing import Any

from paho.mqtt.client import MQTT_ERR_SUCCESS, Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadWriteDescriptor
from twisted.internet.task import LoopingCall
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd.ibank import NotDelivered

CONNECT_SECONDS = 10
"""How long the broker may take to take the connection, and for each step of TLS."""

KEEPALIVE_SECONDS = 60
"""After so long without a word Paho asks the broker whether it is there, and takes it for lost after as long again."""

LOOK_SECONDS = 5.0
"""How often Paho is asked whether that time has come."""

LOST = "the connection to the broker was lost"
NO_MQTT = "the broker does not speak MQTT 5 as it should"


def new_client(tls: ssl.SSLContext | None, user: str, password: str | None) -> Client:
    """A client that connects with ``tls``, where it is given, and logs in as ``user``, unless that is empty."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5, reconnect_on_failure=False)
    client.connect_timeout = CONNECT_SECONDS
    if tls is not None:
        client.tls_set_context(tls)
    if user:
        client.username_pw_set(user, password)
    return client


def in_thread(reactor: Any, call: Callable[[], object]) -> Deferred[object]:
    """What ``call`` gives, called in a thread that nobody waits for when the process ends."""
    done: Deferred[object] = Deferred()

    def run() -> None:
        try:
            fire = partial(done.callback, call())
        except Exception:
            fire = partial(done.errback, Failure())
        reactor.callFromThread(fire)

    Thread(target=run, name="mqtt", daemon=True).start()
    return done


@implementer(IReadWriteDescriptor)
class Connection:
    """A connection of ``client``, which is new. Once it is ``over`` it stays so.

    Its Deferreds fail with NotDelivered; cancelling one ends the connection.
    """

    def __init__(self, client: Client, reactor: Any, thread: Callable[..., Deferred[object]] = in_thread) -> None:
        self.over = False
        self.connecting = False
        self._client = client
        self._reactor = reactor
        self._thread = thread
        self._watched = self._writes = False
        self._waiting: Deferred[None] | None = None
        self._outcome: NotDelivered | None = None
        self._settled = False
        self._looks = LoopingCall(self._look)
        self._looks.clock = reactor
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        client.on_socket_close = lambda _client, _userdata, _socket: self._unwatch()
        client.on_socket_register_write = lambda _client, _userdata, _socket: self._write(True)
        client.on_socket_unregister_write = lambda _client, _userdata, _socket: self._write(False)

    def open(self, host: str, port: int) -> Deferred[None]:
        """Connect. A Deferred that fires once the broker has taken the bank in."""
        self.connecting = True
        call = partial(self._client.connect, host, port, KEEPALIVE_SECONDS, clean_start=True)
        waiting = self._wait()
        self._thread(self._reactor, call).addCallbacks(self._connected, self._not_connected)
        return waiting

    def publish(self, topic: str, payload: bytes) -> Deferred[None]:
        """Send a message. A Deferred that fires once the broker has acknowledged it."""
        told: Any = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        told.ContentType, told.PayloadFormatIndicator = "application/json", 1
        waiting = self._wait()
        self._guarded(lambda: self._client.publish(topic, payload, qos=1, properties=told).rc)
        return waiting

    def close(self) -> None:
        """End the connection, and say so to the broker where that does not wait."""
        if not self.over:
            self._end(NotDelivered(LOST, transient=True), polite=True)

    def _wait(self) -> Deferred[None]:
        self._outcome, self._settled = None, False
        self._waiting = Deferred(lambda _waiting: self._given_up())
        return self._waiting

    def _given_up(self) -> None:
        self._waiting = None
        self.close()

    # What Paho says; whoever waits is told only when it has done.

    def _on_connect(self, _client: Client, _data: Any, _flags: ConnectFlags, code: ReasonCode, _more: Any) -> None:
        refused = NotDelivered(f"the broker refuses the bank: {code}", transient=True)
        self._settle(refused if code.is_failure else None)

    def _on_publish(self, _client: Client, _data: Any, _mid: int, code: ReasonCode, _more: Any) -> None:
        refused = NotDelivered(f"the broker refuses an event: {code}", transient=True)
        self._settle(refused if code.is_failure else None)

    def _on_disconnect(self, _client: Client, _data: Any, flags: DisconnectFlags, code: ReasonCode, _more: Any) -> None:
        why = f"the broker has ended the connection: {code}" if flags.is_disconnect_packet_from_server else LOST
        self._settle(NotDelivered(why, transient=True))
        self.over = True

    def _settle(self, outcome: NotDelivered | None) -> None:
        if not self._settled:
            self._settled, self._outcome = True, outcome

    # What the reactor says.

    def fileno(self) -> int:
        """The socket's descriptor, -1 for none."""
        socket = self._client.socket()
        return socket.fileno() if socket is not None else -1

    def logPrefix(self) -> str:
        """What the reactor calls this."""
        return "mqtt"

    def doRead(self) -> None:
        """Read what there is; TLS may have read more from the socket than was asked for."""
        self._guarded(self._client.loop_read)
        while not self.over and getattr(self._client.socket(), "pending", int)():
            self._guarded(self._client.loop_read)

    def doWrite(self) -> None:
        """Write as much as goes."""
        self._guarded(self._client.loop_write)

    def connectionLost(self, reason: Failure) -> None:
        """The reactor has found the socket to be broken, or stops."""
        self.close()

    def _look(self) -> None:
        self._guarded(self._client.loop_misc)

    def _connected(self, _result: object) -> None:
        self.connecting = False
        if self.over:
            self._bid_farewell()
            return
        self._watched = True
        self._reactor.addReader(self)
        if self._writes:
            self._reactor.addWriter(self)
        self._looks.start(LOOK_SECONDS, now=False)

    def _not_connected(self, failure: Failure) -> None:
        self.connecting = False
        self._end(_why(failure.value))

    def _write(self, wanted: bool) -> None:
        """Whether there is something to write; Paho tells it also in the thread in which it connects."""
        self._writes = wanted
        if self._watched:
            (self._reactor.addWriter if wanted else self._reactor.removeWriter)(self)

    def _unwatch(self) -> None:
        if self._watched:
            self._watched = False
            self._reactor.removeReader(self)
            self._reactor.removeWriter(self)
            self._looks.stop()

    def _guarded(self, call: Callable[[], int]) -> None:
        """Have Paho do something, and tell whoever waits what came of it."""
        try:
            result = call()
        except Exception:
            self._end(NotDelivered(NO_MQTT, transient=True))
            return
        if result != MQTT_ERR_SUCCESS or self.over:
            self._end(self._outcome if self._settled and self._outcome else NotDelivered(LOST, transient=True))
        elif self._settled:
            self._tell(self._outcome)

    def _end(self, why: NotDelivered, polite: bool = False) -> None:
        """Have no connection any more."""
        self.over = True
        if not self.connecting:
            self._bid_farewell(polite)
        self._tell(why)

    def _bid_farewell(self, polite: bool = True) -> None:
        """Take leave of the broker as far as that goes at once, and close the socket."""
        try:
            if polite:
                self._client.disconnect()
                self._client.loop_write()
        except Exception:
            pass  # the socket is closed below
        socket = self._client.socket()
        self._unwatch()
        if socket is not None:
            socket.close()

    def _tell(self, outcome: NotDelivered | None) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None) if outcome is None else waiting.errback(outcome)


def _why(error: BaseException | None) -> NotDelivered:
    """What is told of an error at connecting; none has a word of what was sent."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return NotDelivered(f"the broker's certificate will not do: {error.verify_message}", transient=True)
    if isinstance(error, ssl.SSLError):
        return NotDelivered("no TLS with the broker: it speaks none, or none that will do", transient=True)
    if isinstance(error, OSError):
        return NotDelivered(f"the broker cannot be reached: {error.strerror or error}", transient=True)
    return NotDelivered(f"the broker cannot be reached: {type(error).__name__}", transient=True)
