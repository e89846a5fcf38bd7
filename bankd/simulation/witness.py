"""The witness of a simulated world: what was asked and answered, against what is stored after each commit.

It knows the rules of the ledger in its own words, and shares none of its code. These are its promises:

1. Every entry was asked for, says what was asked, is there once, is linked to all before it, and moves what it says:
   balances go on from what they were, and add up to nothing with the bank's own. A set that goes together is there as
   a whole. A hold is captured in its time; nothing is given back twice.
2. No customer's balance, less what holds set aside, is below zero.
3. What was acknowledged is in the journal as it was acknowledged. What was refused, or wants a one-time password, is
   not; what was refused never will be.
4. What was asked under one key has one answer for ever.
5. One terminal at a time has an account (``tenants``). A log-out frees it.
6. The events of an account are numbered without a gap, and nobody is told of one before it is stored.
7. What nobody may know is in no line of the log, and no fault of the bank's own is.
"""

import hmac
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bankd.client.answers import Answer
from bankd.ledger.entries import MOVES_NOTHING, Entry
from bankd.simulation.orders import KINDS, Order, Wrong, is_asked, says_nothing, told
from bankd.simulation.site import Ground, Person
from bankd.simulation.tenants import Tenants
from bankd.wire import messages
from bankd.wire.messages import Message

_NEW = f"SELECT hash, {', '.join(Entry._fields)} FROM journal WHERE id > ? ORDER BY id"
_ACCOUNTS = "SELECT id, balance_minor, held_minor, events FROM accounts"
_TWICE = """
    SELECT account_id, broadcast_id, count(*) FROM notices WHERE broadcast_id IS NOT NULL
    GROUP BY account_id, broadcast_id HAVING count(*) > 1
"""
_NOTICES = "SELECT count(*) FROM notices WHERE account_id = ?"


@dataclass(slots=True)
class Standing:
    """What an account comes to, by the entries so far."""

    balance_minor: int = 0
    held_minor: int = 0
    events: int = 0
    balances: list[int] = field(default_factory=lambda: [0])
    received: list[int] = field(default_factory=list)

    def move(self, amount_minor: int) -> None:
        """There is so much more."""
        self.balance_minor += amount_minor
        self.balances.append(self.balance_minor)


