"""The design that a bank is first written in: a thread for each connection, and a commit for each transfer.

    python -m bench.threaded PORT CERTIFICATE KEY DATABASE ACCOUNTS

It is here to be measured against, so it is as good as the design gets: no thread waits for SQLite's own lock, which it
would poll, but for one in memory; statements are prepared once; commits are as durable as the bank's. It speaks just
enough BANK/1 for the load generator, and does far less than the bank: no keys, no leases, no receipts that last.
"""

import socketserver
import sqlite3
import ssl
import sys
import threading

OPENING_MINOR = 1_000_000_000
PIN = "4711"

_PRAGMAS = ("PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL")
_TABLES = (
    "CREATE TABLE accounts (number TEXT PRIMARY KEY, balance INTEGER NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE transfers (id INTEGER PRIMARY KEY, payer TEXT NOT NULL, payee TEXT NOT NULL,"
    " amount INTEGER NOT NULL, at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP) STRICT",
)
_TAKE = "UPDATE accounts SET balance = balance - ?1 WHERE number = ?2 AND balance >= ?1 RETURNING balance"
_GIVE = "UPDATE accounts SET balance = balance + ? WHERE number = ?"
_KEEP = "INSERT INTO transfers (payer, payee, amount) VALUES (?, ?, ?)"


def account_number(serial: int) -> str:
    """The number of an account, counted from 0."""
    return f"{10_000_000 + serial}"


class Ledger:
    """Balances and transfers in one SQLite database, behind one lock."""

    def __init__(self, path: str, accounts: int) -> None:
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        for statement in (*_PRAGMAS, *_TABLES):
            self._database.execute(statement)
        rows = [(account_number(serial), OPENING_MINOR) for serial in range(accounts)]
        self._database.execute("BEGIN")
        self._database.executemany("INSERT INTO accounts VALUES (?, ?)", rows)
        self._database.execute("COMMIT")

    def transfer(self, payer: str, payee: str, amount: int) -> tuple[int, int] | None:
        """Pay, durably: the transfer's number and the payer's balance. None, and nothing changed, if that cannot be."""
        with self._lock:
            run = self._database.execute
            run("BEGIN IMMEDIATE")
            taken = run(_TAKE, (amount, payer)).fetchone()
            if taken is None or run(_GIVE, (amount, payee)).rowcount != 1:
                run("ROLLBACK")
                return None
            receipt = run(_KEEP, (payer, payee, amount)).lastrowid
            run("COMMIT")
            return int(receipt or 0), int(taken[0])


class Teller(socketserver.StreamRequestHandler):
    """One connection, in a thread of its own."""

    disable_nagle_algorithm = True
    server: "Server"

    def setup(self) -> None:
        """Shake hands, in this thread and not in the one that accepts."""
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def handle(self) -> None:
        """Answer each request before the next is read."""
        payer = ""
        self.wfile.write(b"* 200 protocol=BANK/1 bank=threaded currency=USD\r\n")
        for line in self.rfile:
            tag, verb, *words = line.decode().split()
            fields = dict(word.split("=", 1) for word in words)
            if verb == "LOGIN" and fields["pin"] == PIN:
                payer, answer = fields["account"], "200 lease=30"
            elif verb == "TRANSFER" and payer:
                done = self.server.ledger.transfer(payer, fields["to"], int(fields["amount"]))
                answer = f"200 receipt={done[0]} balance={done[1]}" if done else "402 reason=funds"
            else:
                answer = "200" if verb == "LOGOUT" else "400 reason=verb"
            self.wfile.write(f"{tag} {answer}\r\n".encode())


class Server(socketserver.ThreadingTCPServer):
    """Accepts connections on the loopback interface, and starts a thread for each."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, port: int, context: ssl.SSLContext, ledger: Ledger) -> None:
        self.context, self.ledger = context, ledger
        super().__init__(("127.0.0.1", port), Teller)

    def handle_error(self, *_: object) -> None:
        """A peer that goes away is no fault; anything else is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(*_)  # type: ignore[arg-type]


def main() -> None:
    """Serve until the process is ended."""
    port, certificate, key, database, accounts = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate, key)
    Server(int(port), context, Ledger(database, int(accounts))).serve_forever()


if __name__ == "__main__":
    main()
