"""SIGHUP: the settings are read anew, and each part of the bank that can takes up what has changed for it.

1. Settings that cannot be used change nothing: every fault is logged, and the bank goes on with those it has.
2. Each part is told, whether anything has changed for it or not: a file may be another under the same name. What fails
   in one part is logged, and the others are told all the same.
"""

import signal
from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from bankd.config import Settings, SettingsError


class Reload:
    """Reads the settings by ``read`` when asked to, and tells each part of them."""

    log = Logger()

    def __init__(self, read: Callable[[], Settings]) -> None:
        self._read = read
        self._parts: list[Callable[[Settings], None]] = []

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
        self.log.info("the settings were read anew")
