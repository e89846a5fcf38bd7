"""docs/conformance.md is true: the program grades the real bank, and finds that it keeps every rule."""

import re

from tests.system.support import BIN, ROOT, SystemTestCase, environment, run

PAGE = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")


class ConformancePageTests(SystemTestCase):
    """The page's command, with the port and the files of the test's own bank."""

    def test_the_real_bank(self) -> None:
        """It prints what the page says, and ends well; who is not told who signs the certificate grades nothing."""
        bank = self.open_bank()
        [(command, told)] = re.findall(r"^\$ \.venv/bin/([^\n]*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
        name, *arguments = command.replace("localhost:65432", bank.server).replace("var/", f"{bank.state}/").split()
        done = run([str(BIN / name), *arguments], environment({}), self.folder)
        self.assertEqual((done.status, done.complaints), (0, ""), done.lines)
        first, last = told.split("...\n")
        self.assertEqual(done.lines[:2], first.splitlines())
        self.assertEqual(done.lines[-2:], last.splitlines())
        untrusted = run([str(BIN / name), bank.server], environment({}), self.folder)
        self.assertEqual((untrusted.status, untrusted.lines), (2, []))
        self.assertIn("does not answer as a bank does: ", untrusted.complaints)
        self.assertIn("name who signed it by --ca FILE", untrusted.complaints)
