"""The program: what it is told, where it finds the bank, and how it ends."""

import contextlib
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet._resolver import HostResolution
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import IAddress, IHostnameResolver, IHostResolution, IProtocol, IResolutionReceiver
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.ssl import CertificateOptions, PrivateCertificate, TLSVersion
from twisted.internet.testing import MemoryReactorClock
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, connect
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

import bankd
from bankd import codes
from bankd.certificates import ensure_authority, ensure_server_certificate, make_terminal
from bankd.client import arguments, connection, exits, main, means
from bankd.client.address import Address, NotAnAddress
from bankd.client.arguments import EPILOG, Given, make_parser, read_arguments
from bankd.client.bank import Bank
from bankd.client.errors import Cause, Loss, LostBank, NoBank
from bankd.client.feed import Later, Lines, Unreadable
from bankd.client.known_banks import Introduced, KnownBanks
from bankd.client.main import drive
from bankd.client.means import Means
from bankd.client.reach import cause_of, reach, terminal_from, trust_from
from bankd.client.sealing import Extent
from bankd.client.testing import ScriptedLine, ScriptedScreen, granted, scripted_bank
from bankd.records import Welcome
from bankd.wire.messages import Login
from tests.sealing import identity


class Terminal(io.StringIO):
    """A standard input with a person at it."""

    def isatty(self) -> bool:
        """Whether a person types."""
        return True


