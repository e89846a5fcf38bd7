"""Events by MQTT: to a real broker, by the real daemon, through crashes of either."""

import socket
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from twisted.internet.task import deferLater

from bankd import certificates
from bankd.delivery.post import attempt_this
from bankd.happenings import Happening
from bankd.ibank import NotDelivered
from bankd.notices import Notice
from bankd.plugin import ForwardingMaker
from tests.system.mosquitto import BANK, Mosquitto, Reader
from tests.system.support import SystemTestCase, look_until
from tests.system.test_deliveries import LOOK_SECONDS, DeliveryCase, reactor

ODD = 'Zoë "+/#" $SYS\u2028 {0}'


class Brokers(DeliveryCase):
    """The way by itself, on the reactor, with TLS."""

    def setUp(self) -> None:
        super().setUp()
        made = datetime.now(UTC)
        authority = certificates.ensure_authority(self.folder, made)
        paths = certificates.ensure_server_certificate(authority, self.folder, ("localhost",), made)
        self.authority = authority.certificate_path
        self.broker = Mosquitto(self.folder / "broker", (paths.certificate, paths.key))
        self.broker.start()
        self.addCleanup(self.broker.kill)

    def mqtt(self, password: str = BANK[1], **settings: Any) -> Any:
        """A way to the broker, by TLS, that logs in."""
        (self.folder / "password").write_text(password + "\n")
        usual = {
            "url": f"mqtts://localhost:{self.broker.tls_port}",
            "topic": "Köln/bank 1",
            "user": BANK[0],
            "password_file": self.folder / "password",
            "ca_file": self.authority,
        }
        maker = ForwardingMaker("mqtt", "bankd.forwarding.mqtt.Mqtt")
        made = maker.forwarder(usual | settings, reactor)
        self.addCleanup(made.close)
        return made

    async def why(self, mqtt: Any, seconds: float = 20) -> str:
        """Why an event was not taken."""
        try:
            await attempt_this(lambda: mqtt.send(Happening("7", Notice(1, "paid", 0))), seconds, reactor)
        except NotDelivered as error:
            return str(error)
        raise AssertionError("it was taken")

    async def persist(self, mqtt: Any, event: Happening) -> None:
        """Send an event until it is taken, as the bank does."""
        while True:
            try:
                await mqtt.send(event)
                return
            except NotDelivered:
                await deferLater(reactor, LOOK_SECONDS)

    async def test_events(self) -> None:
        """They arrive as they are, whatever is in them; a broker that went away is found again; the end is said."""
        reader = Reader(self.broker.port, "Köln")
        self.addCleanup(reader.close)
        mqtt = self.mqtt()
        sent = [Happening("7", Notice(number, "paid", 0, -500, reference=ODD)) for number in range(1, 31)]
        for event in sent[:20]:
            await mqtt.send(event)
        self.broker.kill()
        self.assertIn("cannot be reached", await self.why(self.mqtt()))
        self.broker.start()
        for event in sent[20:]:
            await self.persist(mqtt, event)
        look_until(lambda: len(reader.ids) == 30, lambda: f"{reader.ids}\n{self.broker.log}")
        told = [("Köln/bank 1/paid", {"id": event.id} | event.as_json()) for event in sent]
        self.assertEqual(list({event["id"]: (topic, event) for topic, event in reader.got}.values()), told)
        self.assertNotIn("Received DISCONNECT", self.broker.log)
        mqtt.close()
        look_until(lambda: "Received DISCONNECT" in self.broker.log, lambda: self.broker.log)

    async def test_refused(self) -> None:
        """A wrong password, a broker that proves to be another, and one that is not trusted: told, without a secret."""
        self.assertEqual(await self.why(self.mqtt("canary-wrong")), "the broker refuses the bank: Not authorized")
        named = self.mqtt(url=f"mqtts://127.0.0.1:{self.broker.tls_port}")
        self.assertIn("the broker's certificate will not do: IP address mismatch", await self.why(named))
        self.assertIn("the broker's certificate will not do", await self.why(self.mqtt(ca_file=None)))
        plain = self.mqtt(url=f"mqtts://localhost:{self.broker.port}")
        self.assertRegex(await self.why(plain), "no TLS with the broker|cannot be reached|lost")

    async def test_silent(self) -> None:
        """One that takes the connection and never says a word costs a try, and no thread that is waited for."""
        with closing(socket.create_server(("127.0.0.1", 0))) as silent:
            url = f"localhost:{silent.getsockname()[1]}"
            tls, plain = self.mqtt(url=f"mqtts://{url}"), self.mqtt(url=f"mqtt://{url}")
            for mqtt in (tls, plain):
                self.assertIn("not done within 0.1 seconds", await self.why(mqtt, 0.1))
            self.assertEqual(await self.why(tls), "the broker has not answered yet")


class TheDaemon(SystemTestCase):
    """The daemon publishes what happens, whoever of them crashes."""

    def test_crashes(self) -> None:
        """No event is missing: not those of a broker that is away, nor of a bank that is killed while it is."""
        broker = Mosquitto(self.folder / "broker")
        broker.start()
        self.addCleanup(broker.kill)
        reader = Reader(broker.port, "bankd/demo")
        self.addCleanup(reader.close)
        password = self.folder / "password"
        password.write_text(BANK[1] + "\n")
        bank = self.open_bank(
            events="mqtt",
            broker=f"mqtt://127.0.0.1:{broker.port}",
            topic="bankd/demo",
            broker_user=BANK[0],
            broker_password_file=str(password),
        )
        self.pay(bank)
        look_until(lambda: len(reader.ids) == 2, lambda: bank.log)
        self.assertEqual(bank.bankctl("events", "test").lines[0][:24], "mqtt: handed over after ")
        broker.kill()
        self.pay(bank)
        look_until(lambda: "events wait for mqtt: the broker cannot be reached" in bank.log, lambda: bank.log)
        self.assertEqual(bank.bankctl("events", "list").status, 1)
        bank.kill()
        broker.start()
        bank.start()
        look_until(lambda: len(reader.ids) == 5, lambda: f"{reader.ids}\n{bank.log}\n{broker.log}")
        alice, bob, _ = bank.customers
        wanted = [f"{account}_{number}" for number in (2, 3) for account in (alice.account, bob.account)]
        self.assertEqual(reader.ids, [*wanted[:2], "test_0", *wanted[2:]])
        topics = {f"bankd/demo/{kind}" for kind in ("paid", "received", "test")}
        self.assertEqual({topic for topic, _ in reader.got}, topics)
        self.assertNotIn(BANK[1], bank.log)
        self.assert_right(bank)

    def pay(self, bank: Any) -> None:
        """Alice pays Bob."""
        alice, bob, _ = bank.customers
        done = bank.client(f"account:{alice.account}", alice.pin, f"Transfer 25 to {bob.account}")
        self.assertEqual(done.status, 0, done.lines)
