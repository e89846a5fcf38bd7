"""The plan of a storm: what its processes of customers have to know, in a file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bankd.store.customers import AccountRow

FILE = "plan.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """A storm in ``folder``: how its bank is reached, and who asks how much of it.

    ``crews`` has the numbers of the accounts in each process; those of ``programs`` use the client's library. Each
    customer asks for ``operations``, up to ``depth`` at a time. ``listeners`` have the newest notice of those accounts
    on which somebody listens.
    """

    folder: Path
    port: int
    pin: str
    ca: str
    identity: str
    seed: int
    operations: int
    depth: int
    rows: tuple[AccountRow, ...]
    crews: tuple[tuple[str, ...], ...]
    programs: frozenset[int]
    listeners: Mapping[str, int]

    @property
    def accounts(self) -> dict[str, AccountRow]:
        """All accounts by their numbers."""
        return {row.number: row for row in self.rows}

    def diary(self, crew: int) -> Path:
        """Where the diary of a process is."""
        return self.folder / f"diary-{crew}"

    @property
    def written(self) -> int:
        """How many octets are in all diaries."""
        return sum(path.stat().st_size for path in self.folder.glob("diary-*"))

    @property
    def over(self) -> Path:
        """A file that is there once everything was asked and answered."""
        return self.folder / "over"

    def write(self) -> None:
        """Put it into its file."""
        told = asdict(self) | {"folder": str(self.folder), "programs": sorted(self.programs)}
        (self.folder / FILE).write_text(json.dumps(told))


def load(folder: Path) -> Plan:
    """The plan in a folder."""
    told = json.loads((folder / FILE).read_text())
    told["rows"] = tuple(AccountRow(**row) for row in told["rows"])
    told["crews"] = tuple(tuple(crew) for crew in told["crews"])
    return Plan(**told | {"folder": folder, "programs": frozenset(told["programs"])})
