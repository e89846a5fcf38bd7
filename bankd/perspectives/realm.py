"""The realm: gives each comer the perspective that the credentials earn, and the function that ends it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakValueDictionary

from twisted.cred.checkers import ANONYMOUS, AllowAnonymousAccess
from twisted.cred.credentials import Anonymous
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from zope.interface import implementer

from bankd import codes
from bankd.bank import access, letters, lockout, one_time
from bankd.bank.access import Claim
from bankd.bank.one_time import Purpose
from bankd.bank.operators import Badge
from bankd.bank.terms import OneTime
from bankd.codes import Code, Refused
from bankd.credentials import AccountPin, MobilePin, NamePassword, OneTimePassword, OperatorOrigin
from bankd.ibank import ICustomer, IFigures, IMind, IVisitor
from bankd.ioperator import IOperator
from bankd.perspectives import second_factor
from bankd.perspectives.branch import Branch
from bankd.perspectives.checkers import CHECKERS, Proven
from bankd.perspectives.customer import Customer
from bankd.perspectives.figures import Figures
from bankd.perspectives.operator import Operator
from bankd.perspectives.visitor import Visitor
from bankd.records import Session
from bankd.store.engines import Transaction

Avatar = tuple[Any, Any, Callable[[], Any]]

WAYS: dict[type[Any], str] = {
    NamePassword: "password",
    AccountPin: "pin",
    MobilePin: "mobile",
    OneTimePassword: "one_time",
    OperatorOrigin: "operator",
}
"""What a log-in is counted as, by the kind of its credentials."""


@implementer(IRealm)
class Realm:
    """Perspectives on one branch of the bank."""

    def __init__(self, branch: Branch) -> None:
        self._branch = branch
        # Who had the last session on an account at this node, by its id, as long as they are there.
        self._present: WeakValueDictionary[int, Any] = WeakValueDictionary()

    def requestAvatar(self, avatarId: object, mind: object, *interfaces: Any) -> Any:
        """``IVisitor`` or ``IFigures`` for anonymous comers, ``ICustomer`` and ``IOperator`` for proven ones."""
        if avatarId is ANONYMOUS and IVisitor in interfaces:
            visitor = Visitor(self._branch, IMind(mind))
            return IVisitor, visitor, visitor.leave
        if avatarId is ANONYMOUS and IFigures in interfaces:
            return IFigures, Figures(self._branch), lambda: None
        if isinstance(avatarId, Proven) and ICustomer in interfaces:
            return Deferred.fromCoroutine(self._open_session(avatarId, IMind(mind)))
        if isinstance(avatarId, Badge) and IOperator in interfaces:
            return IOperator, Operator(self._branch, avatarId, self._dismiss), lambda: None
        raise NotImplementedError("no such perspective")

    async def _open_session(self, proven: Proven, mind: Any) -> Avatar:
        if not proven.answered:
            await self._ask(proven)
        opened = await self._branch.lane.run(lambda tx: self._take_lease(tx, proven))
        if isinstance(opened, Refused):
            raise opened
        customer = Customer(self._branch, opened, mind)
        if proven.takes_over:
            self._dismiss(opened.account_id, codes.OVER)
        self._present[opened.account_id] = mind
        return ICustomer, customer, customer.log_out

    def _dismiss(self, account_id: int, code: Code) -> None:
        """Tell whoever had the last session on an account at this node that it is over."""
        before = self._present.get(account_id)
        if before is not None:
            before.dismiss(code)

    def _take_lease(self, tx: Transaction, proven: Proven) -> Session | Refused:
        """The session, or why there is none: returned and not raised, lest it be undone that the try does not count."""
        terms, claim, tried = self._branch.terms, proven.claim, proven.tried
        try:
            session = access.open_session(tx, claim, terms, proven.registered, proven.takes_over, proven.origin.host)
        except Refused as refused:
            if refused.code is codes.IN_USE:
                lockout.give_back(tx, tried, terms.lockout)
            return refused
        token = None
        if tried.wants_token:
            token = self._branch.tokens.new(claim.customer_id, tried.generation, self._branch.random_below)
        failed = lockout.succeeded(tx, tried, terms.lockout, claim.kind)
        return replace(session, welcome=replace(session.welcome, failed=failed or None, terminal=token))

    async def _ask(self, proven: Proven) -> None:
        """Raise the refusal that asks for a one-time password, where one is needed.

        That is so as the terms say, and whenever the account is to be taken from another session.
        """
        if proven.take_over and await self._branch.lane.run(lambda tx: self._is_taken(tx, proven)):
            question = one_time.log_in_question(proven.claim, Purpose.TAKEOVER, letters.TO_TAKE_OVER)
            raise await second_factor.refusal(self._branch, question)
        if await self._asks(proven):
            raise await self._refusal(proven)

    def _is_taken(self, tx: Transaction, proven: Proven) -> bool:
        """Whether a session holds the account; if so the try, which was right, does not count."""
        taken = access.is_taken(tx, proven.claim)
        if taken:
            lockout.give_back(tx, proven.tried, self._branch.terms.lockout)
        return taken

    async def _asks(self, proven: Proven) -> bool:
        """Whether a log-in needs a one-time password: where the terms say so, but for a PIN at an enrolled terminal."""
        if self._branch.terms.one_time is OneTime.OFF:
            return False
        return proven.claim.kind != "pin" or not await self._branch.read(access.is_enrolled, proven.origin.certificate)

    async def _refusal(self, proven: Proven) -> Refused:
        """What asks for the one-time password; IN_USE at once where the account is not free."""
        claim = await self._branch.lane.run(lambda tx: self._half_open(tx, proven))
        if isinstance(claim, Refused):
            return claim
        question = one_time.log_in_question(claim, Purpose.LOGIN, letters.TO_LOG_IN)
        return await second_factor.refusal(self._branch, question)

    def _half_open(self, tx: Transaction, proven: Proven) -> Claim | Refused:
        """The claim that a one-time password is needed for, or why there is none, as ``_take_lease``.

        This try does not count, but those before it still do: who has a stolen password, and tries one-time passwords,
        shall not begin anew with each.
        """
        try:
            claim: Claim | Refused = access.half_open(tx, proven.claim)
        except Refused as refused:
            if refused.code is not codes.IN_USE:
                return refused
            claim = refused
        lockout.give_back(tx, proven.tried, self._branch.terms.lockout)
        return claim


class Door(Portal):
    """A portal that counts log-ins, by the kind of credentials and by what refused them."""

    def __init__(self, realm: Realm, checkers: Sequence[Any], log_ins: Counter[tuple[str, str]]) -> None:
        super().__init__(realm, checkers)
        self._log_ins = log_ins

    def login(self, credentials: Any, mind: Any, *interfaces: Any) -> Deferred[Any]:
        """As ``Portal``; who comes without credentials is not counted."""
        coming: Deferred[Any] = super().login(credentials, mind, *interfaces)
        if isinstance(credentials, Anonymous):
            return coming
        return coming.addBoth(self._count, WAYS.get(type(credentials), "other"))

    def _count(self, result: Any, way: str) -> Any:
        failed = isinstance(result, Failure)
        refused = result.value if failed and result.check(Refused) else None
        self._log_ins[way, refused.code.reason if refused else "fault" if failed else "done"] += 1
        return result


def portal(branch: Branch) -> Portal:
    """The way into ``branch``: all that a protocol is ever handed."""
    checkers = [AllowAnonymousAccess(), *(checker(branch) for checker in CHECKERS)]
    return Door(Realm(branch), checkers, branch.tally.log_ins)
