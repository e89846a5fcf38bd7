"""A line as it was read, before its turn has come: what it asks, or what is wrong with it."""

from dataclasses import dataclass

from bankd.codes import Refused
from bankd.wire import codec, states
from bankd.wire.messages import Message


@dataclass(frozen=True, slots=True)
class Asked:
    """A line as it was read: the ``message``, or what refuses it; its ``kind`` where the verb was known."""

    tag: str
    kind: type[Message] | None = None
    message: Message | None = None
    refused: Refused | None = None


def read_asked(line: bytes) -> Asked:
    """What ``line`` asks, or what is wrong with it."""
    try:
        request = codec.split(line)
    except codec.Malformed as malformed:
        return Asked(malformed.tag or "*", refused=malformed)
    kind = None
    try:
        kind = codec.kind_of(request)
        return Asked(request.tag, kind, codec.read_message(kind, request))
    except Refused as refused:
        return Asked(request.tag, kind, refused=refused)


def may_overlap(asked: Asked) -> bool:
    """Whether a request may begin while others of its kind are under way."""
    return asked.message is not None and states.RULES[type(asked.message)].overlaps
