"""The rules of the house, held by reading the source: floors, docstrings, sizes, and tests that run.

Each rule is a function from a folder to its complaints. It is run once over the real tree, where it must
have none, and over small trees written here, to show that it can complain.
"""

import ast
import inspect
import unittest
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from twisted.trial.runner import TestLoader
from twisted.trial.unittest import SynchronousTestCase, TestCase

import bankd
import tests


@dataclass(frozen=True, slots=True)
class Room:
    """Where a module or package stands, and what it may import.

    Of ours: everything on its own floor and below, or, where `ours` is given, only those rooms and
    itself; never a room in `never`. Of the libraries that are watched: only what `libraries` names.
    """

    floor: int
    libraries: tuple[str, ...] = ()
    ours: tuple[str, ...] | None = None
    never: tuple[str, ...] = ()


# Libraries that have their floors; any other may be imported anywhere.
WATCHED = ("twisted", "zope", "sqlalchemy", "alembic", "sqlite3", "psycopg", "pymysql")

DATABASE = ("sqlalchemy", "alembic", "sqlite3", "psycopg", "pymysql")
NETWORK = ("twisted", "zope")
DEFERRED = ("twisted.internet.defer", "twisted.python")
CONNECTION = ("sqlalchemy.Connection", "sqlalchemy.engine.Connection")
FOR_PROTOCOLS = (
    *("bankd.ibank", "bankd.ioperator", "bankd.credentials"),
    *("bankd.wire", "bankd.codes", "bankd.records", "bankd.figures", "bankd.metrics", "bankd.log_lines"),
)
FOR_CLIENTS = (
    "bankd.language",
    "bankd.wire",
    "bankd.money",
    "bankd.codes",
    "bankd.records",
    "bankd.signing",
    "bankd.core_files",
    "bankd.output",
)

