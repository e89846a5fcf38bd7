"""What is wrong with settings taken together, where each by itself will do, and the one address of the database."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from bankd.delivery.trust import secret_in
from bankd.idelivery import Unusable
from bankd.settings_sources import PROTOCOLS, Origins, blame
from bankd.settings_values import address, port
from bankd.store import address as database

Values = Mapping[str, Mapping[str, Any]]
"""Values by section and key; what could not be read is left out."""


def faults(values: Values, origins: Origins) -> Iterator[str]:
    """Every fault of settings taken together but those of the database."""
    if "console" in values["delivery"].get("order", ()) and not values["bank"].get("demo", False):
        yield (
            f"{blame(origins, ('delivery', 'order'))}: console shows messages to whoever sees the bank's terminal;"
            " it takes demo = yes"
        )
    server = values["server"]
    if server.get("port") and server.get("port") == server.get("status_port"):
        yield f"{blame(origins, ('server', 'status_port'))}: BANK/1 has this port already; another will do"


def protocols(origins: Origins, found: list[str]) -> Iterator[tuple[str, tuple[str, int]]]:
    """Address and port of each protocol in the section of their own; what will not do is added to ``found``."""
    for (section, name), origin in origins.items():
        if section == PROTOCOLS:
            try:
                host, number = origin.text.split()
                yield name, (address(host), port(number))
            except ValueError:
                why = f"{origin.text!r} will not do; it takes an IP address and a port"
                found.append(f"{blame(origins, (section, name))}: {why}")


def database_url(values: Values, origins: Origins, found: list[str]) -> str:
    """The database's URL with its password, or '' for the one in the state folder; faults are added to ``found``."""
    url, mysql = values["database"].get("url", ""), values["mysql"]
    if mysql.get("database"):
        if url:
            why = "[database] url names a database as well; one of the two has to be left out"
            found.append(f"{blame(origins, ('mysql', 'database'))}: {why}")
        elif len(mysql) == 5:
            url = database.of_mysql(**mysql)
    else:
        for name in ("user", "password"):
            if mysql.get(name):
                found.append(f"{blame(origins, ('mysql', name))}: there is no [mysql] database that it is for")
    path = values["database"].get("password_file")
    return url if path is None else _with_password(url, path, origins, found)


def _with_password(url: str, path: Path, origins: Origins, found: list[str]) -> str:
    where = blame(origins, ("database", "password_file"))
    if not url or not database.has_user(url):
        found.append(f"{where}: there is no user of a database that it is for")
    elif database.has_password(url):
        found.append(f"{where}: the database has a password already; one of the two has to be left out")
    else:
        try:
            return database.with_password(url, secret_in(path))
        except Unusable as error:
            found.append(f"{where}: {error}")
        except OSError as error:
            found.append(f"{where}: {path} cannot be read: {error.strerror}")
    return url
