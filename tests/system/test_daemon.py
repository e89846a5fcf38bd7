"""The bank as twistd runs it: what stops its start, how it stops, and what a killed bank remembers."""

import json
import os
import signal
import socket
import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from threading import Thread

from tests.system.support import (
    BIN,
    DEADLINE_SECONDS,
    Bank,
    Customer,
    Done,
    SystemTestCase,
    answers,
    environment,
    look_until,
    run,
)

START_SECONDS = 15
"""How long a start may take that is bound to fail."""

LEASE = {"lease_seconds": "1"}
"""So that a test need not wait long for the account of a session that nobody ended."""


class MortalBank(Bank):
    """A bank that can be killed."""

    def kill(self) -> None:
        """End the bank at once, as a power cut does."""
        daemon, self._daemon = self._daemon, None
        assert daemon is not None
        daemon.kill()
        daemon.wait()


class Line:
    """A connection by BANK/1, spoken by hand and waited for."""

    def __init__(self, bank: Bank) -> None:
        context = ssl.create_default_context(cafile=bank.state / "ca.pem")
        connection = socket.create_connection(("127.0.0.1", bank.port), DEADLINE_SECONDS)
        self._socket = context.wrap_socket(connection, server_hostname="localhost")
        self._file = self._socket.makefile("rwb")
        self.greeting = self.read()

    def send(self, *lines: str) -> None:
        """Send lines."""
        self._file.write("".join(f"{line}\r\n" for line in lines).encode())
        self._file.flush()

    def read(self) -> str:
        """The next line; empty when there is none any more."""
        return self._file.readline().decode().removesuffix("\r\n")

    def ask(self, line: str) -> str:
        """Send a line, and give the next one that comes."""
        self.send(line)
        return self.read()

    def log_in(self, customer: Customer) -> bool:
        """Log in; false while the account is in use."""
        answer = self.ask(f"l LOGIN account={customer.account} pin={customer.pin}")
        if answer.startswith("l 423"):
            return False
        assert answer.startswith("l 200"), answer
        return True

    def close(self) -> None:
        """Go away."""
        self._file.close()
        self._socket.close()


