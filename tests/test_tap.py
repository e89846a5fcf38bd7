"""``twistd bankd``: its options, and what stops the start with a plain line. The rest is in tests/system."""

from pathlib import Path
from typing import Any

from twisted.application.service import IService, IServiceMaker
from twisted.plugin import getPlugins
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from bankd import config, core_files, keyring, tap
from bankd.config import KEYS
from bankd.ibank import IBankProtocol
from bankd.store import migrate
from bankd.store.engines import Store
from bankd.tap import Bank, Options, makeService
from bankd.testing import PracticeBank


def found(interface: Any) -> list[Any]:
    """The plugins of a kind."""
    return list(getPlugins(interface))


class OptionsCase(SynchronousTestCase):
    """A test with options."""

    def options(self, *arguments: str) -> Options:
        """The options that a command line gives."""
        options = Options()
        options.parseOptions(list(arguments))
        return options


class TheOptions(OptionsCase):
    """What the command line takes."""

    def test_none(self) -> None:
        """Without options the settings are the defaults."""
        self.assertEqual(self.options().settings(), config.load(None, {}))

    def test_every_key_of_the_server(self) -> None:
        """Every key of the server's section is an option, and no other key is."""
        parameters = {parameter[0] for parameter in Options.optParameters}
        keys = {key.name.replace("_", "-") for key in KEYS if key.section == "server"}
        self.assertEqual(parameters, keys | {"config"})

    def test_help(self) -> None:
        """The help says what each option means, and what it is when left out."""
        text = str(self.options())
        self.assertIn("--notice-port=", text)
        for word in ("the UDP port that notices come", "65433", "settings file"):
            self.assertIn(word, text)

    def test_over_the_file(self) -> None:
        """Options go over the file that --config names."""
        path = Path(self.mktemp())
        path.write_text("[server]\nport = 1\nstatus_port = 2\n[bank]\nname = X\n", encoding="utf-8")
        settings = self.options("-c", str(path), "--port", "3", "--state=there").settings()
        self.assertEqual(settings.protocols, {"line": ("0.0.0.0", 3), "status": ("127.0.0.1", 2)})
        self.assertEqual(settings.terms.name, "X")
        self.assertEqual(settings.state, Path.cwd() / "there")

    def test_no_such_option(self) -> None:
        """An option that there is not is refused by twistd's own means."""
        self.assertRaises(UsageError, self.options, "--prot", "3")


class MakingTheService(OptionsCase):
    """What makeService gives, before anything is opened."""

    def test_service(self) -> None:
        """It is a service that is not running, and has opened nothing."""
        state = Path(self.mktemp())
        service = makeService(self.options("--state", str(state)))
        verifyObject(IService, service)
        self.assertEqual(service.running, 0)
        self.assertFalse(state.exists())

    def test_settings_that_will_not_do(self) -> None:
        """Every fault is a line of its own, and nothing else is said."""
        with self.assertRaises(SystemExit) as caught:
            makeService(self.options("--port", "x", "--host", "y"))
        lines = str(caught.exception.code).splitlines()
        self.assertEqual([line.split(": ")[:2] for line in lines], [["bankd", "--host"], ["bankd", "--port"]])

    def test_delivery_that_cannot_be(self) -> None:
        """A delivery whose section will not do stops the start before the daemon leaves the terminal."""
        path = Path(self.mktemp())
        path.write_text("[delivery]\norder = sms file\n[sms]\nurl = http://gateway.example/\n", encoding="utf-8")
        with self.assertRaises(SystemExit) as caught:
            makeService(self.options("--config", str(path)))
        why = "http is for a gateway on this machine only (localhost, 127.0.0.1 or [::1]); https does"
        lines = [f"bankd: {path}:4: [sms] url: {why}", "bankd: [file] path: it takes the file to append messages to"]
        self.assertEqual(str(caught.exception.code).splitlines(), lines)

    def test_plugins(self) -> None:
        """twistd finds the bank, and the bank its protocols, each by a name of which it knows the address."""
        makers: dict[str, str] = {maker.tapname: maker.module for maker in found(IServiceMaker)}
        self.assertEqual(makers.get("bankd"), tap.__name__)
        protocols = {plugin.name: plugin.secure for plugin in found(IBankProtocol)}
        self.assertLessEqual({"line": True, "status": False}.items(), protocols.items())


