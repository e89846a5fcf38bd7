"""Lines to values and back: what the bank reads, what it refuses and with which code, what it writes."""

from twisted.trial.unittest import SynchronousTestCase

from bankd import codes, records
from bankd.codes import Code, Refused
from bankd.wire import codec, messages
from bankd.wire.codec import Malformed, NotReply, Reply
from bankd.wire.messages import Message

NOON = 1_795_169_700_123_456
NOON_WRITTEN = "2026-11-20T10:15:00.123456Z"


def read(line: bytes) -> Message:
    """The request in a line, by all three steps of reading."""
    request = codec.split(line)
    return codec.read_message(codec.kind_of(request), request)


class CodecCase(SynchronousTestCase):
    """What the tests of lines share."""

    def assertRefused(self, line: bytes, code: Code, field: str | None = None) -> None:
        """Fail unless a line is refused with a code and a field at fault."""
        refused = self.assertRaises(Refused, read, line)
        self.assertEqual((refused.code, refused.field), (code, field), line)

    def assertMalformed(self, line: bytes, code: Code, tag: str | None = None) -> None:
        """Fail unless a line is no request, and is answered under a tag or none."""
        malformed = self.assertRaises(Malformed, codec.split, line)
        self.assertEqual((malformed.code, malformed.tag), (code, tag), line)


class SplitTests(CodecCase):
    """Whether a line is a request at all."""

    def test_request(self) -> None:
        """A request is taken apart into its tag, its verb, and its fields as they travelled."""
        request = codec.split(b"a7 TRANSFER to=1 reference=Caf%C3%A9 to=2 empty=")
        self.assertEqual((request.tag, request.verb), ("a7", "TRANSFER"))
        self.assertEqual(request.pairs, (("to", "1"), ("reference", "Caf%C3%A9"), ("to", "2"), ("empty", "")))

    def test_value_with_all_letters(self) -> None:
        """Whatever may stand in a value as it is stays as it is."""
        request = codec.split(b"A9 X v=azAZ09-._~:@+/%7e")
        self.assertEqual(request.pairs, (("v", "azAZ09-._~:@+/%7e"),))

    def test_framing(self) -> None:
        """An empty line, a NUL, a bare CR and a bare LF cannot come from a client that keeps to the protocol."""
        for line in (
            b"",
            b"\x00",
            b"\r",
            b"\n",
            b"a1 NOOP\n",
            b"a1 NOOP\r",
            b"a1\x00 NOOP",
            b"a1 NOOP\ra2 LOGOUT",
            b"\na1 NOOP",
        ):
            self.assertMalformed(line, codes.BROKEN_LINE)

    def test_tagged(self) -> None:
        """A line with a tag that is no request is answered under its tag."""
        for line in (
            *(b"a1", b"a1 ", b"a1  NOOP", b"a1 NOOP ", b"a1 noop", b"a1 Noop", b"a1 N00P", b"a1 NOOP x", b"a1 NOOP =1"),
            *(b"a1 NOOP x=1 ", b"a1 NOOP  x=1", b"a1 NOOP X=1", b"a1 NOOP x-y=1", b"a1 NOOP x=1,2", b"a1 NOOP x==1"),
            *(b"a1 NOOP x=%", b"a1 NOOP x=%4", b"a1 NOOP x=%4G", b"a1 NOOP x=%%41", b"a1 NOOP\tx=1", b"a1 NOOP\x7f"),
            *(b"a1 NOOP x=\xc3\xa9", "a1 NOOP x=٣".encode(), b"a1 " + b"N" * 33, b"a1 NOOP " + b"x" * 33 + b"=1"),
            *(b"a1 200", b"a1 NOOP x='1'", b'a1 NOOP x="1"', b"a1 NOOP\x0b", b"a1 - ", b"a1 -x"),
        ):
            self.assertMalformed(line, codes.BAD_LINE, "a1")

    def test_item(self) -> None:
        """A line of a list is taken apart too; one that only begins so is known by its beginning."""
        self.assertEqual(codec.split(b"a1 -"), codec.Request("a1", codec.ITEM, ()))
        self.assertEqual(codec.split(b"a1 - to=1").pairs, (("to", "1"),))
        for line, is_item in ((b"a1 - x", True), (b"a1 - ", True), (b"a1 -x", False), (b"a1 x", False)):
            self.assertIs(self.assertRaises(Malformed, codec.split, line).is_item, is_item, line)

    def test_untagged(self) -> None:
        """A line without a readable tag is answered under none."""
        for line in (
            *(b" ", b" a1 NOOP", b"* NOOP", b"*", b"a-1 NOOP", b"a" * 17 + b" NOOP", b"\xffa1 NOOP", b"a1\tNOOP", b"-"),
            *("é NOOP".encode(), b"a1\x7f NOOP", b"GET / HTTP/1.1"[3:], b"\x16\x03\x01", b"a1\xa0NOOP"),
        ):
            self.assertMalformed(line, codes.BAD_LINE)

    def test_other_protocols(self) -> None:
        """The first line of HTTP or SMTP is an answerable request of no known form, and not the end of the world."""
        self.assertMalformed(b"GET / HTTP/1.1", codes.BAD_LINE, "GET")
        self.assertMalformed(b"EHLO example.com", codes.BAD_LINE, "EHLO")

    def test_long_line(self) -> None:
        """A line of the greatest length is taken apart in a time that does not grow with the square of it."""
        line = b"a1 X" + b" a=%41" * 682
        self.assertEqual(len(codec.split(line).pairs), 682)
        self.assertMalformed(line + b"%", codes.BAD_LINE, "a1")


