"""What the tables of all engines are made of: how they are named, and the kinds of their columns."""

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData, String, Text
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

LONG = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit integer, by the name that each engine has for it."""

LINK = LargeBinary(32).with_variant(mysql.VARBINARY(32), "mysql", "mariadb")
"""A link of the hash chain, or any other digest, 32 octets."""

SEALED = LargeBinary(64).with_variant(mysql.VARBINARY(64), "mysql", "mariadb")
"""A short secret under a key that is not in the database."""


def text(length: int) -> TypeEngine[str]:
    """Text of at most ``length`` characters, equal only to itself: MariaDB would else take 'k' and 'K' for one key.

    A STRICT table of SQLite knows only TEXT.
    """
    exact = String(length, collation="utf8mb4_bin")
    return String(length).with_variant(Text(), "sqlite").with_variant(exact, "mysql", "mariadb")
