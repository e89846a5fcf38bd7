"""The pages for who watches the bank, as octets of HTTP through a real site."""

import errno
import json
from pathlib import Path
from typing import Any

import psutil
from twisted.internet.address import IPv4Address
from twisted.internet.defer import fail
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd import codes
from bankd.codes import Refused
from bankd.figures import ProcessView, Tally, snapshot
from bankd.ibank import IFigures
from bankd.perspectives.figures import Figures
from bankd.process import ThisProcess
from bankd.protocols.status import StatusSite
from bankd.testing import PracticeBank, Stepped


class StatusCase(SynchronousTestCase):
    """A test with a practice bank and its site, which is asked for as ``host``."""

    host = "localhost:5000"

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder)
        self.addCleanup(self.bank.close)
        self.clock = Clock()
        self.site = StatusSite(self.bank.portal, self.clock)
        self.site.doStart()
        self.addCleanup(self.site.doStop)

    def connect(self) -> tuple[Any, StringTransportWithDisconnection]:
        """A new connection: the site's end, and what it writes to."""
        protocol: Any = self.site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 4711))
        transport = StringTransportWithDisconnection()
        transport.protocol = protocol
        protocol.makeConnection(transport)
        return protocol, transport

    def ask(
        self, method: str, path: str, *headers: str, version: str = "HTTP/1.1"
    ) -> tuple[int, dict[str, str], bytes]:
        """The status, headers and body that answer one request."""
        protocol, transport = self.connect()
        lines = [f"{method} {path} {version}", f"Host: {self.host}", "Connection: close", *headers, "", ""]
        protocol.dataReceived("\r\n".join(lines).encode())
        return self.read(transport.value())

    def read(self, answer: bytes) -> tuple[int, dict[str, str], bytes]:
        """The status, headers and body of an answer."""
        head, _, body = answer.partition(b"\r\n\r\n")
        first, *fields = head.decode().split("\r\n")
        pairs = (field.partition(": ") for field in fields)
        return int(first.split()[1]), {name.lower(): value for name, _, value in pairs}, body

    def figures(self) -> tuple[int, int]:
        """The connections and the tasks that the site tells of."""
        status, _, body = self.ask("GET", "/status")
        self.assertEqual(status, 200)
        told = json.loads(body)
        self.assertEqual(list(told)[:2], ["connections", "tasks_processed"])
        return told["connections"], told["tasks_processed"]


