"""What `make test` does: form and types, every test under trial, the coverage, and one closing line.

    python tests/run.py               everything
    python tests/run.py --lint        form and types only
    python tests/run.py tests.test_x  those tests only, and no demands on coverage

The last line of a test run is always `N passed, N failed, N skipped`, counted by trial. The exit status
is 0 only when every part succeeded. Standard library only, so that a broken environment still reports.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

LINT = (
    ("ruff", "check", "--quiet"),
    ("ruff", "format", "--check", "--quiet"),
    ("mypy", "--no-error-summary"),
)
# The rooms where money is decided: each branch of them is taken by some test.
WHOLLY_COVERED = ("bankd/ledger", "bankd/wire", "bankd/bank")
# One worker more than there are processors: tests of real programs wait for them much of the time. More workers than
# this wait for each other's databases rather than for a processor.
MOST_WORKERS = 4

# Trial's last line, and its words for what we call by fewer.
SUMMARY = re.compile(r"(PASSED|FAILED)( \(|$)")
PASSED = ("successes", "expectedFailures")
FAILED = ("failures", "errors", "unexpectedSuccesses")
SKIPPED = ("skips",)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tests passed, failed and were skipped."""

    passed: int
    failed: int
    skipped: int

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read_counts(summary: str, exit_status: int) -> Counts:
    """Read trial's summary, `FAILED (failures=1, ...)`; a run that failed without one is one failure."""
    numbers = {word: int(number) for word, number in re.findall(r"(\w+)=(\d+)", summary)}
    passed, failed, skipped = (sum(numbers.get(word, 0) for word in words) for words in (PASSED, FAILED, SKIPPED))
    return Counts(passed, failed or int(exit_status != 0), skipped)


def heading(text: str) -> None:
    """Print where in the run we are, before the tool's own output."""
    print(f"\n== {text}")


def tool(*command: str) -> int:
    """Run one of the environment's tools in the project's folder; its exit status."""
    name, *arguments = command
    return subprocess.run([BIN / name, *arguments], cwd=ROOT).returncode


def lint() -> bool:
    """Check form and types; every checker runs, whatever the others found."""
    heading("form and types: ruff, mypy")
    failed = [command[:2] for command in LINT if tool(*command) != 0]
    for command in failed:
        print(f"failed: {' '.join(command)}")
    return not failed


def compile_sources() -> None:
    """Compile what the tests start hundreds of times, also where PYTHONDONTWRITEBYTECODE keeps it from being kept.

    A quarter of what it costs to start a daemon or a client is compiling bankd's own sources.
    """
    subprocess.run([sys.executable, "-m", "compileall", "-q", "bankd", "twisted", "tests", "bench"], cwd=ROOT)


def run_trial(tests: list[str], measured: bool) -> Counts:
    """Run tests under trial, and under coverage if measured, showing trial's output as it comes."""
    heading(f"tests: {' '.join(tests)}")
    workers = min((os.cpu_count() or 1) + 1, MOST_WORKERS)
    start = [BIN / "coverage", "run"] if measured else [sys.executable]
    command = [*start, "-m", "twisted.trial", "--jobs", str(workers), *tests]
    summary = ""
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, errors="replace") as trial:
        assert trial.stdout is not None
        for line in trial.stdout:
            print(line, end="")
            if SUMMARY.match(line):
                summary = line
    return read_counts(summary, trial.returncode)


def report_coverage() -> bool:
    """Report coverage, branches included; false when a room that must be covered wholly is not."""
    heading("coverage, branches included")
    if tool("coverage", "combine", "--quiet") != 0 or tool("coverage", "report") != 0:
        return False
    whole = True
    for room in WHOLLY_COVERED:
        heading(f"coverage of {room}: 100 % is demanded")
        whole &= tool("coverage", "report", f"--include={room}/*", "--fail-under=100") == 0
    return whole


def main(arguments: list[str]) -> int:
    """Run what the arguments ask for; the exit status."""
    # Our lines and the tools' stand in order also where the output is a file.
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    if arguments == ["--lint"]:
        return 0 if lint() else 1
    everything = not arguments
    compile_sources()
    tool("coverage", "erase")
    linted = lint() if everything else True
    counts = run_trial(arguments or ["tests"], measured=everything)
    covered = report_coverage() if everything else True
    print()
    if not linted:
        print("FAILED: form and types")
    if not covered:
        print("FAILED: coverage")
    print(counts)
    return 0 if linted and covered and counts.failed == 0 else 1


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