class ReadMessageTests(CodecCase):
    """What a request asks."""

    def test_all_fields(self) -> None:
        """Fields become attributes, decoded and typed."""
        self.assertEqual(
            read(b"a1 TRANSFER reference=Caf%c3%a9%20%25 key=k currency=USD amount=2500 to=zz-99999"),
            messages.Transfer(to="ZZ-99999", amount=2500, currency="USD", key="k", reference="Café %"),
        )

    def test_optional_fields(self) -> None:
        """What may be left out is None when it is."""
        self.assertEqual(read(b"a1 STATEMENT"), messages.Statement(limit=None, cursor=None))
        self.assertEqual(read(b"a1 STATEMENT cursor=7"), messages.Statement(cursor=7))

    def test_unknown_verb(self) -> None:
        """A verb that there is not is refused before its fields are looked at."""
        for line in (b"a1 DANCE", b"a1 DANCE x=1 x=1", b"a1 _", b"a1 NOOPS", b"a1 SIGN_UP"):
            self.assertRefused(line, codes.BAD_VERB)

    def test_unknown_field(self) -> None:
        """A field that the verb does not have is refused by its name."""
        self.assertRefused(b"a1 BALANCE of=1", codes.BAD_FIELD, "of")
        self.assertRefused(b"a1 WITHDRAW amount_minor=1 currency=USD key=k", codes.BAD_FIELD, "amount_minor")

    def test_field_twice(self) -> None:
        """A field given twice is refused, also with the same value."""
        self.assertRefused(b"a1 ACKNOWLEDGE upto=1 upto=1", codes.BAD_FIELD, "upto")
        self.assertRefused(b"a1 LOGIN username=anna password=a password=b", codes.BAD_FIELD, "password")

    def test_missing_field(self) -> None:
        """A required field that is missing is refused by its name."""
        self.assertRefused(b"a1 DEPOSIT amount=1 currency=USD", codes.BAD_FIELD, "key")
        self.assertRefused(b"a1 TRANSFER amount=1 currency=USD key=k", codes.BAD_FIELD, "to")

    def test_wrong_value(self) -> None:
        """A value of the wrong form is refused by its field's name."""
        for value in ("", "0", "-1", "1.5", "1_0", "%31", "9" * 16, "abc", "+1"):
            self.assertRefused(f"a1 DEPOSIT amount={value} currency=USD key=k".encode(), codes.BAD_FIELD, "amount")

    def test_percent(self) -> None:
        """Only what people choose is percent-encoded; elsewhere it would give one value two spellings."""
        self.assertRefused(b"a1 DEPOSIT amount=1 currency=US%44 key=k", codes.BAD_FIELD, "currency")
        self.assertRefused(b"a1 DEPOSIT amount=1 currency=USD key=%6B", codes.BAD_FIELD, "key")
        self.assertRefused(b"a1 LOGIN username=%61nna password=x", codes.BAD_FIELD, "username")
        self.assertEqual(
            read(b"a1 UPDATE_CONTACT name=%41nna email=a%40b"), messages.UpdateContact(name="Anna", email="a@b")
        )

    def test_not_utf8(self) -> None:
        """Octets that are not UTF-8 are refused: bare, overlong, surrogates, and beyond Unicode."""
        for octets in ("%FF", "%C3", "%A9", "%C0%AF", "%E0%80%AF", "%ED%A0%80", "%F4%90%80%80", "%C3%A9%C3"):
            self.assertRefused(f"a1 UPDATE_CONTACT name={octets}".encode(), codes.BAD_FIELD, "name")

    def test_controls(self) -> None:
        """Controls are refused however they are spelt, so that no screen or log gets them."""
        for octets in ("%00", "%0A", "%0D%0AS%3A", "%1B%5B2J", "%7F", "%C2%9B", "%E2%80%AE", "%E2%81%A7"):
            self.assertRefused(f"a1 UPDATE_CONTACT name={octets}".encode(), codes.BAD_FIELD, "name")

    def test_decoded_once(self) -> None:
        """A percent sign in a text comes through as one, and is not taken for encoding again."""
        self.assertEqual(read(b"a1 UPDATE_CONTACT name=100%2541"), messages.UpdateContact(name="100%41"))

    def test_login_ways(self) -> None:
        """A log-in is by user name and password, account and PIN, or mobile number and PIN."""
        for fields in (
            *("username=anna password=x", "username=anna password=x account=1"),
            *("account=1 pin=8265", "mobile=+1415 pin=8265", "mobile=+1415 pin=8265 account=1"),
        ):
            self.assertIsInstance(read(f"a1 LOGIN {fields}".encode()), messages.Login)

    def test_no_way(self) -> None:
        """Fields that do not go together are refused, naming one that is missing or too many."""
        for fields, field in (
            ("", "password"),
            (" username=anna", "password"),
            (" password=x", "username"),
            (" account=1", "pin"),
            (" pin=8265", "account"),
            (" account=1 password=x", "username"),
            (" username=anna pin=8265", "password"),
            (" username=anna password=x pin=8265", "pin"),
            (" username=anna password=x mobile=+1415", "mobile"),
            (" username=anna password=x account=1 mobile=+1415 pin=8265", "mobile"),
        ):
            self.assertRefused(f"a1 LOGIN{fields}".encode(), codes.BAD_FIELD, field)

    def test_secret_again(self) -> None:
        """What needs a secret again needs one of the two, and not both."""
        for rest in ("CHANGE_PIN new=6184", "CHANGE_PASSWORD new=amber", "DELETE_ACCOUNT payout=1"):
            self.assertRefused(f"a1 {rest}".encode(), codes.BAD_FIELD, "password")
            self.assertRefused(f"a1 {rest} password=x pin=8265".encode(), codes.BAD_FIELD, "pin")
            read(f"a1 {rest} pin=8265".encode())
            read(f"a1 {rest} password=x".encode())

    def test_first_field_at_fault(self) -> None:
        """A field is at fault first by what it is, in the order given, and then by its value, in the verb's order."""
        self.assertRefused(b"a1 DEPOSIT amount=x of=1 currency=USD key=k key=k", codes.BAD_FIELD, "of")
        self.assertRefused(b"a1 DEPOSIT amount=x key=k key=k currency=USD of=1", codes.BAD_FIELD, "key")
        self.assertRefused(b"a1 DEPOSIT amount=x currency=%55SD key=k", codes.BAD_FIELD, "currency")
        self.assertRefused(b"a1 DEPOSIT key=: currency=usd amount=x", codes.BAD_FIELD, "amount")
        self.assertRefused(b"a1 DEPOSIT key=:", codes.BAD_FIELD, "amount")
        self.assertRefused(b"a1 LOGIN username=anna pin=x", codes.BAD_FIELD, "pin")

    def test_precedence(self) -> None:
        """What stands first in the order of codes is the answer when several things are wrong."""
        self.assertRefused(b"a1 DANCE x=%GG", codes.BAD_LINE)
        self.assertRefused(b"a1 DANCE amount=x", codes.BAD_VERB)
        self.assertMalformed(b"a1 DANCE\x00 ", codes.BROKEN_LINE)


