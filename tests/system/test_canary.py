"""Nothing secret is ever logged, stored, echoed or passed as an argument, whatever happens to it.

A real bank, real clients and ``bankctl`` are told secrets that nobody could mistake, in every way that there is; then
everything that they wrote is searched: the log of twistd and that of the settings, the database with its log and its
freed pages, every file in the state folder and in the client's home, what was printed, and the arguments and
environments of the processes while they ran.

Another kind of secret, or another way to tell one, is another function in ACTS. What it tells the bank comes from
``story.canaries``, and so does what the bank tells it (``keep``).
"""

import gzip
import os
import re
import socket
import sqlite3
import ssl
import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pyotp

from tests.system.canaries import Canaries
from tests.system.support import BIN, DEADLINE_SECONDS, Bank, Customer, PlainClient, SystemTestCase

CHOICE, NEW_PASSWORD, ONCE_MORE = "Your choice: ", "New password: ", "Once more: "
"""What the client asks most."""

RUN = "789012345678"
"""A PIN that is refused, for its digits are in a row."""

STRIKES = {"struck": "RAISE(ABORT, 'struck')", "failed": "abs(-9223372036854775807 - 1)"}
"""What a trigger selects to have a statement refused, which is a fault of the bank, or to have the database fail."""


class WatchedBank(Bank):
    """A bank that says as much as it can, that may log faults, and whose clients have a home of their own."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        super().__init__(folder, {"logfile": str(folder / "bank.log")})

    @property
    def environment(self) -> dict[str, str]:
        """As for all banks, with the home."""
        return super().environment | {"HOME": str(self.home)}

    def daemon_command(self) -> list[str]:
        """As for all banks, with everything on that Python has for finding faults."""
        return [sys.executable, "-X", "dev", *super().daemon_command()]

    def end(self) -> None:
        """Stop the bank, whatever it logged."""
        daemon, self._daemon = self._daemon, None
        if daemon is not None:
            daemon.terminate()
            daemon.wait(DEADLINE_SECONDS)

    @contextmanager
    def struck(self, what: str, how: str = "struck") -> Iterator[None]:
        """While this lasts, the database refuses or fails at ``what``, such as INSERT ON secrets."""
        with closing(sqlite3.connect(self.state / "bank.sqlite3", DEADLINE_SECONDS, isolation_level=None)) as database:
            database.execute(f"CREATE TRIGGER struck BEFORE {what} BEGIN SELECT {STRIKES[how]}; END")
            try:
                yield
            finally:
                database.execute("DROP TRIGGER struck")


class Story:
    """What is done at a bank with secrets, and what was seen of it."""

    def __init__(self, bank: WatchedBank, canaries: Canaries) -> None:
        self.bank = bank
        self.canaries = canaries
        self._signed_up = 0

    def say(self, *lines: str) -> list[str]:
        """Say lines on a connection of their own, log out, and give the codes of the answers."""
        said = self.throw("\r\n".join(lines).encode(), self.bank.port, secure=True)
        answers = (answer.split() for answer in said.decode().splitlines())
        return [answer[1] for answer in answers if answer[0] not in ("*", "z")]

    def throw(self, octets: bytes, port: int, secure: bool) -> bytes:
        """Send octets on a connection of their own, with or without TLS, and then LOGOUT; all that comes back."""
        connection = socket.create_connection(("127.0.0.1", port), DEADLINE_SECONDS)
        if secure:
            context = ssl.create_default_context(cafile=self.bank.state / "ca.pem")
            connection = context.wrap_socket(connection, server_hostname="localhost")
        with connection, connection.makefile("rb") as answers:
            connection.sendall(octets + b"\r\nz LOGOUT\r\n")
            try:
                said = answers.read()
            except OSError:  # cut off
                said = b""
        self.canaries.see("an answer of the bank", said)
        self.canaries.see_processes()
        return said

    @contextmanager
    def session(self) -> Iterator[Callable[[str], str]]:
        """A connection on which each line is answered by lines, which may tell the customer a secret."""
        context = ssl.create_default_context(cafile=self.bank.state / "ca.pem")
        connection = socket.create_connection(("127.0.0.1", self.bank.port), DEADLINE_SECONDS)
        with context.wrap_socket(connection, server_hostname="localhost") as wire, wire.makefile("r") as answers:
            answers.readline()

            def ask(line: str) -> str:
                wire.sendall(f"{line}\r\n".encode())
                said = [answers.readline()]
                while said[-1].split()[1] == "-":
                    said.append(answers.readline())
                self.canaries.see_processes()
                return "".join(said)

            yield ask

    def customer(self, what: str) -> Customer:
        """Sign a customer up whose password and PIN are canaries."""
        self._signed_up += 1
        username, mobile = f"user-{self._signed_up}", f"+1202555{2000 + self._signed_up}"
        password, pin = self.canaries.password(f"{what}: password"), self.canaries.pin(f"{what}: PIN")
        answer = self.throw(sign_up(username, password, mobile, pin).encode(), self.bank.port, secure=True)
        account = answer.decode().partition(" 201 account=")[2].partition(" ")[0]
        assert account, answer
        return Customer(username, password, account, pin, mobile)

    def run(self, *command: str, said: str = "", secret: str | None = None) -> int:
        """Run a program with ``said`` on its standard input, and look at it meanwhile; its exit status."""
        variables = {} if secret is None else {"BANKD_SECRET": secret}
        with subprocess.Popen(
            command,
            cwd=self.bank.folder,
            env=self.bank.environment | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as started:
            self.canaries.see_processes()
            printed, _ = started.communicate(said.encode(), DEADLINE_SECONDS)
        self.canaries.see(f"what {Path(command[0]).name} printed", printed)
        return started.returncode

    def client(self, *dialogue: str | None) -> None:
        """Wait in a client without a terminal for each first, and type each second; then see it end well."""
        client = PlainClient(self.bank)
        try:
            for said, typed in zip(dialogue[::2], dialogue[1::2], strict=True):
                client.wait_for(said or "")
                self.canaries.see_processes()
                if typed is not None:
                    client.type(typed)
            assert client.end() == 0
        finally:
            client.kill()
            self.canaries.see("what bankd-client printed", client.printed)


def sign_up(username: str, password: str, mobile: str, pin: str, name: str = "{log_source}") -> str:
    """The line that signs a customer up."""
    return f"a SIGNUP username={username} password={quote(password)} mobile={mobile} pin={pin} name={quote(name)}"


def by_name(customer: Customer, password: str | None = None) -> str:
    """The line that logs in by name, with the customer's password or another."""
    return f"a LOGIN username={customer.username} password={quote(password or customer.password)}"


