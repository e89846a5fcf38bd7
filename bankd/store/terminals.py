"""Terminals that the bank has enrolled: each has a name, and a certificate by which it is known."""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from bankd.store.engines import Transaction
from bankd.store.schema import terminals


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal; ``certificate`` is SHA-256 of it (in DER), in hex. Times in microseconds since 1970."""

    name: str
    certificate: str
    enrolled_us: int
    ends_us: int
    revoked_us: int | None


_TERMINAL = select(*(terminals.c[name] for name in Terminal.__slots__))


def add(tx: Transaction, name: str, certificate: str, ends_us: int) -> None:
    """Enrol a terminal with a ``certificate`` that is good until ``ends_us``, in place of what it had before."""
    values = {"certificate": certificate, "enrolled_us": tx.at_us, "ends_us": ends_us, "revoked_us": None}
    if tx.connection.execute(update(terminals).where(terminals.c.name == name).values(**values)).rowcount == 0:
        tx.connection.execute(insert(terminals).values(name=name, **values))


def revoke(tx: Transaction, name: str) -> bool:
    """Trust a terminal no more; False where none of that name is trusted."""
    trusted = (terminals.c.name == name) & terminals.c.revoked_us.is_(None)
    return tx.connection.execute(update(terminals).where(trusted).values(revoked_us=tx.at_us)).rowcount == 1


def named(connection: Connection, name: str) -> Terminal | None:
    """The terminal of that name."""
    row = connection.execute(_TERMINAL.where(terminals.c.name == name)).first()
    return Terminal(*row) if row else None


def with_certificate(connection: Connection, certificate: str) -> Terminal | None:
    """The terminal that has this certificate."""
    row = connection.execute(_TERMINAL.where(terminals.c.certificate == certificate)).first()
    return Terminal(*row) if row else None


def every(connection: Connection) -> list[Terminal]:
    """Every terminal that was ever enrolled, by name."""
    return [Terminal(*row) for row in connection.execute(_TERMINAL.order_by(terminals.c.name))]
