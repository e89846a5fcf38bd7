"""No core files: what a program has in memory, secrets among it, is not written to disk when it ends badly.

1. The limit on core files is 0, for the program and whatever it starts.
2. Where the system hands cores to another program it does so whatever the limit (core(5), "Piping core dumps"). So on
   Linux the process is not dumpable either. Then nobody but root can look into it: a debugger, strace or py-spy needs
   root, and so does who wants to read its environment in /proc.
"""

import ctypes
import resource
import sys

PR_SET_DUMPABLE = 4
"""The option of prctl(2)."""


def forbid() -> None:
    """Leave no core file from now on. What this system does not know of it, it does not do."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
