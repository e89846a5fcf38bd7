"""The settings: what may be written, what is said of everything else, and what goes over what."""

from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from bankd import config
from bankd.bank.terms import Terms
from bankd.config import KEYS, Settings, SettingsError
from bankd.delivery.post import Postage
from bankd.gate import Capacity
from bankd.records import Limits, Sealing

UNWRITTEN: dict[str, dict[str, Any]] = {
    "delivery": {"order": (), "try_seconds": 20, "most_under_way": 100},
    "file": {"path": None},
    "smtp": {
        "host": "",
        "port": 587,
        "security": "starttls",
        "from": "",
        "user": "",
        "password_file": None,
        "ca_file": None,
    },
    "sms": {
        "url": "",
        "template": '{"to": "{to}", "text": "{text}"}',
        "token_file": None,
        "user": "",
        "ca_file": None,
    },
    "script": {"command": []},
}
"""What the deliveries' sections come to when nothing is written in them."""

WRITTEN: dict[str, dict[str, Any]] = {
    "delivery": {"order": ("sms", "pigeon", "file"), "try_seconds": 60, "most_under_way": 1},
    "pigeon": {"loft": "north %%20"},
    "file": {"path": Path("/messages")},
    "smtp": {
        "host": "mail.example",
        "port": 465,
        "security": "tls",
        "from": "Bank <bank@example.org>",
        "user": "bank",
        "password_file": Path("/secrets/mail"),
        "ca_file": Path("/tls/ca.pem"),
    },
    "sms": {
        "url": "https://gateway.example/?a=%%20",
        "template": "To={to}&Body={text}",
        "token_file": Path.cwd() / "token",
        "user": "us",
        "ca_file": Path.home() / "ca.pem",
    },
    "script": {"command": ["send", "--as", "the bank"]},
}


class ConfigCase(SynchronousTestCase):
    """A test with a settings file."""

    def setUp(self) -> None:
        self.path = Path(self.mktemp())

    def load(self, text: str | bytes = "", **over: str) -> Settings:
        """The settings in a file that holds ``text``."""
        self.path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return config.load(self.path, over)

    def assertFaults(self, text: str | bytes, *faults: str, **over: str) -> None:
        """Exactly these lines are said of a file, {} standing for its path."""
        with self.assertRaises(SettingsError) as caught:
            self.load(text, **over)
        self.assertEqual(caught.exception.faults, [fault.replace("{}", str(self.path)) for fault in faults])
        self.assertEqual(str(caught.exception), "\n".join(caught.exception.faults))