class Arguments(SynchronousTestCase):
    """Arguments, environment and standard input."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()

    def file(self, name: str, text: str) -> str:
        """A file with ``text``."""
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    def given(self, *arguments: str, stdin: str = "", **environment: str) -> Given:
        """What the program is told."""
        return read_arguments(arguments, environment, io.StringIO(stdin))

    def refused(self, *arguments: str, stdin: str = "", **environment: str) -> str:
        """The complaint about what cannot be used, with which the program ends."""
        complaints = io.StringIO()
        self.patch(sys, "stderr", complaints)
        ended = self.assertRaises(SystemExit, self.given, *arguments, stdin=stdin, **environment)
        self.assertEqual(ended.code, exits.UNUSABLE)
        return complaints.getvalue()

    def test_sealing(self) -> None:
        """Everything is sealed, for a bank known from before, unless something else is said."""
        data = self.mktemp()
        given = self.given(XDG_DATA_HOME=str(Path(data).absolute())).means.sealing
        self.assertEqual((given.extent, given.shared), (Extent.SESSION, None))
        self.assertEqual(given.bank, KnownBanks(Path(data).absolute() / "bankd" / "known_banks"))
        self.assertIs(self.given("--seal", "off").means.sealing.extent, Extent.OFF)
        self.assertIs(self.given(BANKD_SEAL="secrets").means.sealing.extent, Extent.SECRETS)
        self.assertIn("'some'", self.refused("--seal", "some"))

    def test_identity(self) -> None:
        """The bank's identity is a file or a fingerprint; beside the bank of `make run` it is that bank's."""
        pem = Path(self.mktemp())
        pem.write_bytes(identity().pem)
        named = Introduced(identity().fingerprint)
        for given in (
            self.given("--identity", str(pem)),
            self.given(BANKD_IDENTITY=identity().fingerprint),
        ):
            self.assertEqual(given.means.sealing.bank, named)
        self.patch(arguments, "LOCAL_CA", pem)
        self.patch(arguments, "LOCAL_IDENTITY", pem)
        self.patch(means, "trust_from", lambda file: None)
        self.assertEqual(self.given().means.sealing.bank, named)
        self.assertNotEqual(self.given("--ca", str(pem)).means.sealing.bank, named)
        pem.write_text("no key")
        self.assertIn("Ed25519", self.refused("--identity", str(pem)))
        self.assertIn("cannot read", self.refused("--identity", self.mktemp()))

    def test_shared_key(self) -> None:
        """A shared key is read from its file; what is none is refused without a word of what is in it."""
        path = Path(self.mktemp())
        path.write_text(json.dumps({"kty": "oct", "kid": "till-1", "k": "A" * 43}))
        shared = self.given("--shared-key", str(path)).means.sealing.shared
        assert shared is not None
        self.assertEqual(shared.kid, "till-1")
        path.write_text('{"k": "canary"}')
        self.assertNotIn("canary", self.refused("--shared-key", str(path)))
        self.assertIn("cannot read", self.refused("--shared-key", self.mktemp()))

    def test_terminal_needs_nothing(self) -> None:
        """Without arguments a person is asked, at this computer's bank."""
        given = self.given()
        self.assertEqual(
            (given.means.address, given.login, given.secret, given.tasks), (Address("localhost"), None, None, ())
        )

    def test_server_is_an_option_or_a_variable(self) -> None:
        """The option comes first."""
        self.assertEqual(self.given(BANKD_SERVER="b:1").means.address, Address("b", 1))
        self.assertEqual(self.given("--server", "[::1]:2", BANKD_SERVER="b:1").means.address, Address("::1", 2))

    def test_tasks_keep_their_order(self) -> None:
        """Options and files are one list; comments and empty lines are none of it."""
        file = self.file("tasks", "# first\n\n  Notices  \nCheck Balance\n")
        told = ("--login", "user:Zoe", "--task", "a", "--tasks", file, "--task", "b", "--tasks", "-")
        given = self.given(*told, BANKD_SECRET="s")
        self.assertEqual(given.tasks, ("a", "Notices", "Check Balance", "b", Later.TYPED))
        self.assertEqual(given.login, ("user", "zoe"))

    def test_tasks_on_standard_input_are_left_there(self) -> None:
        """They are read when the session is open, and never for a secret; '-' as a task is only words."""
        stdin = io.StringIO("c\n")
        given = read_arguments(("--login", "user:zoe", "--tasks", "-", "--task", "-"), {"BANKD_SECRET": "s"}, stdin)
        self.assertEqual((given.tasks, stdin.read()), ((Later.TYPED, "-"), "c\n"))

    def test_secret_comes_from_file_variable_or_standard_input(self) -> None:
        """In this order; of a file and of standard input the first line counts."""
        task = ("--login", "account:1", "--task", "x")
        file = self.file("secret", "from file\nmore")
        self.assertEqual(self.given(*task, "--secret-file", file, BANKD_SECRET="v").secret, "from file")
        self.assertEqual(self.given(*task, stdin="from stdin\n", BANKD_SECRET="from variable").secret, "from variable")
        self.assertEqual(self.given(*task, stdin=" from stdin \r\nmore").secret, " from stdin ")
        self.assertEqual(self.given(*task, "--secret-file", "-", stdin="from stdin\n").secret, "from stdin")

    def test_person_is_asked_for_the_secret(self) -> None:
        """At a terminal the secret is asked, without showing it."""
        self.patch(arguments, "getpass", lambda: "typed")
        given = read_arguments(("--login", "account:1", "--task", "x"), {}, Terminal())
        self.assertEqual(given.secret, "typed")

    def test_standard_input_of_a_terminal_session_is_left_alone(self) -> None:
        """Without tasks it belongs to the menus."""
        stdin = io.StringIO("2\n")
        read_arguments(("--login", "account:1"), {}, stdin)
        self.assertEqual(stdin.read(), "2\n")

    def test_unusable_input_is_one_line_and_status_2(self) -> None:
        """Each thing that cannot be used is named."""
        task = ("--login", "account:1", "--task", "x")
        nothing = self.file("nothing", "# nothing\n")
        for told, named in (
            (("--frobnicate",), "--frobnicate"),
            (("--server", "a:b"), "HOST:PORT"),
            (("--server", "host:0"), "HOST:PORT"),
            (("--server", "::1:7"), "HOST:PORT"),
            (("--ca", "/nonexistent"), "/nonexistent"),
            (("--ca", nothing), "no certificate"),
            (("--login", "card:7"), "card:7"),
            (("--login", "account"), "account:NUMBER"),
            (("--login", "user:a!"), "user name has"),
            (("--task", "x"), "--login"),
            (("--json",), "tasks"),
            ((*task, "--atm"), "--atm"),
            (("--login", "account:1", "--atm"), "--atm"),
            (("--kiosk",), "--atm"),
            (("--atm", "--kiosk"), "terminal"),
            ((*task, "--task", "EXIT", "--task", "x"), "Exit"),
            ((*task, "--task", "EXIT", "--tasks", "-"), "Exit"),
            (("--login", "account:1", "--tasks", "/nonexistent"), "/nonexistent"),
            (("--login", "account:1", "--tasks", nothing), "nothing to do"),
            (("--login", "account:1", "--tasks", "-", "--secret-file", "-"), "standard input"),
            (("--login", "account:1", "--secret-file", "/nonexistent"), "/nonexistent"),
            (("--login", "account:1", "--secret-file", self.file("blank", "\n")), "no secret"),
            (task, "no secret"),
        ):
            self.assertIn(named, self.refused(*told), told)
        self.assertIn("no secret", self.refused("--login", "account:1", "--tasks", "-", stdin="Check Balance\n"))

    def test_files_of_other_bytes_are_unusable(self) -> None:
        """A file of tasks is UTF-8."""
        path = self.folder / "latin"
        path.write_bytes(b"\xff")
        self.assertIn("not UTF-8", self.refused("--login", "account:1", "--tasks", str(path)))

    def test_secret_is_no_option(self) -> None:
        """There is no way to give a secret where every user of the computer could read it."""
        options = [option for action in make_parser()._actions for option in action.option_strings]
        self.assertEqual([name for name in options if "secret" in name or "pin" in name], ["--secret-file"])

    def test_version_is_told(self) -> None:
        """And nothing else is done."""
        output = io.StringIO()
        self.patch(sys, "stdout", output)
        self.assertEqual(self.assertRaises(SystemExit, self.given, "--version").code, exits.SUCCESS)
        self.assertEqual(output.getvalue(), f"bankd-client {bankd.__version__}\n")

    def test_completion(self) -> None:
        """What a shell completes by is printed, for bash to take; files are completed where files are asked for."""
        output = io.StringIO()
        self.patch(sys, "stdout", output)
        ended = self.assertRaises(SystemExit, self.given, "--print-completion", "bash")
        self.assertEqual(ended.code, exits.SUCCESS)
        typed = "\nCOMP_WORDS=(bankd-client --k); COMP_CWORD=1; _shtab_bankd_client; echo ${COMPREPLY[@]}"
        done = subprocess.run(["bash", "-c", output.getvalue() + typed], capture_output=True, text=True, check=True)
        self.assertEqual((done.stdout, done.stderr), ("--kiosk\n", ""))
        self.assertIn("__ca_COMPGEN=_shtab_compgen_files", output.getvalue())

    def test_help_lists_tasks_statuses_and_examples(self) -> None:
        """What a person needs stands in --help, and its examples are accepted."""
        help_text = make_parser().format_help()
        for wanted in ("Transfer AMOUNT to Account NUMBER", "Exit status", "BANKD_SECRET", "--json each task"):
            self.assertIn(wanted, help_text)
        secret, tasks = self.file("secret", "s"), self.file("tasks.txt", "Notices\n")
        examples = EPILOG.partition("Examples:\n")[2].partition("\n\n")[0].replace("\\\n", " ")
        for example in examples.replace("{{", "{").splitlines():
            words = shlex.split(example.partition("<")[0].replace("--ca ca.pem", ""))
            start = words.index("bankd-client") + 1
            told = [secret if word == "secret" else word for word in words[start:]]
            self.given(*told, stdin=Path(tasks).read_text(), BANKD_SECRET="s")


