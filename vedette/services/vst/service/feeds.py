"""What runs: one task a stream that is read, started and stopped by its id."""

from dataclasses import dataclass, field

import anyio

from vedette.services.vst.service.camera import Camera


@dataclass(slots=True)
class _Feed:
    """A running camera loop."""

    camera: Camera
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)

    async def run(self) -> None:
        try:
            with self.scope:
                await self.camera.run()
        finally:
            self.ended.set()


class Feeds:
    """The loops of all streams that are read now."""

    def __init__(self) -> None:
        self._feeds: dict[str, _Feed] = {}
        self._group: anyio.abc.TaskGroup | None = None

    def attach(self, group: anyio.abc.TaskGroup) -> None:
        """Loops run in this group."""
        self._group = group

    def start(self, stream_id: str, camera: Camera) -> None:
        """Runs a camera until `stop`."""
        if self._group is None:
            raise RuntimeError("attach before starting")
        feed = self._feeds[stream_id] = _Feed(camera)
        self._group.start_soon(feed.run)

    async def stop(self, stream_id: str) -> Camera | None:
        """Ends a loop; when this returns nothing of it runs any more. None when there is none."""
        feed = self._feeds.pop(stream_id, None)
        if feed is None:
            return None
        feed.scope.cancel()
        await feed.ended.wait()
        return feed.camera

    def find(self, stream_id: str) -> Camera | None:
        """The camera loop of a stream, if it runs."""
        feed = self._feeds.get(stream_id)
        return None if feed is None else feed.camera
