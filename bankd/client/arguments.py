"""What the program is told: its arguments, environment variables and standard input, read once and made valid.

A secret never comes from an argument, which every user of the computer could read.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from getpass import getpass
from pathlib import Path
from typing import TextIO

import shtab

import bankd
from bankd.client import exits, prompts
from bankd.client.errors import Unusable
from bankd.client.feed import Later, tasks_among
from bankd.client.forms import WAYS
from bankd.client.help import EPILOG as EPILOG
from bankd.client.means import Means, Named
from bankd.client.passcodes import totp_secret
from bankd.client.sealing import Extent
from bankd.client.tasks import SHAPES
from bankd.language import LANGUAGES
from bankd.wire.grammar import PASSCODE

LOCAL_CA = Path("var/ca.pem")
"""Where `make run` leaves the certificate of the bank that it serves."""

LOCAL_IDENTITY = Path("var/receipts.pem")
"""Where it leaves the public half of that bank's own key."""

HERE = "-"
"""Standard input, where a file is asked for."""


@dataclass(frozen=True, slots=True)
class Given:
    """All that the program was told. ``login`` is a way of WAYS and who logs in; without ``tasks`` a person does.

    ``atm`` is for a cash machine, and ``kiosk`` for one whose keys lead to nothing else.
    ``passcode`` is a one-time password, and ``totp`` the secret of an app that makes them.
    """

    means: Means
    login: tuple[str, str] | None
    secret: str | None = field(repr=False)
    tasks: tuple[str | Later, ...]
    as_json: bool
    plain: bool
    passcode: str | None = field(default=None, repr=False)
    totp: str | None = field(default=None, repr=False)
    atm: bool = False
    kiosk: bool = False


def read_arguments(arguments: Sequence[str] | None, environment: Mapping[str, str], stdin: TextIO) -> Given:
    """All that the program was told. Ends it with status 2 and a line on standard error where that cannot be used."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    try:
        return _given(options, environment, stdin)
    except Unusable as error:
        parser.exit(exits.UNUSABLE, f"{parser.prog}: {error} (see {parser.prog} --help)\n")


def make_parser() -> argparse.ArgumentParser:
    """The options and their help."""
    usages = "\n".join(f"  {shape.usage}" for shape in SHAPES)
    parser = argparse.ArgumentParser(
        "bankd-client",
        description="Bank at a bankd server, in the terminal or by a list of tasks.",
        epilog=EPILOG.format(tasks=usages),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_options(parser)
    parser.add_argument("--version", action="version", version=f"bankd-client {bankd.__version__}")
    shtab.add_argument_to(parser, help="print what completes these options in a shell, to be kept for it")
    for action in parser._actions:
        if action.metavar == "FILE":
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return parser


def _add_options(parser: argparse.ArgumentParser) -> None:
    option = parser.add_argument_group("the bank").add_argument
    option("--server", metavar="HOST:PORT", help="where the bank is (localhost:65432)")
    option("--ca", metavar="FILE", help=f"the authorities trusted to sign the bank's certificate ({LOCAL_CA})")
    option("--terminal", metavar="FILE", help="the certificate and key by which the bank knows this terminal")
    option("--seal", metavar="EXTENT", help="what is sealed: session (all of it), secrets or off (session)")
    option("--identity", metavar="KEY", help=f"the bank's public key, or its fingerprint ({LOCAL_IDENTITY})")
    option("--shared-key", metavar="FILE", help="seal with the key that the bank gave for this terminal")
    option = parser.add_argument_group("who logs in").add_argument
    option("--login", metavar="KIND:WHO", help="account:NUMBER, mobile:NUMBER or user:NAME")
    option("--secret-file", metavar="FILE", help="a file whose first line is the PIN or password; - for standard input")
    option("--one-time-file", metavar="FILE", help="a file whose first line is the one-time password, for one use")
    option("--totp-file", metavar="FILE", help="a file with the secret of an authenticator app, or its otpauth URI")
    option = parser.add_argument_group("without a person").add_argument
    option("--task", dest="tasks", action="append", metavar="TASK", type=lambda task: ("task", task), help=TASK_HELP)
    option("--tasks", action="append", metavar="FILE", type=lambda file: ("file", file), help=TASKS_HELP)
    option("--json", action="store_true", help="answer each task by an object on one line")
    option = parser.add_argument_group("in a terminal").add_argument
    option("--language", metavar="CODE", choices=LANGUAGES, help=f"the language to speak: {', '.join(LANGUAGES)}")
    option("--plain", action="store_true", help="plain lines, also in a terminal")
    option("--atm", action="store_true", help="be a cash machine: one customer after another, by PIN")
    option("--kiosk", action="store_true", help="with --atm: no key leads out of the program; SIGTERM ends it")


TASK_HELP = "do this and end; may be repeated"
TASKS_HELP = "do what this file says and end; - for standard input, line by line; may be repeated"


def _given(options: argparse.Namespace, environment: Mapping[str, str], stdin: TextIO) -> Given:
    """What the options and the environment say. Raises Unusable."""
    asked: list[tuple[str, str]] = options.tasks or []
    stdin_taken = ("file", HERE) in asked
    if stdin_taken and options.secret_file == HERE:
        raise Unusable("standard input cannot be both --tasks and --secret-file")
    login = _login(options.login) if options.login else None
    tasks = tuple(task for how, what in asked for task in (_tasks(what, stdin) if how == "file" else [what]))
    if asked and not tasks:
        raise Unusable("there is nothing to do: no tasks were given")
    if any(isinstance(task, str) and task.casefold() == "exit" for task in tasks[:-1]):
        raise Unusable("no task can follow Exit")
    if tasks and login is None:
        raise Unusable("tasks need --login")
    if options.json and not tasks:
        raise Unusable("--json needs tasks")
    _check_atm(options, environment, stdin)
    return Given(
        _named(options, environment).read(environment),
        login,
        _secret(options.secret_file, environment, stdin, needed=bool(tasks), ask=bool(tasks) and not stdin_taken),
        tasks,
        options.json,
        options.plain,
        _passcode(options.one_time_file, environment, stdin),
        _totp(options.totp_file, stdin) if options.totp_file else None,
        options.atm,
        options.kiosk,
    )


def _check_atm(options: argparse.Namespace, environment: Mapping[str, str], stdin: TextIO) -> None:
    """Raise Unusable for what a cash machine has no use for, or cannot be."""
    if options.atm and (options.login or options.tasks):
        raise Unusable("--atm goes with neither --login nor tasks: its customers say who they are")
    if options.kiosk and not options.atm:
        raise Unusable("--kiosk goes with --atm")
    if options.kiosk and (options.plain or not stdin.isatty() or environment.get("TERM", "") in ("", "dumb")):
        raise Unusable("--kiosk needs a terminal that can be wiped")


def _named(options: argparse.Namespace, environment: Mapping[str, str]) -> Named:
    """The bank that is meant, and how it and this terminal know each other."""
    ca, terminal = options.ca or environment.get("BANKD_CA"), options.terminal or environment.get("BANKD_TERMINAL")
    identity = options.identity or environment.get("BANKD_IDENTITY") or _local_identity(options, environment)
    return Named(
        server=options.server or environment.get("BANKD_SERVER") or "localhost",
        ca=ca or (LOCAL_CA if LOCAL_CA.exists() else None),
        identity=identity,
        terminal=terminal,
        seal=options.seal or environment.get("BANKD_SEAL") or Extent.SESSION,
        shared_key=options.shared_key,
    )


def _local_identity(options: argparse.Namespace, environment: Mapping[str, str]) -> str | None:
    """The file of the bank that `make run` serves, where no other bank's authorities are named."""
    local = not (options.ca or environment.get("BANKD_CA")) and LOCAL_CA.exists() and LOCAL_IDENTITY.exists()
    return str(LOCAL_IDENTITY) if local else None


