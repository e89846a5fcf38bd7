"""Lockout: how often a wrong secret may be tried, without a stranger being able to lock a customer out.

1. A try is counted before the secret is looked at, and given back when it was right: of many at once no more are
   checked than of as many one after the other.
2. It is counted for whom it claims to be and where it comes from, its *source*: a trusted terminal (``bank.tokens``, or
   one with a certificate of the bank's), a session that is open, or else a network. All networks together are counted
   too, as *strangers*. What strangers do is never counted against a trusted terminal.
3. From a few failures on a source has to wait, twice as long each time; then it is locked for that customer. When the
   lock's time has passed one more failure locks it again, until the failures are forgotten.
4. Who is claimed to be a customer and is none is counted alike, under a pseudonym. Nothing tells the two apart.
5. The owner is told: at log-in how many tries have failed since the last one, and at certain counts by a notice.

OWASP, "Slow Down Online Guessing Attacks with Device Cookies"; NIST SP 800-63B-4, section 3.2.2.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, ip_address, ip_network

from sqlalchemy import Connection

from bankd import codes
from bankd.bank.accounts import tell_customer
from bankd.bank.terms import LockoutRules
from bankd.bank.tokens import TokenKeys
from bankd.codes import Refused
from bankd.credentials import Origin
from bankd.records import NoticeKind, Wait
from bankd.store import attempts, challenges, customers
from bankd.store.attempts import Attempts
from bankd.store.claims import Found, Identity
from bankd.store.engines import Transaction

PREFIX_V4, PREFIX_V6 = 24, 56
"""Bits of an address that tell a network: what one household, or one small host, is given of each kind."""

FIRST_PAUSE_US = 1_000_000
"""The first pause; each is twice as long as the one before."""

FEW_US = 3_600_000_000
"""After how long fewer failures than make a source wait are forgotten: an hour, so that rows of many names are few."""

SINCE = "since"
"""The source under which all failures are counted since the customer's last log-in; it never has to wait."""

SINCE_US = 400 * 86_400_000_000
"""For how long those are kept, for a customer who comes once a year."""

SWEPT = 8
"""Rows that are swept away with each try, if they do not count any more: more than a try can add."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Who is claimed to be whom, from where: ``source``, and for who is not trusted that of all ``strangers``.

    ``generation`` is that of the customer's tokens; ``wants_token`` says that the terminal would keep a new one.
    """

    subject: str
    customer_id: int | None
    source: str
    strangers: str | None = None
    generation: int = 0
    wants_token: bool = False

    def source_for(self, kind: str) -> str:
        """The same source, of tries with another ``kind`` of secret."""
        return f"{kind} {self.source.partition(' ')[2]}"

    @property
    def sources(self) -> tuple[str, ...]:
        """Where the try is counted, in the order of their names."""
        return tuple(sorted((self.source, SINCE, *([self.strangers] if self.strangers else []))))


def at_log_in(keys: TokenKeys, identity: Identity, found: Found, origin: Origin) -> Tried:
    """A try to log in from ``origin`` as what the bank ``found`` of an identity. A certificate in ``origin`` must be
    that of a terminal which the bank trusts.
    """
    pseudonym = keys.pseudonym(f"{identity.field} {identity.value}")
    terminal = keys.terminal(origin.token, found.customer_id, found.generation)
    known = found.customer_id is not None
    whose = (str(found.customer_id) if known else pseudonym, found.customer_id)
    if terminal is not None:
        return Tried(*whose, f"{identity.kind} terminal {terminal}", generation=found.generation)
    wants_token = origin.token is not None
    if origin.certificate is not None:
        return Tried(*whose, f"{identity.kind} certificate {origin.certificate}", None, found.generation, wants_token)
    network, strangers = f"{identity.kind} network {network_of(origin.host)}", f"{identity.kind} strangers"
    return Tried(*whose, network, strangers, found.generation, wants_token)


def in_session(customer_id: int, kind: str) -> Tried:
    """A try of somebody who is logged in and gives the secret of a ``kind`` again."""
    return Tried(str(customer_id), customer_id, f"{kind} session")


