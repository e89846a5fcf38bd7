"""What a bank has from where it runs: time, threads, chance and a database, and the system that may stop it.

A bank on a real machine has those of its machine. Whoever would see all of a bank in a world of another making, such as
a simulation, gives it others.
"""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from bankd import rounds
from bankd.bank.hashing import Hasher
from bankd.pools import Pools
from bankd.sealing_keys import SealingKeys
from bankd.store.engines import Store


def _open_store(url: str, chain_key: bytes, cache_mib: int) -> Store:
    return Store(url, chain_key, cache_mib=cache_mib)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a bank runs. ``reactor`` has the clock and the network.

    ``open_pools`` gives the threads, ``open_store`` the database at a URL with the chain's key, of which SQLite keeps
    so many MiB in memory, ``octets`` so many that nobody can guess, and ``below`` such a number below another.
    ``forward_seconds`` is a clock that only goes forward. ``make_hasher`` makes what hashes from a pepper,
    ``sealing_keys`` what has the keys to seal to. Where the process is the bank's ``own_process``, its signals, its
    core files and its memory are the bank's business. The rounds are made every ``rounds_seconds``. ``exit`` ends the
    program at once.
    """

    reactor: Any
    open_pools: Callable[[Any], Any] = Pools
    open_store: Callable[[str, bytes, int], Store] = _open_store
    octets: Callable[[int], bytes] = field(default=secrets.token_bytes, repr=False)
    below: Callable[[int], int] = field(default=secrets.randbelow, repr=False)
    forward_seconds: Callable[[], float] = monotonic
    make_hasher: Callable[[bytes], Hasher] = field(default=Hasher, repr=False)
    sealing_keys: Callable[..., SealingKeys] = SealingKeys
    own_process: bool = True
    rounds_seconds: float = rounds.SECONDS
    exit: Callable[[int], object] = os._exit
