"""How long a notice takes from the commit that causes it until its datagram has left the bank.

The bank is the real one, in a process of its own, with ``Notices.on_delay`` noting each delay; half of the sessions
listen, have proven their ports, and open what comes. The load is a steady number of transfers a second.
"""

import json
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bankd.wire import notice
from bankd.wire.notice import Opening, Probe
from bench import banks
from bench.banks import Made, Say
from bench.figures import Figures, percentile
from bench.load import CURRENCY, PATIENCE_SECONDS, Served, Session, logged_in
from bench.programs import BIN, BenchError, Program, answers, free_port

SESSIONS = 20
PER_SECOND = 200
P99_MS = 5.0
"""What the 99th percentile is to be below."""

RECEIVED_OCTETS = 1 << 20


class Ear:
    """A session's UDP port, which it has proven; ``told`` counts the hints that came and opened."""

    def __init__(self, session: Session) -> None:
        self.told = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_OCTETS)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE_SECONDS)
        (answer,) = session.ask(f"LISTEN port={self.socket.getsockname()[1]}")
        told = dict(word.split("=", 1) for word in answer.decode().split()[2:])
        self._opening = Opening(told["listener"], notice.read_key(told["notice_key"]))
        probe = self._opening.open(self.socket.recv(2048))
        if not isinstance(probe, Probe) or session.ask(f"CONFIRM proof={probe.proof}") != [b"q 200"]:
            raise BenchError("a port was not proven")
        self.socket.setblocking(False)

    def hear(self) -> None:
        """Take in what has come."""
        while True:
            try:
                hints = self._opening.open(self.socket.recv(2048))
            except BlockingIOError:
                return
            self.told += len(hints) if isinstance(hints, tuple) else 0


@contextmanager
def serve(made: Made, kept: Path) -> Iterator[Served]:
    """Serve a bank that keeps its delays in a file when it ends."""
    port = free_port()
    command: list[str | Path] = [BIN / "python", "-m", "bench.delays", made.settings_file, made.settings.state]
    with Program([*command, str(port), kept], made.folder / "log") as program:
        program.wait_until(lambda: answers(port))
        numbers = tuple(row.number for row in made.rows)
        yield Served(port, made.settings.state / "ca.pem", numbers, banks.PIN, program.process)


def measure(folder: Path, seconds: float, say: Say) -> dict[str, Figures]:
    """``notice_delay``: PER_SECOND transfers a second for so many ``seconds``, each to a session that listens."""
    say(f"notices: {PER_SECOND} transfers a second for {seconds:g} seconds, {SESSIONS // 2} terminals listen")
    made, kept = banks.make(folder, SESSIONS + 1), folder / "delays"
    with serve(made, kept) as server, logged_in(server, SESSIONS) as opened, ExitStack() as ears:
        listening = [Ear(session) for session in opened[: SESSIONS // 2]]
        for ear in listening:
            ears.callback(ear.socket.close)
        done = pay_steadily(opened[SESSIONS // 2 :], listening, [one.account for one in opened], seconds)
        told = sum(ear.told for ear in listening)
    return {"notice_delay": figures(json.loads(kept.read_text()), done, told, seconds)}


def pay_steadily(payers: Sequence[Session], ears: Sequence[Ear], accounts: Sequence[str], seconds: float) -> int:
    """Pay each listener in turn, at the times when it is due whatever the answers take; how many payments were made."""
    poll, count = select.poll(), 0
    for ear in ears:
        poll.register(ear.socket, select.POLLIN)
    began = time.perf_counter()
    while (now := time.perf_counter() - began) < seconds:
        while count < now * PER_SECOND:
            payer, payee = payers[count % len(payers)], accounts[count % len(ears)]
            request = f"t TRANSFER to={payee} amount=1 currency={CURRENCY} key=delay-{count}\r\n"
            payer.socket.sendall(request.encode())
            count += 1
        poll.poll(1000 / PER_SECOND)
        for ear in ears:
            ear.hear()
    done = sum(made_by(payer) for payer in payers)
    for ear in ears:  # what was told of before the last answer is here
        ear.hear()
    return done


def made_by(payer: Session) -> int:
    """How many payments a session was told were made, once all are answered."""
    payer.socket.settimeout(PATIENCE_SECONDS)
    payer.socket.sendall(b"z NOOP\r\n")
    answers = b""
    while not answers.endswith(b"z 200\r\n"):
        octets = payer.socket.recv(65536)
        if not octets:
            raise BenchError("the bank closed a connection")
        answers += octets
    return sum(line.startswith(b"t 200 ") for line in answers.split(b"\r\n"))


def figures(delays: Sequence[float], done: int, told: int, seconds: float) -> Figures:
    """What the delays come to; as many hints must have arrived as payments were made."""
    ascending = sorted(delays)
    return {
        "transfers": done,
        "per_second": round(done / seconds, 1),
        "datagrams": len(ascending),
        "hints_received": told,
        "p50_ms": round(1000 * percentile(ascending, 50), 3),
        "p99_ms": round(1000 * percentile(ascending, 99), 3),
        "most_ms": round(1000 * ascending[-1], 3) if ascending else 0.0,
    }


def verdict(found: Figures) -> str:
    """The 99th percentile against what it is to be, in a line."""
    held = "as soon as it is to be" if found["p99_ms"] < P99_MS else "LATER THAN IT MAY BE"
    return f"99 of 100 datagrams had left {found['p99_ms']:g} ms after the commit (below {P99_MS:g}): {held}"


def run_bank(settings_file: str, state: str, port: str, kept: str) -> None:
    """Serve until a signal ends it, as ``twistd`` does, and keep the delays."""
    from twisted.internet import reactor as running

    from bankd import tap

    reactor: Any = running
    options = tap.Options()
    options.parseOptions(["--config", settings_file, "--state", state, "--port", port, "--notice-port", "0"])
    bank: Any = tap.makeService(options)
    delays: list[float] = []
    bank.startService()
    bank._premises.board.on_delay = delays.append  # the daemon gives it to nobody by itself
    reactor.addSystemEventTrigger("before", "shutdown", bank.stopService)
    reactor.run()
    Path(kept).write_text(json.dumps(delays))


if __name__ == "__main__":
    run_bank(*sys.argv[1:])