def signing_up(story: Story) -> None:
    """Sign up, and try to with what is taken, wrong or weak."""
    canaries, one = story.canaries, story.customer("signing up")
    password, pin = canaries.password("taken: password"), canaries.pin("taken: PIN")
    assert story.say(sign_up(one.username, password, one.mobile, pin)) == ["409"]
    assert story.say(sign_up("{log_source}", password, one.mobile, pin)) == ["400"]
    short = canaries.word("too short: password", 7)
    assert story.say(sign_up("nobody", short, "+12025553001", pin)) == ["422"]
    assert story.say(sign_up("nobody", password, "+12025553001", canaries.keep("a run: PIN", RUN))) == ["422"]
    named = canaries.word("password that is the name")
    assert story.say(sign_up("nobody", named, "+12025553001", pin, name=named)) == ["422"]


def logging_in(story: Story) -> None:
    """Log in by each way, rightly and wrongly, as a customer, as nobody, and as a new one."""
    canaries, one = story.canaries, story.customer("logging in")
    password, pin = canaries.password("wrong: password"), canaries.pin("wrong: PIN")
    by_account, by_mobile = f"a LOGIN account={one.account} pin=", f"a LOGIN mobile={one.mobile} pin="
    assert story.say(by_name(one)) == ["200"]
    assert story.say(by_account + one.pin) == ["200"]
    assert story.say(by_mobile + one.pin) == ["200"]
    for line in (by_name(one, password), by_account + pin, by_mobile + pin):
        assert story.say(line) == ["401"]
    assert story.say(f"a LOGIN username=nobody password={quote(password)}") == ["401"]
    assert story.say(f"a LOGIN mobile=+12025553002 pin={canaries.pin('of a new number: PIN')}") == ["201"]


def changing(story: Story) -> None:
    """Change the secrets, rightly and wrongly, log in by the new ones, and delete the account."""
    canaries, one = story.canaries, story.customer("changing")
    password, pin = canaries.password("new: password"), canaries.pin("new: PIN")
    answers = story.say(
        by_name(one),
        f"b CHANGE_PASSWORD new={quote(password)} password={quote(canaries.password('wrong, to change: password'))}",
        f"c CHANGE_PASSWORD new={canaries.word('new, too short: password', 7)} password={quote(one.password)}",
        f"d CHANGE_PASSWORD new={quote(password)} password={quote(one.password)}",
        f"e CHANGE_PIN new={RUN} password={quote(password)}",
        f"f CHANGE_PIN new={pin} pin={one.pin}",
        f"g CHANGE_PIN new={pin}",
    )
    assert answers == ["200", "401", "422", "200", "422", "200", "400"], answers
    assert story.say(by_name(one, password), f"b DELETE_ACCOUNT pin={one.pin}") == ["200", "401"]
    assert story.say(by_name(one, password), f"b DELETE_ACCOUNT pin={pin}") == ["200", "200"]


