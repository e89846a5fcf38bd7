"""Deliveries against real counterparts on this machine: a mail server, a gateway, programs, and the bank's own command.

What they all do with a text is checked too: it arrives, and is found nowhere else.
"""

import email
import json
import os
import shutil
import sys
from base64 import b64encode
from collections.abc import Callable
from email.policy import default
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import parse_qsl

import psutil
from twisted.internet import reactor as the_reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock, deferLater
from twisted.internet.tcp import Connection
from twisted.internet.utils import getProcessOutputAndValue
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.plugin import getPlugins
from twisted.trial.unittest import TestCase

from bankd.config import KEYS
from bankd.delivery import conformance
from bankd.delivery.post import PAUSES, Post, Postage, attempt
from bankd.ibank import NotDelivered
from bankd.idelivery import IDelivery
from bankd.records import Contact, Parcel
from tests.system.counterparts import PASSWORD, Gateway, MailServer, certificate
from tests.system.support import BIN, DEADLINE_SECONDS, Failed, look_until

reactor: Any = the_reactor

ALICE = Contact("Alice", "+12025550123", "alice@example.org")
CODE = Parcel("Your code", "It is canary-4711.\n.\n..dots\nThat is all.")
HOSTILE = Contact('x"}\r\n.\r\n$(touch reached)`touch reached`', "+12025550123", "-oQ/tmp@example.org")

LOOK_SECONDS = 0.02


