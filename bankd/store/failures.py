"""What an error of the database means for the work that was under way.

1. A transaction that was undone for another writer's sake, or whose connection was lost before the commit was sent, is
   known not to have happened: the whole of it, reads included, may be done again at once.
2. After a failure of the database nothing may be acknowledged. Where the commit had been sent nobody knows whether it
   happened: the commands' keys tell, once the database answers again.
3. Whatever else a statement is refused for is a fault of whoever sent it.

Codes are SQLSTATEs of PostgreSQL (appendix A of its manual) and numbers of MariaDB's errors. SQLite has one writer at a
time, so there nobody is ever in another's way.
"""

from collections.abc import Iterator

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError, SQLAlchemyError

DatabaseFault = SQLAlchemyError
"""What every engine raises when the database cannot do what is asked."""


class Unknown(DatabaseFault):
    """The commit was sent, and the database failed before it said whether it was done."""


_UNDONE = {
    "40001",  # serialization_failure
    "40P01",  # deadlock_detected
    "55P03",  # lock_not_available: lock_timeout has passed
    1020,  # ER_CHECKREAD: the row was changed since it was read
    1205,  # ER_LOCK_WAIT_TIMEOUT
    1213,  # ER_LOCK_DEADLOCK
}
_WAITED_IN_VAIN = {"55P03", 1205}
"""Those of them that another keeps causing for as long as it keeps its lock."""

_ASKERS = (IntegrityError, DataError, ProgrammingError, NotSupportedError)


def is_undone(error: BaseException) -> bool:
    """Whether nothing was written, and the same may well succeed when it is done again from its reads on."""
    if isinstance(error, Unknown):
        return False
    return is_conflict(error) or any(one.connection_invalidated for one in _behind(error))


def is_conflict(error: BaseException) -> bool:
    """Whether another writer was in the way.

    A row that breaks a constraint counts where others can write: they may have taken the number, the name or the key
    since it was looked for. Who looks again finds it taken.
    """
    return any(_is_anothers_doing(one) for one in _behind(error))


def is_passing(error: BaseException) -> bool:
    """Whether another writer was in the way and is not any more, as after a deadlock."""
    return is_conflict(error) and not any(_numbers(one) & _WAITED_IN_VAIN for one in _behind(error))


def is_failure(error: BaseException) -> bool:
    """Whether the database failed, and not whoever asked it."""
    return isinstance(error, Unknown) or (isinstance(error, DBAPIError) and not isinstance(error, _ASKERS))


def _is_anothers_doing(error: DBAPIError) -> bool:
    if hasattr(error.orig, "sqlite_errorcode"):
        return False
    return bool(_numbers(error) & _UNDONE) or isinstance(error, IntegrityError)


def _numbers(error: DBAPIError) -> set[object]:
    """PostgreSQL's SQLSTATE or MariaDB's number; newer drivers of MariaDB tell a SQLSTATE beside the number."""
    return {getattr(error.orig, "sqlstate", None), *getattr(error.orig, "args", ())[:1]}


def _behind(error: BaseException | None) -> Iterator[DBAPIError]:
    """The errors of the database behind an error: after a deadlock MariaDB refuses even the ROLLBACK TO SAVEPOINT."""
    while error is not None:
        if isinstance(error, DBAPIError):
            yield error
        error = error.__context__
