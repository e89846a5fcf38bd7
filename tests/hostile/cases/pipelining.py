"""Requests without waiting for answers, and sets of items: docs/protocol.md, section 4, and section 7 at BULK."""

from collections.abc import Sequence

import psutil

from tests.hostile.case import Subject, demand, expect, said
from tests.hostile.line import Line
from tests.hostile.scene import Scene

SUBJECT = Subject("pipelining")

ITEM = "a - to=$theirs amount=1"
MOST = 1000
MOST_GROWN = 2**24
"""Octets that the bank may grow by for somebody who does not read."""

AT_ONCE = 300
"""Log-ins at once: more than the bank lets wait for their hashes."""


def bulk(count: int, mode: str = "all") -> str:
    """The line that ends so many items."""
    return f"a BULK count={count} mode={mode} currency=USD key=$key"


SUBJECT.customer("a set without items", [bulk(0)], "a 400 reason=items")
SUBJECT.customer("a set of items that never came", [bulk(2)], "a 400 reason=items")
SUBJECT.customer("an item less than there should be", [ITEM, bulk(2)], "a 400 reason=items")
SUBJECT.customer("an item more than there should be", [ITEM, ITEM, bulk(1)], "a 400 reason=items")
SUBJECT.customer("a thousand items and one", [*[ITEM] * (MOST + 1), bulk(MOST + 1)], "a 400 reason=items")
SUBJECT.customer("20,000 items", [*[ITEM] * 20_000, bulk(MOST)], "a 400 reason=items")
SUBJECT.customer("2^63 items, as it says", [ITEM, bulk(2**63)], "a 400 reason=field field=count")
SUBJECT.customer(
    "a tag that changes within a set",
    [ITEM, "b - to=$theirs amount=1", bulk(2)],
    "a 400 reason=items",
    "b 400 reason=items",
    "a 400 reason=items",
)
SUBJECT.customer(
    "a set that ends with another tag",
    [ITEM, bulk(1).replace("a ", "b ", 1)],
    "a 400 reason=items",
    "b 400 reason=items",
)
SUBJECT.customer(
    "another request within a set", [ITEM, "b NOOP", ITEM, bulk(2)], "a 400 reason=items", "b 200", "a 400 reason=items"
)
SUBJECT.customer("a log-out within a set", [ITEM, "b LOGOUT", bulk(1)], "a 400 reason=items", "b 200", ends=True)
SUBJECT.customer("an item that is none", [ITEM, "a - to", bulk(2)], "a 400 reason=items place=2")
SUBJECT.customer(
    "an item with a key of its own", ["a - to=$theirs amount=1 key=x", bulk(1)], "a 400 reason=field field=key place=1"
)
SUBJECT.customer(
    "an item in another currency",
    ["a - to=$theirs amount=1 currency=EUR", bulk(1)],
    "a 400 reason=field field=currency place=1",
)
SUBJECT.customer(
    "an item of less than nothing",
    [ITEM, "a - to=$theirs amount=-1", bulk(2)],
    "a 400 reason=field field=amount place=2",
)
SUBJECT.customer(
    "items in one set for oneself and another",
    [ITEM, "a - to=$mine amount=1", bulk(2)],
    "a 422 reason=same_account place=2",
)
SUBJECT.customer("items that nobody ever ends", [ITEM] * 3, "a 400 reason=items")
SUBJECT.customer(
    "more in all than there is", ["a - to=$theirs amount=$balance", ITEM, bulk(2)], "a 402 reason=funds place=2"
)
SUBJECT.customer(
    "each by itself, and one that is more than there is",
    ["a - to=$theirs amount=$more", "a - to=$closed amount=1", ITEM, bulk(3, "each")],
    "a - place=1 reason=funds",
    "a - place=2 reason=account",
    "a - place=3 receipt=...",
    "a 200 made=1 refused=2 amount=1 currency=USD",
    entries=1,
)
SUBJECT.customer(
    "a set again under its key, with an item changed",
    [ITEM, bulk(1), "a - to=$theirs amount=2", bulk(1)],
    "a - place=1 receipt=...",
    "a 200 made=1 ...",
    "a 409 reason=key",
    entries=1,
)
SUBJECT.customer(
    "a set again under its key, in another order",
    [ITEM, "a - to=$theirs amount=2", bulk(2), "a - to=$theirs amount=2", ITEM, bulk(2)],
    "a - place=1 receipt=...",
    "a - place=2 receipt=...",
    "a 200 made=2 ...",
    "a 409 reason=key",
    entries=2,
)
SUBJECT.customer(
    "a transfer under the key that an item of a set has in the bank",
    [ITEM, bulk(1), "b TRANSFER to=$theirs amount=1 currency=USD key=$key:1"],
    "a - place=1 receipt=...",
    "a 200 made=1 ...",
    "b 400 reason=field field=key",
    entries=1,
)


