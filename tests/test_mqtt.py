"""Events by MQTT without a broker: what the bank makes of what Paho's client tells it, and how it tries again.

``tests/system/test_mqtt.py`` has the same with a real broker.
"""

import inspect
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from paho.mqtt.client import MQTT_ERR_CONN_LOST, MQTT_ERR_SUCCESS, Client, MQTTMessageInfo
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IReadWriteDescriptor
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd.forwarding.broker import LOST, NO_MQTT, Connection
from bankd.forwarding.mqtt import Mqtt
from bankd.forwarding.pump import Pump
from bankd.happenings import Happening
from bankd.ibank import NotDelivered
from bankd.idelivery import Unusable
from bankd.iforwarding import IForwarder
from bankd.notices import Notice
from tests import test_forwarding

CALLBACKS = ("on_connect", "on_publish", "on_disconnect")
SOCKET_CALLBACKS = ("on_socket_close", "on_socket_register_write", "on_socket_unregister_write")
EVENT = Happening("10000042", Notice(7, "paid", 0, -500, 9500, "USD", "7", 'Zoë "+/#" \x00'))


class Socket:
    """What Paho's socket is asked."""

    closed = False

    def fileno(self) -> int:
        """A number."""
        return 7

    def close(self) -> None:
        """Close it."""
        self.closed = True


