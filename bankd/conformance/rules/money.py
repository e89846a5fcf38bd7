"""Rules about money: payments, holds, keys (sections 7 and 10)."""

from collections.abc import Sequence

from bankd.conformance.candidate import Candidate, balance, currency, move, new_key, order
from bankd.conformance.line import Answer, Line
from bankd.conformance.rule import NotGraded, demand, rule


@rule(7)
def cash(bank: Candidate) -> None:
    """DEPOSIT and WITHDRAW move cash, and their receipts tell amount and balance."""
    _, line = bank.new_session()
    _free_of_charge(line)
    _demand_receipt(move(line, "DEPOSIT", 1000), 1000, 1000)
    _demand_receipt(move(line, "WITHDRAW", 400), -400, 600)
    demand(balance(line) == 600, "BALANCE does not tell what the receipts did")


@rule(7)
def no_overdraft(bank: Candidate) -> None:
    """What an account has not available is `402 funds`, to the last minor unit."""
    payee = bank.new_person()
    _, line = bank.new_session(100)
    _free_of_charge(line)
    for verb, more in (("WITHDRAW", ""), ("TRANSFER", f"to={payee.account}"), ("HOLD", "")):
        code = move(line, verb, 101, more=more).code
        demand(code == "402 funds", f"{verb} of 101 out of 100 is answered {code}")
    demand(move(line, "WITHDRAW", 100).code == "200", "the last minor unit cannot be withdrawn")
    demand(balance(line) == 0, "the account is not empty")


@rule(7)
def transfer(bank: Candidate) -> None:
    """TRANSFER takes from the one account just what the other gets; both statements tell it."""
    payee, theirs = bank.new_session(50)
    person, ours = bank.new_session(1000)
    _free_of_charge(ours)
    answer = move(ours, "TRANSFER", 300, more=f"to={payee.account} reference=Rent")
    _demand_receipt(answer, -300, 700)
    demand(balance(theirs) == 350, "the payee did not get what the payer paid")
    for line, kind, amount, other in ((ours, "paid", "-300", payee), (theirs, "received", "300", person)):
        told = line.ask("STATEMENT limit=1").items[0].fields
        found = [told.get(name) for name in ("kind", "amount", "counterparty", "reference")]
        demand(found == [kind, amount, other.account, "Rent"], f"the statement tells {told}")


@rule(7)
def wrong_payees(bank: Candidate) -> None:
    """An account that there is not is `404 account`, and one's own `422 same_account`; nothing moves."""
    person, line = bank.new_session(100)
    for number, code in (("zzzz9999zzzz", "404 account"), (person.account, "422 same_account")):
        answer = move(line, "TRANSFER", 1, more=f"to={number}")
        demand(answer.code == code, f"to={number} is answered {answer}")
    demand(balance(line) == 100, "a transfer that was refused moved money")


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
    demand((balance(line), balance(theirs)) == (100, 0), "a part of it was paid")
    answer = _bulk(line, "all", [(payee.account, 60), (payee.account, 40)])
    demand(answer.code == "200" and len(answer.items) == 2, f"what can be paid is answered {answer}")
    demand((balance(line), balance(theirs)) == (0, 100), "it was not paid as answered")


@rule(7)
def bulk_each(bank: Candidate) -> None:
    """BULK with mode=each makes what can be made, and tells of each item."""
    payee, theirs = bank.new_session()
    _, line = bank.new_session(100)
    _free_of_charge(line)
    answer = _bulk(line, "each", [("zzzz9999zzzz", 5), (payee.account, 70), (payee.account, 31), (payee.account, 30)])
    demand(answer.code == "200", f"it is answered {answer}")
    told = [item.fields.get("reason") or ("receipt" in item.fields) for item in answer.items]
    demand(told == ["account", True, "funds", True], f"of the items it tells {told}")
    counted = [answer.end.fields.get(name) for name in ("made", "refused", "amount")]
    demand(counted == ["2", "2", "100"], f"in all it tells {answer}")
    demand((balance(line), balance(theirs)) == (0, 100), "it was not paid as answered")


@rule(7)
def bulk_count(bank: Candidate) -> None:
    """BULK with another count than there are items is `400 items`."""
    payee = bank.new_person()
    _, line = bank.new_session(100)
    request = f"BULK count=2 mode=all currency={currency(line)} key={new_key()}"
    for items in ([], [f"to={payee.account} amount=1"]):
        code = line.ask(request, items).code
        demand(code == "400 items", f"{len(items)} items for a count of 2 are answered {code}")


@rule(7)
def holds(bank: Candidate) -> None:
    """HOLD takes from what is available and not from the balance; CAPTURE pays a part and frees the rest."""
    payee, theirs = bank.new_session()
    _, line = bank.new_session(100)
    _free_of_charge(line)
    held = move(line, "HOLD", 80, more=f"to={payee.account}")
    demand(held.code == "200", f"HOLD is answered {held}")
    demand((balance(line), balance(line, "available")) == (100, 20), "a hold is not taken from what is available")
    number = held.end.fields["hold"]
    listed = [item.fields["hold"] for item in theirs.ask("HOLDS").items]
    demand(number in listed, f"the payee is not told of the hold, but of {listed}")
    code = theirs.ask(f"CAPTURE hold={number} amount=81 key={new_key()}").code
    demand(code == "422 left", f"more than is held is answered {code}")
    answer = theirs.ask(f"CAPTURE hold={number} amount=50 key={new_key()}")
    demand(answer.code == "200", f"CAPTURE is answered {answer}")
    demand((balance(line), balance(line, "available"), balance(theirs)) == (50, 50, 50), "it was not paid as asked")
    code = theirs.ask(f"CAPTURE hold={number} key={new_key()}").code
    demand(code == "404 hold", f"a hold that has ended is answered {code}")


