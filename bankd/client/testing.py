"""Doubles for those who test what stands on the client: a screen whose person is a list, a bank that is a script."""

from collections import deque
from collections.abc import Callable, Iterable

from twisted.internet.defer import CancelledError, Deferred, fail, succeed

from bankd import codes
from bankd.client.answers import Answer
from bankd.client.bank import Bank
from bankd.client.errors import Loss, LostBank
from bankd.client.screen import EndOfInput, Interrupted
from bankd.client.tone import Tone
from bankd.codes import Code
from bankd.records import Greeting
from bankd.wire import codec
from bankd.wire.messages import Message

GREETING = Greeting(protocol="BANK/1", bank="Test Bank", currency="USD")


def granted(body: object = None, items: Iterable[object] = (), code: Code = codes.DONE, **more: str | int) -> Answer:
    """The bank's answer with ``body``, after ``items``, as it would be read from the wire."""
    last = codec.read_reply(codec.write_reply("t", code, body, **more))
    return Answer(code, last.fields, tuple(codec.read_reply(codec.write_item("t", item)).fields for item in items))


def refusal(code: Code, **more: str | int) -> Answer:
    """The bank's refusal with ``code``."""
    return granted(None, (), code, **more)


class ScriptedLine:
    """A conversation with a bank that answers each kind of request as it was told to, and grants what it was not.

    Answers to one kind are given in turn, the last one for ever; LostBank in place of an answer loses the bank. What
    was asked is in ``asked``: messages, and verbs as text.
    """

    def __init__(self, **answers: Answer | LostBank | list[Answer | LostBank]) -> None:
        self.lost: Deferred[LostBank] = Deferred()
        self.on_idle: Callable[[int], object] = lambda seconds: None
        self.asked: list[Message | str] = []
        self.kept_alive: float | None = None
        self._answers = {
            verb: deque(answer if isinstance(answer, list) else [answer]) for verb, answer in answers.items()
        }
        self._over: LostBank | None = None

    def ask(self, message: Message) -> Deferred[Answer]:
        """The answer that was arranged for the message's verb."""
        self.asked.append(message)
        return self._answer(message.verb)

    def ask_verb(self, verb: str) -> Deferred[Answer]:
        """The answer that was arranged for ``verb``."""
        self.asked.append(verb)
        return self._answer(verb)

    def keep_alive(self, seconds: float) -> None:
        """Note for how long the client may be silent."""
        self.kept_alive = seconds

    def close(self) -> None:
        """Be lost, by the client's own will."""
        self.lose(LostBank(Loss.LEFT))

    def lose(self, why: LostBank) -> None:
        """Be lost, once."""
        if self._over is None:
            self._over = why
            self.lost.callback(why)

    def _answer(self, verb: str) -> Deferred[Answer]:
        if self._over is not None:
            return fail(self._over)
        waiting = self._answers.get(verb) or deque([granted()])
        answer = waiting.popleft() if len(waiting) > 1 else waiting[0]
        if isinstance(answer, LostBank):
            self.lose(answer)
            return fail(answer)
        if answer.code.closes:
            self.lose(LostBank(Loss.ENDED, answer.code))
        return succeed(answer)


def scripted_bank(line: ScriptedLine) -> Bank:
    """A bank at the other end of ``line``; its keys are key-1, key-2 and so on."""
    made: list[str] = []

    def new_key() -> str:
        made.append(f"key-{len(made) + 1}")
        return made[-1]

    return Bank(line, GREETING, new_key, "127.0.0.1", "127.0.0.1")


class ScriptedScreen:
    """A screen before which a person types ``lines`` and then thinks; ``transcript`` is all that could be seen.

    An exception among the lines fails the question that it would answer.
    """

    def __init__(self, *lines: str | Exception) -> None:
        self.transcript: list[str] = []
        self.wiped: list[str] = []
        self.closed = False
        self.on_interrupt: Callable[[], bool] = lambda: False
        self.on_key: Callable[[], object] = lambda: None
        self._bar = ""
        self._lines = deque(lines)
        self._question: Deferred[str] | None = None

    def ask(self, prompt: str, *, hidden: bool = False, keys: str = "") -> Deferred[str]:
        """Answer with the next line; without one, wait for ``type``."""
        if self._question is not None:
            raise RuntimeError("another question is open")
        self.transcript.append(f"{prompt}(hidden)" if hidden else prompt)
        question = self._question = Deferred(self._forget)
        if self._lines:
            self._answer(self._lines.popleft())
        return question

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Add lines to the transcript."""
        self.transcript += text.split("\n")

    def wipe(self) -> None:
        """Forget what could be seen; ``wiped`` has it."""
        self.wiped += self.transcript
        self.transcript = []

    def bar(self, text: str, *, again: bool = False) -> None:
        """Add it as a line when there was none before, or again."""
        before, self._bar = self._bar, text
        if text and (again or not before):
            self.say(text)

    def progress(self, text: str) -> None:
        """Add it as a line."""
        if text:
            self.say(text)

    def cancel(self) -> None:
        """Withdraw the open question."""
        if self._question is not None:
            self._answer(CancelledError())

    def close(self) -> Deferred[None]:
        """Ask and say nothing more."""
        self.cancel()
        self.closed = True
        return succeed(None)

    def type(self, *lines: str | Exception) -> None:
        """Answer the open question, and those after it."""
        self.on_key()
        self._lines.extend(lines)
        while self._lines and self._question is not None:
            self._answer(self._lines.popleft())

    def end_of_input(self) -> None:
        """Press Ctrl-D."""
        self.type(EndOfInput())

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        if self._question is not None or not self.on_interrupt():
            self.type(Interrupted())

    @property
    def text(self) -> str:
        """All that could be seen."""
        return "\n".join(self.transcript)

    def _answer(self, answer: str | Exception) -> None:
        question, self._question = self._question, None
        if question is not None:
            question.errback(answer) if isinstance(answer, Exception) else question.callback(answer)

    def _forget(self, question: Deferred[str]) -> None:
        self._question = None
