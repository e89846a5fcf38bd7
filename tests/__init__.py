"""All tests of bankd. Under `make test` what they take themselves is measured, and not what they start."""

import os
import sys

# A measured program takes half as long again to start, and the tests start hundreds. Trial's workers hand their
# environment on, in which coverage has its programs begin to measure.
if sys.argv[0].endswith("workertrial.py"):
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
