"""docs/operations.md: each of its commands, as it stands there, its table of settings, and the messages that it names.

The commands run in a folder in place of the system's own. What needs root or a running systemd is done by doubles,
which note what they were asked; bankctl, install and mv are the real ones.
"""

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests import docs
from tests.system.support import BIN, DEADLINE_SECONDS, ROOT, environment

DOUBLES = {
    "useradd": "true",
    "systemctl": "true",
    "python3": 'mkdir -p "$3/bin" && ln -s "$REAL/bankctl" "$3/bin/bankctl" && ln -s "$DOUBLES/pip" "$3/bin/pip"',
    "pip": "true",
    "runuser": 'while [ "$1" != -- ]; do shift; done; shift; exec "$@"',
    "install": 'for a; do case "$skip$a" in -o|-g) skip=x;; x*) skip=;; *) set -- "$@" "$a";; esac; shift; done; '
    'exec /usr/bin/install "$@"',
}
"""Programs in place of the system's, in shell; those that only note are true."""


class OperationsPage(SynchronousTestCase):
    """The page, read as an operator would."""

    def setUp(self) -> None:
        self.text = docs.OPERATIONS.read_text(encoding="utf-8")

    def test_table(self) -> None:
        """The table of settings is as the code has it; `python -m tests.docs` writes it anew."""
        self.assertEqual(docs.made_anew(self.text), self.text)

    def test_messages(self) -> None:
        """Every message in the table of troubles is one that the bank or bankctl says."""
        said = "\n".join(_literals())
        _, _, section = self.text.partition("## When something is wrong")
        rows = re.findall(r"^\| `([^|]*)` \|", section.partition("\n## ")[0], re.MULTILINE)
        self.assertGreater(len(rows), 10)
        for row in rows:
            for part in row.split("…"):
                self.assertIn(part.strip(), said)

    def test_commands(self) -> None:
        """Every command can be carried out, one after the other, from the installation to a restore."""
        folder = Path(self.mktemp()).absolute()
        doubles = folder / "doubles"
        doubles.mkdir(parents=True)
        for name, does in DOUBLES.items():
            (doubles / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "$NOTES"\n{does}\n', encoding="utf-8")
            (doubles / name).chmod(0o755)
        commands = "".join(re.findall(r"^```sh\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL))
        for name in ("/opt/bankd", "/etc/bankd", "/var/lib/bankd", "/var/backups", "/etc/systemd/system"):
            commands = commands.replace(name, f"{folder}{name}")
        for made in ("opt", "etc/systemd/system", "var/lib", "var/backups"):
            (folder / made).mkdir(parents=True)
        own = {
            "PATH": f"{doubles}:{os.environ['PATH']}",
            "REAL": str(BIN),
            "DOUBLES": str(doubles),
            "NOTES": str(folder / "notes"),
            "BANKD_SERVER_STATE": str(folder / "var/lib/bankd"),
        }
        done = subprocess.run(
            ["bash", "-euxc", commands],
            cwd=ROOT,
            env=environment(own),
            capture_output=True,
            text=True,
            timeout=4 * DEADLINE_SECONDS,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("these settings can be used; no risks", done.stdout)
        self.assertIn("Example Bank is restored", done.stdout)
        notes = (folder / "notes").read_text(encoding="utf-8").splitlines()
        self.assertIn("systemctl enable --now bankd.socket bankd.service", notes)
        self.assertEqual((folder / "etc/bankd/bankd.ini").stat().st_mode & 0o777, 0o640)


def _literals() -> Iterator[str]:
    """Every text in the source of the bank; what is put into it is an ellipsis."""
    for path in (ROOT / "bankd").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.sub(r"\{\w+\}", "…", node.value)