class PracticeClient:
    """Paho's client as far as bankd uses it; the test says what comes of it. Each call must be one that Paho takes."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._socket: Socket | None = None
        self.published: list[tuple[str, bytes]] = []
        self.left = False
        for name in (*CALLBACKS, *SOCKET_CALLBACKS):
            setattr(self, name, None)

    def connect(self, host: str, port: int, keepalive: int, **more: Any) -> int:
        """Reach a broker, or not."""
        self._check("connect", host, port, keepalive, **more)
        self._world.reached.append((host, port))
        if self._world.unreachable is not None:
            raise self._world.unreachable
        self._socket = Socket()
        self._call("on_socket_register_write", self._socket)
        return MQTT_ERR_SUCCESS

    def publish(self, topic: str, payload: bytes, **more: Any) -> MQTTMessageInfo:
        """Take a message."""
        self._check("publish", topic, payload, **more)
        self.published.append((topic, payload))
        self._call("on_socket_register_write", self._socket)
        return MQTTMessageInfo(len(self.published))

    def loop_read(self) -> int:
        """Let the broker say what it says next: a name of a callback, or an error."""
        self._check("loop_read")
        said = self._world.says.pop(0)
        if isinstance(said, Exception):
            raise said
        if said == LOST:
            return self._lose()
        name, kind, value = said
        reason = ReasonCode(kind, identifier=value)
        self._call(name, *([1] if name == "on_publish" else [None]), reason, None)
        return self._lose() if name == "on_connect" and reason.is_failure else MQTT_ERR_SUCCESS

    def loop_write(self) -> int:
        """Everything goes."""
        self._check("loop_write")
        if self.left and self._socket is not None:
            self._lose()
        elif self._socket is not None:
            self._call("on_socket_unregister_write", self._socket)
        return MQTT_ERR_SUCCESS

    def loop_misc(self) -> int:
        """Is the broker still there?"""
        self._check("loop_misc")
        return self._lose() if self._world.silent else MQTT_ERR_SUCCESS

    def disconnect(self) -> int:
        """Take leave."""
        self._check("disconnect")
        self.left = True
        return MQTT_ERR_SUCCESS

    def socket(self) -> Socket | None:
        """The socket, while there is one."""
        return self._socket

    def _lose(self) -> int:
        socket, self._socket = self._socket, None
        self._call("on_socket_close", socket)
        flags: Any = type("Flags", (), {"is_disconnect_packet_from_server": False})
        self._call("on_disconnect", flags, ReasonCode(PacketTypes.DISCONNECT), None)
        return MQTT_ERR_CONN_LOST

    def _call(self, name: str, *arguments: Any) -> None:
        getattr(self, name)(self, None, *arguments)

    def _check(self, name: str, *arguments: Any, **more: Any) -> None:
        inspect.signature(getattr(Client, name)).bind(self, *arguments, **more)


class World:
    """What the test decides: whether the broker is reached, and what it says."""

    def __init__(self) -> None:
        self.unreachable: Exception | None = None
        self.says: list[Any] = []
        self.silent = False
        self.reached: list[tuple[str, int]] = []
        self.clients: list[PracticeClient] = []
        self.logins: list[tuple[str, str | None]] = []

    def client(self, _tls: ssl.SSLContext | None, user: str, password: str | None) -> Any:
        """A new client."""
        self.logins.append((user, password))
        self.clients.append(PracticeClient(self))
        return self.clients[-1]


TAKEN_IN = ("on_connect", PacketTypes.CONNACK, 0)
REFUSED = ("on_connect", PacketTypes.CONNACK, 135)
ACKNOWLEDGED = ("on_publish", PacketTypes.PUBACK, 0)
NOBODY_THERE = ("on_publish", PacketTypes.PUBACK, 16)
NOT_TAKEN = ("on_publish", PacketTypes.PUBACK, 135)


def at_once(_reactor: Any, call: Callable[[], object]) -> Deferred[object]:
    """Instead of a thread."""
    return execute(call)


class MqttCase(SynchronousTestCase):
    """A way out to a broker that does as the test says."""

    def setUp(self) -> None:
        super().setUp()
        self.world = World()
        self.reactor = MemoryReactorClock()
        self.threads: Any = at_once
        self.mqtt = self.make()

    def make(self, **settings: Any) -> Mqtt:
        """A way with settings that will do but for these."""
        usual = {"url": "mqtts://broker.example", "topic": "bankd/x", "user": "", "password_file": None}
        thread = lambda reactor, call: self.threads(reactor, call)  # noqa: E731
        return Mqtt(usual | {"ca_file": None} | settings, self.reactor, self.world.client, thread)

    def hear(self, *said: Any) -> None:
        """The broker says something, and the reactor tells of each."""
        for one in said:
            self.world.says.append(one)
            [descriptor] = self.reactor.getReaders()
            descriptor.doRead()
            for writer in self.reactor.getWriters():
                writer.doWrite()

    def why(self, sending: Deferred[None]) -> str:
        """Why an event was not taken; for now, as it always is."""
        error = self.failureResultOf(sending, NotDelivered).value
        self.assertTrue(error.transient)
        return str(error)

    def file(self, text: str) -> Path:
        """A file that holds ``text``."""
        path = Path(self.mktemp())
        path.write_text(text)
        return path


class Sending(MqttCase):
    """One event, and the next."""

    def test_acknowledged(self) -> None:
        """It is taken when the broker says so; the next goes by the same connection, and the end is said."""
        verifyObject(IForwarder, self.mqtt)
        sending = self.mqtt.send(EVENT)
        self.assertNoResult(sending)
        self.hear(TAKEN_IN)
        self.assertNoResult(sending)
        [client] = self.world.clients
        [(topic, payload)] = client.published
        self.assertEqual(topic, "bankd/x/paid")
        self.assertEqual(json.loads(payload), {"id": "10000042_7"} | EVENT.as_json())
        self.assertTrue(payload.decode("ascii").isprintable())
        self.hear(ACKNOWLEDGED)
        self.successResultOf(sending)
        again = self.mqtt.send(EVENT)
        self.hear(NOBODY_THERE)
        self.successResultOf(again)
        self.assertEqual(self.world.reached, [("broker.example", 8883)])
        self.mqtt.close()
        self.assertTrue(client.left)
        self.assertEqual((self.reactor.getReaders(), self.reactor.getWriters()), ([], []))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_refused(self) -> None:
        """Who is not let in, or may not publish, is told why by the standard's own words."""
        sending = self.mqtt.send(EVENT)
        self.hear(REFUSED)
        self.assertEqual(self.why(sending), "the broker refuses the bank: Not authorized")
        sending = self.mqtt.send(EVENT)
        self.hear(TAKEN_IN, NOT_TAKEN)
        self.assertEqual(self.why(sending), "the broker refuses an event: Not authorized")
        self.assertEqual(len(self.world.clients), 2)

    def test_unreachable(self) -> None:
        """Whatever goes wrong at connecting is told in a line."""
        for error, told in (
            (ConnectionRefusedError(111, "Connection refused"), "the broker cannot be reached: Connection refused"),
            (TimeoutError("timed out"), "the broker cannot be reached: timed out"),
            (UnicodeError("canary"), "the broker cannot be reached: UnicodeError"),
            (ssl.SSLError(1, "canary"), "no TLS with the broker: it speaks none, or none that will do"),
        ):
            self.world.unreachable = error
            self.assertEqual(self.why(self.mqtt.send(EVENT)), told)

    def test_lost(self) -> None:
        """A connection that is lost, whenever, is made anew for what comes next."""
        sending = self.mqtt.send(EVENT)
        self.hear(TAKEN_IN, LOST)
        self.assertEqual(self.why(sending), LOST)
        sending = self.mqtt.send(EVENT)
        self.hear(TAKEN_IN, ACKNOWLEDGED)
        self.successResultOf(sending)
        self.world.silent = True
        self.reactor.advance(5)
        self.assertEqual(self.reactor.getReaders(), [])
        sending = self.mqtt.send(EVENT)
        self.hear(TAKEN_IN, ValueError("no such packet"))
        self.assertEqual(self.why(sending), NO_MQTT)
        self.assertEqual(len(self.world.clients), 3)

    def test_given_up(self) -> None:
        """What is cancelled ends the connection, so that nothing is published later that is tried again."""
        sending = self.mqtt.send(EVENT)
        self.hear(TAKEN_IN)
        sending.cancel()
        self.failureResultOf(sending)
        self.assertTrue(self.world.clients[0].left)
        self.assertEqual(self.reactor.getReaders(), [])

    def test_stuck_while_connecting(self) -> None:
        """While a thread waits for a broker there is no second one; what it then reaches is left at once."""
        stuck: list[tuple[Callable[[], object], Deferred[object]]] = []

        def wait(_reactor: Any, call: Callable[[], object]) -> Deferred[object]:
            stuck.append((call, Deferred()))
            return stuck[-1][1]

        self.threads = wait
        sending = self.mqtt.send(EVENT)
        sending.cancel()
        self.failureResultOf(sending)
        self.assertEqual(self.why(self.mqtt.send(EVENT)), "the broker has not answered yet")
        [(call, done)] = stuck
        done.callback(call())
        self.assertTrue(self.world.clients[0].left)
        self.assertEqual(self.reactor.getReaders(), [])
        self.threads = at_once
        sending = self.mqtt.send(EVENT)
        self.hear(TAKEN_IN, ACKNOWLEDGED)
        self.successResultOf(sending)

    def test_as_paho_has_it(self) -> None:
        """What is called back is what Paho calls, and the reactor is handed what it takes."""
        for name in (*CALLBACKS, *SOCKET_CALLBACKS):
            self.assertIsInstance(getattr(Client, name), property)
        verifyObject(IReadWriteDescriptor, Connection(self.world.client(None, "", None), self.reactor))


