"""The realm: gives each comer the perspective that the credentials earn, and the function that ends it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twisted.cred.checkers import ANONYMOUS, AllowAnonymousAccess
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred
from zope.interface import implementer

from bankd import codes
from bankd.bank import access, lockout
from bankd.bank.operators import Badge
from bankd.codes import Refused
from bankd.ibank import ICustomer, IFigures, IMind, IVisitor
from bankd.ioperator import IOperator
from bankd.perspectives.branch import Branch
from bankd.perspectives.checkers import CHECKERS, Proven
from bankd.perspectives.customer import Customer
from bankd.perspectives.figures import Figures
from bankd.perspectives.operator import Operator
from bankd.perspectives.visitor import Visitor
from bankd.records import Session
from bankd.store.engines import Transaction

Avatar = tuple[Any, Any, Callable[[], Any]]


@implementer(IRealm)
class Realm:
    """Perspectives on one branch of the bank."""

    def __init__(self, branch: Branch) -> None:
        self._branch = branch

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """``IVisitor`` or ``IFigures`` for anonymous comers, ``ICustomer`` and ``IOperator`` for proven ones."""
        if avatarId is ANONYMOUS and IVisitor in interfaces:
            visitor = Visitor(self._branch)
            return IVisitor, visitor, visitor.leave
        if avatarId is ANONYMOUS and IFigures in interfaces:
            return IFigures, Figures(self._branch.tally), lambda: None
        if isinstance(avatarId, Proven) and ICustomer in interfaces:
            return Deferred.fromCoroutine(self._open_session(avatarId, IMind(mind)))
        if isinstance(avatarId, Badge) and IOperator in interfaces:
            return IOperator, Operator(self._branch, avatarId), lambda: None
        raise NotImplementedError("no such perspective")

    async def _open_session(self, proven: Proven, mind: Any) -> Avatar:
        opened = await self._branch.lane.run(lambda tx: self._take_lease(tx, proven))
        if isinstance(opened, Refused):
            raise opened
        customer = Customer(self._branch, opened, mind)
        return ICustomer, customer, customer.log_out

    def _take_lease(self, tx: Transaction, proven: Proven) -> Session | Refused:
        """The session, or why there is none: returned and not raised, lest it be undone that the try does not count."""
        terms, claim, tried = self._branch.terms, proven.claim, proven.tried
        try:
            session = access.open_session(tx, claim, terms, proven.registered)
        except Refused as refused:
            if refused.code is codes.IN_USE:
                lockout.give_back(tx, tried, terms.lockout)
            return refused
        token = None
        if tried.wants_token:
            token = self._branch.tokens.new(claim.customer_id, tried.generation, self._branch.random_below)
        failed = lockout.succeeded(tx, tried, terms.lockout)
        return replace(session, welcome=replace(session.welcome, failed=failed or None, terminal=token))


def portal(branch: Branch) -> Portal:
    """The way into ``branch``: all that a protocol is ever handed."""
    return Portal(Realm(branch), [AllowAnonymousAccess(), *(checker(branch) for checker in CHECKERS)])
