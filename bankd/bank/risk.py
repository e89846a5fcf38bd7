"""Which payments need a one-time password, where the terms ask for that: large ones, and those to new payees.

1. The ledger decides first. A payment that it refuses is refused as ever; one that was made before under its key is
   answered with its receipt. Only what would move money now is looked at, and undone where a password is missing.
2. Money to the customer's own accounts, and what comes of a hold, need none: the hold did.
3. A payee is known once it was paid with a one-time password.
"""

from collections.abc import Sequence

from bankd.bank import letters, one_time, payments
from bankd.bank.codebook import Codebook
from bankd.bank.one_time import Purpose, Question, Unanswered
from bankd.bank.terms import Terms
from bankd.ledger.books import Outcome
from bankd.ledger.commands import Bulk, Command, Hold, Transfer, Withdrawal
from bankd.ledger.entries import Entry
from bankd.store import customers, devices
from bankd.store.engines import Transaction

_KINDS = frozenset({Transfer.kind, Withdrawal.kind, Hold.kind})


def is_looked_at(command: Command) -> bool:
    """Whether ``command`` is of a kind that may need a one-time password."""
    return isinstance(command, Transfer | Withdrawal | Hold | Bulk)


def question(command: Command) -> Question:
    """What a one-time password for ``command`` is bound to."""
    return Question(command.customer_id, command.account_id, Purpose.PAYMENT, command.content, letters.payment(command))


def pay(tx: Transaction, codebook: Codebook, command: Command, terms: Terms) -> Outcome:
    """Carry ``command`` out, with the one-time password that was given for it where it needs one.

    Raises Unanswered where that is missing.
    """
    (outcome,), posted = payments.carry_out(tx, [command], terms.tariff)
    going = [entry for entry in posted if entry.kind in _KINDS]
    strangers = devices.strangers(tx.connection, command.customer_id, {entry.credit_id for entry in going})
    if strangers or _is_large(tx, command, going, terms):
        if not one_time.spend(tx, codebook, question(command)):
            raise Unanswered
        devices.know_payees(tx, command.customer_id, strangers)
    return outcome


def _is_large(tx: Transaction, command: Command, going: Sequence[Entry], terms: Terms) -> bool:
    """Whether more than the terms allow leaves the customer's hands."""
    if not going:
        return False
    most_minor = terms.one_time_above.get(customers.account(tx.connection, command.account_id).currency)
    if most_minor is None:
        return False
    own = {account.id for account in customers.open_accounts(tx.connection, command.customer_id)}
    return sum(entry.amount_minor for entry in going if entry.credit_id not in own) > most_minor
