"""Whether a running bank keeps to Mozilla's "modern" profile of TLS: sslyze looks at it as a stranger would.

sslyze needs an older `cryptography` than bankd, so it has an environment of its own, which `make hostile` makes.

    python -m tests.hostile.profile
"""

import os
import shutil
import sys
from pathlib import Path

from bench.programs import BIN, BenchError, run, scratch
from tests.hostile.target import Target, target

PLACES = (str(BIN.parent / "sslyze" / "bin"), os.environ.get("PATH", ""))
"""Where sslyze is looked for: in the environment that make makes of it, then as any program is."""

SCAN_SECONDS = 120
ABSENT = "sslyze is not installed; 'make hostile' installs it"


def find_sslyze() -> Path | None:
    """The program sslyze; None where it is not installed."""
    found = shutil.which("sslyze", path=os.pathsep.join(PLACES))
    return Path(found) if found else None


def scan(sslyze: Path, bank: Target) -> str:
    """What sslyze says of a bank. Raises BenchError, with all of it, when that is not what the profile demands."""
    trusted = ("--certinfo_ca_file", bank.state / "ca.pem")
    return run(
        [sslyze, "--mozilla_config=modern", *trusted, f"localhost:{bank.port}"], bank.folder, seconds=SCAN_SECONDS
    )


def main() -> int:
    """Scan a bank; the exit status is 1 when it does not keep to the profile, or nobody can tell."""
    sslyze = find_sslyze()
    if sslyze is None:
        print(ABSENT, file=sys.stderr)
        return 1
    try:
        with scratch() as folder, target(folder / "bank", 4) as bank:
            print(scan(sslyze, bank))
    except BenchError as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