# docs/architecture.md tells why; a new module needs a room here, and a new room a reason.
ROOMS = {
    # 0: values and decisions; no input or output
    "bankd": Room(0),
    "bankd.money": Room(0),
    "bankd.codes": Room(0),
    "bankd.records": Room(0),
    "bankd.statement": Room(0),
    "bankd.parcels": Room(0),
    "bankd.payees": Room(0),
    "bankd.limits": Room(0),
    "bankd.devices": Room(0),
    "bankd.office": Room(0),
    "bankd.notices": Room(0),
    "bankd.happenings": Room(0),
    "bankd.signing": Room(0),
    "bankd.figures": Room(0),
    "bankd.log_lines": Room(0),
    "bankd.metrics": Room(0),
    "bankd.ledger": Room(0, never=("bankd.wire",)),
    "bankd.wire": Room(0, never=("bankd.ledger",)),
    # 1: the contracts
    "bankd.ibank": Room(1, ("zope", "twisted.cred", "twisted.internet.interfaces", *DEFERRED)),
    "bankd.iboard": Room(1, ("zope",)),
    "bankd.ifigures": Room(1, ("zope",)),
    "bankd.ipost": Room(1, ("zope", *DEFERRED)),
    "bankd.ioperator": Room(1, ("zope",)),
    "bankd.credentials": Room(1, ("zope", "twisted.cred")),
    "bankd.idelivery": Room(1, ("zope", *DEFERRED)),
    "bankd.iforwarding": Room(1, ("zope", *DEFERRED)),
    "bankd.plugin": Room(1, ("zope", "twisted.plugin", "twisted.python")),
    # 2: the database
    "bankd.store": Room(2, DATABASE),
    "bankd.lane": Room(2, ("sqlalchemy", "twisted.logger", *DEFERRED)),
    # 3: the bank's rules, over a connection that they are handed
    "bankd.bank": Room(3, CONNECTION),
    # 4: who may do what
    "bankd.perspectives": Room(4, NETWORK),
    # 5: the edges
    "bankd.protocols": Room(5, NETWORK, ours=FOR_PROTOCOLS),
    "bankd.notify": Room(5, NETWORK),
    "bankd.delivery": Room(5, NETWORK),
    "bankd.forwarding": Room(5, NETWORK),
    "bankd.operator_socket": Room(5, NETWORK),
    "bankd.service_manager": Room(5, NETWORK),
    "bankd.tls": Room(5),
    "bankd.channel": Room(5, NETWORK),
    "bankd.outlet": Room(5, NETWORK),
    "bankd.channel_factory": Room(5, NETWORK),
    "bankd.core_files": Room(5),
    "bankd.output": Room(5),
    "bankd.guarded_channel": Room(5, NETWORK),
    "bankd.process": Room(5),
    "bankd.gate": Room(5, NETWORK),
    "bankd.entrance": Room(5, NETWORK),
    "bankd.descriptors": Room(5),
    "bankd.log": Room(5, NETWORK),
    "bankd.log_forms": Room(5, NETWORK),
    "bankd.entry_log": Room(5, NETWORK),
    "bankd.monitor": Room(5, NETWORK),
    "bankd.thrift": Room(5, NETWORK),
    "bankd.extract_file": Room(5, NETWORK),
    "bankd.extract_writer": Room(5, NETWORK),
    "bankd.certificates": Room(5),
    "bankd.renewal": Room(5, NETWORK),
    "bankd.certificate_forms": Room(5),
    "bankd.keyring": Room(5),
    "bankd.notary": Room(5, NETWORK),
    "bankd.rounds": Room(5, NETWORK),
    "bankd.settings_values": Room(5),
    "bankd.sealing_keys": Room(5, NETWORK),
    # 6: where all is put together
    "bankd.settings_keys": Room(6),
    "bankd.settings_file": Room(6),
    "bankd.settings_sources": Room(6),
    "bankd.settings_together": Room(6),
    "bankd.settings_risks": Room(6),
    "bankd.config": Room(6),
    "bankd.pools": Room(6, NETWORK),
    "bankd.premises": Room(6, NETWORK),
    "bankd.listening": Room(6, NETWORK),
    "bankd.reload": Room(6, NETWORK),
    "bankd.stopping": Room(6, NETWORK),
    "bankd.tap": Room(6, NETWORK),
    "bankd.surroundings": Room(6),
    "bankd.testing": Room(6, NETWORK),
    "bankd.practice_wire": Room(6, NETWORK),
    "bankd.practice_board": Room(6, NETWORK),
    # Beside the house: a client needs only the protocol, and the operator's command reaches everywhere.
    "bankd.language": Room(5),
    "bankd.bankd_client": Room(7, ours=("bankd.language", "bankd.client")),
    "bankd.client": Room(7, NETWORK, ours=FOR_CLIENTS),
    "bankd.ctl": Room(7, (*NETWORK, *DATABASE)),
    "bankd.conformance": Room(7, ours=("bankd.client",)),
    "bankd.simulation": Room(7, (*NETWORK, *DATABASE)),
}

MOST_LINES_OF_A_MODULE = 300
MOST_LINES_OF_A_FUNCTION = 40
# 'bankd.wire.codec' or 'bankd.wire.codec.read', each with its reason in a comment.
MAY_BE_LONGER: frozenset[str] = frozenset()

Function = ast.FunctionDef | ast.AsyncFunctionDef


def modules(folder: Path) -> Iterator[tuple[str, str]]:
    """The full name and the source of every module in a package's folder, in the names' order."""
    for path in sorted(folder.rglob("*.py")):
        parts = (folder.name, *path.relative_to(folder).with_suffix("").parts)
        yield ".".join(part for part in parts if part != "__init__"), path.read_text(encoding="utf-8")


def is_in(name: str, room: str) -> bool:
    """Whether a dotted name is a room's own or below it."""
    return name == room or name.startswith(room + ".")


def room_of(name: str) -> str:
    """The innermost room that a dotted name of ours is in; `bankd` itself is only its `__init__`."""
    return max((room for room in ROOMS if is_in(name, room)), key=len)


