"""The customer's authenticator app: time-based one-time passwords (TOTP, RFC 6238), and codes to fall back on.

1. An app counts once it has shown by a code that it has the secret. Until then the one before it counts, or none.
2. Codes are six digits for steps of 30 seconds; one of the step before or after is taken too (RFC 6238, section 5.2).
3. A step is taken once: the newest that was is kept, and no code of it or of one before it will do again.
4. With an app come ten recovery codes, each good once in place of any one-time password.
"""

import base64

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import Connection

from bankd import codes
from bankd.bank.accounts import RandomBelow, tell_customer
from bankd.bank.codebook import Codebook
from bankd.codes import Refused
from bankd.records import Enrolment, NoticeKind, RecoveryCode, Session
from bankd.store import customers, devices
from bankd.store.devices import AppRow
from bankd.store.engines import Transaction

SECRET_OCTETS = 20
"""As long as an output of HMAC-SHA-1 (RFC 4226, section 4)."""

WINDOW = 1
"""Steps before and after the present one whose codes are taken: clocks differ, and people take their time."""

RECOVERY_CODES = 10

RECOVERY_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that look like others. Ten of them are 49 bits."""

MOST_LABEL = 32
"""Characters of the bank's name that an app is told."""


def taken_step(secret: bytes, code: str, at_us: int, newest_step: int) -> int | None:
    """The step whose code ``code`` is, if that is one to take at ``at_us``; None otherwise."""
    try:
        step = _totp(secret).verify_and_get_timecode(code, for_time=at_us // 1_000_000, valid_window=WINDOW)
    except OTPVerificationError:
        return None
    return step if step > newest_step else None


def counts(connection: Connection, codebook: Codebook, customer_id: int) -> bool:
    """Whether a customer's one-time passwords are those of an app. One whose secret cannot be unsealed does not."""
    return _secret(codebook, customer_id, devices.app(connection, customer_id)) is not None


def offer(tx: Transaction, codebook: Codebook, random_below: RandomBelow, session: Session, bank: str) -> Enrolment:
    """Make a secret for a new app, in place of one offered before, and give it: nobody is told it again."""
    devices.lock(tx, session.customer_id)
    row = devices.app_to_change(tx, session.customer_id) or AppRow(None, None, 0)
    secret = random_below(1 << 8 * SECRET_OCTETS).to_bytes(SECRET_OCTETS)
    offered = codebook.seal(session.customer_id, secret)
    devices.keep_app(tx, session.customer_id, AppRow(row.secret, offered, row.step))
    who = customers.customer(tx.connection, session.customer_id)
    totp, label = _totp(secret), who.username or who.mobile or session.welcome.account
    return Enrolment(totp.secret, totp.provisioning_uri(name=label, issuer_name=bank[:MOST_LABEL].replace(":", " ")))


def confirm(
    tx: Transaction, codebook: Codebook, random_below: RandomBelow, session: Session, code: str
) -> list[RecoveryCode]:
    """Have the app count that was offered a secret and shows a code of it; its recovery codes, told this once.

    Raises Refused: NO_APP where no secret was offered, WRONG_CODE.
    """
    customer_id = session.customer_id
    row = devices.app_to_change(tx, customer_id)
    secret = codebook.unseal(customer_id, row.offered) if row and row.offered else None
    if row is None or secret is None:
        raise Refused(codes.NO_APP)
    step = taken_step(secret, code, tx.at_us, 0)
    if step is None:
        raise Refused(codes.WRONG_CODE)
    devices.keep_app(tx, customer_id, AppRow(row.offered, None, step))
    made = [_recovery_code(random_below) for _ in range(RECOVERY_CODES)]
    devices.set_recovery_codes(tx, customer_id, {_kept(codebook, customer_id, each) for each in made})
    tell_customer(tx, customer_id, NoticeKind.DEVICE)
    return [RecoveryCode(each) for each in made]


def remove(tx: Transaction, codebook: Codebook, session: Session) -> None:
    """Have no app count, and no recovery code. Raises Refused: NO_APP where none did."""
    row = devices.app_to_change(tx, session.customer_id)
    if row is None or _secret(codebook, session.customer_id, row) is None:
        raise Refused(codes.NO_APP)
    devices.keep_app(tx, session.customer_id, AppRow(None, None, row.step))
    devices.set_recovery_codes(tx, session.customer_id, ())
    tell_customer(tx, session.customer_id, NoticeKind.DEVICE)


def takes(tx: Transaction, codebook: Codebook, customer_id: int, code: str) -> bool:
    """Whether ``code`` is one of the customer's app to take now; it is then taken."""
    row = devices.app_to_change(tx, customer_id)
    secret = _secret(codebook, customer_id, row)
    step = taken_step(secret, code, tx.at_us, row.step) if row and secret else None
    if row is None or step is None:
        return False
    devices.keep_app(tx, customer_id, AppRow(row.secret, row.offered, step))
    return True


def recovers(tx: Transaction, codebook: Codebook, customer_id: int, code: str) -> bool:
    """Whether ``code`` is a recovery code of the customer's; it is then used up, and the customer told."""
    used = devices.use_recovery_code(tx, customer_id, _kept(codebook, customer_id, code))
    if used:
        tell_customer(tx, customer_id, NoticeKind.RECOVERY)
    return used


def _secret(codebook: Codebook, customer_id: int, row: AppRow | None) -> bytes | None:
    """The secret of the app that counts; None where none does."""
    return codebook.unseal(customer_id, row.secret) if row and row.secret else None


def _totp(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(base64.b32encode(secret).decode("ascii"))


def _recovery_code(random_below: RandomBelow) -> str:
    letters = "".join(RECOVERY_LETTERS[random_below(len(RECOVERY_LETTERS))] for _ in range(10))
    return f"{letters[:5]}-{letters[5:]}"


def _kept(codebook: Codebook, customer_id: int, code: str) -> bytes:
    """What is kept of a recovery code; people may leave the line out, or write capitals."""
    return codebook.digest("recovery", customer_id, code.replace("-", "").lower())
