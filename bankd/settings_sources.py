"""Where the settings are written: the file, over it the environment, and over that the command line.

1. A variable of the environment is called ``BANKD_SECTION_KEY``, in capitals: ``BANKD_SERVER_PORT``.
2. A key that there is not is a fault, in the file and in the environment, and the nearest that there is is named.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bankd import settings_file
from bankd.delivery import keys
from bankd.settings_file import Address, Value
from bankd.settings_keys import KEYS

BY_ADDRESS = {(key.section, key.name): key for key in KEYS}
"""Every key by its section and name."""

PROTOCOLS = "protocols"
"""The section in which protocols that others wrote have their addresses."""

_SECTIONS = {PROTOCOLS, *(key.section for key in KEYS)}
_NOT_OPTIONS = {"mysql", *(key.section for key in keys.KEYS)}  # their names may be those of other sections' keys

_MAY_BE_SECRET = {("sms", "url"), ("sms", "template"), ("script", "command")}

DEFAULT = "default"
"""Where the value of a key is from that is written nowhere."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The text of a value, which may be secret, and where it is from: FILE:LINE, a variable, an option or DEFAULT."""

    text: str = field(repr=False)
    where: str


Origins = Mapping[Address, Origin]
"""Every key that there is, and what else is written."""


def variable(section: str, name: str) -> str:
    """What the variable of a key is called."""
    return f"BANKD_{section}_{name}".upper()


def gather(
    path: Path | None, environment: Mapping[str, str], options: Mapping[str, str], faults: list[str]
) -> dict[Address, Origin]:
    """What is written for each key, and where; what cannot be read, or is no key, is added to ``faults``."""
    origins = {address: Origin(key.default, DEFAULT) for address, key in BY_ADDRESS.items()}
    values = {} if path is None else _read(path, faults)
    origins |= {address: Origin(value.text, f"{path}:{value.line}") for address, value in values.items()}
    found = {address: name for name in environment if (address := _named(name)) is not None}
    origins |= {address: Origin(environment[name], name) for address, name in found.items()}
    named = (origins["delivery", name].text for name in keys.NAMING)
    faults += _strangers_in_file(path, values, keys.sections_of_others(*named))
    faults += _strangers_around(found)
    for section, key in BY_ADDRESS:
        if key in options and section not in _NOT_OPTIONS:
            origins[section, key] = Origin(options[key], "--" + key.replace("_", "-"))
    return origins


def is_shown(address: Address) -> bool:
    """Whether a value can be shown: it is no password, no gateway's key in a URL, and not what others wrote."""
    key = BY_ADDRESS.get(address)
    if key is None:
        return address[0] == PROTOCOLS
    return not key.hidden and address not in _MAY_BE_SECRET


def blame(origins: Origins, address: Address) -> str:
    """How a fault names the value of a key: by file, line, section and key, or by variable or option."""
    where, key = origins[address].where, f"[{address[0]}] {address[1]}"
    if where == DEFAULT:
        return key
    return f"{where}: {key}" if ":" in where else where


def _read(path: Path, faults: list[str]) -> dict[Address, Value]:
    """Every value in the file; what is wrong with its form is added to ``faults``."""
    try:
        octets = path.read_bytes()
        text = octets.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
        return {}
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        faults.append(f"{path}:{line}: is not UTF-8 text")
        text = octets.decode("utf-8-sig", "replace").replace("\r\n", "\n")
    values, found = settings_file.read(text)
    faults += (f"{path}:{line}: {fault}" for line, fault in found)
    return values


def _named(variable_name: str) -> Address | None:
    """The section and key that a variable names, whether there is such a key or not; None for no setting's."""
    prefix, _, rest = variable_name.partition("_")
    section, _, name = rest.lower().partition("_")
    return (section, name) if prefix == "BANKD" and section in _SECTIONS and name else None


def _strangers_around(found: Mapping[Address, str]) -> Iterator[str]:
    """A fault for each variable whose key there is not."""
    for address, name in sorted(found.items()):
        if address[0] != PROTOCOLS and address not in BY_ADDRESS:
            yield f"{name}: there is no such key{_nearest(name, [variable(*known) for known in BY_ADDRESS])}"


def _strangers_in_file(path: Path | None, values: Mapping[Address, Value], theirs: set[str]) -> Iterator[str]:
    """A fault for each key in the file that there is not, where its section is none of ``theirs``."""
    known = {f"[{section}] {name}": name for section, name in BY_ADDRESS}
    for (section, name), value in values.items():
        stranger = f"[{section}] {name}"
        if section not in theirs | {PROTOCOLS} and stranger not in known:
            elsewhere = [where for where, known_name in known.items() if known_name == name]
            yield f"{path}:{value.line}: {stranger}: there is no such key{_nearest(stranger, known, elsewhere)}"


def _nearest(stranger: str, known: Iterable[str], elsewhere: Sequence[str] = ()) -> str:
    near = elsewhere or difflib.get_close_matches(stranger, list(known), 1)
    return f"; did you mean {near[0]}?" if near else ""