class Payer:
    """A client in a thread of its own that pays in, a cent at a time and many at once, until the bank ends."""

    BURST = 40

    def __init__(self, bank: Bank, customer: Customer) -> None:
        self.customer = customer
        self.sent: list[str] = []
        self.acknowledged: dict[str, str] = {}
        self.last = ""
        self._line = Line(bank)
        if not self._line.log_in(customer):
            raise AssertionError("the account is in use")
        self._thread = Thread(target=self._pay, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the bank has ended the connection."""
        self._thread.join(DEADLINE_SECONDS)
        if self._thread.is_alive():
            raise AssertionError("the bank did not end the connection")
        self._line.close()

    def _pay(self) -> None:
        try:
            while self._pay_some():
                pass
        except OSError:
            pass  # the bank is gone; what it acknowledged is known

    def _pay_some(self) -> bool:
        keys = [f"cent{len(self.sent) + number}" for number in range(self.BURST)]
        self.sent += keys
        self._line.send(*(deposit(key) for key in keys))
        for key in keys:
            answer = self._line.read()
            if not answer.startswith("d 200 "):
                self.last = answer
                return False
            self.acknowledged[key] = answer
        return True


def deposit(key: str) -> str:
    """A cent paid in under a key."""
    return f"d DEPOSIT amount=1 currency=USD key={key}"


class DaemonCase(SystemTestCase):
    """A test with a bank that may be killed."""

    def prepare(self, **settings: str) -> MortalBank:
        """A bank that is prepared, and does not serve yet."""
        return MortalBank(Path(mkdtemp(dir=self.folder)), settings)

    def serve(self, **settings: str) -> MortalBank:
        """A bank that serves."""
        bank = self.prepare(**settings)
        bank.start()
        self.addCleanup(bank.stop)
        return bank


class Starting(DaemonCase):
    """What stops the start: one plain line that says what, and status 1."""

    def start(self, bank: Bank, *options: str) -> Done:
        """Have twistd start the bank, which must end by itself."""
        command = [
            *(str(BIN / "twistd"), "--nodaemon", "--pidfile=", "bankd", "--config", str(bank._config)),
            *("--state", str(bank.state), "--port", str(bank.port)),
            *("--notice-port", str(bank.notice_port), "--status-port", str(bank.status_port), *options),
        ]
        done = subprocess.run(
            command, cwd=bank.folder, env=environment({}), capture_output=True, text=True, timeout=START_SECONDS
        )
        return Done(done.returncode, done.stdout.splitlines(), done.stderr)

    def assertStopped(self, done: Done, line: str) -> None:
        """The start ended with status 1 and, besides what twistd says of itself, this line alone."""
        said = [*done.lines, *done.complaints.splitlines()]
        ours = [text for text in said if "#info]" not in text and "[-] " not in text]
        self.assertEqual((done.status, len(ours)), (1, 1), said)
        self.assertIn(line, ours[0])

    @contextmanager
    def taken(self, kind: socket.SocketKind, port: int) -> Iterator[None]:
        """Have somebody else use a port."""
        with closing(socket.socket(socket.AF_INET, kind)) as other:
            other.bind(("0.0.0.0", port))
            if kind is socket.SOCK_STREAM:
                other.listen()
            yield

    def test_ports_in_use(self) -> None:
        """A port that somebody else uses is told with its number, whichever of the three it is."""
        bank = self.prepare()
        for kind, port in (
            (socket.SOCK_STREAM, bank.port),
            (socket.SOCK_DGRAM, bank.notice_port),
            (socket.SOCK_STREAM, bank.status_port),
        ):
            with self.taken(kind, port):
                done = self.start(bank)
            host = "127.0.0.1" if port == bank.status_port else "0.0.0.0"
            self.assertStopped(done, f"bankd: cannot listen on {host} port {port}: [Errno 98] Address already in use")

    def test_no_bank(self) -> None:
        """A state folder without a bank is told, with what makes one."""
        nowhere = self.folder / "nowhere"
        done = self.start(self.prepare(), "--state", str(nowhere))
        self.assertStopped(done, f"bankd: {nowhere} holds no bank yet; 'bankctl init' makes one")

    def test_settings_that_will_not_do(self) -> None:
        """A key that there is not, and a value that will not do, are each told with file, line and key."""
        bank = self.prepare()
        bank._config.write_text("[bank]\nleese_seconds = 30\ncurrency = XXX\n")
        done = self.start(bank)
        self.assertEqual(done.status, 1)
        self.assertEqual(
            done.complaints.splitlines(),
            [
                f"bankd: {bank._config}:{fault}"
                for fault in (
                    "2: [bank] leese_seconds: there is no such key; did you mean [bank] lease_seconds?",
                    "3: [bank] currency: 'XXX' will not do; it takes an ISO 4217 code",
                )
            ],
        )

    def test_certificate_and_key(self) -> None:
        """A certificate or key that is not there, or is none, is told in a line."""
        bank = self.prepare()
        for name, fault in (
            ("server.pem", "server.pem holds no certificate in PEM"),
            ("server.key", "server.key holds no private key in PEM that can be read without a pass phrase"),
        ):
            path = bank.state / name
            good = path.read_bytes()
            path.write_text("junk")
            self.assertStopped(self.start(bank), fault)
            path.unlink()
            self.assertStopped(self.start(bank), f"No such file or directory: '{path}'")
            path.write_bytes(good)

    def test_empty_certificate(self) -> None:
        """A certificate file that holds nothing is told in a line."""
        bank = self.prepare()
        (bank.state / "server.pem").write_text("")
        self.assertStopped(self.start(bank), "server.pem holds no certificate in PEM")

    def test_key_of_another_certificate(self) -> None:
        """A key that is not the certificate's is told in a line, rather than to every client."""
        bank = self.prepare()
        (bank.state / "server.key").write_bytes((bank.state / "ca.key").read_bytes())
        self.assertStopped(self.start(bank), "server.key is not the key of ")


class Running(DaemonCase):
    """A bank that serves."""

    def test_in_the_background(self) -> None:
        """As a real daemon, with paths that were relative where it was started, it serves, and stops when asked to."""
        bank = self.prepare()
        pid_file = bank.folder / "bank.pid"
        ports = (
            "--port",
            str(bank.port),
            "--notice-port",
            str(bank.notice_port),
            "--status-port",
            str(bank.status_port),
        )
        command = [
            *(str(BIN / "twistd"), "--pidfile", str(pid_file), "--logfile", str(bank.folder / "log"), "bankd"),
            *("--config", bank._config.name, "--state", bank.state.name, *ports),
        ]
        done = run(command, environment({}), bank.folder)
        self.assertEqual(done.status, 0, done)
        look_until(lambda: answers(bank.port), lambda: f"the daemon does not serve:\n{bank.log}")
        pid = int(pid_file.read_text())
        try:
            line = Line(bank)
            self.assertTrue(line.log_in(bank.customers[0]))
            self.assertTrue(line.ask("q BALANCE").startswith("q 200 "))
        finally:
            os.kill(pid, signal.SIGTERM)
        look_until(lambda: not pid_file.exists(), lambda: f"the daemon does not stop:\n{bank.log}")
        self.assertEqual(line.read(), "* 503 reason=stopping")
        line.close()
        self.assertIn("everything is stored; the bank is closed", bank.log)

    def test_log_file(self) -> None:
        """With a log file of its own the bank writes there what it does, and no secret."""
        bank = self.prepare()
        text = bank._config.read_text()
        log = bank.folder / "bank.log"
        bank._config.write_text(text.replace("[logging]\n", f"[logging]\nlogfile = {log}\n"))
        bank.start()
        alice = bank.customers[0]
        with closing(Line(bank)) as line:
            line.log_in(alice)
            line.ask("o LOGOUT")
        bank.stop()
        logged = log.read_text()
        whose = f"account={alice.account}\n"
        for words in ("line on TCP", f" LOGIN 200 {whose}", f" LOGOUT 200 {whose}", "the bank is closed"):
            self.assertIn(words, logged)
        self.assertNotIn(alice.pin, logged)

    def test_log_that_is_moved_away(self) -> None:
        """A log in JSON that was moved away is gone on with in a new file after SIGHUP, and no line is lost."""
        bank = self.prepare()
        log, older = bank.folder / "bank.log", bank.folder / "bank.log.1"
        added = f"[logging]\nlogfile = {log}\nformat = json\n"
        bank._config.write_text(bank._config.read_text().replace("[logging]\n", added))
        bank.start()
        alice = bank.customers[0]
        assert bank._daemon is not None
        with closing(Line(bank)) as line:
            line.log_in(alice)
            log.rename(older)
            line.ask("o NOOP")
            bank._daemon.send_signal(signal.SIGHUP)
            look_until(lambda: log.exists() and "anew" in log.read_text(), lambda: f"no new log:\n{older.read_text()}")
            line.ask("p DEPOSIT amount=1250 currency=USD key=k")
            line.ask("q LOGOUT")
        bank.stop()
        before, after = ([json.loads(told) for told in path.read_text().splitlines()] for path in (older, log))
        self.assertEqual([told["verb"] for told in before if told.get("event") == "request"], ["LOGIN"])
        self.assertEqual([told["verb"] for told in after if told.get("event") == "request"], ["DEPOSIT", "LOGOUT"])
        (entry,) = (told for told in after if told.get("event") == "entry")
        self.assertEqual((entry["kind"], entry["amount"], entry["credit"]), ("deposit", "12.50", alice.account))
        self.assertEqual(after[-1]["text"], "everything is stored; the bank is closed")


class Ending(DaemonCase):
    """How a bank ends under load, and what it then knows."""

    def load(self, bank: Bank) -> list[Payer]:
        """Clients that pay in as fast as they can, once each has had some hundreds acknowledged."""
        payers = [Payer(bank, customer) for customer in bank.customers]
        look_until(
            lambda: all(len(payer.acknowledged) > 300 for payer in payers),
            lambda: f"acknowledged: {[len(payer.acknowledged) for payer in payers]}\n{bank.log}",
        )
        return payers

    def assertNothingMissing(self, bank: Bank, payers: Sequence[Payer]) -> None:
        """What was acknowledged is there as it was, what was not can be sent again, and each cent is there once."""
        self.assert_right(bank)
        for payer in payers:
            line = Line(bank)
            self.addCleanup(line.close)
            look_until(partial(line.log_in, payer.customer), lambda: "the account is not free")
            for key in payer.sent:
                answer = line.ask(deposit(key))
                self.assertEqual(answer, payer.acknowledged.get(key, answer))
                self.assertTrue(answer.startswith("d 200 "), answer)
            self.assertIn(f" balance={100_000 + len(payer.sent)} ", line.ask("q BALANCE"))
        self.assert_right(bank)

    def test_stopped_under_load(self) -> None:
        """Stopped while it works the bank answers what it took on, says why it closes, and forgets nothing."""
        bank = self.serve(**LEASE)
        payers = self.load(bank)
        bank.stop()
        for payer in payers:
            payer.join()
        self.assertEqual([payer.last for payer in payers], ["* 503 reason=stopping"] * 3)
        bank.start()
        self.assertNothingMissing(bank, payers)

    def test_killed_under_load(self) -> None:
        """Killed while it works, and started again, the bank knows all that it acknowledged, and nothing twice."""
        bank = self.serve(**LEASE)
        payers = self.load(bank)
        bank.kill()
        for payer in payers:
            payer.join()
        bank.start()
        self.assertNothingMissing(bank, payers)
