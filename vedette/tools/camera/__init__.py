"""`vedette camera`: video files and the synthetic scene as cameras on a network, with faults on demand.

Demonstrations, benches and tests use it as their cameras. A control line on standard input, when that is a pipe, is one
JSON object: `{"command": "stall" | "drop" | "refuse" | "resume", "name": "scene"}`, without name for all of them.
"""

from vedette.tools.camera.openers import SCENE, Opener, OpenLoop, OpenReel, named_sources, open_file, open_scene
from vedette.tools.camera.options import add_options, serve
from vedette.tools.camera.orders import FaultOrder
from vedette.tools.camera.presence import Presence
from vedette.tools.camera.rack import Camera, Device
from vedette.tools.camera.reel import Shelf
from vedette.tools.camera.spec import StreamSpec
from vedette.tools.camera.stamp import Stamp, read_stamp

__all__ = [
    "SCENE",
    "Camera",
    "Device",
    "FaultOrder",
    "OpenLoop",
    "OpenReel",
    "Opener",
    "Presence",
    "Shelf",
    "Stamp",
    "StreamSpec",
    "add_options",
    "named_sources",
    "open_file",
    "open_scene",
    "read_stamp",
    "serve",
]
