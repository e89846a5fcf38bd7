"""The bank as a service: a double of the service manager opens its ports, hears how it is, has it reload and stop."""

import re
import signal
import socket
import ssl
import subprocess
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from time import monotonic

from twisted.trial.unittest import SynchronousTestCase

from tests.system.support import (
    BIN,
    DEADLINE_SECONDS,
    FAULTS,
    ROOT,
    Done,
    Failed,
    environment,
    free_ports,
    look_until,
    run,
)

PRODUCTION, HARDENED = ROOT / "etc" / "production.ini", ROOT / "etc" / "hardened.ini"


class Manager:
    """A double of systemd: it keeps the sockets of a bank open, and hears what the bank says of itself."""

    def __init__(self, folder: Path, watchdog_seconds: float) -> None:
        self.port, self.notice_port, self.status_port = free_ports(3)
        self._way = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._way.bind(str(folder / "notify"))
        self._heard: Queue[str] = Queue()
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._stream, self._datagrams = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
        self._stream.bind(("127.0.0.1", self.port))
        self._stream.listen(16)
        self._datagrams.bind(("127.0.0.1", self.notice_port))
        self._folder = folder
        self._said = {"NOTIFY_SOCKET": str(folder / "notify"), "WATCHDOG_USEC": str(int(watchdog_seconds * 1_000_000))}
        self.log = folder / "log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, settings: Path, **own: str) -> None:
        """Start the bank as the manager does, with its sockets as descriptors 3 and 4."""
        passed = [self._stream.fileno(), self._datagrams.fileno()]
        command = f'exec 3<&{passed[0]} 4<&{passed[1]}; export LISTEN_PID=$$; exec "$@"'
        twistd = (str(BIN / "twistd"), "--nodaemon", "--pidfile=", "bankd", "--config", str(settings))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ["bash", "-c", command, "bash", *twistd],
                cwd=self._folder,
                env=environment(self._said | {"LISTEN_FDS": "2", "LISTEN_FDNAMES": "bankd.socket:notices"} | own),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=passed,
            )

    def hear(self, wanted: str) -> str:
        """Wait until the bank says ``wanted`` of itself; all that it says then. What comes before is passed over."""
        ends = monotonic() + DEADLINE_SECONDS
        while (left := ends - monotonic()) > 0:
            try:
                said = self._heard.get(timeout=left)
            except Empty:
                break
            if wanted in said.split("\n"):
                return said
        raise Failed(f"the bank never said {wanted}:\n{self.text}")

    def _listen(self) -> None:
        """Hear at once whatever is said, as the system's queue is short; the bank says nothing when it is full."""
        while said := self._way.recv(4096).decode():
            self._heard.put(said)

    @property
    def text(self) -> str:
        """All that the bank has logged."""
        return self.log.read_text(encoding="utf-8", errors="replace")

    def signal(self, number: int) -> None:
        """Send the bank a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait for the end of the bank."""
        assert self.process is not None
        return self.process.wait(DEADLINE_SECONDS)

    def close(self) -> None:
        """End whatever is left."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._said["NOTIFY_SOCKET"])
        self._listener.join()
        for each in (self._way, self._stream, self._datagrams):
            each.close()


class Visitor:
    """Somebody who connects by hand."""

    def __init__(self, port: int, authority: Path) -> None:
        context = ssl.create_default_context(cafile=str(authority))
        plain = socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS)
        self._plain = plain
        self._context = context

    def shake(self) -> "Visitor":
        """Shake hands, and read the greeting."""
        self.socket = self._context.wrap_socket(self._plain, server_hostname="localhost")
        self._file = self.socket.makefile("rb")
        self.greeting = self.line()
        return self

    def line(self) -> str:
        """The next line; empty at the end."""
        return self._file.readline().decode().rstrip()

    @property
    def certificate(self) -> bytes | None:
        """What the bank showed."""
        return self.socket.getpeercert(binary_form=True)

    def close(self) -> None:
        """Go away."""
        self._file.close()
        self.socket.close()


class TheService(SynchronousTestCase):
    """One bank under a service manager, from its start to its stop and its next start."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp()).absolute()
        self.folder.mkdir()
        self.state = self.folder / "state"
        self.manager = Manager(self.folder, watchdog_seconds=0.4)
        self.addCleanup(self.manager.close)
        self.settings = self.folder / "bankd.ini"
        self.own = {
            "BANKD_SERVER_STATE": str(self.state),
            "BANKD_SERVER_PORT": str(self.manager.port),
            "BANKD_SERVER_NOTICE_PORT": "0",
            "BANKD_SERVER_STATUS_PORT": str(self.manager.status_port),
            "BANKD_SERVER_OPERATOR_SOCKET": "operators.sock",
        }

    def bankctl(self, *command: str) -> Done:
        """Run the operator's command on this bank."""
        return run([str(BIN / "bankctl"), *command, "--config", str(self.settings)], environment(self.own), self.folder)

    def visitor(self) -> Visitor:
        """Somebody who is connected."""
        visitor = Visitor(self.manager.port, self.state / "ca.pem").shake()
        self.addCleanup(visitor.close)
        return visitor

    def wait_for_log(self, pattern: str) -> None:
        """Wait until the log has a line with a pattern."""
        look_until(
            lambda: re.search(pattern, self.manager.text) is not None, lambda: f"{pattern}:\n{self.manager.text}"
        )

    def test_a_life(self) -> None:
        """The bank takes the sockets over, says when it serves and lives, takes up what changed, and stops in order."""
        self.settings.write_text(PRODUCTION.read_text(encoding="utf-8"), encoding="utf-8")
        done = self.bankctl("init")
        self.assertEqual(done.status, 0, done)
        self.manager.start(self.settings, **self.own)
        self.manager.hear("READY=1")
        self.manager.hear("WATCHDOG=1")
        first = self.visitor()
        self.assertIn("Example%20Bank", first.greeting)
        self.reload(first)
        self.broken(first)
        self.stop(first)
        self.start_again()

    def reload(self, before: Visitor) -> None:
        """SIGHUP: limits are taken up, a certificate is, and what needs a restart is said."""
        settings = self.settings.read_text(encoding="utf-8")
        self.settings.write_text(
            settings.replace("[server]\n", "[server]\nidle_seconds = 77\nworker_threads = 5\n"), encoding="utf-8"
        )
        for name in ("server.pem", "server.key"):
            (self.state / name).unlink()
        self.assertEqual(self.bankctl("init").status, 0)
        self.manager.signal(signal.SIGHUP)
        self.assertIn("MONOTONIC_USEC=", self.manager.hear("RELOADING=1"))
        self.manager.hear("READY=1")
        text = self.manager.text
        self.assertIn("[server] idle_seconds = 77, which was 300", text)
        self.assertIn("[server] worker_threads = 5, which was 4, and is taken up at the next start", text)
        after = self.visitor()
        self.assertNotEqual(after.certificate, before.certificate)
        after.close()

    def broken(self, before: Visitor) -> None:
        """A file that will not do changes nothing: every fault is logged, and the bank serves as before."""
        good = self.settings.read_text(encoding="utf-8")
        self.settings.write_text("[server]\nport = x\nidle_seconds = 9\n[bank]\nregion = XX\n", encoding="utf-8")
        self.manager.signal(signal.SIGHUP)
        self.manager.hear("RELOADING=1")
        self.manager.hear("READY=1")
        self.wait_for_log(r"bankd\.ini:5: \[bank\] region: 'XX' will not do")
        self.wait_for_log("nothing has changed")
        self.assertNotIn("idle_seconds = 9", self.manager.text)
        self.settings.write_text(good, encoding="utf-8")

    def stop(self, before: Visitor) -> None:
        """SIGTERM: who is connected is told, the process ends, and a second SIGTERM is no fault."""
        self.manager.signal(signal.SIGTERM)
        self.manager.hear("STOPPING=1")
        self.assertEqual(before.line(), "* 503 reason=stopping")
        self.assertEqual(before.line(), "")
        before.close()
        self.manager.wait()
        self.assertEqual(FAULTS.findall(self.manager.text.replace("#error", "", 3)), [], self.manager.text)

    def start_again(self) -> None:
        """Who comes while there is no bank waits at the socket, and is served by the next, here the hardened one.

        It does not let go when that is stopped: told a second time, the bank cuts it off, and stores what there is.
        """
        early = Visitor(self.manager.port, self.state / "ca.pem")
        self.settings.write_text(HARDENED.read_text(encoding="utf-8"), encoding="utf-8")
        self.manager.start(self.settings, **self.own)
        self.manager.hear("READY=1")
        early.shake()
        self.assertIn("Example%20Bank", early.greeting)
        self.manager.signal(signal.SIGTERM)
        self.manager.hear("STOPPING=1")
        self.manager.signal(signal.SIGTERM)  # for a client that does not let go
        self.manager.wait()
        early.close()
        self.assertIn("asked to stop again: clients are cut off", self.manager.text)
        self.assertIn("connections that were not closed in time are cut off: 1", self.manager.text)
        self.assertIn("everything is stored; the bank is closed", self.manager.text.rpartition("asked to stop")[2])
        self.assertNotIn("Traceback", self.manager.text)
