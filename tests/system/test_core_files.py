"""Nothing of what the programs have in memory is written to disk when they crash."""

import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.system.support import BIN, CopiedBank, SystemTestCase, answers, look_until

CRASHES = (signal.SIGSEGV, signal.SIGABRT)
"""Signals after which a process leaves a core, unless something forbids it."""

FORBIDDEN = re.compile(r"^Max core file size +0 +0 ", re.MULTILINE)
"""What the system says of a process that may not leave a core file, and cannot allow it itself again."""


def allow() -> None:
    """Let this process, and what it becomes, leave a core file, as far as the system lets it."""
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


class Crashes(SystemTestCase):
    """What programs leave behind that crash."""

    def setUp(self) -> None:
        """Prepare a bank; and be sure that this system makes cores, or there is nothing to see."""
        super().setUp()
        self.bank = CopiedBank(self.folder, {})
        if not self.crash([sys.executable, "-c", "input()"], lambda process: True, signal.SIGSEGV):
            raise SkipTest("this system makes no cores")
        for core in self.cores():
            core.unlink()

    def crash(self, command: list[str], ready: Callable[[int], bool], by: signal.Signals) -> bool:
        """Start a program, and end it by a signal when it is ``ready``; whether the system made a core of it."""
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.bank.environment,
            preexec_fn=allow,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as started:
            try:
                look_until(lambda: ready(started.pid), lambda: f"{command} is not ready")
            finally:
                started.send_signal(by)
                status = os.waitpid(started.pid, 0)[1]  # subprocess would not tell of the core
                started.returncode = -os.WTERMSIG(status)
        self.assertEqual(started.returncode, -by)
        return os.WCOREDUMP(status)

    def cores(self) -> list[Path]:
        """Core files in the folder that the programs run in."""
        return list(self.folder.glob("core*"))

    def assert_no_core(self, command: list[str], ready: Callable[[], bool] = lambda: True) -> None:
        """Check that a program which crashes once it is ``ready`` leaves nothing, wherever this system would put it."""

        def is_ready(process: int) -> bool:
            return bool(FORBIDDEN.search(Path(f"/proc/{process}/limits").read_text())) and ready()

        for by in CRASHES:
            self.assertIs(self.crash(command, is_ready, by), False, by)
        self.assertEqual(self.cores(), [])

    def test_daemon(self) -> None:
        """The bank leaves none while it serves."""
        self.assert_no_core(self.bank.daemon_command(), lambda: answers(self.bank.port))

    def test_client(self) -> None:
        """The client leaves none, also where it has not reached a bank yet."""
        self.assert_no_core([str(BIN / "bankd-client"), "--login", "user:alice", "--secret-file", "-", "--task", "x"])

    def test_bankctl(self) -> None:
        """The operator's command leaves none; here it waits for a receipt on its standard input."""
        key = str(self.bank.state / "receipts.pem")
        self.assert_no_core([str(BIN / "bankctl"), "receipt", "verify", "-", "--key", key])

    def test_not_dumpable(self) -> None:
        """On Linux what a program has in memory is not handed to other programs either, whatever the limit says."""
        code = "import ctypes, bankd.core_files as it; it.forbid(); print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        self.assertEqual((done.stdout, done.stderr), ("0\n", ""))
