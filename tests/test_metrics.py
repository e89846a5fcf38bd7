"""What the bank counts of itself, and how Prometheus reads it."""

import json
import random
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from bankd import codes, figures
from bankd.figures import SECONDS, SIZES, Tally
from bankd.metrics import FAMILIES, Kind
from bankd.perspectives.figures import BATCH_SECONDS, PATIENCE_SECONDS, Figures
from bankd.protocols import exposition
from bankd.testing import PracticeBank, Stepped
from tests import docs

PLAIN = "text/plain; version=0.0.4; charset=utf-8"


class Histograms(SynchronousTestCase):
    """How often a measure was where."""

    def test_counts(self) -> None:
        """A measure counts up to the first bound that is not below it, or beyond all."""
        sizes = figures.Histogram((1.0, 2.0, 5.0))
        for size in (1, 2, 3, 5, 6, 0):
            sizes.add(size)
        self.assertEqual((sizes.counts, sizes.total), ([2, 1, 2, 1], 17))

    def test_each_its_own(self) -> None:
        """Two histograms share nothing."""
        first, second = figures.Histogram(), figures.Histogram()
        first.add(1)
        self.assertEqual(sum(second.counts), 0)

    def test_since(self) -> None:
        """What was added since is told apart, and a copy stays as it was."""
        times = figures.Histogram()
        times.add(0.003)
        before = times.since(None)
        times.add(0.2)
        times.add(0.3)
        added = times.since(before)
        self.assertEqual((sum(before.counts), sum(added.counts)), (1, 2))
        self.assertAlmostEqual(added.total, 0.5)

    def test_quantiles(self) -> None:
        """A quantile is where it would be if measures lay evenly between two bounds."""
        times = figures.Histogram((1.0, 2.0, 4.0), [0, 10, 10, 0])
        self.assertEqual([times.quantile(share) for share in (0.05, 0.25, 0.5, 0.75, 1.0)], [1.1, 1.5, 2.0, 3.0, 4.0])

    def test_quantiles_at_the_ends(self) -> None:
        """There is none of nothing, and what is beyond all bounds counts as the last."""
        self.assertIsNone(figures.Histogram().quantile(0.5))
        self.assertEqual(figures.Histogram((1.0, 2.0), [0, 0, 3]).quantile(0.99), 2.0)

    def test_quantiles_of_many(self) -> None:
        """A quantile lies between the bounds that the true one lies between."""
        seeded = random.Random(1)
        measures = sorted(seeded.expovariate(50) for _ in range(2000))
        times = figures.Histogram()
        for measure in measures:
            times.add(measure)
        for share in (0.5, 0.95, 0.99):
            true, told = measures[round(share * 2000) - 1], times.quantile(share) or 0
            above = min(bound for bound in SECONDS if bound >= true)
            self.assertTrue(max((b for b in SECONDS if b < true), default=0) <= told <= above, (share, true, told))

    def test_together(self) -> None:
        """Several are added up; none are an empty one."""
        first, second = figures.Histogram(SIZES), figures.Histogram(SIZES)
        first.add(1)
        second.add(7)
        both = figures.together([first, second], SIZES)
        self.assertEqual((sum(both.counts), both.total), (2, 8))
        self.assertEqual(sum(figures.together([]).counts), 0)


