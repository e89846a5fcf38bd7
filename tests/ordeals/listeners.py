"""What customers who listen must have been told: each entry of their accounts, once, in order, as it stands there."""

from collections.abc import Mapping

from bankd.ledger.entries import Entry
from bankd.store.customers import AccountRow
from bankd.wire.grammar import write_time
from tests.ordeals.wrong import Wrong

Said = tuple[str | None, ...]
"""Of a notice: its kind, when it happened, how much moved, and the balance then."""


class Listeners:
    """Those who listen on accounts; ``seen`` has the number of the newest notice of each, by the account's id."""

    def __init__(self, seen: Mapping[int, int]) -> None:
        self.seen = dict(seen)
        self._due: dict[int, dict[int, Said]] = {account_id: {} for account_id in seen}
        self._by_itself: dict[tuple[int, int], int] = {}

    def happened(self, account_id: int, entry: Entry) -> None:
        """An entry of an account is in the journal: somebody may have to be told."""
        if account_id in self.seen:
            side = entry.side(account_id)
            said = (side.kind, write_time(entry.at_us), str(side.amount_minor), str(side.balance_minor))
            self._due[account_id][side.event] = said
            if entry.kind == "expiry":
                self._by_itself[account_id, side.event] = entry.at_us

    def told(self, row: AccountRow, notice: Mapping[str, str]) -> None:
        """``row``'s owner was told of what is in the journal by now. Raises Wrong."""
        number, said = int(notice["number"]), tuple(notice.get(name) for name in ("kind", "at", "amount", "balance"))
        if number != self.seen[row.id] + 1:
            raise Wrong(f"account {row.number} was told of notice {number} after {self.seen[row.id]}")
        self.seen[row.id] = number
        expected = self._due[row.id].pop(number, None)
        self._by_itself.pop((row.id, number), None)
        if said != expected and (expected or notice.get("amount")):
            raise Wrong(f"account {row.number} was told {dict(notice)}, and what happened is {expected}")

    def settle(self, heard_until_us: int) -> None:
        """Everything that happened was told; but for what the bank did by itself when nobody listened any more.

        Raises Wrong.
        """
        for account_id, due in self._due.items():
            for number, said in due.items():
                if self._by_itself.get((account_id, number), 0) > heard_until_us:
                    continue
                raise Wrong(f"nobody told account {account_id} of notice {number}: {said}")
