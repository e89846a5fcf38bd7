"""The dashboard without a browser: its samples, who watches, and the files that it is made of."""

import json
import re
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from bankd import figures
from bankd.figures import LedgerView, ProcessView, Tally
from bankd.metrics import Watched
from bankd.protocols import history, watchers
from bankd.protocols.history import EVERY_SECONDS, SAMPLES, History, Sample
from bankd.testing import Stepped
from tests.test_status import StatusCase

FOLDER = Path(history.__file__).parent / "dashboard"


def watched(tally: Tally, now: float, entries: int | None = 0, cpu_seconds: float = 0.0) -> Watched:
    """A bank at a moment."""
    ledger = None if entries is None else LedgerView(entries, {}, {}, {})
    seen = figures.snapshot(tally, ProcessView(0.0, cpu_seconds, 1, 1, 1), now)
    return Watched("1", now, seen, tally, 0, (0, 0), ledger)


class Histories(SynchronousTestCase):
    """What is kept of the last hour."""

    def setUp(self) -> None:
        self.history, self.tally = History(), Tally()

    def take(self, now: float, entries: int | None = 0, cpu_seconds: float = 0.0) -> Sample:
        """The sample of a moment."""
        taken = self.history.take(watched(self.tally, now, entries, cpu_seconds))
        assert taken is not None
        return taken[0]

    def begin(self) -> None:
        """The first look, from which the next is counted."""
        self.assertIsNone(self.history.take(watched(self.tally, 0.0)))

    def test_rates(self) -> None:
        """Rates are by the second, since the sample before."""
        self.begin()
        for code in (200, 200, 200, 402):
            self.tally.answer("TRANSFER", code, "funds", 0.01)
        self.tally.log_ins["pin", "done"] += 2
        self.tally.log_ins["pin", "credentials"] += 5
        self.tally.notice_seconds.add(0.001)
        sample = self.take(2.0, entries=6, cpu_seconds=0.5)
        self.assertEqual((sample.movements, sample.requests, sample.refusals, sample.log_ins), (3, 2, 0.5, 1))
        self.assertEqual((sample.notices, sample.cpu_percent), (0.5, 25))
        self.assertEqual(self.take(4.0, entries=6).requests, 0)

    def test_what_is_not_known(self) -> None:
        """Without a database movements are not known, also in the sample after; of nothing there is no latency."""
        self.begin()
        for entries, movements in ((None, None), (10, None), (12, 1)):
            sample = self.take(self.history.samples[-1].at + 2 if self.history.samples else 2.0, entries)
            self.assertEqual(sample.movements, movements)
        self.assertEqual((sample.p50, sample.batch), (None, None))

    def test_latencies_of_half_a_minute(self) -> None:
        """Latencies and batches are those of the last half minute, of all verbs together."""
        self.begin()
        self.tally.answer("BALANCE", 200, "done", 0.0015)
        self.tally.answer("TRANSFER", 200, "done", 0.004)
        self.tally.lane.size.add(6)
        self.assertEqual(self.take(2.0).batch, 6)
        for place in range(2, 15):
            self.assertIsNotNone(self.take(2.0 * place).p99)
        self.take(30.0)
        self.assertIsNone(self.take(32.0).p99)

    def test_an_hour(self) -> None:
        """No more than an hour is kept."""
        self.begin()
        for place in range(SAMPLES + 5):
            self.take(2.0 * place + 2)
        samples = self.history.samples
        self.assertEqual((len(samples), SAMPLES * EVERY_SECONDS), (SAMPLES, 3600))
        self.assertEqual([sample.at for sample in samples], [2.0 * place + 2 for place in range(5, SAMPLES + 5)])

    def test_a_clock_that_was_set_back(self) -> None:
        """Nothing breaks."""
        self.begin()
        self.assertEqual(self.take(-5.0).requests, 0)

    def test_happenings(self) -> None:
        """What was refused comes first, then what was most frequent; a few kinds, and nothing of keeping alive."""
        self.begin()
        self.tally.gate.dropped += 3
        for verb, code, times in (("BALANCE", 200, 2), ("TRANSFER", 200, 5), ("LOGIN", 401, 1), ("NOOP", 200, 9)):
            for _ in range(times):
                self.tally.answer(verb, code, "x", 0.01)
        taken = self.history.take(watched(self.tally, 2.0))
        assert taken is not None
        told = [(each.what, each.code, each.times) for each in taken[1]]
        wanted = [("connection", 503, 3), ("LOGIN", 401, 1), ("TRANSFER", 200, 5), ("BALANCE", 200, 2)]
        self.assertEqual(told, wanted)
        for kind in range(30):
            self.tally.answer("X", 400 + kind, "x", 0.01)
        taken = self.history.take(watched(self.tally, 4.0))
        assert taken is not None
        self.assertEqual(len(taken[1]), history.AT_ONCE)