class Figured(StatusCase):
    """What it tells."""

    def test_promises(self) -> None:
        """The figures keep their contract."""
        verifyObject(IFigures, Figures(self.bank.branch))

    def test_nobody(self) -> None:
        """A bank that nobody has called on tells of nothing; the asking itself is no connection of its own."""
        self.assertEqual(self.figures(), (0, 0))

    def test_three_clients_of_three_tasks(self) -> None:
        """After three clients of three tasks each it tells 3 and 9 while they are there, and 0 and 9 when they left."""
        wires = []
        for name in ("alice", "bob", "carol"):
            wires.append(self.bank.log_in(self.bank.add_customer(name, deposit_minor=100_00)))
            wires[-1].ask("a BALANCE", f"b DEPOSIT amount=100 currency=USD key={name}", "c UPDATE_CONTACT name=X")
        self.assertEqual(self.figures(), (3, 9))
        for wire in wires[:2]:
            wire.ask("d LOGOUT")
        wires[2].drop()
        self.assertEqual(self.figures(), (0, 9))

    def test_what_is_a_task(self) -> None:
        """Tasks are what a customer asks of the bank, refused or not; log-in and the keeping of a session are none."""
        wire = self.bank.connect()
        alice = self.bank.add_customer("alice")
        wire.ask("a BALANCE", "b DANCE", f"c LOGIN account={alice.account} pin=0000")
        self.assertEqual(self.figures(), (1, 0))
        wire.ask(f"d LOGIN account={alice.account} pin={alice.pin}", "e NOOP", "f NOTICES", "g LISTEN port=1")
        self.assertEqual(self.figures(), (1, 0))
        wire.ask("h WITHDRAW amount=1 currency=USD key=k", "i DANCE", "j BALANCE x=1", "k ACCOUNTS")
        self.assertEqual(self.figures(), (1, 4))

    def test_counted_once(self) -> None:
        """A connection that logs out and is then lost is counted off once."""
        wire = self.bank.log_in(self.bank.add_customer("alice"))
        self.bank.connect()
        wire.ask("a LOGOUT")
        wire.drop()
        self.assertEqual(self.figures(), (1, 0))

    def test_most_and_all(self) -> None:
        """The most connections at a time, and all there were, stay when they have left."""
        wires = [self.bank.connect() for _ in range(3)]
        for wire in wires:
            wire.drop()
        self.bank.connect()
        told = json.loads(self.ask("GET", "/status")[2])
        self.assertEqual((told["connections"], told["most_connections"], told["total_connections"]), (1, 3, 4))

    def test_process(self) -> None:
        """It tells what the system says of the process; the processor's share is that of the whole time."""
        self.bank.clock.advance(15)
        told = json.loads(self.ask("GET", "/status")[2])
        self.assertEqual((told["uptime_seconds"], told["cpu_seconds"], told["cpu_percent"]), (25, 2.5, 10.0))
        self.assertEqual((told["memory_bytes"], told["threads"], told["open_files"]), (64 << 20, 10, 30))

    def test_batches_and_ledger(self) -> None:
        """It tells of batches, and what customers hold; nothing of the ledger while the database does not answer."""
        told = json.loads(self.ask("GET", "/status")[2])
        self.assertEqual(
            told["batches"], dict.fromkeys(("mean_size", "mean_seconds", "mean_commit_seconds"), None) | {"count": 0}
        )
        self.bank.log_in(self.bank.add_customer("alice", deposit_minor=500))
        self.bank.clock.advance(1)
        told = json.loads(self.ask("GET", "/status")[2])
        self.assertEqual(told["ledger"], {"entries": 1, "customers_minor_units": {"USD": 500}})
        self.assertEqual((told["sessions"], told["batches"]["mean_size"]), (1, 1.0))
        self.bank.clock.advance(1)
        failing: Any = lambda _look: fail(Refused(codes.BUSY))  # noqa: E731
        self.bank.branch.read_pool = failing
        self.assertIsNone(json.loads(self.ask("GET", "/status")[2])["ledger"])

    def test_health(self) -> None:
        """A process that answers is well, and says no more."""
        self.assertEqual(self.ask("GET", "/healthz")[::2], (200, b"ok\n"))

    def test_readiness(self) -> None:
        """A bank that cannot serve says why."""
        status, headers, body = self.ask("GET", "/readyz")
        self.assertEqual((status, headers["content-type"]), (503, "application/problem+json"))
        self.assertEqual(json.loads(body)["detail"], "the bank does not listen")
        self.bank.branch.tally.serving = True
        self.assertEqual(self.ask("GET", "/readyz")[::2], (200, b"ready\n"))

    def test_metrics(self) -> None:
        """The metrics are of the type that Prometheus asks for, and equal the status."""
        self.bank.connect()
        status, headers, body = self.ask("GET", "/metrics")
        self.assertEqual((status, headers["content-type"].partition(";")[0]), (200, "text/plain"))
        self.assertIn(b"\nbankd_open_connections 1.0\n", body)
        _, headers, body = self.ask("GET", "/metrics", "Accept: application/openmetrics-text; version=1.0.0")
        self.assertEqual(headers["content-type"].partition(";")[0], "application/openmetrics-text")