def imports(tree: ast.Module) -> Iterator[str]:
    """The full dotted name of everything that a module imports, also inside functions and conditions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            yield from (f"{source}.{alias.name}" for alias in node.names)


def objection(here: str, name: str) -> str | None:
    """Why a room may not import a name, or None when it may."""
    room = ROOMS[here]
    if name.startswith("."):
        return "is relative; name the module in full"
    if not is_in(name, "bankd"):
        watched = any(is_in(name, library) for library in WATCHED)
        allowed = any(is_in(name, library) for library in room.libraries)
        return "is a library for other floors" if watched and not allowed else None
    there = room_of(name)
    if there == here:
        return None
    if ROOMS[there].floor > room.floor:
        return f"is on floor {ROOMS[there].floor}, above floor {room.floor}"
    outside = room.ours is not None and there not in (*room.ours, "bankd")
    return "is a room that it must not know" if outside or there in room.never else None


def floor_complaints(folder: Path) -> list[str]:
    """Every module without a room, and every import from above, or of a library of other floors."""
    complaints = []
    for module, source in modules(folder):
        here = room_of(module)
        if here == "bankd" != module:
            complaints.append(f"{module} has no room in ROOMS")
            continue
        for name in imports(ast.parse(source)):
            if reason := objection(here, name):
                complaints.append(f"{module} imports {name}, which {reason}")
    return complaints


def functions(node: ast.AST, inside: str) -> Iterator[tuple[str, Function]]:
    """Every function below a node, nested ones too, with its dotted name."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function | ast.ClassDef):
            name = f"{inside}.{child.name}"
            if not isinstance(child, ast.ClassDef):
                yield name, child
            yield from functions(child, name)
        else:
            yield from functions(child, inside)


def size_complaints(folder: Path) -> list[str]:
    """Every module and every function that is too long to be read in one go."""
    complaints = []
    for module, source in modules(folder):
        sizes = [(module, len(source.splitlines()), MOST_LINES_OF_A_MODULE)]
        for name, function in functions(ast.parse(source), module):
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            sizes.append((name, lines, MOST_LINES_OF_A_FUNCTION))
        complaints += [
            f"{name} has {lines} lines, and {most} is the most"
            for name, lines, most in sizes
            if lines > most and name not in MAY_BE_LONGER
        ]
    return complaints


def docstring_complaints(folder: Path) -> list[str]:
    """Every module, public class and public function of a package that does not say what it is."""
    complaints = []
    for module, source in modules(folder):
        tree = ast.parse(source)
        wanted: list[tuple[str, ast.Module | ast.ClassDef | Function]] = [(module, tree)]
        for node in tree.body:
            if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
                wanted.append((f"{module}.{node.name}", node))
        complaints += [f"{name} has no docstring" for name, node in wanted if not ast.get_docstring(node)]
    return complaints


def silent_tests(folder: Path) -> list[str]:
    """Every class of tests, and every test in it, that does not say what behaviour it shows."""
    complaints = []
    for module, source in modules(folder):
        for case in ast.walk(ast.parse(source)):
            if not isinstance(case, ast.ClassDef):
                continue
            shown = [n for n in case.body if isinstance(n, Function) and n.name.startswith("test_")]
            wanted: list[tuple[str, ast.ClassDef | Function]] = [(f"{module}.{case.name}", case)]
            wanted += [(f"{module}.{case.name}.{test.name}", test) for test in shown]
            silent = [name for name, node in wanted if not ast.get_docstring(node)]
            complaints += [f"{name} has no docstring" for name in silent if shown]
    return complaints


def never_run(suite: Iterable[unittest.TestCase | unittest.TestSuite]) -> list[str]:
    """Every test whose body would never run: a SynchronousTestCase calls it and drops the coroutine."""
    complaints = []
    for case in suite:
        if isinstance(case, unittest.TestSuite):
            complaints += never_run(case)
        elif isinstance(case, SynchronousTestCase):
            test = getattr(case, case._testMethodName)
            waits = inspect.iscoroutinefunction(test) and not isinstance(case, TestCase)
            if waits or inspect.isgeneratorfunction(test) or inspect.isasyncgenfunction(test):
                complaints.append(f"{case.id()} passes without running")
    return complaints


