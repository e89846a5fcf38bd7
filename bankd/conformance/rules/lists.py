"""Rules about what is listed: statements and notices (sections 7 and 11)."""

from collections.abc import Iterable
from itertools import pairwise

from bankd.conformance.candidate import Candidate, move
from bankd.conformance.line import Line
from bankd.conformance.rule import demand, rule


@rule(7)
def statement(bank: Candidate) -> None:
    """A statement is newest first, and each balance is the one before it and the amount."""
    _, line = bank.new_session()
    _some_entries(line)
    answer = line.ask("STATEMENT").expect("200")
    entries, end = answer.items, answer.end
    demand(len(entries) == 7, f"after seven payments STATEMENT is answered {answer}")
    numbers = [entry.amount("receipt") for entry in entries]
    demand(numbers == sorted(set(numbers), reverse=True), f"the receipts of STATEMENT are {_listed(numbers)}")
    for later, earlier in pairwise(entries):
        before = later.amount("balance") - later.amount("amount")
        demand(before == earlier.amount("balance"), f"{later.line!r} does not follow {earlier.line!r}")
    told = (end.amount("opening"), end.amount("closing"), end.amount("balance"))
    demand(told == (0, entries[0].amount("balance"), entries[0].amount("balance")), f"the end is {end.line!r}")


@rule(7)
def pages(bank: Candidate) -> None:
    """Pages that follow the cursor tell each entry once, and the opening of a page is the closing of the next."""
    _, line = bank.new_session()
    _some_entries(line)
    whole = [entry.field("receipt") for entry in line.ask("STATEMENT").expect("200").items]
    found: list[str] = []
    request, closing = "STATEMENT limit=3", None
    for _ in range(10):
        answer = line.ask(request).expect("200")
        found += [entry.field("receipt") for entry in answer.items]
        demand(
            closing in (None, answer.amount("closing")),
            f"the page closes with another balance: {answer.end.line!r}",
        )
        closing = answer.amount("opening")
        if "cursor" not in answer.end.fields:
            break
        request = f"STATEMENT limit=3 cursor={answer.field('cursor')}"
        move(line, "DEPOSIT", 1)  # what happens meanwhile must not change the pages that follow
    demand(found == whole, f"the pages tell {_listed(found)}, and the whole statement {_listed(whole)}")


@rule(7)
def periods(bank: Candidate) -> None:
    """A statement since an entry's time has that entry, one before it has not, and BALANCE at it is the one after."""
    _, line = bank.new_session()
    _some_entries(line)
    entries = line.ask("STATEMENT").expect("200")
    at = entries.item(2).field("at")
    for period, later in (("since", True), ("before", False)):
        right = [entry.field("receipt") for entry in entries.items if (entry.field("at") >= at) is later]
        told = line.ask(f"STATEMENT {period}={at}").expect("200")
        demand(
            [entry.field("receipt") for entry in told.items] == right,
            f"STATEMENT {period}={at} is answered {told}, and the receipts of then are {_listed(right)}",
        )
    then = line.ask(f"BALANCE at={at}").expect("200").amount("balance")
    last = next(entry for entry in entries.items if entry.field("at") == at)
    demand(then == last.amount("balance"), f"the balance at {at} is told as {then}, and after it was {last.line!r}")
    answer = line.ask(f"STATEMENT since={at} before=2000-01-01T00:00:00.000000Z")
    demand(answer.refused == ("400 field", "before"), f"a period that ends before it begins is answered {answer}")


@rule(7)
def others_entries(bank: Candidate) -> None:
    """An entry of somebody else is no cursor, and cannot be certified."""
    _, theirs = bank.new_session(100)
    _, ours = bank.new_session(100)
    number = theirs.ask("STATEMENT").item(0).field("receipt")
    for request, name in ((f"STATEMENT cursor={number}", "cursor"), (f"CERTIFY receipt={number}", "receipt")):
        answer = ours.ask(request)
        demand(answer.refused == ("400 field", name), f"{request!r} of somebody else's entry is answered {answer}")


@rule(11)
def notices(bank: Candidate) -> None:
    """What happens on an account is numbered from 1 without gaps, and told to both sides of a transfer."""
    payee, theirs = bank.new_session()
    _, ours = bank.new_session(100)
    move(ours, "TRANSFER", 40, more=f"to={payee.account} reference=Rent")
    for line, kinds in ((ours, {"deposit", "paid"}), (theirs, {"received"})):
        told = line.ask("NOTICES since=0").expect("200")
        numbers = [notice.amount("number") for notice in told.items]
        demand(numbers == list(range(1, len(numbers) + 1)), f"the numbers of notices are {_listed(numbers)}")
        found = {notice.field("kind") for notice in told.items}
        demand(kinds <= found, f"after {_listed(sorted(kinds))} NOTICES since=0 is answered {told}")


@rule(11)
def acknowledged(bank: Candidate) -> None:
    """What was acknowledged is not told again unless asked for; what there is not yet cannot be acknowledged."""
    _, line = bank.new_session(100)
    last = line.ask("NOTICES").expect("200").item(-1).amount("number")
    line.ask(f"ACKNOWLEDGE upto={last}").expect("200")
    answer = line.ask("NOTICES")
    demand(not answer.items and answer.amount("acknowledged") == last, f"then NOTICES is answered {answer}")
    answer = line.ask("NOTICES since=0")
    demand(len(answer.items) == last, f"of {last} notices, all acknowledged, NOTICES since=0 is answered {answer}")
    answer = line.ask(f"ACKNOWLEDGE upto={last + 1}")
    demand(answer.refused == ("400 field", "upto"), f"a notice that there is not is answered {answer}")


def _some_entries(line: Line) -> None:
    for amount in (500, 40, 3):
        move(line, "DEPOSIT", amount)
        move(line, "WITHDRAW", amount // 2 or 1)
    move(line, "DEPOSIT", 7)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(str(value) for value in values) or "none"
