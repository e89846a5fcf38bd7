"""One-time passwords: asked for when the bank wants one, and where a program without a person has them from.

A request that is refused for want of one is sent again, unchanged, once it was given. A log-in is not: what answers the
password is the answer to the log-in.
"""

from collections.abc import Awaitable, Callable

import pyotp
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

from bankd import codes
from bankd.client.answers import Answer, read, unanswered
from bankd.client.errors import LostBank
from bankd.client.line import Line
from bankd.records import Challenged, TriesLeft
from bankd.wire.messages import Login, Message, OneTime

STEP_SECONDS = 30
"""For how long an authenticator app shows a code (RFC 6238)."""

AskPasscode = Callable[[Challenged, int | None], Awaitable[str | None]]
"""Gives the one-time password for a challenge, or None for none. After a wrong one it is told how many may be tried."""


async def nobody(challenge: Challenged, left: int | None) -> str | None:
    """Gives none."""
    return None


async def confirmed(line: Line, message: Message, ask: AskPasscode) -> Answer:
    """The bank's answer to ``message``, with the one-time password that it may want from ``ask``.

    Without one, or after too many wrong ones, it is the refusal. Raises LostBank, InDoubt and NotReply.
    """
    answer = await _asked(line, message)
    while answer.code == codes.ONE_TIME:
        terminal = message.terminal if isinstance(message, Login) else None
        given = await _given(line, read(Challenged, answer.fields), terminal, ask)
        if given is None:
            return answer
        if given.code.refuses or isinstance(message, Login):
            return given
        answer = await _asked(line, message)
    return answer


async def _asked(line: Line, message: Message) -> Answer:
    try:
        return await line.ask(message)
    except LostBank as lost:
        raise unanswered(message, lost) from None


async def _given(line: Line, challenge: Challenged, terminal: str | None, ask: AskPasscode) -> Answer | None:
    """The bank's answer to the last one-time password that was given for ``challenge``; None where none was."""
    left, answer = None, None
    while left != 0 and (code := await ask(challenge, left)) is not None:
        answer = await line.ask(OneTime(challenge=challenge.challenge, code=code, terminal=terminal))
        if answer.code != codes.WRONG_CODE:
            break
        left = read(TriesLeft, answer.fields).left
    return answer


def once(code: str) -> AskPasscode:
    """Gives ``code`` to the first who asks, and nothing after that."""
    codes_left = [code]

    async def give(challenge: Challenged, left: int | None) -> str | None:
        return codes_left.pop() if codes_left else None

    return give


def app(secret: str, clock: IReactorTime) -> AskPasscode:
    """Gives codes as an authenticator app with ``secret`` does (``totp_secret``), each once.

    The bank takes the next one a step early, so there is little to wait for.
    """
    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    newest = 0

    async def give(challenge: Challenged, left: int | None) -> str | None:
        nonlocal newest
        if challenge.by != "app":
            return None
        step = newest = max(newest + 1, int(clock.seconds()) // STEP_SECONDS)
        early = (step - 1) * STEP_SECONDS - clock.seconds()
        if early > 0:
            await deferLater(clock, early)
        return totp.at(step * STEP_SECONDS)

    return give


def totp_secret(text: str) -> str:
    """The secret that ``text`` spells: base32 as the bank tells it, or an ``otpauth`` URI. Raises ValueError."""
    text = text.strip()
    secret = pyotp.parse_uri(text).secret if text.startswith("otpauth:") else text.replace(" ", "").upper()
    pyotp.TOTP(secret).at(0)
    return secret
