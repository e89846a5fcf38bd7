"""Money that is not there, or not one's own: docs/protocol.md, sections 7 and 10."""

from concurrent.futures import ThreadPoolExecutor

from tests.hostile.case import Subject, demand, said
from tests.hostile.scene import Scene, fields

SUBJECT = Subject("money")

PAY = "a TRANSFER to={} amount=1 currency=USD key=$key"

SUBJECT.customer(
    "a withdrawal of one cent more than there is", "a WITHDRAW amount=$more currency=USD key=$key", "a 402 reason=funds"
)
SUBJECT.customer(
    "a transfer of one cent more than there is",
    "a TRANSFER to=$theirs amount=$more currency=USD key=$key",
    "a 402 reason=funds",
)
SUBJECT.customer(
    "a hold of one cent more than there is", "a HOLD amount=$more currency=USD key=$key", "a 402 reason=funds"
)
SUBJECT.customer("a transfer to oneself", PAY.format("$mine"), "a 422 reason=same_account")
SUBJECT.customer("a transfer to the till", PAY.format("TILL-USD"), "a 404 reason=account")
SUBJECT.customer("a transfer to the till in small letters", PAY.format("till-usd"), "a 404 reason=account")
SUBJECT.customer("a transfer to the till of fees", PAY.format("FEES-USD"), "a 404 reason=account")
SUBJECT.customer("a hold for the till", "a HOLD to=TILL-USD amount=1 currency=USD key=$key", "a 404 reason=account")
SUBJECT.customer("a transfer to an account that is closed", PAY.format("$closed"), "a 404 reason=account")
SUBJECT.customer("a transfer to an account that there is not", PAY.format("99999999"), "a 404 reason=account")
SUBJECT.customer("a transfer to an account by its id in the bank", PAY.format("1"), "a 404 reason=account")
SUBJECT.customer("a transfer to a user name", PAY.format("$their_name"), "a 404 reason=account")
SUBJECT.customer("a transfer to an account in euros", PAY.format("$euros"), "a 422 reason=currency")
SUBJECT.customer("a deposit of euros to dollars", "a DEPOSIT amount=1 currency=EUR key=$key", "a 422 reason=currency")
SUBJECT.customer(
    "a withdrawal of euros from dollars", "a WITHDRAW amount=1 currency=EUR key=$key", "a 422 reason=currency"
)
SUBJECT.customer(
    "a deposit of a currency that there is not", "a DEPOSIT amount=1 currency=QQQ key=$key", "a 422 reason=currency"
)
SUBJECT.customer(
    "a deposit that makes the balance larger than the bank can keep",
    "a DEPOSIT amount=999999999999999 currency=USD key=$key",
    "a 422 reason=balance_limit",
)
SUBJECT.customer("somebody else's hold, captured", "a CAPTURE hold=$their_hold key=$key", "a 404 reason=hold")
SUBJECT.customer("somebody else's hold, released", "a RELEASE hold=$their_hold key=$key", "a 404 reason=hold")
SUBJECT.customer("a hold that there is not, captured", "a CAPTURE hold=999999999 key=$key", "a 404 reason=hold")
SUBJECT.customer("an entry that is no hold, captured", "a CAPTURE hold=$their_receipt key=$key", "a 404 reason=hold")
SUBJECT.customer(
    "a payment between others, given back", "a REVERSE receipt=$their_payment key=$key", "a 404 reason=entry"
)
SUBJECT.customer(
    "somebody else's deposit, given back", "a REVERSE receipt=$their_receipt key=$key", "a 404 reason=entry"
)
SUBJECT.customer("an entry that there is not, given back", "a REVERSE receipt=0 key=$key", "a 404 reason=entry")
SUBJECT.customer(
    "a key again, with another amount",
    ["a DEPOSIT amount=1 currency=USD key=$key", "b DEPOSIT amount=2 currency=USD key=$key"],
    "a 200 ...",
    "b 409 reason=key",
    entries=1,
)
SUBJECT.customer(
    "a key again, with another verb",
    ["a DEPOSIT amount=1 currency=USD key=$key", "b WITHDRAW amount=1 currency=USD key=$key"],
    "a 200 ...",
    "b 409 reason=key",
    entries=1,
)
SUBJECT.customer(
    "a key again, with another payee",
    ["a TRANSFER to=$mate amount=1 currency=USD key=$key", "b TRANSFER to=$theirs amount=1 currency=USD key=$key"],
    "a 200 ...",
    "b 409 reason=key",
    entries=1,
)
SUBJECT.customer(
    "a key again, with another reference",
    [
        "a TRANSFER to=$mate amount=1 currency=USD key=$key",
        "b TRANSFER to=$mate amount=1 currency=USD key=$key reference=x",
    ],
    "a 200 ...",
    "b 409 reason=key",
    entries=1,
)
SUBJECT.customer(
    "a key again, in capitals, is another key",
    ["a DEPOSIT amount=1 currency=USD key=key-$key", "b DEPOSIT amount=1 currency=USD key=KEY-$key"],
    "a 200 receipt=...",
    "b 200 receipt=...",
    entries=2,
)
SUBJECT.customer(
    "a refusal is kept under its key, also when the money has come",
    [
        "a WITHDRAW amount=$more currency=USD key=$key",
        "b DEPOSIT amount=1 currency=USD key=$key-1",
        "c WITHDRAW amount=$more currency=USD key=$key",
    ],
    "a 402 reason=funds",
    "b 200 ...",
    "c 402 reason=funds",
    entries=1,
)
SUBJECT.customer(
    "the key of a refusal again, with an amount that there is",
    ["a WITHDRAW amount=$more currency=USD key=$key", "b WITHDRAW amount=1 currency=USD key=$key"],
    "a 402 reason=funds",
    "b 409 reason=key",
)
SUBJECT.customer(
    "the victim's key tells nothing, and is free to others",
    "a DEPOSIT amount=5 currency=USD key=$their_key",
    "a 200 receipt=... amount=5 balance=... currency=USD",
    entries=1,
)


