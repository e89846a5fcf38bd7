"""Tags, verbs and fields: docs/protocol.md, sections 2, 4 and 13."""

from tests.hostile.case import Subject

SUBJECT = Subject("requests")

LINE = "* 400 reason=line"

# Tags.

SUBJECT.visitor("a tag of 17 letters", "abcdefghijklmnopq NOOP", LINE)
SUBJECT.visitor("a tag of 16 letters", "abcdefghijklmnop NOOP", "abcdefghijklmnop 200")
SUBJECT.visitor("the tag of events", "* NOOP", LINE)
SUBJECT.visitor("a hyphen as the tag", "- NOOP", LINE)
SUBJECT.visitor("a tag like a path", "../../etc/passwd NOOP", LINE)
SUBJECT.visitor("a tag with a format in it", "{0.__class__} NOOP", LINE)
SUBJECT.visitor("a tag like an option", "--help NOOP", LINE)
SUBJECT.visitor("a tag of digits in another script", "١ NOOP", LINE)
SUBJECT.visitor("a tag with a percent sign", "a%20b NOOP", LINE)
SUBJECT.visitor("one tag for everything", ["a NOOP"] * 3, "a 200", "a 200", "a 200")
SUBJECT.visitor("an answer sent to the bank", "a 200 receipt=1 balance=1000000", "a 400 reason=line")
SUBJECT.visitor("an event sent to the bank", "* 503 reason=stopping", LINE)
SUBJECT.visitor("a greeting sent to the bank", "* 200 protocol=BANK/1 bank=Other currency=USD", LINE)

# Verbs.

SUBJECT.visitor("a verb in lower case", "a noop", "a 400 reason=line")
SUBJECT.visitor("a verb that there is not", "a DANCE", "a 400 reason=verb")
SUBJECT.visitor("a verb of 33 letters", f"a {'A' * 33}", "a 400 reason=line")
SUBJECT.visitor("a verb of HTTP", "GET / HTTP/1.1", "GET 400 reason=line")
SUBJECT.visitor("a verb of SMTP", "HELO example.com", "HELO 400 reason=line")
SUBJECT.visitor("a name of Python's as the verb", "a __class__", "a 400 reason=line")
SUBJECT.visitor("a name of Python's as the verb, in capitals", "a __CLASS__", "a 400 reason=verb")
SUBJECT.visitor("a verb with a Cyrillic letter", "a NОOP", "a 400 reason=line")
SUBJECT.visitor("a verb of the operators", "a CREDIT account=$mine amount=100", "a 401 reason=login")
SUBJECT.visitor("a verb with its percent-encoding", "a %4EOOP", "a 400 reason=line")
SUBJECT.visitor("a number as the verb", "a 500", "a 400 reason=line")

# Fields.

FIELD = "a 400 reason=field field="

SUBJECT.customer("a field that the verb does not have", "a BALANCE account=$theirs", f"{FIELD}account")
SUBJECT.customer("a field twice, with one value", "a HOLDS since=1 since=1", f"{FIELD}since")
SUBJECT.customer(
    "a field twice, with two values", "a DEPOSIT amount=1 amount=2 currency=USD key=$key", f"{FIELD}amount"
)
SUBJECT.customer("a field twice, of which one is encoded", "a ACKNOWLEDGE upto=0 upto=%30", f"{FIELD}upto")
SUBJECT.customer("no field where one is needed", "a ACKNOWLEDGE", f"{FIELD}upto")
SUBJECT.customer("a field without a value", "a ACKNOWLEDGE upto=", f"{FIELD}upto")
SUBJECT.customer("a field without its equals sign", "a ACKNOWLEDGE upto", "a 400 reason=line")
SUBJECT.customer("a field without a name", "a ACKNOWLEDGE =1", "a 400 reason=line")
SUBJECT.customer("a field in capitals", "a ACKNOWLEDGE UPTO=1", "a 400 reason=line")
SUBJECT.customer("a name of 33 letters", f"a NOOP {'n' * 33}=1", "a 400 reason=line")
SUBJECT.customer("a field named as one of Python's own", "a BALANCE __class__=x", f"{FIELD}__class__")
SUBJECT.customer("a field named self", "a BALANCE self=x", f"{FIELD}self")
SUBJECT.customer("a field by its name in the bank", "a BALANCE at_us=0", f"{FIELD}at_us")
SUBJECT.customer(
    "the items of a set as a field", "a BULK count=0 mode=all currency=USD key=$key items=x", "a 400 reason=items"
)
SUBJECT.customer(
    "what answers carry, in a request", "a DEPOSIT amount=1 currency=USD key=$key balance=9", f"{FIELD}balance"
)
SUBJECT.customer(
    "the fence of a session as a field", "a DEPOSIT amount=1 currency=USD key=$key fence=1", f"{FIELD}fence"
)
SUBJECT.customer("two equals signs", "a ACKNOWLEDGE upto==1", "a 400 reason=line")
SUBJECT.customer("1,000 fields", "a NOOP " + " ".join(f"n{n}=" for n in range(600)), f"{FIELD}n0")
SUBJECT.visitor("fields of two ways in", "a LOGIN username=$my_name password=$password pin=$pin", f"{FIELD}...")
SUBJECT.visitor("a secret of the other way in", "a LOGIN account=$mine password=$password", f"{FIELD}username")
SUBJECT.visitor(
    "all the fields of all ways in",
    "a LOGIN username=$my_name password=$password mobile=$my_mobile pin=$pin account=$mine",
    f"{FIELD}...",
)
SUBJECT.visitor("no field at all", "a LOGIN", f"{FIELD}...")
SUBJECT.visitor("a name without a secret", "a LOGIN username=$my_name", f"{FIELD}password")
SUBJECT.visitor("a secret without a name", "a LOGIN password=$password", f"{FIELD}username")
SUBJECT.customer("both secrets to change one", "a CHANGE_PIN new=6184 pin=$pin password=$password", f"{FIELD}...")
SUBJECT.customer("no secret to change one", "a CHANGE_PIN new=6184", f"{FIELD}...")