def unread(scene: Scene, line: Line, requests: Sequence[str]) -> None:
    """Send requests for as long as the bank takes them, and read nothing; the bank must stop reading, not grow."""
    process = psutil.Process(scene.bank.process)
    before = process.memory_info().rss
    line.socket.settimeout(1)
    line.send("".join(f"{request}\r\n" for request in map(scene.fill, requests)).encode())
    demand(scene.visitor().ask("NOOP") == "200", "another is not served beside it")
    grown = process.memory_info().rss - before
    demand(grown < MOST_GROWN, f"the bank has grown by {grown >> 20} MiB")


@SUBJECT.case("10,000 requests at once, whose answers are read afterwards")
def _(scene: Scene) -> None:
    line = scene.customer()
    line.say(*[f"n{n} NOOP" for n in range(10_000)])
    expect(scene, line, [f"n{n} 200" for n in range(10_000)])


@SUBJECT.case("10,000 statements at once, whose answers nobody reads", long=True)
def _(scene: Scene) -> None:
    unread(scene, scene.customer(), ["a STATEMENT limit=100"] * 10_000)


@SUBJECT.case("10,000 refusals at once, whose answers nobody reads")
def _(scene: Scene) -> None:
    unread(scene, scene.customer(), ["a DANCE"] * 10_000)


@SUBJECT.case("1,000 balances on each of ten connections at once")
def _(scene: Scene) -> None:
    lines = [scene.visitor() for _ in range(10)]
    for line in lines:
        line.say(*["a BALANCE"] * 1000)
    for line in lines:
        expect(scene, line, ["a 401 reason=login"] * 1000)


@SUBJECT.case("a thousand withdrawals of everything at once: one is made", entries=2)
def _(scene: Scene) -> None:
    line = scene.customer()
    line.say(*(scene.fill(f"a WITHDRAW amount=$balance currency=USD key=$key-{n}") for n in range(1000)))
    expect(scene, line, ["a 200 ...", *["a 402 reason=funds"] * 999])
    said(scene, line, "a DEPOSIT amount=$balance currency=USD key=$key-back", ["a 200 ..."])


@SUBJECT.case("one transfer a thousand times at once: one is made", entries=1)
def _(scene: Scene) -> None:
    line = scene.customer()
    line.say(*[scene.fill("a TRANSFER to=$theirs amount=1 currency=USD key=$key")] * 1000)
    line.say("zz NOOP")
    answers = line.until("zz ")[:-1]
    demand(len(answers) == 1000 and len(set(answers)) == 1, f"it was answered {set(answers)}")
    demand(answers[0].startswith("a 200 "), f"it was answered {answers[0]}")


@SUBJECT.case("a connection cut in the middle of 500 transfers: each is made, or is not", entries=None)
def _(scene: Scene) -> None:
    line = scene.customer()
    before = scene.balance_of(scene.mate)
    line.say(*(scene.fill(f"a{n} TRANSFER to=$mate amount=1 currency=USD key=$key-{n}") for n in range(500)))
    line.close()
    again = scene.customer()
    again.say(*(scene.fill(f"a{n} TRANSFER to=$mate amount=1 currency=USD key=$key-{n}") for n in range(500)))
    again.say("zz NOOP")
    demand(all(" 200 " in answer for answer in again.until("zz 200")[:-1]), "one was refused when it was sent again")
    paid = scene.balance_of(scene.mate) - before
    demand(paid == 500, f"{paid} of 500 were paid")


@SUBJECT.case("six megabytes without the end of a line, behind requests that wait")
def _(scene: Scene) -> None:
    line = scene.visitor()
    line.say(*(f"a{n} LOGIN account=$mine pin=90{n}" for n in range(64)))
    line.send(b"A" * 6 * 2**20)
    heard = line.to_the_end()
    demand(heard[-1:] in ([], ["* 413 reason=length"]), f"it was answered {heard}")


@SUBJECT.case("300 log-ins at once, under names that nobody has: refused, or told to come later", long=True)
def _(scene: Scene) -> None:
    customer, lines = scene.customer(), [scene.visitor() for _ in range(AT_ONCE)]
    for line in lines:
        line.say("a LOGIN username=nobody-at-all password=not-My-own-1")
    demand(customer.ask("BALANCE").startswith("200 "), "a customer is not served beside them")
    answers = {line.until("a ")[-1] for line in lines}
    demand(answers == {"a 401 reason=credentials", "a 503 reason=busy"}, f"they were answered {answers}")
