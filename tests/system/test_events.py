"""Events that go out: to a receiver that is a real web server, by the real daemon, and as docs/events.md says it."""

import json
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from twisted.internet.task import Clock

from bankd import config
from bankd.forwarding.hiring import hire_forwarders
from bankd.happenings import Happening
from bankd.ibank import NotDelivered
from bankd.notices import Notice
from bankd.plugin import ForwardingMaker
from tests.system.counterparts import Gateway, certificate
from tests.system.support import ROOT, SystemTestCase, look_until
from tests.system.test_deliveries import DeliveryCase, reactor

PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(?P<kind>\w+)(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)
SECRET = "whsec_" + b64encode(b"canary-of-the-webhook-32-octets!").decode()


def verifier() -> Callable[..., bool]:
    """The function that the page gives to receivers."""
    [program] = [found["text"] for found in BLOCK.finditer(PAGE) if found["name"] == "verify.py"]
    room: dict[str, Any] = {}
    exec(program, room)
    made: Callable[..., bool] = room["verify"]
    return made


class Webhooks(DeliveryCase):
    """The webhook against a web server."""

    def webhook(self, path: str = "/", **more: Any) -> Any:
        """A webhook to the server that listens."""
        (self.folder / "secret").write_text(SECRET + "\n")
        maker = ForwardingMaker("webhook", "bankd.forwarding.webhook.Webhook")
        settings = {"url": f"https://localhost:{self.port}{path}", "secret_file": self.folder / "secret"}
        return maker.forwarder(settings | {"ca_file": self.authority} | more, reactor)

    def serve(self, *names: str) -> Gateway:
        """A receiver with a certificate for these names."""
        self.authority, options = certificate(self.folder / "tls", *(names or ("localhost",)))
        gateway = Gateway()
        self.port = self.listen(gateway.site(), options)
        return gateway

    async def test_signed(self) -> None:
        """Events arrive in order; each passes the page's own check, and nothing that was altered does."""
        gateway, verify = self.serve(), verifier()
        webhook = self.webhook("/bank?x=1")
        for number in (7, 8):
            await webhook.send(Happening("10000042", Notice(number, "paid", 0, -500, 9500, "USD", "7", "Zoë")))
        (method, raw, body), (_, second, _) = gateway.asked
        headers = {name.decode(): value.decode() for name, value in raw.items()}
        self.assertEqual((method, headers["webhook-id"]), (b"POST", "10000042_7"))
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(second[b"webhook-id"], b"10000042_8")
        self.assertTrue(verify(SECRET, headers, body))
        self.assertEqual(json.loads(body)["data"]["reference"], "Zoë")
        self.assertFalse(verify(SECRET, headers, body + b" "))
        self.assertFalse(verify(SECRET, headers | {"webhook-id": "10000042_9"}, body))
        self.assertFalse(verify("whsec_" + b64encode(bytes(32)).decode(), headers, body))
        self.assertFalse(verify(SECRET, headers, body, now=time.time() + 301))

    async def test_refused(self) -> None:
        """Whatever the receiver answers but that it has it, the event is sent again, and nowhere else."""
        gateway = self.serve()
        webhook = self.webhook()
        for status in (500, 404, 410, 302):
            gateway.answers = [status]
            error = await self.failure(webhook)
            self.assertEqual((str(error), error.transient), (f"the receiver answered {status}", True))
        self.assertEqual(len(gateway.asked), 4)

    async def test_another_name(self) -> None:
        """A receiver that cannot prove who it is gets nothing."""
        gateway = self.serve("other.example")
        self.assertIn("made for another name", str(await self.failure(self.webhook())))
        self.assertEqual(gateway.asked, [])

    async def test_endless(self) -> None:
        """An answer without an end costs a connection, and is no more."""
        gateway = self.serve()
        gateway.endless = True
        webhook = self.webhook()
        for _ in range(2):
            await webhook.send(Happening("1", Notice(1, "paid", 0)))

    async def failure(self, webhook: Any) -> NotDelivered:
        """Why an event was not taken."""
        try:
            await webhook.send(Happening("1", Notice(1, "paid", 0)))
        except NotDelivered as error:
            return error
        raise AssertionError("it was taken")


class PageTests(SystemTestCase):
    """docs/events.md is true."""

    def test_settings(self) -> None:
        """Each example of settings can be used."""
        for name in ("webhook-secret", "mqtt-password"):
            (self.folder / name).write_text(SECRET + "\n")
        examples = [found["text"] for found in BLOCK.finditer(PAGE) if found["kind"] == "ini"]
        for text in examples:
            path = self.folder / "example.ini"
            path.write_text(text.replace("/etc/bankd/", f"{self.folder}/"), encoding="utf-8")
            postage = config.load(path, {}).postage
            self.assertEqual([name for name, _ in hire_forwarders(postage, Clock())], list(postage.events))
        self.assertEqual(len(examples), 3)


@contextmanager
def receiver(port: int = 0) -> Iterator[tuple[int, list[tuple[dict[str, str], bytes]]]]:
    """A web server of the standard library's on this machine: its port, and what it was sent."""
    got: list[tuple[dict[str, str], bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    class Server(HTTPServer):
        allow_reuse_address = True

    server = Server(("127.0.0.1", port), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_port, got
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class TheDaemon(SystemTestCase):
    """The daemon sends what happens while a receiver is there, what happened while it was away, and after a crash."""

    def test_webhook(self) -> None:
        """No event is missing, none comes twice under two ids, and `bankctl` tells how the way stands."""
        secret, verify = self.folder / "webhook-secret", verifier()
        secret.write_text(SECRET + "\n")
        with receiver() as (port, got):
            bank = self.open_bank(events="webhook", webhook=f"http://127.0.0.1:{port}/", secret_file=str(secret))
            alice, bob, _ = bank.customers
            login = f"account:{alice.account}"
            bank.client(login, alice.pin, f"Transfer 25 to {bob.account}")
            look_until(lambda: len(got) == 2, lambda: f"{got}\n{bank.log}")
            self.assertEqual(bank.bankctl("events", "test").lines[0][:27], "webhook: handed over after ")
        bank.client(login, alice.pin, f"Transfer 30 to {bob.account}")
        look_until(lambda: "cannot be reached" in " ".join(bank.bankctl("events", "list").lines), lambda: bank.log)
        self.assertEqual(bank.bankctl("events", "list").status, 1)
        self.assertEqual(bank.bankctl("events", "test").status, 1)
        bank.kill()
        bank.start()
        with receiver(port) as (_, later):
            look_until(lambda: len({headers["webhook-id"] for headers, _ in later}) >= 2, lambda: bank.log)
            look_until(lambda: bank.bankctl("events", "list").status == 0, lambda: bank.log)
        ids = [headers["webhook-id"] for headers, _ in [*got, *later]]
        wanted = [f"{account}_{number}" for number in (2, 3) for account in (alice.account, bob.account)]
        self.assertEqual(list(dict.fromkeys(ids)), [*wanted[:2], "test_0", *wanted[2:]])
        for headers, body in got:
            self.assertTrue(verify(SECRET, headers, body))
        self.assertNotIn(SECRET.removeprefix("whsec_"), bank.log)
        self.assert_right(bank)
