"""Inputs guided by coverage: atheris, which is libFuzzer for Python, keeps what reaches code that nothing did before.

It is no library of bankd's tests, for it is not made for every Python: without it inputs are made by the seed alone.
libFuzzer never comes back, so a target has a process of its own, which ends itself when it is done.
"""

import os
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from random import Random
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, NoReturn

from tests.fuzz.feeding import Failed, Feeding
from tests.fuzz.mutation import LONGEST, Mutator

STUCK_SECONDS = 120
"""After so long an input has hung, and libFuzzer says where."""


def is_there() -> bool:
    """Whether atheris is installed."""
    return find_spec("atheris") is not None


def catalogue() -> Any:
    """The module ``catalogue``, imported so that all of bankd that it brings with it tells where it goes."""
    import atheris

    with atheris.instrument_imports(include=["bankd"]):
        return import_module("tests.fuzz.catalogue")


def feed(feeding: Feeding, seed: int, tell: Callable[[Failed], None]) -> NoReturn:
    """Feed until it is done or fails, and end the process."""
    import atheris

    folder = Path(mkdtemp(prefix="bankd-fuzz-seeds-"))
    seeds = feeding.target.seeds()
    for number, data in enumerate(seeds):
        (folder / str(number)).write_bytes(data)
    mutator = Mutator(Random(f"{seed} {feeding.name}"), seeds, feeding.target.words())

    def end(status: int) -> NoReturn:
        rmtree(folder, ignore_errors=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    def one(data: bytes) -> None:
        try:
            feeding.feed(data)
            if feeding.done:
                print(feeding.end())
                end(0)
        except Failed as failed:
            tell(failed)
            end(1)

    def other(data: bytes, longest: int, number: int) -> bytes:
        made = mutator.changed(data) if number % 4 else atheris.Mutate(data, min(longest, LONGEST))
        return bytes(made[:longest])

    arguments = [sys.argv[0], f"-seed={seed % 2**31 or 1}", f"-max_len={LONGEST}", f"-timeout={STUCK_SECONDS}"]
    arguments += ["-verbosity=0", "-print_final_stats=0", "-rss_limit_mb=0", str(folder)]
    atheris.Setup(arguments, one, custom_mutator=other)
    atheris.Fuzz()
    end(0)