class Reading(ConfigCase):
    """Settings that can be used."""

    def test_defaults(self) -> None:
        """Without a file, and with an empty one, every key has its default; the state is in the present folder."""
        state = Path.cwd() / "var"
        settings = config.load(None, {})
        self.assertEqual(self.load(), settings)
        self.assertEqual(
            settings,
            Settings(
                state=state,
                host="0.0.0.0",
                notice_port=65433,
                protocols={"line": ("0.0.0.0", 65432), "status": ("127.0.0.1", 5000)},
                certificate=state / "server.pem",
                key=state / "server.key",
                names=(),
                database=f"sqlite:///{state}/bank.sqlite3",
                logfile=None,
                demo=False,
                terms=Terms("bankd", "EUR", "DE", registers_mobiles=True, lease_seconds=30),
                limits=Limits(10, 120, 30, 60, 300, 60, 43_200),
                capacity=Capacity(0, 1000, 2000),
                sealing=Sealing.NO,
                checkpoint_seconds=60,
                postage=Postage(sections=UNWRITTEN),
                operator_socket=state / "operators.sock",
                worker_threads=4,
                monitor_interval=60,
            ),
        )

    def test_everything(self) -> None:
        """Every key is read from its section, whatever the order, with comments and spaces around."""
        settings = self.load(
            """
            # our bank
            [bank]
            name = Bänk of Ωmega
            currency = USD
            region = US
            register_mobiles = No
            lease_seconds = 1
            two_people = no
            checkpoint_seconds = 7
            demo = YES

            [delivery]
            order = sms pigeon
                file
            try_seconds = 60
            most_under_way = 1

            [pigeon]
            loft = north %%20

            [file]
            path = /messages

            [smtp]
            host = mail.example
            port = 465
            security = tls
            from = Bank <bank@example.org>
            user = bank
            password_file = /secrets/mail
            ca_file = /tls/ca.pem

            [sms]
            url = https://gateway.example/?a=%%20
            template = To={to}&Body={text}
            token_file = token
            user = us
            ca_file = ~/ca.pem

            [script]
            command = send --as "the bank"

            [database]
            url = postgresql+psycopg://bank:p%%word@localhost/bank

            [logging]
            logfile = /log/bank.log

            [server]
            state = /state
            host = ::
            port = 0
            notice_port = 65535
            status_host = ::1
            status_port = 1
            certificate = /tls/cert.pem
            key = /tls/key.pem
            names = bank.example 192.0.2.1
               www.bank.example
            login_seconds = 86400
            idle_seconds = 2
            operator_socket = /run/bankd/operators
            sealed = secrets
            worker_threads = 64
            monitor_interval = 9
            handshake_seconds = 5
            line_seconds = 6
            stall_seconds = 7
            idle_warning_seconds = 8
            session_seconds = 9
            max_connections = 11
            max_per_network = 12
            max_strangers = 13
            [protocols]
            teller = 192.0.2.1 7
            """.replace("\n            ", "\n")
        )
        self.assertEqual(
            settings,
            Settings(
                state=Path("/state"),
                host="::",
                notice_port=65535,
                protocols={"line": ("::", 0), "status": ("::1", 1), "teller": ("192.0.2.1", 7)},
                certificate=Path("/tls/cert.pem"),
                key=Path("/tls/key.pem"),
                names=("bank.example", "192.0.2.1", "www.bank.example"),
                database="postgresql+psycopg://bank:p%%word@localhost/bank",
                logfile=Path("/log/bank.log"),
                demo=True,
                terms=Terms("Bänk of Ωmega", "USD", "US", registers_mobiles=False, lease_seconds=1, two_people=False),
                limits=Limits(5, 86400, 6, 7, 2, 8, 9),
                capacity=Capacity(11, 12, 13),
                sealing=Sealing.SECRETS,
                checkpoint_seconds=7,
                postage=Postage(("sms", "pigeon", "file"), 60, 1, WRITTEN),
                operator_socket=Path("/run/bankd/operators"),
                worker_threads=64,
                monitor_interval=9,
            ),
        )

    def test_command_line_goes_over_the_file(self) -> None:
        """What the command line says goes over the file, and the file over the defaults."""
        settings = self.load("[server]\nport = 1\nstatus_port = 2\n", port="3")
        self.assertEqual(settings.protocols, {"line": ("0.0.0.0", 3), "status": ("127.0.0.1", 2)})
        self.assertEqual(settings.notice_port, 65433)

    def test_what_is_overridden_need_not_be_right(self) -> None:
        """A value that the command line replaces is not looked at."""
        self.assertEqual(self.load("[server]\nport = x\n", port="3").protocols["line"], ("0.0.0.0", 3))

    def test_paths(self) -> None:
        """Paths are absolute; what is left out is in the state folder, whatever that is; ~ is the home."""
        settings = self.load("[server]\nstate = here\nkey = k.pem\n[logging]\nlogfile = ~/log\n")
        here = Path.cwd()
        self.assertEqual((settings.state, settings.key), (here / "here", here / "k.pem"))
        self.assertEqual(settings.certificate, here / "here" / "server.pem")
        self.assertEqual(settings.database, f"sqlite:///{here}/here/bank.sqlite3")
        self.assertEqual(settings.logfile, Path.home() / "log")

    def test_every_key_has_a_default_that_can_be_used(self) -> None:
        """Every default, written out, is read as it is without being written."""
        sections = {key.section for key in KEYS}
        text = "".join(
            f"[{section}]\n" + "".join(f"{key.name} = {key.default}\n" for key in KEYS if key.section == section)
            for section in sorted(sections)
        )
        self.assertEqual(self.load(text), config.load(None, {}))


