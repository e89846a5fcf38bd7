"""Messages as lines of a file, for tests, and for another program that takes them from there."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Lock
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from zope.interface import implementer

from bankd.ibank import NotDelivered
from bankd.idelivery import ICourier, Unusable
from bankd.records import Contact, Parcel
from bankd.wire import grammar


@implementer(ICourier)
class File:
    """Appends each parcel as one line of JSON, which is on the disk before the parcel counts as handed over.

    The file is made for its owner alone; it may be moved away at any time, and is then made anew. It reaches everybody.
    """

    way = "file"

    def __init__(
        self, settings: Mapping[str, Any], reactor: Any, in_thread: Callable[..., Deferred[None]] | None = None
    ) -> None:
        self._path: Path | None = settings["path"]
        if self._path is None:
            raise Unusable("path: it takes the file to append messages to")
        if not self._path.parent.is_dir():
            raise Unusable(f"path: there is no folder {self._path.parent}")
        self._reactor = reactor
        self._in_thread = in_thread or self._in_pool
        self._lock = Lock()

    def address(self, contact: Contact) -> str:
        """The mobile number or e-mail address, where the bank knows one."""
        return contact.mobile or contact.email or ""

    def send(self, contact: Contact, parcel: Parcel) -> Deferred[None]:
        """Append ``parcel``."""
        said = {"at": grammar.write_time(int(self._reactor.seconds() * 1_000_000))} | as_json(contact, parcel)
        return self._in_thread(self._append, (json.dumps(said) + "\n").encode())

    def _in_pool(self, function: Callable[..., None], *arguments: Any) -> Deferred[None]:
        return deferToThreadPool(self._reactor, self._reactor.getThreadPool(), function, *arguments)

    def _append(self, line: bytes) -> None:
        """Append a whole line or nothing."""
        assert self._path is not None
        try:
            with self._lock, open(self._path, "ab", buffering=0, opener=_private) as file:
                end = os.fstat(file.fileno()).st_size
                try:
                    if file.write(line) < len(line):
                        raise OSError("only a part could be written")
                    os.fsync(file.fileno())
                except OSError:
                    file.truncate(end)
                    raise
        except OSError as error:
            why = error.strerror or "only a part could be written"
            raise NotDelivered(f"{self._path}: {why}", transient=True) from None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def as_json(contact: Contact, parcel: Parcel) -> dict[str, str | None]:
    """What a program is told of a parcel: whom it is for, and what it says."""
    return {
        "name": contact.name,
        "mobile": contact.mobile,
        "email": contact.email,
        "subject": parcel.subject,
        "text": parcel.text,
    }
