"""A headless Chromium for tests, by Selenium: pure Python, kept up by the authors of the WebDriver standard, and with
Debian's own driver always in step with Debian's browser. It reaches nothing but this machine.
"""

import base64
import shutil
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from twisted.trial.unittest import SkipTest

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--lang=en"),
    *("--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
)


class Browser:
    """One browser, until ``close``. Raises SkipTest where there is none."""

    def __init__(self, profile: Path) -> None:
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if chromium is None or driver is None:
            raise SkipTest("chromium and chromedriver are not installed: on Debian, apt-get install chromium-driver")
        options = Options()
        options.binary_location = chromium
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self._driver = Chrome(options=options, service=Service(driver))

    def open(self, url: str) -> None:
        """Go to a page."""
        self._driver.get(url)

    def look(self, width: int, height: int, scheme: str) -> None:
        """Have a screen of a size, a phone's where it is narrow, and a preference for light or dark."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        self.tell("Emulation.setDeviceMetricsOverride", **size)
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def run(self, script: str) -> Any:
        """What a script in the page gives."""
        return self._driver.execute_script(f"return {script}")

    def tell(self, command: str, **arguments: Any) -> Any:
        """Give the browser a command of the DevTools protocol."""
        return self._driver.execute_cdp_cmd(command, arguments)

    def screenshot(self, path: Path) -> None:
        """Keep a picture of the whole page."""
        page = self.tell("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": page["width"], "height": page["height"], "scale": 1}
        taken = self.tell("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(taken["data"]))

    def complaints(self) -> list[str]:
        """What the browser wrote to its console: faults of scripts, and what the page's policy forbade."""
        return [entry["message"] for entry in self._driver.get_log("browser")]  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """End the browser and its driver."""
        self._driver.quit()
