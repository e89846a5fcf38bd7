"""``python -m tests.planted``: plant each fault in a copy of the bank, and see after how many seeds it is found.

python -m tests.planted --seeds 500               all faults, a table
python -m tests.planted --only "a fence" -v       some of them, with all that was said
"""

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.planted.faults import FAULTS, Fault
from tests.planted.said import in_short

ROOT = Path(__file__).resolve().parents[2]
BROKEN = re.compile(r"seed (\d+), step (\d+): (.*)")


def plant(fault: Fault, folder: Path) -> None:
    """A copy of the bank in ``folder`` that has ``fault``. Raises ValueError where it does not fit."""
    for name in ("bankd", "twisted"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    path = folder / "bankd" / fault.file
    text = path.read_text()
    if text.count(fault.old) != 1:
        raise ValueError(f"{fault.what}: what it replaces is not in {fault.file} once")
    path.write_text(text.replace(fault.old, fault.new))


def search(fault: Fault, seeds: int, jobs: int) -> tuple[int, str] | None:
    """How many seeds it takes until ``fault`` is found, and by what; None when it is not found.

    Raises RuntimeError where something else ended the simulation.
    """
    with tempfile.TemporaryDirectory(prefix="bankd-planted-") as folder:
        plant(fault, Path(folder))
        command = [sys.executable, "-m", "bankd.simulation", "--seeds", str(seeds), "--jobs", str(jobs)]
        environment = os.environ | {"PYTHONPATH": folder}
        run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, errors="replace")
    found = BROKEN.search(run.stdout)
    if found is not None:
        return int(found[1]) + 1, found[3]
    if run.returncode < 0:
        raise RuntimeError(f"signal {-run.returncode} ended the simulation")
    if run.returncode:
        return 1, "the bank does not work at all: " + (run.stderr.strip().splitlines() or ["?"])[-1]
    return None


def main(arguments: list[str]) -> int:
    """Search for every fault; the exit status is 1 where one is not found."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500, metavar="N", help="how many seeds at most (500)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="at how many a time (1)")
    parser.add_argument("--only", default="", metavar="WORDS", help="only faults whose name has these words in it")
    parser.add_argument("--from", type=int, default=0, metavar="N", dest="begin", help="pass over the first N faults")
    parser.add_argument("-v", "--verbose", action="store_true", help="tell what was found as it was said")
    options = parser.parse_args(arguments)
    took, missed = [], 0
    print("| fault | seeds | what was found |\n|---|---|---|", flush=True)
    for fault in FAULTS[options.begin :]:
        if options.only not in fault.what:
            continue
        found = search(fault, options.seeds, options.jobs)
        if found is None:
            missed += 1
        else:
            took.append(found[0])
        seeds = f"not in {options.seeds}" if found is None else str(found[0])
        said = "" if found is None else found[1] if options.verbose else in_short(found[1])
        print(f"| {fault.what} | {seeds} | {said} |", flush=True)
    if took:
        print(f"\n{len(took)} found, half of them within {statistics.median(took):.0f} seeds; {missed} not found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
