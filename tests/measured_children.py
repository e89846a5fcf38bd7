"""A coverage plugin: a daemon that a test stops by a signal still leaves its measurements.

A `twistd` that was stopped by a signal ends by sending itself that signal again, with the default action
(`twisted.application.app._exitWithSignal`), so that its parent sees the truth. No exit function runs then,
and coverage would write nothing; here it writes just before.
"""

import os
from typing import Any

from coverage import Coverage
from coverage.plugin_support import Plugins

_kill = os.kill


def coverage_init(reg: Plugins, options: dict[str, Any]) -> None:
    """Register nothing; called by coverage in every process that it measures."""
    os.kill = _kill_and_tell


def _kill_and_tell(pid: int, signal: int) -> None:
    """Do as `os.kill`, once the measurements of a process that ends itself are safe."""
    measured = Coverage.current()
    if pid == os.getpid() and measured is not None:
        measured.save()
    _kill(pid, signal)
