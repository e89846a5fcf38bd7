"""What PostgreSQL does by itself: the bank's transfer as a pgbench script, and two variants of it.

1. A transfer is one transaction: two balances moved, the payer's never below zero, and a row that says so. It does less
   than the bank's, which also checks the session, makes it happen once, and chains entries and notices.
2. pgbench is given every advantage: no TLS, prepared statements, 32 clients, and the account with the
   lower id, or the less crowded one, locked first, so that no two transfers wait for each other in a circle.
3. The payers and payees are as many as in the bank. Transfers between few accounts wait for each other's rows, which
   batches do not: so the same script is run over many accounts too, and what that gives is shown beside it.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figures
from bench.postgresql import Postgresql
from bench.programs import START_SECONDS, BenchError

CLIENTS = 32
TRIES = 10
MANY_ACCOUNTS = 100_000
DATABASE = "pgbench"

TABLES = (
    "CREATE TABLE accounts (id bigint PRIMARY KEY, balance bigint NOT NULL)",
    "INSERT INTO accounts SELECT id, 1000000000 FROM generate_series(1, {accounts}) AS id",
    """
    CREATE TABLE transfers (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payer bigint NOT NULL, payee bigint NOT NULL,
        amount bigint NOT NULL, at timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE FUNCTION transfer(payer bigint, payee bigint, amount bigint) RETURNS bigint LANGUAGE plpgsql AS $$
    DECLARE
        receipt bigint;
    BEGIN
        UPDATE accounts SET balance = balance + CASE WHEN payer < payee THEN 0 - amount ELSE amount END
            WHERE id = least(payer, payee) AND (payer > payee OR balance >= amount);
        IF NOT FOUND THEN RAISE 'refused'; END IF;
        UPDATE accounts SET balance = balance + CASE WHEN payer < payee THEN amount ELSE 0 - amount END
            WHERE id = greatest(payer, payee) AND (payer < payee OR balance >= amount);
        IF NOT FOUND THEN RAISE 'refused'; END IF;
        INSERT INTO transfers (payer, payee, amount) VALUES (payer, payee, amount) RETURNING id INTO receipt;
        RETURN receipt;
    END $$
    """,
    "VACUUM ANALYZE",
)

# A negative number would reach a prepared statement as '--1', a comment: hence '0 - :amt'.
_ANYONE = r"""
\set amt 1
\set payer random(1, :accounts)
\set payee (:payer - 1 + random(1, :accounts - 1)) % :accounts + 1
"""
_HOT = r"""
\set amt 1
\set payer random(1, :accounts - 1)
\set payee :accounts
"""
_STATEMENTS = r"""
\set first least(:payer, :payee)
\set second greatest(:payer, :payee)
\set to_first case when :payer = :first then 0 - :amt else :amt end
\set to_second 0 - :to_first
BEGIN;
UPDATE accounts SET balance = balance + :to_first WHERE id = :first AND balance + :to_first >= 0;
UPDATE accounts SET balance = balance + :to_second WHERE id = :second AND balance + :to_second >= 0;
INSERT INTO transfers (payer, payee, amount) VALUES (:payer, :payee, :amt);
COMMIT;
"""
_CALL = "SELECT transfer(:payer, :payee, :amt);\n"

SCRIPTS = {
    "transfer": _ANYONE + _STATEMENTS,
    "many": _ANYONE + _STATEMENTS,
    "function": _ANYONE + _CALL,
    "hot": _HOT + _STATEMENTS,
}
"""The transfer as five statements, also among many accounts, as one call, and with everybody paying one account."""


@dataclass(frozen=True, slots=True)
class Pgbench:
    """The scripts over one database, of whose accounts the first ``accounts`` are used, or all of them by ``many``."""

    server: Postgresql
    accounts: int
    scripts: Path

    def measure(self, script: str, seconds: float) -> Figures:
        """The figures of one script; pgbench counts in whole seconds."""
        whole = max(1, round(seconds))
        path = self.scripts / f"{script}.sql"
        path.write_text(SCRIPTS[script])
        accounts = MANY_ACCOUNTS if script == "many" else self.accounts
        threads = min(CLIENTS, os.cpu_count() or 1)
        options = (f"--client={CLIENTS}", f"--jobs={threads}", f"--time={whole}", f"--max-tries={TRIES}")
        shape = ("--no-vacuum", "--protocol=prepared", f"--define=accounts={accounts}", f"--file={path}")
        return read_report(self.server.run("pgbench", *options, *shape, DATABASE, seconds=whole + START_SECONDS))


def prepare(server: Postgresql, accounts: int, scripts: Path) -> Pgbench:
    """Make the database."""
    server.create(DATABASE)
    for statement in TABLES:
        server.sql(DATABASE, statement.format(accounts=max(accounts, MANY_ACCOUNTS)))
    return Pgbench(server, accounts, scripts)


def read_report(report: str) -> Figures:
    """The figures in what pgbench printed; failed transactions are not in its rate. Raises BenchError."""
    found = {
        "transfers": re.search(r"^number of transactions actually processed: (\d+)", report, re.MULTILINE),
        "per_second": re.search(r"^tps = ([\d.]+)", report, re.MULTILINE),
        "mean_ms": re.search(r"^latency average = ([\d.]+) ms", report, re.MULTILINE),
        "refused": re.search(r"^number of failed transactions: (\d+)", report, re.MULTILINE),
    }
    figures = {name: float(match[1]) for name, match in found.items() if match is not None}
    if figures.keys() != found.keys():
        raise BenchError(f"pgbench's report is not as expected:\n{report}")
    return figures