class WithAPump(MqttCase, test_forwarding.ForwardingCase):
    """As a bank uses it, in which Alice pays Bob."""

    def test_tried_again(self) -> None:
        """While the broker is away the event is tried after 1, 2, 4 seconds and so on; then all that wait go out."""
        self.world.unreachable = ConnectionRefusedError(111, "Connection refused")
        bank = self.bank
        pump = Pump("mqtt", self.mqtt, bank.lane, bank.branch.read, bank.clock, test_forwarding.SECONDS)
        pump.begin()
        self.addCleanup(self.end, pump)
        self.pay()
        for seconds, tries in ((1, 1), (1, 2), (1, 2), (1, 3), (4, 4)):
            self.wait(seconds)
            self.assertEqual(len(self.world.reached), tries)
        self.world.unreachable = None
        self.wait(8)
        self.hear(TAKEN_IN)
        self.wait(test_forwarding.SECONDS)  # in which the broker says nothing
        self.assertEqual(self.reactor.getReaders(), [])
        self.wait(16)
        self.hear(TAKEN_IN, ACKNOWLEDGED, ACKNOWLEDGED)
        ids = [json.loads(payload)["id"] for _, payload in self.world.clients[-1].published]
        self.assertEqual(ids, [f"{self.alice.account}_2", f"{self.bob.account}_2"])
        self.end(pump)
        self.assertTrue(self.world.clients[-1].left)


class Settings(MqttCase):
    """What can be set up, and what is said of what cannot."""

    def test_brokers(self) -> None:
        """TLS to anywhere, in the clear to this machine; the usual ports, or another."""
        for url, reached in (
            ("mqtt://localhost", ("localhost", 1883)),
            ("mqtt://[::1]:7/", ("::1", 7)),
            ("mqtts://broker.example:7", ("broker.example", 7)),
        ):
            self.make(url=url).send(EVENT)
            self.assertEqual(self.world.reached[-1], reached)

    def test_login(self) -> None:
        """The password is what the file holds; without a user there is none."""
        self.make(user="bank", password_file=self.file("canary 4711\n")).send(EVENT)
        self.make(password_file=Path("/none")).send(EVENT)
        self.assertEqual(self.world.logins, [("bank", "canary 4711"), ("", None)])

    def test_unusable(self) -> None:
        """Each is told with its key, and without a secret."""
        unusable: tuple[tuple[str, dict[str, Any]], ...] = (
            ("url", {"url": "mqtt://broker.example"}),
            ("url", {"url": "https://broker.example"}),
            ("url", {"url": "mqtts://"}),
            ("url", {"url": "mqtts://x:70000"}),
            ("url", {"url": "mqtts://x:0"}),
            ("url", {"url": "mqtts://x/path"}),
            ("url", {"url": "mqtts://user:canary@x"}),
            ("password_file", {"user": "bank"}),
            ("ca_file", {"ca_file": self.file("canary")}),
            *(("topic", {"topic": topic}) for topic in ("", "a/+", "#", "$SYS", "/a", "a/", "a//b", "a\nb", "x" * 201)),
        )
        for key, settings in unusable:
            error = self.assertRaises(Unusable, self.make, **settings)
            self.assertTrue(str(error).startswith(f"{key}: "), error)
            self.assertNotIn("canary", str(error).replace("/canary", ""))
        self.assertRaises(OSError, self.make, ca_file=Path("/none"))
        self.make(topic="Bank für Köln/1 2")
