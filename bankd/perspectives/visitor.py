"""Somebody who has not said who they are."""

from typing import Any

from zope.interface import implementer

from bankd import codes
from bankd.bank import accounts, contact, strength
from bankd.codes import Code, Refused
from bankd.ibank import IVisitor
from bankd.perspectives import turns
from bankd.perspectives.branch import Branch
from bankd.perspectives.turns import Comer
from bankd.records import AccountView, Greeting, PublishedKeys
from bankd.store.engines import Transaction
from bankd.wire.seal import Sealed


@implementer(IVisitor)
class Visitor:
    """A visitor to a branch: may become a customer, and is counted while there. ``mind`` tells where they are."""

    def __init__(self, branch: Branch, mind: Any) -> None:
        self._branch = branch
        self._mind = mind
        self._there = True
        self.limits = branch.limits
        self.sealing = branch.sealing
        self._nonce: str | None = None
        self._sealed = 0
        self.greeting = Greeting("BANK/1", branch.terms.name, branch.terms.currency)
        branch.tally.come()

    async def keys(self) -> PublishedKeys:
        """What is needed to seal for this connection, whose nonce is made when it is first asked for."""
        published = await self._branch.seals.published(self._comer)
        if self._nonce is None:
            self._nonce = f"{self._branch.random_below(2**128):032x}"
        return PublishedKeys(published, self._branch.signer.x, self._nonce)

    async def unseal(self, jwe: str) -> Sealed:
        """What is sealed, if it is for this connection, and in its turn."""
        place, self._sealed = self._sealed, self._sealed + 1
        sealed: Sealed = await self._branch.seals.unseal(jwe, self._comer)
        if (sealed.nonce, sealed.count) != (self._nonce, place):
            raise Refused(codes.BROKEN_SEAL)
        return sealed

    @property
    def _comer(self) -> Comer:
        return turns.visitor(self._mind.host, self._mind.certificate)

    def leave(self) -> None:
        """Count the visitor no more."""
        if self._there:
            self._there = False
            self._branch.tally.leave()

    def task_done(self) -> None:
        """Count a task that was answered."""
        self._branch.tally.tasks_processed += 1

    def answered(self, verb: str, code: Code, seconds: float) -> None:
        """Count a request that was answered."""
        self._branch.tally.answer(verb, code.number, code.reason, seconds)

    async def sign_up(
        self, username: str, password: str, mobile: str, pin: str | None, name: str | None, email: str | None
    ) -> AccountView:
        """Make a customer with a first account."""
        secrets = {"password": password} if pin is None else {"password": password, "pin": pin}
        details = {"username": username, "mobile": mobile, "name": name, "email": email}
        # Among the log-ins: where there are too many of either they are refused before anything is written for them.
        made: Any = self._branch.tries(self._comer, self._sign_up, secrets, details)
        view: AccountView = await made
        return view

    async def _sign_up(self, secrets: dict[str, str], details: dict[str, str | None]) -> AccountView:
        branch = self._branch
        details["mobile"] = contact.e164(str(details["mobile"]), branch.terms.region)
        for kind, secret in secrets.items():
            strength.check(kind, secret, details.values())
        hashes = {kind: await branch.hash(self._comer, secret) for kind, secret in secrets.items()}

        def sign_up(tx: Transaction) -> AccountView:
            return accounts.sign_up(tx, branch.terms, branch.random_below, details, hashes).view()

        return await branch.lane.run(sign_up)
