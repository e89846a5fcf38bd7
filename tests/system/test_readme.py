"""The README is true: a newcomer who types what it prints sees what it prints.

1. A block of the kind ``console`` is played in a terminal, one for each name beside the kind; blocks of one name go on
   in the same terminal. What stands after a question is typed; the last line of a block is not ended.
2. ``...`` stands for anything: alone for any lines, elsewhere for any text. Times and wide gaps match any others.
3. Capitals such as ``ALICES-PIN`` are the customers' own values. Where a command names the usual ports and folder, it
   is given this test's, so that it can run beside a bank in use.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from bankd.client import prompts
from tests.system.support import (
    BIN,
    ROOT,
    SHELL,
    Done,
    Screen,
    SystemTestCase,
    answers,
    demo_customers,
    environment,
    free_ports,
    look_until,
    named,
    need,
    run,
)

README = ROOT / "README.md"
PAGES = (README, *sorted((ROOT / "docs").glob("*.md")))
OPERATIONS = ROOT / "docs" / "operations.md"
"""The commands of this one are run by ``test_operations_page``."""

BLOCK = re.compile(r"^```(?P<kind>\w+) ?(?P<name>[\w-]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)

REQUEST = re.compile(r"(?P<question>)(?P<typed>[a-z]\d+ [A-Z_]+.*)")
"""A line that somebody types to the bank by hand."""

WILD = re.compile(
    r"(?P<any>\.\.\.)|(?P<minute>\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d)"
    r"|(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z)|(?P<gap>(?<=\S) {2,})"
)
"""What in a printed line may differ from one day to the next."""

MATCHES = {
    "any": r".*",
    "minute": r"\d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d",
    "moment": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "gap": r" {2,}",
}
"""What matches it instead."""

LINES = r"(?:.*\n)*?"
"""Any lines."""

ENVIRONMENT_SECONDS = 240
"""How long `make run` may take where it must first make the environment."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    kind: str
    name: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """The blocks of a page that hold commands, in order."""
    for found in BLOCK.finditer(page.read_text(encoding="utf-8")):
        if found["kind"] in ("console", "sh", "bash", "shell"):
            yield Block(page, found["kind"], found["name"], found["text"])


def questions() -> Iterator[str]:
    """Everything that a shell or the client asks, as a pattern."""
    yield re.escape("$ ")
    yield r"Amount in [A-Z]{3}: "
    yield r".*\(y/N\) "
    asked = [text for text in vars(prompts).values() if isinstance(text, str) and text.endswith(": ")]
    yield from (re.escape(text) for text in sorted(asked, key=len, reverse=True))


QUESTION = re.compile(rf"(?P<question>{'|'.join(questions())})(?P<typed>.*)")

HIDDEN = (prompts.PASSWORD, prompts.PIN)


class Player:
    """Types what a block says into a terminal, and holds what is on the screen against what the block prints.

    ``fill`` puts a test's own values into a line, when that line is reached.
    """

    def __init__(self, screen: Screen, fill: Callable[[str], str]) -> None:
        self._screen = screen
        self._fill = fill
        self._begin = len(screen.kept()) - 1
        self._half_typed = ""

    def play(self, text: str) -> None:
        """Play one block; afterwards the terminal is where the block ends."""
        if text.startswith(SHELL):
            self._screen.wait_for_question(SHELL)  # what the block before had begun has ended
            self._begin = len(self._screen.kept()) - 1
        *lines, last = text.splitlines()
        expected = ""
        for line in lines:
            expected = self._step(expected, line, "\r")
        expected = self._step(expected, last, "")
        self._wait(expected if is_typed(last) else expected + LINES)
        self._begin = len(self._screen.kept()) - 1

    def _step(self, expected: str, line: str, end: str) -> str:
        """Play one line after what is ``expected`` so far; what is expected then."""
        line = self._fill(line)
        found = QUESTION.fullmatch(line) or REQUEST.fullmatch(line)
        if found is None:
            return expected + (LINES if line == "..." else pattern(line) + r"\n")
        question, typed = found["question"], found["typed"]
        asked = (question + self._half_typed).rstrip()
        self._wait(expected + (re.escape(asked) + r"\n" if asked else ""))
        self._screen.type(typed.removeprefix(self._half_typed) + end)
        self._half_typed = "" if end else typed
        return expected + re.escape(question.rstrip() if question in HIDDEN else line.rstrip()) + r"\n"

    def _wait(self, expected: str) -> None:
        """Wait until the rows since the block began are as expected, and no other."""
        wanted = re.compile(expected)

        def holds() -> bool:
            rows = self._screen.kept()[self._begin :]
            return wanted.fullmatch("".join(f"{row}\n" for row in rows)) is not None

        look_until(holds, lambda: self._screen.never_saw(expected))


