"""``twistd bankd``: the settings from the command line, and the one place where the bank is put together.

1. ``makeService`` reads the settings and resolves paths, before twistd leaves the terminal. Files, threads and sockets
   are opened in ``startService``, after it has.
2. What cannot work stops the start with a plain line and status 1.
3. The bank stops in one order: no new connections, answers to what was asked, the last batch written, all closed.
"""

import os
import secrets
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import IService, Service
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.task import LoopingCall
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger, globalLogPublisher
from twisted.plugin import getPlugins
from twisted.python import usage
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from bankd import config, core_files, descriptors, keyring, log, operator_socket, tls
from bankd.bank import payments
from bankd.bank.codebook import Codebook
from bankd.bank.hashing import Hasher
from bankd.bank.tokens import TokenKeys
from bankd.channel_factory import ChannelFactory
from bankd.codes import Refused
from bankd.config import KEYS, Settings, SettingsError
from bankd.delivery.post import Post, hire
from bankd.descriptors import TooFew
from bankd.entrance import GuardedFactory
from bankd.gate import Gate
from bankd.ibank import IBankProtocol
from bankd.idelivery import Unusable
from bankd.keyring import KeysMissing
from bankd.lane import Lane
from bankd.notary import Notary
from bankd.notify import Notices
from bankd.perspectives import realm
from bankd.perspectives.branch import Branch
from bankd.perspectives.turns import Turns
from bankd.protocols.line_factory import LineFactory
from bankd.renewal import Renewal
from bankd.sealing_keys import SealingKeys, Seals
from bankd.store import migrate
from bankd.store.checkpoints import CheckpointFile
from bankd.store.engines import DatabaseFault, Store

READ_THREADS = 4
HASH_THREADS = 2
SEAL_THREADS = 2
MAX_SEALED = 1000
"""Sealed requests that may wait to be opened on each side (``perspectives.turns``), at a thousand a second."""

EXPIRY_SECONDS = 1.0
"""How often holds are ended whose time has passed; they cannot be captured any more as soon as it has."""

BACKLOG = 512
"""Connections that the system may hold for us while we accept others."""


class Options(usage.Options):
    """Everything the settings file can say may be said here too where it differs from one start to the next."""

    synopsis = "Usage: twistd [options] bankd [--config FILE] [options]"
    longdesc = (
        "Serves a bank that 'bankctl init' has prepared. Keys of the settings file are described in etc/bankd.ini."
    )
    optParameters = [
        ["config", "c", None, "settings file; left out, every key has its default", str],
        *(
            [key.name.replace("_", "-"), None, None, f"{key.meaning} ({key.default or 'none'})", str]
            for key in KEYS
            if key.section == "server"
        ),
    ]

    def settings(self) -> Settings:
        """The settings that file and command line give. Raises SettingsError."""
        over = {name.replace("-", "_"): text for name, text in self.items() if text is not None}
        path = over.pop("config", None)
        return config.load(Path(path) if path else None, over)


def makeService(options: Options) -> IService:
    """The bank, ready to start. Exits with a plain line for each fault in the settings."""
    try:
        return Bank(options.settings())
    except SettingsError as error:
        raise SystemExit("\n".join(f"bankd: {fault}" for fault in error.faults)) from None
    except Unusable as error:
        raise SystemExit(f"bankd: {error}") from None


