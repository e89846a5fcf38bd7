"""Days and times as people write them."""

from datetime import UTC, timedelta, timezone
from zoneinfo import ZoneInfo

from twisted.trial.unittest import SynchronousTestCase

from bankd.client import days
from bankd.wire.grammar import write_time


class Days(SynchronousTestCase):
    """A day is where the terminal is."""

    def test_first_instants(self) -> None:
        """A day begins at midnight of its zone and ends where the next one begins."""
        for zone, first, end in (
            (UTC, "2026-11-30T00:00:00.000000Z", "2026-12-01T00:00:00.000000Z"),
            (timezone(timedelta(hours=9)), "2026-11-29T15:00:00.000000Z", "2026-11-30T15:00:00.000000Z"),
        ):
            self.assertEqual(write_time(days.begins("2026-11-30", zone)), first)
            self.assertEqual(write_time(days.ends("2026-11-30", zone)), end)

    def test_days_of_other_lengths(self) -> None:
        """A day on which clocks are put back has 25 hours, and one on which they are put on has 23."""
        berlin = ZoneInfo("Europe/Berlin")
        for day, hours in (("2026-10-25", 25), ("2026-03-29", 23), ("2026-11-01", 24)):
            self.assertEqual(days.ends(day, berlin) - days.begins(day, berlin), hours * 3_600_000_000)

    def test_times(self) -> None:
        """A time is with or without seconds."""
        self.assertEqual(write_time(days.at("2026-11-30", "14:30", UTC)), "2026-11-30T14:30:00.000000Z")
        self.assertEqual(write_time(days.at("2026-11-30", "14:30:59", UTC)), "2026-11-30T14:30:59.000000Z")

    def test_own_zone(self) -> None:
        """Without a zone, a day is this computer's."""
        self.assertEqual(days.ends("2026-11-30"), days.begins("2026-12-01"))
        self.assertEqual(days.at("2026-11-30", "00:00"), days.begins("2026-11-30"))

    def test_nonsense(self) -> None:
        """What is no day or time of a calendar is refused."""
        for day in ("", "2026-02-30", "2026-13-01", "20261130", "2026-W48-1", "1969-12-31", "3000-01-01", "٢026-11-30"):
            self.assertRaises(ValueError, days.begins, day)
        for clock in ("", "25:00", "14", "14:30:60", "T14:30", "14:30+01:00", "١4:30"):
            self.assertRaises(ValueError, days.at, "2026-11-30", clock)