def is_typed(line: str) -> bool:
    """Whether a line of a block is a question with its answer, or a request by hand."""
    return bool(QUESTION.fullmatch(line) or REQUEST.fullmatch(line))


def pattern(line: str) -> str:
    """What matches a printed line."""
    parts, begin = [], 0
    for found in WILD.finditer(line):
        parts += [re.escape(line[begin : found.start()]), MATCHES[found.lastgroup or ""]]
        begin = found.end()
    return "".join([*parts, re.escape(line[begin:])])


class WalkThroughTests(SystemTestCase):
    """Everything that the README has one type."""

    def setUp(self) -> None:
        """Find ports and a folder, and have the README's words mean them."""
        super().setUp()
        for program in ("tmux", "make", "openssl", "curl"):
            need(program)
        self.ports = free_ports(3)
        self.state = self.folder / "var"
        port, notice_port, status_port = self.ports
        self.screens = self.open_screens(environment(named(port, notice_port, status_port, self.state)))
        self.opened: dict[str, Screen] = {}
        self.players: dict[str, Player] = {}
        self.addCleanup(self.close)

    def test_as_printed(self) -> None:
        """The bank, alice, bob, the refused third, the script, the protocol by hand, a backup and one's own bank."""
        for block in blocks(README):
            if block.kind != "console":
                continue
            if block.name == "script" and "script" not in self.players:
                self.leave("alice", "bob", "carol")
            if block.name == "own":
                self.close()
            if block.name == "atm":
                self.see_the_machine(block.text)
                continue
            self.player(block.name).play(block.text)
            if block.name in ("bank", "own"):
                self.wait_until_served(block.name)
            if block.name == "bank":
                self.opened["bank"].wait_for(f"make client ARGS=--atm PORT={self.ports[0]} STATE='{self.state}'")
        self.assertEqual(
            set(self.opened), {"bank", "alice", "bob", "carol", "script", "by-hand", "terminal", "atm", "backup", "own"}
        )

    def see_the_machine(self, text: str) -> None:
        """Start a program that wipes the screen, see the page that is printed below its command, and leave."""
        command, *page = text.splitlines()
        screen = self.opened["atm"] = self.screens.open()
        screen.enter(self.fill(command).removeprefix(SHELL))
        look_until(lambda: screen.rows() == page, lambda: screen.never_saw("\n".join(page)))
        screen.press("C-c")
        look_until(lambda: screen.rows()[-1] == SHELL.rstrip(), lambda: screen.never_saw(SHELL))

    def player(self, name: str) -> Player:
        """The player of the terminal with a name, opened where there is none."""
        if name not in self.players:
            self.opened[name] = self.screens.open(200)
            self.players[name] = Player(self.opened[name], self.fill)
        return self.players[name]

    def fill(self, line: str) -> str:
        """A line with this bank's values for the README's words and, in commands, for the usual ports and folder."""
        if line.startswith("$ "):
            for usual, own in self.own_places().items():
                line = line.replace(usual, own)
        else:
            line = line.replace("var/alice.", f"{self.state}/alice.").replace("lobby.pem", f"{self.folder}/lobby.pem")
        if re.search(r"[A-Z]S-[A-Z]", line):
            for word, value in self.values().items():
                line = line.replace(word, value)
        return line

    def own_places(self) -> dict[str, str]:
        """What stands in commands, and what a test beside other banks must give in its place."""
        port, notice_port, status_port = self.ports
        ports = f"--port {port} --notice-port {notice_port} --status-port {status_port}"
        return {
            "localhost:65432": f"localhost:{port}",
            "localhost:5000": f"localhost:{status_port}",
            " var/": f" {self.state}/",
            "--state var": f"--state {self.state}",
            "--state mybank": f"--state {self.folder}/mybank",
            " copy": f" {self.folder}/copy",
            " lobby.pem": f" {self.folder}/lobby.pem",
            "bank.backup": f"{self.folder}/bank.backup",
            "bankd --config": f"bankd {ports} --config",
        }

    def values(self) -> dict[str, str]:
        """Alice's and bob's values, once the bank has made them."""
        made = self.state / "demo.json"
        look_until(made.exists, lambda: self.opened["bank"].never_saw("the demo customers"), ENVIRONMENT_SECONDS)
        return {
            f"{customer.username.upper()}S-{what}": value
            for customer in demo_customers(self.state)
            for what, value in (("PASSWORD", customer.password), ("ACCOUNT", customer.account), ("PIN", customer.pin))
        }

    def wait_until_served(self, name: str) -> None:
        """Wait until the bank in a terminal answers."""
        look_until(
            lambda: all(map(answers, self.ports[::2])), lambda: self.opened[name].never_saw("a bank that serves")
        )

    def leave(self, *names: str) -> None:
        """Leave clients by Ctrl-D."""
        for name in names:
            self.opened[name].press("C-d")
            self.opened[name].wait_for_question(SHELL)

    def close(self) -> None:
        """Close the banks that are open by Ctrl-C, which must end well."""
        for name in ("bank", "own"):
            screen = self.opened.get(name)
            if screen is not None and screen.rows()[-1] != SHELL.rstrip():
                screen.press("C-c")
                screen.wait_for("everything is stored; the bank is closed")
                screen.wait_for_question(SHELL)


