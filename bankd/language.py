"""Which language a person is spoken to in, and how that language writes numbers.

1. English is what stands in the code; every other language is a catalogue of GNU gettext in ``locale``.
2. The language is chosen once, before any module of the client is imported: most of its words are constants.
3. Where nobody chooses, as in a program that uses the client as a library, it is English.
"""

import argparse
import gettext
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

ENGLISH = "en"
CATALOGUES = Path(__file__).parent / "locale"
LANGUAGES = (ENGLISH, *sorted(path.stem for path in CATALOGUES.glob("*.po")))
"""Every language that there is, English first."""

VARIABLES = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""What tells a program its user's language, in order of precedence, as gettext has it."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands before the decimals of a number, and between its groups of three digits."""

    decimal: str
    group: str


class _Choice:
    """The language that was chosen."""

    words: gettext.NullTranslations = gettext.NullTranslations()
    marks = Marks(".", ",")


def choose(name: str) -> None:
    """Speak the language called ``name``, one of LANGUAGES, from now on."""
    _Choice.words = catalogue(name)
    _Choice.marks = marks_of(name)


def marks_of(name: str) -> Marks:
    """How a language writes numbers, by the Unicode CLDR."""
    if name == ENGLISH:
        return Marks(".", ",")
    from babel.numbers import get_decimal_symbol, get_group_symbol

    return Marks(get_decimal_symbol(name), get_group_symbol(name))


def catalogue(name: str) -> gettext.NullTranslations:
    """The words of a language."""
    if name == ENGLISH:
        return gettext.NullTranslations()
    # Only who speaks another language waits for the library.
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = BytesIO()
    with (CATALOGUES / f"{name}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=name))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def wanted(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """The language that a program's arguments or environment ask for.

    Without ``--language`` a script is answered in English: what it reads must not depend on where it runs.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for option in ("--language", "--task", "--tasks"):
        parser.add_argument(option)
    try:
        given, _rest = parser.parse_known_args([*arguments])
    except argparse.ArgumentError:  # said by the program's own parser
        return ENGLISH
    if given.language or given.task or given.tasks:
        return given.language if given.language in LANGUAGES else ENGLISH
    for variable in VARIABLES:
        if environment.get(variable):
            asked = environment[variable].split(":") if variable == "LANGUAGE" else [environment[variable]]
            spoken = (name.split(".")[0].split("@")[0].split("_")[0] for name in asked)
            return next((name for name in spoken if name in LANGUAGES), ENGLISH)
    return ENGLISH


def marks() -> Marks:
    """How the language writes numbers."""
    return _Choice.marks


def _(text: str) -> str:
    """The words for what is ``text`` in English."""
    return _Choice.words.gettext(text)


def plural(one: str, many: str, count: int) -> str:
    """The words for so many, whose number ``{count}`` stands for in both."""
    return _Choice.words.ngettext(one, many, count).format(count=_grouped(str(count)))


def number(count: int) -> str:
    """A number of things, in groups of three digits."""
    return _grouped(str(count))


def _grouped(digits: str) -> str:
    return f"{int(digits):,}".replace(",", _Choice.marks.group)
