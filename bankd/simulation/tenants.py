"""Who has which account of a simulated bank: what terminals do and are told, against the leases that are stored.

1. In one session one terminal has an account: nobody acts, or is told anything, in a session that was taken over, has
   run out and been followed by another, or was ended by an operator.
2. Nobody gets an account while another has it, unless they ask to take it over. Who is refused it has not got it.
"""

import sqlite3
import sys
from typing import NamedTuple

from bankd.simulation.orders import Order, Wrong
from bankd.simulation.site import Person

_LEASES = "SELECT account_id, fence, since_us, expires_us, host FROM leases"
_LEASE = "SELECT since_us, expires_us FROM leases WHERE account_id = ?"
_SESSION = "SELECT max(after_id) FROM openings WHERE account_id = ? AND after_id < ?"


class Lease(NamedTuple):
    """An account as it was last given out: to which terminal, None for one that is not known here."""

    fence: int
    since_us: int
    expires_us: int
    terminal: str | None


class Tenants:
    """Those of the accounts in ``database``, which is read after each commit.

    ``terminals`` has their names by their addresses; ``taking_over`` those that ever asked to take an account over.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self.terminals: dict[str, str] = {}
        self.taking_over: set[str] = set()
        self._database = database
        self._log_ins: dict[int, dict[str, float]] = {}
        self._leases: dict[int, Lease] = {}
        self._robbed: dict[int, str | None] = {}
        self._sessions: dict[tuple[int, int], str | None] = {}  # None once the session was ended

    # What terminals are told.

    def logged_in(self, person: Person, terminal: str, now: float) -> None:
        """A terminal is told that it has the account, for the first time or again."""
        self._log_ins.setdefault(person.account_id, {})[terminal] = now

    def served(self, person: Person, terminal: str, asked: float) -> None:
        """What a terminal asked was not refused. Raises Wrong where another had taken the account before."""
        log_ins = self._log_ins.get(person.account_id, {})
        mine = log_ins.get(terminal, asked)
        for other, since in log_ins.items():
            if other != terminal and mine < since < asked:
                raise Wrong(f"{terminal} was served at {asked:.6f}, and {other} had the account since {since:.6f}")

    def told_over(self, person: Person, terminal: str) -> None:
        """A terminal is told that its session is over. Raises Wrong where another just got the account from it."""
        if self._robbed.get(person.account_id) == terminal:
            raise Wrong(f"{terminal} had the account, and another got it who had not asked to take it over")

    def refused(self, person: Person, terminal: str, since_us: int) -> None:
        """A terminal is refused the account, which was last given out at ``since_us``. Raises Wrong where it got it."""
        lease = self._leases.get(person.account_id)
        if lease is not None and lease.since_us != since_us and lease.terminal == terminal:
            raise Wrong(f"{terminal} was refused the account, and has got it")

    # What is stored.

    def lease(self, person: Person) -> tuple[int, int]:
        """Since when the account's lease is given out, and when it ends; 0 for one that is free."""
        row = self._database.execute(_LEASE, (person.account_id,)).fetchone()
        return (0, 0) if row is None else (int(row[0]), int(row[1]))

    def has_other(self, person: Person, terminal: str) -> bool:
        """Whether the account was last given out to another terminal."""
        return person.account_id in self._leases and self._leases[person.account_id].terminal != terminal

    def look(self) -> list[int]:
        """Something was committed: note whose sessions have begun. Gives the accounts on which one was ended."""
        ended = []
        for account_id, fence, since_us, expires_us, host in self._database.execute(_LEASES).fetchall():
            before, now = self._leases.get(account_id), Lease(fence, since_us, expires_us, self.terminals.get(host))
            self._leases[account_id] = now
            if before is not None and before[:2] == now[:2]:
                continue
            if expires_us:
                self._begin(account_id, before, now)
            else:
                ended.append(account_id)
        return ended

    def end(self, account_id: int) -> None:
        """The session on an account was ended: nothing comes of it from now on."""
        self._sessions[self._session(account_id)] = None

    def acts(self, order: Order, entry_id: int) -> None:
        """``order`` became an entry. Raises Wrong where its terminal had not the account."""
        session = self._session(order.person.account_id, entry_id)
        terminal = self._sessions.setdefault(session, order.terminal)
        if terminal is None:
            raise Wrong(f"when its session had been ended {order} was carried out")
        if terminal != order.terminal:
            raise Wrong(f"in the session of {terminal} {order} was carried out")

    def _begin(self, account_id: int, before: Lease | None, now: Lease) -> None:
        """A session has begun; ``before`` is the lease as it was at the last commit."""
        session = self._session(account_id)
        if now.terminal is None:
            self._sessions.pop(session, None)
        else:
            self._sessions[session] = now.terminal
        self._robbed[account_id] = before.terminal if before is not None and self._robs(before, now) else None

    def _robs(self, before: Lease, now: Lease) -> bool:
        """Whether an account was given out that another had, and that nobody had asked to take over.

        Or it was freed in the same commit: then its last terminal has left, and is told nothing any more.
        """
        unasked = now.terminal is not None and now.terminal not in self.taking_over
        return unasked and now.since_us < before.expires_us and now.fence <= before.fence + 1

    def _session(self, account_id: int, entry_id: int = sys.maxsize) -> tuple[int, int]:
        """The last session on an account before an entry: the account, and the entry after which it began."""
        (after,) = self._database.execute(_SESSION, (account_id, entry_id)).fetchone()
        return account_id, -1 if after is None else after
