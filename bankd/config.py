"""The settings: one INI file, every key with what it means, what it may be, and what it is when left out.

1. A settings file is read whole. Every fault in it is found at once, each on a line that names file, section and key
   and says what would be right.
2. What the command line says goes over the file, and the file over the defaults.
3. Relative paths count from the folder that the bank is started in; that of the operators' socket from the state
   folder.
4. Protocols that others wrote are given their address in a section of their own: ``[protocols] NAME = ADDRESS PORT``.
5. Each delivery has a section under its name. One that others wrote may have any keys in it, and reads them itself.
"""

import difflib
from collections.abc import Iterator, Mapping
from configparser import ConfigParser, Error
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from bankd.bank.terms import LockoutRules, OneTime, Terms
from bankd.delivery import keys
from bankd.delivery.post import Postage
from bankd.gate import Capacity
from bankd.ledger.tariff import Tariff
from bankd.records import Limits, Sealing
from bankd.settings_values import (
    ADDRESS,
    AMOUNTS,
    COUNT,
    MOST,
    MOST_OPEN,
    ONE_TIME,
    PORT,
    SEALED,
    SECONDS,
    THREADS,
    YES_NO,
    Key,
    address,
    amounts,
    count,
    currency,
    label,
    most_or_any,
    port,
    region,
    seconds,
    threads,
    url,
    yes_or_no,
)


class SettingsError(Exception):
    """The settings cannot be used; ``faults`` says why, a line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings that are valid; paths are absolute. ``protocols`` has address and port by the protocol's name;
    ``operator_socket`` is None where operators have none. ``monitor_interval`` is in seconds.
    """

    state: Path
    host: str
    notice_port: int
    protocols: Mapping[str, tuple[str, int]]
    certificate: Path
    key: Path
    names: tuple[str, ...]
    database: str
    logfile: Path | None
    demo: bool
    terms: Terms
    limits: Limits
    sealing: Sealing
    capacity: Capacity
    checkpoint_seconds: int
    postage: Postage
    operator_socket: Path | None
    worker_threads: int
    monitor_interval: int


