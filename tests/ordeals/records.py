"""Many connections a second, and whether log, client.csv, bank.csv and journal then agree line for line.

    python -m tests.ordeals.records [--rate 200] [--length 60] [--payers 25] [--kill 0] [--seed N]

``rate`` connections a second come for ``length`` seconds. Of them ``payers`` a second log in, as no more can be hashed
on a small machine, pay several times and log out; of the others some ask what needs no log-in, or what is refused, and
some leave at once. Each notes what it asked and was answered. Then, for the log, which is JSON:

- what it has of each connection is what the client saw of it: that it came, each request with its code, that it left;
- its entries are those of the journal, every field of them, in their order, each once, and every receipt that a client
  was given is among them.

And for the two files: they are, to the octet, what ``bankctl export csv`` makes of the journal; and their rows are
those that the lines of the log make. With ``kill`` the bank is killed so often in the middle; the log may then lack
entries that nobody was told of, and lines of the last moment, and the files may lack nothing.
"""

import argparse
import json
import random
import socket
import ssl
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Timer
from time import monotonic, sleep
from typing import Any

from sqlalchemy import select

from bankd.money import plain
from bankd.store.customers import AccountRow
from bankd.store.schema import accounts, journal
from bankd.wire.grammar import write_time
from bench import banks
from bench.load import CURRENCY
from bench.programs import BIN, run
from tests.ordeals.daemon import Daemon, bank_of
from tests.ordeals.report import Report, numbers, seed_of
from tests.ordeals.wrong import Wrong

CLIENTS = 32
"""Threads that connect; each connection is open for some hundredths of a second."""

ACCOUNTS = 200

PATIENCE_SECONDS = 60


@dataclass(slots=True)
class Visit:
    """One connection as its client saw it: when it came, from which port, and each request with its code."""

    at: float
    port: int = 0
    answered: list[tuple[str, int]] = field(default_factory=list)
    receipts: list[int] = field(default_factory=list)
    cut: bool = False


class Visitors:
    """All who come."""

    def __init__(self, daemon: Daemon, seed: int) -> None:
        self.visits: list[Visit] = []
        self._daemon = daemon
        self._random = random.Random(seed)
        self._free: SimpleQueue[AccountRow] = SimpleQueue()
        for row in daemon.rows:
            self._free.put(row)

    def come(self, rate: int, seconds: float, payers: int, report: Report) -> float:
        """Let them come, and return over how many seconds they did."""
        began = monotonic()
        total = int(rate * seconds)
        with ThreadPoolExecutor(CLIENTS) as clients:
            for number in range(total):
                sleep(max(0.0, began + number / rate - monotonic()))
                pays = number * payers // rate != (number + 1) * payers // rate
                clients.submit(self._visit, pays, self._random.random())
                report.progress(number, total, "connections")
            came = monotonic() - began
        return came

    def _visit(self, pays: bool, chance: float) -> None:
        visit = Visit(monotonic())
        try:
            with closing(self._connect(visit)) as wire, wire.makefile("rb") as answers:
                answers.readline()
                if pays:
                    self._pay(visit, wire, answers, random.Random(chance))
                elif chance < 0.9:
                    _ask(visit, wire, answers, ["KEYS", "BALANCE", "DANCE", f"STATEMENT limit={int(chance * 100)}"])
        except (OSError, ValueError):
            visit.cut = True
        if visit.port:
            self.visits.append(visit)

    def _connect(self, visit: Visit) -> ssl.SSLSocket:
        plain_socket = socket.create_connection(("127.0.0.1", self._daemon.port), PATIENCE_SECONDS)
        visit.at, visit.port = monotonic(), plain_socket.getsockname()[1]
        return self._daemon.trust.wrap_socket(plain_socket, server_hostname="localhost")

    def _pay(self, visit: Visit, wire: ssl.SSLSocket, answers: Any, chance: random.Random) -> None:
        try:
            row = self._free.get(timeout=PATIENCE_SECONDS)
        except Empty:
            return
        try:
            payee, key = chance.choice(self._daemon.rows).number, f"{chance.getrandbits(64):x}"
            _ask(visit, wire, answers, [f"LOGIN account={row.number} pin={banks.PIN}"])
            if visit.answered[-1][1] != 200:
                return
            money = f"currency={CURRENCY}"
            asked = [f"TRANSFER to={payee} amount={chance.randrange(1, 9999)} {money} key=t{n}{key}" for n in range(3)]
            asked += [
                f"DEPOSIT amount={chance.randrange(1, 9999)} {money} key=d{key}",
                f"WITHDRAW amount=7 {money} key=w{key}",
            ]
            asked += [f"TRANSFER to={payee} amount=999999999999999 {money} key=x{key}", asked[0], "LOGOUT"]
            _ask(visit, wire, answers, asked)
        finally:
            self._free.put(row)