@SUBJECT.case("a hold of one's own, released by the payer", entries=1)
def _(scene: Scene) -> None:
    line = scene.customer()
    held = fields(line.ask(scene.fill("HOLD to=$mate amount=10 currency=USD key=$key")))["hold"]
    said(scene, line, f"a RELEASE hold={held} key=$key-r", ["a 403 reason=payee"])


@SUBJECT.case("a hold captured for more than it is, and then twice", entries=2)
def _(scene: Scene) -> None:
    line = scene.customer()
    held = fields(line.ask(scene.fill("HOLD to=$mate amount=10 currency=USD key=$key")))["hold"]
    said(scene, line, f"a CAPTURE hold={held} amount=11 key=$key-1", ["a 422 reason=left"])
    said(scene, line, f"a CAPTURE hold={held} amount=4 key=$key-2", ["a 200 ... amount=-4 ..."])
    said(scene, line, f"a CAPTURE hold={held} amount=4 key=$key-3", ["a 404 reason=hold"])


@SUBJECT.case("a hold captured again under one key, for more", entries=2)
def _(scene: Scene) -> None:
    line = scene.customer()
    held = fields(line.ask(scene.fill("HOLD to=$mate amount=10 currency=USD key=$key")))["hold"]
    said(scene, line, f"a CAPTURE hold={held} amount=4 key=$key-2", ["a 200 ... amount=-4 ..."])
    said(scene, line, f"a CAPTURE hold={held} amount=5 key=$key-2", ["a 409 reason=key"])
    said(scene, line, f"a CAPTURE hold={held} key=$key-2", ["a 409 reason=key"])


@SUBJECT.case("a hold captured and released at once by both its sides", entries=2)
def _(scene: Scene) -> None:
    payer, payee = scene.customer(), scene.customer(scene.mate)
    held = fields(payer.ask(scene.fill("HOLD to=$mate amount=10 currency=USD key=$key")))["hold"]
    payer.say(scene.fill(f"a CAPTURE hold={held} key=$key-c"))
    payee.say(scene.fill(f"a RELEASE hold={held} key=$key-r"))
    answers = sorted((payer.until("a ")[-1].split(" ")[1], payee.until("a ")[-1].split(" ")[1]))
    demand(answers == ["200", "404"], f"they were answered {answers}")


@SUBJECT.case("money that is set aside is spent no second time", entries=1)
def _(scene: Scene) -> None:
    line = scene.customer()
    said(scene, line, "a HOLD amount=$balance currency=USD key=$key", ["a 200 hold=..."])
    said(scene, line, "a WITHDRAW amount=1 currency=USD key=$key-1", ["a 402 reason=funds"])
    said(scene, line, "a TRANSFER to=$theirs amount=1 currency=USD key=$key-2", ["a 402 reason=funds"])
    said(scene, line, "a HOLD amount=1 currency=USD key=$key-3", ["a 402 reason=funds"])
    said(scene, line, "a DELETE_ACCOUNT pin=$pin payout=$theirs", ["a 409 reason=holds"])
    scene.stage.hostile.remove(scene.mallory)