class Witness:
    """Of the bank on ``ground``, from the time when it is laid out."""

    def __init__(self, ground: Ground) -> None:
        self.people = {person.account_id: person for person in ground.people}
        self.by_number = {person.account: person for person in ground.people}
        self.orders: dict[tuple[int, str], Order] = {}
        self.acts: dict[str, Message] = {}  # what operators asked for, by the reason, until it is carried out
        self.hinted = 0
        self.accounts: dict[int, Standing] = {}
        self.seen = 0
        self._holds: dict[int, Entry] = {}
        self._given_back: Counter[int] = Counter()
        self._entries: dict[int, Entry] = {}
        self._keys: set[tuple[int, str]] = set()
        self._chain_key, self._link = ground.chain_key, bytes(32)
        self._secrets = [secret for person in ground.people for secret in (person.password, person.pin)]
        self._database = sqlite3.connect(ground.database.url.database or "", isolation_level=None)
        self.tenants = Tenants(self._database)
        self._foreseen = True
        self.stored()
        self._foreseen = False

    def close(self) -> None:
        """Look no more."""
        self._database.close()

    # What is asked and answered.

    def asked(self, order: Order) -> None:
        """``order`` is going to be sent for the first time."""
        self.orders[order.person.customer_id, order.key] = order

    def answered(self, order: Order, answer: Answer) -> None:
        """The bank answered. Raises Wrong."""
        if says_nothing(answer):
            return
        if order.said is None:
            order.said = answer
        elif (order.said.code, order.said.fields) != (answer.code, answer.fields):
            raise Wrong(f"{order} was answered {told(order.said)}, and asked again {told(answer)}")
        if not order.is_done:
            if order.entries:
                raise Wrong(f"{order} was answered {told(answer)}, and was carried out: {order.entries}")
        elif isinstance(order.message, messages.Bulk):
            made, count = int(answer.fields["made"]), order.message.count
            if len(order.entries) != made or (order.message.mode == "all" and made != count):
                raise Wrong(f"{order} was answered {told(answer)}, and stands in the journal as {order.entries}")
        elif not order.entries:
            raise Wrong(f"{order} was answered {told(answer)}, and is not in the journal")
        else:
            self._compare(order, order.entries[0], answer)

    def hint(self, person: Person, number: int) -> None:
        """A datagram told of an event. Raises Wrong where there is none."""
        self.hinted += 1
        if number > self.events(person.account_id):
            raise Wrong(f"{person.username} was told of event {number} before it was stored")

    def mark(self, person: Person) -> int:
        """The moment at which a question about ``person``'s account is asked."""
        return len(self.accounts[person.account_id].balances) - 1

    def balance(self, person: Person, mark: int, balance: int) -> None:
        """A question asked at ``mark`` was answered by a balance. Raises Wrong where it was none since then."""
        balances = self.accounts[person.account_id].balances[mark:]
        if balance not in balances:
            raise Wrong(f"{person.username} had {balances} since the question, and was told {balance}")

    def notices(self, person: Person, before: int, numbers: Iterable[int]) -> None:
        """All notices were asked for when there were ``before``. Raises Wrong where one is missing, or not one."""
        numbers, events = list(numbers), self.events(person.account_id)
        if numbers != list(range(1, len(numbers) + 1)) or len(numbers) > events or len(numbers) < before:
            raise Wrong(f"{person.username} had {before} to {events} events, and was told of {numbers}")

    def challenged(self, order: Order) -> None:
        """A one-time password is wanted for ``order``. Raises Wrong where it was carried out without one."""
        if order.entries:
            raise Wrong(f"a one-time password is wanted for {order}, and it was carried out: {order.entries}")

    # What is stored.

    def stored(self) -> None:
        """Something was committed: look at it. Raises Wrong."""
        ended = self.tenants.look()
        for link, *row in self._database.execute(_NEW, (self.seen,)).fetchall():
            entry = Entry._make(row)
            self.seen = entry.id
            self._check_link(entry, link)
            self._take(entry)
        for account_id in ended:  # what is stored together with the end of a session may have come before it
            self.tenants.end(account_id)
        for account_id, balance, held, events in self._database.execute(_ACCOUNTS).fetchall():
            standing = self.accounts.setdefault(account_id, Standing())
            if (balance, held) != (standing.balance_minor, standing.held_minor):
                raise Wrong(f"account {account_id} is {balance} with {held} held, and its entries make it {standing}")
            if balance - held < 0 and account_id in self.people:
                raise Wrong(f"account {account_id} is at {balance} with {held} held")
            if account_id in self.people:
                (others,) = self._database.execute(_NOTICES, (account_id,)).fetchone()
                if events != standing.events + others:
                    raise Wrong(f"account {account_id} counts {events} events, and has {standing.events} and {others}")
        for account_id, broadcast, times in self._database.execute(_TWICE).fetchall():
            raise Wrong(f"account {account_id} was told {times} times by broadcast {broadcast}")
        if sum(standing.balance_minor for standing in self.accounts.values()):
            raise Wrong("debits and credits do not add up to the same")

    def unanswered(self) -> list[Order]:
        """The orders of which it is not known what became of them."""
        return [order for order in self.orders.values() if order.said is None]

    def line(self, text: str) -> None:
        """Something was logged. Raises Wrong where it holds what nobody may know."""
        if any(secret in text for secret in self._secrets):
            raise Wrong(f"the log has a secret in it: {text}")

    def _check_link(self, entry: Entry, link: bytes) -> None:
        fields = list(entry)
        while fields[-1] is None:
            fields.pop()
        said = json.dumps(fields, separators=(",", ":")).encode()
        self._link = hmac.digest(self._chain_key, self._link + said, "sha256")
        if link != self._link:
            raise Wrong(f"it is not linked to all before it: {entry}")

    def _take(self, entry: Entry) -> None:
        self._entries[entry.id] = entry
        if (entry.customer_id, entry.key) in self._keys:
            raise Wrong(f"there are two entries under one key: {entry}")
        self._keys.add((entry.customer_id, entry.key))
        debit, credit = (self.accounts.setdefault(side, Standing()) for side in (entry.debit_id, entry.credit_id))
        if entry.kind not in MOVES_NOTHING:
            debit.move(-entry.amount_minor)
            credit.move(entry.amount_minor)
        if (entry.debit_balance, entry.credit_balance) != (debit.balance_minor, credit.balance_minor):
            raise Wrong(f"balances do not go on from {debit} and {credit}: {entry}")
        debit.events += 1
        credit.events += 1
        self._set_aside(entry)
        if not self._foreseen:
            self._find_order(entry)

    def _set_aside(self, entry: Entry) -> None:
        """Note what ``entry`` sets aside or frees, gives or gives back."""
        if entry.kind == "hold":
            self._holds[entry.id] = entry
            self.accounts[entry.debit_id].held_minor += entry.amount_minor
        elif entry.kind in ("capture", "release", "expiry"):
            held = self._holds.pop(entry.of_id or 0, None)
            if held is None:
                raise Wrong(f"a hold that is not open ended: {entry}")
            self.accounts[held.debit_id].held_minor -= held.amount_minor
            if entry.amount_minor > held.amount_minor:
                raise Wrong(f"more than was held: {entry}")
            if (entry.at_us < (held.expires_us or 0)) == (entry.kind == "expiry"):
                raise Wrong(f"it was not the time for it: {entry} of {held}")
        elif entry.kind == "transfer":
            self.accounts[entry.credit_id].received.append(entry.id)
        elif entry.kind == "reversal":
            self._given_back[entry.of_id or 0] += entry.amount_minor
            if self._given_back[entry.of_id or 0] > self._entries[entry.of_id or 0].amount_minor:
                raise Wrong(f"more was given back than was paid: {entry}")

    def _find_order(self, entry: Entry) -> None:
        """Find who asked for ``entry``, and whether they may. Raises Wrong where nobody did, or it was refused."""
        if entry.kind in ("fee", "expiry") and entry.key.startswith(":"):
            return
        if entry.key.startswith(":proposal:"):
            if self.acts.pop(entry.reference or "", None) is None:
                raise Wrong(f"no operator asked for {entry}, or had it already")
            return
        order = self.orders.get((entry.customer_id, entry.key.partition(":")[0]))
        if order is None:
            raise Wrong(f"nobody asked for {entry}")
        if entry.kind != KINDS[type(order.message)] or not is_asked(entry, order, self.by_number):
            raise Wrong(f"{order} became {entry}")
        if order.said is not None and not order.is_done:
            raise Wrong(f"{order} was answered {told(order.said)}, and then carried out: {entry}")
        if order.is_done or (order.entries and not isinstance(order.message, messages.Bulk)):
            raise Wrong(f"{order} was carried out once more: {entry}")
        order.entries.append(entry)
        self.tenants.acts(order, entry.id)

    def _compare(self, order: Order, entry: Entry, answer: Answer) -> None:
        """Compare what was acknowledged with what is kept. Raises Wrong."""
        fields, side = answer.fields, entry.side(order.person.account_id)
        number = fields.get("receipt") or fields.get("hold")
        if number != str(entry.id) or ("amount" in fields and abs(int(fields["amount"])) != entry.amount_minor):
            raise Wrong(f"{order} was answered {told(answer)}, and stands in the journal as {entry}")
        if "balance" in fields and int(fields["balance"]) != side.balance_minor:
            raise Wrong(f"{order} was answered {told(answer)}, and stands in the journal as {entry}")

    def events(self, account_id: int) -> int:
        """How many events the account has had, by what is stored."""
        (events,) = self._database.execute("SELECT events FROM accounts WHERE id = ?", (account_id,)).fetchone()
        return int(events)
