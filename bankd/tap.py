"""``twistd bankd``: the settings from the command line, and the one place where the bank is put together.

1. ``makeService`` reads the settings and resolves paths, before twistd leaves the terminal. Files, threads and sockets
   are opened in ``startService``, after it has.
2. What cannot work stops the start with a plain line and status 1.
3. The bank stops in one order: no new connections, answers to what was asked, the last batch written, all closed. How
   long that may take is in ``stopping.py``.
4. What is behind the ports is put together in ``premises.py``, and the ports in ``listening.py``.
"""

import os
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.logger import Logger, globalLogPublisher
from twisted.plugin import getPlugins
from twisted.python import usage

from bankd import config, core_files, keyring, log, log_forms, tls
from bankd.channel_factory import ChannelFactory
from bankd.config import KEYS, Settings, SettingsError
from bankd.delivery.post import Post, hire
from bankd.descriptors import TooFew
from bankd.figures import Tally
from bankd.forwarding.hiring import hire_forwarders
from bankd.ibank import IBankProtocol
from bankd.idelivery import Unusable
from bankd.keyring import KeysMissing
from bankd.listening import Listening, Stray, possible
from bankd.perspectives import realm
from bankd.premises import Missing, Premises
from bankd.protocols.line_factory import LineFactory
from bankd.reload import Reload
from bankd.renewal import Renewal
from bankd.service_manager import ServiceManager, passed_descriptors
from bankd.stopping import StopTime
from bankd.store.engines import DatabaseFault
from bankd.surroundings import Surroundings

THREAD_SECONDS = 5
"""How long threads may take to end when everything is stored; they have nothing more to do."""


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

    def postOptions(self) -> None:
        """Note the folder that relative paths count from, before twistd goes to another."""
        self._folder = Path.cwd()

    def settings(self) -> Settings:
        """The settings that file, environment and command line give. Raises SettingsError."""
        over = {name.replace("-", "_"): text for name, text in self.items() if text is not None}
        path = over.pop("config", None)
        with chdir(self._folder):
            return config.load(Path(path) if path else None, over, os.environ)


def makeService(options: Options) -> IService:
    """The bank, ready to start. Exits with a plain line for each fault in the settings."""
    try:
        settings = options.settings()
        return Bank(settings, read=options.settings)
    except SettingsError as error:
        faults = error.faults
    except Unusable as error:
        faults = [config.located(settings, fault) for fault in str(error).splitlines()]
    raise SystemExit("\n".join(f"bankd: {fault}" for fault in faults))


