"""Other people's accounts, and what a bank might be talked into: injection of every kind."""

from tests.hostile.case import Subject, demand, expect, is_like
from tests.hostile.scene import Scene, fields

SUBJECT = Subject("access")

REFUSED = "a 401 reason=credentials"

SUBJECT.visitor(
    "another's account with one's own name", "a LOGIN username=$my_name password=$password account=$theirs", REFUSED
)
SUBJECT.visitor(
    "another's account with one's own number", "a LOGIN mobile=$my_mobile pin=$pin account=$theirs", REFUSED
)
SUBJECT.visitor("the till, with a PIN", "a LOGIN account=TILL-USD pin=$pin", REFUSED)
SUBJECT.visitor(
    "the till, with one's own name", "a LOGIN username=$my_name password=$password account=TILL-USD", REFUSED
)
SUBJECT.visitor("an account that is closed", "a LOGIN account=$closed pin=$pin", REFUSED)
SUBJECT.visitor("a user name that was forgotten", "a LOGIN username=guest-0 password=$password", REFUSED)
SUBJECT.visitor("a password with a space after it", "a LOGIN username=$my_name password=$password%20", REFUSED)
SUBJECT.visitor("a password in capitals", "a LOGIN username=$my_name password=PLUM-WAGON-58", REFUSED)
SUBJECT.visitor(
    "the password where the PIN goes", "a LOGIN account=$mine pin=$password", "a 400 reason=field field=pin"
)
SUBJECT.visitor("the PIN where the password goes", "a LOGIN username=$my_name password=$pin", REFUSED)
SUBJECT.visitor("a PIN with a digit more", "a LOGIN account=$mine pin=${pin}0", REFUSED)
SUBJECT.visitor("a PIN without its last digit", "a LOGIN account=$mine pin=826", "a 400 reason=field field=pin")
SUBJECT.visitor(
    "the hash of a password where it goes",
    "a LOGIN username=$my_name password=%24argon2id%24v%3D19%24m%3D8%2Ct%3D1%2Cp%3D1%24AAAAAAAA",
    REFUSED,
)
SUBJECT.visitor("one's account's number in small letters and with a hyphen", "a LOGIN account=$mine- pin=$pin", REFUSED)
SUBJECT.visitor("a mobile number without its plus sign", "a LOGIN mobile=1415$mine pin=$pin", "a 40...")

# SQL in every field that takes what it is spelt with.

SQL = "%27%20OR%20%271%27%3D%271"
DROP = "x%27%29%3B%20DROP%20TABLE%20journal%3B--"
SUBJECT.visitor("SQL as the password", f"a LOGIN username=$my_name password={SQL}", REFUSED)
SUBJECT.visitor(
    "SQL as the user name", f"a LOGIN username={SQL} password=$password", "a 400 reason=field field=username"
)
SUBJECT.visitor("SQL as the account", f"a LOGIN account={SQL} pin=$pin", "a 400 reason=field field=account")
SUBJECT.visitor("SQL as the PIN", f"a LOGIN account=$mine pin={SQL}", "a 400 reason=field field=pin")
SUBJECT.visitor("SQL as the mobile number", f"a LOGIN mobile={SQL} pin=$pin", "a 400 reason=field field=mobile")
for form in (
    "a TRANSFER to={} amount=1 currency=USD key=$key",
    "a DEPOSIT amount={} currency=USD key=$key",
    "a DEPOSIT amount=1 currency={} key=$key",
    "a DEPOSIT amount=1 currency=USD key={}",
    "a HOLD amount=1 currency=USD key=$key seconds={}",
    "a CAPTURE hold={} key=$key",
    "a REVERSE receipt={} key=$key",
    "a CERTIFY receipt={}",
    "a STATEMENT cursor={}",
    "a STATEMENT limit={}",
    "a STATEMENT since={}",
    "a BALANCE at={}",
    "a NOTICES since={}",
    "a HOLDS since={}",
    "a ACKNOWLEDGE upto={}",
    "a LISTEN port={}",
    "a OPEN_ACCOUNT currency={}",
    "a DELETE_ACCOUNT pin=$pin payout={}",
):
    field = form.split("={}")[0].rsplit(" ", 1)[1]
    SUBJECT.customer(
        f"SQL as the {field} of {form.split(' ')[1]}", form.replace("{}", SQL), f"a 400 reason=field field={field}"
    )

TEXTS = {
    "SQL": DROP,
    "a format with the bank's secrets": "%7Blog_source.pepper%7D%20%7Bself.__dict__%7D",
    "a format of C": "%25s%25n%25x",
    "a template": "%24%7Bjndi:ldap://x%7D%20%7B%7B7%2A7%7D%7D",
    "markup": "%3Cscript%3Ealert%281%29%3C/script%3E",
    "a formula": "%3Dcmd%7C%27/c%20calc%27%21A0",
    "a path": "../../../../etc/passwd",
    "a line like one of the log's": "2026-11-20T10:15:00%20200%20admin",
}
for what, text in TEXTS.items():
    SUBJECT.customer(
        f"{what} as a reference is a reference",
        [f"a TRANSFER to=$mate amount=1 currency=USD key=$key reference={text}", "b STATEMENT limit=1"],
        "a 200 ...",
        f"b - ... kind=paid ... reference={text}",
        "b 200 ...",
        entries=1,
    )
    SUBJECT.visitor(f"{what} as a password", f"a LOGIN username=$my_name password={text}", REFUSED)