class Bank(Service):
    """The whole bank as one service."""

    name = "bankd"
    logger = Logger()

    def __init__(self, settings: Settings, reactor: Any = None) -> None:
        if reactor is None:
            from twisted.internet import reactor  # the one that twistd has installed by now
        self.settings = settings
        self._reactor = reactor
        self._pools: list[ThreadPool] = []
        self._ports: list[Any] = []
        self._factories: list[Any] = []
        self._expiring = LoopingCall(self._expire_holds)
        self._log: log.LogFile | None = None
        self._post = Post(hire(settings.postage, reactor), settings.postage, reactor)

    def startService(self) -> None:
        """Open the database, start the threads, listen. Exits with a plain line when something is missing."""
        core_files.forbid()  # before a key is read; and here, as a change of user would undo a part of it
        try:
            self._open_log()
            self._gate = self._new_gate()
            self._store = self._open_store()
            branch = self._branch(self._store)
            self._listen(branch)
            self._notary.open(self.settings.checkpoint_seconds)
            self._seals.open()
            self.begin_expiry()
            self._renewal.begin()
        except (OSError, tls.Unusable, CannotListenError, DatabaseFault, KeysMissing, Missing, TooFew) as error:
            self._stop_threads()
            raise SystemExit(f"bankd: {_plain(error)}") from error
        except BaseException:
            self._stop_threads()  # or twistd would hang on them
            raise
        super().startService()  # type: ignore[no-untyped-call]

    def stopService(self) -> Deferred[None]:
        """Stop in order; fires when everything acknowledged is stored and everything is closed."""
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._expiring.stop()
        self._renewal.end()
        self._seals.close()
        await _all(maybeDeferred(port.stopListening) for port in self._ports)
        self._post.close()
        self._gate.close()
        await _all(factory.hang_up() for factory in self._factories)
        await self._lane.close()
        await self._notary.close()
        await maybeDeferred(self._notice_port.stopListening)
        self._stop_threads()
        self._store.close()
        self.logger.info("everything is stored; the bank is closed")
        if self._log is not None:
            globalLogPublisher.removeObserver(self._log)
            self._log.close()

    def begin_expiry(self) -> None:
        """End holds whose time has passed from now on, at once and then every EXPIRY_SECONDS."""
        self._expiring.clock = self._reactor
        self._expiring.start(EXPIRY_SECONDS)

    def _expire_holds(self) -> Deferred[Any]:
        def failed(failure: Failure) -> None:
            if not failure.check(Refused):  # of a database that fails the lane itself tells, and once
                self.logger.warn("holds whose time has passed are still there: {why}", why=failure.getErrorMessage())

        def go_on(ended: int) -> Deferred[Any] | None:
            return self._expire_holds() if ended == payments.MOST_EXPIRED else None  # others have their turn between

        return self._lane.run(payments.expire_holds).addCallbacks(go_on, failed)

    def _stop_threads(self) -> None:
        for pool in self._pools:
            pool.stop()

    def _open_log(self) -> None:
        if self.settings.logfile is not None:
            self._log = log.LogFile(self.settings.logfile)
            globalLogPublisher.addObserver(self._log)

    def _new_gate(self) -> Gate:
        """The gate of every TCP port, for as many connections as there are descriptors for."""
        wanted, available = self.settings.capacity, descriptors.raise_limit()
        connections = wanted.connections or available
        if not 0 < connections <= available:
            raise TooFew(
                f"{max(connections, 1)} connections take {max(connections, 1) + descriptors.RESERVE} open files, and "
                f"the system allows {available + descriptors.RESERVE} (ulimit -n)"
            )
        # Strangers never have more than half of all: the rest is for who has logged in.
        capacity = replace(wanted, connections=connections, strangers=min(wanted.strangers, max(connections // 2, 1)))
        return Gate(capacity, self._reactor, secrets.randbelow)

    def _open_store(self) -> Store:
        self._keys = keyring.load(self.settings.state)
        self._checkpoints = CheckpointFile(self.settings.state / keyring.CHECKPOINTS)
        store = Store(self.settings.database, self._keys.chain)
        store.check_exists()
        with store.reading() as connection:
            if not migrate.is_current(connection):
                raise Missing("the database is of another version; 'bankctl init' brings it up to date")
        keyring.refuse_another(self.settings.state, store)
        if not self._checkpoints.begun():
            raise Missing(f"there is no checkpoint in {self._checkpoints.path}; 'bankctl init' makes the first")
        return store

    def _branch(self, store: Store) -> Branch:
        board = Notices(secrets.token_hex)
        apply = partial(payments.apply, tariff=self.settings.terms.tariff)
        self._lane = Lane(store.writing, apply, self._pool("lane", 1), board.tell)
        self._board = board
        read_pool = self._pool("read", READ_THREADS)
        self._notary = Notary(self._checkpoints, self._keys.signer, store, read_pool, self._reactor)
        keys = SealingKeys(self.settings.state, self._keys.signer, self.settings.terms.name, self._reactor.seconds)
        self._seals = Seals(keys, Turns(self._pool("seal", SEAL_THREADS), SEAL_THREADS, MAX_SEALED), self._reactor)
        return Branch(
            lane=self._lane,
            reading=store.reading,
            read_pool=read_pool,
            hash_pool=Turns(self._pool("hash", HASH_THREADS), HASH_THREADS),
            hasher=Hasher(self._keys.pepper),
            tokens=TokenKeys(self._keys.pepper),
            codebook=Codebook(self._keys.pepper),
            signer=self._keys.signer,
            board=board,
            post=self._post,
            seals=self._seals,
            terms=self.settings.terms,
            limits=self.settings.limits,
            clock=self._reactor,
            random_below=secrets.randbelow,
            owners={uid: operator_socket.user_name(uid) for uid in (0, os.geteuid())},
            sealing=self.settings.sealing,
        )

    def _pool(self, name: str, threads: int) -> Any:
        """A function that calls another in a pool of so many threads."""
        pool = ThreadPool(threads, threads, name)
        pool.start()
        self._pools.append(pool)
        return lambda function, *args, **kwargs: deferToThreadPool(self._reactor, pool, function, *args, **kwargs)

    def _listen(self, branch: Branch) -> None:
        settings, portal = self.settings, realm.portal(branch)
        context = tls.server_context(settings.certificate, settings.key, settings.state / keyring.TERMINALS / "ca.pem")
        self._listen_to_operators(portal)
        own = settings.state if settings.certificate.parent == settings.state else None
        self._renewal = Renewal(context, settings.certificate, settings.key, own, self._reactor)
        for plugin in getPlugins(IBankProtocol):
            if plugin.name not in settings.protocols:
                self.logger.info("{name} is not served: [protocols] gives it no address", name=plugin.name)
                continue
            host, number = settings.protocols[plugin.name]
            factory = plugin.factory(portal, self._reactor)
            seconds = settings.limits.handshake_seconds
            wrapped = ChannelFactory(context, factory, self._reactor, seconds) if plugin.secure else factory
            guarded = GuardedFactory(self._gate, wrapped)
            port = self._reactor.listenTCP(number, guarded, backlog=BACKLOG, interface=host)
            self._factories.append(factory)
            self._ports.append(port)
            self.logger.info("{name} on TCP {host} port {port}", name=plugin.name, host=host, port=port.getHost().port)
        self._notice_port = self._reactor.listenUDP(settings.notice_port, self._board, interface=settings.host)
        port = self._notice_port.getHost().port
        self.logger.info("notices from UDP {host} port {port}", host=settings.host, port=port)

    def _listen_to_operators(self, portal: Portal) -> None:
        path = self.settings.operator_socket
        if path is None:
            self.logger.info("operators have no socket: operator_socket is empty")
            return
        factory = LineFactory(portal, self._reactor)
        self._ports.append(operator_socket.listen(self._reactor, path, factory))
        self._factories.append(factory)
        self.logger.info("operators on {path}", path=path)


class Missing(Exception):
    """Something that ``bankctl init`` makes is not there."""


def _plain(error: Exception) -> str:
    """What went wrong, in a line."""
    if isinstance(error, CannotListenError):
        return f"cannot listen on {error.interface or 'every address'} port {error.port}: {error.socketError}"
    return str(error).splitlines()[0]


def _all(waiting: Iterable[Deferred[Any]]) -> Deferred[Any]:
    return DeferredList(list(waiting), consumeErrors=True)