def malformed(story: Story) -> None:
    """Say secrets where none belong: in lines that are none, to the wrong port, without TLS.

    In the name of a field there is none: who sent that is told which field is at fault.
    """
    secret = story.canaries.word("in a malformed line")
    for line in (
        f"a LOGIN username={secret} password={secret}",
        f"a LOGIN username=nobody password={secret} {secret}",
        f"a LOGIN username=nobody password={secret} password={secret} secret={secret}",
        f"a LOGIN username=nobody password={secret}%ff",
        f"a LOGIN username=nobody password={secret}%f",
        f"a LOGIN username={{log_source.{secret}}} password={secret}",
        f"a {secret.upper()}",
        f"a - to={secret} amount=1",
        f"a DEPOSIT amount={secret} currency={secret} key={secret}",
        f"{secret}",
        f"{secret} {secret}",
        f"a LOGIN username=nobody password={secret}\n",
        f"a LOGIN username=nobody password={secret}\0",
        f"a LOGIN username=nobody password={secret}é",
        f"a LOGIN username=nobody password={secret * 300}",
        f"GET /status?pin={secret} HTTP/1.1\r\nHost: {secret}\r\nUser-Agent: {secret}\r\n\r\nGET /{secret} X\r\n",
    ):
        story.throw(line.encode(), story.bank.port, secure=True)
        story.throw(line.encode(), story.bank.port, secure=False)
        story.throw(line.encode(), story.bank.status_port, secure=False)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(line.encode()[:1400], ("127.0.0.1", story.bank.notice_port))


def faults(story: Story) -> None:
    """Have the bank make mistakes, and its database fail, in the middle of what is done with secrets."""
    canaries, one = story.canaries, story.customer("faults")
    password, pin = canaries.password("at a fault: password"), canaries.pin("at a fault: PIN")
    for how, code in (("struck", "500"), ("failed", "503")):
        with story.bank.struck("INSERT ON secrets", how):
            assert story.say(sign_up("nobody", password, "+12025553003", pin)) == [code]
            assert story.say(f"a LOGIN mobile=+12025553003 pin={pin}") == [code]
        with story.bank.struck("UPDATE ON customers", how):
            assert story.say(by_name(one)) == [code]
            assert story.say(f"a LOGIN account={one.account} pin={one.pin}") == [code]
        with story.bank.struck("UPDATE ON secrets", how):
            change = f"b CHANGE_PASSWORD new={quote(password)} pin={one.pin}"
            assert story.say(by_name(one), change, f"c CHANGE_PIN new={pin} pin={one.pin}") == ["200", code, code]
    assert "struck" in story.bank.log


def by_a_second_factor(story: Story) -> None:
    """Set an authenticator app up, use a recovery code, and come again to a terminal that the bank trusts."""
    canaries, one = story.canaries, story.customer("by a second factor")
    with story.session() as ask:
        token = canaries.keep("a terminal's token", told(ask(f"{by_name(one)} terminal=new"), "terminal"))
        seed = canaries.keep("an app's seed", told(ask(f"b ENROL_APP pin={one.pin}"), "secret"))
        confirmed = ask(f"c CONFIRM_APP code={pyotp.TOTP(seed).now()}")
        codes = [canaries.keep("a recovery code", code) for code in re.findall(r" code=(\S+)", confirmed)]
        assert len(codes) == 10, confirmed
        refused = ask(f"d REMOVE_APP pin={one.pin}")
        assert " 401 reason=one_time " in refused, refused
        challenge = f"ONE_TIME challenge={told(refused, 'challenge')}"
        assert " 401 " in ask(f"e {challenge} code={canaries.keep('a wrong code', '9999-8888-7777')}")
        assert " 200" in ask(f"f {challenge} code={codes[0]}")
        assert " 200" in ask(f"g REMOVE_APP pin={one.pin}")
    with story.session() as ask:
        assert " 200 " in ask(f"{by_name(one)} terminal={token}")
    with story.session() as ask:
        assert " 200 " in ask(f"{by_name(one)} terminal={canaries.word('a false token')}")


