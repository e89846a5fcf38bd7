"""The edges of every kind of value: docs/protocol.md, section 3, and what Python and databases take for numbers."""

from tests.hostile.case import Subject

SUBJECT = Subject("values")

AMOUNTS = {
    "zero": "0",
    "minus one": "-1",
    "minus zero": "-0",
    "plus five": "+5",
    "with a leading zero": "007",
    "with a separator of thousands": "1_000",
    "with a point": "25.00",
    "in the notation of science": "1e3",
    "in hexadecimal": "0x10",
    "in octal": "0o17",
    "not a number": "NaN",
    "infinite": "Infinity",
    "one more than there may be": "1000000000000000",
    "2^63 - 1": "9223372036854775807",
    "2^63": "9223372036854775808",
    "2^64 + 1": "18446744073709551617",
    "of 1,000 digits": "9" * 1000,
    "empty": "",
    "true": "true",
    "a word": "all",
}
SUBJECT.values(
    "a DEPOSIT amount={} currency=USD key=$key", "a 400 reason=field field=amount", AMOUNTS, "an amount that is "
)

SCRIPTS = {
    "in Arabic digits": "%D9%A1%D9%A2%D9%A3",
    "in digits of full width": "%EF%BC%91",
    "of superscript two": "%C2%B2",
    "with a new line after it": "5%0A",
    "with a space before it": "%205",
    "with a NUL after it": "5%00",
    "with a comma": "1%2C000",
}
SUBJECT.values(
    "a DEPOSIT amount={} currency=USD key=$key", "a 400 reason=field field=amount", SCRIPTS, "an amount, encoded, "
)
SUBJECT.customer(
    "an amount in Arabic digits as they are", "a DEPOSIT amount=١٢٣ currency=USD key=$key", "a 400 reason=line"
)
SUBJECT.customer("an amount with a comma as it is", "a DEPOSIT amount=1,000 currency=USD key=$key", "a 400 reason=line")
SUBJECT.customer(
    "the largest amount, of money that is not there",
    "a WITHDRAW amount=999999999999999 currency=USD key=$key",
    "a 402 reason=funds",
)

for verb, form in {
    "a transfer": "a TRANSFER to=$theirs amount={} currency=USD key=$key",
    "a withdrawal": "a WITHDRAW amount={} currency=USD key=$key",
    "a hold": "a HOLD amount={} currency=USD key=$key",
    "a capture": "a CAPTURE hold=$their_hold amount={} key=$key",
    "giving back": "a REVERSE receipt=$their_receipt amount={} key=$key",
}.items():
    SUBJECT.values(
        form, "a 400 reason=field field=amount", {"nothing": "0", "less than nothing": "-100"}, f"{verb} of "
    )

TIMES = {
    "the 30th of February": "2026-02-30T10:00:00.000000Z",
    "the 29th of February in a common year": "2026-02-29T10:00:00.000000Z",
    "the 31st of April": "2026-04-31T10:00:00.000000Z",
    "a leap second": "2016-12-31T23:59:60.000000Z",
    "24 o'clock": "2026-01-01T24:00:00.000000Z",
    "minute 60": "2026-01-01T10:60:00.000000Z",
    "the year 10000": "10000-01-01T00:00:00.000000Z",
    "the year 0": "0000-01-01T00:00:00.000000Z",
    "the year 999": "0999-01-01T00:00:00.000000Z",
    "a year before Christ": "-001-01-01T00:00:00.000000Z",
    "month 13": "2026-13-01T00:00:00.000000Z",
    "another zone": "2026-01-01T00:00:00.000000+01:00",
    "no zone": "2026-01-01T00:00:00.000000",
    "nine decimals": "2026-01-01T00:00:00.000000000Z",
    "no decimals": "2026-01-01T00:00:00Z",
    "a small t and z": "2026-01-01t00:00:00.000000z",
    "a week": "2026-W01-1T00:00:00.000000Z",
    "a day of the year": "2026-001T00:00:00.000000Z",
    "seconds since 1970": "1767225600",
    "now": "now",
}
SUBJECT.values("a BALANCE at={}", "a 400 reason=field field=at", TIMES, "a time that is ")
SUBJECT.customer(
    "the first instant that can be spelt", "a BALANCE at=1000-01-01T00:00:00.000000Z", "a 200 ... balance=0 ..."
)
SUBJECT.customer(
    "the last instant that can be spelt", "a BALANCE at=9999-12-31T23:59:59.999999Z", "a 200 ... balance=$balance ..."
)
SUBJECT.customer(
    "a period that ends before it begins",
    "a STATEMENT since=2026-01-02T00:00:00.000000Z before=2026-01-01T00:00:00.000000Z",
    "a 400 reason=field field=before",
)