class MetricsCase(SynchronousTestCase):
    """A test with a practice bank and what Prometheus reads of it."""

    read_pool: Any = None

    def setUp(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        self.bank = PracticeBank(folder, read_pool=self.read_pool)
        self.addCleanup(self.bank.close)
        self.figures = Figures(self.bank.branch)

    def text(self, accept: str = PLAIN) -> str:
        """The metrics as they are written."""
        watched = self.successResultOf(Deferred.fromCoroutine(self.figures.watch()))
        return exposition.written(watched, accept)[0].decode()

    def families(self) -> dict[str, Metric]:
        """The metrics as Prometheus' own library reads them."""
        return {family.name: family for family in text_string_to_metric_families(self.text())}

    def value(self, name: str, **labels: str) -> float | None:
        """One value."""
        samples = (sample for family in self.families().values() for sample in family.samples)
        return next((each.value for each in samples if each.name == name and each.labels == labels), None)


class TheTable(MetricsCase):
    """The metrics there are."""

    def test_names(self) -> None:
        """Names are as Prometheus wants them: counters alone end with _total, and units are base units."""
        for family in FAMILIES:
            self.assertRegex(family.name, r"^(bankd|process)_[a-z_]+$")
            self.assertEqual(family.name.endswith("_total"), family.kind is Kind.COUNTER, family.name)
            self.assertNotRegex(family.name, r"_(ms|milliseconds|percent|kb|count|sum|bucket)$")
            self.assertTrue(family.meaning.endswith("."), family.name)
        names = [family.name.removesuffix("_total") for family in FAMILIES]
        self.assertEqual(len(set(names)), len(names))

    def test_page(self) -> None:
        """docs/monitoring.md has the table as the code has it, and notices when it is stale."""
        page = docs.MONITORING.read_text(encoding="utf-8")
        self.assertEqual(docs.made_anew(page), page)
        stale = page.replace("`bankd_sessions` | gauge", "`bankd_sessions` | counter")
        self.assertNotEqual(stale, page)
        self.assertEqual(docs.made_anew(stale), page)

    def test_every_one_is_told(self) -> None:
        """After one log-in, a deposit and a notice every metric of the table has a value."""
        alice = self.bank.add_customer("alice", deposit_minor=500)
        self.bank.log_in(alice).ask("a BALANCE")
        self.bank.branch.tally.notice_seconds.add(0.001)
        self.assertEqual(set(self.families()), {family.name.removesuffix("_total") for family in FAMILIES})

    def test_alerts(self) -> None:
        """The alerts on the page name only metrics and reasons that there are."""
        page = docs.MONITORING.read_text(encoding="utf-8")
        known = {family.name for family in FAMILIES}
        known |= {f"{family.name}_bucket" for family in FAMILIES if family.kind is Kind.HISTOGRAM}
        rules = re.findall(r"^ +expr: (.*)$", page, re.MULTILINE)
        self.assertGreater(len(rules), 5)
        for rule in rules:
            self.assertLessEqual(set(re.findall(r"\bbankd_\w+", rule)), known, rule)
            self.assertLessEqual(set(re.findall(r'reason="(\w+)"', rule)), {code.reason for code in codes.ALL}, rule)


class Grafana(SynchronousTestCase):
    """The dashboard for Grafana."""

    def setUp(self) -> None:
        path = Path(__file__).parent.parent / "etc" / "grafana-dashboard.json"
        self.dashboard = json.loads(path.read_text(encoding="utf-8"))
        self.asked = [target["expr"] for panel in self.dashboard["panels"] for target in panel["targets"]]

    def test_metrics(self) -> None:
        """It asks for all the metrics that there are, and for no others; a label is one that its metric has."""
        parts = {Kind.HISTOGRAM: ("_bucket", "_sum", "_count"), Kind.COUNTER: ("",), Kind.GAUGE: ("",)}
        known = {family.name + part: family for family in FAMILIES for part in parts[family.kind]}
        asked = set(re.findall(r"\b(?:bankd|process)_\w+", "\n".join(self.asked)))
        self.assertLessEqual(asked, set(known))
        shown = {known[name].name for name in asked} | {"bankd_build_info"}  # which has the banks to choose from
        self.assertEqual(shown, {family.name for family in FAMILIES})
        for expression in self.asked:
            labels = {
                label for name in re.findall(r"\b(?:bankd|process)_\w+", expression) for label in known[name].labels
            }
            used = set(re.findall(r"[{,](\w+)=", expression)) | set(re.findall(r"by \(([\w, ]+)\)", expression))
            named = {label for each in used for label in each.split(", ")}
            self.assertLessEqual(named, labels | {"instance", "le"}, expression)

    def test_rates(self) -> None:
        """Of what only grows the rate is shown, and nothing is shown as it is scraped but gauges."""
        gauges = {family.name for family in FAMILIES if family.kind is Kind.GAUGE}
        for expression in self.asked:
            for name in re.findall(r"(?<!rate\()\b((?:bankd|process)_\w+)", expression):
                self.assertIn(name, gauges, expression)

    def test_places(self) -> None:
        """No panel lies on another, and each has a title, a description and a number of its own."""
        panels = self.dashboard["panels"]
        cells = [
            (at["x"] + column, at["y"] + row)
            for at in (panel["gridPos"] for panel in panels)
            for column in range(at["w"])
            for row in range(at["h"])
        ]
        self.assertEqual(len(cells), len(set(cells)))
        self.assertLessEqual(max(column for column, _ in cells), 23)
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        for panel in panels:
            self.assertTrue(panel["title"] and panel["description"].endswith("."), panel["id"])


class Told(MetricsCase):
    """What they tell."""

    def test_requests(self) -> None:
        """Answers are counted by verb, code and reason; what is no request has no verb of its own."""
        wire = self.bank.log_in(self.bank.add_customer("alice"))
        wire.ask("a BALANCE", "b BALANCE", "c WITHDRAW amount=1 currency=USD key=k", "d DANCE", "e X", "f BALANCE x=1")
        self.assertEqual(self.value("bankd_requests_total", verb="BALANCE", code="200", reason="done"), 2)
        self.assertEqual(self.value("bankd_requests_total", verb="WITHDRAW", code="402", reason="funds"), 1)
        self.assertEqual(self.value("bankd_requests_total", verb="none", code="400", reason="verb"), 2)
        self.assertEqual(self.value("bankd_request_duration_seconds_count", verb="BALANCE"), 3)
        self.assertEqual(self.value("bankd_tasks_total"), 6)

    def test_no_label_is_a_strangers(self) -> None:
        """What a peer makes up is no label, so that nobody can make metrics without end."""
        self.bank.connect().ask(*(f"{serial} VERB{'X' * serial} f{serial}=1" for serial in range(10)))
        self.assertNotIn("VERBX", self.text())
        self.assertEqual(len(self.families()["bankd_requests"].samples), 1)

    def test_how_long_it_took(self) -> None:
        """The time of a request is from its arrival until its answer, its wait in the lane with it."""
        thread = Stepped()
        bank = PracticeBank(Path(self.mktemp()).parent, lane_pool=thread)
        self.addCleanup(bank.close)
        alice = bank.add_customer("alice")
        wire = bank.connect()
        wire.send(f"a LOGIN account={alice.account} pin={alice.pin}")
        thread.drain()
        wire.send("b DEPOSIT amount=5 currency=USD key=k")
        bank.clock.advance(0.25)
        wire.send("c DEPOSIT amount=5 currency=USD key=l")
        bank.clock.advance(0.5)
        thread.step()
        bank.clock.advance(1)
        thread.drain()
        seconds = bank.branch.tally.verbs["DEPOSIT"].seconds
        self.assertAlmostEqual(seconds.total, 0.75 + 1.5)
        self.assertEqual(seconds.counts, [int(bound in (1.0, 2.0)) for bound in SECONDS] + [0])

    def test_log_ins(self) -> None:
        """Log-ins are counted by kind and reason, and sessions while they last."""
        alice = self.bank.add_customer("alice")
        wire = self.bank.connect()
        said = wire.ask(
            f"a LOGIN account={alice.account} pin=00000", f"b LOGIN username=alice password={quote(alice.password)}"
        )
        self.assertEqual([line.split()[1] for line in said], ["401", "200"])
        self.assertEqual(self.value("bankd_logins_total", credentials="pin", reason="credentials"), 1)
        self.assertEqual(self.value("bankd_logins_total", credentials="password", reason="done"), 1)
        self.assertEqual(self.value("bankd_sessions"), 1)
        wire.ask("c LOGOUT")
        wire.drop()
        self.assertEqual(self.value("bankd_sessions"), 0)

    def test_the_ledger(self) -> None:
        """What the ledger comes to is told by currency, adds up to zero, and is what the journal says."""
        alice = self.bank.add_customer("alice", deposit_minor=500)
        self.bank.add_customer("bob", deposit_minor=250)
        self.assertEqual(self.value("bankd_ledger_balance_minor_units", currency="USD", of="customers"), 750)
        self.assertEqual(self.value("bankd_ledger_balance_minor_units", currency="USD", of="cash"), -750)
        self.bank.log_in(alice).ask("a WITHDRAW amount=50 currency=USD key=k")
        self.bank.clock.advance(1)
        self.assertEqual(self.value("bankd_ledger_balance_minor_units", currency="USD", of="customers"), 700)
        self.assertEqual(self.value("bankd_ledger_entries_total"), 3)
        sides = (s.value for s in self.families()["bankd_ledger_balance_minor_units"].samples)
        self.assertEqual((sum(sides), self.bank.faults()), (0, []))

    def test_batches(self) -> None:
        """Batches are counted by their size, and those begun again and those that failed."""
        before = self.value("bankd_batch_size_count") or 0
        self.bank.log_in(self.bank.add_customer("alice")).ask("a DEPOSIT amount=5 currency=USD key=k")
        self.assertGreater(self.value("bankd_batch_size_count") or 0, before)
        self.assertEqual(self.value("bankd_batch_size_count"), self.value("bankd_commit_duration_seconds_count"))
        self.assertEqual(self.value("bankd_batches_failed_total"), 0)

    def test_as_the_library_counts(self) -> None:
        """A histogram is written as the library writes one of its own that was told the same."""
        theirs = Histogram("bankd_batch_size", "Pieces.", buckets=SIZES, registry=CollectorRegistry())
        ours = figures.Histogram(SIZES)
        for size in (1, 2, 2, 3, 700, 5000):
            theirs.observe(size)
            ours.add(size)
        wanted = [(s.name, s.labels, s.value) for m in theirs.collect() for s in m.samples if "created" not in s.name]
        self.bank.branch.tally.lane.size = ours
        told = self.families()["bankd_batch_size"].samples
        self.assertEqual([(s.name, s.labels, s.value) for s in told], wanted)

    def test_openmetrics(self) -> None:
        """Who accepts OpenMetrics is given that, and a reader of it can read all."""
        text = self.text("application/openmetrics-text; version=1.0.0")
        self.assertTrue(text.endswith("# EOF\n"))
        parse: Any = parse_openmetrics
        self.assertIn("bankd_connections", {family.name for family in parse(text)})


class Obstacles(MetricsCase):
    """Whether customers can be served."""

    def setUp(self) -> None:
        self.read_pool = Stepped()
        super().setUp()
        self.tally: Tally = self.bank.branch.tally
        self.tally.serving = True

    def ask(self) -> Deferred[Any]:
        """What is in the way, once the database was asked."""
        return Deferred.fromCoroutine(self.figures.obstacles())

    def said(self) -> list[str]:
        """The same, of a database that answers."""
        asked = self.ask()
        self.read_pool.drain()
        return list(self.successResultOf(asked))

    def test_none(self) -> None:
        """A bank that listens and writes has none."""
        self.assertEqual(self.said(), [])

    def test_a_closed_bank(self) -> None:
        """One that does not listen says so."""
        self.tally.serving = False
        self.assertEqual(self.said(), ["the bank does not listen"])

    def test_a_database_that_hangs(self) -> None:
        """The database is given two seconds, and asked once however many ask; when it answers again all is well."""
        asked = [self.ask() for _ in range(5)]
        self.assertEqual(len(self.read_pool.waiting), 1)
        self.bank.clock.advance(PATIENCE_SECONDS)
        for each in asked:
            self.assertEqual(self.successResultOf(each), ["the database does not answer"])
        late = self.ask()
        self.assertEqual(len(self.read_pool.waiting), 1)
        self.read_pool.drain()
        self.assertEqual(self.successResultOf(late), [])

    def test_not_too_often(self) -> None:
        """What the database said is good for a second."""
        self.said()
        self.bank.clock.advance(0.9)
        self.assertEqual(self.successResultOf(self.ask()), [])
        self.bank.clock.advance(0.2)
        self.assertNoResult(self.ask())
        self.read_pool.drain()

    def test_a_database_that_fails(self) -> None:
        """A database that fails does not answer; a fault of the bank's own is logged, and no answer either."""
        for error in (codes.Refused(codes.BUSY), ZeroDivisionError()):
            failing: Any = lambda _look, error=error: fail(error)  # noqa: E731
            self.bank.branch.read_pool = failing
            self.assertEqual(self.successResultOf(self.ask()), ["the database does not answer"])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_stuck_batch(self) -> None:
        """A batch that goes on for more than ten seconds is in the way until it ends."""
        thread, clock = Stepped(), self.bank.clock
        self.bank.branch.lane._in_thread = thread
        self.bank.branch.lane._seconds = clock.seconds
        done = self.bank.branch.lane.run(lambda tx: None)
        clock.advance(BATCH_SECONDS)
        self.assertEqual(self.said(), [])
        clock.advance(2)
        self.assertEqual(self.said(), ["a batch has been under way for more than 10 seconds"])
        thread.drain()
        self.successResultOf(done)
        self.assertEqual(self.said(), [])
