"""The files that the system lets this process have open at a time: how many, and how many connections that makes.

Every connection is one, and so is every connection to the database, the log, and each port that is listened on. When
there are none left the bank can neither accept nor store; so connections are limited to less.
"""

import resource

RESERVE = 192
"""Descriptors kept for everything that is no connection (64 would do), and for connections that are just closing."""

MOST = 65_536
"""Descriptors that we ask for where the system would give more: connections for some 1.7 GB of memory."""


class TooFew(Exception):
    """The system does not let this process have so many files open."""


def raise_limit() -> int:
    """Have as many descriptors as we may, but not more than MOST; how many connections that makes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return (MOST if soft == resource.RLIM_INFINITY else soft) - RESERVE
