"""Whether a terminal's UDP address is its own to have datagrams sent to: as a table, and how many probes it gets.

A customer names a port, and the address is that of the customer's own connection. Whether that port is the terminal's
nobody knows before the terminal has told, over its connection, what a probe brought to it (return routability, as
RFC 9000, section 8.2, has it). Until then nothing is sent there but the probe.
"""

import math
from enum import Enum, auto

PROBE_SECONDS = 60
"""How long a proof may take."""

PROBES_OF_ACCOUNT = 8, 15.0
"""How many probes the sessions of one account have sent at once, and the seconds in which they earn one more."""

PROBES_TO_HOST = 64, 0.5
"""The same for one IP address, behind which many customers may be, on a campus or in a home."""


class Path(Enum):
    """What is known of an address."""

    PROBED = auto()  # a probe is on its way
    PROVEN = auto()  # the terminal told what the probe brought
    OVER = auto()  # nothing is sent there any more


class Step(Enum):
    """What happens to a path."""

    PROOF = auto()  # the terminal tells what the probe brought, in time
    LATE_PROOF = auto()  # it does when PROBE_SECONDS have passed
    FALSE_PROOF = auto()  # it tells something else
    SILENCED = auto()  # the session is over, or listens elsewhere


NEXT: dict[tuple[Path, Step], Path] = {
    (Path.PROBED, Step.PROOF): Path.PROVEN,
    (Path.PROBED, Step.LATE_PROOF): Path.OVER,
    (Path.PROBED, Step.FALSE_PROOF): Path.PROBED,
    (Path.PROBED, Step.SILENCED): Path.OVER,
    (Path.PROVEN, Step.PROOF): Path.PROVEN,
    (Path.PROVEN, Step.LATE_PROOF): Path.PROVEN,
    (Path.PROVEN, Step.FALSE_PROOF): Path.PROVEN,
    (Path.PROVEN, Step.SILENCED): Path.OVER,
    (Path.OVER, Step.PROOF): Path.OVER,
    (Path.OVER, Step.LATE_PROOF): Path.OVER,
    (Path.OVER, Step.FALSE_PROOF): Path.OVER,
    (Path.OVER, Step.SILENCED): Path.OVER,
}
"""Where each step leads. Only on a path that is PROVEN hints are sent."""


class Ration:
    """So many at once for each key, and after that one in each interval (the leaky bucket as a meter, ITU-T I.371).

    For each key there is one number, the time at which it has everything again; after that it is forgotten.
    """

    def __init__(self, at_once: int, interval_seconds: float) -> None:
        self._interval = interval_seconds
        self._whole = at_once * interval_seconds
        self._full_at: dict[object, float] = {}
        self._swept_at = 0.0

    def wait(self, key: object, now: float) -> int:
        """In how many whole seconds ``key`` may have one; 0 is at once."""
        return max(0, math.ceil(self._full_at.get(key, now) + self._interval - self._whole - now))

    def take(self, key: object, now: float) -> None:
        """Give ``key`` one, which it may have now."""
        if now >= self._swept_at + self._whole:
            self._swept_at = now
            self._full_at = {one: at for one, at in self._full_at.items() if at > now}
        self._full_at[key] = max(self._full_at.get(key, now), now) + self._interval
