"""How well the cameras come in: rates of each stream, measured over the last seconds; and what the machine uses."""

from collections import deque
from dataclasses import dataclass
from itertools import pairwise

import anyio

from vedette.kernel.clock import Instant
from vedette.services.vst.adapters import host
from vedette.services.vst.adapters.host import HostUse
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.sensors import Sensors
from vedette.services.vst.service.streams import Streams

_SAMPLES = 7


@dataclass(frozen=True, slots=True)
class _Sample:
    """A stream's counters at a monotonic time."""

    at: float
    units: int
    bytes: int


@dataclass(frozen=True, slots=True)
class StreamQuality:
    """Averages of the last `seconds`; `frames` is the total since the start, `error` empty while all is well."""

    name: str
    url: str
    at_us: Instant
    seconds: float
    fps: float
    frames: int
    kbps: float
    least_kbps: float
    most_kbps: float
    error: str


class Quality:
    """Call `sample` at regular times; `streams` tells the averages over the last half minute or so."""

    def __init__(self, parts: Parts, sensors: Sensors, streams: Streams) -> None:
        self._clock, self._sensors, self._streams = parts.clock, sensors, streams
        self._samples: dict[str, deque[_Sample]] = {}
        self._last: HostUse | None = None

    def sample(self) -> None:
        """Notes the counters of every stream that is read."""
        known = self._samples
        self._samples = {}
        for stream in self._streams.all():
            camera = self._sensors.find(stream.stream_id)
            if camera is not None:
                samples = known.get(stream.stream_id) or deque(maxlen=_SAMPLES)
                counters = camera.hub.counters
                samples.append(_Sample(self._clock.monotonic(), counters.units, counters.bytes))
                self._samples[stream.stream_id] = samples

    def streams(self, sensor_ids: list[str]) -> list[StreamQuality]:
        """The streams of these sensors that were read for long enough to tell."""
        found = []
        for stream in self._streams.all():
            samples = self._samples.get(stream.stream_id, ())
            if stream.sensor_id in sensor_ids and len(samples) >= 2:
                found.append(self._told(stream.stream_id, stream.url, list(samples)))
        return found

    async def host(self) -> tuple[HostUse, int]:
        """What the machine uses, and the share of its CPUs in percent since the last call, or since it started."""
        use = await anyio.to_thread.run_sync(host.look)
        last, self._last = self._last, use
        busy, total = (use.busy, use.total) if last is None else (use.busy - last.busy, use.total - last.total)
        return use, round(100 * busy / total) if total > 0 else 0

    def _told(self, stream_id: str, url: str, samples: list[_Sample]) -> StreamQuality:
        camera = self._sensors.find(stream_id)
        first, last = samples[0], samples[-1]
        rates = [_kbps(one, other) for one, other in pairwise(samples)]
        return StreamQuality(
            name=camera.sensor.name if camera is not None else "",
            url=url,
            at_us=self._clock.now(),
            seconds=last.at - first.at,
            fps=(last.units - first.units) / max(last.at - first.at, 1e-3),
            frames=last.units,
            kbps=_kbps(first, last),
            least_kbps=min(rates),
            most_kbps=max(rates),
            error=camera.status.reason if camera is not None else "",
        )


def _kbps(one: _Sample, other: _Sample) -> float:
    return (other.bytes - one.bytes) * 8 / 1000 / max(other.at - one.at, 1e-3)
