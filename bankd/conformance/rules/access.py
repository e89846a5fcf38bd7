"""Rules about who gets in, and what may be asked when (sections 6, 7 and 9)."""

from time import monotonic, sleep

from bankd.conformance import specification
from bankd.conformance.candidate import Candidate, Person, balance, sign_up
from bankd.conformance.line import Answer, Line
from bankd.conformance.rule import demand, rule

LOOK_SECONDS = 0.2
"""How long to wait before an account that is in use is tried again."""


@rule(6)
def visitors(bank: Candidate) -> None:
    """Before log-in every other verb is refused as the table says, whatever its fields."""
    line = bank.connect()
    for verb, by_state in specification.states().items():
        if by_state["visitor"] != "yes":
            for request in (verb, f"{verb} nonsense=1"):
                code = line.ask(request).code
                demand(code == by_state["visitor"], f"{request!r} of a visitor is answered {code}")


@rule(6)
def customers(bank: Candidate) -> None:
    """After log-in what is for visitors and operators is refused as the table says."""
    _, line = bank.new_session()
    for verb, by_state in specification.states().items():
        if by_state["customer"] != "yes":
            code = line.ask(verb).code
            demand(code == by_state["customer"], f"{verb} of a customer is answered {code}")


@rule(7)
def ways_in(bank: Candidate) -> None:
    """SIGNUP makes a customer who gets in by name, by account and by mobile number, each to the same account."""
    person = bank.new_person()
    for who in (
        f"username={person.username} password={person.password}",
        f"account={person.account} pin={person.pin}",
        f"account={person.account.lower()} pin={person.pin}",
        f"mobile={person.mobile} pin={person.pin}",
    ):
        line = bank.connect()
        answer = line.ask(f"LOGIN {who}")
        demand(answer.code == "200", f"{who.split('=')[0]} is answered {answer}")
        demand(answer.end.fields["account"] == person.account, f"the session is on another account: {answer}")
        line.ask("LOGOUT")


@rule(7)
def taken(bank: Candidate) -> None:
    """A user name or mobile number that another customer has is `409 taken` with its name."""
    one, other = bank.new_person(), bank.new_person()
    line = bank.connect()
    for name, person in (
        ("username", Person(one.username, other.password, "90417", other.mobile, "")),
        ("mobile", Person(f"{other.username}-2", other.password, "90417", one.mobile, "")),
    ):
        answer = line.ask(sign_up(person))
        demand(
            (answer.code, answer.end.fields.get("field")) == ("409 taken", name),
            f"{name} of another customer is answered {answer}",
        )


@rule(7)
def nobody_is_told(bank: Candidate) -> None:
    """An unknown name is answered as a wrong secret is, to the letter."""
    person = bank.new_person()
    known = bank.connect().ask(f"LOGIN username={person.username} password=not-{person.password}")
    unknown = bank.connect().ask(f"LOGIN username={person.username}-9 password=not-{person.password}")
    demand(known.code == "401 credentials", f"a wrong password is answered {known}")
    demand(known.end.line == unknown.end.line, f"{known} for a known name, {unknown} for another")


@rule(7)
def of_one_kind(bank: Candidate) -> None:
    """Credentials of different kinds do not go together."""
    person = bank.new_person()
    answer = bank.connect().ask(f"LOGIN account={person.account} password={person.password}")
    demand(answer.code == "400 field", f"account and password are answered {answer}")


@rule(7)
def changed_secrets(bank: Candidate) -> None:
    """After CHANGE_PIN and CHANGE_PASSWORD only the new ones open a session."""
    person, line = bank.new_session()
    demand(line.ask(f"CHANGE_PIN new=80361 pin=9{person.pin}").code == "401 credentials", "any PIN changes the PIN")
    demand(line.ask(f"CHANGE_PIN new=80361 pin={person.pin}").code == "200", "a PIN cannot be changed")
    changed = line.ask(f"CHANGE_PASSWORD new=Medlar.{person.password} password={person.password}")
    demand(changed.code == "200", f"a password cannot be changed: {changed}")
    line.ask("LOGOUT")
    old = bank.connect().ask(f"LOGIN username={person.username} password={person.password}")
    demand(old.code == "401 credentials", f"the old password is answered {old}")
    for who in (f"account={person.account} pin=80361", f"username={person.username} password=Medlar.{person.password}"):
        line = bank.connect()
        answer = line.ask(f"LOGIN {who}")
        demand(answer.code == "200", f"a new secret is answered {answer}")
        line.ask("LOGOUT")