class Addresses(SynchronousTestCase):
    """Where a bank is."""

    def test_names_and_addresses(self) -> None:
        """Names, IPv4 and IPv6, with and without a port."""
        for text, address in (
            ("bank.example:1", Address("bank.example", 1)),
            ("192.0.2.7", Address("192.0.2.7", 65432)),
            ("[2001:db8::7]:65535", Address("2001:db8::7", 65535)),
            ("[::1]", Address("::1", 65432)),
        ):
            self.assertEqual(Address.parse(text), address)
            self.assertEqual(Address.parse(str(address)), address)

    def test_everything_else_is_no_address(self) -> None:
        """Ports that do not exist and hosts that are none."""
        for text in ("", ":1", "a:", "a:65536", "a:1:2", "[::1", "::1", "a:-1", "a:１"):
            self.assertRaises(NotAnAddress, Address.parse, text)


class Causes(SynchronousTestCase):
    """Why a connection was no conversation with a bank."""

    def cause(self, reason: Exception | None, loss: Loss = Loss.ENDED, warning: codes.Code | None = None) -> Cause:
        """The cause behind a conversation that ended before the greeting."""
        return cause_of(LostBank(loss, warning, Failure(reason) if reason else None))

    def test_each_cause_is_told_apart(self) -> None:
        """A stranger's certificate, another name, a bank that is busy, and what is no bank."""
        untrusted = SSL.Error([("SSL routines", "", "certificate verify failed")])
        self.assertEqual(self.cause(untrusted), Cause.UNTRUSTED)
        self.assertEqual(self.cause(VerificationError(errors=[])), Cause.WRONG_NAME)
        self.assertEqual(self.cause(ConnectionDone(), warning=codes.STOPPING), Cause.TURNED_AWAY)
        self.assertEqual(self.cause(SSL.Error([("SSL routines", "", "wrong version number")])), Cause.NOT_A_BANK)
        for loss in (Loss.ENDED, Loss.SILENT, Loss.NONSENSE):
            self.assertEqual(self.cause(None, loss), Cause.NOT_A_BANK)


