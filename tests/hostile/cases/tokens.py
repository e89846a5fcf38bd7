"""Tokens of trusted terminals that are none, altered, or another's; and taking over without a second factor."""

from tests.hostile.case import Subject, demand, said
from tests.hostile.scene import Scene, fields

SUBJECT = Subject("tokens")

LOGIN = "a LOGIN account=$mine pin=$pin terminal="
TOLD = frozenset({"accounts", "notices"})

BAD = "a 400 reason=field field=terminal"

for what, value in {"nothing": "", "129 letters": "A" * 129, "a star": "%2A", "SQL": "%27OR1", "a NUL": "%00"}.items():
    SUBJECT.visitor(f"a token of {what}", LOGIN + value, BAD)
for what, value in {
    "a point": ".",
    "two points": "..",
    "no id": ".AAAA",
    "no proof": "AAAA.",
    "128 letters": "A" * 128,
    "128 points": "." * 128,
    "a word of the protocol's": "none",
}.items():
    SUBJECT.visitor(f"a token of {what} is none, and there is a new one", LOGIN + value, "a 200 ... terminal=...")
SUBJECT.visitor("a token without a PIN", "a LOGIN account=$mine terminal=new", "a 400 reason=field field=...")
SUBJECT.visitor("a token with a wrong PIN", "a LOGIN account=$mine pin=9041 terminal=new", "a 401 reason=credentials")
SUBJECT.visitor("a token that is asked for by a wrong name", LOGIN + "NEW", "a 200 ... terminal=...")


def token(scene: Scene, account: str) -> str:
    """The token that a terminal gets with a log-in to an account."""
    line = scene.visitor()
    given = fields(line.ask(scene.fill(f"LOGIN account={account} pin=$pin terminal=new")))["terminal"]
    line.leave()
    return given


def locked(scene: Scene) -> None:
    """Have strangers to Mallory's account wait."""
    tries = [f"a LOGIN account=$mine pin=904{n}" for n in range(3)]
    said(scene, scene.visitor(), tries, ["a 401 reason=credentials"] * 3)


@SUBJECT.case("one's own token lets in whom others have made wait; another's, and an altered one, do not", changes=TOLD)
def _(scene: Scene) -> None:
    mine, mates = token(scene, "$mine"), token(scene, "$mate")
    name, _, proof = mine.partition(".")
    locked(scene)
    flipped = f"{name}.{'B' if proof[0] == 'A' else 'A'}{proof[1:]}"
    for wrong in (mates, flipped, mine[:-2], f"{name}.{mates.partition('.')[2]}", f"{mine}.x", "new", name):
        said(scene, scene.visitor(), LOGIN + wrong, ["a 429 reason=wait seconds=1"])
    line = scene.visitor()
    said(scene, line, LOGIN + mine, ["a 200 ... failed=3"])
    line.leave()


@SUBJECT.case("taking over where no one-time password can be sent")
def _(scene: Scene) -> None:
    first = scene.customer()
    said(scene, scene.visitor(), "a LOGIN account=$mine pin=$pin take_over=yes", ["a 403 reason=device"])
    demand(first.ask("NOOP") == "200", "the first session has ended")
