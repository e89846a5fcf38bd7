"""Rules about who gets in, and what may be asked when (sections 6, 7 and 9)."""

from time import monotonic, sleep

from bankd.conformance import specification
from bankd.conformance.candidate import Candidate, Person, balance, currency, sign_up
from bankd.conformance.line import Answer, Line
from bankd.conformance.rule import NotGraded, demand, rule

LOOK_SECONDS = 0.2
"""How long to wait before an account that is in use is tried again."""

MOST_ACCOUNTS = 20
"""So many open accounts a customer may have (section 7, OPEN_ACCOUNT)."""

LONGEST_LEASE_SECONDS = 120
"""A longer lease is not waited for."""


@rule(6)
def visitors(bank: Candidate) -> None:
    """Before log-in every other verb is refused as the table says, whatever its fields."""
    line = bank.connect()
    for verb, by_state in specification.states().items():
        if by_state["visitor"] != "yes":
            for request in (verb, f"{verb} nonsense=1"):
                answer, right = line.ask(request), by_state["visitor"]
                demand(answer.code == right, f"{request!r} of a visitor is answered {answer} and not {right}")


@rule(6)
def customers(bank: Candidate) -> None:
    """After log-in what is for visitors and operators is refused as the table says."""
    _, line = bank.new_session()
    for verb, by_state in specification.states().items():
        if by_state["customer"] != "yes":
            answer, right = line.ask(verb), by_state["customer"]
            demand(answer.code == right, f"{verb} of a customer is answered {answer} and not {right}")


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
        demand(answer.field("account") == person.account, f"the session is on another account: {answer}")
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
        demand(answer.refused == ("409 taken", name), f"{name} of another customer is answered {answer}")


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
    wrong = line.ask(f"CHANGE_PIN new=80361 pin=9{person.pin}")
    demand(wrong.code == "401 credentials", f"CHANGE_PIN with another PIN than the customer's is answered {wrong}")
    line.ask(f"CHANGE_PIN new=80361 pin={person.pin}").expect("200")
    line.ask(f"CHANGE_PASSWORD new=Medlar.{person.password} password={person.password}").expect("200")
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
    told = line.ask("VIEW_DETAILS").expect("200")
    given = (told.field("username"), told.field("mobile"))
    demand(
        given == (person.username, person.mobile),
        f"who signed up as {person.username}, {person.mobile} has the details {told}",
    )
    changed = line.ask("UPDATE_CONTACT name=Zo%C3%AB email=zoe@example.com").expect("200")
    demand(changed.field("email") == "zoe@example.com", f"UPDATE_CONTACT email=zoe@example.com is answered {changed}")
    again = line.ask("VIEW_DETAILS").expect("200")
    demand(
        again.end.fields == changed.end.fields, f"UPDATE_CONTACT is answered {changed}, and VIEW_DETAILS then {again}"
    )


@rule(7)
def more_accounts(bank: Candidate) -> None:
    """OPEN_ACCOUNT opens another account, ACCOUNTS lists all, the oldest first, and LOGIN chooses one."""
    person, line = bank.new_session()
    second = line.ask("OPEN_ACCOUNT").expect("201").field("account")
    answer = line.ask("ACCOUNTS").expect("200")
    listed = [item.field("account") for item in answer.items]
    demand(listed == [person.account, second], f"of {person.account} and {second} ACCOUNTS is answered {answer}")
    answer = bank.connect().ask(f"LOGIN username={person.username} password={person.password} account={second}")
    demand((answer.code, answer.end.fields.get("account")) == ("200", second), f"the second account gives {answer}")


@rule(7)
def most_accounts(bank: Candidate) -> None:
    """A customer has 20 open accounts at most; the next is `409 accounts`."""
    _, line = bank.new_session()
    for number in range(2, MOST_ACCOUNTS + 1):
        answer = line.ask("OPEN_ACCOUNT")
        demand(answer.code == "201", f"OPEN_ACCOUNT for account {number} of a customer is answered {answer}")
    answer = line.ask("OPEN_ACCOUNT")
    demand(answer.code == "409 accounts", f"OPEN_ACCOUNT for account {MOST_ACCOUNTS + 1} is answered {answer}")


@rule(9)
def exclusive(bank: Candidate) -> None:
    """While a session is open on an account, another log-in is `423 in_use`; LOGOUT frees the account at once."""
    person, line = bank.new_session()
    answer = _try(bank, person)
    demand(answer.code == "423 in_use", f"a second log-in is answered {answer}")
    still = line.ask("NOOP")
    demand(still.code == "200", f"in the first session NOOP is answered {still} after the second log-in")
    line.ask("LOGOUT").expect("200")
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
    lease_seconds = welcome.amount("lease")
    deadline = monotonic() + min(lease_seconds, LONGEST_LEASE_SECONDS)
    while (answer := _try(bank, person)).code == "423 in_use" and monotonic() < deadline:
        sleep(LOOK_SECONDS)
    if answer.code == "423 in_use" and lease_seconds > LONGEST_LEASE_SECONDS:
        raise NotGraded(f"the lease of {lease_seconds} seconds is longer than is waited for")
    demand(answer.code == "200", f"when the lease has ended, a log-in is answered {answer}")


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
    answer.expect("200")
    line.demand_end()
    found = balance(other)
    demand(found == 700, f"of the 700 on the account {found} were paid out")
    answer = _try(bank, person)
    demand(answer.code == "401 credentials", f"a log-in to a closed account is answered {answer}")
    answer = _paid_to(other, person)
    demand(answer.code == "404 account", f"a payment to a closed account is answered {answer}")


def _try(bank: Candidate, person: Person) -> Answer:
    line = bank.connect()
    return line.ask(f"LOGIN username={person.username} password={person.password}")


def _paid_to(line: Line, person: Person) -> Answer:
    return line.ask(f"TRANSFER to={person.account} amount=1 currency={currency(line)} key=to-closed")