class Greeter(Protocol):
    """A server that says one line."""

    line = b"* 200 protocol=BANK%2F1 bank=Test currency=USD\r\n"

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self.line)


@implementer(IHostnameResolver)
class NobodyKnows:
    """A resolver of names that knows none."""

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Sequence[type[IAddress]] | None = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """Find nothing."""
        resolution = HostResolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        resolutionReceiver.resolutionComplete()
        return resolution


class Reaching(SynchronousTestCase):
    """The way to the bank over real TLS, between two ends in memory."""

    def setUp(self) -> None:
        self.reactor = MemoryReactorClock()
        self.now = datetime.now(UTC)
        self.ca_file, self.certificate = self.make()

    def make(self) -> tuple[Path, PrivateCertificate]:
        """An authority's file, and a server certificate of it for 127.0.0.1."""
        folder = Path(self.mktemp())
        folder.mkdir()
        authority = ensure_authority(folder, self.now)
        paths = ensure_server_certificate(authority, folder, ["127.0.0.1", "::1"], self.now)
        pem = paths.key.read_bytes() + paths.certificate.read_bytes()
        return authority.certificate_path, PrivateCertificate.loadPEM(pem)

    def reach(self, host: str, server: IProtocol, ca_file: Path | None = None, terminal: Any = None) -> Deferred[Bank]:
        """Reach ``server`` at the address ``host``."""
        trust = trust_from(ca_file or self.ca_file)
        bank = Deferred.fromCoroutine(reach(self.reactor, Address(host, 1), trust, bytes, terminal))
        client = self.reactor.tcpClients.pop()[2].buildProtocol(None)
        ends = FakeTransport(server, isServer=True), FakeTransport(client, isServer=False)
        pump = connect(server, ends[0], client, ends[1])
        for _ in range(12):
            pump.flush()
            self.reactor.advance(1)
        return bank

    def over_tls(self, protocol: type[Protocol] = Greeter, **options: Any) -> IProtocol:
        """A server that speaks ``protocol`` over TLS."""
        certificate = {"privateKey": self.certificate.privateKey.original, "certificate": self.certificate.original}
        tls = CertificateOptions(**certificate, **options)
        factory = TLSMemoryBIOFactory(tls, False, Factory.forProtocol(protocol), clock=self.reactor)
        server = factory.buildProtocol(None)
        assert server is not None
        return server

    def cause(self, bank: Deferred[Bank]) -> Cause:
        """Why there is no bank."""
        error = self.failureResultOf(bank, NoBank).value
        assert isinstance(error, NoBank)
        return error.cause

    def test_trusted_bank_with_the_right_name_is_reached(self) -> None:
        """The certificate's authority and IP address are right, IPv4 or IPv6, and the bank greets."""
        for host in ("127.0.0.1", "::1"):
            bank = self.successResultOf(self.reach(host, self.over_tls()))
            self.assertEqual(bank.greeting.bank, "Test")
            bank.close()

    def test_stranger_is_not_trusted(self) -> None:
        """A certificate of another authority is not accepted, whatever it says."""
        other_file, _ = self.make()
        self.assertEqual(self.cause(self.reach("127.0.0.1", self.over_tls(), other_file)), Cause.UNTRUSTED)

    def test_name_must_be_the_one_asked_for(self) -> None:
        """A good certificate for another address is not accepted."""
        self.assertEqual(self.cause(self.reach("127.0.0.2", self.over_tls())), Cause.WRONG_NAME)

    def test_terminal_that_is_not_the_banks(self) -> None:
        """A terminal learns that the bank does not accept its certificate; one that it does accept is let in."""
        folder = self.ca_file.parent
        theirs, ours = (self.terminal(name) for name in ("theirs", "ours"))
        authority = trust_from(folder / "ours" / "ca.pem")
        for file, accepted in ((ours, True), (theirs, False)):
            server = self.over_tls(trustRoot=authority)
            bank = self.reach("127.0.0.1", server, terminal=terminal_from(file))
            if accepted:
                self.successResultOf(bank).close()
            else:
                self.assertEqual(self.cause(bank), Cause.WRONG_TERMINAL)

    def terminal(self, name: str) -> Path:
        """A terminal's file, by an authority of its own in the folder ``name``."""
        folder = self.ca_file.parent / name
        folder.mkdir()
        path = folder / "terminal.pem"
        make_terminal(ensure_authority(folder, self.now), path, "ATM", self.now, timedelta(days=1))
        return path

    def test_older_tls_is_not_spoken(self) -> None:
        """A server that knows TLS 1.2 at most is no bank."""
        server = self.over_tls(lowerMaximumSecurityTo=TLSVersion.TLSv1_2)
        self.assertEqual(self.cause(self.reach("127.0.0.1", server)), Cause.NOT_A_BANK)

    def test_what_does_not_greet_is_no_bank(self) -> None:
        """Without TLS, with another protocol inside it, or silent."""
        other = type("Other", (Greeter,), {"line": b"220 smtp.example ESMTP\r\n"})
        silent = type("Silent", (Greeter,), {"line": b""})
        for server in (Greeter(), self.over_tls(other), self.over_tls(silent)):
            self.assertEqual(self.cause(self.reach("127.0.0.1", server)), Cause.NOT_A_BANK)

    def test_nobody_waits_any_more(self) -> None:
        """A connection that was still to be greeted is closed when whoever reached for it gives up."""
        bank = Deferred.fromCoroutine(reach(self.reactor, Address("127.0.0.1", 1), trust_from(self.ca_file), bytes))
        client: Any = self.reactor.tcpClients.pop()[2].buildProtocol(None)
        transport = FakeTransport(client, isServer=False)
        client.makeConnection(transport)
        bank.cancel()
        self.failureResultOf(bank, CancelledError)
        self.assertTrue(transport.disconnecting)

    def test_bank_that_turns_away_says_why(self) -> None:
        """The code of a bank that takes nobody now is kept."""
        busy = type("Busy", (Greeter,), {"line": b"* 503 reason=busy\r\n"})
        error = self.failureResultOf(self.reach("127.0.0.1", self.over_tls(busy)), NoBank).value
        assert isinstance(error, NoBank)
        self.assertEqual((error.cause, error.warning), (Cause.TURNED_AWAY, codes.BUSY))

    def test_host_that_is_none(self) -> None:
        """A name that cannot be one, and a name that nobody knows."""
        for host in ("a" * 64 + ".example", "bank.invalid"):
            trust = trust_from(self.ca_file)
            self.reactor.installNameResolver(NobodyKnows())
            bank = Deferred.fromCoroutine(reach(self.reactor, Address(host, 1), trust, bytes))
            self.assertEqual(self.cause(bank), Cause.UNKNOWN_HOST)

    def test_nobody_there(self) -> None:
        """A refused connection is a bank that cannot be reached."""
        trust = trust_from(self.ca_file)
        bank = Deferred.fromCoroutine(reach(self.reactor, Address("127.0.0.1", 1), trust, bytes))
        factory: Any = self.reactor.tcpClients.pop()[2]
        factory.clientConnectionFailed(None, Failure(ConnectionRefusedError()))
        self.reactor.advance(1)
        self.assertEqual(self.cause(bank), Cause.UNREACHABLE)