@rule(7)
def releases(bank: Candidate) -> None:
    """Only who was to be paid releases a hold; one for cash its own account."""
    payee, theirs = bank.new_session()
    _, line = bank.new_session(100)
    for_payee = move(line, "HOLD", 30, more=f"to={payee.account}").end.fields["hold"]
    for_cash = move(line, "HOLD", 30).end.fields["hold"]
    code = line.ask(f"RELEASE hold={for_payee} key={new_key()}").code
    demand(code == "403 payee", f"the payer's release is answered {code}")
    for side, number in ((theirs, for_payee), (line, for_cash)):
        answer = side.ask(f"RELEASE hold={number} key={new_key()}")
        demand(answer.code == "200", f"a release is answered {answer}")
    demand(balance(line, "available") == 100, "what was released is not available")


@rule(7)
def given_back(bank: Candidate) -> None:
    """REVERSE gives a received payment back, never more in all than was paid."""
    payee, theirs = bank.new_session()
    _, line = bank.new_session(100)
    _free_of_charge(line)
    receipt = move(line, "TRANSFER", 60, more=f"to={payee.account}").end.fields["receipt"]
    code = line.ask(f"REVERSE receipt={receipt} key={new_key()}").code
    demand(code == "404 entry", f"the payer's own reversal is answered {code}")
    for amount, code in ((40, "200"), (21, "422 left"), (20, "200"), (1, "422 left")):
        answer = theirs.ask(f"REVERSE receipt={receipt} amount={amount} key={new_key()}")
        demand(answer.code == code, f"{amount} are answered {answer} and not {code}")
    demand((balance(line), balance(theirs)) == (100, 0), "it was not given back as answered")


@rule(10)
def same_again(bank: Candidate) -> None:
    """The same key with the same content is answered the same, and nothing moves again, in any session."""
    person, line = bank.new_session(100)
    done, refused = order(line, "WITHDRAW", 30), order(line, "WITHDRAW", 500)
    first = line.ask(done).end.fields
    demand(line.ask(refused).code == "402 funds", "500 out of 70 are not refused")
    move(line, "DEPOSIT", 1000)
    line.ask("LOGOUT")
    line = bank.log_in(person)
    demand(line.ask(done).end.fields == first, "the receipt is another one")
    demand(line.ask(refused).code == "402 funds", "a refusal is not answered again as it was")
    demand(balance(line) == 1070, "money moved again")


@rule(10)
def other_content(bank: Candidate) -> None:
    """The same key with other content is `409 key`, and nothing moves."""
    _, line = bank.new_session(100)
    key = new_key()
    move(line, "WITHDRAW", 30, key)
    for verb, amount in (("WITHDRAW", 31), ("DEPOSIT", 30)):
        code = move(line, verb, amount, key).code
        demand(code == "409 key", f"{verb} of {amount} under a used key is answered {code}")
    demand(balance(line) == 70, "other content under a used key moved money")


@rule(10)
def at_once(bank: Candidate) -> None:
    """A request that is sent twenty times at once with one key moves money once."""
    _, line = bank.new_session(100)
    answers = line.ask_all([order(line, "WITHDRAW", 10, "twenty-times")] * 20)
    demand(len({str(answer.end.fields) for answer in answers}) == 1, f"the answers differ: {answers[0]}, {answers[-1]}")
    demand(balance(line) == 90, "money moved more than once, or not at all")


@rule(10)
def nothing_kept(bank: Candidate) -> None:
    """A key that was refused for a wrong field is as before."""
    _, line = bank.new_session(100)
    key = new_key()
    demand(move(line, "WITHDRAW", "0", key).code == "400 field", "an amount of 0 is not refused")
    demand(move(line, "WITHDRAW", 10, key).code == "200", "the key counts as used")


def _bulk(line: Line, mode: str, payees: Sequence[tuple[str, int]]) -> Answer:
    items = [f"to={number} amount={amount}" for number, amount in payees]
    return line.ask(f"BULK count={len(items)} mode={mode} currency={currency(line)} key={new_key()}", items)


def _demand_receipt(answer: Answer, amount: int, after: int) -> None:
    demand(answer.code == "200", f"it is answered {answer}")
    told = (answer.end.amount("amount"), answer.end.amount("balance"))
    demand(told == (amount, after), f"the receipt is {answer}, with {amount} moved and {after} after it expected")


def _free_of_charge(line: Line) -> None:
    """Raise NotGraded where payments cost something: the sums of these rules are without fees."""
    limits = line.ask("LIMITS").end
    if limits.amount("transfer_fee") or limits.amount("withdrawal_fee"):
        raise NotGraded("this bank charges fees; grade it with a setting that does not")
