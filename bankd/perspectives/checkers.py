"""A checker for each kind of credentials: it says which customer and account they stand for, or refuses them.

1. An unknown name, number or account costs the same work and gets the same answer as a wrong secret.
2. A failure is ``codes.Refused`` with WRONG_SECRET, or after several LOCKED or WAIT; nothing tells which part was
   wrong.
3. What a checker gives as the avatar's id is a ``Proven``, or of an operator a ``Badge``, for the realm alone.
"""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from twisted.cred.checkers import ICredentialsChecker
from twisted.internet.defer import Deferred
from zope.interface import Interface, implementer

from bankd import codes
from bankd.bank import access, accounts, contact, lockout, one_time, operators, strength
from bankd.bank.access import Claim
from bankd.bank.lockout import Tried
from bankd.bank.one_time import Purpose
from bankd.codes import Refused
from bankd.credentials import (
    NOWHERE,
    AccountPin,
    IAccountPin,
    IMobilePin,
    INamePassword,
    IOneTimePassword,
    IOperatorOrigin,
    MobilePin,
    NamePassword,
    OneTimePassword,
    Origin,
)
from bankd.perspectives import second_factor, tries, turns
from bankd.perspectives.branch import Branch
from bankd.store.claims import Found, Identity
from bankd.store.customers import AccountRow
from bankd.store.engines import Transaction


@dataclass(frozen=True, slots=True)
class Proven:
    """A claim whose secret was right, which came from ``origin``, and the try that it was.

    ``registered`` when that log-in has just made the customer, ``answered`` when a one-time password was given too;
    ``take_over`` when the account is to be had, or with ``answered`` may be had, from another session.
    """

    claim: Claim
    tried: Tried
    origin: Origin = NOWHERE
    registered: bool = False
    answered: bool = False
    take_over: bool = False

    @property
    def takes_over(self) -> bool:
        """Whether the account may be taken from another session."""
        return self.answered and self.take_over


@implementer(ICredentialsChecker)
class Checker:
    """What the checkers share: ``_check`` answers for one kind of credentials, by a coroutine of a ``Proven``."""

    credentialInterfaces: ClassVar[tuple[type[Interface], ...]] = ()

    def __init__(self, branch: Branch) -> None:
        self._branch = branch

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """A ``Proven``, or Refused."""
        return self._branch.tries(turns.at_the_door(credentials.origin), self._check, credentials)

    async def _check(self, given: Any) -> Proven:
        raise NotImplementedError

    async def _check_terminal(self, origin: Origin) -> None:
        """Raises Refused: NEEDS_TERMINAL where a PIN is not taken from ``origin``."""
        branch = self._branch
        if branch.terms.pin_terminals and not await branch.read(access.is_enrolled, origin.certificate):
            raise Refused(codes.NEEDS_TERMINAL)

    async def _prove(self, identity: Identity, secret: str, given: Any) -> Proven:
        """The claim to be ``identity`` with its secret checked, after the same work whether that is somebody or not."""
        found, tried = await tries.look_up(self._branch, identity, given.origin)
        claim = access.claim_of(identity, found)
        hashed = claim.hashed if claim else None
        renewed = await tries.make(self._branch, tried, lambda place: self._branch.proven(place, hashed, secret))
        if claim is None or renewed is None:
            raise Refused(codes.WRONG_SECRET)
        return Proven(replace(claim, renewed=renewed), tried, given.origin, take_over=given.take_over)


class NamePasswordChecker(Checker):
    """Checks user name and password."""

    credentialInterfaces = (INamePassword,)

    async def _check(self, given: NamePassword) -> Proven:
        return await self._prove(Identity("username", given.username, "password", given.account), given.password, given)


class AccountPinChecker(Checker):
    """Checks an account's number and PIN."""

    credentialInterfaces = (IAccountPin,)

    async def _check(self, given: AccountPin) -> Proven:
        await self._check_terminal(given.origin)
        return await self._prove(Identity("account", given.account, "pin", given.account), given.pin, given)


class MobilePinChecker(Checker):
    """Checks mobile number and PIN; where the terms say so, an unknown number becomes a customer with this PIN.

    Refused also with BAD_FIELD (mobile), and for a new customer WEAK_SECRET (pin).
    """

    credentialInterfaces = (IMobilePin,)

    async def _check(self, given: MobilePin) -> Proven:
        await self._check_terminal(given.origin)
        terms = self._branch.terms
        mobile = contact.e164(given.mobile, terms.region)
        may_register = terms.registers_mobiles and given.account is None
        if may_register and not await self._branch.read(access.is_known_mobile, mobile):
            try:
                return await self._register(mobile, given.pin, given.origin)
            except Refused as refused:
                if refused.code is not codes.TAKEN:  # by another terminal, at this very moment: it is known now
                    raise
        return await self._prove(Identity("mobile", mobile, "pin", given.account), given.pin, given)

    async def _register(self, mobile: str, pin: str, origin: Origin) -> Proven:
        strength.check("pin", pin, [mobile])
        hashed = await self._branch.hash(turns.visitor(origin.host, origin.certificate), pin)

        def sign_up(tx: Transaction) -> AccountRow:
            branch = self._branch
            return accounts.sign_up(tx, branch.terms, branch.random_below, {"mobile": mobile}, {"pin": hashed})

        account = await self._branch.lane.run(sign_up)
        claim = Claim(account.customer_id, account.id, "pin", hashed)
        tried = lockout.at_log_in(
            self._branch.tokens, Identity("mobile", mobile, "pin"), Found(claim.customer_id), origin
        )
        return Proven(claim, tried, origin, registered=True)


class OneTimePasswordChecker(Checker):
    """Checks the one-time password that a log-in was asked for; what it proves is that log-in's own claim.

    Wrong ones count as wrong secrets do (``bank.lockout``). Refused with NO_CHALLENGE, WRONG_CODE, LOCKED and WAIT, and
    WRONG_SECRET where the secret was changed meanwhile.
    """

    credentialInterfaces = (IOneTimePassword,)

    async def _check(self, given: OneTimePassword) -> Proven:
        branch = self._branch
        tried = await tries.look_up_challenge(branch, given.challenge, given.origin)
        answer = await tries.make(branch, tried, lambda _: second_factor.give(branch, given.challenge, given.password))
        if not answer:
            raise second_factor.wrong(answer)
        claim = await branch.read(one_time.answered_claim, branch.codebook, answer.challenge)
        registered = await branch.read(access.is_newcomer, claim.customer_id)
        takes_over = answer.challenge.purpose == Purpose.TAKEOVER
        return Proven(claim, tried, given.origin, registered, answered=True, take_over=takes_over)


@implementer(ICredentialsChecker)
class OperatorChecker:
    """Checks who is at the other end: gives a ``Badge`` as the avatar's id, or NO_OPERATOR."""

    credentialInterfaces = (IOperatorOrigin,)

    def __init__(self, branch: Branch) -> None:
        self._branch = branch

    def requestAvatarId(self, credentials: Any) -> Deferred[Any]:
        """A ``Badge``, or Refused."""
        origin = credentials.origin
        return self._branch.read(operators.badge, origin.uid, origin.certificate, self._branch.owners)


CHECKERS: tuple[type[Checker | OperatorChecker], ...] = (
    NamePasswordChecker,
    AccountPinChecker,
    MobilePinChecker,
    OneTimePasswordChecker,
    OperatorChecker,
)
"""The checker of every way in."""
