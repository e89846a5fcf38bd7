"""What is to be sealed, and for whom: the bank whose identity is known, or who shares a key with this terminal.

Nothing secret is sent before ``begin`` has ended well: before the key that the bank publishes is found to be signed by
the bank's identity, and of today.
"""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from bankd.client.address import Address
from bankd.client.answers import read
from bankd.client.conversation import Conversation
from bankd.client.errors import Cause, NoBank
from bankd.client.known_banks import Acquaintance, Introduced, identity_in
from bankd.client.seals import SealedSecrets, SealedSession
from bankd.records import PublishedKeys
from bankd.wire import key_set, messages
from bankd.wire.codec import NotReply
from bankd.wire.key_set import BadKeySet
from bankd.wire.seal import KEY_OCTETS, NotSealingKey, SealingKey, key_from


class Extent(StrEnum):
    """How much is sealed."""

    SESSION = "session"
    SECRETS = "secrets"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Sealing:
    """How much to seal, and how the key for that is had: ``shared`` beforehand, or from a bank that ``bank`` knows."""

    extent: Extent
    bank: Acquaintance
    shared: SealingKey | None = None
    random: Callable[[int], bytes] = field(default=os.urandom, repr=False)

    async def begin(
        self, conversation: Conversation, address: Address, now: float, tell: Callable[[str], object]
    ) -> None:
        """Have ``conversation`` with the bank at ``address`` sealed from here on. Raises NoBank and LostBank.

        ``tell`` is told in words what a person should know.
        """
        if self.extent is Extent.OFF:
            return
        answer = await conversation.ask(messages.Keys())
        if answer.code.refuses:
            busy = answer.code.number >= 500
            raise NoBank(address, Cause.TURNED_AWAY if busy else Cause.NOT_SEALING, answer.code)
        try:
            published = read(PublishedKeys, answer.fields)
        except NotReply as error:
            raise NoBank(address, Cause.BAD_KEYS) from error
        key = self.shared or self._checked(published, address, now, tell)
        if self.extent is Extent.SECRETS:
            conversation.seal(SealedSecrets(key, published.nonce))
            return
        conversation.seal(SealedSession(key, published.nonce, self.random(KEY_OCTETS)))
        answer = await conversation.ask(messages.Noop())
        if answer.code.refuses:
            raise NoBank(address, Cause.TURNED_AWAY, answer.code)

    def _checked(
        self, published: PublishedKeys, address: Address, now: float, tell: Callable[[str], object]
    ) -> SealingKey:
        """The key that the bank publishes, if this is the bank. Raises NoBank."""
        identity = identity_in(published.identity, address)
        self.bank.vet(address, identity)
        try:
            key = key_set.read(identity, published.keys, now)
        except BadKeySet as error:
            raise NoBank(address, Cause.BAD_KEYS) from error
        self.bank.remember(address, identity, tell)
        return key


OPEN = Sealing(Extent.OFF, Introduced(""))
"""To seal nothing."""


def shared_key(path: Path) -> SealingKey:
    """The key in the file ``path`` that ``bankctl key share`` wrote. Raises OSError and NotSealingKey."""
    try:
        key = key_from(json.loads(path.read_bytes()))
    except ValueError as error:
        raise NotSealingKey("it is no JSON Web Key") from error
    if key.algorithm != "dir":
        raise NotSealingKey("the key in it is not one to share")
    return key
