"""A proxy that ends TLS with a certificate which the client trusts, and so reads, keeps and may change every line."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from threading import Thread

from tests.system.support import DEADLINE_SECONDS, Bank, environment, free_ports, named

Meddling = Callable[[str, int, bytes], list[bytes]]
"""What goes on instead of a line, which is the so-many-th of its connection to the "bank" or to the "client"."""


def hands_off(_to: str, _number: int, line: bytes) -> list[bytes]:
    """Nothing is changed."""
    return [line]


class Wiretap:
    """A port that leads to ``bank``; ``heard`` is all that went by, and ``meddle`` what is done to it.

    All connections are in one thread, for two may not read and write one connection of TLS at a time.
    """

    def __init__(self, bank: Bank) -> None:
        (self.port,) = free_ports(1)
        self.meddle: Meddling = hands_off
        self.connections = 0
        self._heard: list[bytes] = []
        self._carrying: set[asyncio.Task[None] | None] = set()  # the loop itself would let them be collected
        self._bank = bank
        self._inwards = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._inwards.load_cert_chain(bank.state / "server.pem", bank.state / "server.key")
        self._outwards = ssl.create_default_context(cafile=bank.state / "ca.pem")
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        opened = asyncio.start_server(self._carry, "127.0.0.1", self.port, ssl=self._inwards)
        self._server = asyncio.run_coroutine_threadsafe(opened, self._loop).result(DEADLINE_SECONDS)

    @property
    def heard(self) -> bytes:
        """All that was heard until now."""
        return b"".join(self._heard)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a person whose way to the bank is tapped."""
        bank = self._bank
        return environment(named(self.port, bank.notice_port, bank.status_port, bank.state))

    def close(self) -> None:
        """Accept no more, and drop what is open."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(DEADLINE_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_SECONDS)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _carry(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        self._carrying.add(task)
        with contextlib.suppress(OSError, asyncio.CancelledError):
            bank, to_bank = await asyncio.open_connection(
                "127.0.0.1", self._bank.port, ssl=self._outwards, server_hostname="localhost"
            )
            await asyncio.gather(
                self._pass_on("bank", client, to_bank),
                self._pass_on("client", bank, to_client),
            )
        self._carrying.discard(task)

    async def _pass_on(self, to: str, here: asyncio.StreamReader, there: asyncio.StreamWriter) -> None:
        number = 0
        with contextlib.suppress(OSError):
            while line := await here.readline():
                self._heard.append(line)
                for changed in self.meddle(to, number, line):
                    there.write(changed)
                number += 1
                await there.drain()
        there.close()