class WriteTests(CodecCase):
    """Requests and answers as they travel."""

    def test_request(self) -> None:
        """A request is written with what it has, encoded where it must be."""
        asked = messages.Transfer(to="1", amount=2500, currency="USD", key="k", reference="Café, 100%")
        line = codec.write_request("a1", asked)
        self.assertEqual(line, b"a1 TRANSFER to=1 amount=2500 currency=USD key=k reference=Caf%C3%A9%2C%20100%25")
        self.assertEqual(read(line), asked)
        self.assertEqual(codec.write_request("a1", messages.Noop()), b"a1 NOOP")

    def test_line_cannot_be_broken(self) -> None:
        """Whatever a value holds, what is written stays one line."""
        line = codec.write_request("a1", messages.UpdateContact(name="a\r\nb LOGOUT\x00"))
        self.assertEqual(line, b"a1 UPDATE_CONTACT name=a%0D%0Ab%20LOGOUT%00")
        line = codec.write_request("a1", messages.Login(account="1 pin=2", pin="3\r\nb LOGOUT"))
        self.assertEqual(line, b"a1 LOGIN account=1%20pin%3D2 pin=3%0D%0Ab%20LOGOUT")

    def test_number_that_is_none(self) -> None:
        """What stands where a number should is not written, whatever it is."""
        for nonsense in ("7 balance=8", 7.5, b"7"):
            listing = records.StatementEnd("USD", nonsense, 0, 0)  # type: ignore[arg-type]
            self.assertRaises(TypeError, codec.write_item, "a1", listing)

    def test_success(self) -> None:
        """A success carries its record and no reason."""
        receipt = records.Receipt(12, NOON, -2500, 7500, "USD")
        self.assertEqual(
            codec.write_reply("a1", codes.DONE, receipt),
            f"a1 200 receipt=12 at={NOON_WRITTEN} amount=-2500 balance=7500 currency=USD".encode(),
        )
        self.assertEqual(codec.write_reply("a1", codes.CREATED), b"a1 201")

    def test_more(self) -> None:
        """Fields that are in no record follow it."""
        self.assertEqual(codec.write_reply("a1", codes.DONE, None, acknowledged=7), b"a1 200 acknowledged=7")
        self.assertEqual(codec.write_reply("*", codes.DONE, note="é \n"), b"* 200 note=%C3%A9%20%0A")

    def test_refusal(self) -> None:
        """A refusal carries its reason first, then the field at fault or the incident."""
        self.assertEqual(codec.write_reply("a1", codes.NO_FUNDS), b"a1 402 reason=funds")
        self.assertEqual(codec.write_reply("a1", codes.BAD_FIELD, field="key"), b"a1 400 reason=field field=key")
        self.assertEqual(codec.write_reply("*", codes.IDLE), b"* 408 reason=idle")

    def test_greeting(self) -> None:
        """The greeting names the protocol as it is, and the bank encoded."""
        greeting = records.Greeting("BANK/1", "Example Bank", "USD")
        self.assertEqual(
            codec.write_reply("*", codes.DONE, greeting), b"* 200 protocol=BANK/1 bank=Example%20Bank currency=USD"
        )

    def test_item(self) -> None:
        """A line of a list has a hyphen for its code; what is unknown does not travel."""
        self.assertEqual(
            codec.write_item("a1", records.StatementLine(12, NOON, "deposit", 0, 0)),
            f"a1 - receipt=12 at={NOON_WRITTEN} kind=deposit amount=0 balance=0".encode(),
        )

    def test_inside(self) -> None:
        """What is not annotated with a kind stays inside the bank."""
        self.assertEqual(codec.write_item("a1", records.Event(7, 1, records.NoticeKind.PAID)), b"a1 -")