class BriefReactor:
    """A reactor that runs what was scheduled and stops, with a signal in between where ``signalled``."""

    def __init__(self, *, signalled: bool = False) -> None:
        self.running = False
        self.stopped = 0
        self._signalled = signalled
        self._start: Callable[[], object] = int
        self._triggers: list[Callable[[], None]] = []

    def callWhenRunning(self, start: Callable[[], object]) -> None:
        """Keep what is to run."""
        self._start = start

    def addSystemEventTrigger(self, phase: str, event: str, call: Callable[..., None], *args: Any) -> None:
        """Keep what is to be called before the end."""
        self._triggers.append(lambda: call(*args))

    def run(self) -> None:
        """Run from the start to the end."""
        self.running = True
        self._start()
        if self._signalled:
            self.stop()

    def stop(self) -> None:
        """Stop, once."""
        self.stopped += 1
        for trigger in self._triggers:
            trigger()


class Driving(SynchronousTestCase):
    """The program's run, and its exit status."""

    def drive(self, run: Callable[[], Coroutine[Any, Any, int]], *, signalled: bool = False) -> int:
        """Run under a reactor that stops exactly once."""
        reactor = BriefReactor(signalled=signalled)
        status = drive(reactor, run)
        self.assertEqual(reactor.stopped, 1)
        return status

    def test_result_is_the_status(self) -> None:
        """What the run returns is what the program ends with."""

        async def run() -> int:
            return exits.REFUSED

        self.assertEqual(self.drive(run), exits.REFUSED)

    def test_signal_cancels_quietly(self) -> None:
        """Ctrl-C in the middle ends what runs, without a word, however that takes it."""

        async def run() -> int:
            return await Deferred()

        async def leave() -> int:
            with contextlib.suppress(CancelledError):
                await Deferred()
            left.append(True)
            return exits.SUCCESS

        left: list[bool] = []

        complaints = io.StringIO()
        self.patch(sys, "stderr", complaints)
        for running in (run, leave):
            self.assertEqual(self.drive(running, signalled=True), exits.INTERRUPTED)
        self.assertEqual(left, [True])
        self.assertEqual(complaints.getvalue(), "")

    def test_nobody_reads_any_more(self) -> None:
        """A broken pipe ends the program quietly, and nothing fails after it."""

        async def run() -> int:
            raise BrokenPipeError

        output = self.mktemp()
        with open(output, "w") as stdout:
            self.patch(sys, "stdout", stdout)
            self.assertEqual(self.drive(run), exits.BROKEN_PIPE)
            stdout.write("more")
        self.assertEqual(Path(output).read_text(), "")

    def test_fault_is_told(self) -> None:
        """A fault of the program's own is shown with its traceback, and has a status of its own."""

        async def run() -> int:
            raise ZeroDivisionError

        complaints = io.StringIO()
        self.patch(sys, "stderr", complaints)
        self.assertEqual(self.drive(run), exits.FAULT)
        self.assertIn("ZeroDivisionError", complaints.getvalue())