class Values(ConfigCase):
    """Values that will not do, each with its line."""

    PORT = "a port: 0 (any that is free) to 65535"
    SECONDS = "whole seconds: 1 to 86400"
    MOST = "a number, 1 to 1000000; left out, as many as the system allows open files"
    ADDRESS = "an IP address of this machine; 0.0.0.0 is every IPv4 address, :: every address"

    def test_each(self) -> None:
        """Every key refuses what it cannot be, and says what it takes, in the file and on the command line."""
        for section, name, allowed, values in (
            ("server", "port", self.PORT, ("", "x", "-1", "65536", "1.0", "+1", "1_0", "١٢", "1" * 5000, "0x10")),
            ("server", "notice_port", self.PORT, ("http", "65536")),
            ("server", "status_port", self.PORT, ("http", "65536")),
            ("server", "host", self.ADDRESS, ("", "localhost", "1.2.3", "256.0.0.1", "127.0.0.1:80", "*")),
            ("server", "status_host", self.ADDRESS, ("localhost",)),
            ("server", "login_seconds", self.SECONDS, ("", "0", "86401", "-1", "1.5", "1m", "x")),
            ("server", "idle_seconds", self.SECONDS, ("0", "forever")),
            ("server", "session_seconds", self.SECONDS, ("0", "86401")),
            ("server", "max_strangers", "a number: 1 to 1000000", ("", "0", "1000001", "x")),
            ("server", "max_connections", self.MOST, ("0", "1000001", "x")),
            ("bank", "lease_seconds", self.SECONDS, ("0", "30s")),
            ("bank", "currency", "an ISO 4217 code", ("", "eur", "EURO", "ABC", "XAU", "€")),
            ("bank", "region", "an ISO 3166 code", ("", "de", "DEU", "D", "ÄÖ", "49")),
            ("bank", "register_mobiles", "yes or no", ("", "true", "1", "ja", "yes please")),
            ("bank", "demo", "yes or no", ("on",)),
            ("bank", "name", "1 to 64 characters", ("", "x" * 65, "a\u2028b", "\u202e")),
            ("database", "url", "an SQLAlchemy URL", ("bank.sqlite3", "://", "mysql:")),
        ):
            for value in values:
                shown = "what it says" if name == "url" else repr(value)
                fault = f"{shown} will not do; it takes {allowed}"
                self.assertFaults(f"[{section}]\n{name} = {value}\n", f"{{}}: [{section}] {name}: {fault}")
                self.assertFaults("", f"--{name.replace('_', '-')}: {fault}", **{name: value})

    def test_databases_that_cannot_be_used(self) -> None:
        """A URL of a database that there is not, or whose driver is missing, or that is forgotten, is told here.

        The URL itself is not, for it may hold a password.
        """
        for url in ("oracle9://localhost/bank", "sqlite://", "sqlite:///:memory:", "mysql+oursql://localhost/bank"):
            fault = "what it says will not do; it takes an SQLAlchemy URL"
            self.assertFaults(f"[database]\nurl = {url}\n", f"{{}}: [database] url: {fault}")

    def test_region_that_there_is_not(self) -> None:
        """A region that has no telephone numbers is told here, and not to every customer who gives one."""
        self.assertFaults("[bank]\nregion = XX\n", "{}: [bank] region: 'XX' will not do; it takes an ISO 3166 code")

    def test_addresses_of_protocols(self) -> None:
        """The address of a protocol that others wrote is an IP address and a port, and nothing else."""
        for value in ("7", "192.0.2.1", "localhost 7", "192.0.2.1 x", "192.0.2.1 7 8", "192.0.2.1:7"):
            fault = f"{{}}: [protocols] teller: {value!r} will not do; it takes an IP address and a port"
            self.assertFaults(f"[protocols]\nteller = {value}\n", fault)

    def test_deliveries(self) -> None:
        """Each key of a delivery refuses what it cannot be, in its own section."""
        names = "names of deliveries, the first choice first, such as sms smtp"
        for section, name, allowed, values in (
            ("delivery", "order", names, ("sms sms", "sms,smtp", "SMS", "../sms")),
            ("delivery", "try_seconds", "whole seconds: 1 to 60", ("0", "61", "x")),
            ("delivery", "most_under_way", "a number: 1 to 10000", ("0", "10001")),
            ("smtp", "port", "a port: 1 to 65535", ("0", "65536", "smtp")),
            ("smtp", "security", "starttls, tls or none", ("", "ssl", "TLS")),
            ("smtp", "host", "a host's name or IP address", ("a\u2028b",)),
            ("script", "command", "a program and its arguments", ("send 'to",)),
        ):
            for value in values:
                fault = f"{value!r} will not do; it takes {allowed}"
                self.assertFaults(f"[{section}]\n{name} = {value}\n", f"{{}}: [{section}] {name}: {fault}")

    def test_console_is_for_the_demo(self) -> None:
        """Messages are shown on the bank's terminal only where money is play money."""
        fault = "console shows messages to whoever sees the bank's terminal; it takes demo = yes"
        self.assertFaults("[delivery]\norder = sms console\n", f"{{}}: [delivery] order: {fault}")
        self.assertEqual(
            self.load("[delivery]\norder = console\n[bank]\ndemo = yes\n").postage.order,
            ("console",),
        )

    def test_deliveries_of_others(self) -> None:
        """The section of a delivery that others wrote may hold any key, but only where the order names it."""
        text = "[pigeon]\nloft = north\nprot = 1\n"
        settings = self.load("[delivery]\norder = pigeon dove\n" + text)
        self.assertEqual(settings.postage.sections["pigeon"], {"loft": "north", "prot": "1"})
        self.assertEqual(settings.postage.sections["dove"], {})
        self.assertFaults(
            text,
            "{}: [pigeon] loft: there is no such key",
            "{}: [pigeon] prot: there is no such key",
        )

    def test_all_at_once(self) -> None:
        """Every fault is told in one go: strangers first, then each value in the order of the keys."""
        self.assertFaults(
            "[server]\nprot = 1\nport = x\n[bank]\ndemo = x\n[mysql]\nhost = db\n",
            "{}: [server] prot: there is no such key; did you mean [server] port?",
            "{}: [mysql] host: there is no such key; did you mean [server] host?",
            f"{{}}: [server] port: 'x' will not do; it takes {self.PORT}",
            "--status-port: 'y' will not do; it takes " + self.PORT,
            "{}: [bank] demo: 'x' will not do; it takes yes or no",
            status_port="y",
        )


