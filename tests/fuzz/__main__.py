"""Feed all targets, or one, with inputs that are made as it goes.

python -m tests.fuzz [--only NAME] [--inputs N] [--seconds N] [--seed N] [--unguided] [--list]
python -m tests.fuzz --only NAME --replay HEX [HEX ...]

Without --only the inputs are shared out among the targets, by what each costs. Where atheris is installed they are
guided by coverage; elsewhere, and with --unguided, the same seed makes the same inputs.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from random import SystemRandom
from typing import Any

from tests.fuzz import guided
from tests.fuzz.feeding import Failed, Feeding, clear, replay

INPUTS = 100_000
SEEDS = 1_000_000


def tell(name: str, failed: Failed) -> None:
    """Say what failed, and how it can be fed again."""
    clear()
    print(failed.why, file=sys.stderr)
    print(f"{name}: FAILED; again with\n  python -m tests.fuzz --only {name} --replay", end="", file=sys.stderr)
    print("", *(data.hex() or "''" for data in failed.inputs), file=sys.stderr, flush=True)


def feed_one(name: str, inputs: int, seconds: float | None, seed: int, with_atheris: bool) -> int:
    """Feed one target; the exit status."""
    catalogue: Any = guided.catalogue() if with_atheris else import_module("tests.fuzz.catalogue")
    feeding = Feeding(name, catalogue.TARGETS[name], inputs, seconds)
    if with_atheris:
        guided.feed(feeding, seed, lambda failed: tell(name, failed))
    try:
        feeding.made(seed)
        said = feeding.end()
    except Failed as failed:
        tell(name, failed)
        return 1
    clear()
    print(said, flush=True)
    return 0


def feed_all(inputs: int, seconds: float | None, seed: int, with_atheris: bool) -> int:
    """Feed every target, whatever the others find; the exit status. libFuzzer wants a process for each."""
    targets = import_module("tests.fuzz.catalogue").TARGETS
    weights = {name: target.weight for name, target in targets.items()}
    failed = 0
    for name, weight in weights.items():
        part = max(inputs * weight // sum(weights.values()), 1)
        time = None if seconds is None else seconds / len(weights)
        if with_atheris:
            asked = [f"--only={name}", f"--inputs={part}", f"--seed={seed}", *([f"--seconds={time}"] if time else [])]
            status = subprocess.run([sys.executable, "-m", "tests.fuzz", *asked]).returncode
        else:
            status = feed_one(name, part, time, seed, with_atheris)
        failed += status != 0
    print(f"{len(weights)} targets, {failed} failed; seed {seed}", flush=True)
    return 1 if failed else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Feed what is asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Octets that nobody meant.")
    parser.add_argument("--only", metavar="NAME", help="one target, of those that --list tells")
    parser.add_argument("--inputs", type=int, default=INPUTS, metavar="N", help=f"how many ({INPUTS})")
    parser.add_argument("--seconds", type=float, metavar="N", help="end after that time, also with fewer inputs")
    parser.add_argument("--seed", type=int, metavar="N", help="what all choices come from (a new one)")
    parser.add_argument("--unguided", action="store_true", help="do without atheris")
    parser.add_argument("--replay", nargs="+", metavar="HEX", help="feed these octets to the target, and nothing else")
    parser.add_argument("--list", action="store_true", help="tell the targets, and do nothing")
    options = parser.parse_args(argv)
    seed = options.seed if options.seed is not None else SystemRandom().randrange(SEEDS)
    with_atheris = guided.is_there() and not options.unguided
    if options.list or options.replay or options.only is None:
        targets = import_module("tests.fuzz.catalogue").TARGETS
        if options.list:
            print(*targets, sep="\n")
            return 0
        if options.replay and options.only in targets:
            replay(targets[options.only], [bytes.fromhex(spelt) for spelt in options.replay])
            print("nothing is wrong with it")
            return 0
        if options.only is not None:
            parser.error(f"there is no target {options.only}; --list tells them")
        return feed_all(options.inputs, options.seconds, seed, with_atheris)
    return feed_one(options.only, options.inputs, options.seconds, seed, with_atheris)


if __name__ == "__main__":
    sys.exit(main())
