"""Asking customers for one-time passwords, and trying what they give: between the bank's rules and the post."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from bankd import codes
from bankd.bank import letters, one_time
from bankd.bank.one_time import CHALLENGE_SECONDS, Given, Question
from bankd.codes import Refused
from bankd.ibank import NotDelivered
from bankd.perspectives.branch import Branch
from bankd.records import Session, TriesLeft

HANDOVER_SECONDS = 5.0
"""How long an answer waits for its message to be handed over; whoever asked would else take the bank for dead."""

_log = Logger()


async def refusal(branch: Branch, question: Question) -> Refused:
    """The refusal that asks the customer for a one-time password, which is on its way by then.

    It is NO_DEVICE where none can reach the customer. Raises Refused: WAIT, BUSY.
    """
    contact = await branch.read(one_time.contact, question.customer_id)
    route = branch.post.route(contact)
    asked = await branch.lane.run(lambda tx: one_time.ask(tx, branch.codebook, branch.random_below, question, route))
    if asked.password is not None:
        parcel = letters.password(branch.terms.name, asked.password, question.what, CHALLENGE_SECONDS)
        if not await _sent(branch.post.send(contact, parcel), branch.clock):
            return Refused(codes.NO_DEVICE)
    return Refused(codes.ONE_TIME, about=asked.challenged)


def _sent(sending: Deferred[None], clock: IReactorTime) -> Deferred[bool]:
    """Whether ``sending`` did not fail at once. What takes longer than HANDOVER_SECONDS goes on, and fails unseen."""
    settled: Deferred[bool] = Deferred()

    def settle(well: bool) -> None:
        if not settled.called:
            settled.callback(well)
        if timer.active():
            timer.cancel()

    def failed(failure: Failure) -> None:
        failure.trap(NotDelivered, Refused)
        _log.warn("a one-time password could not be sent: {why}", why=failure.getErrorMessage())
        settle(False)

    timer = clock.callLater(HANDOVER_SECONDS, settle, True)
    sending.addCallbacks(lambda _: settle(True), failed)
    return settled


def give(branch: Branch, challenge: str, password: str, session: Session | None = None) -> Deferred[Given]:
    """Try a password for a challenge of ``session``, or without one for a log-in's. Refused: NO_CHALLENGE, BUSY."""
    return branch.lane.run(lambda tx: one_time.give(tx, branch.codebook, challenge, password, session))


def wrong(given: Given) -> Refused:
    """The refusal of a password that was not the right one."""
    return Refused(codes.WRONG_CODE, about=TriesLeft(given.left))
