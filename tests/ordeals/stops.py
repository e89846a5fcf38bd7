"""Stop a bank under load, as its service manager does, and see that nobody is left without an answer or a close.

    python -m tests.ordeals.stops [--stops 20] [--seed N] [--within SECONDS]

The bank, its load and its witness are those of ``kills``. Each time the bank is told to stop at a random moment, while
every session has requests under way; at some stops others hold connections open, one that never reads its answers, and
one that never shakes hands. Each session must be told why it ends, and TLS be closed as it has to be; the process must
end by itself in time, and all that was acknowledged must be there when it is started again.
"""

import argparse
import random
import socket
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from statistics import median
from threading import Timer
from time import monotonic

from tests.ordeals.crowd import Client, Crowd, Gone
from tests.ordeals.daemon import Daemon, bank_of
from tests.ordeals.kills import ACCOUNTS, DEPTH, LEASE_SECONDS, Ordeal
from tests.ordeals.report import Report, numbers, seed_of
from tests.ordeals.wrong import Wrong

LOAD_SECONDS = 0.5
"""The bank is told to stop after so long under load, at most."""

ENDS = ("503 reason=stopping", "the connection was closed")
"""What a session may hear last: why, where it reads on, or that TLS was closed in order."""


class Told(Crowd):
    """A crowd that keeps what each of its sessions heard last."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.ends: list[str] = []

    def _is_owed_something(self) -> bool:
        """When the bank stops each session is told so, also one that has all its answers."""
        return super()._is_owed_something() or 0 < len(self.ends) < len(self._clients)

    def _lose(self, client: Client, gone: Gone) -> None:
        self.ends.append(str(gone))
        super()._lose(client, gone)
        with suppress(OSError):
            client.socket.shutdown(socket.SHUT_RDWR)  # as a client does; the bank would wait for it


class Stopping(Ordeal):
    """One bank, stopped again and again."""

    def __init__(self, daemon: Daemon, seed: int) -> None:
        super().__init__(daemon, seed)
        self._moment = random.Random(seed + 1)
        self.seconds: list[float] = []
        self.ends: Counter[str] = Counter()

    def stop_and_see(self, deaf: bool) -> None:
        """One life of the bank, from its start through a load to its stop; with ``deaf`` somebody reads nothing."""
        daemon = self._daemon
        daemon.launch()
        self.starts.append(daemon.first_answer())
        clients = daemon.log_in_all()
        self._ask_again(clients)
        bystanders = [daemon.knock(), self._deaf(clients.pop())] if deaf else []
        stopped: list[float] = []

        def stop() -> None:
            stopped.append(monotonic())
            daemon.send_stop()

        timer = Timer(self._moment.uniform(0.05, LOAD_SECONDS), stop)
        crowd = Told(self._witness, clients, self._wish, DEPTH)
        try:
            timer.start()
            crowd.drive()
            raise Wrong("the load ended by itself")
        except Gone:
            pass
        finally:
            timer.cancel()
            timer.join()
        daemon.wait()
        self.seconds.append(monotonic() - stopped[0])
        for each in (*bystanders, *(client.socket for client in clients)):
            each.close()
        self._judge(crowd.ends, len(clients))

    def _judge(self, ends: list[str], count: int) -> None:
        self.ends.update(ends)
        if len(ends) != count or set(ends) - set(ENDS):
            raise Wrong(f"{count} sessions ended as {ends}")

    def _deaf(self, client: Client) -> socket.socket:
        """Have ``client`` ask for more than fits on the way to it, and read nothing."""
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.say(["STATEMENT"] * 60)
        return client.socket


def main(argv: Sequence[str] | None = None) -> int:
    """Run the ordeal; the exit status."""
    parser = argparse.ArgumentParser(prog="stops", description="Stop a bank under load at random moments.")
    numbers(parser, stops=20, accounts=ACCOUNTS)
    parser.add_argument("--within", type=float, default=30.0, help="seconds in which the bank must have stopped (30)")
    options = parser.parse_args(argv)
    report = Report("stops", seed_of(options))
    with report.verdict(), bank_of(options.accounts, LEASE_SECONDS) as daemon:
        ordeal = Stopping(daemon, report.seed)
        for stop in range(options.stops):
            ordeal.stop_and_see(deaf=stop % 5 == 1)
            report.progress(stop + 1, options.stops, "stops")
        ordeal.end()
        report.say(*ordeal.summary()[1:3])
        times = f"{median(ordeal.seconds):.2f} s, at worst {max(ordeal.seconds):.2f} s"
        ends = ", ".join(f"{count} by {end}" for end, count in sorted(ordeal.ends.items()))
        report.say(f"{len(ordeal.seconds)} stops, to the end of the process: {times}", f"sessions ended: {ends}")
        if max(ordeal.seconds) > options.within:
            raise Wrong(f"a stop took {max(ordeal.seconds):.2f} s, and may take {options.within:g} s")
    return report.status


if __name__ == "__main__":
    sys.exit(main())
