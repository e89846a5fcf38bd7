"""``bankctl events list``: how far each way out has come."""

import json
from dataclasses import replace

from bankd.store import forwarding
from tests.test_ctl import CtlCase, Done

AT_US = 1_790_000_000_000_000
AT = "2026-09-21T14:13:20"
SETTINGS = """
[delivery]
events = webhook mqtt
[webhook]
url = http://localhost:8080/
[mqtt]
url = mqtt://localhost
"""


class Ways(CtlCase):
    """A bank with the demo's customers, whose accounts have no entries yet."""

    def setUp(self) -> None:
        super().setUp()
        self.init()

    def listed(self, *arguments: str) -> Done:
        """What is listed with these settings."""
        return self.bankctl(
            "events", "list", "--config", self.settings(SETTINGS), "--state", str(self.state), *arguments
        )

    def begin(self, name: str, **changes: object) -> None:
        """Have a way begun, and then stand so."""
        with self.store().writing() as tx:
            forwarding.keep(tx, replace(forwarding.begin(tx, name), **changes))  # type: ignore[arg-type]

    def rows(self) -> list[dict[str, object]]:
        """What is listed as JSON."""
        return [json.loads(line) for line in self.listed("--json").printed.splitlines()]

    def test_none(self) -> None:
        """Without a way in the settings that is said, to people."""
        arguments = ("events", "list", "--state", str(self.state))
        told = "no events go out: [delivery] events in the settings names no way\n"
        self.assertEqual(self.bankctl(*arguments), Done(0, told, ""))
        self.assertEqual(self.bankctl(*arguments, "--json"), Done(0, "", ""))

    def test_not_used_yet(self) -> None:
        """Ways that were never used are named."""
        told = "".join(
            f"{name}: has not been used yet; it begins when the bank is started\n" for name in ("mqtt", "webhook")
        )
        self.assertEqual(self.listed(), Done(0, told, ""))
        self.assertEqual([(row["way"], row["in_settings"], row["last_sent"]) for row in self.rows()],
                         [("mqtt", True, None), ("webhook", True, None)])  # fmt: skip

    def test_used(self) -> None:
        """A way tells what it is behind, when it sent last, what was given up, and whether the settings name it."""
        self.begin("webhook", sent_us=AT_US, given_up=2)
        self.begin("smtp")
        lines = self.listed().printed.splitlines()
        behind = "0 entries and 0 other notices behind"
        self.assertEqual(lines[0], f"smtp: {behind}, not in the settings, nothing sent yet")
        self.assertRegex(lines[1], f"^webhook: {behind}, last sent {AT}\\S*, 2 given up$")
        smtp, webhook, _ = self.rows()
        self.assertEqual((smtp["way"], smtp["in_settings"], smtp["entries_behind"]), ("smtp", False, 0))
        self.assertEqual((webhook["given_up"], webhook["failure"], webhook["fails_since"]), (2, None, None))
        self.assertTrue(str(webhook["last_sent"]).startswith(AT))

    def test_failing(self) -> None:
        """One that fails says since when and why, and the exit status tells, where the settings name it."""
        self.begin("smtp", failed_us=AT_US, failure="refused")
        self.assertEqual(self.listed().status, 0)
        self.begin("webhook", failed_us=AT_US, failure="it is\naway")
        done = self.listed()
        self.assertEqual(done.status, 1)
        self.assertRegex(done.printed, f"webhook: .*, fails since {AT}\\S*: it is.*away\n")
        self.assertEqual(len(done.printed.splitlines()), 3)
        self.assertEqual(self.listed("--json").status, 1)
        self.assertEqual([row["failure"] for row in self.rows()], ["refused", "it is\naway", None])