SUBJECT.customer(
    "SQL as one's name is a name",
    f"a UPDATE_CONTACT name={DROP}",
    f"a 200 ... name={DROP} ...",
    changes=frozenset({"customers", "accounts", "notices"}),
)
SUBJECT.visitor("a verb that would be a line in the log", "a NOOP%0D%0A2026-11-20T00:00:00+0000", "a 400 reason=line")
SUBJECT.visitor("a tag that would be a format of the log's", "{log_source} NOOP", "* 400 reason=line")

# What belongs to others.

SUBJECT.customer(
    "another's entry as one's receipt", "a CERTIFY receipt=$their_receipt", "a 400 reason=field field=receipt"
)
SUBJECT.customer(
    "another's entry as one's cursor, older than one's own newest",
    ["a DEPOSIT amount=1 currency=USD key=$key", "b STATEMENT cursor=$their_receipt", "c STATEMENT cursor=$their_hold"],
    "a 200 ...",
    "b 400 reason=field field=cursor",
    "c 400 reason=field field=cursor",
    entries=1,
)
SUBJECT.customer(
    "a payment between others as one's receipt", "a CERTIFY receipt=$their_payment", "a 400 reason=field field=receipt"
)
SUBJECT.customer(
    "notices that the future will bring", "a ACKNOWLEDGE upto=999999999999999999", "a 400 reason=field field=upto"
)
SUBJECT.customer("hints for a port of the system's", "a LISTEN port=53", "a 200 listener=...")


@SUBJECT.case("the victim's session sees nothing of what others ask for themselves")
def _(scene: Scene) -> None:
    victim, line = scene.customer(scene.stage.victim), scene.customer()
    for verb in ("VIEW_DETAILS", "ACCOUNTS", "STATEMENT", "NOTICES since=0", "HOLDS", "LIMITS"):
        told = " ".join(line.ask_whole(verb))
        for name in ("theirs", "their_name", "their_mobile", "euros"):
            demand(scene.names[name] not in told, f"{verb} tells the victim's {name}: {told}")
    demand(victim.ask("NOOP") == "200", "the victim's session has ended")


@SUBJECT.case("every receipt from 0 to 300: only one's own are certified")
def _(scene: Scene) -> None:
    line = scene.customer()
    mine, page = set(), "STATEMENT limit=100"
    while page:
        *entries, end = line.ask_whole(page)
        mine |= {fields(entry)["receipt"] for entry in entries}
        cursor = fields(end).get("cursor")
        page = f"STATEMENT limit=100 cursor={cursor}" if cursor else ""
    line.say(*(f"r{n} CERTIFY receipt={n}" for n in range(300)), "zz NOOP")
    for answer in line.until("zz ")[:-1]:
        number = answer.split(" ")[0].removeprefix("r")
        demand((" 200 " in answer) == (number in mine), f"CERTIFY of {number} was answered {answer}")


@SUBJECT.case(
    "a hundred and ten payees: a hundred are looked at, and no name is whole", changes=frozenset({"customers"})
)
def _(scene: Scene) -> None:
    line = scene.customer()
    numbers = [scene.names["theirs"], *(str(10_000_000 + place) for place in range(109))]
    line.say(*(f"r{place} PAYEE to={number}" for place, number in enumerate(numbers)), "zz NOOP")
    answers = [answer.split(" ", 1)[1] for answer in line.until("zz ")[:-1]]
    demand(all(is_like(answer, "429 reason=wait seconds=...") for answer in answers[100:]), f"beyond: {answers[100:]}")
    demand(not any(answer.startswith("429") for answer in answers[:100]), f"too early: {answers[:100]}")
    demand(scene.names["their_name"] not in " ".join(answers), f"a name was told: {answers[0]}")


@SUBJECT.case("all PINs from 0000 to 0199 for the victim's account", changes=frozenset({"accounts", "notices"}))
def _(scene: Scene) -> None:
    scene.act(scene.stage.victim)  # who gets a notice
    line = scene.visitor()
    line.say(*(scene.fill(f"a{n} LOGIN account=$theirs pin={n:04}") for n in range(200)), "zz NOOP")
    answers = [answer.split(" ", 1)[1] for answer in line.until("zz ")[:-1]]
    looked_at = [place for place, answer in enumerate(answers) if answer == "401 reason=credentials"]
    demand(looked_at[:3] == [0, 1, 2] and len(looked_at) < 10, f"the tries {looked_at} were looked at")
    rest = {answer for place, answer in enumerate(answers) if place not in looked_at}
    demand(all(is_like(answer, "429 reason=wait seconds=...") for answer in rest), f"the others were answered {rest}")
    expect(scene, scene.visitor(), [])


@SUBJECT.case("a log-in is as much refused for one who exists as for one who does not")
def _(scene: Scene) -> None:
    stranger = scene.bank.strangers[0]
    for known, unknown in (
        ("username=$their_name password=wrong-Maple-1", f"username={stranger.username} password=wrong-Maple-1"),
        ("account=$theirs pin=9041", f"account={stranger.account} pin=9041"),
    ):
        answers = {scene.visitor().ask(scene.fill(f"LOGIN {way}")) for way in (known, unknown)}
        demand(answers == {"401 reason=credentials"}, f"it was answered {answers}")
