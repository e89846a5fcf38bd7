"""The address of a database: the URL that names it, put together from its parts, and without its password."""

from sqlalchemy.engine import URL, make_url

MYSQL = "mysql+pymysql"
"""The dialect that serves MariaDB and MySQL, and its driver."""


def of_mysql(host: str, port: int, user: str, password: str, database: str) -> str:
    """The URL of a database on a server of MariaDB's or MySQL's."""
    return _written(URL.create(MYSQL, user or None, password or None, host or "localhost", port, database))


def has_password(url: str) -> bool:
    """Whether a valid URL holds a password."""
    return make_url(url).password is not None


def has_user(url: str) -> bool:
    """Whether a valid URL names a user, who may have a password."""
    return make_url(url).username is not None


def with_password(url: str, password: str) -> str:
    """A valid URL with ``password`` in it."""
    return _written(make_url(url).set(password=password))


def shown(url: str) -> str:
    """A valid URL with its password hidden, and whatever else it asks the driver for left out."""
    return make_url(url).set(query={}).render_as_string(hide_password=True)


def host(url: str) -> str | None:
    """The machine that a valid URL leads to; None for a file, or a socket on this one."""
    return make_url(url).host


def _written(url: URL) -> str:
    return url.render_as_string(hide_password=False)
