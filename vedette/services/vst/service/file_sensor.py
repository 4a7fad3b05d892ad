"""A sensor that is an uploaded file: it has footage like any other, and nothing ever connects to it."""

from dataclasses import replace
from typing import override

from vedette.services.vst.model import CameraStatus
from vedette.services.vst.service.camera import Camera


class FileSensor(Camera):
    """Stands where a camera stands, so that lists, permissions and deletion treat both alike."""

    @property
    @override
    def status(self) -> CameraStatus:
        """Always there, never live."""
        return replace(super().status, state="online", health="online", code="", reason="", relay_url="")

    @override
    async def run(self) -> None:
        """Nothing to connect to."""
