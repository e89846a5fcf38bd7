"""``bankctl export csv``: what the operator types, and is told."""

import os
import stat
from pathlib import Path

from bankd.bank import demo
from bankd.store import extracts
from bankd.store.engines import Connection
from tests.test_ctl import CtlCase, Done


class Export(CtlCase):
    """The two files, of the whole journal."""

    def setUp(self) -> None:
        super().setUp()
        self.nice: list[int] = []
        self.patch(os, "nice", self.nice.append)
        self.init()
        self.client, self.bank = (self.state.parent / name for name in ("client.csv", "bank.csv"))

    def export(self, *options: str) -> Done:
        """Export with options."""
        return self.bankctl("export", "csv", *options, "--state", str(self.state))

    def test_both(self) -> None:
        """Both have a header and a row for each of the demo's deposits, and are the operator's alone."""
        done = self.export("--client", str(self.client), "--bank", str(self.bank))
        count = len(demo.NAMES)
        self.assertEqual((done.status, done.printed), (0, f"entries: {count}, in {self.client} and {self.bank}\n"))
        for path, kind in ((self.client, extracts.CLIENT), (self.bank, extracts.BANK)):
            header, *rows = path.read_text().splitlines(keepends=True)
            self.assertEqual((header, len(rows)), (extracts.HEADERS[kind], count))
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(len(self.nice), 1)

    def test_one(self) -> None:
        """Each can be had alone; without any the command cannot be used."""
        done = self.export("--bank", str(self.bank))
        self.assertEqual((done.status, done.printed), (0, f"entries: {len(demo.NAMES)}, in {self.bank}\n"))
        self.assertFalse(self.client.exists())
        done = self.export()
        self.assertEqual((done.status, done.printed), (2, ""))
        self.assertIn("--client FILE", done.complaints)

    def test_no_file_is_written_over(self) -> None:
        """A file that is there stays as it is, and no other is left."""
        self.bank.write_text("mine")
        done = self.export("--client", str(self.client), "--bank", str(self.bank))
        self.assertEqual(done.status, 1)
        self.assertIn(f"{self.bank}: File exists", done.complaints)
        self.assertEqual(self.bank.read_text(), "mine")
        self.assertFalse(self.client.exists())

    def test_fails_on_the_way(self) -> None:
        """Where the export fails no part of a file is left."""

        def fail(_connection: Connection) -> None:
            raise OSError(28, "No space left on device", str(self.client))

        self.patch(extracts, "all_rows", fail)
        self.assertEqual(self.export("--client", str(self.client)).status, 1)
        self.assertEqual([path for path in Path(self.client).parent.iterdir() if path.suffix == ".csv"], [])
