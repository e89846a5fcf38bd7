"""Play the cases against a bank, and tell of each what came of it.

python -m tests.hostile [--short] [--only WORDS] [--list] [--report]
"""

import argparse
import sys
from collections.abc import Sequence

from bench.programs import BenchError
from tests.hostile.case import Case, Subject
from tests.hostile.catalogue import SUBJECTS
from tests.hostile.report import measure
from tests.hostile.siege import Played, cases_of, play

TELLING_SECONDS = 1.0
"""What took longer is told with its time."""


def tell(played: Played) -> None:
    """A line for a case, and one more for each complaint."""
    seconds = played.ended - played.began
    took = f" ({seconds:.1f} s)" if seconds > TELLING_SECONDS else ""
    print(f"{'FAILED' if played.complaints else 'ok':6} {played.subject}: {played.case.name}{took}")
    for complaint in played.complaints:
        print(f"       {complaint}")


def main(argv: Sequence[str] | None = None) -> int:
    """Play what is asked for; the exit status."""
    parser = argparse.ArgumentParser(prog="hostile", description="What must not move a bank.")
    parser.add_argument("--short", action="store_true", help="leave out the cases that take long")
    parser.add_argument("--only", default="", metavar="WORDS", help="only cases with these words, or of this subject")
    parser.add_argument("--list", action="store_true", help="tell the cases, and do nothing")
    parser.add_argument("--report", action="store_true", help="tell also what they cost a customer beside them")
    options = parser.parse_args(argv)

    def is_wanted(subject: Subject, case: Case) -> bool:
        return options.only in f"{subject.name}: {case.name}" and not (options.short and case.long)

    found = cases_of(SUBJECTS, is_wanted)
    if options.list:
        for subject, case in found:
            print(f"{subject.name}: {case.name}")
        return 0
    try:
        played, calm = measure(found, tell) if options.report else (play(found, tell), None)
    except BenchError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    if calm is not None:
        print(*calm.lines(), sep="\n")
    failed = sum(1 for one in played if one.complaints)
    print(f"{len(played)} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
