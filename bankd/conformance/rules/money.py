"""Rules about money: payments, holds, keys (sections 7 and 10)."""

from collections.abc import Sequence

from bankd.conformance.candidate import Candidate, currency, demand_balance, move, new_key, order
from bankd.conformance.line import Answer, Line
from bankd.conformance.rule import NotGraded, demand, rule

MOST_ITEMS = 1000
"""So many items one BULK may have (section 1)."""


@rule(7)
def cash(bank: Candidate) -> None:
    """DEPOSIT and WITHDRAW move cash, and their receipts tell amount and balance."""
    _, line = bank.new_session()
    _free_of_charge(line)
    _demand_receipt(move(line, "DEPOSIT", 1000), 1000, 1000)
    _demand_receipt(move(line, "WITHDRAW", 400), -400, 600)
    demand_balance(line, 600)


@rule(7)
def no_overdraft(bank: Candidate) -> None:
    """What an account has not available is `402 funds`, to the last minor unit."""
    payee = bank.new_person()
    _, line = bank.new_session(100)
    _free_of_charge(line)
    for verb, more in (("WITHDRAW", ""), ("TRANSFER", f"to={payee.account}"), ("HOLD", "")):
        answer = move(line, verb, 101, more=more)
        demand(answer.code == "402 funds", f"{verb} of 101 out of 100 is answered {answer.code}")
    answer = move(line, "WITHDRAW", 100)
    demand(answer.code == "200", f"WITHDRAW of 100 out of 100 is answered {answer}")
    demand_balance(line, 0)


@rule(7)
def transfer(bank: Candidate) -> None:
    """TRANSFER takes from the one account just what the other gets; both statements tell it."""
    payee, theirs = bank.new_session(50)
    person, ours = bank.new_session(1000)
    _free_of_charge(ours)
    answer = move(ours, "TRANSFER", 300, more=f"to={payee.account} reference=Rent")
    _demand_receipt(answer, -300, 700)
    demand_balance(theirs, 350)
    for line, kind, amount, other in ((ours, "paid", "-300", payee), (theirs, "received", "300", person)):
        told = line.ask("STATEMENT limit=1").item(0)
        found = [told.fields.get(name) for name in ("kind", "amount", "counterparty", "reference")]
        demand(found == [kind, amount, other.account, "Rent"], f"the statement tells {told.line!r}")


@rule(7)
def wrong_payees(bank: Candidate) -> None:
    """An account that there is not is `404 account`, and one's own `422 same_account`; nothing moves."""
    person, line = bank.new_session(100)
    for number, code in (("zzzz9999zzzz", "404 account"), (person.account, "422 same_account")):
        answer = move(line, "TRANSFER", 1, more=f"to={number}")
        demand(answer.code == code, f"to={number} is answered {answer}")
    demand_balance(line, 100)


@rule(12)
def precedence(bank: Candidate) -> None:
    """Of several refusals the first in the table of codes is the answer."""
    person, line = bank.new_session(100)
    for amount, more, code in (
        ("0", "to=zzzz9999zzzz", "400 field"),
        ("101", "to=zzzz9999zzzz", "404 account"),
        ("101", f"to={person.account}", "422 same_account"),
    ):
        answer = move(line, "TRANSFER", amount, more=more)
        demand(answer.code == code, f"amount={amount} {more} is answered {answer} and not {code}")


@rule(7)
def bulk_whole(bank: Candidate) -> None:
    """BULK with mode=all makes every transfer or none, and names the item at fault."""
    payee, theirs = bank.new_session()
    _, line = bank.new_session(100)
    _free_of_charge(line)
    answer = _bulk(line, "all", [(payee.account, 60), (payee.account, 41)])
    refused = (answer.code, answer.end.fields.get("place"))
    demand(refused == ("402 funds", "2"), f"an item that cannot be paid is answered {answer}")
    demand_balance(line, 100)
    demand_balance(theirs, 0)
    answer = _bulk(line, "all", [(payee.account, 60), (payee.account, 40)])
    demand(answer.code == "200" and len(answer.items) == 2, f"what can be paid is answered {answer}")
    demand_balance(line, 0)
    demand_balance(theirs, 100)


