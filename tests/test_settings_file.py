"""The settings file that operators read, etc/bankd.ini: every key there is, as the code has it, and no other."""

import re
from configparser import ConfigParser
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd import config
from bankd.bank.terms import OneTime
from bankd.config import KEYS
from bankd.records import Sealing

ETC = Path(__file__).resolve().parent.parent / "etc"
FILE = ETC / "bankd.ini"

SHORT = 20
"""Lines that the demo's settings have at most: whoever opens them wants to see at once what the demo is."""


@cache
def written() -> dict[tuple[str, str], str]:
    """Every value in the file, by section and key."""
    parser = ConfigParser(interpolation=None, default_section="")
    parser.read_string(FILE.read_text(encoding="utf-8"))
    return {(section, name): text for section in parser.sections() for name, text in parser.items(section)}


@cache
def comments() -> dict[tuple[str, str], str]:
    """What stands above each key, on one line and without letters' case, by section and key."""
    found: dict[tuple[str, str], str] = {}
    for section in re.split(r"^\[(?=\w+\]$)", FILE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        name, _, text = section.partition("]")
        for comment, key in re.findall(r"^((?:#.*\n)+)(\w+) *=", text, re.MULTILINE):
            found[name, key] = " ".join(comment.replace("#", " ").split()).casefold()
    return found


class SettingsFileTests(SynchronousTestCase):
    """etc/bankd.ini against the keys that the code reads."""

    def test_nothing_missing_nothing_strange(self) -> None:
        """The file has every key once, in its section and in the code's order, and no other."""
        self.assertEqual(list(written()), [(key.section, key.name) for key in KEYS])

    def test_defaults(self) -> None:
        """Each key has its default, so that the whole file changes nothing."""
        self.assertEqual(written(), {(key.section, key.name): key.default for key in KEYS})
        self.assertEqual(config.load(FILE, {}), config.load(None, {}))

    def test_every_key_is_explained(self) -> None:
        """Above each key stands what it means and what is allowed, in the code's own words."""
        for key in KEYS:
            explained = comments().get((key.section, key.name), "")
            self.assertIn(key.meaning.casefold(), explained, key.name)
            self.assertIn(key.allowed.casefold(), explained, key.name)

    def test_those_for_production(self) -> None:
        """Those for production and for attackers can be used, and the latter have what they are named for."""
        config.load(ETC / "production.ini", {})
        hardened = config.load(ETC / "hardened.ini", {})
        terms = hardened.terms
        self.assertEqual(
            (terms.registers_mobiles, terms.pin_terminals, terms.two_people, terms.one_time, hardened.sealing),
            (False, True, True, OneTime.LOGIN, Sealing.SESSION),
        )
        self.assertEqual(hardened.protocols["status"][0], "127.0.0.1")

    def test_those_of_another_bank(self) -> None:
        """The sections and keys that one of the banks before had are taken as they stand, and each sets something."""
        path = Path(self.mktemp())
        path.write_text(
            "[server]\nhost = 127.0.0.1\nport = 7000\nworker_threads = 8\nmonitor_interval = 5\n\n"
            "[mysql]\nhost = db\nport = 3307\nuser = bank\npassword = geheim\ndatabase = bank\n\n"
            "[logging]\nlogfile = /log/server.log\n",
            encoding="utf-8",
        )
        settings = config.load(path, {})
        self.assertEqual(settings.protocols["line"], ("127.0.0.1", 7000))
        self.assertEqual((settings.worker_threads, settings.monitor_interval), (8, 5))
        self.assertEqual(settings.database, "mysql+pymysql://bank:geheim@db:3307/bank")
        self.assertEqual(settings.logfile, Path("/log/server.log"))

    def test_the_demo_is_short(self) -> None:
        """etc/demo.ini can be used, and is short enough to be seen at once."""
        path = ETC / "demo.ini"
        self.assertTrue(config.load(path, {}).demo)
        self.assertLessEqual(len(path.read_text(encoding="utf-8").splitlines()), SHORT)
