"""``python -m bankd.simulation``."""

import sys

from bankd.simulation.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