class Bank(Service):
    """The whole bank as one service, in the ``surroundings`` of its machine with ``reactor``, or in others.

    ``read`` reads the settings anew where it is asked to.
    """

    name = "bankd"
    logger = Logger()

    def __init__(
        self,
        settings: Settings,
        reactor: Any = None,
        read: Callable[[], Settings] | None = None,
        surroundings: Surroundings | None = None,
    ) -> None:
        if reactor is None and surroundings is None:
            from twisted.internet import reactor  # the one that twistd has installed by now
        self.settings = settings
        self._surroundings = surroundings or Surroundings(reactor)
        self._reactor = reactor = self._surroundings.reactor
        self._log: log.LogFile | None = None
        self._post = Post(hire(settings.postage, reactor), settings.postage, reactor)
        self._forwarders = hire_forwarders(settings.postage, reactor)
        self._premises: Premises | None = None
        self._read = read or (lambda: settings)
        self.reload = Reload(settings, self._read_anew)
        self._stop_seconds = settings.stop_seconds

    def startService(self) -> None:
        """Open the database, start the threads, listen. Exits with a plain line when something is missing."""
        if self._surroundings.own_process:
            core_files.forbid()  # before a key is read; and here, as a change of user would undo a part of it
        try:
            self._open_log()
            self._tally = tally = Tally()
            self._manager = ServiceManager(os.environ, os.getpid(), passed_descriptors(self._reactor))
            self._listening = Listening(self.settings.capacity, self._surroundings, tally.gate, self._manager.passed)
            self._premises = Premises(self.settings, self._post, self._forwarders, self._surroundings, tally)
            self._listen(self._premises)
            self._premises.extracts.check()
            self._premises.open()
            monitor = self._premises.monitor
            self.reload.tell(lambda settings: monitor.begin(settings.monitor_interval))
            self._renewal.begin()
            self.reload.tell(self._take_up)
            # A bank in somebody's terminal ends with that, by the same signal.
            if self._surroundings.own_process and not os.isatty(0):
                self.reload.listen(self._reactor)
            tally.serving = True
        except (OSError, tls.Unusable, CannotListenError, DatabaseFault, KeysMissing, Missing, TooFew, Stray) as error:
            self._abandon()
            raise SystemExit(f"bankd: {_plain(error)}") from error
        except BaseException:
            self._abandon()
            raise
        self._reactor.callWhenRunning(self._begin)
        super().startService()  # type: ignore[no-untyped-call]

    def stopService(self) -> Deferred[None]:
        """Stop in order; fires when everything acknowledged is stored and everything is closed."""
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        premises = self._premises
        assert premises is not None  # or the start would have ended twistd
        self._tally.serving = False
        time = StopTime(self._stop_seconds, self._reactor)
        if self._surroundings.own_process:
            time.listen(self._reactor)
        self._manager.stopping()
        premises.rounds.end()
        premises.monitor.end()
        premises.thrift.end()
        self._renewal.end()
        premises.seals.close()
        await self._listening.stop_accepting()
        self._post.close()
        if not await time.clients.wait(self._listening.hang_up()):
            self.logger.warn(
                "connections that were not closed in time are cut off: {count}", count=self._listening.cut_off()
            )
        stored = await time.all.wait(Deferred.fromCoroutine(premises.store_all()))
        await self._listening.close()
        if not (stored and premises.close(THREAD_SECONDS)):
            self.logger.error("the database does not answer: the bank ends without it; what was acknowledged is stored")
            self._surroundings.exit(1)  # its threads would be waited for without end
        time.end()
        self.logger.info("everything is stored; the bank is closed")
        if self._log is not None:
            globalLogPublisher.removeObserver(self._log)
            self._log.close()

    def _begin(self) -> None:
        """The reactor runs: say so, and that the bank lives as long as the thread that writes answers."""
        assert self._premises is not None
        self._manager.ready()
        self._manager.watch(self._premises.look, self._reactor)

    def _read_anew(self) -> Settings:
        """The settings as they are now, if every part can take them up. Raises SettingsError and OSError."""
        self._manager.reloading()
        self._reactor.callLater(0, self._manager.ready)  # when all of it is done, well or not
        settings = self._read()
        try:
            self._couriers = hire(settings.postage, self._reactor)
            possible(settings.capacity)
        except Unusable as error:
            raise SettingsError([config.located(settings, fault) for fault in str(error).splitlines()]) from None
        except TooFew as error:
            raise SettingsError([str(error)]) from None
        return settings

    def _take_up(self, settings: Settings) -> None:
        """Serve by other settings from now on, where that can be done while the bank runs (``reload.LIVE``)."""
        assert self._premises is not None
        self._premises.take_up(settings)
        self._listening.take_up(settings.capacity)
        for channels in self._channels:
            channels.handshake_seconds = settings.limits.handshake_seconds
        self._post.replace(self._couriers, settings.postage)
        self._stop_seconds = settings.stop_seconds
        self._renewal.look()

    def _abandon(self) -> None:
        """End the threads of a start that failed, or twistd would hang on them."""
        if self._premises is not None:
            self._premises.pools.close()

    def _open_log(self) -> None:
        if self.settings.logfile is not None:
            self._log = file = log.LogFile(self.settings.logfile, log_forms.FORMS[self.settings.log_form])
            globalLogPublisher.addObserver(file)
            self.reload.tell(lambda settings: file.reopen(settings.logfile))

    def _listen(self, premises: Premises) -> None:
        settings, portal = self.settings, realm.portal(premises.branch)
        context = tls.server_context(settings.certificate, settings.key, settings.state / keyring.TERMINALS / "ca.pem")
        self._listening.operators(settings.operator_socket, LineFactory(portal, self._reactor))
        own = settings.state if settings.certificate.parent == settings.state else None
        self._renewal = Renewal(context, settings.certificate, settings.key, own, self._reactor)
        self._channels: list[ChannelFactory] = []
        for plugin in getPlugins(IBankProtocol):
            if plugin.name not in settings.protocols:
                self.logger.info("{name} is not served: [protocols] gives it no address", name=plugin.name)
                continue
            factory = plugin.factory(portal, self._reactor)
            secured = factory
            if plugin.secure:
                secured = ChannelFactory(context, factory, self._reactor, settings.limits.handshake_seconds)
                self._channels.append(secured)
            self._listening.tcp(plugin.name, *settings.protocols[plugin.name], factory, secured)
        self._listening.notices(settings.host, settings.notice_port, premises.board)
        self._listening.refuse_strays()


def _plain(error: Exception) -> str:
    """What went wrong, in a line."""
    if isinstance(error, CannotListenError):
        return f"cannot listen on {error.interface or 'every address'} port {error.port}: {error.socketError}"
    return str(error).splitlines()[0]