class Live(StatusCase):
    """Who watches."""

    def watch(self) -> tuple[Any, Any]:
        """A new watcher's connection."""
        protocol, transport = self.connect()
        protocol.dataReceived(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return protocol, transport

    def sample(self) -> None:
        """Let the time of a sample pass."""
        self.bank.clock.advance(EVERY_SECONDS)
        self.clock.advance(EVERY_SECONDS)

    def events(self, transport: Any) -> list[Any]:
        """What a watcher was told."""
        return [json.loads(found) for found in re.findall(rb"data: (.*)\n\n", transport.value())]

    def test_events(self) -> None:
        """A watcher is told a sample at a time, in the form of an event stream, and so is each other."""
        _, first = self.watch()
        self.sample()
        _, second = self.watch()
        self.bank.log_in(self.bank.add_customer("alice", deposit_minor=500))
        self.sample()
        head = first.value().partition(b"\r\n\r\n")[0]
        self.assertIn(b"Content-Type: text/event-stream", head)
        told = self.events(first)
        self.assertEqual((len(told), told[1:]), (2, self.events(second)))
        self.assertEqual(told[1]["now"]["ledger"]["customers_minor_units"], {"USD": 500})
        self.assertEqual(told[1]["now"]["log_ins"], {"pin": 1})
        self.assertEqual(told[1]["happenings"][0][1:], ["LOGIN", 200, "done", 1])
        self.assertEqual(len(told[1]["sample"]), len(Sample._fields))

    def test_history(self) -> None:
        """Who comes later has the samples from before; nothing there says who the customers are."""
        alice = self.bank.add_customer("alice", deposit_minor=500)
        self.bank.log_in(alice).ask("a WITHDRAW amount=900 currency=USD key=k")
        for _ in range(3):
            self.sample()
        body = self.ask("GET", "/history")[2]
        told = json.loads(body)
        self.assertEqual((told["fields"], len(told["samples"])), (list(Sample._fields), 3))
        self.assertEqual(told["now"]["refusals"], {"funds": 1})
        self.assertEqual(told["now"]["obstacles"], ["the bank does not listen"])
        for secret in (alice.account, alice.pin, alice.mobile, alice.username):
            self.assertNotIn(secret.encode(), body)

    def test_too_many(self) -> None:
        """There are so many watchers and no more; when one leaves another may come."""
        watching = [self.watch() for _ in range(watchers.MOST)]
        status, headers, _ = self.ask("GET", "/events")
        self.assertEqual((status, headers["retry-after"]), (503, "30"))
        watching[0][1].loseConnection()
        _, late = self.watch()
        self.sample()
        self.assertEqual(len(self.events(late)), 1)

    def test_who_does_not_read(self) -> None:
        """A watcher that does not read is cut off, and the others go on."""
        _, transport = self.watch()
        _, other = self.watch()
        transport.producer.pauseProducing()
        transport.producer.resumeProducing()
        self.sample()
        self.assertTrue(transport.connected)
        transport.producer.pauseProducing()
        self.sample()
        self.assertFalse(transport.connected)
        self.assertEqual((len(self.events(transport)), len(self.events(other))), (1, 2))

    def test_long(self) -> None:
        """A watcher is not cut off for asking nothing more."""
        _, transport = self.watch()
        for _ in range(50):
            self.sample()
        self.assertTrue(transport.connected)

    def test_hang_up(self) -> None:
        """When the bank stops, watchers are let go."""
        _, transport = self.watch()
        self.successResultOf(self.site.hang_up())
        self.assertFalse(transport.connected)
        self.assertTrue(transport.value().endswith(b"0\r\n\r\n"))

    def test_nothing_while_the_database_hangs(self) -> None:
        """A sample waits for a slow database, and is then without it; there is one question at a time."""
        _, transport = self.watch()
        pool = Stepped()
        self.bank.branch.read_pool = pool
        for _ in range(4):
            self.sample()
        self.assertLessEqual(len(pool.waiting), 1)
        self.assertIsNone(self.events(transport)[-1]["now"]["ledger"])
        pool.drain()


class Files(StatusCase):
    """What the page is made of."""

    def test_served(self) -> None:
        """The page and all that it names are there, each of its own type, under the strict policy."""
        status, headers, body = self.ask("GET", "/")
        self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        policy = headers["content-security-policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        for path in re.findall(r'(?:href|src)="(/[^"]*)"', body.decode()):
            self.assertIn(self.ask("GET", path)[0], (200, 503), path)

    def test_nothing_from_outside(self) -> None:
        """Nothing comes from anywhere else, no script or style stands in the page, and no text is read as markup."""
        for path in FOLDER.iterdir():
            text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
            self.assertNotRegex(text, r"https?:|//[a-z]+\.|@import|url\(", path.name)
            self.assertNotRegex(text, r"innerHTML|insertAdjacentHTML|document\.write|\beval\(", path.name)
        page = (FOLDER / "index.html").read_text(encoding="utf-8")
        self.assertNotRegex(page, r"<style|\sstyle=|\son\w+=|<script(?! src=)")

    def test_fields(self) -> None:
        """Every figure that the script draws is one of a sample."""
        script = (FOLDER / "dashboard.js").read_text(encoding="utf-8")
        drawn = {
            name for names in re.findall(r"lines: \[(.*)\], unit", script) for name in re.findall(r'\["(\w+)",', names)
        }
        drawn |= set(re.findall(r'\bof\("(\w+)"\)', script))
        self.assertGreater(len(drawn), 8)
        self.assertLessEqual(drawn, set(Sample._fields))

    def test_contrast(self) -> None:
        """Every colour of text is readable on what it stands on: 4.5 to 1 (WCAG 2.2, 1.4.3), in both themes."""
        style = (FOLDER / "dashboard.css").read_text(encoding="utf-8")
        themes = [
            dict(re.findall(r"--(\w+): #([0-9a-f]{6})\b", block))
            for block in re.findall(r":root \{(.*?)\}", style, re.S)
        ]
        self.assertEqual(len(themes), 2)
        for theme in themes:
            for ink in ("ink", "quiet", "one", "good", "bad"):
                for ground in ("ground", "card"):
                    self.assertGreaterEqual(contrast(theme[ink], theme[ground]), 4.5, (ink, ground))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, by WCAG's formula."""

    def luminance(colour: str) -> float:
        parts = (int(colour[place : place + 2], 16) / 255 for place in (0, 2, 4))
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)
