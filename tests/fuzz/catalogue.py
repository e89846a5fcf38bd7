"""Every target by its name, as ``--only`` takes it."""

from collections.abc import Callable

from tests.fuzz import datagrams, files, front, seals, streams, wire
from tests.fuzz.target import Target

TARGETS: dict[str, Callable[[], Target]] = {
    "requests": wire.Requests,
    "replies": wire.Replies,
    "values": wire.Values,
    "amounts": wire.Amounts,
    "jwes": seals.Jwes,
    "contents": seals.Contents,
    "sealed-lines": seals.Lines,
    "key-sets": seals.KeySets,
    "keys": seals.Keys,
    "datagrams": datagrams.Datagrams,
    "windows": datagrams.Windows,
    "payments": files.Payments,
    "accounts": files.Accounts,
    "settings": files.Settings,
    "tasks": files.Tasks,
    "cuts": streams.Cuts,
    "talk": streams.Talk,
    "front": front.Front,
    "pages": front.Pages,
}
