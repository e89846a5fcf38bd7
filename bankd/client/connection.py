"""How a program gets at a bank: ``connect``, which the terminal and the scripts use as well.

Importing this installs no reactor; only ``connect`` looks for the one that runs.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from random import SystemRandom
from typing import Any

from bankd.client.bank import Bank
from bankd.client.lifeline import Lifeline
from bankd.client.means import Means, Named
from bankd.client.passcodes import AskPasscode, nobody
from bankd.client.reach import reach
from bankd.client.sealing import Extent
from bankd.client.tokens import Tokens
from bankd.wire.messages import Login

IN_A_TASK = "a task of asyncio's cannot await the bank itself: await in_asyncio(...) of the coroutine that does"


def connect(
    server: str,
    login: Login | None = None,
    *,
    ca: Path | str | None = None,
    identity: str | None = None,
    terminal: Path | str | None = None,
    seal: str = Extent.SESSION,
    shared_key: Path | str | None = None,
    ask_passcode: AskPasscode = nobody,
    tell: Callable[[str], object] = str,
    reactor: Any = None,
) -> AbstractAsyncContextManager[Bank]:
    """A conversation with the bank at ``server`` (HOST:PORT), and with ``login`` a session; both end with the block.

        async with connect("bank.example:65432", Login(account="1000001", pin=pin), ca="ca.pem") as bank:
            receipt = await bank.transfer("1000042", 25_00, "Rent")

    A connection that is lost is made again, and what was under way asked again; ``tell`` is told in words. ``ca`` is a
    file of authorities, None for this computer's own. ``identity`` is the bank's public key as a file, or its
    fingerprint; without it the first that the bank shows is remembered. ``terminal`` is a file with a certificate and
    key. ``seal`` is session, secrets or off. One-time passwords come from ``ask_passcode``, such as ``app``.

    Raises Unusable at once; from the block NoBank, and with ``login`` Denied and LostBank.
    """
    means = Named(server, ca, identity, terminal, seal, shared_key).read(os.environ)
    return _session(reactor or running_reactor(), means, login, ask_passcode, tell)


@asynccontextmanager
async def _session(
    reactor: Any, means: Means, login: Login | None, ask_passcode: AskPasscode, tell: Callable[[str], object]
) -> AsyncIterator[Bank]:
    bank = (await open_line(reactor, means, tell)).bank
    bank.ask_passcode = ask_passcode
    try:
        if login is not None:
            await bank.log_in(login)
        yield bank
        if bank.over is None:
            await bank.log_out()
    finally:
        bank.close()


async def open_line(reactor: Any, means: Means, tell: Callable[[str], object]) -> Lifeline:
    """A line to the bank, which goes on in another conversation when one is lost. Raises NoBank."""

    async def call() -> Bank:
        return await reach(
            reactor, means.address, means.trust, terminal=means.terminal, sealing=means.sealing, tell=tell
        )

    return Lifeline(await call(), call, reactor, SystemRandom().random, tell, Tokens(means.tokens, means.address))


def running_reactor() -> Any:
    """The reactor of this program. Raises RuntimeError where it could not run what is to be awaited."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        task = None
    if task is not None:
        raise RuntimeError(IN_A_TASK)
    from twisted.internet import reactor

    return reactor
