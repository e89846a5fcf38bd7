"""What all who live in a simulated world have part in."""

from dataclasses import dataclass
from typing import Any

from bankd.simulation.network import Network
from bankd.simulation.site import Ground
from bankd.simulation.witness import Witness
from bankd.simulation.world import World


@dataclass(slots=True)
class Scene:
    """What all have part in."""

    world: World
    network: Network
    ground: Ground
    witness: Witness
    trust: Any
    calm: bool = False
