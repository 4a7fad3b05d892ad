"""What runs: a loop for each stream that is read, dialled at the address just checked, recorded as was decided."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio

from vedette.kernel.errors import Fault
from vedette.kernel.log import get_logger
from vedette.media.source import Source
from vedette.media.sources import open_source
from vedette.services.vst.adapters.resolver import CameraDialler
from vedette.services.vst.core.address import dial_url
from vedette.services.vst.core.schedule import Decision
from vedette.services.vst.model import Cause, Credentials, Mode, RecordingRule, Sensor, Stream, StreamKind
from vedette.services.vst.service.camera import Camera
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.streams import Streams

type MakeCamera = Callable[[Sensor, Stream], Camera]
type Known = Callable[[str], tuple[Sensor, Credentials | None]]


@dataclass(slots=True)
class _Feed:
    """A running camera loop; `audio` says whether sound is asked for."""

    camera: Camera
    audio: bool
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)

    async def run(self) -> None:
        try:
            with self.scope:
                await self.camera.run()
        finally:
            self.ended.set()


class Feeds:
    """The loops of all streams that are read now. `known` gives a sensor by its id, with how it knows us."""

    def __init__(
        self, parts: Parts, streams: Streams, *, dialler: CameraDialler, make_camera: MakeCamera, known: Known
    ) -> None:
        self._parts, self._settings, self._streams = parts, parts.settings, streams
        self._dialler, self._make_camera, self._known = dialler, make_camera, known
        self._feeds: dict[str, _Feed] = {}
        self._unplugged: set[str] = set()
        self._group: anyio.abc.TaskGroup | None = None

    def attach(self, group: anyio.abc.TaskGroup) -> None:
        """Loops run in this group."""
        self._group = group

    def start(self, sensor: Sensor, stream: Stream) -> Camera:
        """Reads a stream until `stop`; it is recorded from the first decision on."""
        if self._group is None:
            raise RuntimeError("attach before starting")
        camera = self._make_camera(sensor, stream)
        camera.recorder.set_rule_state(False, Cause.STARTING)
        feed = self._feeds[stream.stream_id] = _Feed(camera, self._streams.rule(stream).audio)
        self._group.start_soon(feed.run)
        return camera

    async def stop(self, stream_id: str) -> None:
        """Ends a loop, if there is one; when this returns nothing of it runs any more."""
        feed = self._feeds.pop(stream_id, None)
        if feed is not None:
            feed.scope.cancel()
            await feed.ended.wait()

    async def end(self, stream_id: str, at_us: int) -> None:
        """Nothing reads a stream any more, and its ledger says that its sensor is gone."""
        await self.stop(stream_id)
        await self._parts.catalogue.set_absent(stream_id, at_us, Cause.SENSOR_REMOVED)
        self._parts.meters.forget(stream_id)

    def find(self, stream_id: str) -> Camera | None:
        """The camera loop of a stream, if it runs."""
        feed = self._feeds.get(stream_id)
        return None if feed is None else feed.camera

    def reconnect(self, sensor_id: str) -> None:
        """Dials all streams of a sensor at once, because something about it has changed."""
        for stream in self._streams.of(sensor_id):
            camera = self.find(stream.stream_id)
            if camera is not None:
                camera.reconnect()

    async def apply(self, stream: Stream, rule: RecordingRule, decision: Decision) -> None:
        """Records a stream or not, as it was decided. A sub stream is read only while that needs it."""
        pre_roll_s = rule.pre_roll_s if rule.mode is Mode.EVENT else 0.0
        if stream.kind is StreamKind.SUB:
            await self._set_read(stream, decision.wanted or pre_roll_s > 0)
        feed, cause = self._feeds.get(stream.stream_id), decision.cause or Cause.NOT_SCHEDULED
        if feed is None:
            await self._parts.catalogue.set_absent(stream.stream_id, self._parts.clock.now(), cause)
            return
        feed.camera.recorder.set_rule_state(decision.wanted, cause, pre_roll_s=pre_roll_s, audio=rule.audio)
        if feed.audio is not rule.audio:
            feed.audio = rule.audio
            feed.camera.reconnect()

    async def dial(self, stream_id: str) -> Source:
        """A source on a stream, at the address that was just checked."""
        stream, settings = self._streams.get(stream_id), self._settings
        if urlsplit(stream.url).hostname in self._unplugged:
            raise Fault("CommunicationError", 502, "The camera was unplugged by debug/unplug. Plug it in again there.")
        _, credentials = self._known(stream.sensor_id)
        where = dial_url(stream.url, await self._dialler.resolve(stream.url), credentials)
        return open_source(
            where,
            clock=self._parts.clock,
            transport=settings.transport,
            read_timeout_s=settings.read_timeout_s,
            open_timeout_s=settings.open_timeout_s,
            audio=self._streams.rule(stream).audio,
        )

    def is_unplugged(self, address: str) -> bool:
        """Whether the plug of the cameras at an address was pulled."""
        return address in self._unplugged

    def set_plugged(self, address: str, plugged: bool) -> None:
        """A drill: cameras at an address are not reached while unplugged."""
        (self._unplugged.discard if plugged else self._unplugged.add)(address)
        get_logger("vst").info("camera_drill", address=address, plugged=plugged)
        for stream in self._streams.all():
            if urlsplit(stream.url).hostname == address:
                self.reconnect(stream.sensor_id)

    async def _set_read(self, stream: Stream, wanted: bool) -> None:
        running = stream.stream_id in self._feeds
        if wanted and not running:
            self.start(self._known(stream.sensor_id)[0], stream)
        elif running and not wanted:
            await self.stop(stream.stream_id)
