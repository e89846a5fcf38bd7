"""What the bank gave this terminal to be trusted by, in a file of the user's own; all works without it too.

1. A token is kept for each bank, by its address, and each way in, by who was claimed to be. It is no secret that lets
   anybody in: it only has the bank count this terminal's failures apart from strangers'.
2. The file is JSON, for its owner alone. One that cannot be read or written is as good as none, and that is not told.
"""

import contextlib
import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import mkstemp

from bankd.client.address import Address
from bankd.wire.grammar import TOKEN
from bankd.wire.messages import Login

NEW = "new"
"""What a terminal shows that has no token and would keep one."""

MOST = 100
"""Tokens that are kept, the newest ones: a shared terminal may see many customers."""


def file_of(environment: Mapping[str, str]) -> Path:
    """Where tokens are kept: in the data folder of the user (XDG Base Directory Specification)."""
    data = environment.get("XDG_DATA_HOME", "")
    folder = Path(data) if os.path.isabs(data) else Path(environment.get("HOME", "/"), ".local", "share")
    return folder / "bankd" / "terminals"


class Tokens:
    """The tokens of the bank at ``address``, kept in the file ``path``."""

    def __init__(self, path: Path, address: Address) -> None:
        self._path = path
        self._bank = str(address)

    def shown(self, login: Login) -> Login:
        """``login`` with the token that this terminal was given, or the wish for one."""
        return replace(login, terminal=self._read().get(self._key(login), NEW))

    def kept(self, login: Login, granted: Mapping[str, str]) -> Login:
        """``login`` as it is to be sent the next time: with the token that was ``granted``, which is kept too."""
        token = granted.get("terminal", "")
        if TOKEN.pattern.fullmatch(token) is None:
            return login
        self._keep(self._key(login), token)
        return replace(login, terminal=token)

    def _keep(self, key: str, token: str) -> None:
        tokens = self._read()
        tokens.pop(key, None)
        newest = dict([*tokens.items(), (key, token)][-MOST:])
        with contextlib.suppress(OSError):
            self._write(json.dumps(newest, indent=1))

    def _key(self, login: Login) -> str:
        ways = (("user", login.username), ("mobile", login.mobile), ("account", login.account))
        return next(f"{self._bank} {way}:{who}" for way, who in ways if who is not None)

    def _read(self) -> dict[str, str]:
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        entries = found.items() if isinstance(found, dict) else ()
        return {key: token for key, token in entries if isinstance(token, str) and TOKEN.pattern.fullmatch(token)}

    def _write(self, text: str) -> None:
        """Write the file whole or not at all; ``mkstemp`` makes files that only their owner can read."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = mkstemp(dir=self._path.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(draft, self._path)
        except OSError:
            os.unlink(draft)
            raise