@rule(7)
def bulk_each(bank: Candidate) -> None:
    """BULK with mode=each makes what can be made, and tells of each item."""
    payee, theirs = bank.new_session()
    _, line = bank.new_session(100)
    _free_of_charge(line)
    answer = _bulk(line, "each", [("zzzz9999zzzz", 5), (payee.account, 70), (payee.account, 31), (payee.account, 30)])
    answer.expect("200")
    told = [item.fields.get("reason") or ("receipt" in item.fields) for item in answer.items]
    demand(told == ["account", True, "funds", True], f"of 5 to nobody, and 70, 31 and 30 out of 100, it tells {answer}")
    counted = [answer.end.fields.get(name) for name in ("made", "refused", "amount")]
    demand(counted == ["2", "2", "100"], f"in all it tells {answer}")
    demand_balance(line, 0)
    demand_balance(theirs, 100)


@rule(7)
def bulk_count(bank: Candidate) -> None:
    """BULK with another count than there are items is `400 items`."""
    payee = bank.new_person()
    _, line = bank.new_session(100)
    request = f"BULK count=2 mode=all currency={currency(line)} key={new_key()}"
    for items in ([], [f"to={payee.account} amount=1"]):
        answer = line.ask(request, items)
        demand(answer.code == "400 items", f"{len(items)} items for a count of 2 are answered {answer}")


@rule(7)
def bulk_most(bank: Candidate) -> None:
    """BULK of 1001 items is `400 items`, and none of them is paid."""
    payee = bank.new_person()
    _, line = bank.new_session(2000)
    answer = _bulk(line, "each", [(payee.account, 1)] * (MOST_ITEMS + 1))
    demand(answer.code == "400 items", f"a BULK of {MOST_ITEMS + 1} items is answered {answer}")
    demand_balance(line, 2000)


@rule(7)
def holds(bank: Candidate) -> None:
    """HOLD takes from what is available and not from the balance; CAPTURE pays a part and frees the rest."""
    payee, theirs = bank.new_session()
    _, line = bank.new_session(100)
    _free_of_charge(line)
    number = move(line, "HOLD", 80, more=f"to={payee.account}").expect("200").field("hold")
    demand_balance(line, 100)
    demand_balance(line, 20, "available")
    listed = theirs.ask("HOLDS").expect("200")
    demand(
        number in [item.field("hold") for item in listed.items], f"of hold {number} its payee's HOLDS tells {listed}"
    )
    answer = theirs.ask(f"CAPTURE hold={number} amount=81 key={new_key()}")
    demand(answer.code == "422 left", f"CAPTURE of 81 out of 80 is answered {answer}")
    theirs.ask(f"CAPTURE hold={number} amount=50 key={new_key()}").expect("200")
    demand_balance(line, 50)
    demand_balance(line, 50, "available")
    demand_balance(theirs, 50)
    answer = theirs.ask(f"CAPTURE hold={number} key={new_key()}")
    demand(answer.code == "404 hold", f"CAPTURE of a hold that has ended is answered {answer}")


@rule(7)
def releases(bank: Candidate) -> None:
    """Only who was to be paid releases a hold; one for cash its own account."""
    payee, theirs = bank.new_session()
    _, line = bank.new_session(100)
    for_payee = move(line, "HOLD", 30, more=f"to={payee.account}").expect("200").field("hold")
    for_cash = move(line, "HOLD", 30).expect("200").field("hold")
    answer = line.ask(f"RELEASE hold={for_payee} key={new_key()}")
    demand(answer.code == "403 payee", f"the payer's RELEASE is answered {answer}")
    for side, number in ((theirs, for_payee), (line, for_cash)):
        side.ask(f"RELEASE hold={number} key={new_key()}").expect("200")
    demand_balance(line, 100, "available")


