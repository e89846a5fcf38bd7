"""The values that cross from room to room."""

from dataclasses import fields, is_dataclass

from twisted.trial.unittest import SynchronousTestCase

from bankd import records
from bankd.wire import codec, grammar
from bankd.wire.notice import Hint, Opening, Sealing


class RecordTests(SynchronousTestCase):
    """Every record, and what of it travels."""

    def test_frozen(self) -> None:
        """No record changes once it was made."""
        for record in vars(records).values():
            if isinstance(record, type) and is_dataclass(record):
                self.assertTrue(record.__dataclass_params__.frozen, record)  # type: ignore[attr-defined]

    def test_units(self) -> None:
        """Amounts are called minor units and times microseconds; the names that travel are short."""
        for record in vars(records).values():
            if isinstance(record, type) and is_dataclass(record):
                for field in codec.fields_of(record):
                    self.assertEqual(field.kind is grammar.SIGNED, field.attribute.endswith("_minor"), field)
                    self.assertEqual(field.kind is grammar.TIME, field.attribute.endswith("_us"), field)
                    self.assertFalse(field.name.endswith(("_minor", "_us", "_seconds")), field)

    def test_optional_travels_last(self) -> None:
        """In every record that travels, what may be left out comes after what is always there."""
        for record in vars(records).values():
            if isinstance(record, type) and is_dataclass(record):
                required = [field.required for field in codec.fields_of(record)]
                self.assertEqual(required, sorted(required, reverse=True), record)

    def test_inside(self) -> None:
        """What an event, a session or a page of notices is made of stays inside the bank."""
        for record in (records.Event, records.Session, records.Inbox, records.Statement):
            self.assertEqual(codec.fields_of(record), ())
            self.assertTrue(fields(record))

    def test_kinds_of_notice(self) -> None:
        """Every kind of notice travels as itself, as a word and in a hint."""
        for kind in records.NoticeKind:
            self.assertEqual(grammar.WORD.parse(kind.value), kind)
            (datagram,) = Sealing("0" * 32, bytes(32)).hints([Hint(1, kind)])
            self.assertEqual(Opening("0" * 32, bytes(32)).open(datagram), (Hint(1, kind),))