class Files(ConfigCase):
    """Files that will not do."""

    def test_strangers(self) -> None:
        """A key that there is not, or not in this section, is told with the nearest that there is, if one is near."""
        for text, fault in (
            ("[server]\nprot = 1\n", "[server] prot: there is no such key; did you mean [server] port?"),
            ("[bank]\nport = 1\n", "[bank] port: there is no such key; did you mean [server] port?"),
            ("[srever]\nport = 1\n", "[srever] port: there is no such key; did you mean [server] port?"),
            ("[x]\nzzzzzzzzzzzz = 1\n", "[x] zzzzzzzzzzzz: there is no such key"),
            ("[server]\n[DEFAULT]\nport = 1\n", "[DEFAULT] port: there is no such key; did you mean [server] port?"),
        ):
            self.assertFaults(text, "{}: " + fault)

    def test_form(self) -> None:
        """What is no settings file is told with its line."""
        for text, fault in (
            ("port = 1\n", "{}: File contains no section headers. file: '{}', line: 1 'port = 1\\n'"),
            ("[server]\nport\n", "{}: Source contains parsing errors: '{}' [line 2]: 'port\\n'"),
            (
                "[server]\nport = 1\nport = 2\n",
                "{}: While reading from '{}' [line 3]: option 'port' in section 'server' already exists",
            ),
            ("[bank]\n[bank]\n", "{}: While reading from '{}' [line 2]: section 'bank' already exists"),
            (b"[bank]\nname = \xff\n", "{}: is not UTF-8 text"),
        ):
            self.assertFaults(text, fault)

    def test_no_file(self) -> None:
        """A file that cannot be read is told with the reason."""
        for path, reason in (
            (self.path, "No such file or directory"),
            (Path(self.path.parent), "Is a directory"),
        ):
            with self.assertRaises(SettingsError) as caught:
                config.load(path, {})
            self.assertEqual(caught.exception.faults, [f"{path}: cannot be read: {reason}"])

    def test_values_are_plain(self) -> None:
        """A percent sign or a dollar in a value is just that."""
        self.assertEqual(self.load("[bank]\nname = 100% $bank ${x} %(y)s\n").terms.name, "100% $bank ${x} %(y)s")