class TheHouse(SynchronousTestCase):
    """The real tree keeps the rules."""

    def assertNone(self, complaints: list[str]) -> None:
        """Fail with all the complaints at once."""
        if complaints:
            self.fail("\n  ".join([f"complaints: {len(complaints)}", *complaints]))

    def test_floors(self) -> None:
        """Every module has a room, and imports only from its own floor and below."""
        self.assertNone(floor_complaints(Path(bankd.__file__).parent))

    def test_sizes(self) -> None:
        """No module and no function is too long."""
        self.assertNone(size_complaints(Path(bankd.__file__).parent))

    def test_docstrings(self) -> None:
        """Modules, public classes and public functions say what they are."""
        self.assertNone(docstring_complaints(Path(bankd.__file__).parent))

    def test_docstrings_of_tests(self) -> None:
        """Tests say what they show."""
        self.assertNone(silent_tests(Path(tests.__file__).parent))

    def test_tests_run(self) -> None:
        """No test passes because its body never runs."""
        self.assertNone(never_run(TestLoader().loadPackage(tests, recurse=True)))


class SmallTree(SynchronousTestCase):
    """A test that writes a small package and hears what is said of it."""

    def tree(self, **sources: str) -> Path:
        """A package `bankd` of these modules, `__` in a name standing for a folder."""
        folder = Path(self.mktemp()) / "bankd"
        for name, source in sources.items():
            path = folder / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        return folder


class Floors(SmallTree):
    """What the floors test says of an import."""

    def assertImport(self, module: str, statement: str, reason: str | None) -> None:
        """The only complaint about a statement in a module ends so, or there is none."""
        said = floor_complaints(self.tree(**{module: statement}))
        if reason is None:
            self.assertEqual(said, [], f"{module}: {statement}")
        else:
            self.assertEqual(len(said), 1, f"{module}: {statement}: {said}")
            self.assertTrue(said[0].endswith(reason), said[0])

    def test_unknown_module(self) -> None:
        """A module without a room is refused, by itself, in a folder, or with a name like a room's."""
        for module in ("misc", "helpers__text", "moneybag"):
            name = module.replace("__", ".")
            said = floor_complaints(self.tree(**{module: ""}))
            self.assertEqual(said, [f"bankd.{name} has no room in ROOMS"])

    def test_downwards(self) -> None:
        """A lower floor, the same floor, the own room and the package's version may be imported."""
        for module, statement in (
            ("bank__access", "from bankd.store.journal import read"),
            ("tap", "import bankd.config"),
            ("wire__codec", "from bankd.wire import grammar"),
            ("money", "from bankd import codes"),
            ("protocols__line", "from bankd import __version__"),
            ("protocols__line", "from bankd import ibank, codes, records"),
            ("client__main", "from bankd.money import parse"),
            ("client__main", "from bankd.client import menu"),
            ("ctl__main", "import bankd.tap, sqlalchemy"),
        ):
            self.assertImport(module, statement, None)

    def test_upwards(self) -> None:
        """A higher floor may not be, in whatever way it is imported."""
        for module, statement in (
            ("money", "from bankd import lane"),
            ("money", "import bankd.store.schema"),
            ("store__journal", "from bankd.bank.access import check"),
            ("ledger__book", "def late():\n    from bankd.store import schema"),
            ("records", "if TYPE_CHECKING:\n    from bankd.ibank import ICustomer"),
            ("perspectives__realm", "from bankd.config import Config"),
        ):
            self.assertIn("above floor", floor_complaints(self.tree(**{module: statement}))[0], statement)

    def test_rooms_that_do_not_know_each_other(self) -> None:
        """The ledger and the wire, protocols and perspectives, clients and everything else."""
        for module, statement in (
            ("wire__codec", "from bankd.ledger import commands"),
            ("ledger__book", "from bankd import wire"),
            ("protocols__line", "from bankd.perspectives import realm"),
            ("protocols__line", "from bankd.lane import Lane"),
            ("client__main", "import bankd.ibank"),
            ("client__main", "from bankd.ctl import main"),
        ):
            self.assertImport(module, statement, "is a room that it must not know")

    def test_libraries_elsewhere(self) -> None:
        """A watched library is refused where it is not named."""
        for module, statement in (
            ("codes", "import zope.interface"),
            ("wire__codec", "from twisted.internet import defer"),
            ("ledger__book", "from sqlalchemy import Connection"),
            ("ibank", "from twisted.internet import reactor"),
            ("lane", "from twisted.internet.threads import deferToThread"),
            ("store__journal", "from twisted.internet.defer import Deferred"),
            ("bank__access", "from sqlalchemy import select"),
            ("bank__access", "import sqlalchemy"),
            ("bank__access", "from twisted.python.failure import Failure"),
            ("perspectives__realm", "from sqlalchemy import Connection"),
            ("certificates", "from twisted.internet import ssl"),
            ("tap", "import sqlite3"),
        ):
            self.assertImport(module, statement, "is a library for other floors")

    def test_libraries_at_home(self) -> None:
        """A library is allowed where it is named, and one that is not watched anywhere."""
        for module, statement in (
            ("money", "import iso4217, re"),
            ("ibank", "from twisted.internet.defer import Deferred"),
            ("ibank", "from zope.interface import Interface"),
            ("lane", "from twisted.python.failure import Failure"),
            ("store__migrations__env", "from alembic import context"),
            ("bank__access", "from sqlalchemy import Connection"),
            ("protocols__line", "from twisted.protocols.basic import LineReceiver"),
        ):
            self.assertImport(module, statement, None)

    def test_relative(self) -> None:
        """A relative import is refused, since a reader cannot see its floor."""
        self.assertImport("wire__codec", "from . import grammar", "name the module in full")


