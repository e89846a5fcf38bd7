"""A file that is there whole or not at all, and never in the place of another."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TextIO

from bankd.client import words


class NotWritten(Exception):
    """There is no new file; the message says why."""


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """What becomes the file at ``path`` when the block ends well; only its owner may read it. Raises NotWritten.

    Until then it has another name in the same folder, beginning with ``.bankd-``, which is taken away when the block
    fails.
    """
    try:
        if os.path.lexists(path):
            raise FileExistsError
        with _unnamed(path.parent) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            path.open("x").close()  # whoever made a file of this name meanwhile keeps theirs
            os.replace(file.name, path)
    except FileExistsError:
        raise NotWritten(words.exists(path)) from None
    except OSError as error:
        raise NotWritten(words.cannot_be_written(path, error.strerror or "")) from None


@contextmanager
def _unnamed(folder: Path) -> Iterator[TextIO]:
    """A file in ``folder`` that is gone afterwards, unless it got another name."""
    with NamedTemporaryFile("w", dir=folder, prefix=".bankd-", encoding="utf-8", newline="", delete=False) as file:
        try:
            yield file  # type: ignore[misc]  # it has all that a TextIO has
        finally:
            Path(file.name).unlink(missing_ok=True)