def _ask(visit: Visit, wire: ssl.SSLSocket, answers: Any, requests: Sequence[str]) -> None:
    """Send requests together, and note how each was answered. Raises OSError when the bank is gone."""
    wire.sendall("".join(f"a{number} {request}\r\n" for number, request in enumerate(requests)).encode())
    for request in requests:
        while (said := answers.readline().decode()).split(" ", 2)[1:2] == ["-"]:
            pass
        if not said.endswith("\n"):
            raise OSError("the bank is gone")
        code = int(said.split()[1])
        if (verb := request.split()[0]) != "DANCE":  # what is no verb is not in the log
            visit.answered.append((verb, code))
        visit.receipts += [int(word[8:]) for word in said.split() if word.startswith("receipt=")]


class Compared:
    """The bank's four accounts of what happened, and what the clients saw after the first ``before`` lines of the log.

    What does not agree is raised as Wrong.
    """

    def __init__(self, daemon: Daemon, log: Path, before: int, visits: list[Visit], killed: bool) -> None:
        self._daemon = daemon
        self._before = before
        self._visits = visits
        self._killed = killed
        self.log = list(_objects(log, killed))
        self.entries = [line for line in self.log if line.get("event") == "entry"]
        self.rows = 0

    def connections(self) -> None:
        """What the log has of each connection is what its client saw."""
        if self._killed:
            return
        log = self.log[self._before :]
        told = Counter(line["event"] for line in log if "peer" in line)
        if (told["connected"], told["closed"]) != (len(self._visits),) * 2:
            raise Wrong(f"{len(self._visits)} connections, and in the log {told['connected']} and {told['closed']}")
        saw: dict[int, list[tuple[str, int]]] = defaultdict(list)
        logged: dict[int, list[tuple[str, int]]] = defaultdict(list)
        for visit in sorted(self._visits, key=lambda visit: visit.at):
            saw[visit.port] += [*visit.answered, ("", 0)]
        for line in log:
            port = int(line.get("peer", ":0").rpartition(":")[2])
            if line.get("event") == "request":
                logged[port].append((line["verb"], line["code"]))
            elif line.get("event") == "closed":
                logged[port].append(("", 0))
        wrong = [port for port in saw if saw[port] != logged[port]]
        if wrong:
            raise Wrong(f"of port {wrong[0]} the client saw {saw[wrong[0]]}, and the log has {logged[wrong[0]]}")

    def journal(self) -> None:
        """The log's entries are the journal's, field by field."""
        with self._daemon.looking() as connection:
            numbers = {row.id: row.number for row in connection.execute(select(accounts.c.id, accounts.c.number))}
            stored = {row.id: row for row in connection.execute(select(journal).order_by(journal.c.id))}
        told = [line["receipt"] for line in self.entries]
        opening = len(stored) - len(told)
        if told != sorted(set(told)) or (not self._killed and told != list(stored)[opening:]):
            raise Wrong(f"the log has {len(told)} entries, and not those of the journal in their order, each once")
        for line in self.entries:
            row = stored[line["receipt"]]
            expected = (
                *(row.kind, plain(row.amount_minor, CURRENCY), CURRENCY, numbers[row.debit_id], numbers[row.credit_id]),
                *(plain(row.debit_balance, CURRENCY), plain(row.credit_balance, CURRENCY), write_time(row.at_us)),
            )
            names = ("kind", "amount", "currency", "debit", "credit", "debit_balance", "credit_balance", "at")
            if expected != tuple(line[name] for name in names):
                raise Wrong(f"the journal has {expected}, and the log {line}")
        given = {receipt for visit in self._visits for receipt in visit.receipts}
        if missing := given - set(told):
            raise Wrong(f"receipts that clients were given are not in the log: {sorted(missing)[:10]}")

    def files(self) -> None:
        """The two files are what is exported, and their rows are those that the log's entries make."""
        made = self._daemon.made
        exported = {kind: made.folder / f"{kind}.exported" for kind in ("client", "bank")}
        options = [word for kind, path in exported.items() for word in (f"--{kind}", path)]
        run(
            [
                BIN / "bankctl",
                "export",
                "csv",
                *options,
                "--config",
                made.settings_file,
                "--state",
                made.settings.state,
            ],
            made.folder,
        )
        for kind, path in exported.items():
            if path.read_bytes() != (made.settings.state / f"{kind}.csv").read_bytes():
                raise Wrong(f"{kind}.csv is not what is exported")
        client, bank = (path.read_text().splitlines()[1:] for path in exported.values())
        self.rows = len(client)
        if [row.split(",")[:3] for row in client] != [row.split(",")[:3] for row in bank]:
            raise Wrong("the two files differ in what they have in common")
        expected = [row for line in self.entries for row in _rows(line)]
        found = [(cells[2], cells[3], cells[5]) for cells in (row.split(",") for row in client)]
        if not self._killed and found[len(found) - len(expected) :] != expected:
            raise Wrong("the rows of client.csv are not those of the log's entries")