PORTS = {"zero": "0", "65536": "65536", "minus one": "-1", "with a leading zero": "080", "a name": "domain"}
SUBJECT.values("a LISTEN port={}", "a 400 reason=field field=port", PORTS, "a port that is ")

PAGES = {"zero": "0", "101": "101", "minus one": "-1", "2^64": "18446744073709551616"}
SUBJECT.values("a STATEMENT limit={}", "a 400 reason=field field=limit", PAGES, "a page of lines that are ")

CURSORS = {
    "that does not exist": "999999999999999999",
    "of nothing": "0",
    "of the victim's": "$their_receipt",
    "below zero": "-1",
    "2^63": "9223372036854775808",
}
SUBJECT.values("a STATEMENT cursor={}", "a 400 reason=field field=cursor", CURSORS, "a cursor ")

SECONDS = {"no time": "0", "less than no time": "-1", "300 years": "10000000000", "a second and a half": "1.5"}
SUBJECT.values(
    "a HOLD amount=1 currency=USD key=$key seconds={}",
    "a 400 reason=field field=seconds",
    SECONDS,
    "a hold that lasts ",
)

CURRENCIES = {
    "in small letters": "usd",
    "of two letters": "US",
    "with a Cyrillic letter": "U%D0%85D",
    "a word": "DOLLAR",
}
SUBJECT.values(
    "a DEPOSIT amount=1 currency={} key=$key", "a 400 reason=field field=currency", CURRENCIES, "a currency "
)
ACCOUNTS = {"gold": "XAU", "of tests": "XTS", "of nobody": "XXX", "that there is not": "QQQ"}
SUBJECT.values("a OPEN_ACCOUNT currency={}", "a 400 reason=field field=currency", ACCOUNTS, "an account in a currency ")

KEYS = {
    "of nothing": "",
    "of 65 characters": "k" * 65,
    "with a colon, as the bank's own have": ":payout:1",
    "with a slash": "a/b",
    "with a plus sign": "a+b",
    "with a space that is encoded": "a%20b",
}
SUBJECT.values("a DEPOSIT amount=1 currency=USD key={}", "a 400 reason=field field=key", KEYS, "a key ")

TO = {
    "of nothing": "",
    "of 33 characters": "1" * 33,
    "with a space that is encoded": "$theirs%20",
    "with a wildcard of SQL": "%25",
    "with an underscore": "1000000_",
    "like a path": "../$theirs",
}
SUBJECT.values(
    "a TRANSFER to={} amount=1 currency=USD key=$key", "a 400 reason=field field=to", TO, "an account's number "
)

MODES = {"in capitals": "ALL", "unknown": "most", "of nothing": ""}
for what, mode in MODES.items():
    SUBJECT.customer(
        f"a mode {what}",
        ["a - to=$theirs amount=1", f"a BULK count=1 mode={mode} currency=USD key=$key"],
        "a 400 reason=field field=mode",
    )

SUBJECT.customer("an acknowledgement of the future", "a ACKNOWLEDGE upto=1000000", "a 400 reason=field field=upto")
SUBJECT.customer("an acknowledgement below zero", "a ACKNOWLEDGE upto=-1", "a 400 reason=field field=upto")
SUBJECT.customer("notices since the end of time", "a NOTICES since=999999999999999999", "a 200 acknowledged=0")
SUBJECT.customer("holds since the end of time", "a HOLDS since=999999999999999999", "a 200")

REFERENCES = {
    "of 141 characters": "%C3%A9" * 141,
    "of nothing": "",
    "that turns what follows round": "%E2%80%AE",
    "with the end of a line in it": "paid%0D%0Aa9%20200",
}
SUBJECT.values(
    "a TRANSFER to=$theirs amount=1 currency=USD key=$key reference={}",
    "a 400 reason=field field=reference",
    REFERENCES,
    "a reference ",
)
