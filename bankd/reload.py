"""SIGHUP: the settings are read anew, and each part of the bank that can takes up what has changed for it.

1. Settings that cannot be used change nothing: every fault is logged, and the bank goes on with those it has.
2. Each part is told, whether anything has changed for it or not: a file may be another under the same name. What fails
   in one part is logged, and the others are told all the same.
3. The log tells each key that has another value than before, and whether it is taken up now or at the next start.
"""

import signal
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

from twisted.logger import Logger

from bankd.config import Settings, SettingsError
from bankd.delivery import keys
from bankd.records import Limits
from bankd.settings_file import Address
from bankd.settings_keys import KEYS
from bankd.settings_sources import is_shown

_AT_START = {("bank", "name"), ("bank", "demo"), ("bank", "checkpoint_seconds")}
_DELIVERIES = {key.section for key in keys.KEYS}
LIVE = frozenset(
    (key.section, key.name)
    for key in KEYS
    if key.section in {"bank", "lockout", *_DELIVERIES}
    or key.name in {limit.name for limit in fields(Limits)}
    or key.name in ("max_connections", "max_per_network", "max_strangers", "sealed", "stop_seconds", "monitor_interval")
) - frozenset(_AT_START)
"""What is taken up while the bank runs; all else is at its next start. Certificates are files, and taken up as well."""


class Reload:
    """Reads the settings by ``read`` when asked to, and tells each part; ``settings`` are those of the start."""

    log = Logger()

    def __init__(self, settings: Settings, read: Callable[[], Settings]) -> None:
        self._read = read
        self._parts: list[Callable[[Settings], None]] = []
        self._now = {address: origin.text for address, origin in settings.origins.items()}

    def tell(self, part: Callable[[Settings], None]) -> None:
        """Have ``part`` called with the settings each time that they have been read anew."""
        self._parts.append(part)

    def listen(self, reactor: Any) -> None:
        """Reload at each SIGHUP from now on. To be called in the main thread."""
        signal.signal(signal.SIGHUP, lambda *_: reactor.callFromThread(self.reload))

    def reload(self) -> None:
        """Read the settings anew, and tell each part."""
        try:
            settings = self._read()
        except (SettingsError, OSError) as error:
            for fault in getattr(error, "faults", [str(error)]):
                self.log.error("{fault}", fault=fault)
            self.log.error("nothing has changed: the bank goes on with the settings that it has")
            return
        for part in self._parts:
            try:
                part(settings)
            except Exception:
                self.log.failure("a part of the bank could not take up the settings")
        for change in self._changes(settings):
            self.log.info("{change}", change=change)
        self.log.info("the settings were read anew")

    def _changes(self, settings: Settings) -> Iterator[str]:
        """Each key that is not as it was. One that waits for the next start is told each time."""
        texts = {address: origin.text for address, origin in settings.origins.items()}
        for address in sorted({*texts, *self._now}):
            new, old = texts.get(address, ""), self._now.get(address, "")
            if new != old:
                live = address in LIVE or address[0] in settings.postage.sections
                yield f"[{address[0]}] {address[1]}{_told(address, new, old)}" + (
                    "" if live else ", and is taken up at the next start"
                )
                if live:
                    self._now[address] = new


def _told(address: Address, new: str, old: str) -> str:
    """The values, or where they may be secret, that they differ."""
    if not is_shown(address):
        return " has changed"
    return f" = {' '.join(new.split()) or 'nothing'}, which was {' '.join(old.split()) or 'nothing'}"