class Snapshots(SynchronousTestCase):
    """A moment, and the one before it."""

    def test_share_of_the_processor(self) -> None:
        """It is that of the time between two moments, or since the start; in no time there is none."""
        first = snapshot(Tally(), ProcessView(100.0, 2.0, 1, 1, 1), 110.0)
        second = snapshot(Tally(), ProcessView(100.0, 5.0, 1, 1, 1), 112.0)
        self.assertEqual((first.cpu_percent(), second.cpu_percent(first)), (20.0, 150.0))
        self.assertEqual(second.cpu_percent(second), 0.0)

    def test_a_clock_that_was_set_back(self) -> None:
        """No time is less than none."""
        early = snapshot(Tally(), ProcessView(100.0, 2.0, 1, 1, 1), 90.0)
        self.assertEqual((early.uptime_seconds, early.cpu_percent()), (0.0, 0.0))

    def test_this_process(self) -> None:
        """The system tells of the process that asks, as the files in /proc do."""
        seen = ThisProcess()()
        threads = next(line for line in Path("/proc/self/status").read_text().splitlines() if "Threads:" in line)
        self.assertEqual(seen.threads, int(threads.split()[1]))
        self.assertGreater(seen.open_files, 2)
        self.assertGreater(seen.memory_bytes, 10 << 20)
        self.assertGreater(seen.cpu_seconds, 0)
        self.assertGreater(seen.started, psutil.boot_time() - 1)

    def test_a_process_that_cannot_be_looked_at(self) -> None:
        """Without a descriptor left the figures are those from before, and later new ones."""
        process = ThisProcess()
        before = process()

        def no_descriptors(*_: object) -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        without = self.patch(psutil.Process, "num_fds", no_descriptors)
        self.assertEqual(process(), before)
        without.restore()
        self.assertGreaterEqual(process().cpu_seconds, before.cpu_seconds)


