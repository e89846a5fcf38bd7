"""Where a simulated bank stands: its state folder, made once and laid out anew for each world, and the bank itself.

``Site`` opens the real service of ``twistd bankd`` in surroundings of the world's, ends it as a killed program ends,
and opens it again on what it left behind.
"""

import gc
import json
import random
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from joserfc.jwk import RSAKey
from twisted.internet.defer import Deferred

from bankd import config, keyring
from bankd.bank import accounts, payments
from bankd.bank.hashing import Hasher
from bankd.bank.terms import OneTime
from bankd.config import Settings
from bankd.ctl import init
from bankd.ledger.commands import Deposit
from bankd.sealing_keys import Dated, SealingKeys, new_rsa_key
from bankd.signing import PrivateKey
from bankd.simulation.disk import Database, Disk
from bankd.simulation.host import Host
from bankd.simulation.network import Network
from bankd.simulation.threads import Crash, Threads
from bankd.simulation.world import OPENED, World
from bankd.store.engines import Store
from bankd.surroundings import Surroundings
from bankd.tap import Bank
from bankd.wire.seal import SealingKey

ADDRESS = "10.0.0.1"
PORT = 65432
OPERATORS = "operators.sock"
CUSTOMERS = 4
CODE = re.compile(r"\b\d{6,8}\b")
"""A one-time password in what is sent."""
OPENING_MINOR = 500_00
"""What each customer's account holds at the beginning."""

REACTOR_THREADS = 10

WARY = 0.2
"""The share of worlds in which the bank asks for one-time passwords; they last longer, as it gives few an hour."""

ROUNDS_SECONDS = 20.0
"""How often the bank makes its rounds: seldom, as they would be most of what happens."""

SETTINGS = """
[server]
host = 0.0.0.0
monitor_interval = 3600
operator_socket = {socket}
stop_seconds = 20
[bank]
name = Simulated Bank
currency = USD
region = US
lease_seconds = 15
transfer_fee = 0.05 USD
payment_limit = 200.00 USD
day_limit = 2000.00 USD
unusual_withdrawal = 100.00 USD
two_people = no
one_time = risk
one_time_above = 190.00 USD
checkpoint_seconds = 60
[lockout]
lock_seconds = 60
[delivery]
order = file
[file]
path = {folder}/sent
"""


@dataclass(frozen=True, slots=True)
class Person:
    """A customer, with everything that is needed to be them."""

    number: int
    customer_id: int
    account_id: int
    username: str
    account: str
    mobile: str
    password: str = field(repr=False)
    pin: str = field(repr=False)


class Ground:
    """A folder with a bank's state as it is before anything happens; ``fresh`` lays it out again.

    ``more`` are sections that its settings have besides.
    """

    def __init__(self, folder: Path, more: str = "") -> None:
        self._made = folder / "made"
        self._sent = folder / "sent"
        self.state = folder / "state"
        self.state.mkdir()
        text = folder / "bank.ini"
        text.write_text(SETTINGS.format(socket=OPERATORS, folder=folder) + more)
        self.settings: Settings = config.load(text, {"state": str(self.state)})
        self.settings.protocols.pop("status", None)  # type: ignore[attr-defined]
        init.prepare(self.settings, lambda _line: None)
        self.chain_key = keyring.load(self.state).chain
        self.people = self._people()
        self.database = Database(self.settings.database, self.chain_key)
        self._begin_database()
        self.rsa_key = new_rsa_key()
        shutil.move(self.state, self._made)

    def _begin_database(self) -> None:
        """Have SQLAlchemy ask of a connection what it asks once: the first world is like all others."""
        with self.database.writing(), self.database.reading():
            pass
        self.database.close()

    def fresh(self) -> None:
        """Lay the state out as it was made."""
        shutil.rmtree(self.state, ignore_errors=True)
        shutil.copytree(self._made, self.state)
        self._sent.unlink(missing_ok=True)

    def sent_to(self, person: Person) -> list[str]:
        """The one-time passwords that were sent to a customer, oldest first."""
        if not self._sent.exists():
            return []
        parcels = map(json.loads, self._sent.read_text().splitlines())
        mine = [parcel["text"] for parcel in parcels if parcel["mobile"] == person.mobile]
        return [found[0] for text in mine if (found := CODE.findall(text))]

    def _people(self) -> list[Person]:
        """The customers. All that chance has part in is the same each time."""
        chance, hasher = random.Random(0), cheap_hasher(keyring.load(self.state).pepper)
        store = Store(self.settings.database, self.chain_key, lambda: OPENED - 1)
        made = []
        with store.writing() as tx:
            for number in range(CUSTOMERS):
                username, password, pin = f"person{number}", f"hidden-{number}-hedgehog", f"7{number}31905{number}"[:8]
                mobile = f"+12025550{100 + number}"
                details: dict[str, str | None] = {"username": username, "mobile": mobile}
                hashes = {"password": hasher.hash(password), "pin": hasher.hash(pin)}
                row = accounts.sign_up(tx, self.settings.terms, chance.randrange, details, hashes)
                opening = Deposit(
                    customer_id=row.customer_id,
                    account_id=row.id,
                    fence=None,
                    key=f"opening-{number}",
                    amount_minor=OPENING_MINOR,
                    currency="USD",
                )
                payments.apply(tx, [opening])
                made.append(Person(number, row.customer_id, row.id, username, row.number, mobile, password, pin))
        store.close()
        return made