def network_of(host: str) -> str:
    """The network of an address; 'nowhere' for what is no IP address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return "nowhere"
    address = getattr(address, "ipv4_mapped", None) or address
    return str(ip_network((address, PREFIX_V4 if isinstance(address, IPv4Address) else PREFIX_V6), strict=False))


def check(connection: Connection, tried: Tried, now_us: int) -> None:
    """Raises Refused: LOCKED or WAIT, with how long, while nothing may be tried."""
    _refuse(attempts.counted(connection, tried.subject, tried.sources, now_us), now_us)


def count(tx: Transaction, tried: Tried, rules: LockoutRules) -> tuple[NoticeKind, ...]:
    """Count a try as a failure, and return what its owner is to be told if it is one. Raises Refused as ``check``."""
    before = attempts.held(tx, tried.subject, tried.sources)
    _refuse((row for row in before.values() if row.forget_us > tx.at_us), tx.at_us)
    after = {source: _one_more(before.get(source), tried, source, tx.at_us, rules) for source in tried.sources}
    attempts.change(tx, (after[source] for source in before))
    attempts.add(tx, (row for source, row in after.items() if source not in before))
    attempts.drop_forgotten(tx, SWEPT)
    return _news(after.values(), tried, rules)


def tell(tx: Transaction, tried: Tried, news: Iterable[NoticeKind]) -> None:
    """Tell the owner, if there is one, of a try that was counted and has failed."""
    for kind in news:
        if tried.customer_id is not None:
            tell_customer(tx, tried.customer_id, kind)


def succeeded(tx: Transaction, tried: Tried, rules: LockoutRules, kind: str) -> int:
    """Begin anew for a source that has proved to be who it said; how many tries failed since the last log-in.

    It begins anew for the ``kind`` of secret that came first too, where a one-time password was tried after it. What
    other strangers did still counts against all strangers; only this try does not.
    """
    attempts.drop(tx, tried.subject, [tried.source_for(kind)])
    since = _take_back(tx, tried, rules, {tried.source, SINCE}).get(SINCE)
    return since.failures if since is not None and since.forget_us > tx.at_us else 0


def passed(tx: Transaction, tried: Tried, rules: LockoutRules) -> None:
    """The same for who has only proved it again, and is not told anything."""
    _take_back(tx, tried, rules, {tried.source})


def give_back(tx: Transaction, tried: Tried, rules: LockoutRules) -> None:
    """Have a try that was counted not count."""
    _take_back(tx, tried, rules, set())


def counted(connection: Connection, customer_id: int | None, now_us: int, most: int) -> list[Attempts]:
    """What counts against a customer, or with None against anybody: ``most`` rows, the newest first."""
    return attempts.all_counted(connection, customer_id, now_us, most)


def lift(tx: Transaction, customer_id: int | None) -> int:
    """Let everybody try again to be a customer, or with None to be anybody; how many counts that were forgotten."""
    return attempts.drop_all(tx, customer_id, SINCE)


def unlock(tx: Transaction, customer_id: int) -> None:
    """Have nothing keep a customer from logging in that failed, or was asked for too often: secrets, or passwords for
    one time. Those that were sent are void.
    """
    lift(tx, customer_id)
    challenges.forget(tx, customer_id, tx.at_us)


def void_tokens(tx: Transaction, customer_id: int) -> None:
    """Make all of a customer's trusted terminals strangers, until each has logged in again."""
    customers.next_generation(tx, customer_id)


def _take_back(tx: Transaction, tried: Tried, rules: LockoutRules, anew: Collection[str]) -> dict[str, Attempts]:
    """The rows of a try without it, by their sources; those of the sources ``anew`` go, as do those that count none."""
    rows = {row.source: _one_less(row, rules) for row in attempts.held(tx, tried.subject, tried.sources).values()}
    gone = [source for source, row in rows.items() if source in anew or not row.failures]
    attempts.change(tx, (row for source, row in rows.items() if source not in gone))
    attempts.drop(tx, tried.subject, gone)
    return rows


def _refuse(rows: Iterable[Attempts], now_us: int) -> None:
    waiting = [row for row in rows if row.until_us > now_us]
    if waiting:
        wait_us = max(row.until_us for row in waiting) - now_us
        code = codes.LOCKED if any(row.locked for row in waiting) else codes.WAIT
        raise Refused(code, about=Wait(-(-wait_us // 1_000_000)))


def _one_more(before: Attempts | None, tried: Tried, source: str, at_us: int, rules: LockoutRules) -> Attempts:
    """The row of a source with one more failure, and what comes of that."""
    goes_on = before is not None and before.forget_us > at_us
    failures = before.failures + 1 if before is not None and goes_on else 1
    first_us = before.first_us if before is not None and goes_on else at_us
    until_us, locked = _consequence(source, failures, at_us, rules)
    if source == SINCE and tried.customer_id is not None:  # nobody is ever told of tries to be nobody
        forget_us = at_us + SINCE_US
    elif failures < rules.tries_before_wait:
        forget_us = at_us + FEW_US
    else:
        forget_us = max(until_us, at_us) + rules.forget_seconds * 1_000_000
    return Attempts(tried.subject, source, tried.customer_id, failures, first_us, at_us, until_us, locked, forget_us)


def _consequence(source: str, failures: int, at_us: int, rules: LockoutRules) -> tuple[int, bool]:
    """Until when a source has to wait after so many failures, and whether that is a lock."""
    if source == SINCE:
        return 0, False
    if failures >= _lock_after(source, rules):
        return at_us + rules.lock_seconds * 1_000_000, True
    if _is_strangers(source) or failures < rules.tries_before_wait:
        return 0, False
    pause_us = FIRST_PAUSE_US << min(failures - rules.tries_before_wait, 16)
    return at_us + min(pause_us, rules.lock_seconds * 1_000_000), False


def _one_less(row: Attempts, rules: LockoutRules) -> Attempts:
    """The row of a source with one failure less; it waits no more where that failure alone was why."""
    failures = max(row.failures - 1, 0)
    enough = failures >= (_lock_after(row.source, rules) if row.locked else rules.tries_before_wait)
    return replace(row, failures=failures, until_us=row.until_us if enough else 0, locked=row.locked and enough)


def _news(rows: Iterable[Attempts], tried: Tried, rules: LockoutRules) -> tuple[NoticeKind, ...]:
    """What the owner is told: that tries fail, once since the last log-in, and that a source was locked, once each."""
    news = []
    for row in rows:
        if row.source == SINCE and row.failures == rules.tries_before_wait:
            news.append(NoticeKind.FAILED)
        if row.source != SINCE and row.failures == _lock_after(row.source, rules):
            news.append(NoticeKind.LOCKOUT)
    return tuple(news)


def _lock_after(source: str, rules: LockoutRules) -> int:
    return rules.lock_strangers_after if _is_strangers(source) else rules.lock_after


def _is_strangers(source: str) -> bool:
    return source.endswith(" strangers")