# Percent-encoding, in a name that a person chooses.

NAMES = {
    "a percent sign and nothing": "%",
    "a percent sign and one digit": "%4",
    "a percent sign and no digits": "%zz",
    "a percent sign encoded in Unicode's way": "%u0041",
}
for what, name in NAMES.items():
    SUBJECT.customer(f"encoding that is broken: {what}", f"a UPDATE_CONTACT name={name}", "a 400 reason=line")

NAMES = {
    "of a NUL": "%00",
    "of the end of a line": "Anna%0D%0Aa%20LOGOUT",
    "of a line feed": "Anna%0A",
    "of an escape": "%1B[2J".replace("[", "%5B"),
    "of DEL": "%7F",
    "of a control of eight bits": "%C2%9B2J",
    "that is no UTF-8": "%FF",
    "of half a character": "%C3",
    "that is overlong": "%C0%AF",
    "that is overlong, for a NUL": "%C0%80",
    "of half of a surrogate pair": "%ED%A0%80",
    "of both halves of a surrogate pair": "%ED%A0%BD%ED%B8%80",
    "of more than Unicode has": "%F4%90%80%80",
    "of five octets for one character": "%F8%88%80%80%80",
    "of what turns a line round": "%E2%80%AEmoc.knab",
    "of what isolates a direction": "%E2%81%A6Anna",
    "of a line separator": "Anna%E2%80%A8Bo",
    "of a paragraph separator": "Anna%E2%80%A9Bo",
    "of 101 characters": "%C3%A9" * 101,
    "of nothing": "",
}
for what, name in NAMES.items():
    SUBJECT.customer(f"an encoding {what}", f"a UPDATE_CONTACT name={name}", f"{FIELD}name")

SUBJECT.customer(
    "an encoding that is encoded again is undone once",
    "a UPDATE_CONTACT name=%2525",
    "a 200 ... name=%2525 ...",
    changes=frozenset({"customers", "accounts", "notices"}),
)
SUBJECT.customer(
    "an encoding of a control that is encoded again is plain text",
    "a UPDATE_CONTACT name=%250D%250A",
    "a 200 ... name=%250D%250A ...",
    changes=frozenset({"customers", "accounts", "notices"}),
)
SUBJECT.customer(
    "an encoding in small letters is told in capitals",
    "a UPDATE_CONTACT name=%c3%a9",
    "a 200 ... name=%C3%A9 ...",
    changes=frozenset({"customers", "accounts", "notices"}),
)
SUBJECT.customer("an encoding where there may be none", "a DEPOSIT amount=%31 currency=USD key=$key", f"{FIELD}amount")
SUBJECT.customer("an encoding of the verb's own field's name", "a ACKNOWLEDGE %75pto=1", "a 400 reason=line")
SUBJECT.customer("an encoding of a space between fields", "a ACKNOWLEDGE upto=1%20upto=2", "a 400 reason=line")
