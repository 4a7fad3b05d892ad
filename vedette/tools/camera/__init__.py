"""`vedette camera`: video files and the synthetic scene as cameras on a network, with faults on demand.

Demonstrations, benches and tests use it as their cameras. A control line on standard input, when that is a pipe, is one
JSON object: `{"command": "stall" | "drop" | "refuse" | "resume", "name": "scene"}`, without name for all of them.
"""

from vedette.tools.camera.feed import OpenSource
from vedette.tools.camera.openers import SCENE, named_sources, open_file, open_scene
from vedette.tools.camera.options import add_options, serve
from vedette.tools.camera.orders import FaultOrder
from vedette.tools.camera.presence import Presence
from vedette.tools.camera.rack import Camera, Device

__all__ = [
    "SCENE",
    "Camera",
    "Device",
    "FaultOrder",
    "OpenSource",
    "Presence",
    "add_options",
    "named_sources",
    "open_file",
    "open_scene",
    "serve",
]