class DeliveryCase(TestCase):
    """A test with a folder, counterparts that end with it, and couriers from the real plugins."""

    timeout = 2 * DEADLINE_SECONDS

    def setUp(self) -> None:
        self.folder = Path(mkdtemp(prefix="bankd-test-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.events: list[LogEvent] = []
        observer: Any = self.events.append
        globalLogPublisher.addObserver(observer)
        self.addCleanup(globalLogPublisher.removeObserver, observer)

    async def tearDown(self) -> None:  # type: ignore[override]
        """Wait until nothing is open, and see that no secret was logged, nor whom messages were for."""
        ours = [event for event in self.events if "_MailConnection" not in str(event.get("log_system"))]
        logged = "\n".join(f"{event} {formatEvent(event)}" for event in ours)
        for secret in ("canary", b64encode(PASSWORD).decode(), *(filter(None, (ALICE.mobile, ALICE.email)))):
            self.assertFalse(secret in logged, f"{secret} is in the log")
        await self.until(lambda: not any(isinstance(reader, Connection) for reader in reactor.getReaders()))

    def courier(self, name: str, **settings: Any) -> Any:
        """A courier with its settings' defaults but for these."""
        return self.plugin(name).courier(self.section(name, **settings), reactor)

    def section(self, name: str, **settings: Any) -> dict[str, Any]:
        """A delivery's section."""
        return {key.name: key.read(key.default) for key in KEYS if key.section == name} | settings

    def plugin(self, name: str) -> Any:
        """A delivery as the bank finds it."""
        found: list[Any] = [plugin for plugin in getPlugins(IDelivery) if plugin.name == name]
        return found[0]

    def listen(self, factory: Any, tls: Any = None) -> int:
        """Serve on a free port of this machine; which."""
        address = {"interface": "127.0.0.1"}
        port = reactor.listenSSL(0, factory, tls, **address) if tls else reactor.listenTCP(0, factory, **address)
        self.addCleanup(port.stopListening)
        return int(port.getHost().port)

    def secret(self) -> Path:
        """A file with the password."""
        path = self.folder / "secret"
        path.write_bytes(PASSWORD + b"\n")
        return path

    async def until(self, holds: Callable[[], object]) -> None:
        """Let the reactor work until this holds."""
        for _ in range(int(DEADLINE_SECONDS / LOOK_SECONDS)):
            if holds():
                return
            await deferLater(reactor, LOOK_SECONDS)
        raise Failed("it never held")

    async def refusal(self, courier: Any, contact: Contact = ALICE) -> tuple[str, bool]:
        """Why a message is not delivered, and whether trying again may help."""
        try:
            await attempt(courier, contact, CODE, DEADLINE_SECONDS, reactor)
        except NotDelivered as error:
            return str(error), error.transient
        raise Failed("it was delivered")

    async def assertConforms(self, name: str, **settings: Any) -> None:
        """The delivery keeps its contract."""
        found = await conformance.complaints(self.plugin(name), self.section(name, **settings), reactor, ALICE)
        self.assertEqual(found, [])


class Mails(DeliveryCase):
    """E-mails."""

    def serve(self, *names: str, tls: bool = False, starttls: bool = True, **more: Any) -> MailServer:
        """A mail server with a certificate for these names, or none; ``settings`` are those for it."""
        authority, options = certificate(self.folder / "tls", *(names or ("localhost",)))
        server = MailServer(options if starttls else None, **more)
        self.settings: dict[str, Any] = {
            "host": "localhost",
            "port": self.listen(server, options if tls else None),
            "from": "Demo Bank <bank@example.org>",
            "ca_file": authority,
        }
        if more:
            self.settings |= {"user": "bank", "password_file": self.secret()}
        return server

    async def assertDelivered(self, server: MailServer) -> None:
        """A message arrives just as it was sent, at one address, and the connection is closed."""
        await self.courier("smtp", **self.settings).send(ALICE, CODE)
        mail = email.message_from_bytes(server.mails.pop(), policy=default)
        self.assertEqual(mail.get_content(), CODE.text + "\n")
        self.assertEqual((mail["To"], mail["Subject"]), ("alice@example.org", "Your code"))
        self.assertEqual(set(server.recipients), {b"alice@example.org"})
        await self.until(lambda: not server.open)

    async def test_starttls(self) -> None:
        """By STARTTLS, with a user and a password, which are sent only when the line is secured."""
        server = self.serve(asks_login=True)
        await self.assertDelivered(server)
        verbs = [line.split()[0].upper() for line in server.lines if b" " in line or line.isalpha()]
        self.assertEqual(verbs[:4], [b"EHLO", b"STARTTLS", b"EHLO", b"AUTH"])
        self.assertEqual(verbs[-1], b"QUIT")
        await self.assertConforms("smtp", **self.settings)
        await self.until(lambda: not server.open)

    async def test_tls(self) -> None:
        """By TLS from the first octet."""
        server = self.serve(tls=True, starttls=False)
        self.settings["security"] = "tls"
        await self.assertDelivered(server)

    async def test_this_machine(self) -> None:
        """In the clear, to this machine."""
        server = self.serve(starttls=False)
        self.settings |= {"security": "none", "ca_file": None}
        await self.assertDelivered(server)

    async def test_long(self) -> None:
        """A long text with dots wherever it could be cut arrives as it was; none of them ends the mail."""
        server = self.serve()
        parcel = Parcel("Dots", "\n".join("." * (length % 40) for length in range(3000)))
        await self.courier("smtp", **self.settings).send(ALICE, parcel)
        mail = email.message_from_bytes(server.mails[0], policy=default)
        self.assertEqual(mail.get_content(), parcel.text + "\n")

    async def test_no_starttls(self) -> None:
        """A server that does not offer STARTTLS, or to which somebody on the way forbids it, is told nothing."""
        server = self.serve(starttls=False)
        told = await self.refusal(self.courier("smtp", **self.settings))
        self.assertEqual(told, ("the server offers no STARTTLS", False))
        self.assertEqual([line.split()[0] for line in server.lines], [b"EHLO"])

    async def test_injected(self) -> None:
        """What stands in the clear behind the consent to TLS is not taken as said under TLS."""
        _, options = certificate(self.folder / "tls", "localhost")
        seen: list[bytes] = []

        class Injecting(Protocol):
            """Consents, and says more."""

            def connectionMade(self) -> None:
                assert self.transport
                self.transport.write(b"220 mail ESMTP\r\n")

            def dataReceived(self, data: bytes) -> None:
                transport: Any = self.transport
                seen.append(data)
                if data.startswith(b"EHLO") and len(seen) == 1:
                    transport.write(b"250-mail\r\n250 STARTTLS\r\n")
                elif data.startswith(b"STARTTLS"):
                    transport.write(b"220 go\r\n250 mail\r\n250 sender\r\n250 recipient\r\n354 mail\r\n250 taken\r\n")
                    transport.startTLS(options)
                elif data.startswith(b"EHLO"):
                    transport.write(b"554 go away\r\n")
                else:
                    transport.loseConnection()

        port = self.listen(Factory.forProtocol(Injecting))
        ca = {"ca_file": self.folder / "tls" / "ca.pem"}
        sender = {"from": "bank@example.org"}
        told = await self.refusal(self.courier("smtp", host="localhost", port=port, **ca, **sender))
        self.assertEqual(told[1], False)
        self.assertEqual([data.split()[0] for data in seen][:3], [b"EHLO", b"STARTTLS", b"EHLO"])

    async def test_another_name(self) -> None:
        """A certificate for another name is refused for good, before anything is told."""
        server = self.serve("mail.example")
        told = await self.refusal(self.courier("smtp", **self.settings))
        self.assertEqual(told, ("the server's certificate was made for another name", False))
        self.assertEqual([line.split()[0] for line in server.lines], [b"EHLO", b"STARTTLS"])

    async def test_not_trusted(self) -> None:
        """A certificate of another authority is refused in the same way."""
        for security in ("starttls", "tls"):
            server = self.serve(tls=security == "tls")
            self.settings["ca_file"] = None
            told = await self.refusal(self.courier("smtp", **self.settings, security=security))
            self.assertEqual(told, ("no TLS with the server: its certificate is not trusted, or it speaks none", False))
            self.assertLessEqual({line.split()[0] for line in server.lines}, {b"EHLO", b"STARTTLS"})

    async def test_password(self) -> None:
        """A wrong password is told to be one, without saying it."""
        self.serve(asks_login=True)
        self.settings["password_file"].write_text("wrong")
        told = await self.refusal(self.courier("smtp", **self.settings))
        self.assertEqual(told, ("the server refuses user and password", False))

    async def test_answers(self) -> None:
        """A server's number says whether to try again; its words, which may hold the address, are not told."""
        server = self.serve()
        again = ("the connection was lost", True)
        for line, answer, told in (
            (b"RCPT", b"550 no alice@example.org", ("the server answered 550", False)),
            (b"RCPT", b"450 later alice@example.org", ("the server answered 450", True)),
            (b"MAIL", b"552 full", ("the server answered 552", False)),
            (b"DATA", b"421 closing", ("the server answered 421", True)),
            (b"MAIL", b"", again),
            (b"DATA", b"", again),
            (b"EHLO", b"nonsense", ("the server does not speak SMTP as it should", True)),
        ):
            server.answers = {line: [answer]}
            self.assertEqual(await self.refusal(self.courier("smtp", **self.settings)), told, line)
        self.assertEqual(server.mails, [])
        await self.assertDelivered(server)

    async def test_nobody_there(self) -> None:
        """A server that is away may come back."""
        self.serve()
        self.settings["port"] = 1
        why, transient = await self.refusal(self.courier("smtp", **self.settings))
        self.assertIn("the server cannot be reached: ", why)
        self.assertTrue(transient)

    async def test_silence(self) -> None:
        """When the time of a try is over its connection is dropped, and the next try succeeds."""
        server = self.serve()
        server.answers = {b"MAIL": [None]}
        clock = Clock()
        post = Post([("smtp", self.courier("smtp", **self.settings))], Postage(try_seconds=5), clock)
        sending = post.send(ALICE, CODE)
        await self.until(lambda: any(line.startswith(b"MAIL") for line in server.lines))
        clock.advance(5)
        await self.until(lambda: not server.open)
        clock.advance(PAUSES[0])
        await sending
        self.assertEqual(len(server.mails), 1)


class TextMessages(DeliveryCase):
    """Text messages by a gateway."""

    def serve(self, *names: str) -> Gateway:
        """A gateway with a certificate for these names; ``settings`` are those for it."""
        authority, options = certificate(self.folder / "tls", *(names or ("localhost",)))
        gateway = Gateway()
        self.port = self.listen(gateway.site(), options)
        self.settings: dict[str, Any] = {"url": f"https://localhost:{self.port}/sms?x=1", "ca_file": authority}
        return gateway

    async def test_json_and_token(self) -> None:
        """As JSON, with a token."""
        gateway = self.serve()
        await self.courier("sms", **self.settings, token_file=self.secret()).send(ALICE, CODE)
        [(method, headers, body)] = gateway.asked
        self.assertEqual((method, json.loads(body)), (b"POST", {"to": "+12025550123", "text": CODE.text}))
        self.assertEqual(headers[b"authorization"], b"Bearer " + PASSWORD)
        self.assertEqual(headers[b"content-type"], b"application/json")
        await self.assertConforms("sms", **self.settings)

    async def test_form_and_user(self) -> None:
        """As a form, with user and password."""
        gateway = self.serve()
        self.settings |= {"template": "To={to}&Body={text}", "user": "us", "token_file": self.secret()}
        await self.courier("sms", **self.settings).send(ALICE, CODE)
        [(_, headers, body)] = gateway.asked
        self.assertEqual(parse_qsl(body.decode()), [("To", "+12025550123"), ("Body", CODE.text)])
        self.assertEqual(headers[b"authorization"], b"Basic dXM6Y2FuYXJ5LXBhc3N3b3JkLTQ3MTE=")

    async def test_this_machine(self) -> None:
        """In the clear, to this machine."""
        gateway = Gateway()
        port = self.listen(gateway.site())
        await self.courier("sms", url=f"http://127.0.0.1:{port}/").send(ALICE, CODE)
        self.assertEqual(len(gateway.asked), 1)

    async def test_statuses(self) -> None:
        """Whether to try again depends on the status; a redirection is not followed."""
        gateway = self.serve()
        courier = self.courier("sms", **self.settings)
        for status, transient in ((500, True), (503, True), (429, True), (400, False), (401, False), (302, False)):
            gateway.answers = [status]
            told = (f"the gateway answered {status}", transient)
            self.assertEqual(await self.refusal(courier), told)
        self.assertEqual(len(gateway.asked), 6)
        gateway.answers = [202]
        await courier.send(ALICE, CODE)

    async def test_again(self) -> None:
        """A gateway that fails, then is silent, and then takes the message, has it from the post in three tries."""
        gateway = self.serve()
        gateway.answers = [500, None]
        clock = Clock()
        post = Post([("sms", self.courier("sms", **self.settings))], Postage(try_seconds=5), clock)
        sending = post.send(ALICE, CODE)
        await self.until(lambda: [call.getTime() for call in clock.getDelayedCalls()] == [PAUSES[0]])
        clock.advance(PAUSES[0])
        await self.until(lambda: len(gateway.asked) == 2)
        clock.advance(5)
        await self.until(lambda: gateway.lost == 1)
        clock.advance(PAUSES[1])
        await sending
        self.assertEqual(len(gateway.asked), 3)

    async def test_endless(self) -> None:
        """An answer that never ends is success by its status, and is hung up on."""
        gateway = self.serve()
        gateway.endless = True
        await self.courier("sms", **self.settings).send(ALICE, CODE)
        await self.until(lambda: gateway.lost == 1)

    async def test_another_name(self) -> None:
        """A certificate for another name is refused for good, and nothing is asked."""
        gateway = self.serve("gateway.example")
        told = await self.refusal(self.courier("sms", **self.settings))
        self.assertEqual(told, ("the gateway's certificate was made for another name", False))
        self.assertEqual(gateway.asked, [])

    async def test_not_trusted(self) -> None:
        """A certificate of another authority is refused in the same way."""
        gateway = self.serve()
        self.settings["ca_file"] = None
        told = await self.refusal(self.courier("sms", **self.settings))
        self.assertEqual(told, ("no TLS with the gateway: its certificate is not trusted, or it speaks none", False))
        self.assertEqual(gateway.asked, [])

    async def test_nobody_there(self) -> None:
        """A gateway that is away may come back."""
        why, transient = await self.refusal(self.courier("sms", url="https://localhost:1/"))
        self.assertIn("the gateway cannot be reached: ", why)
        self.assertTrue(transient)


class Scripts(DeliveryCase):
    """Messages by a program."""

    def program(self, text: str) -> list[str]:
        """The command that runs this as a program of Python's."""
        path = self.folder / "program"
        path.write_text(text, encoding="utf-8")
        return [sys.executable, str(path), str(self.folder)]

    async def test_told(self) -> None:
        """All is told on standard input; arguments are the operator's own, and the environment has next to nothing."""
        os.environ["BANKD_CANARY"] = "secret"
        self.addCleanup(os.environ.pop, "BANKD_CANARY")
        command = self.program(
            "import json, os, pathlib, sys\n"
            "told = [sys.argv[2:], dict(os.environ), json.load(sys.stdin), os.listdir('/proc/self/fd')]\n"
            "pathlib.Path(sys.argv[1], 'told').write_text(json.dumps(told))\n"
        )
        await self.courier("script", command=[*command, "--as", "$(touch reached)"]).send(HOSTILE, CODE)
        arguments, environment, told, descriptors = json.loads((self.folder / "told").read_text())
        self.assertEqual(arguments, ["--as", "$(touch reached)"])
        self.assertLessEqual(set(environment), {"PATH", "LANG", "LC_CTYPE"})
        self.assertEqual(
            told,
            {
                "name": HOSTILE.name,
                "mobile": HOSTILE.mobile,
                "email": HOSTILE.email,
                "subject": CODE.subject,
                "text": CODE.text,
            },
        )
        self.assertLessEqual(len(descriptors), 4)  # three, and the folder that is being listed
        self.assertFalse(Path("reached").exists())
        await self.assertConforms("script", command=command)

    async def test_statuses(self) -> None:
        """How the program ends says whether the message was handed over, and whether to try again."""
        for text, told in (
            ("raise SystemExit(1)", ("the program ended with status 1", False)),
            ("raise SystemExit(75)", ("the program ended with status 75", True)),
            ("import os; os.kill(os.getpid(), 15)", ("the program was killed by signal 15", False)),
        ):
            courier = self.courier("script", command=self.program(text))
            self.assertEqual(await self.refusal(courier), told)

    async def test_cannot_be_started(self) -> None:
        """A program that is no longer there is no reason to stop."""
        program = self.folder / "send"
        program.write_text("#!/bin/sh\nexit 0\n")
        program.chmod(0o700)
        courier = self.courier("script", command=[str(program)])
        await courier.send(ALICE, CODE)
        program.unlink()
        why, _transient = await self.refusal(courier)
        self.assertTrue(why.startswith("the program "), why)

    async def test_not_listening(self) -> None:
        """A program that does not read, and prints without end, has done its part when it ends well."""
        text = "print('x' * 1_000_000)\nimport sys\nprint('y' * 100_000, file=sys.stderr)"
        long = Parcel("Long", "z" * 1_000_000)
        await self.courier("script", command=self.program(text)).send(ALICE, long)

    async def test_hangs(self) -> None:
        """A program that hangs is killed when its time is over, and with it what it has started."""
        command = [
            "sh",
            "-c",
            f"sleep 1000 & echo $$ $! > {self.folder}/new; mv {self.folder}/new {self.folder}/ids; wait",
        ]
        clock = Clock()
        trying = Deferred.fromCoroutine(attempt(self.courier("script", command=command), ALICE, CODE, 5, clock))
        look_until((self.folder / "ids").exists, lambda: "the program did not begin")
        processes = [psutil.Process(int(number)) for number in (self.folder / "ids").read_text().split()]
        self.assertEqual(len(processes), 2)
        clock.advance(5)
        failure: Any = await trying.addErrback(lambda failure: succeed(failure.value))
        self.assertEqual(str(failure), "it was not done within 5 seconds")
        await self.until(lambda: not any(runs(process) for process in processes))


def runs(process: psutil.Process) -> bool:
    """Whether a process still does anything."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


class Files(DeliveryCase):
    """Messages in a file, in a thread."""

    async def test_lines(self) -> None:
        """Many at once are whole lines."""
        path = self.folder / "messages"
        courier = self.courier("file", path=path)
        sending = [courier.send(ALICE, Parcel(str(number), "z" * 10_000)) for number in range(50)]
        for each in sending:
            await each
        subjects = [json.loads(line)["subject"] for line in path.read_text().splitlines()]
        self.assertEqual(sorted(subjects, key=int), [str(number) for number in range(50)])


class TheCommand(DeliveryCase):
    """``bankctl delivery test``."""

    async def bankctl(self, settings: str, *arguments: str) -> tuple[int, list[str], str]:
        """Run it: its status, what it printed, and what it complained of."""
        config = self.folder / "settings.ini"
        config.write_text(f"[bank]\nregion = US\nname = Test Bank\n{settings}", encoding="utf-8")
        command = ("delivery", "test", "--config", str(config), *arguments)
        printed, complaints, status = await getProcessOutputAndValue(
            str(BIN / "bankctl"), command, dict(os.environ), str(self.folder)
        )
        return status, printed.decode().splitlines(), complaints.decode()

    async def test_each_way(self) -> None:
        """Each delivery that reaches the address is tried once, and told of with the time it took."""
        gateway = Gateway()
        port = self.listen(gateway.site())
        settings = (
            "[delivery]\norder = smtp sms file\n"
            f"[file]\npath = {self.folder}/messages\n"
            f"[sms]\nurl = http://localhost:{port}/\n"
            "[smtp]\nhost = localhost\nport = 1\nfrom = bank@example.org\n"
        )
        status, printed, complaints = await self.bankctl(settings, "--to", "202 555 0123")
        self.assertEqual((status, complaints), (0, ""))
        self.assertEqual(printed[0], "smtp: has no way to this address")
        self.assertRegex(printed[1], r"^sms: handed over for \+12025550123 after \d\.\d seconds$")
        self.assertRegex(printed[2], r"^file: handed over for \+12025550123 after \d\.\d seconds$")
        self.assertEqual(printed[3:], ["the bank itself would send by sms"])
        [(_, _, body)] = gateway.asked
        self.assertEqual(json.loads(body)["text"], "This is a test message from Test Bank. Nothing need be done.")
        gateway.answers = [500]
        status, printed, _ = await self.bankctl(settings, "--to", "+12025550123", "--to", "alice@example.org")
        self.assertEqual(status, 1)
        self.assertIn("smtp: not delivered to alice@example.org: the server cannot be reached: ", printed[0])
        self.assertEqual(printed[1], "sms: not delivered to +12025550123: the gateway answered 500")
        self.assertEqual(printed[3], "the bank itself would send by smtp")

    async def test_cannot_be_used(self) -> None:
        """What is wrong with the settings or the address is told in a line, and nothing is sent."""
        file = f"[delivery]\norder = file\n[file]\npath = {self.folder}/messages\n"
        for settings, to, said in (
            ("", "+12025550123", "no delivery is set up: [delivery] order in the settings names none"),
            ("[delivery]\norder = dove\n", "+12025550123", "[delivery] order: there is no delivery 'dove'; there are "),
            ("[delivery]\norder = sms\n", "+12025550123", "[sms] url: it takes the gateway's address, such as "),
            (file, "12", "'12' is no mobile number"),
            (file, "a@b@c", "'a@b@c' is no e-mail address"),
        ):
            status, printed, complaints = await self.bankctl(settings, "--to", to)
            self.assertEqual((status, printed), (2, []), complaints)
            self.assertTrue(complaints.startswith(f"bankctl: {said}"), complaints)
            self.assertEqual(complaints.count("\n"), 1)
        status, _, complaints = await self.bankctl(file, "--to", "+12025550123", "--to", "+12025550124")
        self.assertIn("--to takes one mobile number and one e-mail address", complaints)
        self.assertFalse((self.folder / "messages").exists())
