"""The terms of business: what an operator decides about how the bank behaves towards its customers."""

from dataclasses import dataclass

from bankd.ledger.tariff import FREE, Tariff


@dataclass(frozen=True, slots=True)
class Terms:
    """``currency`` (ISO 4217) is that of accounts opened without naming one; ``region`` (ISO 3166) is where mobile
    numbers without a country code belong; ``registers_mobiles`` says that log-in with an unknown mobile number makes a
    customer; ``pin_terminals`` that a PIN is taken only at an enrolled terminal; ``lease_seconds`` is for how long a
    silent session keeps its account; ``tariff`` has fees and limits; ``two_people`` that what an operator does with
    customers' money and PINs another has to approve.
    """

    name: str = "bankd"
    currency: str = "EUR"
    region: str = "DE"
    registers_mobiles: bool = False
    pin_terminals: bool = False
    lease_seconds: int = 30
    tariff: Tariff = FREE
    two_people: bool = True
