"""Who may open a session, on which account, and with which secrets.

1. Every way in leads to one customer and to one open account of that customer: the one named, or the oldest.
2. A stranger learns only that the credentials were refused; not whether the name, number or account exists.
3. A session is exclusive: it takes the lease on its account, or it is refused.
"""

from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from bankd import codes
from bankd.bank.terms import Terms
from bankd.codes import Refused
from bankd.records import OpenSession, Session, Welcome
from bankd.store import claims, customers, preferences, sessions, terminals
from bankd.store.claims import Found, Identity
from bankd.store.engines import Transaction


@dataclass(frozen=True, slots=True)
class Claim:
    """Whom credentials claim to be: the customer, the ``account_id`` to act on, and the secret that is to be checked:
    its ``kind``, ``password`` or ``pin``, its hash, and when it was set. ``renewed`` is the hash to keep once it has
    been checked.
    """

    customer_id: int
    account_id: int
    kind: str
    hashed: str | None = field(repr=False)
    renewed: str | None = field(repr=False, default=None)
    changed_us: int | None = field(compare=False, default=None)


def claim(connection: Connection, identity: Identity) -> Claim | None:
    """The claim to be ``identity``; None when there is no such customer with an open account."""
    return claim_of(identity, claims.find(connection, identity))


def claim_of(identity: Identity, found: Found) -> Claim | None:
    """The same from what was found."""
    if found.customer_id is None or found.account_id is None:
        return None
    return Claim(found.customer_id, found.account_id, identity.kind, found.hashed, changed_us=found.changed_us)


def is_enrolled(connection: Connection, certificate: str | None) -> bool:
    """Whether the ``certificate`` (SHA-256 in hex) is that of a terminal which was enrolled and not revoked."""
    terminal = terminals.with_certificate(connection, certificate) if certificate else None
    return terminal is not None and terminal.revoked_us is None


def is_known_mobile(connection: Connection, mobile: str) -> bool:
    """Whether a mobile number, in E.164, is a customer's."""
    return customers.customer_with_mobile(connection, mobile) is not None


def kept_hash(connection: Connection, customer_id: int, kind: str) -> str | None:
    """The hash of a customer's ``password`` or ``pin``; None when there is none."""
    return customers.secret(connection, customer_id, kind)


def open_session(
    tx: Transaction,
    claim: Claim,
    terms: Terms,
    registered: bool = False,
    over: bool = False,
    host: str | None = None,
) -> Session:
    """Take the lease on the claimed account. Raises Refused: IN_USE while another session holds it, but with ``over``.

    The secret that was checked must still be the customer's: it may have been changed while it was being checked. Its
    hash is renewed where the claim says so.
    """
    account = customers.account(tx.connection, claim.account_id)
    if account.closed_us is not None or not _is_kept(tx, claim):
        raise Refused(codes.WRONG_SECRET)
    fence = sessions.take(tx, account.id, terms.lease_seconds, over, host)
    if fence is None:
        raise Refused(codes.IN_USE)
    if claim.renewed not in (None, claim.hashed):
        customers.renew_hash(tx, claim.customer_id, claim.kind, claim.renewed)
    before = customers.last_login_us(tx.connection, claim.customer_id)
    customers.change_customer(tx, claim.customer_id, last_login_us=tx.at_us)
    change = claim.kind if customers.must_change(tx.connection, claim.customer_id, claim.kind) else None
    welcome = Welcome(account.number, account.currency, terms.lease_seconds, before, change=change)
    chosen = preferences.of_account(tx.connection, account.id)
    return Session(claim.customer_id, account.id, fence, registered, welcome, chosen)


def is_newcomer(connection: Connection, customer_id: int) -> bool:
    """Whether the customer's first log-in, which made the customer, is still to be finished."""
    unnamed = customers.customer(connection, customer_id).username is None
    return unnamed and customers.last_login_us(connection, customer_id) is None


def is_taken(tx: Transaction, claim: Claim) -> bool:
    """Whether a session holds the claimed account."""
    return sessions.is_taken(tx.connection, claim.account_id, tx.at_us)


def half_open(tx: Transaction, claim: Claim) -> Claim:
    """The claim that is to be answered for once more before it opens a session; its hash is renewed where it says so.

    Raises Refused: WRONG_SECRET as ``open_session``, IN_USE while a session holds the claimed account.
    """
    if not _is_kept(tx, claim):
        raise Refused(codes.WRONG_SECRET)
    if is_taken(tx, claim):
        raise Refused(codes.IN_USE)
    if claim.renewed in (None, claim.hashed):
        return replace(claim, hashed=kept_hash(tx.connection, claim.customer_id, claim.kind))
    customers.renew_hash(tx, claim.customer_id, claim.kind, claim.renewed)
    return replace(claim, hashed=claim.renewed)


def _is_kept(tx: Transaction, claim: Claim) -> bool:
    """Whether the secret that was checked is the customer's still; another log-in may have renewed its hash."""
    mine = (claim.customer_id, claim.kind)
    return customers.is_secret(tx.connection, *mine, claim.hashed, claim.changed_us)


def renew_session(tx: Transaction, session: Session) -> None:
    """Keep the session's account for another lease. Raises Refused: OVER when it was taken over, or ENDED."""
    if not sessions.renew(tx, session.account_id, session.fence, session.welcome.lease_seconds):
        raise _over(tx.connection, session)


def check_session(connection: Connection, session: Session) -> None:
    """Raises Refused: OVER when the session's account was taken over, or ENDED."""
    if not sessions.holds(connection, session.account_id, session.fence):
        raise _over(connection, session)


def end_session(tx: Transaction, session: Session) -> None:
    """Free the session's account, if it is still the session's."""
    sessions.release(tx, session.account_id, session.fence)


def end_whatever(tx: Transaction, number: str) -> tuple[int, list[OpenSession]]:
    """End the session on the account with a ``number``, if there is one; the account's id, and what was ended.

    Raises Refused: NO_ACCOUNT.
    """
    account = customers.account_numbered(tx.connection, number)
    if account is None:
        raise Refused(codes.NO_ACCOUNT)
    ended = sessions.open_on(tx.connection, tx.at_us, account.id)
    sessions.end(tx, account.id)
    return account.id, ended


def _over(connection: Connection, session: Session) -> Refused:
    """Why a session is over."""
    return Refused(codes.ENDED if sessions.was_ended(connection, session.account_id, session.fence) else codes.OVER)