@contextmanager
def ground(more: str = "") -> Iterator[Ground]:
    """A ground in a folder in memory where the system has one, which is gone afterwards.

    ``more`` are sections of the settings that are not there yet, such as ``[protocols]`` for a plugin of one's own.
    """
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="bankd-", dir=memory if memory.is_dir() else None) as folder:
        made = Ground(Path(folder), more)
        gc.freeze()  # what is there by now stays, and need not be looked through after each world
        yield made


def cheap_hasher(pepper: bytes) -> Hasher:
    """What hashes as a bank does, and takes no time for it."""
    return Hasher(pepper, passes=1, memory_kib=8)


class Site:
    """The bank of a world, open or not."""

    def __init__(self, world: World, network: Network, ground: Ground) -> None:
        self.world = world
        self.settings = ground.settings
        self.ground = ground
        self.disk = Disk(world)
        self.slow = 0.0
        self.host: Host | None = None
        self.bank: Bank | None = None
        self._network = network
        self._ahead = 0.0
        if not world.happens(WARY):
            self.settings = replace(self.settings, terms=replace(self.settings.terms, one_time=OneTime.OFF))
        network.names["localhost"] = ADDRESS

    @property
    def is_open(self) -> bool:
        """Whether the bank serves."""
        return self.bank is not None

    def open(self) -> None:
        """Start the bank on what there is."""
        world = self.world
        world.note("the bank starts")
        host = Host(world, self._network, "bank", ADDRESS)
        threads = Threads(host, lambda: self.slow, self.crash)
        host.threads = threads.open("reactor", REACTOR_THREADS)
        host.ahead = self._ahead
        surroundings = Surroundings(
            host,
            open_pools=lambda _reactor: threads,
            open_store=lambda _url, _key, _cache_mib: self._open_database(host),
            octets=world.chance.randbytes,
            below=world.chance.randrange,
            forward_seconds=lambda: world.now,
            make_hasher=cheap_hasher,
            sealing_keys=partial(_KeptKeys, key=self.ground.rsa_key),
            own_process=False,
            rounds_seconds=ROUNDS_SECONDS,
            exit=lambda _status: self.crash(),
        )
        self.host = host
        self.bank = bank = Bank(self.settings, surroundings=surroundings)
        try:
            bank.startService()
        except SystemExit:
            world.note("the bank does not start")
            self.crash()
        except Crash:
            self.crash()

    def crash(self, unplugged: bool = False) -> None:
        """End the bank as kill -9 does, or as a power cut does, of which nobody on the network hears."""
        if self.host is None:
            return
        if unplugged:
            self._network.unplug(self.host)
        self.host.die()
        self._gone()

    def stop(self) -> Deferred[None]:
        """Stop the bank in order."""
        assert self.bank is not None and self.host is not None
        self.world.note("the bank is told to stop")
        host = self.host
        return self.bank.stopService().addCallback(lambda _: self._stopped(host))

    def jump(self, seconds: float) -> None:
        """Set the clock of the bank's machine forward or back."""
        self._ahead += seconds
        if self.host is not None:
            self.host.jump(seconds)

    def _stopped(self, host: Host) -> None:
        self.world.note("the bank has stopped")
        if self.host is host:
            host.die()
            self._gone()

    def _gone(self) -> None:
        self.ground.database.close()
        self.host = self.bank = None

    def _open_database(self, host: Host) -> Store:
        database = self.ground.database
        database.disk, database.clock = self.disk, host.seconds
        return database


class _KeptKeys(SealingKeys):
    """Keys to seal to, of which there is one for all days, and which nobody has to read: that takes long."""

    def __init__(self, state: Path, signer: PrivateKey, bank: str, clock: Callable[[], float], key: RSAKey) -> None:
        super().__init__(state, signer, bank, clock, lambda: key)
        self._key = key

    def _read(self, paths: Iterable[Path]) -> Iterable[Dated]:
        kept = SealingKey(self._key.thumbprint(), self._key)
        return [Dated(kept, json.loads(path.read_bytes())["iat"], path) for path in paths]