class Sizes(SmallTree):
    """What the sizes test says of a module."""

    def test_a_long_module(self) -> None:
        """300 lines are allowed, and one more is not."""
        said = size_complaints(self.tree(money="#\n" * 300, codes="#\n" * 301))
        self.assertEqual(said, ["bankd.codes has 301 lines, and 300 is the most"])

    def test_a_long_function(self) -> None:
        """40 lines are allowed and one more is not, in a method and in a function inside it too."""
        body = "    0\n"
        source = "def fits():\n" + 39 * body + "async def long():\n" + 40 * body
        source += "class Deep:\n    def method(self):\n        def inner():\n" + 40 * ("        " + body)
        said = size_complaints(self.tree(money=source))
        names = [complaint.split()[0] for complaint in said]
        self.assertEqual(names, ["bankd.money.long", "bankd.money.Deep.method", "bankd.money.Deep.method.inner"])


class Docstrings(SmallTree):
    """What the docstring tests say of a module."""

    def test_what_is_missing(self) -> None:
        """Modules, public classes and public functions are named; what is private or inside is not."""
        source = "class Coin:\n    def weigh(self): ...\nasync def pay(): ...\ndef _count(): ...\n"
        said = docstring_complaints(self.tree(money=source, wire__codec='"""Said."""\n'))
        missing = [complaint.split()[0] for complaint in said]
        self.assertEqual(missing, ["bankd.money", "bankd.money.Coin", "bankd.money.pay"])

    def test_tests(self) -> None:
        """A class of tests and each test are named; what is no test is not."""
        source = 'class Coins:\n    def test_one(self): ...\n    def test_two(self): "Said."\n'
        said = silent_tests(self.tree(test_coins=source + "class Fake: ...\n"))
        silent = [complaint.split()[0] for complaint in said]
        self.assertEqual(silent, ["bankd.test_coins.Coins", "bankd.test_coins.Coins.test_one"])


class TestsThatNeverRun(SynchronousTestCase):
    """What is said of tests whose bodies are never run."""

    def test_asynchronous_in_a_synchronous_case(self) -> None:
        """A coroutine in a SynchronousTestCase and a bare generator are found; a good test is not."""

        class Sync(SynchronousTestCase):
            """Two tests, of which one never runs."""

            async def test_coroutine(self) -> None:
                """Never run."""

            def test_good(self) -> None:
                """Run."""

        class Async(TestCase):
            """Two tests, of which one never runs."""

            async def test_coroutine(self) -> None:
                """Run."""

            def test_generator(self) -> Iterator[None]:
                """Never run."""
                yield

        suite = unittest.TestSuite([Sync("test_coroutine"), Async("test_coroutine")])
        suite.addTest(unittest.TestSuite([Sync("test_good"), Async("test_generator")]))
        said = [complaint.split()[0].rsplit(".", 2)[-2:] for complaint in never_run(suite)]
        self.assertEqual(said, [["Sync", "test_coroutine"], ["Async", "test_generator"]])
