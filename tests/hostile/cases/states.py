"""What may be asked when: docs/protocol.md, section 6, and what comes after the end."""

from bankd.wire import messages
from bankd.wire.states import State, obstacle
from tests.hostile.case import Subject, demand, expect, said
from tests.hostile.scene import Scene

SUBJECT = Subject("states")

CONTACT = frozenset({"customers", "accounts", "notices", "mobiles"})

# A verb in the wrong state is refused for that, whatever its fields.

for kind in messages.ALL:
    refused = obstacle(State.VISITOR, kind)
    if refused is not None:
        SUBJECT.visitor(
            f"{kind.verb} before a log-in", f"a {kind.verb} x=y", f"a {refused.number} reason={refused.reason}"
        )

SUBJECT.visitor(
    "items before a log-in",
    ["a - to=$theirs amount=1", "a BULK count=1 mode=all currency=USD key=$key"],
    "a 401 reason=login",
)
SUBJECT.visitor(
    "a transfer sent together with a log-in that is refused",
    ["a LOGIN account=$mine pin=9999", "b TRANSFER to=$theirs amount=1 currency=USD key=$key"],
    "a 401 reason=credentials",
    "b 401 reason=login",
)
SUBJECT.visitor(
    "a transfer sent together with a log-in that is not",
    ["a LOGIN account=$mine pin=$pin", "b TRANSFER to=$theirs amount=1 currency=USD key=$key"],
    "a 200 ...",
    "b 200 receipt=... amount=-1 ...",
    entries=1,
)
SUBJECT.visitor(
    "a set of items whose log-in comes between them",
    [
        "a - to=$theirs amount=1",
        "b LOGIN account=$mine pin=$pin",
        "a - to=$theirs amount=1",
        "a BULK count=2 mode=all currency=USD key=$key",
    ],
    "a 401 reason=login",
    "b 200 ...",
    "a 401 reason=login",
)
SUBJECT.customer("a log-in after a log-in", "a LOGIN account=$mine pin=$pin", "a 403 reason=state")
SUBJECT.customer(
    "a log-in to another's account after a log-in", "a LOGIN account=$theirs pin=$pin", "a 403 reason=state"
)
SUBJECT.customer(
    "signing up after a log-in",
    "a SIGNUP username=mallory password=quiet-Maple-12 mobile=+14155550199",
    "a 403 reason=state",
)
SUBJECT.visitor(
    "two log-ins sent together",
    ["a LOGIN account=$mine pin=$pin", "b LOGIN account=$theirs pin=$pin", "c BALANCE"],
    "a 200 account=$mine ...",
    "b 403 reason=state",
    "c 200 account=$mine ...",
)


# What comes after the end is not read. (A bank that merely said good-bye would carry three of four out.)


@SUBJECT.case("transfers in the packet of a log-out")
def _(scene: Scene) -> None:
    line = scene.customer()
    transfers = (f"b{n} TRANSFER to=$theirs amount=1 currency=USD key=$key-{n}" for n in range(4))
    said(scene, line, ["a LOGOUT", *transfers], ["a 200"], ends=True)


@SUBJECT.case("transfers after a log-out, sent before its answer is read")
def _(scene: Scene) -> None:
    line = scene.customer()
    line.say("a LOGOUT")
    for n in range(50):
        line.say(scene.fill(f"b{n} TRANSFER to=$theirs amount=1 currency=USD key=$key-{n}"))
    expect(scene, line, ["a 200"], ends=True)


@SUBJECT.case("transfers after a log-out whose close is never answered")
def _(scene: Scene) -> None:
    line = scene.customer()
    line.say("a LOGOUT")
    line.until("a 200")
    for n in range(50):
        line.say(scene.fill(f"b{n} TRANSFER to=$theirs amount=1 currency=USD key=$key-{n}"))
    expect(scene, line, [], ends=True)


@SUBJECT.case("transfers behind a log-out and a line that is broken")
def _(scene: Scene) -> None:
    line = scene.customer()
    line.say("a LOGOUT", "", scene.fill("b TRANSFER to=$theirs amount=1 currency=USD key=$key"))
    heard = line.to_the_end()
    demand(heard in (["a 200"], ["* 400 reason=framing"]), f"it was answered {heard}")


@SUBJECT.case("a log-out before a log-in")
def _(scene: Scene) -> None:
    said(scene, scene.visitor(), ["a LOGOUT", "b LOGIN account=$mine pin=$pin"], ["a 200"], ends=True)


@SUBJECT.case("transfers in the packet in which the account is closed", entries=1, changes=CONTACT | {"secrets"})
def _(scene: Scene) -> None:
    line = scene.customer(scene.mate)
    closing = "a DELETE_ACCOUNT pin=$pin payout=$mine"
    transfers = (f"b{n} TRANSFER to=$mine amount=1 currency=USD key=$key-{n}" for n in range(4))
    said(scene, line, [closing, *transfers], ["a 200"], ends=True)
    said(scene, scene.visitor(), "a LOGIN account=$mate pin=$pin", ["a 401 reason=credentials"])
    scene.stage.hostile.remove(scene.mate)


# One session for one account.


@SUBJECT.case("a second session on an account")
def _(scene: Scene) -> None:
    first = scene.customer()
    for way in (
        "a LOGIN account=$mine pin=$pin",
        "a LOGIN username=$my_name password=$password",
        "a LOGIN mobile=$my_mobile pin=$pin",
        "a LOGIN username=$my_name password=$password account=$mine",
    ):
        said(scene, scene.visitor(), way, ["a 423 reason=in_use"])
    demand(first.ask("NOOP") == "200", "the first session has ended")


@SUBJECT.case("twenty log-ins to one account at once")
def _(scene: Scene) -> None:
    lines = [scene.visitor() for _ in range(20)]
    for line in lines:
        line.say(scene.fill("a LOGIN account=$mine pin=$pin"))
    answers = [line.until("a ")[-1] for line in lines]
    let_in = [answer for answer in answers if answer.startswith("a 200")]
    demand(len(let_in) == 1, f"{len(let_in)} were let in")
    others = set(answers) - set(let_in)
    demand(others <= {"a 423 reason=in_use", "a 429 reason=wait seconds=1"}, f"the others were answered {others}")


@SUBJECT.case("a wrong PIN on an account in use does not tell that it is")
def _(scene: Scene) -> None:
    scene.customer()
    said(scene, scene.visitor(), "a LOGIN account=$mine pin=9999", ["a 401 reason=credentials"])


@SUBJECT.case("log-ins on one connection, one after another, all wrong", changes=frozenset({"accounts", "notices"}))
def _(scene: Scene) -> None:
    scene.act(scene.stage.victim)  # who gets a notice
    tries = [f"a{n} LOGIN account=$theirs pin=90{n:02}" for n in range(3)]
    told = [f"a{n} 401 reason=credentials" for n in range(3)]
    said(scene, scene.visitor(), [*tries, "b LOGIN account=$theirs pin=$pin"], [*told, "b 429 reason=wait seconds=1"])


@SUBJECT.case("a log-in whose connection is gone before it is answered leaves the account free")
def _(scene: Scene) -> None:
    for _ in range(5):
        line = scene.visitor()
        line.say(scene.fill("a LOGIN account=$mine pin=$pin"))
        line.close()
    scene.customer().leave()
    welcome = scene.visitor().ask(scene.fill("LOGIN account=$mine pin=$pin"))
    demand("failed=" not in welcome, f"tries that were right stay counted: {welcome}")
