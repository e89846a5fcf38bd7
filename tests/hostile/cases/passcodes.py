"""One-time passwords that are another's, too late, too often, for something else; apps, and accounts taken over."""

import pyotp
from sqlalchemy import update

from bankd.store import devices
from bankd.store.schema import challenges
from tests.hostile.case import Subject, demand, expect, said
from tests.hostile.line import Line
from tests.hostile.scene import Scene, fields
from tests.hostile.target import MESSAGES
from tests.system.support import Customer

SUBJECT = Subject(
    "passcodes",
    {
        "bank": {"one_time": "risk", "one_time_above": "10.00 USD"},
        "delivery": {"order": "file"},
        "file": {"path": MESSAGES},
    },
)

LOGIN = "LOGIN account=$mine pin=$pin"
PAY = "TRANSFER to=$mate amount=2000 currency=USD key=$key"
APP = frozenset({"apps", "recovery_codes", "accounts", "notices"})
KNOWN = frozenset({"payees"})


def challenge(scene: Scene, line: Line, request: str) -> str:
    """The challenge that a request is answered with."""
    answer = line.ask(scene.fill(request))
    demand(answer.startswith("401 reason=one_time challenge="), f"{request} was answered {answer}")
    return fields(answer)["challenge"]


def give(line: Line, waiting: str, code: str) -> str:
    """What a one-time password is answered."""
    return line.ask(f"ONE_TIME challenge={waiting} code={code}")


def told(heard: str, wanted: str) -> None:
    """Raises Wrong unless this begins what was heard."""
    demand(heard.startswith(wanted), f"it was answered {heard}, and should be {wanted}")


def other(code: str) -> str:
    """A code that this one is not."""
    return "0" * len(code) if code != "0" * len(code) else "1" * len(code)


CHALLENGE = "0123456789abcdef" * 2
for what, value in {
    "capitals": CHALLENGE.upper(),
    "33 digits": CHALLENGE + "0",
    "no digits": "",
    "SQL": "%27%20OR%201%3D1",
}.items():
    SUBJECT.visitor(
        f"a challenge of {what}", f"a ONE_TIME challenge={value} code=12345678", "a 400 reason=field field=challenge"
    )
for what, value in {
    "five digits": "12345",
    "17 digits": "1" * 17,
    "no digits": "",
    "digits and a space": "1234%205678",
    "Arabic digits": "%D9%A1%D9%A2%D9%A3%D9%A4%D9%A5%D9%A6",
}.items():
    SUBJECT.visitor(
        f"a code of {what}", f"a ONE_TIME challenge={CHALLENGE} code={value}", "a 400 reason=field field=code"
    )
SUBJECT.visitor(
    "a challenge that nobody was given", f"a ONE_TIME challenge={CHALLENGE} code=12345678", "a 404 reason=challenge"
)
SUBJECT.customer("the same in a session", f"a ONE_TIME challenge={CHALLENGE} code=12345678", "a 404 reason=challenge")
SUBJECT.customer("confirming an app without a secret for it", "a CONFIRM_APP code=123456", "a 404 reason=app")
SUBJECT.customer("removing an app that there is not", "a REMOVE_APP pin=$pin", "a 404 reason=app")
SUBJECT.customer("an app's secret for a wrong PIN", "a ENROL_APP pin=9041", "a 401 reason=credentials")
SUBJECT.customer(
    "a new PIN without a one-time password", "a CHANGE_PIN new=40917263 pin=$pin", "a 401 reason=one_time ..."
)
SUBJECT.customer(
    "another mobile number without one", "a UPDATE_CONTACT mobile=+14155559999", "a 401 reason=one_time ..."
)
SUBJECT.customer(
    "closing the account without one", "a DELETE_ACCOUNT pin=$pin payout=$mate", "a 401 reason=one_time ..."
)
SUBJECT.customer("a payment without one, pipelined with itself", [f"a {PAY}", f"b {PAY}"], "a 401 ...", "b 401 ...")
SUBJECT.visitor(
    "a payment after a log-in that waits", [f"a {LOGIN}", f"b {PAY}"], "a 401 reason=one_time ...", "b 401 reason=login"
)


@SUBJECT.case("one's own code for another's log-in")
def _(scene: Scene) -> None:
    line = scene.visitor()
    challenge(scene, line, LOGIN)
    theirs = challenge(scene, scene.visitor(), "LOGIN account=$mate pin=$pin")
    told(give(line, theirs, scene.bank.sent_to(scene.mallory)), "401 reason=code left=2")


@SUBJECT.case("a session's challenge, answered elsewhere with the right code")
def _(scene: Scene) -> None:
    line, mates, visitor = scene.customer(), scene.customer(scene.mate), scene.visitor()
    waiting = challenge(scene, line, PAY)
    code = scene.bank.sent_to(scene.mallory)
    for stranger in (mates, visitor):
        told(give(stranger, waiting, code), "404 reason=challenge")
    told(give(line, waiting, code), "200")


