"""What is behind the ports of a bank that serves: its keys, database, threads and rules, put together once.

Nothing here listens to anybody. What is missing or cannot be used is an error before the first thread is started.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from bankd import entry_log, keyring, operator_socket
from bankd.bank import payments
from bankd.bank.codebook import Codebook
from bankd.bank.tokens import TokenKeys
from bankd.config import Settings
from bankd.delivery.post import Post
from bankd.extract_file import ExtractFile
from bankd.extract_writer import ExtractWriter
from bankd.figures import Tally
from bankd.forwarding.hiring import Forwarders
from bankd.forwarding.pump import Pump
from bankd.lane import Lane
from bankd.ledger.books import Outcome
from bankd.ledger.commands import Command
from bankd.monitor import Monitor
from bankd.notary import Notary
from bankd.notify import Notices
from bankd.perspectives.branch import Branch
from bankd.perspectives.figures import Figures
from bankd.perspectives.quiet import Quiet
from bankd.perspectives.turns import Turns
from bankd.process import ThisProcess
from bankd.rounds import Rounds
from bankd.sealing_keys import Seals
from bankd.store import extracts, migrate
from bankd.store.checkpoints import CheckpointFile
from bankd.store.engines import Store, Transaction
from bankd.surroundings import Surroundings
from bankd.thrift import Thrift

HASH_THREADS = 2
SEAL_THREADS = 2
MAX_SEALED = 1000
"""Sealed requests that may wait to be opened on each side (``perspectives.turns``), at a thousand a second."""


class Missing(Exception):
    """Something that ``bankctl init`` makes is not there."""


class Premises:
    """All that ``settings`` call for but ports; ``post`` carries messages to customers, ``forwarders`` events to other
    systems, ``tally`` counts.

    Raises OSError, ``DatabaseFault``, ``KeysMissing`` and Missing.
    """

    def __init__(
        self, settings: Settings, post: Post, forwarders: Forwarders, surroundings: Surroundings, tally: Tally
    ) -> None:
        self._settings = settings
        self._surroundings = surroundings
        self._keys = keyring.load(settings.state)
        self._checkpoints = CheckpointFile(settings.state / keyring.CHECKPOINTS)
        self.thrift = Thrift(lambda: tally.connections, surroundings.reactor)
        self.store = self._open_store()
        self.pools = surroundings.open_pools(surroundings.reactor)
        try:
            self._furnish(post, surroundings, tally)
            self.pumps = [self._pump(name, forwarder, surroundings.reactor) for name, forwarder in forwarders]
        except BaseException:
            self.pools.close()  # or the process would wait for them for ever
            raise

    def _furnish(self, post: Post, around: Surroundings, tally: Tally) -> None:
        settings, keys, store, pools, reactor = self._settings, self._keys, self.store, self.pools, around.reactor
        self.board = Notices(around.octets, around.forward_seconds)
        self._tariff = settings.terms.tariff
        self.board.on_delay = tally.notice_seconds.add
        quiet = Quiet(self.board.tell)
        self.extracts = ExtractWriter(_extracts(settings), store.reading, pools.open("extracts", 1), reactor)
        told = (quiet.tell, entry_log.note, self.extracts.wake)
        in_thread, forward = pools.open("lane", 1), around.forward_seconds
        self.lane = Lane(store.writing, self._apply, in_thread, *told, tally=tally.lane, seconds=forward)
        self.rounds = Rounds(self.lane, reactor, seconds=around.rounds_seconds)
        read_pool = pools.open("read", settings.worker_threads)
        self.notary = Notary(self._checkpoints, keys.signer, store, read_pool, reactor)
        sealing_keys = around.sealing_keys(settings.state, keys.signer, settings.terms.name, reactor.seconds)
        self.seals = Seals(sealing_keys, Turns(pools.open("seal", SEAL_THREADS), SEAL_THREADS, MAX_SEALED), reactor)
        self.branch = Branch(
            lane=self.lane,
            reading=store.reading,
            read_pool=read_pool,
            hash_pool=Turns(pools.open("hash", HASH_THREADS), HASH_THREADS),
            hasher=around.make_hasher(keys.pepper),
            tokens=TokenKeys(keys.pepper),
            codebook=Codebook(keys.pepper),
            signer=keys.signer,
            board=self.board,
            post=post,
            seals=self.seals,
            terms=settings.terms,
            limits=settings.limits,
            clock=reactor,
            random_below=around.below,
            process=ThisProcess(),
            tally=tally,
            names=settings.names,
            quiet=quiet,
            owners={uid: operator_socket.user_name(uid) for uid in (0, os.geteuid())},
            sealing=settings.sealing,
        )

        self.monitor = Monitor(Figures(self.branch).snapshot, reactor)

    def open(self) -> None:
        """Begin with what is done by the clock: checkpoints, sealing keys, rounds, lines of figures."""
        self.notary.open(self._settings.checkpoint_seconds)
        self.seals.open()
        self.rounds.begin()
        self.monitor.begin(self._settings.monitor_interval)
        if self._surroundings.own_process:  # once Ctrl-C ends the bank in order: it takes some tenths of a second
            self._surroundings.reactor.callWhenRunning(self.thrift.begin)
        self.extracts.wake()
        for pump in self.pumps:
            pump.begin()

    async def close_pumps(self) -> None:
        """Let no more events go out, and keep how far they came."""
        for pump in self.pumps:
            await pump.close()

    def _pump(self, name: str, forwarder: Any, reactor: Any) -> Pump:
        return Pump(name, forwarder, self.lane, self.branch.read, reactor, self._settings.postage.try_seconds)

    def take_up(self, settings: Settings) -> None:
        """Have what is asked from now on judged by other terms and limits; the bank's name stays."""
        self._tariff = settings.terms.tariff
        self.branch.terms = replace(settings.terms, name=self.branch.terms.name)
        self.branch.limits = settings.limits
        self.branch.sealing = settings.sealing

    def look(self) -> Deferred[Any]:
        """Have the thread that writes do nothing; fires when it has had its turn."""
        return self.lane.run(lambda _tx: None)

    async def store_all(self) -> None:
        """Write what was posted, and sign what the ledger has come to."""
        await self.close_pumps()
        await self.lane.close()
        await self.extracts.close()
        await self.notary.close()

    def close(self, seconds: float) -> bool:
        """End the threads, and close the database; whether the threads ended within so many seconds."""
        ended: bool = self.pools.close(seconds)
        if ended:
            self.store.close()
        return ended

    def _apply(self, tx: Transaction, commands: Sequence[Command]) -> list[Outcome]:
        return payments.apply(tx, commands, tariff=self._tariff)

    def _open_store(self) -> Store:
        settings = self._settings
        store = self._surroundings.open_store(settings.database, self._keys.chain, settings.cache_mib)
        store.check_exists()
        with store.reading() as connection:
            if not migrate.is_current(connection):
                raise Missing("the database is of another version; 'bankctl init' brings it up to date")
        keyring.refuse_another(self._settings.state, store)
        if not self._checkpoints.begun():
            raise Missing(f"there is no checkpoint in {self._checkpoints.path}; 'bankctl init' makes the first")
        return store


def _extracts(settings: Settings) -> list[ExtractFile]:
    """The files of rows that the settings name."""
    named = ((settings.client_csv, extracts.CLIENT), (settings.bank_csv, extracts.BANK))
    return [ExtractFile(path, kind) for path, kind in named if path is not None]
