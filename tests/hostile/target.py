"""A bank to be attacked: made as an operator makes one, with customers who know every way in, served by ``twistd``."""

import json
import random
import re
import secrets
import signal
import ssl
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import delete
from stdnum import damm

from bankd import config, keyring
from bankd.bank import accounts, payments
from bankd.bank.hashing import Hasher
from bankd.config import Settings
from bankd.store.customers import AccountRow
from bankd.store.engines import Store
from bankd.store.schema import attempts
from bench import banks, programs
from tests.hostile.line import LOOPBACK, PATIENCE_SECONDS, Line
from tests.system.support import Customer, environment, free_ports, look_until

PASSWORD = "plum-Wagon-58"
PIN = "8265"
"""Everybody's secrets, so that one hash serves all."""

OPENING_MINOR = 100_000
"""What every customer has at first."""

BATCH = 500

MESSAGES = "messages"
"""The file in the bank's folder that a bank which delivers into a file has them in."""

Sections = Mapping[str, Mapping[str, object]]
"""Settings, by section and key."""


class Target:
    """A bank in ``folder``, which is new, with ``count`` customers, of whom ``strangers`` are as like as can be.

    A stranger has a name, a number and an account of the same form, and is not known to the bank.
    """

    def __init__(self, folder: Path, count: int, sections: Sections) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.settings_file = folder / "bank.ini"
        self.port, self.notice_port, self.status_port = free_ports(3)
        folder.mkdir(mode=0o700)
        self.settings_file.write_text(_spelt(sections))
        self.bankctl("init")
        self.settings: Settings = config.load(self.settings_file, {"state": str(self.state)})
        self.trust = ssl.create_default_context(cafile=str(self.state / "ca.pem"))
        self.customers: list[Customer] = []
        self.rows: list[AccountRow] = []
        with self.opened() as store:
            self._fill(store, _people(2 * count), count)
        self._log_file = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Serve; returns once connections are accepted."""
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(programs.BIN / "twistd", "--nodaemon", "--pidfile=", "bankd"),
                    *("--config", self.settings_file, "--state", self.state, "--port", str(self.port)),
                    *("--notice-port", str(self.notice_port), "--status-port", str(self.status_port)),
                ],
                cwd=self.folder,
                env=environment({}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        look_until(self._serves, lambda: f"the bank does not serve:\n{self.log}")

    def stop(self) -> None:
        """Have the bank end as an operator does, or at once when it will not."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def call(self, source: str = LOOPBACK) -> Line:
        """A new connection, greeted."""
        return Line(self.port, self.trust, source)

    @property
    def process(self) -> int:
        """The id of the bank's process. Raises AssertionError when it has ended."""
        assert self._process is not None and self._process.poll() is None, f"the bank has ended:\n{self.log}"
        return self._process.pid

    @property
    def log(self) -> str:
        """All that the bank has logged."""
        return self._log_file.read_text(encoding="utf-8", errors="replace")

    def messages_to(self, person: Customer) -> list[str]:
        """What was sent to a customer, where the bank's deliveries are the file MESSAGES."""
        sent = map(json.loads, (self.folder / MESSAGES).read_text().splitlines())
        return [message["text"] for message in sent if message["mobile"] == person.mobile]

    def sent_to(self, person: Customer) -> str:
        """The one-time password that a customer was sent last."""
        return str(re.findall(r"\b\d{8}\b", self.messages_to(person)[-1])[0])

    def forget_tries(self) -> None:
        """Forget who tried wrong secrets, so that nobody has to wait for what somebody tried before."""
        with self.opened() as store, store.writing() as tx:
            tx.connection.execute(delete(attempts))

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """The bank's database, also beside the bank that serves it."""
        store = Store(self.settings.database, keyring.load(self.state).chain)
        try:
            yield store
        finally:
            store.close()

    def bankctl(self, *command: str) -> str:
        """Run the operator's command on this bank, which must do; what it printed."""
        options = ("--config", self.settings_file, "--state", self.state)
        return programs.run([programs.BIN / "bankctl", *command, *options], self.folder)

    def _serves(self) -> bool:
        return bool(self.process) and programs.answers(self.port) and programs.answers(self.status_port)

    def _fill(self, store: Store, people: Sequence[Customer], count: int) -> None:
        """Sign the first ``count`` of ``people`` up; the others are strangers."""
        hasher = Hasher(keyring.load(self.state).pepper)
        hashes = {"password": hasher.hash(PASSWORD), "pin": hasher.hash(PIN)}
        while len(self.rows) < count:
            with store.writing() as tx:
                batch = people[len(self.rows) : min(len(self.rows) + BATCH, count)]
                made = [
                    accounts.sign_up(
                        tx,
                        self.settings.terms,
                        secrets.randbelow,
                        {"username": person.username, "mobile": person.mobile},
                        hashes,
                    )
                    for person in batch
                ]
                payments.apply(tx, [banks.deposit(row, OPENING_MINOR, "opening") for row in made])
            self.rows += made
            self.customers += [
                Customer(person.username, PASSWORD, row.number, PIN, person.mobile)
                for person, row in zip(batch, made, strict=True)
            ]
        taken = {row.number for row in self.rows}
        self.strangers = [person for person in people[count:] if person.account not in taken]


def _people(count: int) -> list[Customer]:
    """So many people as like as can be: names, accounts and mobile numbers of one length, in no order."""
    serials = random.SystemRandom().sample(range(100_000, 1_000_000), count)
    return [Customer(f"guest-{serial}", PASSWORD, _account(), PIN, f"+1415{2_000_000 + serial}") for serial in serials]


def _account() -> str:
    """A number of the form of an account's, check digit included."""
    digits = str(1_000_000 + secrets.randbelow(9_000_000))
    return digits + damm.calc_check_digit(digits)


def _spelt(sections: Sections) -> str:
    """A settings file; every bank here serves this machine alone, and keeps dollars."""
    ours: dict[str, dict[str, object]] = {
        "server": {"host": LOOPBACK},
        "bank": {"name": "Target", "currency": "USD", "region": "US"},
    }
    for section, values in sections.items():
        ours.setdefault(section, {}).update(values)
    text = ""
    for section, values in ours.items():
        text += f"[{section}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()) + "\n"
    return text


def with_settings(sections: Sections, told: Sequence[str]) -> Sections:
    """``sections`` with those that were ``told`` on a command line, each as SECTION.KEY=VALUE, over them."""
    changed: dict[str, dict[str, object]] = {section: dict(values) for section, values in sections.items()}
    for one in told:
        name, _, value = one.partition("=")
        section, _, key = name.partition(".")
        changed.setdefault(section, {})[key] = value
    return changed


@contextmanager
def target(folder: Path, count: int, sections: Sections | None = None) -> Iterator[Target]:
    """A target that is served until the end."""
    made = Target(folder, count, sections or {})
    made.launch()
    try:
        yield made
    finally:
        made.stop()
