"""docs/delivery.md is true: its settings can be used, and its programs and its plugin do what it says."""

import re
import subprocess
import sys

from twisted.internet.task import Clock

from bankd import config
from bankd.delivery.post import hire
from tests.system.support import BIN, ROOT, Done, SystemTestCase, answers, environment, free_ports, look_until, run

PAGE = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")

BLOCK = re.compile(r"^```(?P<kind>\w+)(?: (?P<name>\S+))?\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)

ADDRESS = ("--to", "+12025550123")


class DeliveryPageTests(SystemTestCase):
    """Everything on the page, with the test's own folder in place of those of the machine."""

    def setUp(self) -> None:
        super().setUp()
        for name in ("mail-password", "sms-token", "sms-password"):
            (self.folder / name).write_text("canary-4711\n")
        for block in BLOCK.finditer(PAGE):
            if block["name"]:
                path = self.folder / block["name"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block["text"], encoding="utf-8")
                path.chmod(0o700)
        self.settings = [self.own(block["text"]) for block in BLOCK.finditer(PAGE) if block["kind"] == "ini"]

    def own(self, text: str) -> str:
        """Settings with this test's files in place of the page's, and its Python, which has what a plugin needs."""
        for there, here in (
            ("/etc/bankd/", f"{self.folder}/"),
            ("/usr/local/bin/send-message --queue bank", f"{self.folder}/send-message {self.folder}/queue"),
            ("/var/lib/pigeons", str(self.folder)),
        ):
            text = text.replace(there, here)
        return text

    def delivery_test(self, settings: str) -> Done:
        """What ``bankctl delivery test`` says, with the folder on Python's path."""
        path = self.folder / "bank.ini"
        path.write_text(settings, encoding="utf-8")
        command = [str(BIN / "bankctl"), "delivery", "test", *ADDRESS, "--config", str(path)]
        return run(command, environment({"PYTHONPATH": str(self.folder)}), self.folder)

    def assertHandedOver(self, settings: str, name: str) -> None:
        """The message was handed over."""
        done = self.delivery_test(settings)
        self.assertEqual((done.status, done.complaints), (0, ""), done.lines)
        self.assertRegex(done.lines[-1], rf"^{name}: handed over for \+12025550123 after \d+\.\d seconds$")

    def settings_of(self, order: str) -> str:
        """The first settings on the page with this order."""
        return next(text for text in self.settings if f"order = {order}\n" in text)

    def test_settings(self) -> None:
        """Each example of settings is without fault, and couriers can be made of it."""
        self.assertEqual(len(self.settings), 5)
        for text in self.settings[:4]:
            path = self.folder / "example.ini"
            path.write_text(text, encoding="utf-8")
            postage = config.load(path, {}).postage
            self.assertEqual([name for name, _ in hire(postage, Clock())], list(postage.order))

    def test_table(self) -> None:
        """The page lists every delivery that comes with bankd, and the word by which customers know it."""
        rows = re.findall(r"^\| `(\w+)` \| .* \| `(\w+)` \|$", PAGE, re.MULTILINE)
        found = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "bankd" / "delivery").glob("*.py")}
        for name, way in rows:
            self.assertIn(f'way = "{way}"', found[name], name)
        self.assertEqual(sum("way = " in text for text in found.values()), len(rows))

    def test_script(self) -> None:
        """The program in the example gets the message."""
        self.assertHandedOver(self.settings_of("script"), "script")
        [line] = (self.folder / "queue").read_text(encoding="utf-8").splitlines()
        self.assertEqual(line, "+12025550123 'This is a test message from bankd. Nothing need be done.'")

    def test_plugin(self) -> None:
        """The plugin in the example is found, and its pigeon arrives."""
        self.assertHandedOver(self.settings_of("pigeon"), "pigeon")
        self.assertIn("test message", (self.folder / "+12025550123").read_text(encoding="utf-8"))
        done = self.delivery_test("[delivery]\norder = pigeon\n")
        self.assertEqual(done.status, 2)
        self.assertIn("[pigeon] loft: it takes the folder that the pigeons fly to", done.complaints)

    def test_gateway(self) -> None:
        """The gateway in the example takes what either template makes."""
        [port] = free_ports(1)
        printed = self.folder / "printed"
        with printed.open("wb") as file:
            gateway = subprocess.Popen(
                [sys.executable, str(self.folder / "gateway.py"), str(port)], stdout=file, stderr=subprocess.DEVNULL
            )
        self.addCleanup(gateway.wait)
        self.addCleanup(gateway.kill)
        look_until(lambda: answers(port), lambda: "the gateway does not serve")
        for text in self.settings[1:3]:
            text = re.sub(r"^url = .*$", f"url = http://127.0.0.1:{port}/", text, flags=re.MULTILINE)
            self.assertEqual(self.delivery_test(text).status, 0)
        self.assertEqual(
            printed.read_text(encoding="utf-8").splitlines(),
            [
                '{"from": "Example Bank", "to": ["+12025550123"], "body": "This is a test message from bankd. Nothing'
                ' need be done."}',
                "From=%2B12025550100&To=%2B12025550123&Body=This+is+a+test+message+from+bankd.+Nothing+need+be+done.",
            ],
        )