def _login(text: str) -> tuple[str, str]:
    kind, colon, identity = text.partition(":")
    way = WAYS.get(kind.lower())
    if way is None or not colon:
        raise Unusable(f"--login is account:NUMBER, mobile:NUMBER or user:NAME, not '{text}'")
    try:
        return kind.lower(), way.identity.read(identity)
    except ValueError:
        raise Unusable(f"--login {text}: {way.identity.hint}") from None


def _lines(name: str, stdin: TextIO, what: str) -> list[str]:
    """The lines of the file called ``name``. Raises Unusable."""
    try:
        text = stdin.read() if name == HERE else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"cannot read the {what} file {name}: {getattr(error, 'strerror', 'it is not UTF-8')}") from None
    return text.splitlines()


def _tasks(name: str, stdin: TextIO) -> Sequence[str | Later]:
    """The tasks in the file called ``name``; those of standard input come when the session is open."""
    return [Later.TYPED] if name == HERE else tasks_among(_lines(name, stdin, "tasks"))


def _passcode(file: str | None, environment: Mapping[str, str], stdin: TextIO) -> str | None:
    """The one-time password, if it was given. Raises Unusable."""
    if file == HERE:
        raise Unusable("--one-time-file is a file, not standard input")
    given = next(iter(_lines(file, stdin, "one-time password")), "") if file else environment.get("BANKD_ONE_TIME", "")
    given = given.strip()
    if given and PASSCODE.pattern.fullmatch(given) is None:
        raise Unusable(prompts.HINT_PASSCODE)
    return given or None


def _totp(file: str, stdin: TextIO) -> str:
    """The secret of an app. Raises Unusable."""
    try:
        return totp_secret(next(iter(_lines(file, stdin, "TOTP")), ""))
    except ValueError:
        raise Unusable(f"the TOTP file {file} holds no secret in base32 and no otpauth URI") from None


def _secret(file: str | None, environment: Mapping[str, str], stdin: TextIO, *, needed: bool, ask: bool) -> str | None:
    """The secret, from wherever it is, or None; ``ask`` says that standard input may hold it. Raises Unusable."""
    if file is not None:
        secret = next(iter(_lines(file, stdin, "secret")), "")
    elif environment.get("BANKD_SECRET") or not ask:
        secret = environment.get("BANKD_SECRET", "")
    elif stdin.isatty():
        secret = getpass()
    else:
        secret = stdin.readline().rstrip("\r\n")
    if not secret and (needed or file is not None):
        raise Unusable("there is no secret: give --secret-file, BANKD_SECRET, or a line on standard input")
    return secret or None
