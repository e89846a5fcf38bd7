"""Strangers before a real bank: hundreds of connections that do nothing good, and a customer who comes all the same.

``STRANGERS=2000 make test TESTS=tests.system.test_gate`` is the same with more of them.
"""

import contextlib
import os
import resource
import socket
import ssl
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from tests.system.support import DEADLINE_SECONDS, Bank, CopiedBank, Customer, SystemTestCase, look_until, run

STRANGERS = int(os.environ.get("STRANGERS", "300"))

LIMITS = {"handshake_seconds": "2", "line_seconds": "3", "login_seconds": "4"}

CLOSING_SECONDS = 5
"""What the bank gives a peer for the closing (docs/protocol.md), as these do nothing for it."""

GRACE_SECONDS = 8
"""What a machine that is slow and busy may add."""

TRIES = 3
"""How often a customer asks who is turned away, with a pause, as a person would."""


def serve(case: SystemTestCase, limits: dict[str, str]) -> Bank:
    """A bank with limits of its own in [server]."""
    bank = CopiedBank(case.folder, {})
    with (case.folder / "settings.ini").open("a", encoding="utf-8") as settings:
        settings.write("\n[server]\n" + "".join(f"{name} = {value}\n" for name, value in limits.items()))
    bank.start()
    case.addCleanup(bank.stop)
    return bank


def process(bank: Bank) -> int:
    """The process that serves."""
    assert bank._daemon is not None
    return bank._daemon.pid


def descriptors(bank: Bank) -> int:
    """How many files and connections the bank has open."""
    return len(os.listdir(f"/proc/{process(bank)}/fd"))


CONNECTION = 2
"""Files of a connection to the database: the database itself, and what is still to be put into it."""


def opened(bank: Bank) -> list[str]:
    """What they are."""
    folder = Path(f"/proc/{process(bank)}/fd")
    return sorted(str(one.readlink()) for one in folder.iterdir() if one.is_symlink())


