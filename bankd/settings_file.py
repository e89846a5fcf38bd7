"""A settings file as text: each value with its line, and all that is wrong with the form of the file at once.

The form is that of Python's configparser, which tells of one fault and gives up. So a line that is at fault is noted
and taken out, and the rest is read again.
"""

from collections.abc import Iterator
from configparser import (
    ConfigParser,
    DuplicateOptionError,
    DuplicateSectionError,
    MissingSectionHeaderError,
    ParsingError,
)
from dataclasses import dataclass

MOST_FAULTS = 100
"""Faults of form that are told of one file; with more it is some other file."""

Address = tuple[str, str]
"""A section and the name of a key."""

Fault = tuple[int, str]
"""A line, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class Value:
    """The text of a value, and the line that its key is on, counted from 1."""

    text: str
    line: int


class _Parser(ConfigParser):
    """A parser that knows on which line each key is."""

    def __init__(self) -> None:
        super().__init__(interpolation=None, default_section="")
        self.lines: dict[Address, int] = {}
        self._line = 0

    def read_lines(self, lines: list[str]) -> None:
        """Read all ``lines``."""
        self.read_file(self._counted(lines))

    def optionxform(self, name: str) -> str:
        """Names are in small letters; each is asked for when its line is read."""
        name = name.lower()
        self.lines.setdefault((self.sections()[-1], name), self._line)
        return name

    def _counted(self, lines: list[str]) -> Iterator[str]:
        for self._line, line in enumerate(lines, 1):
            yield line


def read(text: str) -> tuple[dict[Address, Value], list[Fault]]:
    """Every value in ``text``, and every fault, in the order of the lines."""
    lines = text.split("\n")
    faults: list[Fault] = []
    while len(faults) < MOST_FAULTS:
        parser = _Parser()
        try:
            parser.read_lines(lines)
            break
        except DuplicateSectionError as error:
            line = error.lineno or 0
            faults.append((line, f"the section [{error.section}] is there twice"))
            lines[line - 1] = f"[{error.section}\0{line}]"  # its keys are read all the same
        except DuplicateOptionError as error:
            line = error.lineno or 0
            faults.append((line, _twice(error.section, error.option, parser.lines[error.section, error.option])))
            lines[line - 1] = ""
        except MissingSectionHeaderError as error:
            faults.append((error.lineno, "this is in no section; a line such as [server] has to stand above it"))
            lines[error.lineno - 1] = ""
        except ParsingError as error:
            for line, _ in error.errors:
                faults.append((line, "this is neither a [section] nor a key = value"))
                lines[line - 1] = ""
    values: dict[Address, Value] = {}
    for (section, name), line in list(parser.lines.items()):
        first = values.get((_named(section), name))
        if first is None:
            values[_named(section), name] = Value(parser[section][name], line)
        else:
            faults.append((line, _twice(section, name, first.line)))
    return values, sorted(faults)


def _twice(section: str, name: str, first: int) -> str:
    return f"[{_named(section)}] {name}: is there already, on line {first}"


def _named(section: str) -> str:
    """The name that a section had before it was told apart from another of that name."""
    return section.partition("\0")[0]
