"""docs/monitoring.md is true of a bank that serves, and what it tells equals what its clients did."""

import re
import subprocess
from pathlib import Path
from typing import Any

from tests.browser import Browser
from tests.docs import BLOCK, MONITORING
from tests.system.support import DEADLINE_SECONDS, SystemTestCase, look_until, need
from tests.system.test_readme import pattern


class MonitoringTests(SystemTestCase):
    """One bank, seen by who watches it."""

    def setUp(self) -> None:
        super().setUp()
        self.bank = self.open_bank()

    def test_watched(self) -> None:
        """The page's commands, then what three clients do: the pages, the journal and each other agree.

        Last the dashboard in a browser; the test is skipped from there on where there is none.
        """
        need("curl")
        self.play_the_page()
        self.check_what_clients_did()
        self.look_at_the_dashboard()

    def play_the_page(self) -> None:
        """Every command on the page answers as printed there."""
        blocks = [found["text"] for found in BLOCK.finditer(MONITORING.read_text()) if found["kind"] == "text"]
        asked = [asked for block in blocks for asked in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
        self.assertGreater(len(asked), 3)
        for command, _, printed in (each.partition("\n") for each in asked):
            own = command.replace("localhost:5000", f"localhost:{self.bank.status_port}")
            done = subprocess.run(["sh", "-c", own], capture_output=True, text=True, timeout=DEADLINE_SECONDS)
            wanted = "".join(r"(?s:.*)" if line == "..." else pattern(line) + r"\n" for line in printed.splitlines())
            self.assertRegex(done.stdout, f"^{wanted}$", command)

    def check_what_clients_did(self) -> None:
        """Three clients do three tasks each, and are connected still."""
        for customer in self.bank.customers:
            client = self.open_client(self.bank)
            client.log_in(customer.account, customer.pin)
            client.type("Deposit", "5")
            client.wait_for("Success")
            client.type("Withdraw", "2")
            client.wait_for("Success")
            client.type("Check Balance")
            client.wait_for("Balance")
        held = {"USD": 300_000 + 3 * 300}

        def is_done() -> bool:  # what the database says is good for a second, and the last question may be on its way
            status = self.bank.status()
            return bool(status["ledger"]["customers_minor_units"] == held and status["tasks_processed"] == 9)

        look_until(is_done, lambda: str(self.bank.status()))
        status, told = self.bank.status(), self.bank.metrics()
        self.assertEqual((status["connections"], status["sessions"], status["tasks_processed"]), (3, 3, 9))
        self.assertEqual((told["bankd_open_connections",], told["bankd_tasks_total",]), (3, 9))
        self.assertEqual(told["bankd_requests_total", "200", "done", "DEPOSIT"], 3)
        self.assertEqual(told["bankd_logins_total", "pin", "done"], 3)
        self.assertEqual(told["bankd_request_duration_seconds_count", "WITHDRAW"], 3)
        self.assertEqual(told["bankd_ledger_balance_minor_units", "USD", "customers"], held["USD"])
        self.assertGreater(told["bankd_notice_delay_seconds_count",], 0)
        self.told = told
        chained = self.bank.verify().lines[1]
        self.assertTrue(chained.startswith(f"chained: {told['bankd_ledger_entries_total',]:.0f} entries;"), chained)

    def look_at_the_dashboard(self) -> None:
        """What it shows is what the metrics tell; it is whole on every screen, and can be heard and used by keys."""
        browser = Browser(self.folder / "browser")
        self.addCleanup(browser.close)
        browser.open(f"http://127.0.0.1:{self.bank.status_port}/")

        def shown(place: str) -> str:
            return str(browser.run(f"document.getElementById('{place}').innerText"))

        look_until(lambda: shown("state") == "Serving", lambda: f"it never served: {browser.complaints()}")
        look_until(lambda: browser.run("samples.length") > 1, lambda: "no sample ever came")
        minor = self.told["bankd_ledger_balance_minor_units", "USD", "customers"]
        for place, wanted in (  # the page is live: what is not there yet comes with the next sample
            ("connections", f"{self.told['bankd_open_connections',]:.0f}"),
            ("movements-more", f"{self.told['bankd_ledger_entries_total',]:.0f} in all"),
            ("ledger", f"USD {minor / 100:,.2f}"),
            ("log_ins", f"pin {self.told['bankd_logins_total', 'pin', 'done']:.0f}"),
        ):
            look_until(
                lambda place=place, wanted=wanted: " ".join(shown(place).split()) == wanted,  # type: ignore[misc]
                lambda place=place: f"{place}: {shown(place)}",  # type: ignore[misc]
            )
        self.take_pictures(browser)
        self.use_by_keys(browser)
        self.hear(browser)
        self.assertEqual(browser.complaints(), [])
        self.bank.stop()
        look_until(
            lambda: shown("state").startswith("Connection lost"), lambda: "it never noticed that the bank stopped"
        )

    def take_pictures(self, browser: Browser) -> None:
        """On a wide screen and on a phone's, light and dark, nothing is wider than the screen. Pictures are kept."""
        for width, height in ((1280, 800), (390, 844)):
            for scheme in ("light", "dark"):
                browser.look(width, height, scheme)
                self.assertLessEqual(browser.run("document.documentElement.scrollWidth"), width)
                browser.screenshot(Path(f"dashboard-{width}x{height}-{scheme}.png"))  # in trial's own folder

    def use_by_keys(self, browser: Browser) -> None:
        """The first stop of the tab key skips to the figures, and a plot's table opens by a key."""
        for key, code, text in (("Tab", 9, ""), ("Enter", 13, "\r")):
            told = {"key": key, "code": key, "windowsVirtualKeyCode": code}
            browser.tell("Input.dispatchKeyEvent", type="keyDown", text=text, **told)
            browser.tell("Input.dispatchKeyEvent", type="keyUp", **told)
        look_until(
            lambda: browser.run("location.hash") == "#main", lambda: "the first stop does not skip to the figures"
        )
        browser.run("document.querySelector('summary').focus()")
        told = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13}
        browser.tell("Input.dispatchKeyEvent", type="keyDown", text="\r", **told)
        look_until(
            lambda: browser.run("document.querySelectorAll('details[open] tbody tr').length") > 0, lambda: "no table"
        )

    def hear(self, browser: Browser) -> None:
        """A screen reader finds the landmarks, a name for each part and each plot, and hears the state."""
        nodes: list[dict[str, Any]] = browser.tell("Accessibility.getFullAXTree")["nodes"]
        roles = [(node.get("role", {}).get("value"), node.get("name", {}).get("value", "")) for node in nodes]
        for role in ("banner", "main", "contentinfo", "status"):
            self.assertEqual([found for found, _ in roles].count(role), 1, role)
        regions = {name for role, name in roles if role == "region"}
        wanted = {"Now", "The last hour", "Held for customers", "Log-ins", "Refusals", "What happened last"}
        self.assertEqual(regions, wanted)
        plots = [name for role, name in roles if role in ("image", "img") and "Now," in name]
        self.assertEqual(len(plots), 6)
