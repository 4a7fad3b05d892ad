"""How long the disk lasts, what each stream takes, and what another policy would delete: read from the ledger, so that
millions of segments are never looked at one by one."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from vedette.kernel.clock import US_PER_SECOND, Instant
from vedette.kernel.database import Transaction
from vedette.services.vst.core import ageing, forecast
from vedette.services.vst.core.ageing import Holding
from vedette.services.vst.core.forecast import DAY_S, Loss, Stretch
from vedette.services.vst.core.space import Space
from vedette.services.vst.core.timeline import Span
from vedette.services.vst.model import MAIN_VOLUME, Head
from vedette.services.vst.service.parts import Parts
from vedette.services.vst.service.policy import Limits
from vedette.services.vst.service.tiers import Tiers
from vedette.services.vst.store import CoverageStore, StorageStore, Store
from vedette.services.vst.store.volumes import VolumeStore

_DAY_US = DAY_S * US_PER_SECOND
_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class StreamOutlook:
    """What a stream takes and how fast it grows."""

    stream_id: str
    bytes: int
    bytes_per_day: float
    oldest_us: Instant | None
    protected_bytes: int


@dataclass(frozen=True, slots=True)
class VolumeState:
    """One of the places where footage lies. Sizes are 0 while it is away."""

    name: str
    tier: int
    connected: bool
    total_bytes: int
    free_bytes: int
    used_bytes: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """A forecast under some limits. Days are None while nothing is recorded."""

    volumes: tuple[VolumeState, ...]
    bytes_per_day: float
    days_remaining: float | None
    retention_days: float | None
    streams: tuple[StreamOutlook, ...]
    losses: tuple[Loss, ...]

    @property
    def oldest_us(self) -> Instant | None:
        """Where the oldest footage begins."""
        return min((item.oldest_us for item in self.streams if item.oldest_us is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Stock:
    outlook: StreamOutlook
    holding: Holding[Stretch]


class Forecasts:
    """Reads only."""

    def __init__(self, parts: Parts, tiers: Tiers | None = None) -> None:
        self._database, self._folder, self._clock = parts.database, parts.folder, parts.clock
        self._tiers = tiers

    async def outlook(self, limits: Limits) -> Outlook:
        """What is to be expected if these limits held from now on."""
        space = await self._folder.run(disk_space, str(self._folder.root))
        outlook = await self._database.read(lambda connection: self._outlook(connection, space, limits))
        return outlook if self._tiers is None else replace(outlook, volumes=await self._volumes(outlook.volumes[0]))

    async def _volumes(self, main: VolumeState) -> tuple[VolumeState, ...]:
        """All volumes; what lies on tiers is not on the main one."""
        if self._tiers is None:
            return (main,)
        stock = await self._database.read(lambda connection: VolumeStore(connection).list_stock())
        found = [replace(main, used_bytes=main.used_bytes - sum(stock.values()))]
        for number, name in enumerate(self._tiers.names[1:], start=1):
            space = await self._tiers.space(name) or Space(0, 0)
            used = sum(octets for (volume, _), octets in stock.items() if volume == name)
            is_there = not self._tiers.reasons[name]
            found.append(VolumeState(name, number, is_there, space.total_bytes, space.free_bytes, used))
        return tuple(found)

    def _outlook(self, connection: Transaction, space: Space, limits: Limits) -> Outlook:
        now_us = self._clock.now()
        stocks = [_stock(connection, head, now_us) for head in CoverageStore(connection).list_heads() if head.segments]
        used, rate = sum(item.holding.bytes for item in stocks), sum(item.holding.bytes_per_s for item in stocks)

        def select(holdings: Sequence[Holding[Stretch]]) -> list[Stretch]:
            return ageing.select(holdings, limits.policy, now_us=now_us, space=space)

        limit_us, cutoff_us = ageing.age_edges(limits.policy, now_us)
        coarse = [
            item
            for stock in stocks
            for item in stock.holding.oldest
            if item.segments > 1 and item.start_us < cutoff_us and item.end_us > limit_us
        ]
        chosen = _refined(connection, _apart(connection, [item.holding for item in stocks], coarse), select)
        return Outlook(
            volumes=(VolumeState(MAIN_VOLUME, 0, True, space.total_bytes, space.free_bytes, used),),
            bytes_per_day=rate * DAY_S,
            days_remaining=forecast.days_remaining(limits.policy, space, used_bytes=used, rate=rate),
            retention_days=forecast.retention_days(limits.policy, space, used_bytes=used, rate=rate),
            streams=tuple(item.outlook for item in stocks),
            losses=tuple(forecast.losses(chosen)),
        )


def disk_space(path: str) -> Space:
    """A disk as it is now. Blocking."""
    disk = os.statvfs(path)
    return Space(disk.f_blocks * disk.f_frsize, disk.f_bavail * disk.f_frsize, disk.f_files, disk.f_favail)


def _stock(connection: Transaction, head: Head, now_us: Instant) -> _Stock:
    coverage, store = CoverageStore(connection), StorageStore(connection)
    first = store.list_from(head.stream_id, 0, 1 << 62, limit=1)
    oldest_us = first[0].start_us if first else None
    entries = coverage.list_entries(head.stream_id, oldest_us or 0, 1 << 62)
    protected = [Span(item.start_us, item.end_us) for item in store.list_protections(head.stream_id)]
    whole, broken = forecast.stretches(entries, protected)
    for span in broken:
        whole += _singles(connection, head.stream_id, span)
    whole.sort(key=lambda item: item.start_us)
    protected_bytes = head.bytes - sum(item.bytes for item in whole) if protected else 0
    recent = coverage.list_entries(head.stream_id, now_us - _DAY_US, now_us)
    rate = forecast.bytes_per_s(recent, now_us=now_us, window_us=_DAY_US)
    outlook = StreamOutlook(head.stream_id, head.bytes, rate * DAY_S, oldest_us, protected_bytes)
    return _Stock(outlook, Holding(head.stream_id, head.bytes, whole, bytes_per_s=rate))


def _refined(
    connection: Transaction,
    holdings: list[Holding[Stretch]],
    select: Callable[[Sequence[Holding[Stretch]]], list[Stretch]],
) -> list[Stretch]:
    """What is selected, exact to the segment: where an hour was selected last, it is taken apart and asked again."""
    chosen = select(holdings)
    for _ in range(_ROUNDS):
        coarse = forecast.last_of_each(chosen)
        if not coarse:
            break
        holdings = _apart(connection, holdings, coarse)
        chosen = select(holdings)
    return chosen


def _apart(
    connection: Transaction, holdings: list[Holding[Stretch]], coarse: Sequence[Stretch]
) -> list[Holding[Stretch]]:
    """The holdings with some hours replaced by their segments."""
    for item in coarse:
        singles = _singles(connection, item.stream_id, Span(item.start_us, item.end_us))
        holdings = [_with(holding, item, singles) for holding in holdings]
    return holdings


def _with(holding: Holding[Stretch], item: Stretch, singles: list[Stretch]) -> Holding[Stretch]:
    if holding.stream_id != item.stream_id:
        return holding
    parts = [piece for stretch in holding.oldest for piece in (singles if stretch == item else [stretch])]
    return Holding(holding.stream_id, holding.bytes, parts, bytes_per_s=holding.bytes_per_s)


def _singles(connection: Transaction, stream_id: str, span: Span) -> list[Stretch]:
    """The segments that lie in a span as a whole."""
    found = Store(connection).list_segments(stream_id, span.start_us, span.end_us)
    return [
        forecast.stretch_of(segment)
        for segment in found
        if segment.start_us >= span.start_us and segment.end_us <= span.end_us
    ]