class PageTests(SynchronousTestCase):
    """What else the README and the pages of docs/ claim, and can be held to."""

    def test_every_command_is_run(self) -> None:
        """Commands stand in the README's consoles, which are played, and on the page for operations, which has tests of
        its own; the one other is `make test`, as CI runs it."""
        consoles = [block for page in PAGES for block in blocks(page) if block.kind == "console"]
        others = [block for page in PAGES for block in blocks(page) if block.kind != "console" and page != OPERATIONS]
        self.assertEqual({block.page for block in consoles}, {README})
        self.assertTrue(all(block.name for block in consoles))
        self.assertEqual([(block.page, block.text) for block in others], [(README, "make test\n")])
        self.assertEqual((ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1], "exec make test")

    def test_links(self) -> None:
        """Every link to a file leads to one, and every link into a page to a heading of it."""
        for page in PAGES:
            for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8")):
                name, _, anchor = target.partition("#")
                path = page.parent / name if name else page
                self.assertTrue(path.exists(), f"{page.name} links to {target}")
                if anchor:
                    self.assertIn(anchor, anchors(path), f"{page.name} links to {target}")

    def test_every_requirement_is_in_the_table(self) -> None:
        """Each label of the requirements stands once in the table of features, with yes, partly or not yet."""
        rows = re.findall(r"^\| (S\d.*?) \| .* \| (.*) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
        labels = [label for cell, _ in rows for label in listed(cell)]
        wanted = [f"S{seed}.{number}" for seed, last in enumerate((19, 12, 14, 13, 9)) for number in range(1, last + 1)]
        self.assertEqual(labels, wanted)
        for _, state in rows:
            self.assertRegex(state, r"^(yes|not yet|partly: .+)$")

    def test_the_architecture_names_what_there_is(self) -> None:
        """Every room of the package is on the page, and every function and file that the page names exists."""
        page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
        sources = {path: path.read_text(encoding="utf-8") for path in (ROOT / "bankd").rglob("*.py")}
        for path in (ROOT / "bankd").iterdir():
            if path.is_dir() and (path / "__init__.py").exists():
                self.assertIn(f"`{path.name}/`", page)
            elif path.suffix == ".py" and path.stem != "__init__":
                self.assertIn(f"`{path.name}`", page)
        for name in re.findall(r"`(?:[a-z]+/)*(\w+\.py)`", page):
            self.assertTrue([*(ROOT / "bankd").rglob(name), *(ROOT / "tests").rglob(name)], name)
        for room, name in re.findall(r"`(?!twisted\.|bankd\.)(\w+)\.(?!py`|md`)(\w+)`", page):
            where = [text for path, text in sources.items() if path.stem == room or f"class {room}" in text]
            found = re.compile(rf"^ *(?:(?:async )?def|class) {name}\b|^{name} *[:=]", re.MULTILINE)
            self.assertTrue(any(found.search(text) for text in where), f"{room}.{name}")


class TroubleTests(SystemTestCase):
    """The README's troubles: what is said to whom something does not work."""

    def test_a_port_in_use(self) -> None:
        """A second bank on the same ports says which port is in use, and make ends with an error."""
        bank = self.open_bank()
        done = run(["make", "run"], bank.environment | {"STATE": str(self.folder / "second")}, ROOT)
        self.assertNotEqual(done.status, 0)
        self.assert_said(f"cannot listen on … port {bank.port}: [Errno 98] Address already in use", done)

    def test_another_banks_authority(self) -> None:
        """A client that trusts another bank, or names this one otherwise, says so and ends with 3."""
        bank, other = self.open_bank(), self.open_bank()
        stranger = {"BANKD_CA": str(other.state / "ca.pem"), "BANKD_SECRET": "1"}
        elsewhere = {"BANKD_SERVER": f"127.0.0.2:{bank.port}", "BANKD_SECRET": "1"}
        for own, said in (
            (stranger, "The certificate of … is not trusted"),
            (elsewhere, "The certificate of … was made for another name"),
        ):
            done = run(bank.command("user:alice", "Check Balance"), bank.environment | own, self.folder)
            self.assertEqual((done.status, done.lines), (3, []))
            self.assert_said(said, done)

    def test_no_bank(self) -> None:
        """A client without a bank says so and ends with 3."""
        bank = self.open_bank()
        bank.stop()
        done = bank.client("user:alice", "1", "Check Balance")
        self.assertEqual((done.status, done.lines), (3, []))
        self.assert_said("The bank at … cannot be reached.", done)

    def test_an_old_python(self) -> None:
        """Make says which Python is needed and how to name one."""
        need("make")
        for name in ("Makefile", "setup.cfg", "pyproject.toml"):
            shutil.copy(ROOT / name, self.folder)
        done = run(["make", "run", "PYTHON=false"], environment({}), self.folder)
        self.assertEqual((done.status, done.lines), (2, []))
        self.assert_said("bankd needs Python 3.11 or later", done)

    def test_a_bad_setting(self) -> None:
        """A start with settings that will not do names the file, the line, the key and what would be right."""
        (self.folder / "bad.ini").write_text("[bank]\ncurrency = dollars\n", encoding="utf-8")
        command = [str(BIN / "twistd"), "--nodaemon", "--pidfile=", "bankd", "--config", "bad.ini"]
        done = run(command, environment({}), self.folder)
        self.assertEqual(done.status, 1)
        self.assertIn("bad.ini:2: [bank] currency: 'dollars' will not do; it takes an ISO 4217 code", done.complaints)

    def assert_said(self, words: str, done: Done) -> None:
        """Check that a program complained in the words that the README quotes, where … stands for anything."""
        quoted = README.read_text(encoding="utf-8")
        self.assertIn(re.sub(r"port \d+", "port 65432", words), quoted)
        self.assertRegex(done.complaints + "\n".join(done.lines), re.escape(words).replace("…", ".*"))


def anchors(page: Path) -> set[str]:
    """What a link into a page may lead to: its headings, spelt as GitHub spells them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def listed(cell: str) -> list[str]:
    """The labels that a cell of the table names: `S1.3 - S1.5`, or some with commas between."""
    labels = re.findall(r"S(\d)\.(\d+)", cell)
    if "–" not in cell:
        return [f"S{seed}.{number}" for seed, number in labels]
    (seed, first), (_, last) = labels
    return [f"S{seed}.{number}" for number in range(int(first), int(last) + 1)]