@SUBJECT.case("a log-in's challenge, answered in a session")
def _(scene: Scene) -> None:
    waiting = challenge(scene, scene.visitor(), LOGIN)
    told(give(scene.customer(scene.mate), waiting, scene.bank.sent_to(scene.mallory)), "404 reason=challenge")


@SUBJECT.case("a code given twice")
def _(scene: Scene) -> None:
    line, again = scene.visitor(), scene.visitor()
    waiting = challenge(scene, line, LOGIN)
    code = scene.bank.sent_to(scene.mallory)
    told(give(line, waiting, code), "200 account=")
    told(give(again, waiting, code), "404 reason=challenge")
    waiting = challenge(scene, line, PAY)
    code = scene.bank.sent_to(scene.mallory)
    told(give(line, waiting, code), "200")
    told(give(line, waiting, code), "404 reason=challenge")


@SUBJECT.case("the right code after three wrong ones")
def _(scene: Scene) -> None:
    line = scene.customer()
    waiting = challenge(scene, line, PAY)
    code = scene.bank.sent_to(scene.mallory)
    for left in (2, 1, 0):
        told(give(line, waiting, other(code)), f"401 reason=code left={left}")
    told(give(line, waiting, code), "404 reason=challenge")


@SUBJECT.case("wrong codes at log-in have to wait as wrong PINs do", changes=frozenset({"accounts", "notices"}))
def _(scene: Scene) -> None:
    line = scene.visitor()
    waiting = challenge(scene, line, LOGIN)
    for left in (2, 1, 0):
        told(give(line, waiting, other(scene.bank.sent_to(scene.mallory))), f"401 reason=code left={left}")
    waiting = challenge(scene, line, LOGIN)
    told(give(line, waiting, scene.bank.sent_to(scene.mallory)), "429 reason=wait")


@SUBJECT.case("a code that is too late")
def _(scene: Scene) -> None:
    line = scene.customer()
    waiting = challenge(scene, line, PAY)
    with scene.bank.opened() as store, store.writing() as tx:
        tx.connection.execute(update(challenges).where(challenges.c.id == waiting).values(expires_us=tx.at_us - 1))
    told(give(line, waiting, scene.bank.sent_to(scene.mallory)), "404 reason=challenge")


@SUBJECT.case("a code for a challenge that another has replaced")
def _(scene: Scene) -> None:
    line = scene.customer()
    waiting = challenge(scene, line, PAY)
    code = scene.bank.sent_to(scene.mallory)
    challenge(scene, line, PAY)
    told(give(line, waiting, code), "404 reason=challenge")


for what, changed in {
    "amount": "TRANSFER to=$mate amount=2001 currency=USD key=$key",
    "payee": "TRANSFER to=$neighbours amount=2000 currency=USD key=$key",
    "reference": f"{PAY} reference=x",
    "kind of payment": "WITHDRAW amount=2000 currency=USD key=$key",
    "purpose": "CHANGE_PIN new=40917263 pin=$pin",
}.items():

    @SUBJECT.case(f"a code for another {what}")
    def _(scene: Scene, changed: str = changed) -> None:
        line = scene.customer()
        told(give(line, challenge(scene, line, PAY), scene.bank.sent_to(scene.mallory)), "200")
        told(line.ask(scene.fill(changed)), "401 reason=one_time")


@SUBJECT.case("one code for two payments", entries=1, changes=KNOWN)
def _(scene: Scene) -> None:
    line = scene.customer()
    told(give(line, challenge(scene, line, PAY), scene.bank.sent_to(scene.mallory)), "200")
    said(scene, line, [f"a {PAY}", f"b {PAY}-2", f"c {PAY}"], ["a 200 ...", "b 401 reason=one_time ...", "c 200 ..."])


@SUBJECT.case("a code for another account of one's own", changes=frozenset({"accounts"}))
def _(scene: Scene) -> None:
    line = scene.customer()
    waiting = challenge(scene, line, PAY)
    code = scene.bank.sent_to(scene.mallory)
    account = fields(line.ask("OPEN_ACCOUNT"))["account"]
    elsewhere = scene.visitor()
    login = challenge(scene, elsewhere, f"LOGIN account={account} pin=$pin")
    told(give(elsewhere, login, scene.bank.sent_to(scene.mallory)), "200 account=")
    told(give(elsewhere, waiting, code), "404 reason=challenge")


