"""The bank's certificate while the bank runs: its own is renewed in time, and a file that was replaced is taken up.

What cannot be renewed or taken up is logged, and looked at again an hour later; until then the bank serves with what it
has. Connections that are open keep what they began with.
"""

import ssl
from datetime import UTC, datetime
from pathlib import Path

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from bankd import certificates, tls
from bankd.certificates import CertificateError

LOOK_SECONDS = 3600
"""How often to look."""


class Renewal:
    """Keeps what ``context`` shows in step with the files ``certificate`` and ``key``.

    ``own`` is the folder of the bank's own certificate, which is renewed in it; None for a certificate by others.
    """

    log = Logger()

    def __init__(
        self, context: ssl.SSLContext, certificate: Path, key: Path, own: Path | None, clock: IReactorTime
    ) -> None:
        self._context = context
        self._files = (certificate, key)
        self._own = own
        self._clock = clock
        self._shown = certificate.read_bytes()
        self._loop = LoopingCall(self.look)
        self._loop.clock = clock

    def begin(self) -> None:
        """Look every LOOK_SECONDS from now on; what there is now was read a moment ago."""
        self._loop.start(LOOK_SECONDS, now=False)

    def end(self) -> None:
        """Look no more."""
        if self._loop.running:
            self._loop.stop()

    def look(self) -> None:
        """Renew the bank's own certificate where that is due, and take up files that were replaced."""
        certificate, key = self._files
        try:
            if self._own is not None:
                certificates.renew_server_certificate(self._own, datetime.fromtimestamp(self._clock.seconds(), UTC))
            found = certificate.read_bytes()
            if found != self._shown:
                tls.show(self._context, certificate, key)
                self._shown = found
                self.log.info("new connections are shown the new certificate in {path}", path=certificate)
        except (OSError, CertificateError, tls.Unusable) as error:
            self.log.warn("the certificate is as old as before: {why}", why=error)
