"""The bank's own threads: a pool for each kind of work, so that no kind waits for another."""

from threading import Thread
from typing import Any

from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool


class Pools:
    """Every pool of a bank, ended together."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._pools: list[ThreadPool] = []

    def open(self, name: str, threads: int) -> Any:
        """A function that calls another in a pool of so many threads, and gives a Deferred of its result."""
        pool = ThreadPool(threads, threads, name)
        pool.start()
        self._pools.append(pool)
        return lambda function, *args, **kwargs: deferToThreadPool(self._reactor, pool, function, *args, **kwargs)

    def close(self, seconds: float | None = None) -> bool:
        """End the threads, and wait for what they are doing, for so many seconds at most; whether all have ended."""
        waits = Thread(target=self._stop, name="the end of pools", daemon=True)
        waits.start()
        waits.join(seconds)
        return not waits.is_alive()

    def _stop(self) -> None:
        for pool in self._pools:
            pool.stop()