def _settled(log: Path) -> int:
    """How many lines the log has, once all connections in it are closed."""
    while (text := log.read_text("ascii")).count('"event":"connected"') != text.count('"event":"closed"'):
        sleep(0.01)
    return text.count("\n")


def _objects(log: Path, killed: bool) -> Iterator[dict[str, Any]]:
    for number, text in enumerate(log.read_text("ascii").splitlines(), 1):
        try:
            yield json.loads(text)
        except ValueError:
            if not killed:
                raise Wrong(f"line {number} of the log is none: {text[:80]}") from None


def _rows(line: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Amount, balance and time of each row that an entry of the log makes."""
    for sign, side in (("-", "debit"), ("", "credit")):
        if "-" not in line[side]:  # as in TILL-USD
            yield sign + line["amount"], line[f"{side}_balance"], line["at"]


def endure(daemon: Daemon, options: argparse.Namespace, report: Report) -> None:
    """Run the bank under the load, and compare. Raises Wrong."""
    log = daemon.made.folder / "bank.log"
    with daemon.made.settings_file.open("a") as settings:
        settings.write(f"\n[logging]\nlogfile = {log}\nformat = json\nclient_csv = client.csv\nbank_csv = bank.csv\n")
    daemon.launch()
    daemon.first_answer()
    before = _settled(log)
    visitors = Visitors(daemon, report.seed)
    came = 0.0
    for _ in range(options.kill):
        ending = Timer(options.length / (options.kill + 1) * 0.9, daemon.send_kill)
        ending.start()
        came += visitors.come(options.rate, options.length / (options.kill + 1), options.payers, report)
        ending.join()
        daemon.kill()
        daemon.launch()
        daemon.first_answer()
    came += visitors.come(options.rate, options.length / (options.kill + 1), options.payers, report)
    daemon.stop()
    visits = visitors.visits
    compared = Compared(daemon, log, before, visits, options.kill > 0)
    compared.connections()
    compared.journal()
    compared.files()
    codes = Counter(f"{verb} {code}" for visit in visits for verb, code in visit.answered)
    cut = sum(visit.cut for visit in visits)
    report.say(
        f"{len(visits)} connections in {came:.1f} s, {len(visits) / came:.0f} a second; {cut} were cut",
        f"{sum(codes.values())} requests: {', '.join(f'{what}: {count}' for what, count in sorted(codes.items()))}",
        f"agreed: {len(compared.log)} lines of log, {len(compared.entries)} of them entries, and {compared.rows} rows",
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the ordeal; 0 when all agreed."""
    parser = argparse.ArgumentParser(prog="tests.ordeals.records", description=(__doc__ or "").splitlines()[0])
    numbers(parser, rate=200, length=60, payers=25, kill=0)
    options = parser.parse_args(arguments)
    report = Report("records", seed_of(options))
    with report.verdict(), bank_of(ACCOUNTS) as daemon:
        endure(daemon, options, report)
    return report.status


if __name__ == "__main__":
    sys.exit(main())
