"""Every operation that faults are tried on, by name."""

from scenes_receiver import RECEIVER
from scenes_sender import SENDER
from scenes_upkeep import UPKEEP

SCENES = {scene.name: scene for scene in (*SENDER, *RECEIVER, *UPKEEP)}
