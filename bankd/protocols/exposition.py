"""The metrics as Prometheus reads them, by its own library.

Each time somebody asks they are read anew (``prometheus_client`` calls that a custom collector): nothing is registered
anywhere, and nothing of the library is on a request's way.
"""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bankd.figures import Histogram
from bankd.metrics import FAMILIES, Family, Kind, Values, Watched


class Scrape(Collector):
    """Every metric at one moment."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched

    def collect(self) -> Iterator[Metric]:
        """The metrics, in the table's order; one that could not be measured is left out."""
        for family in FAMILIES:
            values = family.read(self._watched)
            if values:
                yield _metric(family, values)


def written(watched: Watched, accept: str) -> tuple[bytes, str]:
    """The metrics as text, and its type: OpenMetrics for who accepts that, or else Prometheus' own form."""
    try:
        encode, kind = choose_encoder(accept)
    except (TypeError, ValueError):  # it compares what is a number with what is none
        encode, kind = choose_encoder("")
    return encode(Scrape(watched)), kind


def _metric(family: Family, values: Values) -> Metric:
    if family.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(family.name, family.meaning, labels=family.labels)
        for labels, seen in values.items():
            if isinstance(seen, Histogram):
                histogram.add_metric(labels, list(_buckets(seen)), seen.total)
        return histogram
    kind = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric: CounterMetricFamily | GaugeMetricFamily = kind(family.name, family.meaning, labels=family.labels)
    for labels, value in values.items():
        if not isinstance(value, Histogram):
            metric.add_metric(labels, value)
    return metric


def _buckets(histogram: Histogram) -> Iterable[tuple[str, float]]:
    """How many were up to each bound, all those below it with them."""
    so_far = 0
    for bound, count in zip((*histogram.bounds, None), histogram.counts, strict=True):
        so_far += count
        yield "+Inf" if bound is None else repr(float(bound)), so_far
