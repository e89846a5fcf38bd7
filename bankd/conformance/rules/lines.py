"""Rules about the connection and the form of lines (sections 1, 2, 4 and 13)."""

from bankd.conformance import specification
from bankd.conformance.candidate import Candidate, balance, demand_balance, order
from bankd.conformance.rule import demand, rule
from bankd.conformance.specification import MAX_LINE


@rule(1)
def greeting(bank: Candidate) -> None:
    """The bank speaks first, with a greeting that names BANK/1, itself and its currency."""
    said = bank.connect().greeting.line
    demand(specification.has_form("greeting", [said]), f"the greeting is {said!r}")


@rule(1)
def old_tls(bank: Candidate) -> None:
    """TLS older than 1.3 is refused."""
    try:
        bank.connect_by_old_tls()
    except OSError:
        return
    demand(False, "TLS 1.2 is accepted")


@rule(1)
def log_out(bank: Candidate) -> None:
    """LOGOUT is answered, the bank closes, and nothing that came after it is carried out."""
    person, line = bank.new_session(500)
    left = order(line, "WITHDRAW", 100)
    line.send(f"z1 LOGOUT\r\nz2 {left}\r\n".encode())
    line.answer("z1", "LOGOUT").expect("200")
    line.demand_end()
    found = balance(bank.log_in(person))
    demand(found == 500, f"a withdrawal after LOGOUT was made: 500 became {found}")


@rule(2)
def bare_line_feed(bank: Candidate) -> None:
    """A bare line feed is `* 400 framing`, and the bank closes."""
    _framing(bank, b"a1 NOOP\n")


@rule(2)
def bare_return(bank: Candidate) -> None:
    """A bare carriage return is `* 400 framing`, and the bank closes."""
    _framing(bank, b"a1 NO\rOP\r\n")


@rule(2)
def nul(bank: Candidate) -> None:
    """A NUL is `* 400 framing`, and the bank closes."""
    _framing(bank, b"a1 NOOP\x00\r\n")


@rule(2)
def empty(bank: Candidate) -> None:
    """An empty line is `* 400 framing`, and the bank closes."""
    _framing(bank, b"\r\n")


@rule(2)
def longest(bank: Candidate) -> None:
    """A line of 4096 octets is read; one of 4097 is `* 413 length`, and the bank closes."""
    line = bank.connect()
    line.send(b"a1 NOOP x=" + b"y" * (MAX_LINE - 10) + b"\r\n")
    answer = line.answer("a1", "NOOP")
    demand(answer.code == "400 field", f"`a1 NOOP x=yyy...`, 4096 octets, is answered {answer} and not 400 field")
    line.send(b"a1 NOOP x=" + b"y" * (MAX_LINE - 9) + b"\r\n")
    line.demand_event("413 length", closes=True)


@rule(2)
def without_end(bank: Candidate) -> None:
    """More than 4096 octets without an end are `* 413 length` before the end comes."""
    line = bank.connect()
    line.send(b"a" * (MAX_LINE + 2))
    line.demand_event("413 length", closes=True)


@rule(2)
def in_pieces(bank: Candidate) -> None:
    """A line that comes octet by octet is the same line."""
    line = bank.connect()
    for octet in b"a1 NOOP\r\n":
        line.send(bytes([octet]))
    answer = line.answer("a1", "NOOP")
    demand(answer.code == "200", f"`a1 NOOP` in nine pieces of an octet is answered {answer}")


@rule(2)
def longest_tag(bank: Candidate) -> None:
    """A tag of 16 letters and digits is repeated as it came; a longer one is none."""
    line = bank.connect()
    line.send(b"AbCdEfGh12345678 NOOP\r\n")
    line.answer("AbCdEfGh12345678", "NOOP").expect("200")
    line.send(b"AbCdEfGh123456789 NOOP\r\n")
    line.demand_event("400 line", closes=False)


@rule(13)
def no_request(bank: Candidate) -> None:
    """A line that is no request is `400 line` with its tag, or as an event without one; the bank goes on."""
    line = bank.connect()
    for words in (
        "NOOP ",
        " NOOP",
        "noop",
        "NO-OP",
        "NOOP x",
        "NOOP x=1  y=2",
        "NOOP x=\tz",
        "NOOP x=\x7f",
        "NOOP x=\xe9",
    ):
        line.send(f"a1 {words}\r\n".encode())
        answer = line.answer("a1", "NOOP")
        demand(answer.code == "400 line", f"{f'a1 {words}'!r} is answered {answer}")
    line.send(b"!!!\r\n")
    line.demand_event("400 line", closes=False)


@rule(13)
def unknown_verb(bank: Candidate) -> None:
    """A verb that there is not is `400 verb`, and the bank goes on."""
    line = bank.connect()
    line.ask("DANCE with=me").expect("400 verb")
    line.ask("NOOP").expect("200")


@rule(13)
def unknown_field(bank: Candidate) -> None:
    """A field that is unknown, twice there or missing is `400 field` with its name, and nothing is done."""
    _, line = bank.new_session(100)
    whole = order(line, "WITHDRAW", 1)
    for request, name in (
        (f"{whole} of=1", "of"),
        (f"{whole} amount=2", "amount"),
        (whole.rpartition(" ")[0], "key"),
        ("BALANCE of=1", "of"),
    ):
        answer = line.ask(request)
        demand(answer.refused == ("400 field", name), f"{request!r} is answered {answer}, and not for {name}")
    demand_balance(line, 100)


@rule(4)
def any_order(bank: Candidate) -> None:
    """Fields may come in any order."""
    _, line = bank.new_session()
    verb, *fields = order(line, "DEPOSIT", 250).split(" ")
    line.ask(" ".join([verb, *reversed(fields)])).expect("200")


@rule(4)
def in_their_order(bank: Candidate) -> None:
    """Requests that are sent together are answered in their order, each seeing what those before it did."""
    _, line = bank.new_session()
    asked = [order(line, "DEPOSIT", 10), "BALANCE", order(line, "WITHDRAW", 3), order(line, "WITHDRAW", 8), "BALANCE"]
    answers = line.ask_all(asked * 5)
    for place in range(5):
        paid, first, drawn, refused, last = answers[5 * place : 5 * place + 5]
        if place == 0:
            for answer, code in ((paid, "200"), (drawn, "200"), (refused, "402 funds")):
                answer.expect(code)
            demand(first.amount("balance") == 10, f"BALANCE after a deposit of 10 is answered {first}")
        demand(last.amount("balance") == 7, f"BALANCE is answered {last} and not 7, after the same keys came again")


@rule(4)
def given_up_items(bank: Candidate) -> None:
    """Items that another line than their BULK follows are `400 items`, and that line is taken for what it is."""
    person, line = bank.new_session(100)
    line.send(f"i1 - to={person.account} amount=1\r\ni2 NOOP\r\n".encode())
    line.answer("i1", "BULK").expect("400 items")
    line.answer("i2", "NOOP").expect("200")


def _framing(bank: Candidate, octets: bytes) -> None:
    line = bank.connect()
    line.send(octets)
    line.demand_event("400 framing", closes=True)
