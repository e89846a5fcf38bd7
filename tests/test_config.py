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
from bankd.settings_sources import variable

UNWRITTEN: dict[str, dict[str, Any]] = {
    "delivery": {"order": (), "try_seconds": 20, "most_under_way": 100, "events": ()},
    "webhook": {"url": "", "secret_file": None, "ca_file": None},
    "mqtt": {"url": "", "topic": "bankd", "user": "", "password_file": None, "ca_file": None},
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


def written() -> dict[str, dict[str, Any]]:
    """What they come to where everything is written in them, read in the present folder."""
    return {
        "delivery": {
            "order": ("sms", "pigeon", "file"),
            "try_seconds": 60,
            "most_under_way": 1,
            "events": ("webhook",),
        },
        "webhook": {"url": "https://x", "secret_file": Path("/secret"), "ca_file": Path("/ca.pem")},
        "mqtt": {
            "url": "mqtts://x",
            "topic": "bankd/x",
            "user": "bank",
            "password_file": Path("/password"),
            "ca_file": Path("/ca.pem"),
        },
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
                cache_mib=256,
                logfile=None,
                log_form="text",
                client_csv=None,
                bank_csv=None,
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
                stop_seconds=30,
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
            events = webhook
            [webhook]
            url = https://x
            secret_file = /secret
            ca_file = /ca.pem

            [mqtt]
            url = mqtts://x
            topic = bankd/x
            user = bank
            password_file = /password
            ca_file = /ca.pem

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
            cache_mib = 17

            [logging]
            logfile = /log/bank.log
            format = json
            client_csv = /log/client.csv
            bank_csv = bank.csv

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
            stop_seconds = 600
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
                cache_mib=17,
                logfile=Path("/log/bank.log"),
                log_form="json",
                client_csv=Path("/log/client.csv"),
                bank_csv=Path("/state/bank.csv"),
                demo=True,
                terms=Terms("Bänk of Ωmega", "USD", "US", registers_mobiles=False, lease_seconds=1, two_people=False),
                limits=Limits(5, 86400, 6, 7, 2, 8, 9),
                capacity=Capacity(11, 12, 13),
                sealing=Sealing.SECRETS,
                checkpoint_seconds=7,
                postage=Postage(("sms", "pigeon", "file"), 60, 1, written(), ("webhook",)),
                operator_socket=Path("/run/bankd/operators"),
                worker_threads=64,
                monitor_interval=9,
                stop_seconds=600,
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
                self.assertFaults(f"[{section}]\n{name} = {value}\n", f"{{}}:2: [{section}] {name}: {fault}")
                self.assertFaults("", f"--{name.replace('_', '-')}: {fault}", **{name: value})

    def test_databases_that_cannot_be_used(self) -> None:
        """A URL of a database that there is not, or whose driver is missing, or that is forgotten, is told here.

        The URL itself is not, for it may hold a password.
        """
        for url in ("oracle9://localhost/bank", "sqlite://", "sqlite:///:memory:", "mysql+oursql://localhost/bank"):
            fault = "what it says will not do; it takes an SQLAlchemy URL"
            self.assertFaults(f"[database]\nurl = {url}\n", f"{{}}:2: [database] url: {fault}")

    def test_region_that_there_is_not(self) -> None:
        """A region that has no telephone numbers is told here, and not to every customer who gives one."""
        self.assertFaults("[bank]\nregion = XX\n", "{}:2: [bank] region: 'XX' will not do; it takes an ISO 3166 code")

    def test_addresses_of_protocols(self) -> None:
        """The address of a protocol that others wrote is an IP address and a port, and nothing else."""
        for value in ("7", "192.0.2.1", "localhost 7", "192.0.2.1 x", "192.0.2.1 7 8", "192.0.2.1:7"):
            fault = f"{{}}:2: [protocols] teller: {value!r} will not do; it takes an IP address and a port"
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
                self.assertFaults(f"[{section}]\n{name} = {value}\n", f"{{}}:2: [{section}] {name}: {fault}")

    def test_console_is_for_the_demo(self) -> None:
        """Messages are shown on the bank's terminal only where money is play money."""
        fault = "console shows messages to whoever sees the bank's terminal; it takes demo = yes"
        self.assertFaults("[delivery]\norder = sms console\n", f"{{}}:2: [delivery] order: {fault}")
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
            "{}:2: [pigeon] loft: there is no such key",
            "{}:3: [pigeon] prot: there is no such key",
        )

    def test_all_at_once(self) -> None:
        """Every fault is told in one go, from the top of the file to its bottom, and then those of the command line."""
        self.assertFaults(
            "[server]\nprot = 1\nport = x\n[bank]\ndemo = x\n[smpt]\nhost = db\n",
            "{}:2: [server] prot: there is no such key; did you mean [server] port?",
            f"{{}}:3: [server] port: 'x' will not do; it takes {self.PORT}",
            "{}:5: [bank] demo: 'x' will not do; it takes yes or no",
            "{}:7: [smpt] host: there is no such key; did you mean [server] host?",
            "--status-port: 'y' will not do; it takes " + self.PORT,
            status_port="y",
        )


class Sources(ConfigCase):
    """What goes over what, and where each value is from."""

    def test_order(self) -> None:
        """The command line goes over the environment, that over the file, and the file over the default."""
        self.path.write_text("[server]\nport = 1\nstatus_port = 2\nnotice_port = 3\n", encoding="utf-8")
        environment = {"BANKD_SERVER_PORT": "4", "BANKD_SERVER_STATUS_PORT": "5", "BANKD_BANK_NAME": "X"}
        settings = config.load(self.path, {"port": "6"}, environment)
        self.assertEqual(settings.protocols, {"line": ("0.0.0.0", 6), "status": ("127.0.0.1", 5)})
        self.assertEqual((settings.notice_port, settings.terms.name), (3, "X"))
        wheres = [settings.origins["server", name].where for name in ("port", "status_port", "notice_port", "host")]
        self.assertEqual(wheres, ["--port", "BANKD_SERVER_STATUS_PORT", f"{self.path}:4", "default"])

    def test_every_key_has_a_variable(self) -> None:
        """Each key is taken from the variable of its name, whose fault is told by that name."""
        environment = {variable(key.section, key.name): "\x07" for key in KEYS}
        with self.assertRaises(SettingsError) as caught:
            config.load(None, {}, environment)
        told = {fault.partition(":")[0] for fault in caught.exception.faults}
        unread = {key for key in environment if key not in told}
        self.assertLessEqual(
            {name.rpartition("_")[2] for name in unread},
            {"STATE", "CERTIFICATE", "KEY", "NAMES", "SOCKET", "LOGFILE", "CSV"} | {"FILE", "PATH"} | {"COMMAND"},
        )

    def test_variables_of_others(self) -> None:
        """Variables that are no setting's are nobody's fault; one whose key there is not is."""
        others = {"BANKD_SERVER": "x", "BANKD_SECRET": "x", "BANKD": "x", "BANKD_SEAL_KEY": "x", "PATH": "x"}
        self.assertEqual(config.load(None, {}, others), config.load(None, {}))
        with self.assertRaises(SettingsError) as caught:
            config.load(None, {}, {"BANKD_SERVER_PROT": "1", "BANKD_LOGGING_ZZZZZZZZZZZZZZZ": "1"})
        self.assertEqual(
            caught.exception.faults,
            [
                "BANKD_LOGGING_ZZZZZZZZZZZZZZZ: there is no such key",
                "BANKD_SERVER_PROT: there is no such key; did you mean BANKD_SERVER_PORT?",
            ],
        )

    def test_protocols_and_deliveries_of_others(self) -> None:
        """Protocols can be given an address, and deliveries of others their order, in the environment."""
        self.path.write_text("[pigeon]\nloft = x\n", encoding="utf-8")
        environment = {"BANKD_PROTOCOLS_TELLER": "192.0.2.1 7", "BANKD_DELIVERY_ORDER": "pigeon"}
        settings = config.load(self.path, {}, environment)
        self.assertEqual(settings.protocols["teller"], ("192.0.2.1", 7))
        self.assertEqual(settings.postage.sections["pigeon"], {"loft": "x"})


class TheDatabase(ConfigCase):
    """The one address of the database."""

    MYSQL = "[mysql]\nhost = db\nport = 7\nuser = us\npassword = p@ss\ndatabase = bank\n"

    def secret(self, octets: bytes = b"p@ss:/word\n") -> Path:
        """A file with a secret."""
        path = Path(self.mktemp())
        path.write_bytes(octets)
        return path

    def test_in_parts(self) -> None:
        """The keys of [mysql] make one address; what is special in a URL is written as it has to be."""
        self.assertEqual(self.load(self.MYSQL).database, "mysql+pymysql://us:p%40ss@db:7/bank")
        self.assertEqual(self.load("[mysql]\ndatabase = b\n").database, "mysql+pymysql://localhost:3306/b")

    def test_two_addresses(self) -> None:
        """Two databases are one too many."""
        self.assertFaults(
            self.MYSQL + "[database]\nurl = sqlite:////x\n",
            "{}:6: [mysql] database: [database] url names a database as well; one of the two has to be left out",
        )

    def test_parts_of_nothing(self) -> None:
        """A user or a password without a database is told of."""
        self.assertFaults(
            "[mysql]\nuser = us\npassword = geheim\n",
            "{}:2: [mysql] user: there is no [mysql] database that it is for",
            "{}:3: [mysql] password: there is no [mysql] database that it is for",
        )

    def test_password_in_a_file(self) -> None:
        """A password in a file is put into the address, by URL or in parts."""
        secret = self.secret()
        for text, found in (
            ("[database]\nurl = postgresql+psycopg://us@db/bank\n", "postgresql+psycopg://us:p%40ss%3A%2Fword@db/bank"),
            ("[mysql]\nuser = us\ndatabase = b\n[database]\n", "mysql+pymysql://us:p%40ss%3A%2Fword@localhost:3306/b"),
        ):
            self.assertEqual(self.load(f"{text}password_file = {secret}\n").database, found)

    def test_password_file_that_will_not_do(self) -> None:
        """A file for nobody, for who has a password, that is not there or that holds something else is told of."""
        place, secret = "{}:3: [database] password_file", self.secret()
        url = "[database]\nurl = postgresql+psycopg://us@db/bank\n"
        self.assertFaults(
            f"{url.replace('us@', 'us:geheim@')}password_file = {secret}\n",
            f"{place}: the database has a password already; one of the two has to be left out",
        )
        for text in ("[database]\n\n", url.replace("us@", ""), "[database]\nurl = sqlite:////x\n"):
            self.assertFaults(
                f"{text}password_file = {secret}\n", f"{place}: there is no user of a database that it is for"
            )
        empty = self.secret(b"\n").absolute()
        self.assertFaults(
            f"{url}password_file = {empty}\n", f"{place}: {empty} must hold one line, in ASCII, with the secret"
        )
        self.assertFaults(f"{url}password_file = /no\n", f"{place}: /no cannot be read: No such file or directory")


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
            line = len(text.splitlines())
            self.assertFaults(text, f"{{}}:{line}: {fault}")

    def test_form(self) -> None:
        """What is no settings file is told with its line."""
        for text, fault in (
            ("port = 1\n", "{}:1: this is in no section; a line such as [server] has to stand above it"),
            ("[server]\nport\n", "{}:2: this is neither a [section] nor a key = value"),
            ("[server]\nport = 1\nport = 2\n", "{}:3: [server] port: is there already, on line 2"),
            ("[bank]\n[bank]\n", "{}:2: the section [bank] is there twice"),
            (b"[bank]\nname = \xff\n", "{}:2: is not UTF-8 text"),
        ):
            self.assertFaults(text, fault)

    def test_all_forms_at_once(self) -> None:
        """Faults of form are told together, and with those of values; each has its own line."""
        self.assertFaults(
            "port = 1\n[server]\nport\nport = 3\nport = x\n[bank]\nname = A\n[bank]\nname = B\ndemo = x\n",
            "{}:1: this is in no section; a line such as [server] has to stand above it",
            "{}:3: this is neither a [section] nor a key = value",
            "{}:5: [server] port: is there already, on line 4",
            "{}:8: the section [bank] is there twice",
            "{}:9: [bank] name: is there already, on line 7",
            "{}:10: [bank] demo: 'x' will not do; it takes yes or no",
        )

    def test_what_is_no_settings_file(self) -> None:
        """A file that is full of something else is told of by a hundred lines, and no more; it takes no time."""
        with self.assertRaises(SettingsError) as caught:
            self.load("words\n" * 5000)
        self.assertEqual(len(caught.exception.faults), 100)

    def test_other_systems(self) -> None:
        """A file as other systems write them, with CRLF and a mark at its begin, is read; lines are counted alike."""
        self.assertEqual(self.load(b"\xef\xbb\xbf[bank]\r\nname = Y\r\n").terms.name, "Y")
        self.assertFaults(
            b"\xef\xbb\xbf[bank]\r\n\r\ndemo = x\r\n",
            "{}:3: [bank] demo: 'x' will not do; it takes yes or no",
        )

    def test_comments_behind_values(self) -> None:
        """Who writes a comment behind a value is told where it belongs."""
        for sign in "#;":
            fault = f"'1 {sign} or so' will not do; it takes {Values.PORT}; a comment needs a line of its own"
            self.assertFaults(f"[server]\nport = 1 {sign} or so\n", f"{{}}:2: [server] port: {fault}")

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
