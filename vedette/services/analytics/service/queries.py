"""Questions about the past: histograms, counts of crossings, alerts, frames."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from vedette.kernel.clock import US_PER_SECOND, Clock, Instant
from vedette.kernel.database import Database
from vedette.kernel.errors import unprocessable
from vedette.schema.frame import FrameMessage
from vedette.services.analytics.core import buckets, tiers
from vedette.services.analytics.model.domain import (
    ALL_TYPES,
    Bin,
    Direction,
    Kind,
    Sensor,
    SeriesKey,
    StoredAlert,
    TierPoint,
)
from vedette.services.analytics.service.counting import Counting
from vedette.services.analytics.settings import AnalyticsSettings
from vedette.services.analytics.store.store import Store

MOST_BUCKETS = 20_000
_DAY_US = 86_400 * US_PER_SECOND
_DIRECTIONS = (str(Direction.IN), str(Direction.OUT))


class Window(NamedTuple):
    """`[start, end)` in µs and the size of its buckets."""

    start: Instant
    end: Instant
    bucket_us: int


@dataclass(frozen=True, slots=True)
class Types:
    """Which object types a reply lists: `*` alone, those that were seen, or named ones."""

    named: tuple[str, ...] = ()
    total: bool = False
    seen: bool = True

    def of(self, keys: Iterable[SeriesKey]) -> list[str]:
        """The types to list, given the series there are; `*` if there would be none."""
        seen = sorted({key.object_type for key in keys} - {ALL_TYPES}) if self.seen else []
        listed = [*([ALL_TYPES] if self.total else []), *self.named, *seen]
        return listed or [ALL_TYPES]


type ByType = dict[str, list[Bin]]


class Queries:
    """Use cases of reading. A window has at most `MOST_BUCKETS` buckets: Fault 422."""

    def __init__(self, settings: AnalyticsSettings, database: Database, counting: Counting, clock: Clock) -> None:
        self._settings, self._database, self._counting, self._clock = settings, database, counting, clock

    def automatic_bucket_us(self, length_us: int, count: int) -> int:
        """The bucket size for about so many buckets in a window of that length."""
        return buckets.automatic_size_us(length_us, count)

    async def fov(self, sensor: Sensor, window: Window, types: Types) -> ByType:
        """Objects in view per type and bucket."""
        return _occupancy(await self._points(sensor, Kind.FOV, window), window, types)

    async def rois(self, sensor: Sensor, roi_ids: Sequence[str], window: Window, *, types: Types) -> dict[str, ByType]:
        """Objects in each of the ROIs per type and bucket."""
        points = await self._points(sensor, Kind.ROI, window)
        return {roi_id: _occupancy(_of(points, roi_id), window, types) for roi_id in roi_ids}

    async def tripwires(
        self, sensor: Sensor, wire_ids: Sequence[str], window: Window, *, types: Types
    ) -> dict[str, dict[str, ByType]]:
        """Crossings of each of the wires per direction, type and bucket; one bin is the sum over its bucket."""
        points = await self._points(sensor, Kind.TRIPWIRE, window, _DIRECTIONS)
        return {wire_id: _crossings(_of(points, wire_id), window, types) for wire_id in wire_ids}

    async def alerts(
        self, sensor: Sensor, kind: Kind | None, *, start: Instant, end: Instant, limit: int
    ) -> list[StoredAlert]:
        """Alerts that held at some moment of the window, newest first."""
        return await self._database.read(
            lambda connection: Store(connection).list_alerts(
                sensor_id=sensor.sensor_id, kind=kind, start=start, end=end, limit=limit
            )
        )

    async def alert_count(self, sensor: Sensor, kind: Kind | None, *, start: Instant, end: Instant) -> int:
        """How many those are."""
        return await self._database.read(
            lambda connection: Store(connection).count_alerts(
                sensor_id=sensor.sensor_id, kind=kind, start=start, end=end
            )
        )

    def frames(self, sensor: Sensor, *, start: Instant, end: Instant, limit: int) -> list[FrameMessage]:
        """The newest frames of the window that are still in memory, in order of time."""
        kept = self._counting.recent.get(sensor.sensor_id, ())
        found = [payload for t, payload in kept if start <= t < end]
        return [self._counting.decode(payload) for payload in found[-limit:]]

    async def _points(
        self, sensor: Sensor, kind: Kind, window: Window, events: Sequence[str] = ("",)
    ) -> dict[SeriesKey, list[TierPoint]]:
        if (window.end - window.start) // window.bucket_us > MOST_BUCKETS:
            raise unprocessable(f"That is more than {MOST_BUCKETS} buckets. Ask for larger buckets or a shorter time.")
        pieces = tiers.cover(window.start, window.end, window.bucket_us, self._kept_since())
        return await self._database.read(
            lambda connection: Store(connection).list_points(
                sensor.sensor_id, kind, pieces, bucket_us=window.bucket_us, events=events
            )
        )

    def _kept_since(self) -> tuple[int, int, int]:
        now, settings = self._clock.now(), self._settings
        seconds, minutes = now - settings.seconds_kept_days * _DAY_US, now - settings.minutes_kept_days * _DAY_US
        return seconds, minutes, now - settings.hours_kept_days * _DAY_US


def _of(points: dict[SeriesKey, list[TierPoint]], object_id: str) -> dict[SeriesKey, list[TierPoint]]:
    return {key: values for key, values in points.items() if key.object_id == object_id}


def _bins(points: Iterable[TierPoint], window: Window) -> list[Bin]:
    return buckets.histogram(points, window.start, window.end, window.bucket_us)


def _occupancy(points: dict[SeriesKey, list[TierPoint]], window: Window, types: Types) -> ByType:
    by_type = {key.object_type: values for key, values in points.items()}
    frames = _bins(by_type.get(ALL_TYPES, ()), window)
    return {
        name: buckets.over_all_frames(_bins(by_type.get(name, ()), window), frames) if name != ALL_TYPES else frames
        for name in types.of(points)
    }


def _crossings(points: dict[SeriesKey, list[TierPoint]], window: Window, types: Types) -> dict[str, ByType]:
    listed = types.of(points)
    by_series = {(key.event, key.object_type): values for key, values in points.items()}
    return {event: {name: _bins(by_series.get((event, name), ()), window) for name in listed} for event in _DIRECTIONS}
