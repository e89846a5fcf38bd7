"""Rules about what is listed: statements and notices (sections 7 and 11), receipts that are signed, and seals (15)."""

import base64
import json
from itertools import pairwise

from bankd.conformance.candidate import Candidate, move
from bankd.conformance.line import Line
from bankd.conformance.rule import Broken, demand, rule


@rule(7)
def statement(bank: Candidate) -> None:
    """A statement is newest first, and each balance is the one before it and the amount."""
    _, line = bank.new_session()
    _some_entries(line)
    answer = line.ask("STATEMENT")
    entries, end = answer.items, answer.end
    demand(len(entries) == 7, f"seven entries are told as {len(entries)}")
    numbers = [entry.amount("receipt") for entry in entries]
    demand(numbers == sorted(set(numbers), reverse=True), f"the receipts are {numbers}")
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
    whole = [entry.fields["receipt"] for entry in line.ask("STATEMENT").items]
    found: list[str] = []
    request, closing = "STATEMENT limit=3", None
    for _ in range(10):
        answer = line.ask(request)
        found += [entry.fields["receipt"] for entry in answer.items]
        demand(
            closing in (None, answer.end.amount("closing")),
            f"the page closes with another balance: {answer.end.line!r}",
        )
        closing = answer.end.amount("opening")
        if "cursor" not in answer.end.fields:
            break
        request = f"STATEMENT limit=3 cursor={answer.end.fields['cursor']}"
        move(line, "DEPOSIT", 1)  # what happens meanwhile must not change the pages that follow
    demand(found == whole, f"the pages tell {found}, and the whole statement {whole}")


@rule(7)
def periods(bank: Candidate) -> None:
    """A statement since an entry's time begins with that entry, and BALANCE at that time is the one after it."""
    _, line = bank.new_session()
    _some_entries(line)
    third = line.ask("STATEMENT").items[2]
    at = third.fields["at"]
    told = line.ask(f"STATEMENT since={at}").items
    demand(third.line.split(" ", 1)[1] in [entry.line.split(" ", 1)[1] for entry in told], "the entry is not in it")
    demand(all(entry.fields["at"] >= at for entry in told), "an entry is older than the period")
    then = line.ask(f"BALANCE at={at}").end.amount("balance")
    of_that_time = [entry for entry in line.ask("STATEMENT").items if entry.fields["at"] == at]
    demand(then == of_that_time[0].amount("balance"), f"the balance at {at} is told as {then}")
    answer = line.ask(f"STATEMENT since={at} before=2000-01-01T00:00:00.000000Z")
    wrong = (answer.code, answer.end.fields.get("field"))
    demand(wrong == ("400 field", "before"), f"a period that ends before it begins is answered {answer}")


@rule(7)
def others_entries(bank: Candidate) -> None:
    """An entry of somebody else is no cursor, and cannot be certified."""
    _, theirs = bank.new_session(100)
    _, ours = bank.new_session(100)
    number = theirs.ask("STATEMENT").items[0].fields["receipt"]
    for request, name in ((f"STATEMENT cursor={number}", "cursor"), (f"CERTIFY receipt={number}", "receipt")):
        answer = ours.ask(request)
        demand(
            (answer.code, answer.end.fields.get("field")) == ("400 field", name), f"{request!r} is answered {answer}"
        )


@rule(7)
def signed(bank: Candidate) -> None:
    """CERTIFY gives a JSON Web Signature by Ed25519 over what the entry says."""
    person, line = bank.new_session(100)
    entry = line.ask("STATEMENT").items[0]
    certified = line.ask(f"CERTIFY receipt={entry.fields['receipt']}").end
    header, says = _parts(certified.fields.get("signed", ""))
    demand(header == {"alg": "Ed25519", "typ": "bankd-receipt"}, f"the header is {header}")
    expected = {"receipt": entry.amount("receipt"), "account": person.account, "amount": 100, "balance": 100}
    demand(expected.items() <= says.items(), f"what is signed is {says}, and the entry says {expected}")


@rule(11)
def notices(bank: Candidate) -> None:
    """What happens on an account is numbered from 1 without gaps, and told to both sides of a transfer."""
    payee, theirs = bank.new_session()
    _, ours = bank.new_session(100)
    move(ours, "TRANSFER", 40, more=f"to={payee.account} reference=Rent")
    for line, kinds in ((ours, {"deposit", "paid"}), (theirs, {"received"})):
        told = line.ask("NOTICES since=0").items
        numbers = [notice.amount("number") for notice in told]
        demand(numbers == list(range(1, len(numbers) + 1)), f"the numbers are {numbers}")
        found = {notice.fields["kind"] for notice in told}
        demand(kinds <= found, f"{kinds} happened, and {found} is told")


@rule(11)
def acknowledged(bank: Candidate) -> None:
    """What was acknowledged is not told again unless asked for; what there is not yet cannot be acknowledged."""
    _, line = bank.new_session(100)
    last = line.ask("NOTICES").items[-1].amount("number")
    demand(line.ask(f"ACKNOWLEDGE upto={last}").code == "200", "a notice cannot be acknowledged")
    answer = line.ask("NOTICES")
    demand(not answer.items and answer.end.amount("acknowledged") == last, f"then NOTICES is answered {answer}")
    demand(len(line.ask("NOTICES since=0").items) == last, "an acknowledged notice is gone")
    answer = line.ask(f"ACKNOWLEDGE upto={last + 1}")
    wrong = (answer.code, answer.end.fields.get("field"))
    demand(wrong == ("400 field", "upto"), f"a notice that there is not is answered {answer}")


@rule(15)
def published(bank: Candidate) -> None:
    """KEYS gives a signed set of keys, and a nonce that is the connection's own."""
    line, other = bank.connect(), bank.connect()
    first, again, elsewhere = line.ask("KEYS").end, line.ask("KEYS").end, other.ask("KEYS").end
    demand(first.fields["nonce"] == again.fields["nonce"], "the nonce changes on one connection")
    demand(first.fields["nonce"] != elsewhere.fields["nonce"], "two connections have one nonce")
    header, says = _parts(first.fields["keys"])
    demand(header.get("alg") == "Ed25519" and bool(says.get("keys")), f"the set of keys is {header} {says}")


@rule(15)
def broken_seal(bank: Candidate) -> None:
    """What does not open is `* 400 seal`, and the bank closes."""
    line = bank.connect()
    line.send(b"s1 SEALED jwe=bm9uc2Vuc2U.bm9uc2Vuc2U.bm9uc2Vuc2U.bm9uc2Vuc2U.bm9uc2Vuc2U\r\n")
    line.demand_event("400 seal", closes=True)


def _some_entries(line: Line) -> None:
    for amount in (500, 40, 3):
        move(line, "DEPOSIT", amount)
        move(line, "WITHDRAW", amount // 2 or 1)
    move(line, "DEPOSIT", 7)


def _parts(jws: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and content of a JWS in compact form (RFC 7515), which is not verified. Raises Broken."""
    try:
        header, content, _ = jws.split(".")
        return json.loads(_octets(header)), json.loads(_octets(content))
    except ValueError:
        raise Broken(f"this is no JWS: {jws!r}") from None


def _octets(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