class HTTP(StatusCase):
    """How it answers."""

    def test_headers(self) -> None:
        """The answer is JSON that nobody should keep."""
        _, headers, body = self.ask("GET", "/status")
        self.assertEqual(headers["content-type"], "application/json")
        self.assertEqual(headers["cache-control"], "no-store")
        self.assertEqual(int(headers["content-length"]), len(body))

    def test_log(self) -> None:
        """The log tells who asked and how that was answered, and nothing of what was sent."""
        events: list[LogEvent] = []
        note: Any = events.append
        globalLogPublisher.addObserver(note)
        self.addCleanup(globalLogPublisher.removeObserver, note)
        for asked in ("/status?pin=s3cret", "/s3cret"):
            self.ask("GET", asked, "Referer: s3cret", "User-Agent: s3cret", "Authorization: Basic s3cret")
        self.assertEqual(
            [formatEvent(event) for event in events],
            ["192.168.1.1 was answered 200", "192.168.1.1 was answered 404"],
        )
        self.assertNotIn("s3cret", repr(events))

    def test_query_is_passed_over(self) -> None:
        """A query after the path changes nothing, and one slash after it neither."""
        for path in ("/status?x=1", "/status/"):
            self.assertEqual(self.ask("GET", path)[0], 200, path)

    def test_old_version(self) -> None:
        """HTTP/1.0 is answered too."""
        self.assertEqual(self.ask("GET", "/status", version="HTTP/1.0")[0], 200)

    def test_head(self) -> None:
        """HEAD is answered as GET is, without the body."""
        status, headers, body = self.ask("HEAD", "/status")
        self.assertEqual((status, body), (200, b""))
        self.assertEqual(headers["content-type"], "application/json")

    def assertProblem(self, answer: tuple[int, dict[str, str], bytes], status: int) -> None:
        """The answer is problem details (RFC 9457) with that status, which nobody should keep."""
        code, headers, body = answer
        self.assertEqual((code, headers["content-type"]), (status, "application/problem+json"))
        self.assertEqual(headers["cache-control"], "no-store")
        told = json.loads(body)
        self.assertEqual((set(told), told["status"]), ({"title", "status", "detail"}, status))

    def test_not_found(self) -> None:
        """Nothing else is there, and what is answered has nothing of what was asked."""
        for path in ("/STATUS", "/statuses", "/../status", "/%00", "/status/x", "/s3cret<script>"):
            answer = self.ask("GET", path)
            self.assertProblem(answer, 404)
            self.assertNotIn(b"s3cret", answer[2])

    def test_other_methods(self) -> None:
        """Nothing can be changed by it."""
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "BREW"):
            answer = self.ask(method, "/status", "Content-Length: 0")
            self.assertProblem(answer, 405)
            self.assertEqual(answer[1]["allow"], "GET, HEAD")

    def test_bodies(self) -> None:
        """A body is passed over."""
        protocol, transport = self.connect()
        protocol.dataReceived(b"POST /status HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n")
        protocol.dataReceived(b"x" * 99 + b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(transport.value().count(b"HTTP/1.1 "), 2)
        self.assertTrue(transport.value().endswith(b"ok\n"))

    def test_hosts(self) -> None:
        """The bank answers to addresses, localhost and its own names, and to no name of somebody else's."""
        self.bank.branch.names = ("bank.example",)
        self.site = StatusSite(self.bank.portal, self.clock)
        self.site.doStart()
        self.addCleanup(self.site.doStop)
        for host in ("127.0.0.1:5000", "[::1]:5000", "192.0.2.7", "LOCALHOST", "Bank.Example:80", "bank.example"):
            self.host = host
            self.assertEqual(self.ask("GET", "/healthz")[0], 200, host)
        for host in ("evil.example", "localhost.evil.example:5000", "", "[::1", "127.0.0.1.evil.example", "a b", "@"):
            self.host = host
            self.assertProblem(self.ask("GET", "/status"), 421)

    def test_headers_of_any_octets(self) -> None:
        """Headers that are no text, or of versions that are none, are no fault of the bank's."""
        for host, accept, status in (
            (b"\xe1", b"*/*", b"421 Misdirected Request"),
            (b"::1", b"\xe1", b"200 OK"),
            (b"::1", b"text/plain", b"200 OK"),
        ):
            protocol, transport = self.connect()
            asked = b"GET /metrics HTTP/1.1\r\nHost: %s\r\nAccept: %s;version=1.x\r\n\r\n" % (host, accept)
            protocol.dataReceived(asked.replace(b"::1", b"[::1]"))
            self.assertEqual(transport.value().partition(b"\r\n")[0][9:], status, (host, accept))

    def test_a_fault(self) -> None:
        """A page that cannot be made is a fault, which is logged and not told."""
        faulty: Any = lambda: 1 // 0  # noqa: E731
        self.bank.branch.process = faulty
        self.assertProblem(self.ask("GET", "/status"), 500)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_gone_before_the_answer(self) -> None:
        """Who leaves before the answer is there is not written to."""
        pool = Stepped()
        self.bank.branch.read_pool = pool
        self.bank.clock.advance(1)
        protocol, transport = self.connect()
        protocol.dataReceived(b"GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n")
        transport.loseConnection()
        pool.drain()
        self.assertEqual(transport.value(), b"")

    def test_no_request(self) -> None:
        """What is no HTTP is refused, and the next client is served."""
        protocol, transport = self.connect()
        protocol.dataReceived(b"\x16\x03\x01 hello\r\n")
        self.assertEqual(self.read(transport.value())[0], 400)
        self.assertFalse(transport.connected)
        self.assertEqual(self.figures(), (0, 0))

    def test_quiet_peers_are_cut_off(self) -> None:
        """A peer that asks nothing is not kept."""
        _, transport = self.connect()
        self.clock.advance(31)
        self.assertFalse(transport.connected)

    def test_hang_up(self) -> None:
        """Nothing has to be waited for when the bank stops."""
        self.successResultOf(self.site.hang_up())