class ReadReplyTests(CodecCase):
    """What the bank says, as a client reads it."""

    def test_reply(self) -> None:
        """A reply is taken apart, its values decoded once."""
        reply = codec.read_reply(b"a1 200 receipt=12 reference=Caf%C3%A9%20100%2541")
        self.assertEqual(reply, Reply("a1", 200, {"receipt": "12", "reference": "Café 100%41"}))

    def test_item(self) -> None:
        """A line of a list that goes on has no number."""
        self.assertEqual(codec.read_reply(b"a1 - number=1"), Reply("a1", None, {"number": "1"}))

    def test_event(self) -> None:
        """An event has an asterisk for its tag."""
        self.assertEqual(codec.read_reply(b"* 408 reason=idle").code, codes.IDLE)

    def test_every_code(self) -> None:
        """Every code is known again by what travels of it."""
        for code in codes.ALL:
            self.assertIs(codec.read_reply(codec.write_reply("a1", code)).code, code)

    def test_unknown_code(self) -> None:
        """A number that this client does not know has no code, and is still a reply."""
        for line in (b"a1 999", b"a1 299 x=1", b"a1 - x=1", b"a1 451 reason=funds"):
            self.assertIsNone(codec.read_reply(line).code)

    def test_unknown_reason(self) -> None:
        """A reason that this client does not know, or that is missing, means what its number says."""
        for line, code in (
            (b"a1 402 reason=newer", codes.NO_FUNDS),
            (b"a1 402", codes.NO_FUNDS),
            (b"a1 413 reason=newer", codes.LONG_LINE),
            (b"a1 201", codes.CREATED),
        ):
            self.assertIs(codec.read_reply(line).code, code, line)

    def test_unknown_reason_of_a_number_that_several_share(self) -> None:
        """It is none of those: least of all the one that closes."""
        for line in (b"a1 400 reason=newer", b"a1 503 reason=newer", b"a1 409", b"a1 410 reason=newer"):
            self.assertIsNone(codec.read_reply(line).code, line)

    def test_not_reply(self) -> None:
        """What no bank sends is no reply."""
        for line in (
            *(b"", b"a1", b"a1 ", b"a1 20", b"a1 2000", b"a1 abc", b"a1 200 ", b"a1  200", b"** 200", b"a1 -- x=1"),
            *(
                b"a1 200\n",
                b"a1 200 x",
                b"a1 200 x=\x00",
                b"a1 200 x=%FF",
                b"a1 200 x=%C3",
                b"- 200",
                b"a1 200 x=\xc3\xa9",
            ),
        ):
            self.assertRaises(NotReply, codec.read_reply, line)

    def test_record(self) -> None:
        """A record is read from a reply's fields, with attributes named by their units."""
        fields = {"receipt": "12", "at": NOON_WRITTEN, "amount": "-2500", "balance": "7500", "currency": "USD"}
        self.assertEqual(codec.read_fields(records.Receipt, fields), records.Receipt(12, NOON, -2500, 7500, "USD"))

    def test_newer_bank(self) -> None:
        """A client passes over fields that it does not know."""
        self.assertEqual(codec.read_fields(messages.Balance, {"mood": "good"}), messages.Balance())

    def test_wrong_record(self) -> None:
        """A field of a record that is missing or has the wrong form is named."""
        for fields, field in (({}, "listener"), ({"listener": "1234"}, "listener")):
            refused = self.assertRaises(Refused, codec.read_fields, records.Listening, fields)
            self.assertEqual((refused.code, refused.field), (codes.BAD_FIELD, field))


class FieldsTests(CodecCase):
    """What of a dataclass travels."""

    def test_units(self) -> None:
        """Names travel without the units at their end, and only there."""
        names = {field.attribute: field.name for field in codec.fields_of(records.Welcome)}
        units = {"lease_seconds": "lease", "last_login_us": "last_login"}
        self.assertEqual(names, {name: units.get(name, name) for name in names})
        self.assertLessEqual(units.keys(), names.keys())

    def test_order(self) -> None:
        """Fields travel in the order in which they are declared, and are looked up once."""
        fields = codec.fields_of(messages.Login)
        self.assertEqual(
            [field.name for field in fields],
            ["username", "password", "account", "mobile", "pin", "terminal", "take_over"],
        )
        self.assertIs(codec.fields_of(messages.Login), fields)

    def test_required(self) -> None:
        """A field without a default is required."""
        required = [field.name for field in codec.fields_of(messages.SignUp) if field.required]
        self.assertEqual(required, ["username", "password", "mobile"])