class NoBankThere(OptionsCase):
    """What stops the start before a socket is opened."""

    def setUp(self) -> None:
        self.patch(core_files, "forbid", lambda: None)  # it would hold for whatever else runs in this process

    def start(self, state: Path, *arguments: str) -> str:
        """The line with which the start of a bank ends."""
        bank = Bank(self.options("--state", str(state), *arguments).settings(), reactor=NoReactor())
        with self.assertRaises(SystemExit) as caught:
            bank.startService()
        line = str(caught.exception.code)
        self.assertEqual(len(line.splitlines()), 1)
        return line

    def test_no_state(self) -> None:
        """Without a folder, or with an empty one, the operator is told what makes a bank, and nothing is made."""
        state = Path(self.mktemp())
        for _ in range(2):
            line = self.start(state)
            self.assertEqual(line, f"bankd: {state.absolute()} holds no bank yet; 'bankctl init' makes one")
            state.mkdir(exist_ok=True)
            self.assertEqual(list(state.iterdir()), [])

    def test_old_database(self) -> None:
        """With a database that has not the present schema the operator is told what brings it up to date."""
        state = Path(self.mktemp())
        state.mkdir()
        keyring.ensure(state)
        (state / "bank.sqlite3").touch()
        line = self.start(state)
        self.assertEqual(line, "bankd: the database is of another version; 'bankctl init' brings it up to date")

    def test_no_database(self) -> None:
        """A database that cannot be opened is told in a line."""
        state = Path(self.mktemp())
        state.mkdir()
        keyring.ensure(state)
        line = self.start(state)
        self.assertEqual(line, f"bankd: there is no database {state.absolute()}/bank.sqlite3; 'bankctl init' makes one")
        self.assertFalse((state / "bank.sqlite3").exists())
        (state / "bank.sqlite3").mkdir()
        self.assertIn("unable to open database file", self.start(state))

    def test_pepper_that_is_not_whole(self) -> None:
        """A pepper that lost a part is told in a line: with it every log-in would be refused."""
        state = Path(self.mktemp())
        state.mkdir()
        keyring.ensure(state)
        (state / "pepper").write_bytes(bytes(31))
        self.assertIn("pepper is not whole", self.start(state))

    def test_bank_from_before_the_chain(self) -> None:
        """A bank that has not been sealed is told what does it, and so is one without its file of checkpoints."""
        state = Path(self.mktemp())
        state.mkdir()
        (state / "pepper").write_bytes(bytes(32))
        self.assertEqual(
            self.start(state),
            f"bankd: there is no {state.absolute() / 'chain.key'}; 'bankctl init' makes one for a bank from before it",
        )
        keys = keyring.ensure(state)
        store = Store(f"sqlite:///{state / 'bank.sqlite3'}", keys.chain, lambda: 0.0)
        self.addCleanup(store.close)
        migrate.upgrade(store.writer)
        self.assertEqual(
            self.start(state),
            f"bankd: there is no checkpoint in {state.absolute() / 'checkpoints'}; 'bankctl init' makes the first",
        )

    def test_keys_of_another_bank(self) -> None:
        """A journal that was begun under another key is not gone on with; the file of the key is named."""
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        practice = PracticeBank(folder)
        self.addCleanup(practice.close)
        practice.add_customer("alice", 100)
        state = Path(self.mktemp())
        state.mkdir()
        keyring.ensure(state)
        path = Path(self.mktemp())
        path.write_text(f"[database]\nurl = {practice.store.url}\n", encoding="utf-8")
        said = f"bankd: the journal in the database does not begin under {state.absolute() / 'chain.key'}: "
        self.assertTrue(self.start(state, "--config", str(path)).startswith(said))
        (state / "chain.key").write_bytes(practice.store.chain_key)
        self.assertIn("there is no checkpoint", self.start(state, "--config", str(path)))

    def test_log_file(self) -> None:
        """A log file that cannot be opened is told in a line."""
        path = Path(self.mktemp())
        path.write_text("[logging]\nlogfile = /proc/nowhere/bank.log\n", encoding="utf-8")
        self.assertIn("/proc/nowhere/bank.log", self.start(Path(self.mktemp()), "--config", str(path)))


class NoReactor:
    """A reactor that only tells the time; whoever wants more of it fails."""

    def seconds(self) -> float:
        """The time."""
        return 0.0