class Programs(SynchronousTestCase):
    """A script or a terminal, put together from what was given."""

    def given(self, *tasks: str | Later, plain: bool = False) -> Given:
        """What the program was told."""
        where = Means(Address("bank.example"), None, Path(self.mktemp()))
        return Given(where, ("account", "1"), "4711", tasks, False, plain)

    def run_with(self, run: Callable[[Any, Given], Coroutine[Any, Any, int]], given: Given, bank: Bank | NoBank) -> int:
        """Run a program that reaches ``bank``; its status."""

        async def reach(reactor: object, address: Address, trust: object, **how: object) -> Bank:
            if isinstance(bank, NoBank):
                raise bank
            return bank

        self.patch(connection, "reach", reach)
        self.output, self.complaints = io.StringIO(), io.StringIO()
        self.patch(sys, "stdout", self.output)
        self.patch(sys, "stderr", self.complaints)
        return self.successResultOf(Deferred.fromCoroutine(run(None, given)))

    def test_tasks_answer_on_standard_output(self) -> None:
        """Each answer is a line there."""
        line = ScriptedLine(LOGIN=granted(Welcome("1", "USD", 30)))
        status = self.run_with(main.run_tasks, self.given("Acknowledge 1"), scripted_bank(line))
        self.assertEqual((status, self.output.getvalue()), (exits.SUCCESS, "Done.\n"))
        self.assertEqual(line.asked[0], Login(account="1", pin="4711", terminal="new"))

    def test_no_bank_is_told_on_standard_error(self) -> None:
        """One sentence, and status 3."""
        error = NoBank(Address("bank.example"), Cause.UNREACHABLE)
        self.assertEqual(self.run_with(main.run_tasks, self.given("Notices"), error), exits.NO_BANK)
        self.assertEqual(self.output.getvalue(), "")
        self.assertIn("bank.example:65432 cannot be reached", self.complaints.getvalue())

    def test_standard_input_that_cannot_be_read_is_told(self) -> None:
        """One sentence and status 2; the session is ended."""

        def fails(lines: Lines) -> Deferred[str | None]:
            return fail(Unreadable("Is a directory"))

        self.patch(Lines, "next", fails)
        line = ScriptedLine(LOGIN=granted(Welcome("1", "USD", 30)))
        status = self.run_with(main.run_tasks, self.given(Later.TYPED), scripted_bank(line))
        self.assertEqual(status, exits.UNUSABLE)
        self.assertIn("standard input cannot be read: Is a directory", self.complaints.getvalue())
        self.assertTrue(line.lost.called)

    def test_terminal_is_given_back(self) -> None:
        """The screen is closed at the end, also when no bank could be reached; --plain asks for plain lines."""
        for plain, term in ((False, "xterm"), (True, "dumb")):
            self.patch(os, "environ", {"TERM": "xterm"})
            screen = ScriptedScreen()
            self.patch(main, "open_terminal", lambda reactor, screen=screen, **how: screen)
            error = NoBank(Address("bank.example"), Cause.UNREACHABLE)
            self.assertEqual(self.run_with(main.run_terminal, self.given(plain=plain), error), exits.NO_BANK)
            self.assertTrue(screen.closed)
            self.assertEqual(os.environ["TERM"], term)