def told(answer: str, name: str) -> str:
    """What an answer says in a field."""
    return answer.partition(f" {name}=")[2].split()[0]


def in_the_client(story: Story) -> None:
    """Sign up, log in by each way, and change secrets, in a client."""
    canaries = story.canaries
    password, pin = canaries.password("in the client: password"), canaries.pin("in the client: PIN")
    new_password, new_pin = canaries.password("in the client, new: password"), canaries.pin("in the client, new: PIN")
    short, wrong = canaries.word("in the client, too short: password", 7), canaries.pin("in the client, wrong: PIN")
    mobile = "+12025553004"
    by_name = (CHOICE, "Log In", CHOICE, "User name and password", "User name: ", "dana", "Password: ")
    by_mobile = (CHOICE, "Log In", CHOICE, "Mobile number and PIN", "Mobile number: ", mobile, "PIN: ")
    refused, leave = ("does not accept these credentials.", None), (CHOICE, "Exit")
    story.client(
        *(CHOICE, "Sign Up", "User name: ", "dana"),
        *(NEW_PASSWORD, short, ONCE_MORE, password, NEW_PASSWORD, short, ONCE_MORE, short, "Mobile number: ", mobile),
        *("(empty for none): ", pin, ONCE_MORE, pin, "Too easy to guess: the password.", None),
        *(NEW_PASSWORD, password, ONCE_MORE, password),
        *(*by_name, new_password, *refused),
        *(*by_name, password, CHOICE, "Change Password", "present password: ", new_password),
        *(NEW_PASSWORD, new_password, ONCE_MORE, new_password, *refused),
        *(CHOICE, "Change Password", "present password: ", password),
        *(NEW_PASSWORD, new_password, ONCE_MORE, new_password, "Your password was changed.", None, *leave),
        *(*by_mobile, wrong, *refused),
        *(*by_mobile, pin, CHOICE, "Change PIN", "present PIN: ", pin, "New PIN: ", new_pin, ONCE_MORE, new_pin),
        *("Your PIN was changed.", None, *leave),
        *(*by_name, new_password, CHOICE, "Delete Account", "(y/N) ", "y", "present password: ", new_password),
        *("is closed.", None, *leave),
    )


def by_tasks(story: Story) -> None:
    """Let the client do tasks, with the secret on its standard input and in its environment."""
    canaries, one = story.canaries, story.customer("by tasks")
    client, task = str(BIN / "bankd-client"), ("--task", "Check Balance")
    wrong, long = canaries.password("by tasks, wrong: password"), canaries.word("by tasks, too long: password", 200)
    for login, secret, status in (
        (f"user:{one.username}", one.password, 0),
        (f"account:{one.account}", one.pin, 0),
        (f"mobile:{one.mobile}", one.pin, 0),
        (f"user:{one.username}", wrong, 1),
        (f"account:{one.account}", wrong, 1),
        (f"user:{one.username}", long, 1),
    ):
        for form in ((), ("--json",)):
            ended = story.run(client, "--login", login, "--secret-file", "-", *task, *form, said=secret + "\n")
            assert ended == status, (login, ended)
        assert story.run(client, "--login", login, *task, secret=secret) == status


def by_the_operator(story: Story) -> None:
    """Have the operator's command read all that the bank has, and back it up."""
    story.customer("by the operator")
    for command in (("ledger", "verify"), ("backup", "backup.gz"), ("init",)):
        done = story.bank.bankctl(*command)
        story.canaries.see("what bankctl printed", "\n".join([*done.lines, done.complaints]))
        assert done.status == 0, done


ACTS: tuple[Callable[[Story], None], ...] = (
    signing_up,
    logging_in,
    changing,
    malformed,
    faults,
    by_a_second_factor,
    in_the_client,
    by_tasks,
    by_the_operator,
)
"""What is done with secrets."""


