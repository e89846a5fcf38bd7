"""Where a bank is."""

import re
from dataclasses import dataclass

DEFAULT_PORT = 65432

_HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<host>[^\[\]:]+))(?::(?P<port>[0-9]{1,5}))?", re.ASCII)


class NotAnAddress(ValueError):
    """The text is not HOST, HOST:PORT or [IPv6]:PORT."""


@dataclass(frozen=True, slots=True)
class Address:
    """The name or IP address that a bank's certificate must bear, and its TCP port."""

    host: str
    port: int = DEFAULT_PORT

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read ``bank.example:65432``, ``192.0.2.7:65432`` or ``[2001:db8::7]:65432``, or one without its port."""
        found = _HOST_AND_PORT.fullmatch(text)
        if found is None:
            raise NotAnAddress(text)
        port = int(found["port"] or DEFAULT_PORT)
        if not 0 < port < 65536:
            raise NotAnAddress(text)
        return cls(found["v6"] or found["host"], port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"
