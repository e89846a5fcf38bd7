"""How far the peer of a connection has come, and what then answers its requests.

1. A peer begins as a visitor, and may become a customer or an operator, once; which verb it may use is in the table of
   ``wire.states``.
2. When its standing has ended it has no perspective any more, also none that it was still being given.
"""

from collections.abc import Callable
from typing import Any

from twisted.cred.credentials import Anonymous
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred

from bankd import codes
from bankd.codes import Refused
from bankd.credentials import OperatorOrigin
from bankd.ibank import ICustomer, IVisitor
from bankd.ioperator import IOperator
from bankd.protocols import answers, operator_answers
from bankd.protocols.answers import Answer
from bankd.protocols.asked import Asked
from bankd.protocols.peer import Peer
from bankd.wire import acts, messages, states
from bankd.wire.states import State


class Standing:
    """That of one connection's peer; ``logged_in`` is called when it has become more than a visitor.

    ``known_as`` is who it then is, for the log: the ``account`` of the session, or the name of the ``operator``.
    """

    def __init__(self, portal: Portal, logged_in: Callable[[], None]) -> None:
        self.state = State.VISITOR
        self.visitor: Any = None
        self.perspective: Any = None
        self.known_as: dict[str, str] = {}
        self._portal = portal
        self._logged_in = logged_in
        self._endings: list[Callable[[], object]] = []
        self._over = False

    def enter(self, peer: Peer) -> Deferred[None]:
        """Let ``peer`` in as a visitor."""
        self._peer = peer
        return self._portal.login(Anonymous(), peer, IVisitor).addCallback(self._entered)

    def answer(self, asked: Asked) -> Any:
        """The answer to one request, or what is awaited for it. Raises Refused."""
        obstacle = states.obstacle(self.state, asked.kind) if asked.kind else None
        if obstacle is not None:
            raise Refused(obstacle)
        match asked.message:
            case None:
                raise asked.refused or Refused(codes.BAD_LINE)
            case messages.Login() | messages.OneTime() as log_in if self.state is State.VISITOR:
                proofs: Any = answers.credentials(log_in, self._peer.origin)
                return self._log_in(proofs, ICustomer, State.CUSTOMER, answers.welcome)
            case acts.Operate():
                proofs = OperatorOrigin(self._peer.origin)
                return self._log_in(proofs, IOperator, State.OPERATOR, operator_answers.known)
            case messages.SignUp() as sign_up:
                return answers.sign_up(self.visitor, sign_up)
            case messages.Keys():
                return answers.keys(self.visitor)
            case messages.Noop() as noop:
                return answers.keep(self.perspective, noop) if self.state is State.CUSTOMER else Answer()
            case messages.Logout():
                return self.end().addCallback(lambda _: Answer(ends=True))
            case message:
                return operator_answers.EVERYBODY[type(message)](self.perspective, message)

    def end(self) -> Deferred[Any]:
        """End the perspectives, the customer's first; fires when the account is free. It may be called again."""
        self._over = True
        endings, self._endings = reversed(self._endings), []
        return DeferredList([maybeDeferred(ending) for ending in endings])

    def _entered(self, avatar: tuple[Any, Any, Callable[[], object]]) -> None:
        _, self.visitor, leave = avatar
        self._endings.append(leave)

    async def _log_in(self, proofs: Any, interface: Any, state: State, answer: Callable[[Any], Answer]) -> Answer:
        """The answer to who becomes a customer or an operator by ``proofs``."""
        avatar: Any = await self._portal.login(proofs, self._peer, interface)
        _, perspective, log_out = avatar
        if self._over:
            log_out()
            raise Refused(codes.OVER)
        self.perspective, self.state = perspective, state
        self._endings.append(log_out)
        self._logged_in()
        answered = answer(perspective)
        self.known_as = {name: who for name in ("account", "operator") if (who := getattr(answered.body, name, None))}
        return answered
