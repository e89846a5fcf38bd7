"""What the client says, as it stands in the code, and the catalogues that say it in other languages.

python -m tests.catalogue        print what each catalogue lacks, as entries to fill in, and what it has too much
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

import bankd
from bankd.language import CATALOGUES, ENGLISH, LANGUAGES

CLIENT = Path(bankd.__file__).parent / "client"
MARKS = {"_": 1, "plural": 2}
"""The functions that words are given to, and how many of their arguments are words."""


def said(folder: Path = CLIENT) -> Iterator[str | tuple[str, str]]:
    """Everything that is marked as words in the modules of a folder; where it has a plural, both."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS:
                words = tuple(ast.literal_eval(argument) for argument in node.args[: MARKS[node.func.id]])
                yield words[0] if len(words) == 1 else words


def catalogue(name: str) -> Catalog:
    """The catalogue of a language."""
    with (CATALOGUES / f"{name}.po").open("rb") as file:
        return read_po(file, locale=name)


def lacking(name: str) -> list[str | tuple[str, str]]:
    """What is said in English and has no translation, or only a fuzzy one."""
    known = {message.id: message for message in catalogue(name) if message.id}
    return [words for words in dict.fromkeys(said()) if words not in known or not _is_whole(known[words])]


def needless(name: str) -> list[str]:
    """What the catalogue translates and nobody says."""
    spoken = set(said())
    return [str(message.id) for message in catalogue(name) if message.id and _key(message) not in spoken]


def _key(message: Message) -> str | tuple[str, ...]:
    return tuple(message.id) if isinstance(message.id, list | tuple) else message.id


def _is_whole(message: Message) -> bool:
    strings = message.string if isinstance(message.string, list | tuple) else (message.string,)
    return all(strings) and not message.fuzzy


def _entry(words: str | tuple[str, str]) -> str:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'

    if isinstance(words, str):
        return f'msgid {quoted(words)}\nmsgstr ""\n'
    one, many = map(quoted, words)
    return f'msgid {one}\nmsgid_plural {many}\nmsgstr[0] ""\nmsgstr[1] ""\n'


def main() -> None:
    """Print what is to be done."""
    for name in LANGUAGES:
        if name != ENGLISH:
            sys.stdout.write(f"# {name}: {len(lacking(name))} lacking; needless: {needless(name)}\n\n")
            sys.stdout.write("\n".join(map(_entry, lacking(name))))


if __name__ == "__main__":
    main()