@rule(7)
def details(bank: Candidate) -> None:
    """VIEW_DETAILS tells what was given, and what UPDATE_CONTACT changes."""
    person, line = bank.new_session()
    told = line.ask("VIEW_DETAILS").end.fields
    demand((told.get("username"), told.get("mobile")) == (person.username, person.mobile), f"the details are {told}")
    changed = line.ask("UPDATE_CONTACT name=Zo%C3%AB email=zoe@example.com").end.fields
    demand(changed.get("email") == "zoe@example.com", f"the changed details are {changed}")
    demand(line.ask("VIEW_DETAILS").end.fields == changed, "the details are not what was changed")


@rule(7)
def more_accounts(bank: Candidate) -> None:
    """OPEN_ACCOUNT opens another account, ACCOUNTS lists all, the oldest first, and LOGIN chooses one."""
    person, line = bank.new_session()
    opened = line.ask("OPEN_ACCOUNT")
    demand(opened.code == "201", f"OPEN_ACCOUNT is answered {opened}")
    second = opened.end.fields["account"]
    listed = [item.fields["account"] for item in line.ask("ACCOUNTS").items]
    demand(listed == [person.account, second], f"ACCOUNTS lists {listed}")
    answer = bank.connect().ask(f"LOGIN username={person.username} password={person.password} account={second}")
    demand((answer.code, answer.end.fields.get("account")) == ("200", second), f"the second account gives {answer}")


@rule(9)
def exclusive(bank: Candidate) -> None:
    """While a session is open on an account, another log-in is `423 in_use`; LOGOUT frees the account at once."""
    person, line = bank.new_session()
    answer = _try(bank, person)
    demand(answer.code == "423 in_use", f"a second log-in is answered {answer}")
    demand(line.ask("NOOP").code == "200", "the first session is over because of the second log-in")
    line.ask("LOGOUT")
    line.demand_end()
    answer = _try(bank, person)
    demand(answer.code == "200", f"a log-in after LOGOUT is answered {answer}")


@rule(9)
def wrong_secrets_first(bank: Candidate) -> None:
    """That an account is in use shows only to who has its right secret."""
    person, _ = bank.new_session()
    answer = bank.connect().ask(f"LOGIN account={person.account} pin=9{person.pin}")
    demand(answer.code == "401 credentials", f"a wrong PIN on an account in use is answered {answer}")


@rule(9)
def lost_connection(bank: Candidate) -> None:
    """A session whose connection is lost frees its account, at the latest when its lease ends."""
    person = bank.new_person()
    line = bank.connect()
    welcome = line.ask(f"LOGIN username={person.username} password={person.password}")
    demand(welcome.code == "200", f"a log-in is answered {welcome}")
    line.close()
    deadline = monotonic() + welcome.end.amount("lease")
    while (answer := _try(bank, person)).code == "423 in_use" and monotonic() < deadline:
        sleep(LOOK_SECONDS)
    demand(answer.code == "200", f"the account is not free: {answer}")


@rule(7)
def deletion(bank: Candidate) -> None:
    """DELETE_ACCOUNT wants a secret and a place for the money; then the account is closed for ever."""
    payee, other = bank.new_session()
    person, line = bank.new_session(700)
    for fields, code in (
        ("password=not-it-at-all", "401 credentials"),
        (f"password={person.password}", "409 balance"),
        (f"password={person.password} payout={person.account}", "422 same_account"),
    ):
        answer = line.ask(f"DELETE_ACCOUNT {fields}")
        demand(answer.code == code, f"{fields.split('=')[0]} gives {answer} and not {code}")
    answer = line.ask(f"DELETE_ACCOUNT password={person.password} payout={payee.account}")
    demand(answer.code == "200", f"the account cannot be closed: {answer}")
    line.demand_end()
    demand(balance(other) == 700, "what was on the account was not paid out")
    demand(_try(bank, person).code == "401 credentials", "a closed account can be logged in to")
    demand(_paid_to(other, person).code == "404 account", "a closed account can be paid")


def _try(bank: Candidate, person: Person) -> Answer:
    line = bank.connect()
    return line.ask(f"LOGIN username={person.username} password={person.password}")


def _paid_to(line: Line, person: Person) -> Answer:
    return line.ask(f"TRANSFER to={person.account} amount=1 currency={line.greeting.fields['currency']} key=to-closed")
