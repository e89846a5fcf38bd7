"""Sixty settings files that will not do: each stops the start with every fault named by its line, and no traceback."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd.tap import Options, makeService

PORT = "it takes a port: 0 (any that is free) to 65535"
ADDRESS = "it takes an IP address of this machine"
SECONDS = "it takes whole seconds: 1 to 86400"
YES_NO = "it takes yes or no"
STRANGER = "there is no such key"
NO_KEY = "this is neither a [section] nor a key = value"
NO_SECTION = "this is in no section"
URL = "what it says will not do; it takes an SQLAlchemy URL"
MOST = "it takes amounts with their currencies"

BROKEN: tuple[tuple[str, tuple[str, ...]], ...] = (
    # The form of the file: each fault is a line number and what has to be said of it.
    ("port = 1", (f"1: {NO_SECTION}",)),
    ("port = 1\nhost = ::\n[server]", (f"1: {NO_SECTION}", f"2: {NO_SECTION}")),
    ("[server\nport = 1", (f"1: {NO_SECTION}", f"2: {NO_SECTION}")),
    ("[]\n[server]\nport = x", (f"1: {NO_SECTION}", f"3: [server] port: 'x' will not do; {PORT}")),
    ("[server]\nport", (f"2: {NO_KEY}",)),
    ("[server]\nport 1\nhost 2", (f"2: {NO_KEY}", f"3: {NO_KEY}")),
    ("[server]\n= 1", (f"2: {NO_KEY}",)),
    ("[server]\n<port>1</port>", (f"2: {NO_KEY}",)),
    ("{\n'server': {'port': 1}}", (f"1: {NO_SECTION}", f"2: {NO_SECTION}")),
    ("[server]\nport = 1\nport = 1", ("3: [server] port: is there already, on line 2",)),
    ("[server]\nport = 1\n\nPORT: x", ("4: [server] port: is there already, on line 2",)),
    (
        "[bank]\nname = A\n[bank]\nname = B",
        ("3: the section [bank] is there twice", "4: [bank] name: is there already"),
    ),
    ("[bank]\n[server]\n[bank]\n[bank]", ("3: the section [bank] is there twice", "4: the section [bank] is there")),
    ("[bank]\nname = \udcff", ("2: is not UTF-8 text",)),
    # Keys that there are not.
    ("[server]\nprot = 1", (f"2: [server] prot: {STRANGER}; did you mean [server] port?",)),
    ("[srever]\nport = 1", (f"2: [srever] port: {STRANGER}; did you mean [server] port?",)),
    ("[Server]\nport = 1", (f"2: [Server] port: {STRANGER}; did you mean [server] port?",)),
    (
        "[server]\nworker-threads = 1",
        (f"2: [server] worker-threads: {STRANGER}; did you mean [server] worker_threads",),
    ),
    ("[mysql]\nhostname = db", (f"2: [mysql] hostname: {STRANGER}; did you mean [mysql] ",)),
    ("[logging]\nlevel = debug\nrotate = x", (f"2: [logging] level: {STRANGER}", f"3: [logging] rotate: {STRANGER}")),
    ("[DEFAULT]\nport = 1", (f"2: [DEFAULT] port: {STRANGER}; did you mean [server] port?",)),
    ("[pigeon]\nloft = x", (f"2: [pigeon] loft: {STRANGER}",)),
    # Values, each of a kind of its own.
    ("[server]\nport =", (f"2: [server] port: '' will not do; {PORT}",)),
    (
        "[server]\nport = 65536\nnotice_port = -1",
        (f"2: [server] port: '65536' will not do; {PORT}", "3: [server] notice"),
    ),
    ("[server]\nport = 1e3", (f"2: [server] port: '1e3' will not do; {PORT}",)),
    ("[server]\nport = 65432 # BANK/1", ("2: [server] port: '65432 # BANK/1' will not do; it takes a port",)),
    ("[server]\nport = 1\n  2", (f"2: [server] port: '1\\n2' will not do; {PORT}",)),
    ("[server]\nhost = localhost", (f"2: [server] host: 'localhost' will not do; {ADDRESS}",)),
    ("[server]\nhost = 0.0.0.0:1", (f"2: [server] host: '0.0.0.0:1' will not do; {ADDRESS}",)),
    ("[server]\nstatus_host = *", (f"2: [server] status_host: '*' will not do; {ADDRESS}",)),
    ("[server]\nidle_seconds = 5m", (f"2: [server] idle_seconds: '5m' will not do; {SECONDS}",)),
    ("[server]\nmonitor_interval = 0.5", ("2: [server] monitor_interval: '0.5' will not do; it takes whole seconds",)),
    ("[server]\nworker_threads = 0", ("2: [server] worker_threads: '0' will not do; it takes a number: 1 to 64",)),
    (
        "[server]\nworker_threads = many",
        ("2: [server] worker_threads: 'many' will not do; it takes a number: 1 to 64",),
    ),
    (
        "[server]\nstop_seconds = 601",
        ("2: [server] stop_seconds: '601' will not do; it takes whole seconds: 1 to 600",),
    ),
    (
        "[server]\nmax_connections = 0",
        ("2: [server] max_connections: '0' will not do; it takes a number, 1 to 1000000",),
    ),
    ("[server]\nsealed = yes", ("2: [server] sealed: 'yes' will not do; it takes no, secrets",)),
    ("[bank]\ncurrency = Euro", ("2: [bank] currency: 'Euro' will not do; it takes an ISO 4217 code",)),
    ("[bank]\nregion = Germany", ("2: [bank] region: 'Germany' will not do; it takes an ISO 3166 code",)),
    ("[bank]\nname =", ("2: [bank] name: '' will not do; it takes 1 to 64 characters",)),
    ("[bank]\nregister_mobiles = true", (f"2: [bank] register_mobiles: 'true' will not do; {YES_NO}",)),
    ("[bank]\npin_terminals = 1", (f"2: [bank] pin_terminals: '1' will not do; {YES_NO}",)),
    ("[bank]\none_time = always", ("2: [bank] one_time: 'always' will not do; it takes off, login or risk",)),
    ("[bank]\ntransfer_fee = 0.25", (f"2: [bank] transfer_fee: '0.25' will not do; {MOST}",)),
    ("[bank]\npayment_limit = 1.005 EUR", (f"2: [bank] payment_limit: '1.005 EUR' will not do; {MOST}",)),
    ("[bank]\nday_limit = 1 EUR 2 EUR", (f"2: [bank] day_limit: '1 EUR 2 EUR' will not do; {MOST}",)),
    ("[bank]\nunusual_withdrawal = NaN EUR", (f"2: [bank] unusual_withdrawal: 'NaN EUR' will not do; {MOST}",)),
    (
        "[lockout]\nlock_after = never",
        ("2: [lockout] lock_after: 'never' will not do; it takes a number: 1 to 1000000",),
    ),
    ("[database]\nurl = bank.sqlite3", (f"2: [database] url: {URL}",)),
    ("[database]\nurl = oracle9://u:geheim@db/bank", (f"2: [database] url: {URL}",)),
    ("[database]\npassword_file = x", ("2: [database] password_file: there is no user of a database that it is for",)),
    ("[mysql]\nport = 3306x\npassword = geheim\x07", ("2: [mysql] port: '3306x'", "3: [mysql] password: what it says")),
    ("[mysql]\npassword = geheim", ("2: [mysql] password: there is no [mysql] database that it is for",)),
    (
        "[database]\nurl = sqlite:////x\n[mysql]\ndatabase = bank",
        ("4: [mysql] database: [database] url names a database as well; one of the two has to be left out",),
    ),
    ("[protocols]\nteller = 7000", ("2: [protocols] teller: '7000' will not do; it takes an IP address and a port",)),
    ("[delivery]\norder = sms, smtp", ("2: [delivery] order: 'sms, smtp' will not do; it takes names of deliveries",)),
    ("[delivery]\norder = console", ("2: [delivery] order: console shows messages to whoever sees the bank's",)),
    ("[delivery]\norder = dove", ("2: [delivery] order: there is no delivery 'dove'; there are ",)),
    ("[delivery]\norder = sms smtp", ("[sms] url: ", "[smtp] host: ")),
    ("[server]\nport = 7\nstatus_port = 7", ("3: [server] status_port: BANK/1 has this port already",)),
    # All at once.
    (
        "x\n[server]\nport = x\nprot\n[bank]\ndemo = x\n[server]\nhost = y\nport = z\n[mysql]\nuser = us\n",
        (
            f"1: {NO_SECTION}",
            f"3: [server] port: 'x' will not do; {PORT}",
            f"4: {NO_KEY}",
            f"6: [bank] demo: 'x' will not do; {YES_NO}",
            "7: the section [server] is there twice",
            f"8: [server] host: 'y' will not do; {ADDRESS}",
            "9: [server] port: is there already, on line 3",
            "11: [mysql] user: there is no [mysql] database that it is for",
        ),
    ),
)
"""What stands in each file, and all that has to be said of it: after the file's name, the line and how it goes on."""


class BrokenSettings(SynchronousTestCase):
    """The start of a bank whose settings will not do."""

    def test_sixty(self) -> None:
        """There are sixty of them, and no two alike."""
        self.assertGreaterEqual(len({text for text, _ in BROKEN}), 60)

    def test_each(self) -> None:
        """Each fault is told on a line of its own, in full; nothing else is said, and no secret is."""
        path = Path(self.mktemp())
        for text, faults in BROKEN:
            path.write_bytes(text.encode("utf-8", "surrogateescape"))
            options = Options()
            options.parseOptions(["--config", str(path)])
            with self.assertRaises(SystemExit, msg=text) as caught:
                makeService(options)
            told = str(caught.exception.code).splitlines()
            expected = [f"bankd: {path}:{fault}" if fault[0].isdigit() else f"bankd: {fault}" for fault in faults]
            self.assertEqual([line[: len(begin)] for line, begin in zip(told, expected, strict=False)], expected, told)
            self.assertEqual(len(told), len(expected), (text, told))
            self.assertNotIn("geheim", "\n".join(told))