@SUBJECT.case("a payment given back twice, and by its payer", entries=2)
def _(scene: Scene) -> None:
    payer, payee = scene.customer(), scene.customer(scene.mate)
    paid = fields(payer.ask(scene.fill("TRANSFER to=$mate amount=10 currency=USD key=$key")))["receipt"]
    said(scene, payer, f"a REVERSE receipt={paid} key=$key-0", ["a 404 reason=entry"])
    said(scene, payee, f"a REVERSE receipt={paid} amount=11 key=$key-1", ["a 422 reason=left"])
    said(scene, payee, f"a REVERSE receipt={paid} key=$key-2", ["a 200 ... amount=-10 ..."])
    said(scene, payee, f"a REVERSE receipt={paid} amount=1 key=$key-3", ["a 422 reason=left"])
    said(scene, payer, f"a REVERSE receipt={paid} key=$key-4", ["a 404 reason=entry"])


@SUBJECT.case("a giving back, given back", entries=2)
def _(scene: Scene) -> None:
    payer, payee = scene.customer(), scene.customer(scene.mate)
    paid = fields(payer.ask(scene.fill("TRANSFER to=$mate amount=10 currency=USD key=$key")))["receipt"]
    back = fields(payee.ask(scene.fill(f"REVERSE receipt={paid} key=$key-1")))["receipt"]
    said(scene, payer, f"a REVERSE receipt={back} key=$key-2", ["a 404 reason=entry"])


@SUBJECT.case("two who pay each other all they have, at the same time, again and again", entries=None)
def _(scene: Scene) -> None:
    ours = [(scene.customer(), scene.mate), (scene.customer(scene.mate), scene.mallory)]
    in_all = scene.balance_of(scene.mallory) + scene.balance_of(scene.mate)
    for turn in range(20):
        for line, other in ours:
            most = in_all // (turn + 1)
            line.say(
                *(
                    scene.fill(f"a TRANSFER to={other.account} amount={most} currency=USD key=$key-{turn}-{n}")
                    for n in range(10)
                )
            )
    for line, _ in ours:
        line.say("zz NOOP")
        codes = {answer.split(" ")[1] for answer in line.until("zz ")}
        demand(codes <= {"200", "402"}, f"they were answered {codes}")
    after = scene.balance_of(scene.mallory) + scene.balance_of(scene.mate)
    demand(after == in_all, f"together they had {in_all}, and have {after}")


@SUBJECT.case(
    "two accounts of one customer, and one key in both at once", entries=None, changes=frozenset({"accounts"})
)
def _(scene: Scene) -> None:
    first = scene.customer()
    second_account = fields(first.ask("OPEN_ACCOUNT"))["account"]
    first.ask(scene.fill(f"TRANSFER to={second_account} amount=100 currency=USD key=$key-0"))
    second = scene.visitor()
    said(scene, second, f"a LOGIN account={second_account} pin=$pin", [f"a 200 account={second_account} ..."])
    for line in (first, second):
        line.say(scene.fill("a WITHDRAW amount=100 currency=USD key=$key"))
    codes = sorted(line.until("a ")[-1].split(" ")[1] for line in (first, second))
    demand(codes == ["200", "409"], f"they were answered {codes}")


@SUBJECT.case("a 21st account", changes=frozenset({"accounts"}))
def _(scene: Scene) -> None:
    line = scene.customer(scene.mate)
    for n in range(19):
        said(scene, line, f"a{n} OPEN_ACCOUNT", [f"a{n} 201 ..."])
    said(scene, line, "a OPEN_ACCOUNT", ["a 409 reason=accounts"])


@SUBJECT.case("eight customers at once, who each withdraw all they have eight times", entries=None, long=True)
def _(scene: Scene) -> None:
    people = list(scene.stage.hostile)[2:10]
    scene.act(*people)

    def rob(place: int) -> list[str]:
        line = scene.customer(people[place])
        balance = scene.balance_of(people[place])
        line.say(*(f"a WITHDRAW amount={balance} currency=USD key={scene.names['key']}-{place}-{n}" for n in range(8)))
        line.say("zz NOOP")
        answers = [answer.split(" ")[1] for answer in line.until("zz ")[:-1]]
        line.ask(f"DEPOSIT amount={balance} currency=USD key={scene.names['key']}-{place}-back")
        return answers

    with ThreadPoolExecutor(8) as several:
        for answers in several.map(rob, range(8)):
            demand(answers == ["200", *["402"] * 7], f"one was answered {answers}")