class Leaks(SystemTestCase):
    """What is left of secrets."""

    def setUp(self) -> None:
        """A bank that serves, and canaries."""
        super().setUp()
        self.canaries = Canaries()
        self.bank = WatchedBank(self.folder)
        self.addCleanup(self.bank.end)
        self.bank.start()

    def assert_no_leak(self) -> None:
        """Check that no canary is anywhere, while the bank serves and when it has stopped."""
        for what in ("while the bank serves", "when it has stopped"):
            leaks = self.canaries.leaks(self.folder)
            self.assertEqual(leaks, [], "\n".join([what, *leaks]))
            self.bank.end()

    def test_nowhere(self) -> None:
        """No secret is in a log, a file, the database, what was printed, an argument or an environment."""
        story = Story(self.bank, self.canaries)
        for act in ACTS:
            act(story)
        self.assertGreater(len(self.canaries.secrets), 30)
        for place in (self.bank.folder / "bank.log", self.bank.state / "bank.sqlite3-wal", self.folder / "backup.gz"):
            self.assertTrue(place.stat().st_size, place)
        for log in (self.bank.log, (self.bank.folder / "bank.log").read_text()):
            self.assertIn("LOGIN 200", log)
            self.assertIn("Traceback", log)
            self.assertNotIn("$argon2", log)
        self.assert_no_leak()

    def test_terminal(self) -> None:
        """A terminal does not show what is typed where a secret is asked, also not a wrong one."""
        screen = self.open_screens(self.bank.environment).open()
        alice = self.bank.customers[0]
        screen.enter(str(BIN / "bankd-client"))
        for secret in (self.canaries.password("typed, wrong: password"), self.canaries.password("typed again, wrong")):
            screen.answer("Your choice:", "Log In")
            screen.answer("Your choice:", "User name and password")
            screen.answer("User name:", alice.username)
            screen.wait_for_question("Password:")
            screen.type(secret)
            self.canaries.see("the screen", "\n".join(screen.rows()))
            screen.enter("")
            screen.wait_for("does not accept these credentials.")
            self.canaries.see("the screen", "\n".join(screen.rows()))
            self.canaries.see_processes()
        self.assert_no_leak()


class Finding(SystemTestCase):
    """The search would find a secret."""

    def setUp(self) -> None:
        """A folder in which a canary is to be planted, and others are not."""
        super().setUp()
        self.canaries = Canaries()
        self.canaries.pin("another")
        self.secret = self.canaries.word("planted")

    def assert_found(self, what: str) -> None:
        """Check that the canary that was planted is found, and no other."""
        leaks = self.canaries.leaks(self.folder)
        self.assertTrue(leaks, what)
        self.assertEqual([leak for leak in leaks if "planted" not in leak], [], what)

    def test_in_any_spelling(self) -> None:
        """It is found in every spelling, amid any other octets."""
        octets = self.secret.encode()
        for before in range(5):
            text = b"=" * before + octets + b"&c"
            for spelt in (
                text,
                text.upper(),
                text.hex().encode(),
                text.hex().upper().encode(),
                b64encode(text),
                urlsafe_b64encode(text),
                "".join(f"%{octet:02X}" for octet in text).encode(),
                gzip.compress(text),
            ):
                (self.folder / "log").write_bytes(spelt)
                self.assert_found(repr(spelt))

    def test_in_any_place(self) -> None:
        """It is found in files however deep, in their names, and in what was seen."""
        deep = self.folder / "var" / "state"
        deep.mkdir(parents=True)
        self.assertEqual(self.canaries.leaks(self.folder), [])
        for place in (self.folder / "log", deep / "bank.sqlite3"):
            place.write_text(f"...{self.secret}...")
            self.assert_found(str(place))
            place.unlink()
        named = deep / f"{self.secret}.csv"
        named.touch()
        self.assert_found("a name")
        named.unlink()
        self.canaries.see("a screen", f"Password: {self.secret}")
        self.assert_found("what was seen")

    def test_in_the_database(self) -> None:
        """It is found in rows of a database that were deleted."""
        with closing(sqlite3.connect(self.folder / "bank.sqlite3", isolation_level=None)) as database:
            database.execute("PRAGMA secure_delete=OFF")
            database.execute("CREATE TABLE kept (what TEXT)")
            database.execute("INSERT INTO kept VALUES (?)", [self.secret])
            database.execute("DELETE FROM kept")
        self.assert_found("a page that was freed")

    def test_in_processes(self) -> None:
        """It is found in a process's arguments and environment, but for the variable that the client's help names."""
        waits = (sys.executable, "-c", "input()")
        for arguments, variables, places in (
            ([self.secret], {}, {"arguments"}),
            ([], {"PASSWORD": self.secret}, {"environment"}),
            ([], {"BANKD_SECRET": self.secret}, set()),
        ):
            self.canaries.seen.clear()
            command = [*waits, *arguments]
            with subprocess.Popen(command, env={**os.environ, **variables}, stdin=subprocess.PIPE) as started:
                self.addCleanup(started.kill)
                self.canaries.see_processes()
                started.communicate(b"\n")
            found = {
                place for place in ("arguments", "environment") if place in "".join(self.canaries.leaks(self.folder))
            }
            self.assertEqual(found, places)
