"""``bankctl key``: keys that the bank and a terminal share, to seal what they say to each other."""

import json
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from time import time

from joserfc.jwk import OctKey

from bankd import keyring, sealing_keys
from bankd.ctl.command import DONE, Command, Unusable, json_lines, printable, settings_of
from bankd.sealing_keys import DAY
from bankd.wire.grammar import write_time
from bankd.wire.seal import KEY_ID, KEY_OCTETS

SHARE_WORDS = """
Make a key that this bank and the terminal NAME share, and write it to one new FILE (NAME.jwk): bankd-client
--shared-key FILE seals everything with it. Who has the file can seal as that terminal, and read what is sealed for it:
carry it there by a way that nobody else can read, and keep no copy. A bank that is running accepts it at once.
"""


def _share(options: Namespace) -> int:
    name = _name(options)
    settings = settings_of(options)
    keyring.load(settings.state)  # there is a bank
    kept, given = sealing_keys.shared_path(settings.state, name), options.out or Path(f"{name}.jwk")
    if kept.exists():
        raise Unusable(f"a key called {name} is shared already; 'bankctl key revoke {name}' ends it")
    jwk = OctKey.generate_key(8 * KEY_OCTETS).as_dict(private=True) | {"kid": name, "iat": int(time())}
    octets = json.dumps(jwk).encode() + b"\n"
    _write_new(given, octets)
    for folder in (kept.parent.parent, kept.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    keyring.write_private(kept, octets)
    print(f"key {name}: in {given}, and accepted from now on")
    return DONE


def _list(options: Namespace) -> int:
    state = settings_of(options).state
    keyring.load(state)
    for dated in sealing_keys.dated_keys(sealing_keys.own_paths(state)):
        published, ends = _time(dated.made + DAY), _time(dated.ends)
        if options.json:
            print(json.dumps({"key": dated.key.kid, "published_until": published, "accepted_until": ends}))
        else:
            print(f"the bank's own {dated.key.kid}: published until {published}, accepted until {ends}")
    for path in sorted(sealing_keys.shared_path(state, "*").parent.glob("*.jwk")):
        since = _time(path.stat().st_mtime)
        if options.json:
            print(json.dumps({"shared_with": path.stem, "since": since}))
        else:
            print(f"shared with {printable(path.stem)} since {since}")
    return DONE


def _time(seconds: float) -> str:
    return write_time(int(seconds * 1_000_000))


def _revoke(options: Namespace) -> int:
    name = _name(options)
    try:
        sealing_keys.shared_path(settings_of(options).state, name).unlink()
    except FileNotFoundError:
        raise Unusable(f"no key called {name} is shared") from None
    print(f"key {name} is not accepted any more; sessions that are sealed with it go on to their end")
    return DONE


def _name(options: Namespace) -> str:
    """The name that was given. Raises Unusable."""
    if not KEY_ID.fullmatch(options.name):
        raise Unusable(f"{printable(options.name)!r} will not do as a name: up to 64 letters, digits, - and _ only")
    return str(options.name)


def _write_new(path: Path, octets: bytes) -> None:
    """Write a file that was not there, for its owner alone. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(octets)


def _share_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what the key is called")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write it for the terminal (NAME.jwk)")


def _revoke_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="what the key is called")


SHARE = Command("key share", "make a key that the bank shares with a terminal", _share, _share_arguments, SHARE_WORDS)
LIST = Command(
    "key list", "list the keys that requests are sealed to, and until when they are accepted", _list, json_lines
)
REVOKE = Command("key revoke", "accept a shared key no more", _revoke, _revoke_arguments)