def worked(bank: Bank) -> float:
    """For how many seconds the bank has had a processor."""
    with open(f"/proc/{process(bank)}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Stranger:
    """A connection from network ``place`` that is ``half_open`` in TCP, or silent or slow after its handshake."""

    def __init__(self, bank: Bank, trust: ssl.SSLContext, place: int) -> None:
        self.half_open, self.slow = place % 3 == 0, place % 3 == 1
        self.gone = False
        source = (f"127.{place % 50 + 1}.0.1", 0)
        self.socket = socket.create_connection(("127.0.0.1", bank.port), DEADLINE_SECONDS, source)
        if not self.half_open:
            self.socket = trust.wrap_socket(self.socket, server_hostname="localhost")
        self.socket.setblocking(False)

    def look(self) -> bool:
        """Say an octet, where it is one of those; whether the bank has closed."""
        try:
            if self.slow:
                self.socket.send(b"x")
            # The octets of TLS itself, so that nobody answers the bank's end.
            while octets := os.read(self.socket.fileno(), 4096):
                self.slow = False
            self.gone = not octets
        except (BlockingIOError, ssl.SSLWantWriteError):
            pass
        except OSError:
            self.gone = True
        return self.gone


class Visitor(Thread):
    """A customer who logs in, looks at the balance and leaves, again and again, from a network apart."""

    def __init__(self, bank: Bank, trust: ssl.SSLContext, customer: Customer) -> None:
        super().__init__(daemon=True)
        self.tries: list[int] = []
        self.in_vain: list[str] = []
        self.leaving = Event()
        self._bank, self._trust, self._customer = bank, trust, customer

    def run(self) -> None:
        """Visit until told to leave."""
        while not self.leaving.wait(0.05):
            for attempt in range(1, TRIES + 1):
                try:
                    self._visit()
                    self.tries.append(attempt)
                    break
                except (OSError, AssertionError) as error:
                    why = repr(error)
                    self.leaving.wait(0.2 * attempt)
            else:
                self.in_vain.append(why)

    def _visit(self) -> None:
        address = ("127.0.0.1", self._bank.port)
        plain = socket.create_connection(address, DEADLINE_SECONDS, ("127.200.0.1", 0))
        with self._trust.wrap_socket(plain, server_hostname="localhost") as line, line.makefile("rwb") as file:
            assert file.readline().startswith(b"* 200 ")
            customer = self._customer
            for request in (f"LOGIN account={customer.account} pin={customer.pin}", "BALANCE", "LOGOUT"):
                file.write(f"a {request}\r\n".encode())
                file.flush()
                answer = file.readline()
                assert answer.startswith(b"a 200"), answer


class ACrowd(SystemTestCase):
    """Hundreds of strangers at once."""

    def crowd(self, bank: Bank) -> tuple[Visitor, float]:
        """Have them come, and stay until the last is gone; who visited meanwhile, and how long the last one stayed."""
        trust = ssl.create_default_context(cafile=bank.state / "ca.pem")
        visitor = Visitor(bank, trust, bank.customers[0])
        visitor.start()
        strangers: list[Stranger] = []
        with contextlib.ExitStack() as stack:
            for place in range(STRANGERS):
                with contextlib.suppress(OSError):
                    strangers.append(Stranger(bank, trust, place))
                    stack.callback(strangers[-1].socket.close)
            came = monotonic()

            def there() -> int:
                return sum(not one.gone and not one.look() for one in strangers)

            look_until(lambda: not there(), lambda: f"{there()} strangers are still there:\n{bank.log}")
            stayed = monotonic() - came
        visitor.leaving.set()
        visitor.join(DEADLINE_SECONDS)
        return visitor, stayed

    def assertKept(self, bank: Bank, before: int, visitor: Visitor, stayed: float) -> None:
        """All were gone in time, the visitor was served throughout, and nothing is left of either."""
        limit = max(int(seconds) for seconds in LIMITS.values())
        self.assertLess(stayed, limit + CLOSING_SECONDS + GRACE_SECONDS)
        self.assertEqual(visitor.in_vain, [])
        self.assertGreater(len(visitor.tries), 5)
        look_until(lambda: descriptors(bank) <= before, lambda: f"{opened(bank)} are open, and {before} were")
        self.assertEqual(bank.status()["connections"], 0)

    def warmed(self, limits: dict[str, str]) -> tuple[Bank, int]:
        """A bank that has opened what it needs; its descriptors then, and those of one more connection to the database.

        The thread that writes the CSV files reads it beside the one reader, which opens one more as soon as both do.
        """
        bank = serve(self, LIMITS | limits | {"worker_threads": "1"})
        alice = bank.customers[0]
        for _ in range(3):
            bank.told(f"account:{alice.account}", alice.pin, *["Check Balance"] * 5)
        look_until(lambda: not bank.status()["connections"], lambda: "a client is still there")
        return bank, descriptors(bank) + CONNECTION

    def test_within_their_limits(self) -> None:
        """Where there is room for all of them they stay until their time is up, and no longer."""
        bank, before = self.warmed({"max_strangers": str(10 * STRANGERS), "max_connections": "19000"})
        self.assertKept(bank, before, *self.crowd(bank))
        self.assertNotIn("crowded", bank.log)

    def test_more_than_there_is_room_for(self) -> None:
        """Where there is room for a third of them most leave early, and the log says that it is crowded, once."""
        bank, before = self.warmed({"max_strangers": str(STRANGERS // 3)})
        self.assertKept(bank, before, *self.crowd(bank))
        self.assertEqual(bank.log.count("it is crowded:"), 1)


class NoDescriptors(SystemTestCase):
    """A bank that has no descriptors left, whatever it counted on."""

    def test_accepting_nobody(self) -> None:
        """It closes whom it cannot serve, has little to do meanwhile, and serves again when there are some."""
        bank = serve(self, {})
        room = descriptors(bank) + 20
        _, most = resource.prlimit(process(bank), resource.RLIMIT_NOFILE)
        resource.prlimit(process(bank), resource.RLIMIT_NOFILE, (room, most))
        with contextlib.ExitStack() as stack:
            for _ in range(100):
                one = stack.enter_context(socket.create_connection(("127.0.0.1", bank.port), DEADLINE_SECONDS))
                one.settimeout(0.5)
            before, began = worked(bank), monotonic()
            with contextlib.suppress(OSError):
                while one.recv(1):
                    pass
            waiting = Event()
            waiting.wait(2)
            self.assertLess(worked(bank) - before, 0.5 * (monotonic() - began))
        alice = bank.customers[0]
        bank.told(f"account:{alice.account}", alice.pin, "Check Balance")

    def test_more_than_the_system_allows(self) -> None:
        """A bank that is to have more connections than it can have descriptors does not start, and says why."""
        bank = CopiedBank(self.folder, {})
        command = [*bank.daemon_command(), "--max-connections", "1000000"]
        done = run(command, bank.environment, bank.folder)
        self.assertEqual(done.status, 1)
        said = "bankd: 1000000 connections take 1000192 open files, and the system allows"
        self.assertIn(said, "\n".join([*done.lines, done.complaints]))