@rule(7)
def given_back(bank: Candidate) -> None:
    """REVERSE gives a received payment back, never more in all than was paid."""
    payee, theirs = bank.new_session()
    _, line = bank.new_session(100)
    _free_of_charge(line)
    receipt = move(line, "TRANSFER", 60, more=f"to={payee.account}").expect("200").field("receipt")
    answer = line.ask(f"REVERSE receipt={receipt} key={new_key()}")
    demand(answer.code == "404 entry", f"the payer's own REVERSE is answered {answer}")
    for amount, code in ((40, "200"), (21, "422 left"), (20, "200"), (1, "422 left")):
        answer = theirs.ask(f"REVERSE receipt={receipt} amount={amount} key={new_key()}")
        demand(answer.code == code, f"{amount} are answered {answer} and not {code}")
    demand_balance(line, 100)
    demand_balance(theirs, 0)


@rule(10)
def same_again(bank: Candidate) -> None:
    """The same key with the same content is answered the same, and nothing moves again, in any session."""
    person, line = bank.new_session(100)
    done, refused = order(line, "WITHDRAW", 30), order(line, "WITHDRAW", 500)
    first = line.ask(done).expect("200")
    line.ask(refused).expect("402 funds")
    move(line, "DEPOSIT", 1000).expect("200")
    line.ask("LOGOUT").expect("200")
    line = bank.log_in(person)
    again = line.ask(done)
    demand(again.end.fields == first.end.fields, f"{done!r} is answered {first}, and in another session {again}")
    again = line.ask(refused)
    demand(again.code == "402 funds", f"{refused!r}, refused for 402 funds, is in another session answered {again}")
    demand_balance(line, 1070)


@rule(10)
def other_content(bank: Candidate) -> None:
    """The same key with other content is `409 key`, and nothing moves."""
    _, line = bank.new_session(100)
    key = new_key()
    move(line, "WITHDRAW", 30, key).expect("200")
    for verb, amount in (("WITHDRAW", 31), ("DEPOSIT", 30)):
        answer = move(line, verb, amount, key)
        demand(answer.code == "409 key", f"{verb} of {amount} under a used key is answered {answer}")
    demand_balance(line, 70)


@rule(10)
def others_keys(bank: Candidate) -> None:
    """A key is its customer's own: another customer may use the same for something else."""
    _, ours = bank.new_session()
    _, theirs = bank.new_session()
    key = new_key()
    move(ours, "DEPOSIT", 30, key).expect("200")
    answer = move(theirs, "DEPOSIT", 50, key)
    demand(answer.code == "200", f"a DEPOSIT under a key that another customer has used is answered {answer}")
    demand_balance(ours, 30)
    demand_balance(theirs, 50)


@rule(10)
def at_once(bank: Candidate) -> None:
    """A request that is sent twenty times at once with one key moves money once."""
    _, line = bank.new_session(100)
    answers = line.ask_all([order(line, "WITHDRAW", 10, "twenty-times")] * 20)
    demand(len({str(answer.end.fields) for answer in answers}) == 1, f"the answers differ: {answers[0]}, {answers[-1]}")
    demand_balance(line, 90)


@rule(10)
def nothing_kept(bank: Candidate) -> None:
    """A key that was refused for a wrong field is as before."""
    _, line = bank.new_session(100)
    key = new_key()
    move(line, "WITHDRAW", "0", key).expect("400 field")
    answer = move(line, "WITHDRAW", 10, key)
    demand(answer.code == "200", f"WITHDRAW of 10, whose key was refused for an amount of 0, is answered {answer}")


def _bulk(line: Line, mode: str, payees: Sequence[tuple[str, int]]) -> Answer:
    items = [f"to={number} amount={amount}" for number, amount in payees]
    return line.ask(f"BULK count={len(items)} mode={mode} currency={currency(line)} key={new_key()}", items)


def _demand_receipt(answer: Answer, amount: int, after: int) -> None:
    answer.expect("200")
    told = (answer.amount("amount"), answer.amount("balance"))
    demand(told == (amount, after), f"the receipt is {answer}, with {amount} moved and {after} after it expected")


def _free_of_charge(line: Line) -> None:
    """Raise NotGraded where payments cost something: the sums of these rules are without fees."""
    limits = line.ask("LIMITS").expect("200")
    if limits.amount("transfer_fee") or limits.amount("withdrawal_fee"):
        raise NotGraded("this bank charges fees; grade it with a setting that does not")