@SUBJECT.case("a flood of challenges to one phone")
def _(scene: Scene) -> None:
    line, before = scene.customer(), len(scene.bank.messages_to(scene.mallory))
    line.say(*(scene.fill(f"a{n} {PAY}-{n}") for n in range(30)), "zz NOOP")
    answers = [answer.split(" ", 1)[1] for answer in line.until("zz ")[:-1]]
    asked = [answer for answer in answers if answer.startswith("401 reason=one_time")]
    demand(len(asked) <= 9, f"{len(asked)} challenges were made after that of the log-in")
    refused = [answer for answer in answers if answer.startswith("429 reason=wait seconds=")]
    demand(len(asked) + len(refused) == len(answers), f"it was answered {answers}")
    sent = len(scene.bank.messages_to(scene.mallory)) - before
    demand(sent == len(asked), f"{sent} messages were sent for {len(asked)} challenges")
    scene.stage.hostile.remove(scene.mallory)


def with_app(scene: Scene, line: Line) -> tuple[pyotp.TOTP, list[str]]:
    """Set an app up in a session of Mallory's, who takes no part in other cases then; it, and the recovery codes."""
    scene.stage.hostile.remove(scene.mallory)
    told(give(line, challenge(scene, line, "ENROL_APP pin=$pin"), scene.bank.sent_to(scene.mallory)), "200")
    app = pyotp.TOTP(fields(line.ask(scene.fill("ENROL_APP pin=$pin")))["secret"])
    *lines, end = line.ask_whole(f"CONFIRM_APP code={app.now()}")
    told(end, "200")
    return app, [fields(one)["code"] for one in lines]


@SUBJECT.case("an app's code that was used before", changes=APP)
def _(scene: Scene) -> None:
    line = scene.customer()
    app, codes = with_app(scene, line)
    waiting = challenge(scene, line, PAY)
    used = app.at(app_step(scene, scene.mallory))
    told(give(line, waiting, used), "401 reason=code left=2")
    told(give(line, waiting, codes[0]), "200")


def app_step(scene: Scene, person: Customer) -> int:
    """A moment in the step whose code an app has shown last."""
    with scene.bank.opened() as store, store.reading() as connection:
        row = devices.app(connection, scene.stage.row(person).customer_id)
    assert row is not None
    return row.step * 30


@SUBJECT.case("a recovery code twice, in capitals, and another's", changes=APP)
def _(scene: Scene) -> None:
    line, mates = scene.customer(), scene.customer(scene.mate)
    _, codes = with_app(scene, line)
    told(give(line, challenge(scene, line, PAY), codes[0]), "200")
    waiting = challenge(scene, line, f"{PAY}-2 reference=x")
    told(give(line, waiting, codes[0]), "401 reason=code left=2")
    told(
        give(mates, challenge(scene, mates, "TRANSFER to=$mine amount=1 currency=USD key=$key"), codes[1]),
        "401 reason=code",
    )
    told(give(line, waiting, codes[1].upper()), "200")


@SUBJECT.case("the code of a secret that another has replaced", changes=APP)
def _(scene: Scene) -> None:
    line = scene.customer()
    told(give(line, challenge(scene, line, "ENROL_APP pin=$pin"), scene.bank.sent_to(scene.mallory)), "200")
    first = pyotp.TOTP(fields(line.ask(scene.fill("ENROL_APP pin=$pin")))["secret"])
    told(line.ask(scene.fill("ENROL_APP pin=$pin")), "401 reason=one_time")
    told(line.ask(f"CONFIRM_APP code={other(first.now())}"), "401 reason=code")


# Taking an account over from a session that is open.

SUBJECT.visitor("taking over without a PIN", "a LOGIN account=$mine take_over=yes", "a 400 reason=field field=...")
SUBJECT.visitor(
    "taking over, but not yes", "a LOGIN account=$mine pin=$pin take_over=no", "a 400 reason=field field=take_over"
)
SUBJECT.visitor(
    "taking over what is closed", "a LOGIN account=$closed pin=$pin take_over=yes", "a 401 reason=credentials"
)
SUBJECT.visitor(
    "taking over another's",
    "a LOGIN username=$my_name password=$password account=$theirs take_over=yes",
    "a 401 reason=credentials",
)


@SUBJECT.case("taking over with a wrong PIN, and with a wrong code")
def _(scene: Scene) -> None:
    first, second = scene.customer(), scene.visitor()
    told(second.ask(scene.fill("LOGIN account=$mine pin=9041 take_over=yes")), "401 reason=credentials")
    waiting = challenge(scene, second, f"{LOGIN} take_over=yes")
    told(give(second, waiting, other(scene.bank.sent_to(scene.mallory))), "401 reason=code left=2")
    told(second.ask("BALANCE"), "401 reason=login")
    expect(scene, first, [])


@SUBJECT.case("taking over with the right code ends the other session, and only once")
def _(scene: Scene) -> None:
    first, second = scene.customer(), scene.visitor()
    waiting = challenge(scene, second, f"{LOGIN} take_over=yes")
    code = scene.bank.sent_to(scene.mallory)
    told(give(second, waiting, code), "200 account=")
    expect(scene, first, ["* 410 reason=session"], ends=True)
    told(give(scene.visitor(), waiting, code), "404 reason=challenge")
    expect(scene, second, [])