KEYS = (
    Key("server", "state", str, "a folder", "var", "where the bank keeps its keys, certificates and database"),
    Key("server", "host", address, ADDRESS, "0.0.0.0", "the address to serve BANK/1 and notices on"),
    Key("server", "port", port, PORT, "65432", "the TCP port for BANK/1"),
    Key("server", "notice_port", port, PORT, "65433", "the UDP port that notices come from"),
    Key("server", "status_host", address, ADDRESS, "127.0.0.1", "the address to serve /status on"),
    Key("server", "status_port", port, PORT, "5000", "the TCP port for /status"),
    Key("server", "certificate", str, "a PEM file", "", "the chain to serve with; left out, the bank's own"),
    Key("server", "key", str, "a PEM file", "", "the key of that certificate; left out, the bank's own"),
    Key("server", "names", str.split, "names and addresses", "", "more names for the bank's own certificate"),
    Key("server", "handshake_seconds", seconds, SECONDS, "10", "how long a connection may take to agree on keys"),
    Key("server", "login_seconds", seconds, SECONDS, "120", "how long a connection may take to log in"),
    Key("server", "line_seconds", seconds, SECONDS, "30", "how long a line may take from its begin to its end"),
    Key("server", "stall_seconds", seconds, SECONDS, "60", "how long a peer may not read what it is sent"),
    Key("server", "idle_seconds", seconds, SECONDS, "300", "how long a session may ask nothing"),
    Key("server", "idle_warning_seconds", seconds, SECONDS, "60", "how long before that to warn it"),
    Key("server", "session_seconds", seconds, SECONDS, "43200", "how long a session may last in all"),
    Key("server", "max_connections", most_or_any, MOST_OPEN, "", "how many connections may be open at a time"),
    Key("server", "max_per_network", count, COUNT, "1000", "how many of them may come from one network"),
    Key("server", "max_strangers", count, COUNT, "2000", "how many of them may not have logged in yet"),
    Key(
        "server",
        "operator_socket",
        str,
        "a file; empty is none",
        "operators.sock",
        "the UNIX socket for operators; a relative path counts from the state folder",
    ),
    Key("server", "sealed", Sealing, SEALED, "no", "what is refused where it does not come under seal"),
    Key("server", "worker_threads", threads, THREADS, "4", "how many threads read the database"),
    Key("server", "monitor_interval", seconds, SECONDS, "60", "how often to log figures of the machine and the bank"),
    Key("database", "url", url, "an SQLAlchemy URL", "", "the database; left out, bank.sqlite3 in the state folder"),
    Key("bank", "name", label, "1 to 64 characters", "bankd", "the name that the bank greets with"),
    Key("bank", "currency", currency, "an ISO 4217 code", "EUR", "the currency of new accounts"),
    Key("bank", "region", region, "an ISO 3166 code", "DE", "where mobile numbers without a country code belong"),
    Key("bank", "register_mobiles", yes_or_no, YES_NO, "yes", "whether log-in registers an unknown mobile number"),
    Key("bank", "pin_terminals", yes_or_no, YES_NO, "no", "whether a PIN is taken only at an enrolled terminal"),
    Key("bank", "lease_seconds", seconds, SECONDS, "30", "how long a silent session keeps its account"),
    Key("bank", "transfer_fee", amounts, AMOUNTS, "", "what a transfer costs the payer; left out, nothing"),
    Key("bank", "withdrawal_fee", amounts, AMOUNTS, "", "what taking cash out costs; left out, nothing"),
    Key("bank", "payment_limit", amounts, MOST, "", "the most that an account may pay at once; left out, any"),
    Key("bank", "day_limit", amounts, MOST, "", "the most that it may pay on one day in UTC; left out, any"),
    Key("bank", "unusual_withdrawal", amounts, MOST, "", "above what cash taken at once is told of; left out, none is"),
    Key("bank", "one_time", OneTime, ONE_TIME, "off", "when customers are asked for a one-time password"),
    Key("bank", "one_time_above", amounts, MOST, "", "with risk, the amounts above which; left out, none"),
    Key("bank", "checkpoint_seconds", seconds, SECONDS, "60", "how often to sign what the ledger comes to"),
    Key("bank", "two_people", yes_or_no, YES_NO, "yes", "whether another operator has to approve what one proposes"),
    Key("bank", "demo", yes_or_no, YES_NO, "no", "whether to make demo customers; play money only"),
    Key("lockout", "tries_before_wait", count, COUNT, "3", "after how many wrong tries each further one has to wait"),
    Key("lockout", "lock_after", count, COUNT, "10", "after how many wrong tries a terminal or network is locked"),
    Key("lockout", "lock_strangers_after", count, COUNT, "50", "after how many all untrusted ones together are"),
    Key("lockout", "lock_seconds", seconds, SECONDS, "3600", "how long a lock lasts"),
    Key("lockout", "forget_seconds", seconds, SECONDS, "86400", "how long after the last wrong try all are forgotten"),
    Key("logging", "logfile", str, "a file", "", "where to log; left out, where twistd logs"),
    *keys.KEYS,
)
"""Every key there is."""

SECRET = ("url",)
"""Keys whose values may hold a password, and are never shown."""


def load(path: Path | None, over: Mapping[str, str]) -> Settings:
    """The settings in ``path``, with ``over`` (by key name) from the command line. Raises SettingsError."""
    faults: list[str] = []
    written = _read_file(path, faults) if path is not None else {}
    values: dict[str, Any] = {}
    sections: dict[str, dict[str, Any]] = {}
    for key in KEYS:
        own = key in keys.KEYS  # of a delivery, whose names may be those of other sections' keys
        where, text = "--" + key.name.replace("_", "-"), None if own else over.get(key.name)
        if text is None:
            where, text = f"{path}: [{key.section}] {key.name}", written.get((key.section, key.name), key.default)
        try:
            (sections.setdefault(key.section, {}) if own else values)[key.name] = key.read(text)
        except (ValueError, KeyError):
            shown = "what it says" if key.name in SECRET else repr(text)
            faults.append(f"{where}: {shown} will not do; it takes {key.allowed}")
    values["protocols"] = dict(_protocols(path, written, faults))
    faults += (f"{path}: {fault}" for fault in keys.faults(sections, values.get("demo", False)))
    if faults:
        raise SettingsError(faults)
    values["postage"] = keys.postage(sections, written)
    return _settings(values)


