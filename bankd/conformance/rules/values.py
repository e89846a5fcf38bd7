"""Rules about values, and about secrets that are too easy to guess (section 3)."""

from urllib.parse import quote, unquote

from bankd.conformance.candidate import Candidate, currency, demand_balance, move
from bankd.conformance.line import Answer, Line
from bankd.conformance.rule import demand, rule

NO_AMOUNTS = (
    "0",
    "01",
    "-5",
    "+5",
    "1.5",
    "1e3",
    "0x10",
    "1_000",
    "%31",
    "",
    "1000000000000000",
    "%D9%A1",
    "NaN",
    "5-",
)
NO_TEXTS = ("%00", "a%0Ab", "%7F", "%C2%85", "%E2%80%AE", "%E2%81%A6", "%FF", "%C0%AF", "%ED%A0%80", "%F4%90%80%80", "")
NO_USERNAMES = ("ab", "x" * 33, "Graded", "gr%61ded", quote("gräd"), "a.b.c", "")


@rule(3)
def amounts(bank: Candidate) -> None:
    """An amount is 1 to 999999999999999 in one spelling; everything else is `400 field`, and nothing moves."""
    _, line = bank.new_session(100)
    for text in NO_AMOUNTS:
        for verb in ("DEPOSIT", "WITHDRAW"):
            answer = move(line, verb, text)
            demand(_refuses(answer, "amount"), f"{verb} amount={text} is answered {answer}")
    demand_balance(line, 100)


@rule(3)
def texts(bank: Candidate) -> None:
    """Text is well-formed UTF-8 without controls and without what reverses a line; else it is `400 field`."""
    payee = bank.new_person()
    _, line = bank.new_session(100)
    for text in NO_TEXTS:
        answer = move(line, "TRANSFER", 1, more=f"to={payee.account} reference={text}")
        demand(_refuses(answer, "reference"), f"reference={text} is answered {answer}")
    demand_balance(line, 100)


@rule(3)
def spelt_otherwise(bank: Candidate) -> None:
    """Text comes back as the same characters, however it was percent-encoded; 140 characters are not too many."""
    payee = bank.new_person()
    _, line = bank.new_session(300)
    for sent, meant in (("%c3%a9%41", "éA"), ("%F0%9F%90%87" * 140, "🐇" * 140), ("a:b@c+d/e", "a:b@c+d/e")):
        answer = move(line, "TRANSFER", 1, more=f"to={payee.account} reference={sent}")
        demand(answer.code == "200", f"reference={sent[:40]} is answered {answer}")
        told = line.ask("STATEMENT limit=1").item(0).fields.get("reference", "")
        demand(_decoded(told) == meant, f"reference={sent[:40]} came back as {told[:40]}")
    answer = move(line, "TRANSFER", 1, more=f"to={payee.account} reference={'x' * 141}")
    demand(_refuses(answer, "reference"), f"141 characters are answered {answer}")


@rule(3)
def usernames(bank: Candidate) -> None:
    """A user name is 3 to 32 of a-z, digits, _ and -; capitals are refused and not folded."""
    line = bank.connect()
    for text in NO_USERNAMES:
        answer = line.ask(f"SIGNUP username={text} password=plum-Wagon-58 mobile=+14155550101")
        demand(_refuses(answer, "username"), f"username={text} is answered {answer} and not 400 field")


@rule(3)
def weak_pins(bank: Candidate) -> None:
    """A PIN of one digit repeated, or of digits in a row, is `422 weak`."""
    person, line = bank.new_session()
    for pin in ("4444", "3456", "2109", "98765"):
        _demand_weak(line, f"CHANGE_PIN new={pin} password={person.password}")


@rule(3)
def weak_passwords(bank: Candidate) -> None:
    """A password that is short, one character repeated, common, or the user name is `422 weak`."""
    person, line = bank.new_session()
    for password in ("Short-7", "aaaaaaaaaa", "Sunshine1", person.username):
        _demand_weak(line, f"CHANGE_PASSWORD new={password} password={person.password}")


@rule(3)
def other_currency(bank: Candidate) -> None:
    """Money in another currency than the account's is `422 currency`, and what is no currency `400 field`."""
    _, line = bank.new_session(100)
    other = "EUR" if currency(line) != "EUR" else "USD"
    line.ask(f"WITHDRAW amount=1 currency={other} key=other-currency").expect("422 currency")
    answer = line.ask("WITHDRAW amount=1 currency=euro key=no-currency")
    demand(_refuses(answer, "currency"), f"currency=euro is answered {answer}")
    demand_balance(line, 100)


def _refuses(answer: Answer, name: str) -> bool:
    return answer.refused == ("400 field", name)


def _demand_weak(line: Line, request: str) -> None:
    answer = line.ask(request)
    demand(answer.refused == ("422 weak", "new"), f"{request.split(' password=')[0]!r} is answered {answer}")


def _decoded(text: str) -> str:
    return unquote(text, errors="replace")
