"""Lines as they are read, before their turn has come: what they ask, or what is wrong with them.

1. A request is one line. BULK alone has more: its items stand in lines before its own, directly and with its tag.
   Together they are one request, which has one answer.
2. Items are kept as values, MAX_BULK of them at most and none that follow one at fault; those of who has not logged in
   are only counted.
3. What is wrong with items is told in answer to their BULK, or in its place when another line comes instead. A part of
   a set is never taken for the whole: BULK says how many there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bankd import codes
from bankd.codes import Refused
from bankd.wire import codec, messages, states
from bankd.wire.codec import Request
from bankd.wire.messages import MAX_BULK, Bulk, BulkItem, Message
from bankd.wire.seal import BrokenSeal
from bankd.wire.sealed_lines import SealedLines


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it was read: the ``message``, or what refuses it; its ``kind`` where the verb was known.

    ``items`` is how many are kept for it.
    """

    tag: str
    kind: type[Message] | None = None
    message: Message | None = None
    refused: Refused | None = None
    items: int = 0


@dataclass(slots=True)
class Items:
    """The items that have come with one ``tag``; ``fault`` is what refuses them."""

    tag: str
    fault: Refused | None = None
    count: int = 0
    kept: list[BulkItem] = field(default_factory=list)

    def add(self, item: Request | None) -> None:
        """Take one more in; None is one that has not the form of an item."""
        self.count += 1
        if self.fault is not None and self.fault.code is not codes.BAD_FIELD:
            return
        if self.count > MAX_BULK:
            self._refuse(Refused(codes.BAD_ITEMS))
        elif item is None:
            self._refuse(Refused(codes.BAD_ITEMS, place=self.count))
        elif self.fault is None:
            try:
                self.kept.append(codec.read_item(BulkItem, item))
            except Refused as refused:
                self._refuse(Refused(refused.code, refused.field, self.count))

    def _refuse(self, fault: Refused) -> None:
        self.fault = fault
        self.kept.clear()


class Reader:
    """Reads the lines of one connection; those of a sealed session are unsealed by ``inward``."""

    def __init__(self) -> None:
        self.inward: SealedLines | None = None
        self._items: Items | None = None

    def read(self, line: bytes, is_customer: bool) -> Sequence[Asked]:
        """What is asked with ``line``: nothing yet by an item, and two things by a line that cuts off items."""
        try:
            request = codec.split(line if self.inward is None else self.inward.unseal(line))
        except BrokenSeal:
            return [Asked("*", refused=Refused(codes.BROKEN_SEAL))]
        except codec.Malformed as malformed:
            if malformed.tag is not None and malformed.is_item:
                return self._add(malformed.tag, None, is_customer)
            return [*self._cut_off(), Asked(malformed.tag or "*", refused=malformed)]
        if request.verb == codec.ITEM:
            return self._add(request.tag, request, is_customer)
        if self._items is None:
            return [_asked(request)]
        if (request.tag, request.verb) != (self._items.tag, Bulk.verb):
            return [*self._cut_off(), _asked(request)]
        items, self._items = self._items, None
        return [_asked(request, items)]

    def _add(self, tag: str, item: Request | None, is_customer: bool) -> Sequence[Asked]:
        """Take an item in; what it cuts off is answered."""
        cut_off = self._cut_off() if self._items is not None and self._items.tag != tag else []
        if self._items is None:
            self._items = Items(tag, None if is_customer else Refused(codes.NEEDS_LOGIN))
        self._items.add(item)
        return cut_off

    def _cut_off(self) -> Sequence[Asked]:
        """Give up the items that wait for their BULK; what is then answered."""
        items, self._items = self._items, None
        return [] if items is None else [Asked(items.tag, Bulk, refused=_without_bulk(items))]


def may_overlap(asked: Asked) -> bool:
    """Whether a request may begin while others of its kind are under way."""
    return asked.message is not None and states.RULES[type(asked.message)].overlaps


def _asked(request: Request, items: Items | None = None) -> Asked:
    """What a request asks, which is not an item; ``items`` came before it."""
    kind = None
    try:
        kind = codec.kind_of(request)
        if kind is not Bulk:
            return Asked(request.tag, kind, codec.read_message(kind, request))
        bulk = _bulk(request, items)
        return Asked(request.tag, kind, bulk, items=len(bulk.items))
    except Refused as refused:
        return Asked(request.tag, kind, refused=refused)


def _bulk(request: Request, items: Items | None) -> Bulk:
    """The BULK that ends ``items``. Raises Refused."""
    if items is None:
        raise Refused(codes.BAD_ITEMS)
    if items.fault is not None and items.fault.code is not codes.BAD_FIELD:
        raise items.fault
    bulk = codec.read_item(messages.Bulk, request)
    if bulk.count != items.count:
        raise Refused(codes.BAD_ITEMS)
    if items.fault is not None:
        raise items.fault
    return replace(bulk, items=tuple(items.kept))


def _without_bulk(items: Items) -> Refused:
    """What refuses items that were cut off."""
    return (
        items.fault if items.fault is not None and items.fault.code is codes.NEEDS_LOGIN else Refused(codes.BAD_ITEMS)
    )
