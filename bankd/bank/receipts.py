"""Signed receipts: what an entry was to one of its accounts, in the bank's own hand.

Anybody with the bank's public key can check one, without the bank. The claims have the names and values that travel in
answers (docs/protocol.md), and ``link`` besides: the entry's link in the chain, which ties the receipt to the journal.
"""

from sqlalchemy import Connection

from bankd import codes
from bankd.codes import Refused
from bankd.records import Session, SignedReceipt
from bankd.signing import Kind, PrivateKey
from bankd.store import customers, journal
from bankd.wire.grammar import write_time


def certify(connection: Connection, session: Session, entry_id: int, bank: str, key: PrivateKey) -> SignedReceipt:
    """The receipt of ``bank`` for an entry of the session's account, signed with ``key``.

    Raises Refused, naming ``receipt``, when it is no entry of this account.
    """
    account, entry = customers.account(connection, session.account_id), journal.entry(connection, entry_id)
    if entry is None or account.id not in (entry.debit_id, entry.credit_id):
        raise Refused(codes.BAD_FIELD, "receipt")
    side = entry.side(account.id)
    counterparty = customers.numbers(connection, {side.other_id})[side.other_id]
    claims = {
        "bank": bank,
        "receipt": entry.id,
        "at": write_time(entry.at_us),
        "account": account.number,
        "kind": side.kind,
        "amount": side.amount_minor,
        "balance": side.balance_minor,
        "currency": account.currency,
        "counterparty": counterparty,
        "reference": entry.reference,
        "link": journal.link(connection, entry_id).hex(),
    }
    told = {name: value for name, value in claims.items() if value is not None}
    return SignedReceipt(
        receipt=entry.id,
        at_us=entry.at_us,
        kind=side.kind,
        amount_minor=side.amount_minor,
        balance_minor=side.balance_minor,
        currency=account.currency,
        signed=key.sign(Kind.RECEIPT, told),
        counterparty=counterparty,
        reference=entry.reference,
    )
