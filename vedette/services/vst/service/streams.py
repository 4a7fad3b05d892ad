"""The streams of all sensors and the rule by which each is recorded."""

from dataclasses import replace

from vedette.kernel.errors import not_found
from vedette.kernel.log import get_logger
from vedette.services.vst.model import Mode, RecordingRule, Stream, StreamKind
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.store import Store


class Streams:
    """What the store knows of streams, held in memory; every change is on the disk before it counts."""

    def __init__(self, parts: Parts) -> None:
        self._database = parts.database
        self._default = RecordingRule(Mode.ALWAYS if parts.settings.record else Mode.OFF)
        self._streams: dict[str, Stream] = {}

    async def load(self) -> None:
        """Reads them all, once, before anything asks."""
        found = await self._database.read(lambda connection: Store(connection).list_streams())
        self._streams = {stream.stream_id: stream for stream in found}

    def get(self, stream_id: str) -> Stream:
        """One stream; Fault 404 when there is none."""
        stream = self._streams.get(stream_id)
        if stream is None:
            raise not_found(f"There is no stream '{stream_id[:100]}'.", "CameraNotFoundError")
        return stream

    def find(self, stream_id: str) -> Stream | None:
        """One stream, or None."""
        return self._streams.get(stream_id)

    def all(self) -> list[Stream]:
        """All of them."""
        return list(self._streams.values())

    def of(self, sensor_id: str) -> list[Stream]:
        """The streams of a sensor, the main stream first."""
        mine = [stream for stream in self._streams.values() if stream.sensor_id == sensor_id]
        return sorted(mine, key=lambda stream: (stream.kind is not StreamKind.MAIN, stream.stream_id))

    def rule(self, stream: Stream) -> RecordingRule:
        """The rule somebody chose, else the node's: for the main stream `vst.record`, nothing for the others."""
        if stream.rule is not None:
            return stream.rule
        return self._default if stream.kind is StreamKind.MAIN else RecordingRule(Mode.OFF)

    async def set_rule(self, stream_id: str, rule: RecordingRule) -> Stream:
        """Another rule for a stream, from now on."""
        stream = await self.put(replace(self.get(stream_id), rule=rule))
        get_logger("vst").info("recording_rule", stream_id=stream_id, mode=str(rule.mode), by_hand=rule.by_hand)
        return stream

    async def put(self, stream: Stream) -> Stream:
        """Stores a stream that is new or has changed."""
        known = stream.stream_id in self._streams
        await self._database.write(
            lambda connection: (Store(connection).set_stream if known else Store(connection).add_stream)(stream),
            durable=True,
        )
        return self.note(stream)

    async def remove(self, stream_id: str) -> None:
        """Forgets one stream; what was recorded of it stays."""
        self.get(stream_id)
        await self._database.write(lambda connection: Store(connection).delete_stream(stream_id), durable=True)
        self._streams.pop(stream_id, None)

    def note(self, stream: Stream) -> Stream:
        """A stream that was stored together with its sensor."""
        self._streams[stream.stream_id] = stream
        return stream

    def forget_sensor(self, sensor_id: str) -> list[Stream]:
        """A sensor was deleted from the store, its streams with it; returns them."""
        gone = self.of(sensor_id)
        for stream in gone:
            del self._streams[stream.stream_id]
        return gone
