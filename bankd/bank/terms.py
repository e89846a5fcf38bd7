"""The terms of business: what an operator decides about how the bank behaves towards its customers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bankd.ledger.tariff import FREE, Tariff


class OneTime(StrEnum):
    """When customers are asked for a one-time password: never, at each log-in, or also where much is at risk."""

    OFF = "off"
    LOGIN = "login"
    RISK = "risk"


@dataclass(frozen=True, slots=True)
class LockoutRules:
    """How often a wrong secret may be tried for one customer (``bank.lockout``).

    After ``tries_before_wait`` failures a source has to pause, after ``lock_after`` it is locked; all strangers
    together are after ``lock_strangers_after``. A lock lasts ``lock_seconds``; failures are forgotten when there were
    no more for ``forget_seconds``.
    """

    tries_before_wait: int = 3
    lock_after: int = 10
    lock_strangers_after: int = 50
    lock_seconds: int = 3600
    forget_seconds: int = 86_400


@dataclass(frozen=True, slots=True)
class Terms:
    """``currency`` (ISO 4217) is that of accounts opened without naming one; ``region`` (ISO 3166) is where mobile
    numbers without a country code belong; ``registers_mobiles`` says that log-in with an unknown mobile number makes a
    customer; ``pin_terminals`` that a PIN is taken only at an enrolled terminal; ``lease_seconds`` is for how long a
    silent session keeps its account; ``tariff`` has fees and limits; ``two_people`` that what an operator does with
    customers' money and PINs another has to approve; ``lockout`` is how often a wrong secret may be tried; ``one_time``
    says when one-time passwords are asked for, ``one_time_above`` above which minor units, by currency.
    """

    name: str = "bankd"
    currency: str = "EUR"
    region: str = "DE"
    registers_mobiles: bool = False
    pin_terminals: bool = False
    lease_seconds: int = 30
    tariff: Tariff = FREE
    two_people: bool = True
    lockout: LockoutRules = LockoutRules()
    one_time: OneTime = OneTime.OFF
    one_time_above: Mapping[str, int] = field(default_factory=dict)
