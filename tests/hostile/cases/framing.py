"""Lines that are none: docs/protocol.md, sections 2 and 13."""

from tests.hostile.case import Subject, demand, expect
from tests.hostile.scene import Scene

SUBJECT = Subject("framing")

FRAMING = "* 400 reason=framing"
LENGTH = "* 413 reason=length"
LINE = "* 400 reason=line"
MOST = 4096

OVERLONG_SLASH = b"\xc0\xaf"
"""A slash in two octets of UTF-8, where it has one."""

MEGABYTE = 2**20

# What breaks a line: the bank says so, and closes.

SUBJECT.visitor("a line feed without a carriage return", b"a NOOP\n", FRAMING, ends=True)
SUBJECT.visitor("a line feed in the middle of a line", b"a NO\nOP\r\n", FRAMING, ends=True)
SUBJECT.visitor("a carriage return in the middle of a line", b"a NO\rOP\r\n", FRAMING, ends=True)
SUBJECT.visitor("two carriage returns before a line feed", b"a NOOP\r\r\n", FRAMING, ends=True)
SUBJECT.visitor("a line feed before a carriage return", b"a NOOP\n\r", FRAMING, ends=True)
SUBJECT.visitor("a NUL", b"a NOOP\x00\r\n", FRAMING, ends=True)
SUBJECT.visitor("a NUL as the whole line", b"\x00\r\n", FRAMING, ends=True)
SUBJECT.visitor("a second line hidden behind a bare line feed", b"a NOOP\nb NOOP\r\n", FRAMING, ends=True)
SUBJECT.visitor("an empty line", b"\r\n", FRAMING, ends=True)
SUBJECT.visitor("a megabyte of empty lines", b"\r\n" * (MEGABYTE // 2), FRAMING, ends=True)
SUBJECT.visitor("ten line feeds", b"\n" * 10, FRAMING, ends=True)
SUBJECT.visitor(
    "a request, then a megabyte of empty lines", b"a NOOP\r\n" + b"\r\n" * 2**19, "a 200", FRAMING, ends=True
)

# What is too long.

SUBJECT.visitor("a line of as many octets as there may be", b"a " + b"A" * (MOST - 2) + b"\r\n", "a 400 reason=line")
SUBJECT.visitor("a line of one octet more", b"a " + b"A" * (MOST - 1) + b"\r\n", LENGTH, ends=True)
SUBJECT.visitor("a megabyte without the end of a line", b"A" * MEGABYTE, LENGTH, ends=True)
SUBJECT.visitor("a megabyte of line feeds", b"\n" * MEGABYTE, FRAMING, ends=True)
SUBJECT.visitor("a megabyte of carriage returns", b"\r" * MEGABYTE, LENGTH, ends=True)
SUBJECT.visitor("a megabyte of NULs", b"\x00" * MEGABYTE, LENGTH, ends=True)
SUBJECT.visitor("a line too long, after one that is not", b"a NOOP\r\n" + b"A" * 5000, "a 200", LENGTH, ends=True)

# What is a line, and no request: the bank says so, and goes on.

SUBJECT.visitor("octets above 127", "é NOOP".encode() + b"\r\n", LINE)
SUBJECT.visitor("octets above 127 after a tag", "a NOOP name=é".encode() + b"\r\n", "a 400 reason=line")
SUBJECT.visitor("UTF-8 that is overlong", b"a NOOP " + OVERLONG_SLASH + b"\r\n", "a 400 reason=line")
SUBJECT.visitor("octets that are no UTF-8", b"\xff\xfe\xfd\r\n", LINE)
SUBJECT.visitor("a byte order mark before a request", b"\xef\xbb\xbfa NOOP\r\n", LINE)
SUBJECT.visitor("UTF-16", "a NOOP\r\n".encode("utf-16-le"), FRAMING, ends=True)
SUBJECT.visitor("a tab between words", b"a\tNOOP\r\n", LINE)
SUBJECT.visitor("a tab after the verb", b"a NOOP\t\r\n", "a 400 reason=line")
SUBJECT.visitor("a vertical tab and a form feed", b"a NOOP\x0b\x0c\r\n", "a 400 reason=line")
SUBJECT.visitor("an escape sequence for a terminal", b"a \x1b[2J\r\n", "a 400 reason=line")
SUBJECT.visitor("a backspace over the verb", b"a NOOP\x08\x08\x08\x08LOGOUT\r\n", "a 400 reason=line")
SUBJECT.visitor("an end of line in Unicode alone", "a NOOP\u2028b NOOP\r\n".encode(), "a 400 reason=line")
SUBJECT.visitor("a space before the tag", " a NOOP", LINE)
SUBJECT.visitor("two spaces before the verb", "a  NOOP", "a 400 reason=line")
SUBJECT.visitor("a space at the end", "a NOOP ", "a 400 reason=line")
SUBJECT.visitor("nothing but a space", " ", LINE)
SUBJECT.visitor("nothing but a tag", "a", "a 400 reason=line")
SUBJECT.visitor("nothing but a tag and a space", "a ", "a 400 reason=line")
SUBJECT.visitor("4,000 spaces", " " * 4000, LINE)
SUBJECT.visitor("2,000 equals signs", "a NOOP " + "=" * 2000, "a 400 reason=line")
SUBJECT.visitor("2,000 percent signs", "a NOOP a=" + "%" * 2000, "a 400 reason=line")
SUBJECT.visitor("a line that a greedy pattern would be long about", "a NOOP" + " a=" * 1300 + "!", "a 400 reason=line")

# However it arrives.


@SUBJECT.case("a line too long, an octet at a time")
def _(scene: Scene) -> None:
    line = scene.visitor()
    for _ in range(MOST + 2):  # the one that is too much might have been the carriage return
        line.send(b"A")
    expect(scene, line, [LENGTH], ends=True)


@SUBJECT.case("a request, an octet at a time")
def _(scene: Scene) -> None:
    line = scene.visitor()
    for octet in b"a NOOP\r\nb NOOP\r\n":
        line.send(bytes([octet]))
    expect(scene, line, ["a 200", "b 200"])


@SUBJECT.case("a carriage return and its line feed in records of their own")
def _(scene: Scene) -> None:
    line = scene.visitor()
    for octets in (b"a NOOP", b"\r", b"\n"):
        line.send(octets)
    expect(scene, line, ["a 200"])


@SUBJECT.case("half a transfer, and then the end")
def _(scene: Scene) -> None:
    line = scene.customer()
    line.send(scene.fill("a TRANSFER to=$theirs amount=1 currency=USD key=$key").encode())
    line.close()


@SUBJECT.case("a transfer but for its line feed, and then the end")
def _(scene: Scene) -> None:
    line = scene.customer()
    line.send(scene.fill("a TRANSFER to=$theirs amount=1 currency=USD key=$key\r").encode())
    line.close()


@SUBJECT.case("requests behind a line that is broken")
def _(scene: Scene) -> None:
    line = scene.customer()
    line.say("", *map(scene.fill, ["a TRANSFER to=$theirs amount=1 currency=USD key=$key"] * 3))
    expect(scene, line, [FRAMING], ends=True)


@SUBJECT.case("a thousand lines that are none")
def _(scene: Scene) -> None:
    line = scene.visitor()
    line.say(*["?"] * 1000)
    expect(scene, line, [LINE] * 1000)


@SUBJECT.case("a megabyte of lines that are none, whose answers nobody reads", long=True)
def _(scene: Scene) -> None:
    line = scene.visitor()
    line.socket.settimeout(1)
    line.send(b"a =\r\n" * 200_000)
    line.close()
    demand(bool(scene.visitor().ask("NOOP") == "200"), "another is not served")
