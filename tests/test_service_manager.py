"""What the bank and its service manager say to each other: datagrams, the watchdog, and sockets that are passed."""

import fcntl
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from bankd.figures import GateTally
from bankd.gate import Capacity
from bankd.listening import Listening, Stray
from bankd.service_manager import Passed, ServiceManager
from bankd.surroundings import Surroundings

ETC = Path(__file__).resolve().parent.parent / "etc"
MOST_EXPOSED = 2.0
"""The exposure of the unit that systemd may find, of 10."""


class Telling(SynchronousTestCase):
    """What the bank says of itself."""

    def setUp(self) -> None:
        self.address = f"/tmp/bankd-test-{os.getpid()}-{id(self)}"  # a path in the test's own folder is too long
        self.way = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.way.close)
        self.way.setblocking(False)

    def bind(self, address: str) -> None:
        """Listen as the manager does."""
        self.way.bind(address)
        if not address.startswith("\0"):
            self.addCleanup(os.unlink, address)

    def heard(self) -> list[list[str]]:
        """What was said since."""
        said = []
        while True:
            try:
                said.append(self.way.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return said

    def test_states(self) -> None:
        """READY, RELOADING with the time, and STOPPING are said, each in a datagram of lines."""
        for address, named in ((self.address, self.address), ("\0" + self.address, "@" + self.address)):
            self.way.close()
            self.way = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            self.bind(address)
            environment = {"NOTIFY_SOCKET": named, "LEFT": "1"}
            manager = ServiceManager(environment, 7)
            self.assertEqual(environment, {"LEFT": "1"})
            for tell in (manager.ready, manager.reloading, manager.stopping):
                tell()
            first, second, third = self.heard()
            self.assertEqual((first[0], second[0], third[0]), ("READY=1", "RELOADING=1", "STOPPING=1"))
            self.assertRegex(second[1], r"^MONOTONIC_USEC=\d+$")
        self.way.close()

    def test_nobody_listens(self) -> None:
        """Without a manager nothing is said, and one that has gone is no fault of the bank's."""
        ServiceManager({}, 7).ready()
        with capturedLogs() as events:
            ServiceManager({"NOTIFY_SOCKET": "/nowhere"}, 7).ready()
        self.assertEqual([event["log_format"][:33] for event in events], ["the service manager was not told "])

    def test_watchdog(self) -> None:
        """It is said twice in the time that the bank lives, but only when what it looks at has answered."""
        self.bind(self.address)
        clock = Clock()
        manager = ServiceManager({"NOTIFY_SOCKET": self.address, "WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "7"}, 7)
        looks: list[Deferred[None]] = []

        def look() -> Deferred[None]:
            looks.append(Deferred())
            return looks[-1]

        manager.watch(look, clock)
        self.assertEqual(self.heard(), [])
        looks[0].callback(None)
        self.assertEqual(self.heard(), [["WATCHDOG=1"]])
        clock.advance(2)
        looks[1].errback(ValueError("the database is busy: an answer all the same"))
        self.assertEqual(self.heard(), [["WATCHDOG=1"]])
        clock.pump([2, 2, 2])
        self.assertEqual((len(looks), self.heard()), (3, []))

    def test_watchdog_of_others(self) -> None:
        """A watchdog for another process, or none, is not ours."""
        for environment in ({}, {"WATCHDOG_USEC": "4000000", "WATCHDOG_PID": "8"}, {"WATCHDOG_USEC": "x"}):
            manager = ServiceManager(dict(environment), 7)
            manager.watch(lambda: self.fail("it looked"), Clock())
            self.assertEqual(manager.watchdog_seconds, 0)


class Taking(SynchronousTestCase):
    """Sockets that were opened for the bank."""

    def opened(self, kind: int) -> socket.socket:
        """A socket as it is passed: one that children would inherit."""
        made = socket.socket(type=kind)
        self.addCleanup(made.close)
        made.bind(("127.0.0.1", 0))
        os.set_inheritable(made.fileno(), True)
        return made

    def test_what_they_are(self) -> None:
        """Each has its name, kind and port; neither does it block, nor do children get it."""
        sockets = [self.opened(socket.SOCK_STREAM), self.opened(socket.SOCK_DGRAM)]
        descriptors = [each.fileno() for each in sockets]
        stream, datagrams = ServiceManager({"LISTEN_FDNAMES": "line:x"}, 7, descriptors).passed
        self.assertEqual(
            (stream.name, stream.kind, stream.port), ("line", socket.SOCK_STREAM, sockets[0].getsockname()[1])
        )
        self.assertEqual((datagrams.name, datagrams.kind), ("x", socket.SOCK_DGRAM))
        self.assertEqual(str(datagrams), f"UDP 127.0.0.1 port {sockets[1].getsockname()[1]} (x)")
        for descriptor in descriptors:
            self.assertTrue(fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_NONBLOCK)
            self.assertFalse(os.get_inheritable(descriptor))

    def test_who_takes_which(self) -> None:
        """A socket goes to who has its name, or else to who would serve on its port; one that is left is refused."""

        def passed(name: str, port: int, kind: int = socket.SOCK_STREAM) -> Passed:
            return Passed(os.open("/dev/null", os.O_RDONLY), name, socket.AF_INET, kind, ("192.0.2.1", port))

        reactor = Reactor()
        sockets = [
            passed("a.socket", 7),
            passed("line", 9),
            passed("a.socket", 7, socket.SOCK_DGRAM),
            passed("a.socket", 8),
        ]
        listening = Listening(Capacity(10, 10, 10), Surroundings(reactor), GateTally(), sockets)
        listening.tcp("line", "::", 7, None, None)
        listening.tcp("status", "::", 7, None, None)
        listening.tcp("teller", "::", 0, None, None)
        listening.notices("::", 7, None)
        self.assertEqual(reactor.adopted, [sockets[1].descriptor, sockets[0].descriptor, sockets[2].descriptor])
        self.assertEqual(reactor.opened, [0])
        with self.assertRaises(Stray) as caught:
            listening.refuse_strays()
        self.assertIn("TCP 192.0.2.1 port 8 (a.socket)", str(caught.exception))
        os.close(sockets[3].descriptor)


class Units(SynchronousTestCase):
    """The unit files."""

    def analyzed(self, *arguments: str) -> str:
        """What systemd's own analysis says; it needs no running systemd."""
        program = shutil.which("systemd-analyze")
        if program is None:
            print("a test is skipped: systemd-analyze is not installed", file=sys.stderr)
            raise SkipTest("systemd-analyze is not installed")
        done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    def test_exposure(self) -> None:
        """systemd finds the service exposed to 2.0 of 10 at most."""
        said = self.analyzed("security", "--offline=true", "--no-pager", str(ETC / "bankd.service"))
        found = said[said.rindex("bankd.service: ") :].split()[1]
        self.assertLessEqual(float(found), MOST_EXPOSED, said)

    def test_form(self) -> None:
        """Both units are understood in full; only the programs are not where they will be."""
        said = self.analyzed("verify", "--man=no", str(ETC / "bankd.service"), str(ETC / "bankd.socket"))
        known = ("is not executable: No such file", "documentation")
        self.assertEqual(
            [line for line in said.splitlines() if "bankd" in line and not any(k in line for k in known)], []
        )

    def test_times(self) -> None:
        """The manager waits longer than the bank may take to stop."""
        lines = (ETC / "bankd.service").read_text(encoding="utf-8").splitlines()
        (given,) = (int(line.partition("=")[2]) for line in lines if line.startswith("TimeoutStopSec="))
        self.assertGreater(given, 30 + 5)


class Port:
    """A port that was opened, or taken over."""

    def getHost(self) -> "Port":
        """Where it is."""
        return self

    host, port = "192.0.2.1", 7


class Reactor(Clock):
    """A reactor that notes which sockets it is to open, and which to take over."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[int] = []
        self.adopted: list[int] = []

    def listenTCP(self, port: int, *_arguments: object, **_more: object) -> Port:
        """Note ``port``."""
        self.opened.append(port)
        return Port()

    def adoptStreamPort(self, descriptor: int, *_arguments: object) -> Port:
        """Note ``descriptor``."""
        self.adopted.append(descriptor)
        return Port()

    adoptDatagramPort = adoptStreamPort
