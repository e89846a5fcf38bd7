"""Kill transfers at each of their first calls that write or sync, and see what the store still knows.

    python -m tests.ordeals.calls [--calls 200] [--every N] [--seed N] [--pages N]

The store and the lane are the bank's, with real files; a process of its own carries out bursts of operations, and
acknowledges each on a pipe. strace has it killed as it enters its first call, the next process as it enters its second,
and so on. After each, one that is not traced asks every operation again under its key, and ends without closing the
database, so that the next finds a log of ever more pages; the parent holds all of it against the journal.

The system's memory outlives a process, so this shows what a kill or a crash of the program does, not a power cut.
"""

import argparse
import ctypes
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from bankd.bank import payments
from bankd.lane import Lane
from bankd.store.engines import Store
from bankd.testing import Stepped
from bench import banks
from bench.banks import Made
from tests.ordeals.posters import answer
from tests.ordeals.report import Report, numbers, seed_of
from tests.ordeals.witness import Operation, Wishes, Witness, Wrong

ACCOUNTS = 6
MOST_MINOR = 900_000_000
BURSTS = 120
"""Bursts that a process would carry out if nobody killed it; their calls are many more than are counted."""

LONGEST_BURST = 5
CALLS = "pwrite64,pwritev,write,fdatasync,fsync,ftruncate"
"""The calls that are counted: those by which SQLite writes and syncs, and that by which an answer goes out."""

PR_SET_PTRACER = 0x59616D61
PTRACER_ANY = ctypes.c_ulong(-1)

KILLED = re.compile(r"^\d+ +(\w+)\(.*\) += \?", re.MULTILINE)
"""What strace writes of a call that was entered and never returned from."""

Burst = list[Operation]
