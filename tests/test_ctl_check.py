"""``bankctl config check``: what it shows, what it hides, and what it warns of."""

import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd import config, core_files
from bankd.ctl.main import main
from bankd.settings_risks import risks

ETC = Path(__file__).resolve().parent.parent / "etc"


class CheckCase(SynchronousTestCase):
    """A test with a settings file and an environment of its own."""

    def setUp(self) -> None:
        self.patch(core_files, "forbid", lambda: None)  # it would hold for whatever else runs in this process
        self.patch(os, "umask", lambda _mode: 0)
        self.patch(os, "environ", {})
        self.path = Path(self.mktemp())

    def check(self, text: str, **environment: str) -> tuple[int, list[str], list[str]]:
        """The exit status of the command for a file, the lines it prints, and those of its complaints."""
        os.environ.update(environment)
        self.path.write_text(text, encoding="utf-8")
        self.path.chmod(0o600)
        said, complaints = StringIO(), StringIO()
        with redirect_stdout(said), redirect_stderr(complaints):
            status = main(["config", "check", "--config", str(self.path), "--state", "there"])
        return status, said.getvalue().splitlines(), complaints.getvalue().splitlines()


class Checking(CheckCase):
    """Settings that can be used."""

    def test_where_each_is_from(self) -> None:
        """Every key is shown with its value and where that is from, under its section, in the order of the table."""
        status, lines, complaints = self.check(
            "[bank]\nname = A\n[server]\nport = 7\n[protocols]\nteller = 192.0.2.1 7\n", BANKD_BANK_REGION="US"
        )
        self.assertEqual((status, complaints), (0, []))
        words = [" ".join(line.split()) for line in lines]
        for line in (
            "state = there --state",
            f"port = 7 {self.path}:4",
            "host = 0.0.0.0 default",
            f"name = A {self.path}:2",
            "region = US BANKD_BANK_REGION",
            f"teller = 192.0.2.1 7 {self.path}:6",
        ):
            self.assertIn(line, words)
        sections = [line for line in lines if line.startswith("[")]
        known = list(dict.fromkeys(f"[{key.section}]" for key in config.KEYS))
        self.assertEqual(sections, [*known, "[protocols]"])
        self.assertEqual(sum(line.startswith("  ") for line in lines), len(config.KEYS) + 1)

    def test_secrets(self) -> None:
        """No password is shown, wherever it stands, and nothing that may be one."""
        _, lines, _ = self.check(
            "[database]\nurl = postgresql+psycopg://us:geheim@db/bank?password=geheim\n"
            "[delivery]\norder = script\n[script]\ncommand = /bin/true geheim\n"
            "[sms]\nurl = https://g.example/?key=geheim\ntemplate = {to}{text}geheim\n",
        )
        text = "\n".join(lines)
        self.assertNotIn("geheim", text)
        self.assertIn("url = postgresql+psycopg://us:***@db/bank ", text)
        self.assertIn("command = (hidden)", text)
        _, lines, complaints = self.check("[mysql]\nhost = db\nuser = us\npassword = geheim\ndatabase = b\n")
        self.assertNotIn("geheim", "\n".join(lines + complaints))
        self.assertIn("password = (hidden)", "\n".join(lines))


class Broken(CheckCase):
    """Settings that cannot be used."""

    def test_faults(self) -> None:
        """Every fault is told as at the start of the bank, nothing else is, and the exit status is 2."""
        status, lines, complaints = self.check("[server]\nport = x\n[bank]\nprot = x\n")
        self.assertEqual((status, lines, len(complaints)), (2, [], 2))
        self.assertTrue(complaints[0].startswith(f"bankctl: {self.path}:2: [server] port: 'x' will not do"))

    def test_deliveries(self) -> None:
        """So is what deliveries lack, with its line."""
        status, _, complaints = self.check("[delivery]\norder = smtp sms\n[sms]\nurl = http://a.example/\n")
        self.assertEqual((status, len(complaints)), (2, 2))
        self.assertTrue(complaints[1].startswith(f"bankctl: {self.path}:4: [sms] url: http is for"))


class Risks(CheckCase):
    """What is risky."""

    def risks(self, text: str) -> list[str]:
        """What is said of a file, without its name."""
        _, lines, complaints = self.check("[bank]\nregister_mobiles = no\n" + text)
        self.assertEqual(complaints, [])
        self.assertRegex(lines[-1], "these settings can be used")
        return [line.removeprefix(f"risky: {self.path}:") for line in lines if line.startswith("risky: ")]

    def test_none(self) -> None:
        """Settings can be without risk, and that is said; those for production and for attackers are."""
        self.assertEqual(self.risks(""), [])
        for name in ("production.ini", "hardened.ini"):
            self.assertEqual(risks(config.load(ETC / name, {}), ETC / name), [])

    def test_demo(self) -> None:
        """The demo has three: whoever can reach it, new customers, and operators by themselves."""
        found = risks(config.load(ETC / "demo.ini", {}), ETC / "demo.ini")
        self.assertEqual(len(found), 3)

    def test_each(self) -> None:
        """Each risk is told of the key that it comes from, with its line."""
        for text, begin in (
            ("[server]\nstatus_host = ::\n", "4: [server] status_host: whoever reaches"),
            ("demo = yes\n", "3: [bank] demo: other machines reach"),
            ("two_people = no\n", "3: [bank] two_people: one operator"),
            ("[lockout]\nlock_after = 21\n", "4: [lockout] lock_after: 21 wrong PINs"),
            ("[server]\nidle_seconds = 3601\n", "4: [server] idle_seconds: a terminal"),
            ("one_time = login\n", "3: [bank] one_time: only customers with"),
            ("[mysql]\nhost = db\ndatabase = bank\n", "4: [mysql] host: the database is on another machine"),
            ("[database]\nurl = postgresql+psycopg://us@db/bank\n", "4: [database] url: the database is on another"),
        ):
            (risk,) = self.risks(text)
            self.assertTrue(risk.startswith(begin), risk)

    def test_almost(self) -> None:
        """What only looks like a risk is none."""
        for text in (
            "demo = yes\n[server]\nhost = 127.0.0.1\n",
            "[database]\nurl = postgresql+psycopg://us@db/bank?sslmode=verify-full\n",
            "[mysql]\ndatabase = bank\n",
            "one_time = login\n[delivery]\norder = script\n[script]\ncommand = /bin/true\n",
        ):
            self.assertEqual(self.risks(text), [])

    def test_passwords_that_others_can_read(self) -> None:
        """A file with a password is its owner's alone; without one anybody may read it."""
        for text, risky in (
            ("[mysql]\ndatabase = b\npassword = geheim\n", True),
            ("[database]\nurl = postgresql+psycopg://us:geheim@localhost/b\n", True),
            ("[database]\nurl = postgresql+psycopg://us@localhost/b\n", False),
        ):
            self.path.write_text(text, encoding="utf-8")
            for mode in (0o600, 0o640, 0o604):
                self.path.chmod(mode)
                found = [risk for risk in risks(config.load(self.path, {}), self.path) if "chmod 600" in risk]
                self.assertEqual(len(found), int(risky and mode != 0o600))
