"""The settings: every key with what it means, what it may be, and what it is when left out.

1. Settings are read whole. Every fault is found at once, each on a line that names file, line, section and key and says
   what would be right.
2. What the command line says goes over the environment, that over the file, and the file over the defaults.
3. Relative paths count from the folder that the bank is started in; that of the operators' socket from the state
   folder.
4. Protocols that others wrote are given their address in a section of their own: ``[protocols] NAME = ADDRESS PORT``.
5. Each delivery has a section under its name. One that others wrote may have any keys in it, and reads them itself.
6. The database has one address: ``[database] url``, or the keys of ``[mysql]``.
"""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from bankd import settings_together
from bankd.bank.terms import LockoutRules, Terms
from bankd.delivery import keys
from bankd.delivery.post import Postage
from bankd.gate import Capacity
from bankd.ledger.tariff import Tariff
from bankd.records import Limits, Sealing
from bankd.settings_keys import KEYS as KEYS
from bankd.settings_sources import BY_ADDRESS, DEFAULT, Origins, blame, gather
from bankd.settings_together import database_url, protocols


class SettingsError(Exception):
    """The settings cannot be used; ``faults`` says why, a line each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings that are valid; paths are absolute. ``protocols`` has address and port by the protocol's name;
    ``operator_socket`` is None where operators have none. ``monitor_interval`` is in seconds.
    ``origins`` has every key as it is written, secrets among them, and where.
    """

    state: Path
    host: str
    notice_port: int
    protocols: Mapping[str, tuple[str, int]]
    certificate: Path
    key: Path
    names: tuple[str, ...]
    database: str
    cache_mib: int
    logfile: Path | None
    log_form: str
    client_csv: Path | None
    bank_csv: Path | None
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
    stop_seconds: int
    origins: Origins = field(default_factory=dict, compare=False, repr=False)


def load(path: Path | None, options: Mapping[str, str], environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in ``path``, with ``environment`` over them and over that ``options``, by key name, from the command
    line. Raises SettingsError.
    """
    faults: list[str] = []
    origins = gather(path, environment or {}, options, faults)
    values: dict[str, dict[str, Any]] = {section: {} for section, _ in BY_ADDRESS}
    for (section, name), key in BY_ADDRESS.items():
        text = origins[section, name].text
        try:
            values[section][name] = key.read(text)
        except (ValueError, KeyError):
            shown = "what it says" if key.hidden else repr(text)
            why = f"{shown} will not do; it takes {key.allowed}"
            faults.append(f"{blame(origins, (section, name))}: {why}{_hint(text)}")
    url = database_url(values, origins, faults)
    addresses = dict(protocols(origins, faults))
    faults += settings_together.faults(values, origins)
    if faults:
        raise SettingsError(sorted(faults, key=lambda fault: _line(path, fault)))
    plain = {name: value for section in _PLAIN for name, value in values[section].items()}
    written = {address: origin.text for address, origin in origins.items()}
    postage = keys.postage(values, written)
    return _settings(plain | {"url": url, "protocols": addresses, "postage": postage, "origins": origins})


def _line(path: Path | None, fault: str) -> int:
    """The line of the file that a fault is on, so they are told from its top to its bottom, others last."""
    line = fault.removeprefix(f"{path}:").partition(":")[0]
    return int(line) if line.isdigit() else sys.maxsize


def located(settings: Settings, fault: str) -> str:
    """A fault that begins with its section, and maybe its key, with the place of that key before it."""
    section, name = re.match(r"(?:\[(\w+)\] )?(?:(\w+): )?", fault).groups()  # type: ignore[union-attr]
    origin = settings.origins.get((section, name))
    return fault if origin is None or origin.where == DEFAULT else f"{origin.where}: {fault}"


_PLAIN = ("server", "database", "bank", "lockout", "logging")
"""Sections no two of which have a key of the same name."""


def _hint(text: str) -> str:
    """What may be the reason why a value will not do."""
    return "; a comment needs a line of its own" if " #" in text or " ;" in text else ""


def _settings(values: Mapping[str, Any]) -> Settings:
    state = Path(os.path.expanduser(values["state"])).absolute()

    def inside(name: str, default: str) -> Path:
        return Path(os.path.expanduser(values[name])).absolute() if values[name] else state / default

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
        cache_mib=values["cache_mib"],
        logfile=inside("logfile", "") if values["logfile"] else None,
        log_form=values["format"],
        client_csv=state / values["client_csv"] if values["client_csv"] else None,
        bank_csv=state / values["bank_csv"] if values["bank_csv"] else None,
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
        stop_seconds=values["stop_seconds"],
        origins=values["origins"],
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
