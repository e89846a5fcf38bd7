"""The requests about notices: to be told of them by UDP, to read them, and to have them taken as seen."""

from dataclasses import dataclass

from bankd.wire.grammar import Count, Port, Proof
from bankd.wire.message import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen(Message):
    """Have notices sent by UDP to ``port`` of the address that this connection comes from."""

    verb = "LISTEN"
    port: Port


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Message):
    """Tell what the probe brought to the port of ``Listen``."""

    verb = "CONFIRM"
    proof: Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Notices(Message):
    """Ask for notices with a number above ``since``, or above the last one acknowledged, oldest first."""

    verb = "NOTICES"
    since: Count | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledge(Message):
    """Say that every notice up to number ``upto`` was seen."""

    verb = "ACKNOWLEDGE"
    upto: Count
