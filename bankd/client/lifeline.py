"""A line to the bank that outlives its connection: what was lost is asked again, and money moves once.

1. Whatever moves money carries a key, made before it was first sent. When its answer does not come, or is that the bank
   could not, the same request is sent again with the same key, and the bank tells what became of it.
2. A connection that is lost in a session is made again, and the session opened again on the same account; so is one of
   a bank that closes, which may be back soon. What the bank ended for another reason of its own stays ended, unless
   there is something to ask again.
3. What does no harm when it is asked twice is asked again too. Any other request fails with LostBank.
4. The pauses between attempts grow, and end. What then has no answer fails with LostBank, and so it does when the
   asking is stopped; what was never sent fails with one that says so.
5. The credentials are kept here, in memory, while the session lasts, and nowhere else.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from bankd import codes
from bankd.client import words
from bankd.client.answers import Answer
from bankd.client.bank import Bank
from bankd.client.errors import Denied, Loss, LostBank, NoBank
from bankd.client.owed import Owed
from bankd.client.patience import Random, pauses
from bankd.client.tokens import Tokens
from bankd.client.way_back import WayBack
from bankd.records import Welcome
from bankd.wire.messages import Login, Message, Noop

Reach = Callable[[], Awaitable[Bank]]
"""Opens a conversation with the bank. Raises NoBank."""

PATIENCE_SECONDS = 120.0
"""How long to try to be in the session again, besides the time for which the bank may still keep its account."""

BUSY_SECONDS = 10.0
"""How long to ask again a bank that says that it cannot move money now."""


class Lifeline:
    """The ``Line`` of ``bank``, over one conversation after another.

    ``first`` is the first, and ``reach`` opens those that follow. ``tell`` is told in words what goes on. Each time
    that the session is open again ``bank.on_recovery`` is called; ``lost`` fires when there is no going on. ``tokens``
    are shown at log-ins, and kept from them.
    """

    def __init__(
        self,
        first: Bank,
        reach: Reach,
        clock: IReactorTime,
        random: Random,
        tell: Callable[[str], object],
        tokens: Tokens | None = None,
    ) -> None:
        self.lost: Deferred[LostBank] = Deferred()
        self.on_idle: Callable[[int], object] = lambda seconds: None
        self.bank = Bank(self, first.greeting, first.new_key)
        self._reach = reach
        self._clock = clock
        self._random = random
        self._tell = tell
        self._owed: list[Owed] = []
        self._way_back = WayBack(tokens)
        self._pauses: Iterator[float] | None = None
        self._recovery: Deferred[None] | None = None
        self._over: LostBank | None = None
        self._talk_by(first)

    # What a Bank asks of its line, and a person who has waited long enough.

    def ask(self, message: Message) -> Deferred[Answer]:
        """The bank's answer to ``message``. Fails with LostBank."""
        return self._take(message)

    def ask_verb(self, verb: str) -> Deferred[Answer]:
        """The bank's answer to a verb without fields. Fails with LostBank."""
        return self._take(verb)

    def keep_alive(self, seconds: float) -> None:
        """Ask a NOOP whenever nothing was asked for ``seconds``."""
        self._talk.line.keep_alive(seconds)

    def close(self) -> None:
        """End the session and the conversation; what is still unanswered fails."""
        self._end(LostBank(Loss.LEFT))

    def stop(self) -> bool:
        """Ask no more for what was asked before in vain; whether there was any such thing."""
        waiting = [owed for owed in self._owed if owed.sent > 1 or not owed.under_way]
        if waiting and self._recovery is not None:
            self.close()
        for owed in waiting:
            self._fail(owed, LostBank(Loss.LEFT))
        return bool(waiting)

    # Requests, one by one.

    def _take(self, request: Message | str) -> Deferred[Answer]:
        if self._over is not None:
            return fail(LostBank(Loss.UNSENT, self._over.warning, self._over.reason))
        if self._recovery is not None and isinstance(request, Noop):
            return fail(LostBank(Loss.UNSENT))  # there is no session to keep
        if isinstance(request, Login):
            request = self._way_back.shown(request)
        owed = Owed(request, Deferred(lambda answer: self._withdraw(owed)))
        self._owed.append(owed)
        if self._recovery is None:
            self._send(owed)
        elif owed.leaves:
            self.close()
        return owed.answer

    def _send(self, owed: Owed) -> None:
        line, request = self._talk.line, owed.request
        owed.sent, owed.under_way, owed.last = owed.sent + 1, True, None
        answer = line.ask_verb(request) if isinstance(request, str) else line.ask(request)
        answer.addCallbacks(self._answered, self._unanswered, (owed,), errbackArgs=(owed,))

    def _answered(self, answer: Answer, owed: Owed) -> None:
        owed.under_way = False
        if answer.code.closes:
            owed.last = answer
        elif owed.moves_money and answer.code.number >= 500:
            self._send_later(owed, answer)
        else:
            self._give(owed, answer)
        self._look_for_the_end()

    def _unanswered(self, failure: Failure, owed: Owed) -> None:
        failure.trap(LostBank)
        owed.under_way = False
        self._look_for_the_end()

    def _send_later(self, owed: Owed, answer: Answer) -> None:
        """Ask a bank that could not move the money again, in a while; after the last time that is its answer."""
        if owed.pauses is None:
            owed.pauses = pauses(self._clock, self._random, BUSY_SECONDS)
            self._tell(words.asking_again(owed.request))
        pause = next(owed.pauses, None)
        if pause is None:
            self._give(owed, answer)
        else:
            owed.again = self._clock.callLater(pause, self._send, owed)

    def _give(self, owed: Owed, answer: Answer) -> None:
        """Hand over an answer, and note what changes with it."""
        if self._settle(owed):
            self._way_back.note(owed.request, answer)
            owed.answer.callback(answer)

    def _fail(self, owed: Owed, why: LostBank) -> None:
        """Tell whoever asked that no answer comes."""
        if self._settle(owed):
            owed.answer.errback(why if owed.sent else LostBank(Loss.UNSENT))

    def _conclude(self, owed: Owed, why: LostBank) -> None:
        """Hand over the answer that ended the conversation, where that is all there is to know; or no answer."""
        if owed.last is not None and owed.settled:
            self._give(owed, owed.last)
        else:
            self._fail(owed, why)

    def _withdraw(self, owed: Owed) -> None:
        """The program ends before the answer came; where money is in doubt, that is still to be said."""
        if owed.in_doubt:
            self._fail(owed, LostBank(Loss.LEFT))
        else:
            self._settle(owed)

    def _settle(self, owed: Owed) -> bool:
        """Owe nothing any more; whether anything was owed."""
        if owed not in self._owed:
            return False
        self._owed.remove(owed)
        owed.call_off()
        if not self._owed:
            self._pauses = None
        return True

    # The conversation, and what comes after it.

    def _talk_by(self, conversation: Bank) -> None:
        """Have ``conversation`` be the one in which the bank is asked."""
        self._talk = conversation
        conversation.line.on_idle = lambda seconds: self.on_idle(seconds)
        self.bank.here, self.bank.there = conversation.here, conversation.there
        conversation.lost.addCallback(self._lost)

    def _lost(self, why: LostBank) -> LostBank:
        self._look_for_the_end()
        return why

    def _look_for_the_end(self) -> None:
        """Once the conversation is over, and everything asked in it has been told so, go on in another, or end."""
        why, welcome = self._talk.over, self.bank.welcome
        if why is None or self._over or self._recovery or any(owed.under_way for owed in self._owed):
            return
        settled = [owed for owed in self._owed if owed.settled]
        by_chance = why.warning in (None, codes.STOPPING) and why.loss in (Loss.ENDED, Loss.SILENT)
        wanted = len(settled) < len(self._owed) or (by_chance and not any(owed.leaves for owed in settled))
        login = self._way_back.login
        if login is None or welcome is None or not wanted:
            self._end(why)
            return
        for owed in self._owed:
            owed.call_off()
        in_doubt = next((owed.request for owed in self._owed if owed.in_doubt), None)
        self._tell(words.connecting_again(in_doubt, why.warning))
        self._recovery = Deferred.fromCoroutine(self._recover(replace(login, account=welcome.account), welcome))
        self._recovery.addErrback(lambda failure: self._end(LostBank(Loss.ENDED, reason=failure)))
        for owed in settled:
            self._conclude(owed, why)

    async def _recover(self, login: Login, welcome: Welcome) -> None:
        """Open the session again and ask again what is owed; or be over."""
        if self._pauses is None:
            self._pauses = pauses(self._clock, self._random, PATIENCE_SECONDS + welcome.lease_seconds)
        obstacle, told = words.lost(LostBank(Loss.ENDED)), ""
        for pause in self._pauses:
            await deferLater(self._clock, pause)
            try:
                conversation = await self._log_in_again(login)
            except (NoBank, LostBank, Denied) as error:
                obstacle = words.why(error)
                if _is_final(error):
                    break
                if (waiting := words.waiting(error)) != told:
                    self._tell(waiting)
                told = waiting
            else:
                self._go_on(conversation)
                return
        self._recovery = None
        self._tell(obstacle)
        self._end(LostBank(Loss.ENDED))

    async def _log_in_again(self, login: Login) -> Bank:
        """A conversation in which the session is open again. Raises NoBank, LostBank and Denied."""
        conversation = await self._reach()
        conversation.ask_passcode = self.bank.ask_passcode
        try:
            await conversation.log_in(login)
        except BaseException:
            conversation.close()
            raise
        return conversation

    def _go_on(self, conversation: Bank) -> None:
        """Ask again what is owed, and be as before."""
        self._recovery = None
        if not any(owed.in_doubt for owed in self._owed):
            self._tell(words.CONNECTED_AGAIN)
        self._talk_by(conversation)
        if not self._owed:
            self._pauses = None
        for owed in list(self._owed):
            self._send(owed)
        if self._over is None and self._recovery is None:
            self.bank.on_recovery()

    def _end(self, why: LostBank) -> None:
        """Be over, once: forget the credentials, and leave nobody without a word."""
        if self._over is not None:
            return
        self._over = why
        self._way_back.forget()
        recovery, self._recovery = self._recovery, None
        if recovery is not None:
            recovery.cancel()
        self._talk.close()
        # Whoever awaits an answer finds ``lost`` fired already, and may open another conversation at once.
        self.lost.callback(why)
        for owed in list(self._owed):
            self._conclude(owed, why)


def _is_final(error: NoBank | LostBank | Denied) -> bool:
    """Whether to try again would be useless.

    It is not where a certificate is not the bank's, as on a network that wants a log-in of its own first: nothing is
    told to whoever shows one, and the bank may be there next time.
    """
    return isinstance(error, Denied) and error.code not in (codes.IN_USE, codes.WAIT) and error.code.number < 500
