"""SIGHUP: what is told to whom when the settings are read anew, and that broken ones change nothing."""

import signal
from collections.abc import Callable

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from bankd import config
from bankd.config import KEYS, Settings, SettingsError
from bankd.reload import LIVE, Reload


class ReloadCase(SynchronousTestCase):
    """A test with settings that are read anew."""

    def setUp(self) -> None:
        self.now: Callable[[], Settings] = lambda: config.load(None, {"port": "1"})
        self.told: list[Settings] = []
        self.reload = Reload(config.load(None, {"port": "1"}), lambda: self.now())
        self.reload.tell(self.told.append)

    def logged(self) -> list[str]:
        """Reload; the lines that are logged meanwhile."""
        with capturedLogs() as events:
            self.reload.reload()
        return [formatEvent(event) for event in events]


class Reloading(ReloadCase):
    """Settings that are read anew."""

    def test_each_part_is_told(self) -> None:
        """Each part gets the settings as they are now, in the order in which they asked for it."""
        self.reload.tell(self.told.append)
        self.reload.reload()
        self.assertEqual([settings.protocols["line"][1] for settings in self.told], [1, 1])

    def test_settings_that_will_not_do(self) -> None:
        """Every fault is logged, that nothing has changed is said, and no part is told."""

        def broken() -> Settings:
            raise SettingsError(["one {fault}", "another"])

        self.now = broken
        lines = self.logged()
        self.assertEqual(lines[:2], ["one {fault}", "another"])
        self.assertIn("nothing has changed", lines[2])
        self.assertEqual(self.told, [])

    def test_folder_that_has_gone(self) -> None:
        """A folder that cannot be entered any more is a fault like any other."""

        def gone() -> Settings:
            raise FileNotFoundError(2, "No such file or directory", "/etc/bankd")

        self.now = gone
        self.assertIn("/etc/bankd", self.logged()[0])
        self.assertEqual(self.told, [])

    def test_part_that_fails(self) -> None:
        """What fails in one part is logged, and the others are told."""

        def fails(_settings: Settings) -> None:
            raise RuntimeError("a fault of this test")

        self.reload = Reload(config.load(None, {"port": "1"}), lambda: self.now())
        self.reload.tell(fails)
        self.reload.tell(self.told.append)
        self.reload.reload()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(len(self.told), 1)

    def test_what_changed(self) -> None:
        """Each key with another value is told, and when it is taken up; what is taken up now is told once."""
        self.now = lambda: config.load(None, {"port": "2", "idle_seconds": "9", "lock_after": "4"})
        lines = self.logged()
        self.assertEqual(
            lines,
            [
                "[lockout] lock_after = 4, which was 10",
                "[server] idle_seconds = 9, which was 300",
                "[server] port = 2, which was 1, and is taken up at the next start",
                "the settings were read anew",
            ],
        )
        self.assertEqual(self.logged(), lines[2:])

    def test_secrets_that_changed(self) -> None:
        """Of what may be a secret only that it has changed is told."""
        environment = {
            "BANKD_DATABASE_URL": "postgresql+psycopg://u:geheim@db/b",
            "BANKD_SMS_URL": "https://x/?k=geheim",
        }
        self.now = lambda: config.load(None, {"port": "1"}, environment)
        self.assertEqual(
            self.logged()[:2],
            ["[database] url has changed, and is taken up at the next start", "[sms] url has changed"],
        )

    def test_what_can_be_taken_up(self) -> None:
        """Every key is either taken up while the bank runs or is not, and ports, files and databases never are."""
        addresses = {(key.section, key.name) for key in KEYS}
        self.assertLess(LIVE, addresses)
        later = {name for section, name in addresses - LIVE if section in ("server", "bank")}
        self.assertLessEqual({"state", "port", "host", "certificate", "name", "demo"}, later)

    def test_signal(self) -> None:
        """SIGHUP has the reactor reload, and does nothing by itself."""
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        reactor = Reactor()
        self.reload.listen(reactor)
        signal.raise_signal(signal.SIGHUP)
        self.assertEqual(self.told, [])
        (call,) = reactor.calls
        call()
        self.assertEqual(len(self.told), 1)


class Reactor:
    """A reactor that keeps what it is to call."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []

    def callFromThread(self, call: Callable[[], None]) -> None:
        """Keep ``call``."""
        self.calls.append(call)