def _read_file(path: Path, faults: list[str]) -> dict[tuple[str, str], str]:
    """Every value in the file by section and key; what is wrong with its form is added to ``faults``."""
    parser = ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        faults.append(f"{path}: is not UTF-8 text")
    except Error as error:
        faults.append(f"{path}: {' '.join(str(error.message).split())}")
        return {}  # half of a file is no file
    written = {(section, name): text for section in parser.sections() for name, text in parser.items(section)}
    faults += _strangers(path, written)
    return written


def _protocols(
    path: Path | None, written: Mapping[tuple[str, str], str], faults: list[str]
) -> Iterator[tuple[str, tuple[str, int]]]:
    """Address and port of each protocol in the section of their own."""
    for (section, name), text in written.items():
        if section == "protocols":
            try:
                host, number = text.split()
                yield name, (address(host), port(number))
            except ValueError:
                faults.append(f"{path}: [protocols] {name}: {text!r} will not do; it takes an IP address and a port")


def _strangers(path: Path, written: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """A fault for each key that there is not, with the nearest that there is."""
    known = {f"[{key.section}] {key.name}": key.name for key in KEYS}
    theirs = {"protocols", *keys.sections_of_others(written)}
    for section, name in written:
        stranger = f"[{section}] {name}"
        if section not in theirs and stranger not in known:
            elsewhere = [where for where, known_name in known.items() if known_name == name]
            near = elsewhere or difflib.get_close_matches(stranger, known, 1)
            yield f"{path}: {stranger}: there is no such key" + (f"; did you mean {near[0]}?" if near else "")


def _settings(values: Mapping[str, Any]) -> Settings:
    state = Path(values["state"]).expanduser().absolute()

    def inside(name: str, default: str) -> Path:
        return Path(values[name]).expanduser().absolute() if values[name] else state / default

    return Settings(
        state=state,
        host=values["host"],
        notice_port=values["notice_port"],
        protocols={
            "line": (values["host"], values["port"]),
            "status": (values["status_host"], values["status_port"]),
            **values["protocols"],
        },
        certificate=inside("certificate", "server.pem"),
        key=inside("key", "server.key"),
        names=tuple(values["names"]),
        database=values["url"] or f"sqlite:///{state / 'bank.sqlite3'}",
        logfile=inside("logfile", "") if values["logfile"] else None,
        demo=values["demo"],
        terms=_terms(values),
        sealing=values["sealed"],
        limits=Limits(**{limit.name: values[limit.name] for limit in fields(Limits)}),
        capacity=Capacity(values["max_connections"], values["max_per_network"], values["max_strangers"]),
        checkpoint_seconds=values["checkpoint_seconds"],
        postage=values["postage"],
        operator_socket=state / values["operator_socket"] if values["operator_socket"] else None,
        worker_threads=values["worker_threads"],
        monitor_interval=values["monitor_interval"],
    )


def _terms(values: Mapping[str, Any]) -> Terms:
    return Terms(
        name=values["name"],
        currency=values["currency"],
        region=values["region"],
        registers_mobiles=values["register_mobiles"],
        pin_terminals=values["pin_terminals"],
        lease_seconds=values["lease_seconds"],
        tariff=Tariff(
            fees={kind: values[f"{kind}_fee"] for kind in ("transfer", "withdrawal") if values[f"{kind}_fee"]},
            payment_limits=values["payment_limit"],
            day_limits=values["day_limit"],
            unusual_withdrawals=values["unusual_withdrawal"],
        ),
        two_people=values["two_people"],
        lockout=LockoutRules(**{name: values[name] for name in LockoutRules.__slots__}),
        one_time=values["one_time"],
        one_time_above=values["one_time_above"],
    )
